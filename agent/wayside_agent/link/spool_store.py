"""A spool on disk, for one owner thread: append, read, acknowledge, evict. Blocking; see `link/spool.py`.

Order that makes it safe: a batch is written and synced, and only then in the index; a new segment is in the synced
directory before its first batch counts; the mark that counts evicted records is synced before their segment is removed.
The last segment is never removed: it remembers the sequence.
"""

import contextlib
import fcntl
import logging
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from wayside.errors import FailedPreconditionError, ResourceExhaustedError, WaysideError
from wayside_agent.core.spool_format import MAX_PAYLOAD_BYTES, Mark, SegmentName, frames, mark_frame, spool_key
from wayside_agent.link.segments import Segment, SegmentFile, found, sync_directory
from wayside_agent.ports.errors import DISK_FULL_ERRNOS, DeviceFaultError
from wayside_agent.ports.spools import SpoolRecord, SpoolState

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """What a spool may take."""

    max_bytes: int
    max_records: int
    segment_bytes: int
    """A segment is closed once it is this long; eviction removes whole segments."""

    @property
    def segment_records(self) -> int:
        """A segment is closed once it holds as many records, so that eviction stays an eighth of the whole."""
        return max(1, self.max_records // 8)


class SpoolStore:
    """The files of one spool."""

    def __init__(self, directory: Path, limits: SpoolLimits, sync: Callable[[int], None]) -> None:
        """Stores values; `sync` makes the content behind a file descriptor durable."""
        self.directory = directory
        self.spool_id = ""
        self.next_sequence = 1
        self.state = SpoolState(0, 0, 0, 0)
        self._limits = limits
        self._sync = sync
        self._segments: list[Segment] = []
        self._active: SegmentFile | None = None
        self._mark = Mark()
        self._torn_bytes = 0
        self._lock_descriptor = -1
        self._key = 0

    def open(self) -> None:
        """Takes the directory for this process and finds what is in it.

        Raises: FailedPreconditionError: another process holds it. DeviceFaultError: the disk refuses.
        """
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_directory(self.directory.parent)
            self._lock()
            self._recover()
        except OSError as exc:
            self.close()
            raise self._translated(exc, "opening it") from exc
        except WaysideError:
            self.close()
            raise

    def close(self) -> None:
        """Lets go of the files."""
        self._seal()
        if self._lock_descriptor >= 0:
            os.close(self._lock_descriptor)
            self._lock_descriptor = -1

    def check_fits(self, payloads: Sequence[bytes]) -> None:
        """Raises ResourceExhaustedError for payloads that would not fit into the empty spool."""
        where = f"spool {self.directory}"
        if max(map(len, payloads), default=0) > MAX_PAYLOAD_BYTES:
            raise ResourceExhaustedError(f"{where}: a record is longer than {MAX_PAYLOAD_BYTES} bytes; split it")
        size_bytes = sum(map(len, payloads))
        if size_bytes > self._limits.max_bytes or len(payloads) > self._limits.max_records:
            raise ResourceExhaustedError(
                f"{where}: {len(payloads)} records of {size_bytes} bytes exceed its limits of"
                f" {self._limits.max_records} records and {self._limits.max_bytes} bytes; raise them"
            )

    def append(self, payloads: Sequence[bytes]) -> int:
        """Makes the payloads durable in one batch and returns the sequence of the last.

        Raises: ResourceExhaustedError, DeviceFaultError: nothing was accepted.
        """
        records = frames(payloads, self.next_sequence, key=self._key)
        doomed = self._doomed(sum(map(len, records)), len(records))
        mark = self._mark_without(doomed)
        try:
            self._write_making_room(records, mark, doomed)
        except OSError as exc:
            raise self._translated(exc, f"appending {len(records)} records") from exc
        self.next_sequence += len(records)
        self._let_go(mark)
        return self.next_sequence - 1

    def read(self, after_sequence: int, max_count: int) -> tuple[SpoolRecord, ...]:
        """The oldest records behind a sequence; empty: there is none.

        Raises: DeviceFaultError: the disk refuses.
        """
        after = max(after_sequence, self._mark.given_up_through)
        for segment in self._segments:
            try:
                records = segment.read(after, max_count, key=self._key)
            except OSError as exc:
                raise self._translated(exc, "reading it") from exc
            if records:
                return records
        return ()

    def acknowledge(self, sequence: int) -> None:
        """Gives up every record up to a sequence. Losing this to a power cut means sending again, never losing."""
        through = min(sequence, self.next_sequence - 1)
        if through <= self._mark.given_up_through:
            return
        mark = Mark(through, self._mark.evicted_count)
        if self._active:
            with contextlib.suppress(OSError):
                self._active.write(mark_frame(mark, key=self._key), durable=False)
        self._let_go(mark)

    def _lock(self) -> None:
        self._lock_descriptor = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock_descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise FailedPreconditionError(
                f"spool {self.directory}: another process holds it; stop the other agent first", reason="SPOOL_HELD"
            ) from exc

    def _recover(self) -> None:
        held = found(self.directory)
        self.spool_id = held.spool_id or secrets.token_hex(8)
        self.next_sequence = held.next_sequence
        self._key = spool_key(self.spool_id)
        self._segments = list(held.segments)
        self._torn_bytes = held.damaged_bytes
        try:
            self._resume(held.mark, is_tail_torn=held.is_tail_torn)
        except OSError as exc:
            if exc.errno not in DISK_FULL_ERRNOS:
                raise
            logger.warning("Spool %s: disk full, nothing can be added until space is free", self.directory)
        self._let_go(held.mark)

    def _resume(self, mark: Mark, *, is_tail_torn: bool) -> None:
        """Goes on in the last segment; in a new one, which fixes the next sequence, where the tail is torn."""
        if self._segments and not is_tail_torn:
            self._active = SegmentFile(self._segments[-1], self._sync)
            return
        torn = self._segments[-1] if self._segments else None
        self._begin_segment((), mark)
        if torn:
            os.truncate(torn.path, torn.size_bytes)

    def _doomed(self, added_bytes: int, added_count: int) -> list[Segment]:
        """The oldest segments that must go so that a batch fits."""
        doomed: list[Segment] = []
        room_bytes = self._limits.max_bytes - added_bytes - self.state.size_bytes
        room_count = self._limits.max_records - added_count - self.state.record_count
        for segment in self._segments:
            if room_bytes >= 0 and room_count >= 0:
                break
            doomed.append(segment)
            room_bytes += segment.size_bytes
            room_count += segment.live_count(self._mark.given_up_through)
        return doomed

    def _mark_without(self, doomed: Sequence[Segment]) -> Mark:
        through = self._mark.given_up_through
        evicted = sum(segment.live_count(through) for segment in doomed)
        last = max((segment.sequences[-1] for segment in doomed if segment.sequences), default=0)
        return Mark(max(through, last), self._mark.evicted_count + evicted)

    def _write_making_room(self, records: Sequence[bytes], mark: Mark, doomed: Sequence[Segment]) -> None:
        try:
            self._write(records, mark, doomed)
        except OSError as exc:
            if exc.errno not in DISK_FULL_ERRNOS or not self._remove(doomed):
                raise
            self._let_go(mark)
            self._write(records, mark, doomed)

    def _write(self, records: Sequence[bytes], mark: Mark, doomed: Sequence[Segment]) -> None:
        active = self._active
        if active and not self._is_full(active.segment) and active.segment not in doomed:
            active.append(records, self.next_sequence, mark=mark_frame(mark, key=self._key) if doomed else b"")
            return
        self._seal()
        self._begin_segment(records, mark)

    def _is_full(self, segment: Segment) -> bool:
        limits = self._limits
        return segment.size_bytes >= limits.segment_bytes or len(segment.sequences) >= limits.segment_records

    def _begin_segment(self, records: Sequence[bytes], mark: Mark) -> None:
        index = self._segments[-1].name.index + 1 if self._segments else 1
        name = SegmentName(self.spool_id, index, self.next_sequence)
        file = SegmentFile(Segment(self.directory / str(name), name), self._sync)
        try:
            file.append(records, self.next_sequence, mark=mark_frame(mark, key=self._key))
            sync_directory(self.directory)
        except OSError:
            file.close()
            with contextlib.suppress(OSError):
                file.segment.path.unlink()
            raise
        self._segments.append(file.segment)
        self._active = file

    def _seal(self) -> None:
        if self._active:
            self._active.close()
            self._active = None

    def _let_go(self, mark: Mark) -> None:
        """Gives up what a mark, already written, says; removes the segments that hold nothing else."""
        self._mark = mark
        self._remove([segment for segment in self._segments if segment.live_count(mark.given_up_through) == 0])
        self.state = SpoolState(
            record_count=sum(segment.live_count(mark.given_up_through) for segment in self._segments),
            size_bytes=sum(segment.size_bytes for segment in self._segments),
            evicted_count=mark.evicted_count,
            torn_bytes=self._torn_bytes,
        )

    def _remove(self, segments: Sequence[Segment]) -> bool:
        """Removes segment files except the last of the spool, which remembers the sequence; whether any went."""
        gone = [segment for segment in self._segments[:-1] if segment in segments]
        for segment in gone:
            with contextlib.suppress(FileNotFoundError):
                segment.path.unlink()
        self._segments = [segment for segment in self._segments if segment not in gone]
        return bool(gone)

    def _translated(self, error: OSError, doing: str) -> WaysideError:
        if error.errno in DISK_FULL_ERRNOS:
            return ResourceExhaustedError(
                f"spool {self.directory}: disk full while {doing}; free space or raise the quota", reason="DISK_FULL"
            )
        return DeviceFaultError(f"spool {self.directory}: {doing} failed ({error.strerror}); check the disk")
