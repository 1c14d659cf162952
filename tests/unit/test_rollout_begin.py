"""Rollouts that begin at a time."""

from datetime import timedelta

from tests.unit.rollout_makers import FAILED, IN_FLIGHT, PENDING, START, node, planned, rollout
from wayside_manager.core.rollout import RolloutPlan, RolloutState, WaitReason
from wayside_manager.store.rollout_rows import deadline

LATER = RolloutPlan(begin_time=START + timedelta(hours=3), deadline_s=3600.0)


def test_nobody_is_told_before_the_time_the_plan_begins_at() -> None:
    nodes = [node("a", PENDING), node("b", PENDING)]
    early = planned(rollout(LATER), nodes)
    assert (early.node_states, early.waits) == ({}, {"a": WaitReason.BEGIN, "b": WaitReason.BEGIN})
    now = planned(rollout(RolloutPlan(begin_time=START)), nodes)
    assert now.node_states == {"a": IN_FLIGHT, "b": IN_FLIGHT}


def test_a_rollout_that_has_not_begun_can_be_aborted() -> None:
    step = planned(rollout(LATER, state=RolloutState.ABORTED), [node("a", PENDING)])
    assert FAILED not in step.node_states.values()
    assert not step.assigned_node_ids


def test_the_deadline_counts_from_the_begin() -> None:
    assert deadline(LATER, START) == START + timedelta(hours=4)
    assert deadline(LATER, START + timedelta(days=1)) == START + timedelta(days=1, hours=1), "it is past"
