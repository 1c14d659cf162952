"""What time it is, as far as it can be trusted: a ladder of sources, carried on by a clock that cannot be set.

A unit starts with a clock of 1970, or with one that somebody set wrong. What decides about certificates is therefore no
clock but the best of what was heard: a receiver with a fix, the manager on an authenticated session, a disciplined
system clock, and below them a floor: an instant that is certainly over, kept on the disk.

The manager vouches: a source that contradicts it is not used. That finds a receiver that is spoofed or fell back by
1024 weeks. Only the manager moves the floor, for a floor that is once too high stays so.

Usage: `time = TrustedTime(floor_s, mono_s).after(reading)`; `time.estimate(mono_s).utc_s`.
Source: architecture, decision 6 (the ladder). Times are seconds since 1970, UTC; `mono_s` is any steady clock.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

MAX_CONTRADICTION_S = 300.0
"""Two sources that differ by more contradict each other; what their errors explain comes on top."""
DRIFT_RATIO = 2e-4
"""How fast a steady clock may run wrong: twice a bad crystal's 100 ppm."""


class TimeSource(StrEnum):
    """Where a time comes from, best last."""

    FLOOR = "floor"
    """It is later than this, nobody knows by how much."""
    CLOCK = "clock"
    """The system clock while something disciplines it."""
    MANAGER = "manager"
    """The welcome of an authenticated session."""
    GNSS = "gnss"
    """A receiver with a fix."""


ERROR_S = {TimeSource.CLOCK: 30.0, TimeSource.MANAGER: 20.0, TimeSource.GNSS: 2.0}
"""How wrong a reading may be when it is taken [s]: network time over a bad link, the way of a welcome, one epoch."""


@dataclass(frozen=True, slots=True)
class TimeReading:
    """One source at one instant."""

    source: TimeSource
    utc_s: float
    mono_s: float

    def utc_at_s(self, mono_s: float) -> float:
        """What it says of another instant."""
        return self.utc_s + (mono_s - self.mono_s)

    def error_at_s(self, mono_s: float) -> float:
        """How wrong that may be [s], above 0; it grows with age."""
        return ERROR_S[self.source] + abs(mono_s - self.mono_s) * DRIFT_RATIO


@dataclass(frozen=True, slots=True)
class Estimate:
    """The best that is known of the time."""

    utc_s: float
    source: TimeSource
    error_s: float | None
    """How wrong it may be, either way; `None`: it is a floor, the true time is later by any amount."""


@dataclass(frozen=True, slots=True)
class Floor:
    """What the disk keeps: an instant that is certainly over."""

    utc_s: float


@dataclass(frozen=True, slots=True)
class TrustedTime:
    """All that was heard."""

    floor_s: float
    """Certainly over at `floor_mono_s`."""
    floor_mono_s: float
    readings: tuple[TimeReading, ...] = ()
    """The newest of each source."""

    def after(self, reading: TimeReading) -> "TrustedTime":
        """The same after one more reading."""
        others = tuple(held for held in self.readings if held.source is not reading.source)
        heard = replace(self, readings=(*others, reading))
        if reading.source is not TimeSource.MANAGER:
            return heard
        floor_s = max(self.floor_at_s(reading.mono_s), reading.utc_s)
        return replace(heard, floor_s=floor_s, floor_mono_s=reading.mono_s)

    def floor_at_s(self, mono_s: float) -> float:
        """What is certainly over; never falls while `mono_s` rises."""
        return self.floor_s + max(0.0, mono_s - self.floor_mono_s) * (1 - DRIFT_RATIO)

    def contradiction_s(self, source: TimeSource, mono_s: float) -> float:
        """By how much a source is off what vouches for it [s], ahead is positive; 0: usable, or not there."""
        reading = self._reading(source)
        if reading is None:
            return 0.0
        behind_s = reading.utc_at_s(mono_s) - self.floor_at_s(mono_s)
        if behind_s < -MAX_CONTRADICTION_S - reading.error_at_s(mono_s):
            return behind_s
        judges = (self._reading(better) for better in _JUDGES[source])
        judge = next((found for found in judges if found and not self.contradiction_s(found.source, mono_s)), None)
        if judge is None:
            return 0.0
        ahead_s = reading.utc_at_s(mono_s) - judge.utc_at_s(mono_s)
        allowed_s = MAX_CONTRADICTION_S + reading.error_at_s(mono_s) + judge.error_at_s(mono_s)
        return ahead_s if abs(ahead_s) > allowed_s else 0.0

    def estimate(self, mono_s: float) -> Estimate:
        """The time now by the source with the smallest error, never before the floor."""
        usable = [reading for reading in self.readings if not self.contradiction_s(reading.source, mono_s)]
        floor_s = self.floor_at_s(mono_s)
        if not usable:
            return Estimate(floor_s, TimeSource.FLOOR, None)
        best = min(usable, key=lambda reading: reading.error_at_s(mono_s))
        return Estimate(max(floor_s, best.utc_at_s(mono_s)), best.source, best.error_at_s(mono_s))

    def _reading(self, source: TimeSource) -> TimeReading | None:
        return next((reading for reading in self.readings if reading.source is source), None)


_JUDGES = {
    TimeSource.MANAGER: (),
    TimeSource.GNSS: (TimeSource.MANAGER,),
    TimeSource.CLOCK: (TimeSource.MANAGER, TimeSource.GNSS),
}
