"""The plan behind a SPAT that a platform sends."""

from datetime import UTC, datetime
from typing import Any

import pytest

from wayside.v2x.generated.messages import (
    SPAT,
    IntersectionState,
    NodeReferenceID,
    Phase,
    PhaseState,
    TimeCountingDown,
    UTCTiming,
)
from wayside_agent.core.signal_phases import Intersection, minute_of_year, spat_of
from wayside_agent.core.signal_plan import Light, PhaseNow, SignalError
from wayside_agent.core.signal_spat import plan_of_spat

NOW = datetime(2026, 11, 23, 6, 55, 2, 400_000, tzinfo=UTC)
MINUTE, MS = minute_of_year(NOW), 2400
RED, PERMISSIVE, GREEN = 3, 5, 6


def counted(**marks: int) -> TimeCountingDown:
    return TimeCountingDown(**{"startTime": 0, "likelyEndTime": 36_001} | marks)


def spat(*phases: Phase, status: int = 0, node: int = 9, **times: int) -> SPAT:
    shown = list(phases) or [Phase(id=21, phaseStates=[PhaseState(light=GREEN)])]
    place = NodeReferenceID(region=4601, id=node)
    state = IntersectionState(intersectionId=place, status=status, phases=shown, **times)
    return SPAT(msgCnt=1, intersections=[state])


def plan_of(message: SPAT) -> Any:  # noqa: ANN401  # a plan
    return plan_of_spat(("spatFrame", message), 4601, 9, utc_s=NOW.timestamp())


def test_lights_and_times_are_those_of_now() -> None:
    now_and_then = [
        PhaseState(light=RED, timing=("counting", counted(startTime=200, likelyEndTime=500))),
        PhaseState(light=GREEN, timing=("counting", counted(minEndTime=39, maxEndTime=159, likelyEndTime=60))),
    ]
    plan = plan_of(
        spat(
            Phase(id=21, phaseStates=now_and_then),
            Phase(id=22, phaseStates=[PhaseState(light=PERMISSIVE, timing=("counting", counted(likelyEndTime=80)))]),
            Phase(id=41, phaseStates=[PhaseState(light=RED)]),
        )
    )
    assert plan.phases == {
        21: PhaseNow(Light.GREEN, 3.9, 15.9),
        22: PhaseNow(Light.PERMISSIVE_GREEN, 8.0, 8.0),
        41: PhaseNow(Light.RED),
    }


def test_times_of_the_hour_become_times_that_are_left() -> None:
    mark = (55 * 60 + 2) * 10
    times = UTCTiming(startUTCTime=mark - 50, minEndUTCTime=mark + 34, likelyEndUTCTime=mark + 44)
    later = UTCTiming(startUTCTime=mark + 44, likelyEndUTCTime=mark + 99)
    states = [
        PhaseState(light=RED, timing=("utcTiming", later)),
        PhaseState(light=GREEN, timing=("utcTiming", times)),
    ]
    [shown] = plan_of(spat(Phase(id=21, phaseStates=states))).phases.values()
    assert (shown.light, round(shown.min_s, 3), shown.max_s) == (Light.GREEN, 3.0, None)


def test_how_old_it_is_counts_and_what_it_says_of_the_controller_is_passed_on() -> None:
    manual, no_map = 1 << 15, 1 << 15 - 12
    plan = plan_of(spat(status=manual | no_map, moy=MINUTE, timeStamp=MS - 300))
    assert round(plan.age_s, 3) == 0.3
    said = spat_of(plan, Intersection(4601, 9, {}), message_count=0, now=NOW)
    assert said is not None
    assert said.intersections[0].status == manual


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        (spat(node=8), "speaks 0 times of this unit's crossing 4601/9"),
        (spat(moy=MINUTE, timeStamp=MS - 1200), "made 1.2 s ago"),
        (spat(moy=MINUTE, timeStamp=MS + 1500), "made 1.5 s ahead"),
        (spat(moy=MINUTE - 1, timeStamp=MS), "made 60.0 s ago"),
        (spat(status=1 << 15 - 8), "has failed"),
        (spat(status=1 << 15 - 9), "is off"),
        (spat(status=1 << 15 - 13), "has no valid times"),
        (spat(Phase(id=21, phaseStates=[PhaseState(light=0)])), "not what it shows now"),
        (spat(*[Phase(id=21, phaseStates=[PhaseState(light=RED)])] * 2), "tells a phase twice"),
        (
            spat(Phase(id=2, phaseStates=[PhaseState(light=RED, timing=("counting", counted(startTime=9)))] * 2)),
            "not what it shows now",
        ),
    ],
)
def test_what_is_not_ours_or_old_or_says_nothing_is_refused(message: SPAT, sentence: str) -> None:
    with pytest.raises(SignalError, match=sentence):
        plan_of(message)


def test_another_message_is_no_spat() -> None:
    with pytest.raises(SignalError, match="no SPAT"):
        plan_of_spat(("unknown", None), 4601, 9, utc_s=None)  # type: ignore[arg-type]  # hostile
