"""What raw numbers mean: unit, step, and the number that stands for "not known".

Source: T/CSAE 53, YD/T 3709-2020. Types that are not named here are plain numbers.
"""

from dataclasses import dataclass

STANDARD_GRAVITY_MPS2 = 9.80665


@dataclass(frozen=True, slots=True)
class Unit:
    """How a raw number becomes a quantity."""

    suffix: str
    """Of the quantity's name: `deg`, `m`, `mps` …"""
    step: float
    """Of one raw unit."""
    unknown: int | None = None
    """The raw number for "not known"."""

    def value(self, raw: int) -> float | None:
        """The quantity; `None`: not known."""
        return None if raw == self.unknown else round(raw * self.step, 9)

    def raw(self, value: float | None) -> int:
        """The raw number nearest to a quantity.

        Raises: ValueError: the type has no number for "not known".
        """
        if value is not None:
            return round(value / self.step)
        if self.unknown is None:
            raise ValueError("this quantity cannot be unknown; leave it out or give a number")
        return self.unknown


UNITS = {
    "Latitude": Unit("deg", 1e-7, 900_000_001),
    "Longitude": Unit("deg", 1e-7, 1_800_000_001),
    "Elevation": Unit("m", 0.1, -4096),
    "Speed": Unit("mps", 0.02, 8191),
    "Heading": Unit("deg", 0.0125, 28_800),
    "CoarseHeading": Unit("deg", 1.5, 240),
    "SteeringWheelAngle": Unit("deg", 1.5, 127),
    "Acceleration": Unit("mps2", 0.01, 2001),
    "VerticalAcceleration": Unit("mps2", 0.02 * STANDARD_GRAVITY_MPS2, -127),
    "YawRate": Unit("dps", 0.01),
    "VehicleWidth": Unit("m", 0.01),
    "VehicleLength": Unit("m", 0.01),
    "VehicleHeight": Unit("m", 0.05),
    "LaneWidth": Unit("m", 0.01),
    "SizeValue": Unit("m", 0.1),
    "Radius": Unit("m", 0.1),
    "DSecond": Unit("s", 0.001),
    "MinuteOfTheYear": Unit("min", 1, 527_040),
    "TimeMark": Unit("s", 0.1, 36_001),
    "TimeOffset": Unit("s", 0.01, 65_535),
    "Confidence": Unit("ratio", 0.005),
    **{f"OffsetLL-B{bits}": Unit("deg", 1e-7) for bits in (12, 14, 16, 18, 22, 24)},
    **{f"VertOffset-B{bits:02}": Unit("m", 0.1) for bits in range(7, 13)},
}
