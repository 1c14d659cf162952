"""What a vehicle says of itself, and when it must be silent."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest

from wayside_agent.core.bsm import Event, Transmission
from wayside_agent.core.fix import Fix, FixMode, FixQuality, Position
from wayside_agent.core.speaking import EVENT_AID, REGULAR_AID, Body, Said, Signal, Speaker

FIX = Fix(
    FixMode.THREE_D,
    FixQuality.RTK_FIXED,
    Position(20.03, 110.33, 12.0),
    speed_mps=13.0,
    course_deg=90.0,
    hdop=0.7,
)
UTC_S = 1_700_000_009.5


def speaker() -> Speaker:
    return Speaker(Body(width_m=2.5, length_m=12.0, height_m=3.2, vehicle_class=25), Random(3).randbytes)  # noqa: S311


def say(
    of: Speaker, fix: Fix | None = FIX, *, utc_s: float | None = UTC_S, now_s: float = 1.0, **around: object
) -> Said:
    age_s = around.pop("age_s", 0.05)
    assert isinstance(age_s, float)
    values = {Signal(name): float(str(value)) for name, value in around.items()}
    return of.say(fix, fix_age_s=age_s, values=values, utc_s=utc_s, now_s=now_s)


def test_a_vehicle_says_where_it_is_how_fast_and_how_big() -> None:
    said = say(speaker(), speed_mps=12.5, acceleration_mps2=-1.0, yaw_rate_dps=2.0, steering_wheel_deg=9.0, braking=1)
    bsm = said.bsm
    assert bsm is not None
    assert (said.application_id, said.why_silent, bsm.events) == (REGULAR_AID, "", frozenset())
    assert (bsm.latitude_deg, bsm.longitude_deg, bsm.elevation_m) == (20.03, 110.33, 12.0)
    assert (bsm.speed_mps, bsm.heading_deg, bsm.acceleration_mps2, bsm.is_braking) == (12.5, 90.0, -1.0, True)
    assert (bsm.width_m, bsm.length_m, bsm.height_m, bsm.vehicle_class) == (2.5, 12.0, 3.2, 25)
    assert bsm.since_minute == timedelta(seconds=UTC_S % 60)
    assert bsm.position_95_m == pytest.approx(0.014)
    assert bsm.transmission is Transmission.UNKNOWN


def test_without_a_bus_the_receiver_says_how_fast_and_the_rest_is_not_known() -> None:
    bsm = say(speaker()).bsm
    assert bsm is not None
    assert (bsm.speed_mps, bsm.acceleration_mps2, bsm.is_braking, bsm.steering_wheel_deg) == (13.0, None, None, None)


@pytest.mark.parametrize(
    ("values", "events"),
    [
        ({"hazard_lights": 1}, {Event.HAZARD_LIGHTS}),
        ({"abs_active": 1, "stability_control_active": 1}, {Event.ABS_ACTIVE, Event.STABILITY_CONTROL_ACTIVE}),
        ({"airbag": 1}, {Event.AIRBAG}),
        ({"acceleration_mps2": -4.0}, {Event.HARD_BRAKING}),
    ],
    ids=["hazard", "abs", "airbag", "braking"],
)
def test_an_event_has_its_flag_and_its_own_application(values: dict[str, float], events: set[Event]) -> None:
    said = say(speaker(), FIX, utc_s=UTC_S, now_s=1.0, age_s=0.05, **values)
    assert said.bsm is not None
    assert (said.bsm.events, said.application_id) == (frozenset(events), EVENT_AID)


@pytest.mark.parametrize(
    ("fix", "around", "sentence"),
    [
        (None, {}, "there is no fix"),
        (Fix(FixMode.NONE, FixQuality.INVALID), {}, "there is no fix"),
        (FIX, {"utc_s": None}, "the time is not known"),
        (FIX, {"age_s": 0.7}, "the newest fix is 0.7 s old"),
        (replace(FIX, hdop=9.9), {}, "the position is too uncertain"),
        (replace(FIX, quality=FixQuality.ESTIMATED), {}, "the position is too uncertain"),
    ],
    ids=["none", "lost", "time", "old", "hdop", "estimated"],
)
def test_who_does_not_know_where_or_when_it_is_says_nothing(
    fix: Fix | None, around: dict[str, object], sentence: str
) -> None:
    assert say(speaker(), fix, **around) == Said(why_silent=sentence)  # type: ignore[arg-type]  # one at a time


def test_counts_rise_by_one_and_begin_anew_with_another_id() -> None:
    of = speaker()
    first = [say(of, now_s=index / 10).bsm for index in range(200)]
    counts = [each.message_count for each in first if each is not None]
    assert all((after - before) % 128 == 1 for before, after in pairwise(counts))
    assert len({each.vehicle_id for each in first if each is not None}) == 1
    of.change_id()
    after = say(of, now_s=30.0).bsm
    assert after is not None
    assert first[0] is not None
    assert after.vehicle_id != first[0].vehicle_id
    assert len(after.path) == 1


def test_a_vehicle_that_stands_keeps_the_heading_it_came_with() -> None:
    of = speaker()
    say(of)
    standing = say(of, replace(FIX, speed_mps=0.1, course_deg=271.0), now_s=2.0).bsm
    assert standing is not None
    assert standing.heading_deg == 90.0
    backwards = say(of, replace(FIX, heading_deg=45.0), now_s=2.1, reverse=1).bsm
    assert backwards is not None
    assert (backwards.heading_deg, backwards.transmission) == (45.0, Transmission.REVERSE)
