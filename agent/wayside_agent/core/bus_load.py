"""How busy a CAN bus is, from the lengths of its frames alone.

    rates = BitRates(500_000)
    seconds = rates.busy_s(batch)       # what the frames of a batch took on the wire

Stuff bits depend on the content, which is not looked at: a frame counts as the mean of none and of as many as there can
be. That is wrong by 12 % of a frame's time at most. Error frames are not counted.

A batch is counted by kinds of frames: 0.06 us a frame in batches of 450, 0.14 in batches of 45 (measured, Python 3.11).
Source: ISO 11898-1:2015, 10.4 (formats), 10.5 (stuff bits: every five equal bits; FD has fixed ones in its CRC).
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from wayside_agent.core.frames import CLASSIC_SIZE_BYTES, FrameBatch

_FLAGS_AT = 3 if sys.byteorder == "little" else 0  # the byte of the id that holds the flags
_LENGTH_AT = 4
_FD_FLAGS_AT = 5
_SIZES = (*range(9), 12, 16, 20, 24, 32, 48, 64)
"""Data bytes by length code."""
_CLASSIC_MAX_BYTES = 8

# One byte per frame says all that its time on the wire depends on.
_CODE_MASK = 0x0F
_FD = 0x10
_SWITCHED = 0x20
_EXTENDED = 0x40
_REMOTE = 0x80
_ERROR = _REMOTE | _FD
"""FD knows no remote frames: this combination is free."""

_LENGTH_KINDS = bytes(
    next(code for code, most in enumerate(_SIZES) if size <= most) | (_FD if size > _CLASSIC_MAX_BYTES else 0)
    if size <= _SIZES[-1]
    else _SIZES.index(_SIZES[-1]) | _FD
    for size in range(256)
)
_ID_KINDS = bytes(
    _ERROR if byte & 0x20 else (_EXTENDED if byte & 0x80 else 0) | (_REMOTE if byte & 0x40 else 0)
    for byte in range(256)
)
_FD_KINDS = bytes(
    (_FD if byte & 0x05 else 0) | (_SWITCHED if byte & 0x01 else 0)  # CANFD_BRS, CANFD_FDF
    for byte in range(256)
)

# Bits without stuffing. Tail: delimiter of the CRC, acknowledgement, end of frame, and the 3 bits between frames.
_CLASSIC_HEAD = {False: 19, True: 39}  # start, id, remote, format, reserved, length
_FD_HEAD = {False: 17, True: 36}  # start to bit rate switch
_FD_CONTROL = 5  # error state, length
_TAIL = 13
_CRC = 15
_FD_CRC = {False: 4 + 17 + 6, True: 4 + 21 + 7}  # stuff count, CRC, fixed stuff bits; the long one from 20 bytes on
_FD_SHORT_MAX_BYTES = 16
_STUFFED_EVERY = 4
"""Five equal bits make the first stuff bit, each further four the next."""


@dataclass(frozen=True, slots=True)
class FrameBits:
    """Bits of one frame, with those between it and the next: at the nominal and at the data bit rate."""

    nominal: int
    data: int
    nominal_stuff_max: int
    data_stuff_max: int


@dataclass(frozen=True, slots=True)
class BitRates:
    """Bit rates of one bus."""

    bit_rate_bps: float
    """Above 0."""
    data_bit_rate_bps: float = 0.0
    """Of the data phase of FD frames; 0: as the nominal one."""
    _times_s: dict[int, float] = field(default_factory=dict, compare=False)

    def busy_s(self, batch: FrameBatch) -> float:
        """Time the frames of a batch took on the wire [s]."""
        found = kinds(batch)
        return sum(found.count(kind) * self._time_s(kind) for kind in set(found))

    def _time_s(self, kind: int) -> float:
        if kind not in self._times_s:
            self._times_s[kind] = 0.0 if kind & _ERROR == _ERROR else self.time_s(_bits(kind))
        return self._times_s[kind]

    def time_s(self, bits: FrameBits) -> float:
        """Time a frame takes [s], with half of the stuff bits it can have."""
        nominal = (bits.nominal + bits.nominal_stuff_max / 2) / self.bit_rate_bps
        return nominal + (bits.data + bits.data_stuff_max / 2) / (self.data_bit_rate_bps or self.bit_rate_bps)


def kinds(batch: FrameBatch) -> bytes:
    """One byte per frame; equal ones take equal time."""
    raw, step = batch.raw, batch.size_bytes
    merged = _number(raw[_FLAGS_AT::step], _ID_KINDS) | _number(raw[_LENGTH_AT::step], _LENGTH_KINDS)
    if step != CLASSIC_SIZE_BYTES:
        merged |= _number(raw[_FD_FLAGS_AT::step], _FD_KINDS)
    return merged.to_bytes(len(raw) // step, "big")


@lru_cache(maxsize=512)
def frame_bits(size: int, *, is_extended: bool, is_fd: bool = False, is_switched: bool = False) -> FrameBits:
    """The bits of a frame of `size` data bytes, one of the lengths CAN has."""
    if not is_fd:
        stuffable = _CLASSIC_HEAD[is_extended] + 8 * size + _CRC
        return FrameBits(stuffable + _TAIL, 0, (stuffable - 1) // _STUFFED_EVERY, 0)
    head, content = _FD_HEAD[is_extended], _FD_CONTROL + 8 * size
    head_stuff = (head - 1) // _STUFFED_EVERY
    content_stuff = (head + content - 1) // _STUFFED_EVERY - head_stuff
    content += _FD_CRC[size > _FD_SHORT_MAX_BYTES]
    if not is_switched:
        return FrameBits(head + content + _TAIL, 0, head_stuff + content_stuff, 0)
    return FrameBits(head + _TAIL, content, head_stuff, content_stuff)


def _bits(kind: int) -> FrameBits:
    size = 0 if kind & _REMOTE else _SIZES[kind & _CODE_MASK]
    is_extended, is_switched = bool(kind & _EXTENDED), bool(kind & _SWITCHED)
    return frame_bits(size, is_extended=is_extended, is_fd=bool(kind & _FD), is_switched=is_switched)


def _number(column: bytes, table: bytes) -> int:
    return int.from_bytes(column.translate(table), "big")


def rates_of(buses: Mapping[str, tuple[int, int]]) -> Mapping[str, BitRates]:
    """Bit rates by bus of those that have any: nominal and data rate [bit/s], 0: not given."""
    return {name: BitRates(float(nominal), float(data)) for name, (nominal, data) in buses.items() if nominal}
