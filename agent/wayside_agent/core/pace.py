"""When a frame of a recording is due, and which time it shows.

Usage: `Pace(speed=2.0, first_ns=t0, start_mono_s=clock).due_mono_s(t0 + 4_000_000_000)` is `clock + 2.0`.
"""

from dataclasses import dataclass
from enum import StrEnum

from wayside_agent.core.stamps import NANOSECONDS_PER_SECOND


class TimeBase(StrEnum):
    """Which times a replay shows."""

    NOW = "now"
    """As if the recording happened now; at speed 0 the time of delivery."""
    RECORDED = "recorded"
    """As they stand in the file."""


@dataclass(frozen=True, slots=True)
class Pace:
    """One pass over a recording."""

    speed: float
    """1: as recorded, N: N times faster, 0: as fast as possible."""
    first_ns: int
    """Recorded time of the first frame [ns]."""
    start_mono_s: float
    """When the first frame is due, on the steady clock."""
    start_utc_ns: int = 0
    """The same instant, UTC."""
    time_base: TimeBase = TimeBase.NOW

    def due_mono_s(self, time_ns: int) -> float:
        """When a frame is due. One recorded before the first is due at once."""
        if self.speed == 0:
            return self.start_mono_s
        return self.start_mono_s + max(0, time_ns - self.first_ns) / NANOSECONDS_PER_SECOND / self.speed

    def reached_ns(self, now_mono_s: float) -> int:
        """Recorded time up to which frames are due now."""
        return self.first_ns + int((now_mono_s - self.start_mono_s) * self.speed * NANOSECONDS_PER_SECOND)

    def shown_ns(self, time_ns: int, *, now_utc_ns: int) -> int:
        """The time a frame shows [UTC ns]."""
        if self.time_base is TimeBase.RECORDED:
            return time_ns
        if self.speed == 0:
            return now_utc_ns
        return self.start_utc_ns + int((time_ns - self.first_ns) / self.speed)
