"""What a CAN database says: messages, their signals, and which frame is which message.

The descriptions are plain data, so that a short-lived process can make them from a DBC and the daemon can load them
from a cache. `core.decoder` turns them into values.

Matching rule, in this order:

1. same format (11 or 29 bit) and same id;
2. J1939 messages only (attribute `VFrameFormat` = `J1939PG`): 29 bit and same parameter group number. Priority and
   source address do not count, nor does the destination address of a PDU1 group (SAE J1939-21, 5.2: PF below 240).

Remote and error frames are no messages. Of two messages with one id or group, the first in the database counts.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from wayside_agent.core.frames import ERROR_FLAG, EXTENDED_FLAG, EXTENDED_MASK, REMOTE_FLAG

MAX_DATA_BYTES = 64  # CAN FD
_MAX_MULTIPLEXER_DEPTH = 8  # real databases have 2; each is a level of nesting in the generated code
_FLOAT_SIZES_BITS = (16, 32, 64)


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal of a message. Physical value = raw · scale + offset."""

    name: str
    start_bit: int
    """As DBC counts: bit 0 is the least significant of byte 0; of a big-endian signal its most significant bit."""
    size_bits: int
    is_big_endian: bool = False
    is_signed: bool = False
    is_float: bool = False
    scale: int | float = 1
    offset: int | float = 0
    minimum: float | None = None
    """Physical. Bounds count only when minimum < maximum."""
    maximum: float | None = None
    unit: str = ""
    labels: tuple[tuple[int, str], ...] = ()
    """Value table: raw code and its name."""
    multiplexer: str | None = None
    """The signal that selects this one; `None`: always there."""
    multiplexer_ranges: tuple[tuple[int, int], ...] = ()
    """Raw values of the multiplexer, first and last, with which this signal is there."""

    def __post_init__(self) -> None:
        """Raises ValueError for what cannot be decoded."""
        sizes = _FLOAT_SIZES_BITS if self.is_float else range(1, 8 * MAX_DATA_BYTES + 1)
        if self.size_bits not in sizes:
            msg = f"signal {self.name}: {self.size_bits} bits are no size of a {'float' if self.is_float else 'number'}"
            raise ValueError(msg)
        if not (math.isfinite(self.scale) and math.isfinite(self.offset)):
            msg = f"signal {self.name}: its scale or offset is not finite"
            raise ValueError(msg)
        if self.start_bit < 0 or self.end_byte > MAX_DATA_BYTES:
            msg = f"signal {self.name}: it lies outside the {MAX_DATA_BYTES} bytes of the longest frame"
            raise ValueError(msg)

    @property
    def end_byte(self) -> int:
        """Bytes a frame needs to hold the signal."""
        if self.is_big_endian:
            return (self._first_sequential_bit + self.size_bits - 1) // 8 + 1
        return (self.start_bit + self.size_bits - 1) // 8 + 1

    @property
    def _first_sequential_bit(self) -> int:
        """Position of the most significant bit when bits are counted as they are sent."""
        return self.start_bit // 8 * 8 + 7 - self.start_bit % 8

    def shift(self, size_bytes: int) -> int:
        """Position of the lowest bit in the payload, read as one integer in the signal's own byte order."""
        if self.is_big_endian:
            return 8 * size_bytes - self._first_sequential_bit - self.size_bits
        return self.start_bit

    def mask(self, size_bytes: int, *, is_big_endian: bool) -> int:
        """The signal's bits in the payload, read as one integer in a given byte order."""
        mask = ((1 << self.size_bits) - 1) << self.shift(size_bytes)
        if is_big_endian == self.is_big_endian:
            return mask
        return int.from_bytes(mask.to_bytes(size_bytes, "big"), "little")

    def natural_range(self) -> tuple[int, int]:
        """Smallest and largest raw code the bits can hold."""
        if self.is_signed:
            return -(1 << (self.size_bits - 1)), (1 << (self.size_bits - 1)) - 1
        return 0, (1 << self.size_bits) - 1


@dataclass(frozen=True, slots=True)
class Message:
    """One message."""

    name: str
    frame_id: int
    is_extended: bool
    size_bytes: int
    signals: tuple[Signal, ...]
    is_j1939: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError for multiplexers nested too deep, or in a circle."""
        parents = {signal.name: signal.multiplexer for signal in self.signals}
        for name, parent in parents.items():
            at, depth = parent, 0
            while at is not None and depth <= _MAX_MULTIPLEXER_DEPTH:
                at, depth = parents.get(at), depth + 1
            if depth > _MAX_MULTIPLEXER_DEPTH:
                msg = f"message {self.name}, signal {name}: more than {_MAX_MULTIPLEXER_DEPTH} multiplexers select it"
                raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Database:
    """Messages of one bus, from one or more files, in their order."""

    messages: tuple[Message, ...]

    def without(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those of the `Message.Signal` names that the database does not have."""
        known = {f"{message.name}.{signal.name}" for message in self.messages for signal in message.signals}
        return tuple(name for name in names if name not in known)


def parameter_group(frame_id: int) -> int:
    """J1939 parameter group number (18 bit) of a 29-bit id.

    Source: SAE J1939-21: extended data page, data page, PDU format; PDU specific belongs to it only if PF >= 240.
    """
    group = frame_id >> 8 & 0x3FFFF
    return group if group & 0xFF00 >= 0xF000 else group & 0x3FF00  # noqa: PLR2004 - PF 240 begins PDU2


class Matching:
    """Which message a frame is: an index into the messages."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self._index_by_id: Mapping[int, int] = {
            message.frame_id | (EXTENDED_FLAG if message.is_extended else 0): index
            for index, message in reversed(tuple(enumerate(messages)))
        }
        self._index_by_group: Mapping[int, int] = {
            parameter_group(message.frame_id): index
            for index, message in reversed(tuple(enumerate(messages)))
            if message.is_j1939 and message.is_extended
        }

    def index(self, can_id: int) -> int | None:
        """The message of a frame whose id carries the flag bits of `struct can_frame`, or `None`."""
        if can_id & (REMOTE_FLAG | ERROR_FLAG):
            return None
        index = self._index_by_id.get(can_id)
        if index is None and can_id & EXTENDED_FLAG:
            index = self._index_by_group.get(parameter_group(can_id & EXTENDED_MASK))
        return index
