"""Segment files of a spool, for one owner thread: append, read, acknowledge, evict. Blocking; see `link/spool.py`.

Order that makes it safe: a batch is one write and one fdatasync, and only then in the index; a new segment is in the
directory, synced, before its first batch counts; an evicted segment is removed only after the mark that counts it.
"""

import contextlib
import logging
import os
import sys
from array import array
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from wayside_agent.core.spool_format import Mark, Scan, SegmentName, scanned, segment_name, spool_key
from wayside_agent.ports.spools import SpoolRecord

READ_BYTES = 1024 * 1024  # most that one read takes from disk, unless a single record is larger
GROWTH_BYTES = 64 * 1024  # zeroes written ahead of small batches

logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Segment:
    """One file and where its intact records lie."""

    path: Path
    name: SegmentName
    size_bytes: int = 0
    """Length of the file up to what is proven or durable; what follows is overwritten."""
    sequences: "array[int]" = field(default_factory=lambda: array("q"))
    starts: "array[int]" = field(default_factory=lambda: array("Q"))
    ends: "array[int]" = field(default_factory=lambda: array("Q"))

    def add(self, sequence: int, start: int, end: int) -> None:
        """Takes one record into the index."""
        self.sequences.append(sequence)
        self.starts.append(start)
        self.ends.append(end)

    def live_count(self, given_up_through: int) -> int:
        """Records behind a sequence."""
        return len(self.sequences) - bisect_right(self.sequences, given_up_through)

    def read(self, after_sequence: int, max_count: int, *, key: int) -> tuple[SpoolRecord, ...]:
        """Up to `max_count` records behind a sequence, about `READ_BYTES` at most."""
        first = bisect_right(self.sequences, after_sequence)
        last = min(first + max_count, len(self.sequences))
        if first >= last:
            return ()
        start = self.starts[first]
        last = max(first + 1, min(last, bisect_right(self.ends, start + READ_BYTES)))
        with self.path.open("rb") as file:
            content = os.pread(file.fileno(), self.ends[last - 1] - start, start)
        return tuple(SpoolRecord(span.sequence, span.payload) for span in scanned(content, key=key).records)


class SegmentFile:
    """The segment that is being written. Nothing is buffered here.

    Small batches are written into zeroes that are on disk already: a file that does not grow needs no journal commit at
    each sync. On ext4 on virtio that made 3,020 batches of 1 KB a second out of 256.
    """

    def __init__(self, segment: Segment, sync: Callable[[int], None]) -> None:
        """Opens, and makes if need be, the file without what is not proven in it; raises OSError."""
        self.segment = segment
        self._sync = sync
        self._length_bytes = segment.size_bytes
        self._descriptor = os.open(segment.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._cut()

    def close(self) -> None:
        """Gives the zeroes back and closes the file."""
        with contextlib.suppress(OSError):
            self._cut()
        os.close(self._descriptor)

    def append(self, records: Sequence[bytes], first_sequence: int, *, mark: bytes) -> None:
        """Makes the frames of consecutive records durable behind a mark; raises OSError and then took none."""
        start = self.segment.size_bytes + len(mark)
        self.write(mark + b"".join(records), durable=True)
        for sequence, record in enumerate(records, first_sequence):
            self.segment.add(sequence, start, start + len(record))
            start += len(record)

    def write(self, content: bytes, *, durable: bool) -> None:
        """Appends bytes whole or, when it raises OSError, not at all."""
        end = self.segment.size_bytes + len(content)
        is_growing = durable and end > self._length_bytes and len(content) < GROWTH_BYTES // 4
        try:
            self._write_at(self.segment.size_bytes, content + bytes(GROWTH_BYTES) if is_growing else content)
            if durable:
                self._sync(self._descriptor)
        except OSError:
            with contextlib.suppress(OSError):
                self._cut()
            raise
        self.segment.size_bytes = end

    def _write_at(self, offset: int, content: bytes) -> None:
        view = memoryview(content)
        while view:
            written = os.pwrite(self._descriptor, view, offset)
            offset += written
            view = view[written:]
        self._length_bytes = max(self._length_bytes, offset)

    def _cut(self) -> None:
        os.ftruncate(self._descriptor, self.segment.size_bytes)
        self._length_bytes = self.segment.size_bytes


def sync_directory(path: Path) -> None:
    """Makes creations and removals in a directory durable; raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Found:
    """What a directory held when it was opened."""

    spool_id: str
    """Empty: a new spool."""
    segments: tuple[Segment, ...]
    mark: Mark
    next_sequence: int
    damaged_bytes: int
    is_tail_torn: bool


def found(directory: Path) -> Found:
    """The spool in a directory, whatever a power cut or a worn flash left of it; raises OSError.

    What is damaged is passed over and logged in one sentence. Files of another spool are left alone.
    """
    names = _names(directory)
    segments: list[Segment] = []
    mark = Mark()
    damaged_bytes = lost_frame_count = 0
    for name, following in zip_longest(names, names[1:]):
        # one at a time: the payloads of a whole spool do not fit into the agent's memory
        scan = scanned((directory / str(name)).read_bytes(), key=spool_key(name.spool_id))
        segments.append(_segment(directory / str(name), name, scan, following))
        mark = _merged(mark, scan.mark)
        damaged_bytes += scan.damaged_bytes
        lost_frame_count = scan.lost_frame_count
    if damaged_bytes:
        logger.warning("Spool %s: passed over %d damaged bytes, kept all that is intact", directory, damaged_bytes)
    return Found(
        spool_id=names[-1].spool_id if names else "",
        segments=tuple(segments),
        mark=mark,
        # a torn frame may have been sent before it was damaged: its number is not given out again
        next_sequence=_next_sequence(segments, mark) + lost_frame_count,
        damaged_bytes=damaged_bytes,
        is_tail_torn=lost_frame_count > 0,
    )


def _names(directory: Path) -> list[SegmentName]:
    names = [name for path in directory.iterdir() if (name := segment_name(path.name))]
    names.sort(key=lambda name: name.index)
    return [name for name in names if name.spool_id == names[-1].spool_id]


def _segment(path: Path, name: SegmentName, scan: Scan, following: SegmentName | None) -> Segment:
    # a batch that failed may have left frames behind whose sequences the next segment gave out again
    limit = following.first_sequence if following else sys.maxsize
    segment = Segment(path, name, scan.end)
    for record in scan.records:
        if name.first_sequence <= record.sequence < limit:
            segment.add(record.sequence, record.start, record.end)
    return segment


def _merged(mark: Mark, other: Mark | None) -> Mark:
    if other is None:
        return mark
    return Mark(max(mark.given_up_through, other.given_up_through), max(mark.evicted_count, other.evicted_count))


def _next_sequence(segments: Sequence[Segment], mark: Mark) -> int:
    known = [mark.given_up_through + 1]
    known += [segment.name.first_sequence for segment in segments]
    known += [segment.sequences[-1] + 1 for segment in segments if segment.sequences]
    return max(known)
