"""The lights of a crossing now and in the next seconds, from SPAT.

    plan = plan_of(phase, since_s=0.3, hour_s=None)
    plan.light(4.0)          # in four seconds; `None`: nobody knows

Times in SPAT count from the moment it was made. 36001 is "not known" and never a time. A light that ends at a time
nobody knows, and that lets nobody go, stays; of one that lets somebody go the soonest end counts.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from wayside.v2x.generated.messages import Phase, PhaseState, TimeCountingDown, UTCTiming
from wayside.v2x.units import UNITS

FLASHING_RED, RED, FLASHING_GREEN, PERMISSIVE_GREEN, PROTECTED_GREEN, YELLOW = 2, 3, 4, 5, 6, 7
GO = frozenset({FLASHING_GREEN, PERMISSIVE_GREEN, PROTECTED_GREEN})
STOP = frozenset({FLASHING_RED, RED})
YELLOW_S = 3.0
"""Of a yellow that SPAT does not tell; ours, three seconds are usual in cities."""
_HOUR_S, _HALF_HOUR_S = 3600.0, 1800.0
_MARK = UNITS["TimeMark"]


class Span(NamedTuple):
    """A light and when it shows, from now [s]."""

    begin_s: float
    end_s: float
    light: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The lights of one phase, in the order they come."""

    spans: tuple[Span, ...]

    def light(self, in_s: float) -> int | None:
        """The light in so many seconds; `None`: nobody knows. After green comes yellow, then red."""
        last: Span | None = None
        for span in self.spans:
            if span.begin_s <= in_s < span.end_s:
                return span.light
            if span.end_s <= in_s and (last is None or span.end_s > last.end_s):
                last = span
        if last is None or last.light not in GO | {YELLOW}:
            return None
        return YELLOW if last.light in GO and in_s < last.end_s + YELLOW_S else RED

    def next_go(self) -> Span | None:
        """The green that is, or comes next; its end may be infinite: not known."""
        return min((each for each in self.spans if each.light in GO and each.end_s > 0), default=None)

    def stop_end_s(self) -> float | None:
        """When the red that is now ends; `None`: it is not red, or nobody knows."""
        ends = [each.end_s for each in self.spans if each.light in STOP and each.begin_s <= 0 < each.end_s]
        return min(ends) if ends and math.isfinite(min(ends)) else None


def plan_of(phase: Phase, *, since_s: float, hour_s: float | None) -> Plan:
    """The lights of a phase.

    Args:
        phase: As SPAT says.
        since_s: Time since its message was made [s].
        hour_s: Time since the full hour [s], for times of the day; `None`: not known.
    """
    is_only = len(phase.phaseStates) == 1
    spans = [span for state in phase.phaseStates for span in _spans(state, since_s, hour_s, is_only=is_only)]
    return Plan(tuple(sorted(spans)))


def _spans(state: PhaseState, since_s: float, hour_s: float | None, *, is_only: bool) -> Sequence[Span]:
    timing = state.timing
    if timing is None:  # the only light without a time is the one that shows
        return [Span(-math.inf, _unknown_end_s(state.light), state.light)] if is_only else []
    if timing[0] == "counting":
        return _counted(state.light, timing[1], since_s)
    if timing[0] == "utcTiming" and hour_s is not None:
        return _of_day(state.light, timing[1], hour_s)
    return []


def _counted(light: int, times: TimeCountingDown, since_s: float) -> Sequence[Span]:
    begin_s = _MARK.value(times.startTime)
    if begin_s is None:
        return []
    end_s = _end_s(light, times.minEndTime, times.likelyEndTime, times.maxEndTime)
    spans = [Span(begin_s - since_s if begin_s else -math.inf, end_s - since_s, light)]
    if times.nextStartTime is not None and times.nextDuration is not None:
        next_s, duration_s = _MARK.value(times.nextStartTime), _MARK.value(times.nextDuration)
        if next_s is not None and duration_s is not None:
            spans.append(Span(next_s - since_s, next_s + duration_s - since_s, light))
    return spans


def _of_day(light: int, times: UTCTiming, hour_s: float) -> Sequence[Span]:
    begin_s = _MARK.value(times.startUTCTime)
    if begin_s is None:
        return []
    end_s = _end_s(light, times.minEndUTCTime, times.likelyEndUTCTime, times.maxEndUTCTime)
    return [Span(_from_now_s(begin_s, hour_s), _from_now_s(end_s, hour_s), light)]


def _from_now_s(mark_s: float, hour_s: float) -> float:
    """A time of the hour that is nearest to now."""
    return mark_s if math.isinf(mark_s) else (mark_s - hour_s + _HALF_HOUR_S) % _HOUR_S - _HALF_HOUR_S


def _end_s(light: int, soonest: int | None, likely: int, latest: int | None) -> float:
    known = [value for raw in (soonest, likely, latest) if raw is not None and (value := _MARK.value(raw)) is not None]
    if light in GO and known:
        return min(known)
    likely_s = _MARK.value(likely)
    if likely_s is not None:
        return likely_s
    return max(known, default=_unknown_end_s(light))


def _unknown_end_s(light: int) -> float:
    return math.inf if light in STOP else YELLOW_S if light == YELLOW else math.inf
