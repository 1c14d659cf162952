"""Which greens cross, read off the MAP of a crossing, and what the settings add and take."""

import pytest

from tests.unit.crossing_maker import crossing
from wayside.v2x.codec import Profile, decode, encode
from wayside.v2x.generated.messages import MapData
from wayside_agent.core.signal_conflicts import conflicting, phases_in
from wayside_agent.core.signal_phases import Intersection, conflicts_in, unknown_in
from wayside_agent.core.signal_plan import Light, PhaseNow, SignalPlan

STRAIGHT = {
    ("north", "south"): 21,
    ("south", "north"): 61,
    ("east", "west"): 41,
    ("west", "east"): 81,
}
LEFT = {
    ("north", "east"): 22,
    ("south", "west"): 62,
    ("east", "south"): 42,
    ("west", "north"): 82,
}
RIGHT = {("north", "west"): 23, ("south", "east"): 63, ("east", "north"): 43, ("west", "south"): 83}


def pairs(*given: tuple[int, int]) -> frozenset[frozenset[int]]:
    return frozenset(map(frozenset, given))


def test_straight_ways_cross_those_from_the_side_and_not_the_opposite_ones() -> None:
    assert conflicting(crossing(STRAIGHT)) == pairs((21, 41), (21, 81), (61, 41), (61, 81))


def test_left_turns_with_a_phase_of_their_own_cross_the_opposite_straight_way_and_those_from_the_side() -> None:
    found = conflicting(crossing(STRAIGHT | LEFT))
    assert {frozenset({22, 61}), frozenset({22, 41}), frozenset({22, 42}), frozenset({22, 82})} <= found
    assert frozenset({22, 62}) not in found, "opposite left turns pass each other"
    assert frozenset({22, 81}) not in found, "both leave to the east"
    assert frozenset({22, 21}) not in found


def test_right_turns_cross_nobody() -> None:
    found = conflicting(crossing(STRAIGHT | LEFT | RIGHT))
    assert not {23, 43, 63, 83} & {phase for pair in found for phase in pair}


def test_a_turn_under_the_phase_of_the_straight_way_gives_way() -> None:
    shared = {("north", "south"): 21, ("north", "east"): 21, ("south", "north"): 61, ("south", "west"): 61}
    assert conflicting(crossing(shared)) == frozenset()


def test_what_the_map_does_not_tell_is_no_conflict() -> None:
    north, east = {("north", "south"): 21}, {("east", "west"): 41}
    assert conflicting(crossing(north | east)) == pairs((21, 41))
    node = crossing({**north, ("east", "gone"): 41})
    assert conflicting(node) == frozenset()
    near = {"north": 0.0, "east": 15.0, "south": 180.0, "west": 195.0}
    assert conflicting(crossing(north | east, near)) == frozenset(), "roads too near to each other to tell sides"


def test_the_phases_of_a_crossing_are_those_of_its_movements_after_the_air_too() -> None:
    node = crossing(STRAIGHT)
    sent = encode(("mapFrame", MapData(msgCnt=0, nodes=[node])), Profile.P20)
    heard = decode(sent, Profile.P20)
    assert heard[0] == "mapFrame"
    assert conflicting(heard[1].nodes[0]) == conflicting(node)
    assert phases_in(heard[1].nodes[0]) == {21, 41, 61, 81}


def going(**lights: Light) -> SignalPlan:
    return SignalPlan({int(name[1:]): PhaseNow(light) for name, light in lights.items()})


def at(**fields: frozenset[frozenset[int]] | frozenset[int]) -> Intersection:
    return Intersection(4601, 9, {2: 21, 4: 41, 6: 61}, **fields)  # type: ignore[arg-type]  # as the tests give them


GREEN, YELLOW, FLASHING = Light.GREEN, Light.YELLOW, Light.FLASHING_GREEN
CROSSING = conflicting(crossing(STRAIGHT))


@pytest.mark.parametrize(
    ("plan", "where", "found"),
    [
        (going(p2=GREEN, p4=GREEN), at(), ((2, 4),)),
        (going(p2=GREEN, p4=FLASHING), at(), ((2, 4),)),
        (going(p2=GREEN, p6=GREEN), at(), ()),
        (going(p2=GREEN, p4=YELLOW), at(), ()),
        (going(p2=GREEN, p4=Light.PERMISSIVE_GREEN), at(), ()),
        (going(p2=GREEN, p4=GREEN), at(permissive=frozenset({4})), ()),
        (going(p2=GREEN, p4=GREEN), at(no_conflicts=pairs((2, 4))), ()),
        (going(p2=GREEN, p4=YELLOW), at(conflicts=pairs((2, 4))), ((2, 4),)),
        (going(p2=GREEN, p6=GREEN), at(conflicts=pairs((2, 6))), ((2, 6),)),
        (going(p2=GREEN, p4=Light.FLASHING_YELLOW), at(conflicts=pairs((2, 4))), ()),
    ],
)
def test_greens_that_cross_by_the_map_are_a_conflict_and_the_settings_add_and_take(
    plan: SignalPlan, where: Intersection, found: tuple[tuple[int, int], ...]
) -> None:
    assert conflicts_in(plan, where, CROSSING) == found


def test_phases_that_the_map_does_not_have_are_named() -> None:
    plan = going(p2=GREEN, p4=GREEN, p9=GREEN)
    assert unknown_in(plan, at(), {21}) == (41,)
    assert unknown_in(plan, Intersection(4601, 9, {}), {2, 9}) == (4,)
