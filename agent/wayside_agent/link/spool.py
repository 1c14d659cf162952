"""The durable queue of what is owed upstream: `ports.Spool` over segment files.

One thread owns the files. Appends that arrive while it syncs share the next write and the next fdatasync, so a hundred
callers cost one flash page. What `append` returned survives kill -9 and power loss.

    async with FileSpool(directory, max_bytes=64 * 1024 * 1024) as spool:
        sequence = await spool.append([payload])
        records = await spool.read(0, max_count=20)
        await spool.acknowledge(records[-1].sequence)

Measured: `make bench NAME=spool`.
"""

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from wayside_agent.core.recent_max import RecentMax
from wayside_agent.link.spool_store import SpoolLimits, SpoolStore
from wayside_agent.ports.spools import SpoolRecord, SpoolState

GROUP_BYTES = 256 * 1024  # measured-agent.md (f): a longer batch gains nothing and delays the others
MAX_SEGMENT_BYTES = 1024 * 1024
MIN_SEGMENT_BYTES = 4096

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Request:
    """One append that waits for the owner."""

    build: Callable[[int], Sequence[bytes]]
    done: "Future[int]" = field(default_factory=Future)


class FileSpool:
    """A durable, bounded queue in a directory of its own, for one process."""

    def __init__(
        self,
        directory: Path,
        *,
        max_bytes: int = 64 * 1024 * 1024,
        max_records: int = 100_000,
        segment_bytes: int = 0,
        sync: Callable[[int], None] = os.fdatasync,
    ) -> None:
        """Stores values.

        Args:
            directory: Made, mode 0700, if need be. Holds nothing else.
            max_bytes: Size of the records; the oldest segment goes when a batch would exceed it. The disk holds up to
                64 KiB more, written ahead.
            max_records: Records that wait; the oldest segment goes when a batch would exceed it.
            segment_bytes: Length at which a segment is closed; 0: an eighth of `max_bytes`, 4 KiB to 1 MiB.
            sync: Makes the content behind a file descriptor durable. Another one serves disks that need more than
                fdatasync, and tests.
        """
        eighth_bytes = min(max(max_bytes // 8, MIN_SEGMENT_BYTES), MAX_SEGMENT_BYTES)
        self._store = SpoolStore(directory, SpoolLimits(max_bytes, max_records, segment_bytes or eighth_bytes), sync)
        self._requests: deque[_Request] = deque()
        self._append_s = RecentMax()
        self._writing_mono_s: float | None = None

    async def __aenter__(self) -> Self:
        """Takes the directory and finds what it holds.

        Raises: FailedPreconditionError: another process holds it. DeviceFaultError: the disk refuses.
        """
        self._loop = asyncio.get_running_loop()
        self._grown = asyncio.Event()
        self._owner = ThreadPoolExecutor(1, thread_name_prefix=f"spool-{self._store.directory.name}")
        try:
            await self._owned(self._store.open)
        except BaseException:  # cancelled while the owner opens it: it must not stay taken
            self._owner.submit(self._store.close)
            self._owner.shutdown(wait=False)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finishes the appends under way and lets go of the directory."""
        self._owner.submit(self._store.close)
        await asyncio.to_thread(self._owner.shutdown)

    @property
    def spool_id(self) -> str:
        """Identity the sequence numbers count in; a new spool has a new one."""
        return self._store.spool_id

    async def append(self, payloads: Sequence[bytes]) -> int:
        """Makes the payloads durable and returns the sequence of the last; also when the caller is cancelled meanwhile.

        Raises:
            ResourceExhaustedError: the disk is full, or they exceed the limits; nothing was accepted.
            DeviceFaultError: the disk refuses; nothing was accepted.
        """
        return await self._appended(lambda _: payloads)

    async def append_built(self, build: Callable[[int], bytes]) -> int:
        """Makes one payload durable that carries its own sequence, and returns the sequence.

        `build` gets the sequence, runs in the owner's thread and may run again for another sequence.

        Raises: ResourceExhaustedError, DeviceFaultError: as `append`. Whatever `build` raises.
        """
        return await self._appended(lambda sequence: (build(sequence),))

    async def read(self, after_sequence: int, *, max_count: int) -> Sequence[SpoolRecord]:
        """The oldest records behind a sequence, about 1 MiB at most; waits until there is one.

        Raises: DeviceFaultError: the disk refuses.
        """
        while True:
            grown = self._grown
            if records := await self._owned(lambda: self._store.read(after_sequence, max_count)):
                return records
            await grown.wait()

    async def acknowledge(self, sequence: int) -> None:
        """Gives up every record up to a sequence: it is safe elsewhere.

        Survives kill -9 at once and power loss with the next append; until then the records may be read again.
        """
        await self._owned(lambda: self._store.acknowledge(sequence))

    def state(self) -> SpoolState:
        """The present fill. Damaged bytes are those found when it was opened."""
        now_s, begin_s = time.monotonic(), self._writing_mono_s
        recent = self._append_s if begin_s is None else self._append_s.after(now_s - begin_s, now_s)
        return replace(self._store.state, append_s=recent.value(now_s))

    async def _owned(self, work: Callable[[], T]) -> T:
        return await self._loop.run_in_executor(self._owner, work)

    async def _appended(self, build: Callable[[int], Sequence[bytes]]) -> int:
        request = _Request(build)
        self._requests.append(request)
        self._owner.submit(self._flush)
        return await asyncio.shield(asyncio.wrap_future(request.done))  # who stops to wait takes nothing back

    def _flush(self) -> None:
        """Writes everything that waits, up to a group; finds nothing when the flush before took it along."""
        waiting: list[tuple[_Request, int]] = []
        payloads: list[bytes] = []
        group_bytes = 0
        while self._requests and group_bytes < GROUP_BYTES:
            request = self._requests.popleft()
            if built := self._built(request, self._store.next_sequence + len(payloads)):
                payloads += built
                group_bytes += sum(map(len, built))
                waiting.append((request, self._store.next_sequence + len(payloads) - 1))
        if not payloads:
            return
        try:
            self._append(payloads)
        except Exception as exc:  # noqa: BLE001  # the callers await it: it is raised there
            for request, _ in waiting:
                request.done.set_exception(exc)
            return
        for request, sequence in waiting:
            request.done.set_result(sequence)
        self._loop.call_soon_threadsafe(self._wake)

    def _append(self, payloads: Sequence[bytes]) -> None:
        begin_s = self._writing_mono_s = time.monotonic()
        try:
            self._store.append(payloads)
        finally:
            self._writing_mono_s, now_s = None, time.monotonic()
            self._append_s = self._append_s.after(now_s - begin_s, now_s)

    def _built(self, request: _Request, sequence: int) -> Sequence[bytes]:
        """The payloads of a request; none when `build` failed."""
        try:
            payloads = request.build(sequence)
            self._store.check_fits(payloads)
        except Exception as exc:  # noqa: BLE001  # the caller awaits it: it is raised there
            request.done.set_exception(exc)
            return ()
        if not payloads:
            request.done.set_result(sequence - 1)
        return payloads

    def _wake(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()
