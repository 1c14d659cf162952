"""The plan behind a SPAT that somebody sends who speaks for the controller: a platform of T/ITS 0117.

    plan = plan_of_spat(frame, 4601, 9, utc_s=now)      # SignalError: it is not ours, old, or says nothing

What it says of now is taken: of each phase the light that shows and its end. Count, time and period on the air are the
unit's own. Times it does not know stay unknown.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from wayside.v2x.generated.messages import SPAT, IntersectionState, MessageFrame, Phase, PhaseState
from wayside.v2x.units import UNITS
from wayside_agent.core.signal_phases import minute_of_year
from wayside_agent.core.signal_plan import Light, PhaseNow, SignalError, SignalPlan

LATE_S, EARLY_S = 1.0, 1.0
"""A word that was made longer ago is old by the rule of `signal_phases.STALE_S`; one from farther ahead has a wrong
clock."""
_LIGHTS = {
    1: Light.DARK,
    2: Light.FLASHING_RED,
    3: Light.RED,
    4: Light.FLASHING_GREEN,
    5: Light.PERMISSIVE_GREEN,
    6: Light.GREEN,
    7: Light.YELLOW,
    8: Light.FLASHING_YELLOW,
}
_BITS = 16
_SAYS_NOTHING = {8: "has failed", 9: "is off", 13: "has no valid times"}
"""Bits of IntersectionStatusObject with which there is nothing to broadcast."""
_PASSED_ON = sum(1 << _BITS - 1 - bit for bit in range(8))
"""Of the controller itself; those of the MAP and of validity are for the unit to say."""
_MARK = UNITS["TimeMark"]
_MS_PER_S, _MINUTE_S, _HOUR_S, _YEAR_S = 1000, 60.0, 3600.0, 366 * 86_400.0
_MINUTE_MS, _UNKNOWN_MINUTE = 60_000, 527_040


def plan_of_spat(frame: MessageFrame, region: int, node: int, *, utc_s: float | None) -> SignalPlan:
    """What a SPAT says of one crossing.

    Raises: SignalError: naming what is wrong.
    """
    if frame[0] != "spatFrame":
        raise SignalError("it is no SPAT")
    message = frame[1]
    states = [
        each
        for each in message.intersections
        if (each.intersectionId.region or 0, each.intersectionId.id) == (region, node)
    ]
    if len(states) != 1:
        raise SignalError(f"it speaks {len(states)} times of this unit's crossing {region}/{node}, not once")
    [state] = states
    for bit, words in _SAYS_NOTHING.items():
        if state.status >> _BITS - 1 - bit & 1:
            raise SignalError(f"it says that the crossing {words}")
    age_s = made_ago_s(message, state, utc_s)
    if not -EARLY_S <= age_s <= LATE_S:
        where = "ago" if age_s > 0 else "ahead of the time here"
        raise SignalError(f"it was made {abs(age_s):.1f} s {where}")
    phases = dict(_phases(state, utc_s))
    if len(phases) < len(state.phases):
        raise SignalError("it tells a phase twice, or not what it shows now")
    return SignalPlan(phases, status=state.status & _PASSED_ON, age_s=max(0.0, age_s))


def made_ago_s(message: SPAT, state: IntersectionState, utc_s: float | None) -> float:
    """How old it is by its own time [s], below 0: it is ahead of ours; 0: nobody knows."""
    own = state if state.timeStamp is not None else message
    if utc_s is None or own.timeStamp is None or own.timeStamp >= _MINUTE_MS:
        return 0.0
    minutes, period_s = 0, _MINUTE_S
    if own.moy is not None and own.moy != _UNKNOWN_MINUTE:
        minutes, period_s = minute_of_year(datetime.fromtimestamp(utc_s, UTC)) - own.moy, _YEAR_S
    age_s = minutes * _MINUTE_S + utc_s % _MINUTE_S - own.timeStamp / _MS_PER_S
    return (age_s + period_s / 2) % period_s - period_s / 2


def _phases(state: IntersectionState, utc_s: float | None) -> Iterator[tuple[int, PhaseNow]]:
    for phase in state.phases:
        shown = _shown(phase, utc_s)
        if shown is not None and shown.light in _LIGHTS:
            yield phase.id, PhaseNow(_LIGHTS[shown.light], *_times_s(shown, utc_s))


def _shown(phase: Phase, utc_s: float | None) -> PhaseState | None:
    """The state that is now: the only one, the one without a time, or the first that has begun; `None`: none has."""
    if len(phase.phaseStates) == 1:
        return phase.phaseStates[0]
    return next((each for each in phase.phaseStates if _has_begun(each, utc_s)), None)


def _has_begun(state: PhaseState, utc_s: float | None) -> bool:
    if state.timing is None or state.timing[0] == "counting":
        return state.timing is None or state.timing[1].startTime == 0
    if state.timing[0] != "utcTiming" or utc_s is None:
        return False
    begin_s, end_s = _MARK.value(state.timing[1].startUTCTime), _MARK.value(state.timing[1].likelyEndUTCTime)
    if begin_s is None or _left_s(begin_s, utc_s) > 0:
        return False
    return end_s is None or _left_s(end_s, utc_s) > 0


def _times_s(state: PhaseState, utc_s: float | None) -> tuple[float | None, float | None]:
    """Time to the end at the soonest and the latest; a likely end alone stands for both."""
    if state.timing is None:
        return None, None
    if state.timing[0] == "counting":
        counting = state.timing[1]
        soonest, likely, latest = (
            None if mark is None else _MARK.value(mark)
            for mark in (counting.minEndTime, counting.likelyEndTime, counting.maxEndTime)
        )
    elif state.timing[0] == "utcTiming" and utc_s is not None:
        times = state.timing[1]
        marks = (times.minEndUTCTime, times.likelyEndUTCTime, times.maxEndUTCTime)
        known = (None if mark is None else _MARK.value(mark) for mark in marks)
        soonest, likely, latest = (None if mark_s is None else max(0.0, _left_s(mark_s, utc_s)) for mark_s in known)
    else:
        return None, None
    if soonest is None and latest is None:
        return likely, likely
    return soonest, latest


def _left_s(mark_s: float, utc_s: float) -> float:
    """Time until a mark of the hour that is nearest to now."""
    return (mark_s - utc_s % _HOUR_S + _HOUR_S / 2) % _HOUR_S - _HOUR_S / 2
