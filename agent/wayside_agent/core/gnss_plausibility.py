"""Whether what a satellite receiver says can be true: jumps, frozen positions, movement that contradicts the speed.

Nothing here proves a spoofer; it finds what a receiver in order does not do. A unit that stands (an RSU) is judged
besides by where it stands. Times of the receiver are judged by steps: a clock that leaps by more than a second is told.

    plausibility = Plausibility(Rules(stands=True))
    verdict = plausibility.judged(fix, mono_s)        # Verdict.fault is empty while all is well

Source: our own; held against the logs of `data/gnss`, which raise nothing, and against spoofed variants of them.
"""

import math
from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from statistics import median

from wayside_agent.core.fix import Fix, FixMode, FixQuality, Position

EARTH_RADIUS_M = 6_371_008.8
STEP_MAX_S = 30.0
"""Two epochs farther apart than this say nothing about each other."""


PLACE_RADIUS_M = 100.0
"""How far a fix of a unit that stands may be from its place, beside its noise."""


class Fault(StrEnum):
    """What cannot be true."""

    NONE = ""
    JUMP = "jump"
    """It went farther than anything can."""
    FROZEN = "frozen"
    """It moves, and its position does not; or its time stands still."""
    CONTRADICTION = "contradiction"
    """The speed it tells is not that of its positions."""
    ELSEWHERE = "elsewhere"
    """It does not move, and is not where it stands."""
    TIME = "time"
    """Its time leapt."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a unit can do."""

    stands: bool = False
    """It never moves: a roadside unit."""
    place: Position | None = None
    """Where it stands, surveyed; `None`: the median of its first 60 fixes."""
    max_speed_mps: float = 90.0
    max_time_step_s: float = 1.0
    """Step of the receiver's time against a steady clock that is told; a leap second is none."""
    place_radius_m: float = PLACE_RADIUS_M
    hold_s: float = 60.0
    """How long a fault is told after it was seen last."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found."""

    fault: Fault = Fault.NONE
    reason: str = ""
    """One sentence; empty: all is well."""
    count: int = 0
    """Faults that began since the start."""


@dataclass(frozen=True, slots=True)
class _Epoch:
    fix: Fix
    position: Position
    time_s: float
    """Of the receiver when it tells one, else of the steady clock."""


_WINDOW = 60
"""Epochs that decide on freezing."""
_MOVING_MPS = 2.0
_FROZEN_EPOCHS = 15
"""With the same position to the last digit while it says that it moves."""
_STILL_TIME_EPOCHS = 5
_CONTRADICTION_EPOCHS = 5
_CONTRADICTION_MPS = 8.0
_ELSEWHERE_EPOCHS = 10
_SETTLED_RATIO = 0.8
_NOISE_M = 30.0
"""What autonomous fixes may leap by themselves, at HDOP 1."""
_MEASURED = frozenset(
    {FixQuality.AUTONOMOUS, FixQuality.DIFFERENTIAL, FixQuality.RTK_FIXED, FixQuality.RTK_FLOAT, FixQuality.OTHER}
)


class Plausibility:
    """Judges the epochs of one receiver in their order."""

    def __init__(self, rules: Rules | None = None) -> None:
        self._rules = rules or Rules()
        self._before: _Epoch | None = None
        self._changes: deque[bool] = deque(maxlen=2 * _WINDOW)
        self._same_count = self._contradiction_count = self._elsewhere_count = 0
        self._told_time: tuple[datetime, float] | None = None
        self._still_time_count = 0
        self._first: list[Position] = []
        self._found_place: Position | None = None
        self._verdict = Verdict()
        self._seen_mono_s = 0.0

    def use(self, rules: Rules) -> None:
        """Judges by these rules from now on; a place found out by itself stays, for it may be spoofed by now."""
        if not rules.stands:
            self._first.clear()
            self._found_place = None
        self._rules = rules

    def judged(self, fix: Fix, mono_s: float) -> Verdict:
        """The verdict after one more epoch; `mono_s` is any steady clock."""
        if fix.begins_anew:
            self._forget()
        fault, reason = self._time_fault(fix, mono_s)
        if fix.position is not None and fix.mode is not FixMode.NONE and fix.quality in _MEASURED:
            epoch = _Epoch(fix, fix.position, fix.utc_time.timestamp() if fix.utc_time else mono_s)
            if not fault:
                fault, reason = self._place_fault(epoch)
            else:
                self._before = None
            self._before = epoch
        return self._held(fault, reason, mono_s)

    def _held(self, fault: Fault, reason: str, mono_s: float) -> Verdict:
        if fault:
            is_new = not self._verdict.fault
            self._seen_mono_s = mono_s
            self._verdict = Verdict(fault, reason, self._verdict.count + is_new)
        elif self._verdict.fault and mono_s - self._seen_mono_s >= self._rules.hold_s:
            self._verdict = replace(self._verdict, fault=Fault.NONE, reason="")
        return self._verdict

    def _time_fault(self, fix: Fix, mono_s: float) -> tuple[Fault, str]:
        told, before = fix.utc_time, self._told_time
        if told is None or fix.is_recorded:
            return Fault.NONE, ""
        self._told_time = (told, mono_s)
        if before is None:
            return Fault.NONE, ""
        passed_s = (told - before[0]).total_seconds()
        self._still_time_count = self._still_time_count + 1 if passed_s == 0 else 0
        if self._still_time_count >= _STILL_TIME_EPOCHS:
            return Fault.FROZEN, f"the receiver's time stands at {told:%Y-%m-%d %H:%M:%S} while epochs go on"
        off_s = passed_s - (mono_s - before[1])
        # epochs come late and in bursts: only what is off for longer than such a delay is a leap
        if abs(off_s) > self._rules.max_time_step_s + _lateness_s(mono_s - before[1]) and passed_s != 0:
            return Fault.TIME, f"the receiver's time leapt by {off_s:.1f} s"
        return Fault.NONE, ""

    def _place_fault(self, epoch: _Epoch) -> tuple[Fault, str]:
        for found in (self._jump(epoch), self._frozen(epoch), self._contradiction(epoch), self._elsewhere(epoch)):
            if found[0]:
                return found
        return Fault.NONE, ""

    def _jump(self, epoch: _Epoch) -> tuple[Fault, str]:
        before = self._before
        if before is None:
            return Fault.NONE, ""
        step_s = epoch.time_s - before.time_s
        if not 0 < step_s <= STEP_MAX_S:
            return Fault.NONE, ""
        way_m = distance_m(before.position, epoch.position)
        allowed_m = self._rules.max_speed_mps * step_s + _noise_m(before.fix) + _noise_m(epoch.fix)
        if way_m <= allowed_m:
            return Fault.NONE, ""
        return Fault.JUMP, f"the position leapt by {way_m:.0f} m in {step_s:.1f} s"

    def _frozen(self, epoch: _Epoch) -> tuple[Fault, str]:
        before = self._before
        is_same = before is not None and before.position == epoch.position
        self._changes.append(not is_same)
        speed_mps = epoch.fix.speed_mps or 0.0
        self._same_count = self._same_count + 1 if is_same and speed_mps >= _MOVING_MPS else 0
        if self._same_count >= _FROZEN_EPOCHS:
            return Fault.FROZEN, f"the position has not changed for {self._same_count} epochs at {speed_mps:.0f} m/s"
        if len(self._changes) == 2 * _WINDOW:
            changes = list(self._changes)
            if sum(changes[:_WINDOW]) >= _SETTLED_RATIO * _WINDOW and not any(changes[_WINDOW:]):
                return Fault.FROZEN, f"the position trembled as it should, and has not changed for {_WINDOW} epochs"
        return Fault.NONE, ""

    def _contradiction(self, epoch: _Epoch) -> tuple[Fault, str]:
        before, speed_mps = self._before, epoch.fix.speed_mps
        if before is None or speed_mps is None:
            return Fault.NONE, ""
        step_s = epoch.time_s - before.time_s
        if not 0 < step_s <= STEP_MAX_S:
            self._contradiction_count = 0
            return Fault.NONE, ""
        moved_mps = distance_m(before.position, epoch.position) / step_s
        allowed_mps = _CONTRADICTION_MPS + 0.2 * max(moved_mps, speed_mps) + _jitter_m(epoch.fix) / step_s
        is_off = abs(moved_mps - speed_mps) > allowed_mps
        self._contradiction_count = self._contradiction_count + 1 if is_off else 0
        if self._contradiction_count < _CONTRADICTION_EPOCHS:
            return Fault.NONE, ""
        return Fault.CONTRADICTION, f"the receiver tells {speed_mps:.0f} m/s, its positions move at {moved_mps:.0f} m/s"

    def _elsewhere(self, epoch: _Epoch) -> tuple[Fault, str]:
        place = self._place(epoch.position)
        if place is None:
            return Fault.NONE, ""
        off_m = distance_m(place, epoch.position)
        is_off = off_m > self._rules.place_radius_m + _noise_m(epoch.fix)
        self._elsewhere_count = self._elsewhere_count + 1 if is_off else 0
        if self._elsewhere_count < _ELSEWHERE_EPOCHS:
            return Fault.NONE, ""
        return Fault.ELSEWHERE, f"the position is {off_m:.0f} m from where the unit stands"

    def _place(self, position: Position) -> Position | None:
        if not self._rules.stands:
            return None
        if self._rules.place is not None:
            return self._rules.place
        if self._found_place is not None:
            return self._found_place
        if len(self._first) < _WINDOW:
            self._first.append(position)
            return None
        latitudes, longitudes = zip(*((each.latitude_deg, each.longitude_deg) for each in self._first), strict=True)
        self._found_place = Position(median(latitudes), median(longitudes))
        return self._found_place

    def _forget(self) -> None:
        """What came before says nothing about what comes: a recording that begins again."""
        self._before = self._told_time = None
        self._changes.clear()
        self._same_count = self._contradiction_count = self._elsewhere_count = self._still_time_count = 0


def distance_m(one: Position, other: Position) -> float:
    """Distance over the ground on a sphere [m]; good to 0.5 % everywhere."""
    latitude_1, latitude_2 = math.radians(one.latitude_deg), math.radians(other.latitude_deg)
    half = math.sin((latitude_2 - latitude_1) / 2) ** 2
    turn = math.radians(other.longitude_deg - one.longitude_deg)
    half += math.cos(latitude_1) * math.cos(latitude_2) * math.sin(turn / 2) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(half)))


def _noise_m(fix: Fix) -> float:
    return _NOISE_M * max(1.0, fix.hdop if fix.hdop is not None else 2.0)


def _jitter_m(fix: Fix) -> float:
    """What one step may tremble by."""
    return _noise_m(fix) / 5


def _lateness_s(passed_s: float) -> float:
    """How late an epoch may be read: a second, and a tenth of the time that passed."""
    return 1.0 + 0.1 * abs(passed_s)
