"""CAN frames as the kernel lays them out: `struct can_frame` (16 byte) and `struct canfd_frame` (72 byte).

A batch keeps raw structs end to end; nothing is made an object until a rule asks for it.
Usage: `for time_ns, (can_id, size, flags, data) in zip(batch.times_ns, batch.structs(), strict=True): ...`

Source: Linux include/uapi/linux/can.h: id (32 bit, native order, three flag bits), length, flags, 2 reserved, data.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

CLASSIC_SIZE_BYTES = 16
FD_SIZE_BYTES = 72
CLASSIC = struct.Struct("=IBB2x8s")
FD = struct.Struct("=IBB2x64s")

EXTENDED_FLAG = 0x80000000  # CAN_EFF_FLAG
REMOTE_FLAG = 0x40000000  # CAN_RTR_FLAG
ERROR_FLAG = 0x20000000  # CAN_ERR_FLAG
EXTENDED_MASK = 0x1FFFFFFF  # CAN_EFF_MASK
STANDARD_MASK = 0x7FF  # CAN_SFF_MASK


@dataclass(frozen=True, slots=True)
class FrameBatch:
    """Frames of one bus in order of arrival.

    `raw` holds `len(times_ns)` structs of `size_bytes` (16, or 72 on a bus that may carry FD) back to back.
    `times_ns` are UTC nanoseconds since 1970 when each frame was received or, in a replay, recorded.
    """

    raw: bytes
    times_ns: Sequence[int]
    size_bytes: int = CLASSIC_SIZE_BYTES

    def __len__(self) -> int:
        """Frames in the batch."""
        return len(self.times_ns)

    def structs(self) -> Iterator[tuple[int, int, int, bytes]]:
        """Each frame as (id with flag bits, data length [byte], FD flags, data padded to 8 or 64 byte)."""
        layout = CLASSIC if self.size_bytes == CLASSIC_SIZE_BYTES else FD
        return layout.iter_unpack(self.raw)


class BusCondition(StrEnum):
    """Fault confinement of a controller (ISO 11898-1); names as in `wayside.v1.CanBusState`."""

    ERROR_ACTIVE = "error_active"
    ERROR_WARNING = "error_warning"
    """An error counter passed 96."""
    ERROR_PASSIVE = "error_passive"
    """An error counter passed 127."""
    BUS_OFF = "bus_off"
    """The transmit error counter passed 255: it takes no part."""


@dataclass(frozen=True, slots=True)
class Controller:
    """How a controller stands, as its newest error frame told. `None`: none has told since the driver was opened."""

    condition: BusCondition | None = None
    transmit_error_count: int | None = None
    """0 to 255."""
    receive_error_count: int | None = None
    """0 to 255."""


@dataclass(frozen=True, slots=True)
class BusCounters:
    """What a CAN driver has counted since it was opened, and how its controller stands."""

    frame_count: int = 0
    error_frame_count: int = 0
    kernel_drop_count: int | None = None
    """`None`: the driver cannot tell."""
    controller: Controller = Controller()
