"""Warnings about others: an approach that warns, and those that must not."""

from collections.abc import Callable

import pytest

from tests.unit.warning_world import EAST, NORTH, SOUTH, WEST, Road, told
from wayside.v2x.codec import Profile
from wayside_agent.core.bsm import Event
from wayside_agent.core.warnings.model import Kind, Severity

PROFILES = pytest.mark.parametrize("profile", Profile, ids=lambda each: each.value)
BRAKING = frozenset({Event.HARD_BRAKING})
Words = Callable[[Road], None]


@PROFILES
def test_who_comes_near_a_standing_vehicle_is_warned_until_it_stops(profile: Profile) -> None:
    road = Road(profile, speed_mps=15.0)
    first = road.drive(6.0, lambda _: road.vehicle(-100.0))  # 100 m, less a length of 4.8 m: 4 s at 60 m
    assert told(first, Kind.FORWARD_COLLISION) == ["begin"]
    begun = first[0].finding
    assert begun.severity is Severity.WARNING
    assert begun.time_s == pytest.approx(4.0, abs=0.1)
    assert first[-1].finding.severity is Severity.CRITICAL
    road.speed_mps = 0.0
    assert told(road.drive(2.0, lambda _: road.vehicle(-100.0)), Kind.FORWARD_COLLISION) == ["end"]


@pytest.mark.parametrize(("gap_s", "is_warned"), [(3.95, True), (4.05, False)], ids=["at", "beyond"])
def test_the_time_to_collision_decides(gap_s: float, is_warned: bool) -> None:
    road = Road(speed_mps=20.0)
    road.vehicle(road.east_m + 4.8 + 10.0 * gap_s, speed_mps=10.0)
    assert told(road.look(), Kind.FORWARD_COLLISION) == (["begin"] if is_warned else [])


@pytest.mark.parametrize(
    "words",
    [
        lambda road: road.vehicle(-170.0, 3.5),
        lambda road: road.vehicle(-170.0, heading_deg=WEST, speed_mps=10.0),
        lambda road: road.vehicle(-230.0),
        lambda road: road.vehicle(-170.0, speed_mps=16.0),
        lambda road: road.vehicle(-170.0, late_s=30.0),
    ],
    ids=["other lane", "comes towards us", "behind", "draws away", "said half a minute ago"],
)
def test_who_is_not_in_the_way_warns_of_no_collision(words: Words) -> None:
    road = Road()
    words(road)
    assert Kind.FORWARD_COLLISION not in road.found()


def test_a_vehicle_that_falls_silent_is_believed_for_a_second() -> None:
    road = Road()
    road.vehicle(-160.0)
    changes = road.drive(2.5, lambda _: setattr(road, "east_m", -200.0))
    assert told(changes, Kind.FORWARD_COLLISION) == ["begin", "end"]
    assert len(road.picture.movers) == 0


def test_a_warning_does_not_flicker_at_its_threshold() -> None:
    road = Road(speed_mps=20.0)
    gaps_s = (3.9, 4.1, 3.95, 4.05)

    def words(time_s: float) -> None:
        road.east_m = -200.0
        road.vehicle(-200.0 + 4.8 + 10.0 * gaps_s[round(time_s * 10) % 4], speed_mps=10.0)

    assert told(road.drive(4.0, words), Kind.FORWARD_COLLISION) == ["begin"]


@PROFILES
def test_hard_braking_ahead_is_told_and_held(profile: Profile) -> None:
    road = Road(profile, speed_mps=15.0)
    changes = road.drive(
        4.0,
        lambda time_s: road.vehicle(
            road.east_m + 100.0, 3.5, speed_mps=12.0, events=BRAKING if time_s < 1 else frozenset()
        ),
    )
    assert told(changes, Kind.EMERGENCY_BRAKE) == ["begin", "end"]


@pytest.mark.parametrize(
    ("words", "is_warned"),
    [
        (lambda road: road.vehicle(-100.0, speed_mps=12.0, acceleration_mps2=-4.0), True),
        (lambda road: road.vehicle(-100.0, speed_mps=12.0, acceleration_mps2=-3.9), False),
        (lambda road: road.vehicle(-100.0, heading_deg=WEST, speed_mps=12.0, events=BRAKING), False),
        (lambda road: road.vehicle(-100.0, 9.0, speed_mps=12.0, events=BRAKING), False),
        (lambda road: road.vehicle(-30.0, speed_mps=12.0, events=BRAKING), False),
        (lambda road: road.vehicle(-230.0, speed_mps=12.0, events=BRAKING), False),
    ],
    ids=["at 4 m/s²", "below", "other way", "two lanes over", "170 m ahead", "behind"],
)
def test_braking_that_does_not_concern_us_is_not_told(words: Words, is_warned: bool) -> None:
    road = Road()
    words(road)
    assert (Kind.EMERGENCY_BRAKE in road.found()) is is_warned


@PROFILES
@pytest.mark.parametrize(("heading_deg", "side"), [(SOUTH, 1), (NORTH, -1)], ids=["from the left", "from the right"])
def test_crossing_traffic_that_meets_us_is_told(profile: Profile, heading_deg: float, side: int) -> None:
    road = Road(profile, east_m=-90.0, speed_mps=15.0)  # at the crossing in 6 s, as the other
    changes = road.drive(
        7.5, lambda time_s: road.vehicle(0.0, side * (60.0 - 10.0 * time_s), heading_deg=heading_deg, speed_mps=10.0)
    )
    assert told(changes, Kind.INTERSECTION_COLLISION) == ["begin", "end"]
    assert changes[0].finding.time_s == pytest.approx(5.0, abs=0.15)


@pytest.mark.parametrize(
    ("words", "is_warned"),
    [
        (lambda road: road.vehicle(0.0, 40.0, heading_deg=SOUTH, speed_mps=10.0), True),
        (lambda road: road.vehicle(0.0, 54.0, heading_deg=SOUTH, speed_mps=10.0), True),
        (lambda road: road.vehicle(0.0, 56.0, heading_deg=SOUTH, speed_mps=10.0), False),
        (lambda road: road.vehicle(0.0, 40.0, heading_deg=NORTH, speed_mps=10.0), False),
        (lambda road: road.vehicle(0.0, 40.0, heading_deg=SOUTH, speed_mps=0.5), False),
        (lambda road: road.vehicle(0.0, 40.0, heading_deg=SOUTH, speed_mps=10.0, acceleration_mps2=-1.3), False),
        (lambda road: road.vehicle(0.0, 40.0, heading_deg=SOUTH, speed_mps=10.0, acceleration_mps2=-1.2), True),
        (lambda road: road.vehicle(0.0, 40.0, heading_deg=None, speed_mps=10.0), False),
    ],
    ids=["meets", "1.4 s later", "1.6 s later", "drives away", "stands", "stops before", "does not stop", "no heading"],
)
def test_only_who_meets_us_is_crossing_traffic(words: Words, is_warned: bool) -> None:
    road = Road(east_m=-60.0, speed_mps=15.0)
    words(road)
    found = road.found().get(Kind.INTERSECTION_COLLISION)
    assert (found is not None and found.begins) is is_warned


@pytest.mark.parametrize(
    ("words", "is_warned"),
    [
        (lambda road: road.vehicle(-100.0, 4.0, events=frozenset({Event.DISABLED})), True),
        (lambda road: road.vehicle(-100.0, 4.0), False),
        (lambda road: road.vehicle(-100.0, speed_mps=14.0, events=frozenset({Event.HAZARD_LIGHTS})), False),
        (lambda road: road.participant(-140.0, -0.5, kind="pedestrian", heading_deg=NORTH, speed_mps=0.0), True),
        (lambda road: road.participant(-140.0, -5.6, kind="pedestrian", heading_deg=NORTH, speed_mps=1.4), True),
        (lambda road: road.participant(-140.0, 8.0, kind="pedestrian", heading_deg=NORTH, speed_mps=1.4), False),
        (lambda road: road.participant(-140.0, 1.0, kind="unknown", heading_deg=NORTH, speed_mps=0.0), True),
        (lambda road: road.participant(-80.0, 1.0, kind="unknown", heading_deg=NORTH, speed_mps=0.0), False),
    ],
    ids=["stranded", "parked", "drives on", "person", "will be there", "walks away", "thing", "8 s ahead"],
)
def test_what_stands_or_walks_in_our_way_is_a_hazard(words: Words, is_warned: bool) -> None:
    road = Road(speed_mps=15.0)
    words(road)
    found = road.found().get(Kind.HAZARD)
    assert (found is not None and found.begins) is is_warned


def test_a_roadside_unit_that_sees_us_warns_of_nobody() -> None:
    road = Road()
    road.participant(road.east_m + 2.0, 1.0, kind="motor", heading_deg=EAST, speed_mps=13.0)
    assert len(road.picture.movers) == 0
    road.participant(road.east_m + 25.0, 1.0, kind="motor", heading_deg=EAST, speed_mps=0.0)
    assert Kind.FORWARD_COLLISION in road.found()


def test_what_cannot_be_true_is_counted_and_not_believed() -> None:
    road = Road()
    road.vehicle(-150.0)
    road.vehicle(100.0, speed_mps=1.0)  # the same id, 250 m on
    road.vehicle(-150.0, speed_mps=90.0, sender=2)
    road.vehicle(2000.0, sender=3)
    road.vehicle(-150.0, late_s=5.0, sender=4)
    road.vehicle(-150.0, late_s=-5.0, sender=5)
    assert dict(road.picture.movers.doubts) == {"jump": 1, "speed": 1, "range": 1, "stale": 2}
    assert len(road.picture.movers) == 1


def test_of_thousands_of_ids_the_nearest_are_kept() -> None:
    road = Road()
    for sender in range(2000):
        road.vehicle(-190.0 + sender % 500 * 0.5, 5.0 + sender % 7, sender=sender)
    assert (len(road.picture.movers), road.picture.movers.doubts["too many"]) == (512, 1488)
    kept = road.scene.targets
    assert len(kept) == 256
    assert max(each.along_m for each in kept) < 150.0
