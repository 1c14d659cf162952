"""How much memory a daemon and the processes it starts have at their peak, read from `/proc` while they live."""

import contextlib
import threading
from pathlib import Path
from typing import Self

LOOK_S = 0.01
KIBIBYTE = 1024


class Peaks:
    """The peaks of a process and of its children, until the process ends or the look does.

    Usage: `with Peaks(pid) as peaks: ...`; then `peaks.daemon_bytes`, `peaks.helper_bytes`.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True, name="peaks")
        self.daemon_bytes = 0
        """Largest resident size of the process since the look began."""
        self.helper_bytes = 0
        """Largest one of a child."""

    def __enter__(self) -> Self:
        Path(f"/proc/{self._pid}/clear_refs").write_text("5")  # the peak begins anew, see proc(5)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._is_over.wait(LOOK_S):
            self.daemon_bytes = max(self.daemon_bytes, _peak_bytes(self._pid))
            for child in _children(self._pid):
                self.helper_bytes = max(self.helper_bytes, _peak_bytes(child))


def memory_bytes(pid: int) -> dict[str, int]:
    """What the kernel says of the memory of a process, such as `Rss` and `Pss`."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {line.split(":")[0]: int(line.split()[1]) * KIBIBYTE for line in lines if line.endswith("kB")}


def _children(pid: int) -> list[int]:
    """Children of all threads of a process; none of one that is gone."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):  # a thread that is gone
                found += map(int, (task / "children").read_text().split())
    return found


def _peak_bytes(pid: int) -> int:
    """Largest resident size so far; 0: the process is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * KIBIBYTE
    return 0
