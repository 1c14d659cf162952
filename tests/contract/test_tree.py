"""Sizes of folders in which files come and go meanwhile."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from wayside_agent.drivers.tree import tree_bytes


@contextlib.contextmanager
def busy(folder: Path) -> Iterator[None]:
    """Files of a folder come and go, as those of a spool do, for one block."""
    ends = threading.Event()

    def work() -> None:
        while not ends.is_set():
            for each in range(50):
                (folder / str(each)).touch()
            for each in range(50):
                (folder / str(each)).unlink()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()


def test_files_that_go_while_a_tree_is_measured_harm_nothing(tmp_path: Path) -> None:
    (tmp_path / "stays").write_bytes(bytes(1000))
    with busy(tmp_path):
        for _ in range(50):
            assert tree_bytes(tmp_path) == 1000
