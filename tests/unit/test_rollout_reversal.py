"""A wave that failed goes back as a whole, where the plan says so; nothing else does."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.unit.rollout_makers import FAILED, IN_FLIGHT, START, done, node, planned, rollout
from wayside_manager.core.nodes import UpdatePhase
from wayside_manager.core.rollout import RolloutNodeRecord, RolloutPlan, RolloutState, Wave, WaveTimes
from wayside_manager.core.rollout_facts import BETWEEN

PLAN = RolloutPlan(waves=(Wave(count=1), Wave(count=3)), reverses_failed_wave=True)
FIRST, SECOND = WaveTimes(START, START), WaveTimes(START)


def fleet() -> list[RolloutNodeRecord]:
    return [done("a"), done("b", wave=1), node("c", FAILED, phase=UpdatePhase.ROLLED_BACK, wave=1), node("d", wave=1)]


def test_nodes_of_the_failed_wave_are_told_what_they_had_and_those_of_passed_waves_stay() -> None:
    step = planned(rollout(PLAN, waves=(FIRST, SECOND)), fleet())
    assert step.state is RolloutState.FAILED
    assert step.node_states["b"] is FAILED
    assert step.withdrawn_node_ids == ("b",)
    assert step.node_messages["b"] == "its wave failed: it goes back to what it ran before"
    assert "a" not in step.node_states


def test_without_the_word_of_the_plan_what_succeeded_stays() -> None:
    plan = replace(PLAN, reverses_failed_wave=False)
    step = planned(rollout(plan, waves=(FIRST, SECOND)), fleet())
    assert step.state is RolloutState.FAILED
    assert step.withdrawn_node_ids == ()


def test_a_node_that_ran_it_before_it_was_told_keeps_it() -> None:
    nodes = [done("a"), done("b", wave=1, tell_time=None), node("c", FAILED, phase=UpdatePhase.ROLLED_BACK, wave=1)]
    assert planned(rollout(PLAN, waves=(FIRST, SECOND)), nodes).withdrawn_node_ids == ()


@pytest.mark.parametrize("state", [RolloutState.ABORTED, RolloutState.SUCCEEDED], ids=str)
def test_an_end_by_a_person_or_with_success_reverses_nothing(state: RolloutState) -> None:
    assert planned(rollout(PLAN, waves=(FIRST, SECOND), state=state), fleet()).withdrawn_node_ids == ()


def test_a_deadline_reverses_nothing() -> None:
    nodes = [done("a"), done("b", wave=1), node("d", wave=1)]
    step = planned(rollout(PLAN, waves=(FIRST, SECOND)), nodes, now=START + timedelta(days=2))
    assert step.withdrawn_node_ids == ()


@pytest.mark.parametrize("phase", sorted(BETWEEN))
def test_a_node_half_way_when_its_wave_fails_finishes_first_and_then_goes_back(phase: UpdatePhase) -> None:
    failed = rollout(PLAN, waves=(FIRST, SECOND), state=RolloutState.FAILED)
    half_way = node("b", IN_FLIGHT, phase=phase, wave=1)
    assert planned(failed, [done("a"), half_way]).withdrawn_node_ids == ()
    through = replace(half_way, phase=UpdatePhase.COMMITTED, runs_target=True)
    step = planned(failed, [done("a"), through])
    assert (step.node_states, step.withdrawn_node_ids) == ({"b": FAILED}, ("b",))
