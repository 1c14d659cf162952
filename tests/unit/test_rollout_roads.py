"""The planner on corridors: neighbours, shares, and who keeps a place."""

from dataclasses import replace

import pytest

from tests.unit.rollout_makers import FAILED, G98, HEARD, node, planned, rollout
from wayside_manager.core.nodes import UpdatePhase
from wayside_manager.core.rollout import RolloutPlan, WaitReason
from wayside_manager.core.rollout_plan import NodeFacts, Road, Roads


@pytest.mark.parametrize("is_ring", [False, True], ids=["road", "ring"])
def test_neighbours_on_a_corridor_take_turns(*, is_ring: bool) -> None:
    road = replace(G98, is_ring=is_ring)
    nodes = [node(f"n{index}") for index in range(1, 6)]
    facts = {f"n{index}": NodeFacts(site_id=f"k{index}") for index in range(1, 6)}
    assert planned(rollout(), nodes, facts, Roads((road,))).assigned_node_ids == (
        ("n1", "n3") if is_ring else ("n1", "n3", "n5")
    )


@pytest.mark.parametrize(
    ("percent", "plan_percent", "allowed"), [(5.0, 0.0, 1), (40.0, 0.0, 2), (59.0, 0.0, 2), (100.0, 20.0, 1)]
)
def test_no_more_of_a_corridor_than_allowed_and_one_always(percent: float, plan_percent: float, allowed: int) -> None:
    nodes = [node(f"n{index}") for index in range(1, 6)]
    facts = {f"n{index}": NodeFacts(site_id=f"k{index}") for index in range(1, 6)}
    roads = Roads((replace(G98, max_percent=percent),))
    plan = RolloutPlan(max_corridor_percent=plan_percent)
    assert len(planned(rollout(plan), nodes, facts, roads).assigned_node_ids) == allowed


def test_the_nodes_of_a_site_go_together_and_those_without_one_are_free() -> None:
    facts = {"a": NodeFacts(site_id="k1"), "b": NodeFacts(site_id="k1"), "c": HEARD}
    roads = Roads((replace(G98, max_percent=1.0),))
    assert planned(rollout(), [node("a"), node("b"), node("c")], facts, roads).assigned_node_ids == ("a", "b", "c")


GIVEN_UP: list[tuple[str, NodeFacts, bool]] = [
    ("silent", NodeFacts(is_heard=False, site_id="k1"), True),
    ("heard, and still between", NodeFacts(is_between=True, site_id="k1"), True),
    ("heard", NodeFacts(site_id="k1"), False),
    ("retired", NodeFacts(is_heard=False, is_gone=True, site_id="k1"), False),
]


@pytest.mark.parametrize(("facts", "holds"), [row[1:] for row in GIVEN_UP], ids=[row[0] for row in GIVEN_UP])
def test_a_node_given_up_keeps_its_neighbours_waiting_until_it_is_heard(facts: NodeFacts, *, holds: bool) -> None:
    lost = node("a", FAILED, phase=UpdatePhase.DOWNLOADING)
    every = {"a": facts, "b": NodeFacts(site_id="k2")}
    step = planned(rollout(RolloutPlan(max_failure_count=2)), [lost, node("b")], every, Roads((G98,)))
    assert step.waits == ({"b": WaitReason.CORRIDOR} if holds else {})


def test_a_node_that_failed_with_a_word_keeps_nobody_waiting() -> None:
    said = node("a", FAILED, phase=UpdatePhase.ROLLED_BACK)
    facts = {"a": NodeFacts(is_heard=False, site_id="k1"), "b": NodeFacts(site_id="k2")}
    step = planned(rollout(RolloutPlan(max_failure_count=2)), [said, node("b")], facts, Roads((G98,)))
    assert step.assigned_node_ids == ("b",)


def test_a_site_on_two_corridors_keeps_to_both() -> None:
    ring = Road("ring", ("k9", "k3"), is_ring=True, max_percent=100.0)
    facts = {"a": NodeFacts(site_id="k3")}
    for busy, is_told in [("k9", False), ("k2", False), ("k1", True)]:
        step = planned(rollout(), [node("a")], facts, Roads((G98, ring), frozenset({busy})))
        assert bool(step.assigned_node_ids) == is_told


@pytest.mark.parametrize("size", [1, 2, 3])
def test_on_a_small_ring_one_site_goes_at_a_time(size: int) -> None:
    ring = Road("ring", tuple(f"k{index}" for index in range(size)), is_ring=True, max_percent=100.0)
    facts = {f"n{index}": NodeFacts(site_id=f"k{index}") for index in range(size)}
    assert planned(rollout(), [node(name) for name in facts], facts, Roads((ring,))).assigned_node_ids == ("n0",)
