"""What the receiver says, and what CAN buses carry, for some time: taken from the running agent, not from the devices.

Frames wait in a bounded queue for the disk; what does not fit is counted, not kept.

**Tested with:** the simulators; the candump file is read again by `replay` and by can-utils' format.
**Source:** `core.can_log` (candump -l); JSON Lines.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec

from wayside_agent.core.can_log import candump_line
from wayside_agent.core.fix import Fix, FixMode
from wayside_agent.core.frames import FrameBatch
from wayside_agent.core.job import RefusedError
from wayside_agent.core.job_work import CanSnapshot, GnssSnapshot
from wayside_agent.drivers.files import disk_errors, spare_bytes
from wayside_agent.ports.jobs import Assignment, Progress, Yield

FrameTap = Callable[[str, FrameBatch], None]
FixTap = Callable[[Fix], None]
CAN_FILE, GNSS_FILE = "can.candump", "gnss.jsonl"
MAX_WAITING_FRAMES = 50_000
"""Some seconds of a full bus, about 1 MB."""
_TURN_S = 0.25
_MAX_FIXES = 20_000


class GnssSnapshotWorker:
    """Writes each epoch of the receiver."""

    def __init__(self, tap: Callable[[FixTap], AbstractContextManager[None]] | None) -> None:
        """Stores values; `tap` is `None` where there is no receiver."""
        self._tap = tap

    async def work(self, assignment: Assignment[GnssSnapshot]) -> Yield:
        """See `ports.jobs.Worker`."""
        if self._tap is None:
            raise RefusedError("the unit has no satellite receiver")
        fixes: deque[Fix] = deque(maxlen=_MAX_FIXES)
        with self._tap(fixes.append):
            await _passed(assignment.work.duration_s, assignment.progress)
        lines = [msgspec.json.encode(fix) + b"\n" for fix in fixes]
        kept = _fitting(lines, assignment.max_bytes)
        await asyncio.to_thread((assignment.folder / GNSS_FILE).write_bytes, b"".join(kept))
        good = sum(fix.mode is not FixMode.NONE for fix in fixes)
        result = {"epoch_count": len(fixes), "fix_count": good, "is_cut": len(kept) < len(lines)}
        return Yield(f"{len(fixes)} epochs, {good} with a fix", result, (GNSS_FILE,) if kept else ())


class CanSnapshotWorker:
    """Writes each frame of a bus, or of all."""

    def __init__(self, tap: Callable[[FrameTap], AbstractContextManager[None]], buses: Iterable[str]) -> None:
        self._tap = tap
        self._buses = frozenset(buses)

    async def work(self, assignment: Assignment[CanSnapshot]) -> Yield:
        """See `ports.jobs.Worker`."""
        asked = assignment.work
        if not self._buses or (asked.bus and asked.bus not in self._buses):
            has = ", ".join(sorted(self._buses)) or "none"
            raise RefusedError(f"the unit has no CAN bus {asked.bus[:80]!r}; it has {has}")
        room_bytes = await asyncio.to_thread(spare_bytes, assignment.folder)
        recording = _Recording(asked.bus, assignment.folder / CAN_FILE, min(assignment.max_bytes, room_bytes))
        with self._tap(recording.take):
            await _passed(asked.duration_s, assignment.progress, each=recording.write)
        await recording.write()
        result = {
            "frame_count": recording.frame_count,
            "dropped_count": recording.dropped_count,
            "size_bytes": recording.size_bytes,
            "is_cut": recording.is_full,
        }
        files = (CAN_FILE,) if recording.frame_count else ()
        return Yield(f"{recording.frame_count} frames, {recording.dropped_count} dropped", result, files)


class _Recording:
    """Frames on their way into a file."""

    def __init__(self, bus: str, path: Path, max_bytes: int) -> None:
        self._bus = bus
        self._path = path
        self._max_bytes = max_bytes
        self._waiting: deque[tuple[str, FrameBatch]] = deque()
        self._waiting_count = 0
        self.frame_count = self.dropped_count = self.size_bytes = 0
        self.is_full = False

    def take(self, bus: str, batch: FrameBatch) -> None:
        """Takes a batch; called for every batch of every bus."""
        if self._bus and bus != self._bus:
            return
        if self.is_full or self._waiting_count + len(batch) > MAX_WAITING_FRAMES:
            self.dropped_count += len(batch)
            return
        self._waiting.append((bus, batch))
        self._waiting_count += len(batch)

    async def write(self) -> None:
        """Writes what waits."""
        batches, self._waiting, self._waiting_count = self._waiting, deque(), 0
        if batches:
            await asyncio.to_thread(self._write, batches)

    def _write(self, batches: Iterable[tuple[str, FrameBatch]]) -> None:
        with disk_errors(self._path), self._path.open("ab") as file:
            for bus, batch in batches:
                for time_ns, frame in zip(batch.times_ns, batch.structs(), strict=True):
                    line = candump_line(time_ns, bus, frame).encode()
                    self.is_full = self.is_full or self.size_bytes + len(line) > self._max_bytes
                    if self.is_full:
                        self.dropped_count += 1
                        continue
                    self.size_bytes += file.write(line)
                    self.frame_count += 1


async def _nothing() -> None:
    pass


async def _passed(duration_s: float, progress: Progress, *, each: Callable[[], Awaitable[None]] = _nothing) -> None:
    """Lets a time pass, and does something a few times a second."""
    loop = asyncio.get_running_loop()
    begin_s = loop.time()
    while (left_s := begin_s + duration_s - loop.time()) > 0:
        await asyncio.sleep(min(left_s, _TURN_S))
        await each()
        progress(int(100 * (1 - left_s / duration_s)), "recording")


def _fitting(lines: list[bytes], max_bytes: int) -> list[bytes]:
    """As many lines from the beginning as fit."""
    size_bytes, kept = 0, []
    for line in lines:
        size_bytes += len(line)
        if size_bytes > max_bytes:
            break
        kept.append(line)
    return kept
