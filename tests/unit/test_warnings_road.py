"""Warnings about the road: limits, direction, events and signs. Lights: test_warnings_lights."""

from typing import Any

import pytest

from tests.unit.warning_world import EAST, MINUTE, WEST, Road, offset, told
from wayside.v2x.codec import Profile
from wayside_agent.core.warnings.model import Kind, Severity

PROFILES = pytest.mark.parametrize("profile", Profile, ids=lambda each: each.value)


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
