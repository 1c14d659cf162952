"""Red lights and speeds for green: what a light says, for whom, and when it is believed."""

from typing import Any

import pytest

from tests.unit.warning_world import CROSSING, EAST, NODE, UPSTREAM, WEST, Road, degrees, offset, told
from wayside.v2x.codec import Profile
from wayside_agent.core.warnings.model import Kind, Severity

PROFILES = pytest.mark.parametrize("profile", Profile, ids=lambda each: each.value)


@PROFILES
def test_who_drives_on_towards_red_is_warned_until_the_line(profile: Profile) -> None:
    road = Road(profile, east_m=-150.0, speed_mps=15.0)
    road.map()
    changes = road.drive(11.0, lambda time_s: road.light("red", end_s=30.0 - time_s))
    assert told(changes, Kind.RED_LIGHT) == ["begin", "end"]
    begun, worst = (
        next(each.finding for each in changes if each.finding.kind is Kind.RED_LIGHT and each.finding.severity == bad)
        for bad in (Severity.WARNING, Severity.CRITICAL)
    )
    assert begun.distance_m == pytest.approx(15 * 1.5 + 15**2 / 5 + 5, abs=1.5)
    assert worst.distance_m == pytest.approx(15 * 1.5 + 15**2 / 10, abs=1.5)


@pytest.mark.parametrize(
    ("light", "end_s", "is_warned"),
    [
        ("red", 10.0, True),
        ("red", 3.0, False),
        ("red", None, True),
        ("protected-green", 10.0, False),
        ("protected-green", 0.5, True),
        ("protected-green", 1.5, False),
        ("yellow", 2.0, True),
        ("protected-green", None, False),
        ("flashing-yellow", None, False),
        ("unavailable", None, False),
    ],
    ids=[
        "red",
        "red ends before",
        "red without end",
        "green",
        "green ends soon",
        "still yellow then",
        "yellow ends",
        "green without end",
        "flashing yellow",
        "no light",
    ],
)
def test_the_light_at_arrival_decides(light: str, end_s: float | None, is_warned: bool) -> None:
    road = Road(east_m=-62.4, speed_mps=15.0)  # 4 s to the line
    road.map()
    road.light(light, end_s=end_s)
    assert (Kind.RED_LIGHT in road.found()) is is_warned


def test_old_future_silent_and_foreign_lights_say_nothing() -> None:
    road = Road(east_m=-60.0, speed_mps=15.0)
    road.map()
    road.light("red", end_s=10.0, late_s=2.5)
    road.light("red", end_s=10.0, late_s=-2.9)
    road.light("red", end_s=10.0, phase=22)
    assert Kind.RED_LIGHT not in road.found()
    assert road.picture.doubts["stale"] == 2
    road.light("red", end_s=10.0, late_s=0.5)
    assert Kind.RED_LIGHT in road.found()
    road.now_s += 1.6
    assert Kind.RED_LIGHT not in road.found()


@pytest.mark.parametrize(("braking_mps2", "is_warned"), [(1.5, True), (2.0, False)], ids=["too little", "enough"])
def test_who_brakes_for_red_is_left_alone(braking_mps2: float, is_warned: bool) -> None:
    road = Road(east_m=-60.0, speed_mps=15.0, braking_mps2=braking_mps2)  # 1.95 m/s² stop at the line
    road.map()
    road.light("red", end_s=30.0)
    assert (Kind.RED_LIGHT in road.found()) is is_warned


@pytest.mark.parametrize(
    ("north_m", "heading_deg"), [(9.0, EAST), (0.0, WEST), (0.0, 0.0)], ids=["beside", "leaves", "crosses"]
)
def test_a_light_is_for_who_drives_in_its_lane(north_m: float, heading_deg: float) -> None:
    road = Road(east_m=-60.0, north_m=north_m, heading_deg=heading_deg, speed_mps=15.0)
    road.map()
    road.light("red", end_s=10.0)
    assert Kind.RED_LIGHT not in road.found()
    assert Kind.GREEN_WAVE not in road.found()


@PROFILES
@pytest.mark.parametrize(
    ("light", "end_s", "advice"),
    [
        ("protected-green", 20.0, (200 / 19, 16.66)),
        ("red", 15.0, (200 / 24, 200 / 16)),
        ("protected-green", 5.0, None),
        ("protected-green", None, None),
        ("red", 200.0, None),
        ("red", None, None),
    ],
    ids=["green", "red soon green", "green too short", "green without end", "red too long", "nobody knows"],
)
def test_a_speed_is_advised_that_meets_green(
    profile: Profile, light: str, end_s: float | None, advice: tuple[float, float] | None
) -> None:
    road = Road(profile)
    road.map()
    road.light(light, end_s=end_s)
    found = road.found().get(Kind.GREEN_WAVE)
    assert (None if found is None else found.advice_mps) == (
        None if advice is None else pytest.approx(advice, rel=0.01)
    )


@pytest.mark.parametrize("east_m", [-305.0, -25.0], ids=["too far", "too near"])
def test_no_speed_is_advised_far_away_or_at_the_line(east_m: float) -> None:
    road = Road(east_m=east_m)
    road.map()
    assert told(road.drive(0.3, lambda _: road.light("protected-green", end_s=30.0)), Kind.GREEN_WAVE) == []


def crossing(lane: dict[str, Any], **link: Any) -> dict[str, Any]:  # noqa: ANN401
    """A MAP with one lane."""
    row = {"upstreamNodeId": UPSTREAM, "linkWidth_m": 3.5, "lanes": [{"laneID": 1, **lane}], **link}
    return {"mapFrame": {"msgCnt": 1, "nodes": [{"id": NODE, "refPos": degrees(CROSSING), "inLinks": [row]}]}}


LINE = [{"posOffset": offset(east, 0.0)} for east in (-400.0, 0.0)]


BEYOND = {"region": 4601, "id": 10}


RIGHT_ON_RED = {"maneuvers": ["maneuverRightAllowed", "maneuverRightTurnOnRedAllowed"], "points": LINE}


TO_BEYOND = [{"remoteIntersection": BEYOND, "phaseId": 21}]


@PROFILES
@pytest.mark.parametrize(
    ("message", "is_warned"),
    [
        (crossing({"points": LINE}, movements=[{"remoteIntersection": BEYOND, "phaseId": 21}]), True),
        (crossing({"connectsTo": TO_BEYOND}, points=LINE), True),
        (crossing({"connectsTo": TO_BEYOND, **RIGHT_ON_RED}), False),
        (crossing({"connectsTo": [*TO_BEYOND, {"remoteIntersection": BEYOND, "phaseId": 22}], "points": LINE}), False),
        (crossing({"points": LINE}), False),
    ],
    ids=["movement", "lane without points", "right on red", "another way is green", "no light"],
)
def test_the_lights_of_a_lane_are_those_that_let_it_go(
    profile: Profile, message: dict[str, Any], is_warned: bool
) -> None:
    road = Road(profile, east_m=-60.0, speed_mps=15.0)
    road.say(message)
    phases = [
        {"id": number, "phaseStates": [{"light": light, "timing": {"counting": COUNTED}}]}
        for number, light in ((21, "red"), (22, "protected-green"))
    ]
    state = {"intersectionId": NODE, "status": [], "phases": phases}
    road.say({"spatFrame": {"msgCnt": 1, "intersections": [state]}})
    assert (Kind.RED_LIGHT in road.found()) is is_warned


COUNTED = {"startTime_s": 0.0, "likelyEndTime_s": 30.0}


@pytest.mark.parametrize(
    ("times", "is_warned"),
    [
        ({"startUTCTime_s": 3295.0, "likelyEndUTCTime_s": 3310.0}, True),
        ({"startUTCTime_s": 3295.0, "likelyEndUTCTime_s": 3304.0}, False),
        ({"startUTCTime_s": 3303.0, "likelyEndUTCTime_s": 3320.0}, True),
        ({"startUTCTime_s": None, "likelyEndUTCTime_s": None}, False),
    ],
    ids=["red", "ends before", "begins before", "not known"],
)
def test_times_of_the_hour_are_times_too(times: dict[str, float | None], is_warned: bool) -> None:
    road = Road(east_m=-62.4, speed_mps=15.0)  # 06:55:02 is second 3,302 of the hour
    road.map()
    state = {"light": "red", "timing": {"utcTiming": times}}
    phase = {"id": 21, "phaseStates": [state]}
    road.say({"spatFrame": {"msgCnt": 1, "intersections": [{"intersectionId": NODE, "status": [], "phases": [phase]}]}})
    assert (Kind.RED_LIGHT in road.found()) is is_warned
    road.knows_time = False
    assert Kind.RED_LIGHT not in road.found()


@pytest.mark.parametrize("status", ["failureFlash", "failureMode", "off", "noValidSPATisAvailableAtThisTime"])
def test_a_crossing_that_has_failed_says_nothing(status: str) -> None:
    road = Road(east_m=-60.0, speed_mps=15.0)
    road.map()
    road.light("red", end_s=30.0)
    phase = {"id": 21, "phaseStates": [{"light": "red", "timing": {"counting": COUNTED}}]}
    state = {"intersectionId": NODE, "status": [status], "phases": [phase]}
    road.say({"spatFrame": {"msgCnt": 1, "intersections": [state]}})
    assert Kind.RED_LIGHT not in road.found()
