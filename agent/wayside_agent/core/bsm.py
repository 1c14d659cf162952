"""A basic safety message (BSM) with its mandatory fields and the elevation, as UPER MessageFrame.

For simulators: no optional part, no extension. The codec of all messages is `wayside.v2x`.

Source: T/CSAE 53, YD/T 3709: MessageFrame, BasicSafetyMessage; the same bits in every profile. Checked with asn1tools.
"""

from dataclasses import dataclass
from datetime import timedelta

SPEED_UNKNOWN = 8191
HEADING_UNKNOWN = 28800
_FORWARD_GEARS = 2


@dataclass(frozen=True, slots=True)
class Bsm:
    """One vehicle at one moment."""

    message_count: int
    """0 to 127, rising by one per message."""
    vehicle_id: bytes
    """8 byte, temporary."""
    since_minute: timedelta
    """Time since the full minute, up to 65.535 s."""
    latitude_deg: float
    longitude_deg: float
    elevation_m: float
    speed_mps: float
    heading_deg: float
    acceleration_mps2: float = 0.0
    """Along the vehicle."""
    yaw_rate_dps: float = 0.0
    width_m: float = 1.8
    length_m: float = 4.8
    vehicle_class: int = 10
    """10: passenger car."""


def encoded_bsm(bsm: Bsm) -> bytes:
    """UPER bytes of a MessageFrame with this BSM.

    Raises: ValueError: a value is outside its range.
    """
    if len(bsm.vehicle_id) != 8:  # noqa: PLR2004  # OCTET STRING SIZE(8)
        raise ValueError(f"the vehicle id has {len(bsm.vehicle_id)} byte and needs 8")
    bits = _Bits()
    bits.add(0, 0, 1, width=4)  # MessageFrame: root alternative 0
    bits.add(0, 0, 255, width=8)  # no extension, none of 7 optional fields
    bits.add(bsm.message_count, 0, 127)
    bits.add(int.from_bytes(bsm.vehicle_id, "big"), 0, 2**64 - 1)
    bits.add(round(bsm.since_minute / timedelta(milliseconds=1)), 0, 65535)
    bits.add(1, 0, 1)  # elevation is there
    bits.add(round(bsm.latitude_deg * 1e7), -900000000, 900000001)
    bits.add(round(bsm.longitude_deg * 1e7), -1799999999, 1800000001)
    bits.add(round(bsm.elevation_m * 10), -4096, 61439)
    bits.add(_FORWARD_GEARS, 0, 7)
    bits.add(round(bsm.speed_mps / 0.02), 0, SPEED_UNKNOWN)
    bits.add(round(bsm.heading_deg / 0.0125) % HEADING_UNKNOWN, 0, HEADING_UNKNOWN)
    bits.add(round(bsm.acceleration_mps2 / 0.01), -2000, 2001)
    bits.add(0, -2000, 2001)  # across
    bits.add(0, -127, 127)  # up
    bits.add(round(bsm.yaw_rate_dps / 0.01), -32767, 32767)
    bits.add(0, 0, 127)  # brakes: none of 7 optional fields
    bits.add(0, 0, 1)  # no height
    bits.add(round(bsm.width_m * 100), 0, 1023)
    bits.add(round(bsm.length_m * 100), 0, 4095)
    bits.add(0, 0, 3)  # class: no extension, no fuel
    bits.add(bsm.vehicle_class, 0, 255)
    return bits.packed()


class _Bits:
    """Constrained whole numbers of UPER, one behind the other."""

    def __init__(self) -> None:
        self._value = 0
        self._width = 0

    def add(self, value: int, low: int, high: int, *, width: int = 0) -> None:
        """Appends a number of a range, in as many bits as the range needs.

        Raises: ValueError: outside the range.
        """
        if not low <= value <= high:
            raise ValueError(f"{value} is not between {low} and {high}")
        width = width or (high - low).bit_length()
        self._value = self._value << width | (value - low)
        self._width += width

    def packed(self) -> bytes:
        """The bits, filled up with zeros to whole bytes."""
        padding = -self._width % 8
        return (self._value << padding).to_bytes((self._width + padding) // 8, "big")
