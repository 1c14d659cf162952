"""Bends: who is on our way there, and who only stands straight ahead."""

import math

import pytest

from tests.unit.warning_world import EAST, NODE, UPSTREAM, Road, offset
from wayside_agent.core.bsm import Event
from wayside_agent.core.warnings.model import Kind
from wayside_agent.core.warnings.own_curve import OwnCurve

RADIUS_M = 100.0
BEND = ((-400.0, 0.0), (-170.0, 0.0), (-110.0, 60.0), (0.0, 170.0))
"""A lane that turns left by 45°, 30 m ahead of us."""


def on_arc(angle: float, side: int) -> tuple[float, float, float]:
    """A place of the arc we drive, seen from the crossing, and the heading there; `side`: 1 to the right."""
    east = -200.0 + RADIUS_M * math.sin(angle)
    return east, -side * RADIUS_M * (1 - math.cos(angle)), (EAST + side * math.degrees(angle)) % 360


@pytest.mark.parametrize("side", [-1, 1])
def test_who_stands_straight_ahead_of_a_bend_is_not_in_our_way(side: int) -> None:
    straight, bent = Road(), Road(curve_per_m=side / RADIUS_M)
    for road in (straight, bent):
        road.vehicle(-150.0)
    assert Kind.FORWARD_COLLISION in straight.found()
    assert Kind.FORWARD_COLLISION not in bent.found()


@pytest.mark.parametrize("side", [-1, 1])
def test_who_stands_on_the_bend_we_drive_is_in_our_way(side: int) -> None:
    east, north, heading = on_arc(0.5, side)
    straight, bent = Road(), Road(curve_per_m=side / RADIUS_M)
    for road in (straight, bent):
        road.vehicle(east, north, heading_deg=heading)
    assert Kind.FORWARD_COLLISION not in straight.found()
    found = bent.found()[Kind.FORWARD_COLLISION]
    assert found.distance_m == pytest.approx(50.0 - 4.8, abs=0.3), "along the arc, from bumper to bumper"


def test_a_lane_of_the_map_that_bends_tells_who_is_in_our_way() -> None:
    ahead, on_lane = Road(), Road()
    for road in (ahead, on_lane):
        road.map(line=BEND)
    ahead.vehicle(-140.0)
    on_lane.vehicle(-140.0, 30.0, heading_deg=45.0)
    assert Kind.FORWARD_COLLISION not in ahead.found()
    found = on_lane.found()[Kind.FORWARD_COLLISION]
    assert found.distance_m == pytest.approx(30 + 30 * math.sqrt(2) - 4.8, abs=0.3)


def test_a_straight_lane_changes_nothing() -> None:
    with_map, without = Road(), Road()
    with_map.map()
    for road in (with_map, without):
        road.vehicle(-150.0)
    assert with_map.found()[Kind.FORWARD_COLLISION].distance_m == without.found()[Kind.FORWARD_COLLISION].distance_m


def test_a_vehicle_on_the_bend_that_brakes_or_is_stranded_is_told_and_one_beside_is_not() -> None:
    east, north, heading = on_arc(0.6, -1)
    for words, kind in (
        ({"acceleration_mps2": -5.0, "speed_mps": 9.0}, Kind.EMERGENCY_BRAKE),
        ({"events": frozenset({Event.HAZARD_LIGHTS})}, Kind.HAZARD),
    ):
        bent, straight = Road(curve_per_m=-1 / RADIUS_M), Road()
        for road in (bent, straight):
            road.vehicle(east, north, heading_deg=heading, **words)
        assert kind in bent.found()
        assert kind not in straight.found()


def test_an_event_without_a_path_straight_ahead_of_a_bend_is_not_ours() -> None:
    straight, bent = Road(), Road(curve_per_m=-1 / RADIUS_M)
    for road in (straight, bent):
        road.notice(eventType=408, eventPos=offset(-120.0, -5.0))
    assert Kind.HAZARD in straight.found()
    assert Kind.HAZARD not in bent.found()


def test_an_event_on_our_link_behind_a_bend_is_ours() -> None:
    road = Road(curve_per_m=1 / RADIUS_M)  # what the lane says goes before the arc
    road.map(line=BEND)
    link = {"upstreamNodeId": UPSTREAM, "downstreamNodeId": NODE}
    road.notice(eventType=408, eventPos=offset(-120.0, 50.0), referenceLinks=[link])
    assert road.found()[Kind.HAZARD].distance_m == pytest.approx(30 + 50 * math.sqrt(2), abs=0.5)


def driven(turn_dps: tuple[float, ...], speed_mps: float = 15.0, *, gap_s: float = 0.1) -> float:
    """What is known of the arc after seconds with these turns, a tenth of a second apart."""
    curve, heading_deg, now_s, found = OwnCurve(), 350.0, 10.0, 0.0
    for turn in turn_dps:
        for _ in range(max(1, round(1 / gap_s))):
            heading_deg = (heading_deg + turn * gap_s) % 360
            now_s += gap_s
            found = curve.per_m(now_s, heading_deg=heading_deg, speed_mps=speed_mps)
    return found


def test_a_turn_that_lasts_is_an_arc_with_its_side() -> None:
    assert driven((9.0, 9.0, 9.0)) == pytest.approx(math.radians(9.0) / 15.0, rel=0.05)
    assert driven((-9.0, -9.0, -9.0)) == pytest.approx(-math.radians(9.0) / 15.0, rel=0.05)


@pytest.mark.parametrize(
    ("turns", "speed_mps"),
    [((0.0, 0.0, 0.0), 15.0), ((5.0, -5.0, 5.0, -5.0), 15.0), ((0.5,) * 4, 15.0), ((9.0,), 15.0), ((9.0,) * 4, 3.0)],
    ids=["straight", "lane-change", "noise", "too-short", "too-slow"],
)
def test_what_does_not_last_or_may_be_noise_is_no_arc(turns: tuple[float, ...], speed_mps: float) -> None:
    assert driven(turns, speed_mps) == 0.0


def test_a_vehicle_whose_heading_was_not_known_for_a_while_is_on_no_arc() -> None:
    assert driven((9.0, 9.0, 9.0), gap_s=5.0) == 0.0
