"""Warnings about the road: lights, limits, direction, events and signs."""

from typing import Any

import pytest

from tests.unit.warning_world import EAST, MINUTE, WEST, Road, offset, told
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


@PROFILES
def test_too_fast_is_told_after_a_second_and_over_at_the_limit(profile: Profile) -> None:
    road = Road(profile, east_m=-390.0, speed_mps=18.2)
    road.map()
    changes = road.drive(2.0)
    assert told(changes, Kind.SPEED_LIMIT) == ["begin"]
    assert changes[0].finding.limit_mps == 16.66
    road.speed_mps = 17.2
    assert told(road.drive(2.0), Kind.SPEED_LIMIT) == []
    road.speed_mps = 16.8
    assert told(road.drive(1.0), Kind.SPEED_LIMIT) == ["end"]


@pytest.mark.parametrize(
    ("speed_mps", "limit_mps"), [(18.0, 16.66), (40.0, None), (40.0, 0.0)], ids=["3 km/h over", "no limit", "absurd"]
)
def test_who_is_not_too_fast_is_told_nothing(speed_mps: float, limit_mps: float | None) -> None:
    road = Road(east_m=-390.0, speed_mps=speed_mps)
    road.map(limit_mps=limit_mps)
    assert told(road.drive(2.0), Kind.SPEED_LIMIT) == []


def test_driving_against_a_lane_is_told_after_a_second() -> None:
    road = Road(heading_deg=WEST, speed_mps=10.0)
    road.map()
    assert told(road.drive(0.9), Kind.WRONG_WAY) == []
    assert told(road.drive(0.5), Kind.WRONG_WAY) == ["begin"]
    road.heading_deg = EAST
    assert told(road.drive(1.0), Kind.WRONG_WAY) == ["end"]


@pytest.mark.parametrize(
    ("north_m", "heading_deg", "speed_mps"),
    [(0.0, EAST, 10.0), (0.0, 0.0, 10.0), (0.0, WEST, 1.5), (20.0, WEST, 10.0)],
    ids=["right way", "across", "turns slowly", "on no lane"],
)
def test_who_may_be_right_is_not_told_of_the_wrong_way(north_m: float, heading_deg: float, speed_mps: float) -> None:
    road = Road(north_m=north_m, heading_deg=heading_deg, speed_mps=speed_mps)
    road.map()
    assert told(road.drive(2.0), Kind.WRONG_WAY) == []


PATH = {"activePath": [offset(-500.0, 0.0), offset(-250.0, 0.0), offset(0.0, 0.0)], "pathRadius_m": 10.0}


@PROFILES
def test_an_event_on_our_path_is_told_until_it_is_behind(profile: Profile) -> None:
    road = Road(profile, east_m=-450.0, speed_mps=20.0)
    changes = road.drive(
        21.0,
        lambda _: road.notice(
            eventType=904,
            eventPos=offset(-100.0, 0.0),
            eventRadius_m=5.0,
            referencePaths=[PATH],
            description={"textGB2312": "道路施工".encode("gb2312").hex()},
        ),
    )
    assert told(changes, Kind.HAZARD) == ["begin", "end"]
    begun = changes[0].finding
    assert (begun.code, begun.description, begun.severity) == (904, "道路施工", Severity.WARNING)
    assert begun.distance_m == pytest.approx(300.0, abs=3)


@pytest.mark.parametrize(
    ("content", "is_told"),
    [
        ({"eventPos": offset(-100.0, 0.0)}, True),
        ({"eventPos": offset(-100.0, 40.0)}, False),
        ({"eventPos": offset(-300.0, 0.0)}, False),
        ({"eventPos": offset(-300.0, 0.0), "eventRadius_m": 150.0}, True),
        ({}, False),
        ({"referencePaths": [PATH]}, True),
        ({"referencePaths": [{**PATH, "activePath": PATH["activePath"][::-1]}]}, False),  # type: ignore[index]
        (
            {
                "referenceLinks": [
                    {"upstreamNodeId": {"region": 4601, "id": 8}, "downstreamNodeId": {"region": 4601, "id": 9}}
                ]
            },
            True,
        ),
        (
            {
                "referenceLinks": [
                    {"upstreamNodeId": {"region": 4601, "id": 7}, "downstreamNodeId": {"region": 4601, "id": 9}}
                ]
            },
            False,
        ),
        (
            {"eventPos": offset(-100.0, 0.0), "timeDetails": {"startTime_min": MINUTE - 9, "endTime_min": MINUTE + 9}},
            True,
        ),
        ({"eventPos": offset(-100.0, 0.0), "timeDetails": {"endTime_min": MINUTE - 1}}, False),
        ({"eventPos": offset(-100.0, 0.0), "timeDetails": {"startTime_min": MINUTE + 1}}, False),
    ],
    ids=[
        "ahead",
        "aside",
        "behind",
        "within",
        "nowhere",
        "path",
        "path back",
        "our link",
        "other link",
        "now",
        "over",
        "later",
    ],
)
def test_an_event_is_for_whom_it_concerns(content: dict[str, Any], is_told: bool) -> None:
    road = Road(speed_mps=15.0)
    road.map()
    road.notice(eventType=101, **content)
    assert (Kind.HAZARD in road.found()) is is_told


@PROFILES
def test_a_sign_is_told_and_forgotten_when_nobody_says_it(profile: Profile) -> None:
    road = Road(profile, speed_mps=10.0)
    road.notice(signType=85, signPos=offset(-60.0, 2.0), description={"textString": "40 km/h\x07"})
    changes = road.drive(7.0)
    assert told(changes, Kind.SIGN) == ["begin", "end"]
    assert (changes[0].finding.code, changes[0].finding.description) == (85, "40 km/h")
    assert changes[0].finding.severity is Severity.ADVICE


def test_the_most_urgent_stands_first() -> None:
    road = Road(east_m=-60.0, speed_mps=15.0)
    road.map()
    road.light("red", end_s=20.0)
    road.notice(signType=85, signPos=offset(-10.0, 2.0))
    road.vehicle(-30.0)
    road.look()
    assert [each.kind for each in road.judge.active] == [Kind.FORWARD_COLLISION, Kind.RED_LIGHT, Kind.SIGN]
