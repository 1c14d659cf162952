"""A SPAT of what a signal controller says, and what must not be on the air: greens that cross, words that are old.

    spat = spat_of(plan, intersection, message_count=17, now=utc)

A conflict is two phases that may not go together, by the intersection's list or by its MAP
(`core.signal_conflicts`), and do; then nothing is said at all.
Source: T/CSAE 53 and YD/T 3709-2020 (SPAT), T/CSAE 159-2020 (phase ids match the MAP of the node).
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations

from wayside.v2x.generated.messages import (
    SPAT,
    IntersectionState,
    NodeReferenceID,
    Phase,
    PhaseState,
    TimeChangeDetails,
    TimeCountingDown,
)
from wayside_agent.core.signal_plan import Light, PhaseNow, SignalPlan

STALE_S = 1.0
"""Without a word of the controller for so long, nothing is said any more."""
MAX_MARK = 36_000
"""Largest time of a phase [0.1 s]; more is not known (TimeMark)."""
_UNKNOWN_MARK = 36_001
_MINUTES_PER_DAY = 1440
MAX_PHASES = 16
"""Of one crossing in SPAT (PhaseList)."""
_GO = frozenset({Light.GREEN, Light.PERMISSIVE_GREEN, Light.FLASHING_GREEN, Light.YELLOW})
"""Lights under which somebody may be in the crossing; who drives by a flashing yellow looks out."""
_PROTECTED = frozenset({Light.GREEN, Light.FLASHING_GREEN})
"""Greens that promise that nobody crosses, if the phase is not one that gives way."""
_FIXED_TIME = 1 << 15 - 5
_STATES = {
    Light.DARK: 1,
    Light.FLASHING_RED: 2,
    Light.RED: 3,
    Light.FLASHING_GREEN: 4,
    Light.PERMISSIVE_GREEN: 5,
    Light.GREEN: 6,
    Light.YELLOW: 7,
    Light.FLASHING_YELLOW: 8,
}


@dataclass(frozen=True, slots=True)
class Intersection:
    """How a controller's phases are called at a crossing of the MAP."""

    region: int
    node: int
    phase_ids: Mapping[int, int]
    """Controller's phase to the MAP's phase id; empty: they are the same."""
    conflicts: frozenset[frozenset[int]] = frozenset()
    """Pairs of the controller's phases that may not go at once."""
    permissive: frozenset[int] = frozenset()
    """Controller's phases whose green must give way."""
    no_conflicts: frozenset[frozenset[int]] = frozenset()
    """Pairs of the controller's phases that may be green at once, whatever the MAP says."""

    def phase_id(self, number: int) -> int | None:
        """The id in the MAP of a phase of the controller; `None`: it has none."""
        return self.phase_ids.get(number) if self.phase_ids else number


def conflicts_in(
    plan: SignalPlan, intersection: Intersection, crossing: AbstractSet[frozenset[int]] = frozenset()
) -> tuple[tuple[int, int], ...]:
    """Pairs of the controller's phases that go at once and may not, smallest first.

    Args:
        plan: What shows.
        intersection: The pairs of its list may not both go, yellow too.
        crossing: Pairs of the MAP's phases that may not both have a green that promises a free way.
    """
    going = {number for number, now in plan.phases.items() if now.light in _GO}
    found = {pair for pair in intersection.conflicts if pair <= going}
    free = [
        number
        for number, now in plan.phases.items()
        if now.light in _PROTECTED and number not in intersection.permissive
    ]
    for pair in map(frozenset, combinations(free, 2)):
        ids = frozenset(phase for number in pair if (phase := intersection.phase_id(number)) is not None)
        if ids in crossing and pair not in intersection.no_conflicts:
            found.add(pair)
    return tuple(sorted((min(pair), max(pair)) for pair in found))


def unknown_in(plan: SignalPlan, intersection: Intersection, known: AbstractSet[int]) -> tuple[int, ...]:
    """Phases that would be spoken of and that the MAP does not have, by their ids there."""
    ids = {intersection.phase_id(number) for number in plan.phases} - {None}
    return tuple(sorted(each for each in ids if each is not None and each not in known))


def spat_of(
    plan: SignalPlan,
    intersection: Intersection,
    *,
    message_count: int,
    now: datetime,
    known: AbstractSet[int] | None = None,
) -> SPAT | None:
    """The SPAT of a crossing, without phases that have no id in the MAP; `None`: none is left.

    `known`: the phases of the MAP that is on the air; `None`: nobody knows it here.
    """
    phases = [
        Phase(id=phase, phaseStates=[_state(number, shown, intersection)])
        for number, shown in sorted(plan.phases.items())
        if (phase := intersection.phase_id(number)) is not None and (known is None or phase in known)
    ]
    if not phases:
        return None
    minute, milliseconds = minute_of_year(now), now.second * 1000 + now.microsecond // 1000
    state = IntersectionState(
        intersectionId=NodeReferenceID(region=intersection.region, id=intersection.node),
        status=_status(plan),
        moy=minute,
        timeStamp=milliseconds,
        phases=phases,
    )
    return SPAT(msgCnt=message_count, moy=minute, timeStamp=milliseconds, intersections=[state])


def minute_of_year(utc: datetime) -> int:
    """Minutes since the year began, 0 to 527,039 (MinuteOfTheYear)."""
    return (utc.timetuple().tm_yday - 1) * _MINUTES_PER_DAY + utc.hour * 60 + utc.minute


def _status(plan: SignalPlan) -> int:
    if plan.status is not None:
        return plan.status
    return _FIXED_TIME if all(each.min_s == each.max_s for each in plan.phases.values()) else 0


def _state(number: int, shown: PhaseNow, intersection: Intersection) -> PhaseState:
    light = _STATES[shown.light]
    if shown.light is Light.GREEN and number in intersection.permissive:
        light = _STATES[Light.PERMISSIVE_GREEN]
    return PhaseState(light=light, timing=_timing(shown))


def _timing(shown: PhaseNow) -> TimeChangeDetails | None:
    """`None`: nothing is known. The likely end is the soonest that is known: nobody must be told of more green."""
    soonest, latest = _mark(shown.min_s), _mark(shown.max_s)
    if soonest is None and latest is None:
        return None
    likely = soonest if soonest is not None else _UNKNOWN_MARK
    return "counting", TimeCountingDown(startTime=0, minEndTime=soonest, maxEndTime=latest, likelyEndTime=likely)


def _mark(time_s: float | None) -> int | None:
    mark = None if time_s is None else round(time_s * 10)
    return mark if mark is not None and mark <= MAX_MARK else None
