"""Bytes of a spool segment: frames of msgpack records, each proven by a CRC.

    segment = frame* zero*      file name: SPOOLID-INDEX-FIRSTSEQUENCE.seg
    frame   = "WSR1" | body length u32 LE | CRC-32 u32 LE | body
    body    = msgpack [sequence, payload]; sequence 0 is a mark: payload = msgpack [given up through, evicted count]

The CRC covers length and body and starts from the spool's identity: bytes that only look like a frame, because a
payload carries them or another spool wrote them, are not taken for one. What is not proven is never guessed.
Usage: `scanned(frame(1, b"x", key=k), key=k).records` is `(FrameSpan(sequence=1, ...),)`.
"""

import re
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

MARKER = b"WSR1"
MAX_PAYLOAD_BYTES = 16 * 1024 * 1024  # a length field beyond this is damage, not a record
HEAD_BYTES = 12
MIN_FRAME_BYTES = 16  # a head and an empty record
MARK_SEQUENCE = 0

_HEAD = struct.Struct("<4sII")
_LENGTH = struct.Struct("<I")
_MAX_BODY_BYTES = MAX_PAYLOAD_BYTES + 32  # the msgpack array, the sequence and the bin header
_BODY = msgspec.msgpack.Decoder(tuple[int, bytes])
_MARK = msgspec.msgpack.Decoder(tuple[int, int])
_ENCODER = msgspec.msgpack.Encoder()
_NAME = re.compile(r"([0-9a-f]{16})-([0-9]{10})-([0-9]{20})\.seg\Z")


@dataclass(frozen=True, slots=True)
class SegmentName:
    """What the name of a segment file says; it stands even when the content is damaged."""

    spool_id: str
    """16 hexadecimal digits."""
    index: int
    """Order of the segments, rising."""
    first_sequence: int
    """Bounds both ways: records of earlier segments lie below, those of this and later ones do not."""

    def __str__(self) -> str:
        return f"{self.spool_id}-{self.index:010d}-{self.first_sequence:020d}.seg"


@dataclass(frozen=True, slots=True)
class Mark:
    """How far the spool has let go of its records."""

    given_up_through: int = 0
    """Every record up to this sequence was acknowledged or evicted."""
    evicted_count: int = 0
    """Records given up without being acknowledged, since the spool was created."""


@dataclass(frozen=True, slots=True)
class FrameSpan:
    """One intact record and where it lies."""

    sequence: int
    payload: bytes
    start: int
    """Offset of the frame [bytes]."""
    end: int
    """Offset behind the frame [bytes]."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What is provably intact in the bytes of a segment."""

    records: tuple[FrameSpan, ...]
    mark: Mark | None
    """The last one; `None`: no mark is intact."""
    end: int
    """Offset behind the last intact frame [bytes]; what follows is unused zeroes or a torn tail."""
    damaged_bytes: int
    """Bytes that belong to no intact frame, the torn tail included."""
    lost_frame_count: int
    """At least as many frames as may have been in the torn tail. Their sequences must not be given out again."""


def spool_key(spool_id: str) -> int:
    """Start value of every CRC of a spool."""
    return zlib.crc32(spool_id.encode())


def frame(sequence: int, payload: bytes, *, key: int) -> bytes:
    """The frame of one record; `payload` is at most `MAX_PAYLOAD_BYTES` long."""
    body = _ENCODER.encode((sequence, payload))
    return _HEAD.pack(MARKER, len(body), _crc(body, key)) + body


def frames(payloads: Sequence[bytes], first_sequence: int, *, key: int) -> tuple[bytes, ...]:
    """The frames of consecutive records."""
    return tuple(frame(first_sequence + index, payload, key=key) for index, payload in enumerate(payloads))


def mark_frame(mark: Mark, *, key: int) -> bytes:
    """The frame that remembers how far the spool has let go."""
    return frame(MARK_SEQUENCE, _ENCODER.encode((mark.given_up_through, mark.evicted_count)), key=key)


def scanned(content: bytes, *, key: int) -> Scan:
    """Every intact frame, in order. Damage is stepped over to the next frame whose CRC proves it."""
    records: list[FrameSpan] = []
    mark: Mark | None = None
    intact_bytes = end = last_sequence = 0
    position = 0
    while position >= 0:
        span = _span(content, position, key)
        if span is None or 0 < span.sequence <= last_sequence:
            position = content.find(MARKER, position + 1)
            continue
        position = end = span.end
        intact_bytes += span.end - span.start
        if span.sequence == MARK_SEQUENCE:
            mark = _mark(span.payload) or mark
        else:
            records.append(span)
            last_sequence = span.sequence
    tail = content[end:].rstrip(b"\0") if end else content
    return Scan(tuple(records), mark, end, end - intact_bytes + len(tail), _lost_frame_count(tail, has_head=end > 0))


def segment_name(text: str) -> SegmentName | None:
    """The parsed name; `None`: the file is no segment."""
    match = _NAME.match(text)
    return SegmentName(match[1], int(match[2]), int(match[3])) if match else None


def _crc(body: bytes, key: int) -> int:
    return zlib.crc32(body, zlib.crc32(_LENGTH.pack(len(body)), key))


def _span(content: bytes, start: int, key: int) -> FrameSpan | None:
    if start + HEAD_BYTES > len(content):
        return None
    marker, length, crc = _HEAD.unpack_from(content, start)
    end = start + HEAD_BYTES + length
    if marker != MARKER or length > _MAX_BODY_BYTES or end > len(content):
        return None
    body = content[start + HEAD_BYTES : end]
    if _crc(body, key) != crc:
        return None
    sequence, payload = _body(body)
    return FrameSpan(sequence, payload, start, end) if sequence >= 0 else None


def _body(body: bytes) -> tuple[int, bytes]:
    try:
        return _BODY.decode(body)
    except msgspec.DecodeError:
        return -1, b""


def _mark(payload: bytes) -> Mark | None:
    try:
        return Mark(*_MARK.decode(payload))
    except msgspec.DecodeError:
        return None


def _lost_frame_count(tail: bytes, *, has_head: bool) -> int:
    if not tail:
        return 0
    if has_head:
        return max(tail.count(MARKER), 1)
    return max(len(tail) // MIN_FRAME_BYTES, 1)  # not even the first frame stands: nobody knows how many there were
