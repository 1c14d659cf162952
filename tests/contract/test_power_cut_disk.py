"""The disk of the power-cut matrix: what is not synced may be lost, torn or there; what is synced is there."""

import os
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from wayside_demo.power_cut.disk import Disk, EndedError

SEEDS = range(60)
OLD, NEW = b"old" * 700, b"new" * 900


def left(root: Path, act: Callable[[], None]) -> set[bytes | None]:
    """Everything that cuts after `act` leave of the file `x`; `None`: nothing."""
    found = set[bytes | None]()
    for seed in SEEDS:
        for path in root.iterdir():
            path.unlink()
        (root / "x").write_bytes(OLD)
        with Disk(root, lambda _: None) as disk:
            act()
            disk.cut(Random(seed))  # noqa: S311  # repeatable
        found.add((root / "x").read_bytes() if (root / "x").exists() else None)
    return found


def sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def test_content_that_is_not_synced_is_old_new_or_torn(tmp_path: Path) -> None:
    def act() -> None:
        (tmp_path / "x").write_bytes(NEW)

    found = left(tmp_path, act)
    assert {OLD, NEW} < found
    assert len(found) > 5


def test_content_that_is_synced_is_there(tmp_path: Path) -> None:
    def act() -> None:
        (tmp_path / "x").write_bytes(NEW)
        sync(tmp_path / "x")

    assert left(tmp_path, act) == {NEW}


@pytest.mark.parametrize("is_synced", [False, True], ids=["without-sync", "with-sync"])
def test_a_rename_without_a_sync_of_its_directory_may_be_lost(tmp_path: Path, *, is_synced: bool) -> None:
    def act() -> None:
        (tmp_path / "y").write_bytes(NEW)
        sync(tmp_path / "y")
        (tmp_path / "y").replace(tmp_path / "x")
        if is_synced:
            sync(tmp_path)

    assert left(tmp_path, act) == ({NEW} if is_synced else {OLD, NEW})


@pytest.mark.parametrize("is_synced", [False, True], ids=["without-sync", "with-sync"])
def test_a_removal_without_a_sync_of_its_directory_may_be_lost(tmp_path: Path, *, is_synced: bool) -> None:
    def act() -> None:
        (tmp_path / "x").unlink()
        if is_synced:
            sync(tmp_path)

    assert left(tmp_path, act) == ({None} if is_synced else {OLD, None})


def test_a_link_stays_a_link_and_is_never_torn(tmp_path: Path) -> None:
    found = set[str]()
    for seed in SEEDS:
        (tmp_path / "x").unlink(missing_ok=True)
        (tmp_path / "x").symlink_to("old")
        with Disk(tmp_path, lambda _: None) as disk:
            (tmp_path / "y").symlink_to("new")
            (tmp_path / "y").replace(tmp_path / "x")
            disk.cut(Random(seed))  # noqa: S311  # repeatable
        found.add(str((tmp_path / "x").readlink()))
        (tmp_path / "y").unlink(missing_ok=True)
    assert found == {"old", "new"}


def test_a_process_that_ends_in_a_write_has_written_half(tmp_path: Path) -> None:
    def at_step(operation: str) -> None:
        if operation == "write":
            raise EndedError

    with Disk(tmp_path, at_step), pytest.raises(EndedError):
        (tmp_path / "x").write_bytes(NEW)
    assert (tmp_path / "x").read_bytes() == NEW[: len(NEW) // 2]


def test_every_step_is_told(tmp_path: Path) -> None:
    steps: list[str] = []
    with Disk(tmp_path, steps.append):
        (tmp_path / "d").mkdir()
        (tmp_path / "d" / "x").write_bytes(NEW)
        sync(tmp_path / "d" / "x")
        (tmp_path / "d" / "x").rename(tmp_path / "d" / "y")
        (tmp_path / "d" / "y").unlink()
        (tmp_path / "d").rmdir()
    assert steps == ["mkdir", "create", "write", "sync", "rename", "unlink", "rmdir"]
