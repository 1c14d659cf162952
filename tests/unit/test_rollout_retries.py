"""Tries after the first of nodes that could not take a release; whatever happens is in test_rollout_lives.py."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.rollout_makers import (
    EXPIRED,
    FAILED,
    IN_FLIGHT,
    PENDING,
    SKIPPED,
    START,
    SUCCEEDED,
    node,
    planned,
    rollout,
)
from tests.unit.rollout_rules import applied
from wayside_manager.core.nodes import UpdatePhase
from wayside_manager.core.rollout import (
    SECONDS_PER_DAY,
    Fault,
    RolloutNodeRecord,
    RolloutNodeState,
    RolloutPlan,
    RolloutState,
    WaitReason,
)
from wayside_manager.core.rollout_facts import BETWEEN
from wayside_manager.core.rollout_plan import NodeFacts
from wayside_manager.core.rollout_retries import fault_of, pause_s

PLAN = RolloutPlan(retry_count=3, retry_base_s=600.0)
LONG_AGO = START - timedelta(hours=2)


def broken(attempt: int = 0, *, fault: Fault = Fault.PASSING, **values: object) -> RolloutNodeRecord:
    given = {"phase": UpdatePhase.FAILED, "fault": fault, "attempt": attempt} | values
    return node("a", IN_FLIGHT, **given)


def waiting(attempt: int = 1, *, minutes: float = 10.0) -> RolloutNodeRecord:
    return node(
        "a",
        PENDING,
        phase=UpdatePhase.FAILED,
        fault=Fault.PASSING,
        attempt=attempt,
        tell_time=LONG_AGO,
        retry_time=START + timedelta(minutes=minutes),
    )


def test_who_could_not_for_what_passes_is_called_back_and_waits_for_its_next_try() -> None:
    step = planned(rollout(PLAN), [broken(), node("z", IN_FLIGHT)])
    assert step.node_states == {"a": PENDING}
    assert step.retry_times == {"a": START + timedelta(minutes=10)}
    assert step.withdrawn_node_ids == ("a",)
    assert step.waits == {"a": WaitReason.RETRY}


def test_nobody_is_told_before_its_time_and_everybody_at_it() -> None:
    assert planned(rollout(PLAN), [waiting()]).waits == {"a": WaitReason.RETRY}
    step = planned(rollout(PLAN), [waiting()], now=START + timedelta(minutes=10))
    assert step.node_states == {"a": IN_FLIGHT}
    assert step.assigned_node_ids == ("a",)


@pytest.mark.parametrize("attempt", range(12))
def test_pauses_double_up_to_a_day(attempt: int) -> None:
    assert pause_s(PLAN, attempt) == min(SECONDS_PER_DAY, 600.0 * 2**attempt)


def test_the_last_try_that_does_not_succeed_makes_a_node_fail_once() -> None:
    step = planned(rollout(PLAN), [broken(3), node("z", IN_FLIGHT)])
    assert step.node_states["a"] is FAILED
    assert step.state is RolloutState.FAILED
    assert step.message.startswith("1 of 2 nodes told")


def test_a_node_that_waits_for_its_next_try_counts_as_told_and_not_as_failed() -> None:
    plan = RolloutPlan(retry_count=1, max_failure_count=1)
    assert planned(rollout(plan), [waiting(), node("z", IN_FLIGHT)]).state is RolloutState.RUNNING


@pytest.mark.parametrize(
    ("node_fault", "with_gate", "is_retried"),
    [
        pytest.param(Fault.NONE, True, False, id="refused"),
        pytest.param(Fault.PASSING, False, True, id="passing"),
        pytest.param(Fault.GATE, False, False, id="gate"),
        pytest.param(Fault.GATE, True, True, id="gate-if-the-plan-says-so"),
    ],
)
def test_what_was_refused_is_not_tried_again(node_fault: Fault, *, with_gate: bool, is_retried: bool) -> None:
    plan = RolloutPlan(retry_count=1, retries_refused_by_gate=with_gate, max_failure_count=9)
    step = planned(rollout(plan), [broken(fault=node_fault), node("z", IN_FLIGHT)])
    assert step.node_states["a"] is (PENDING if is_retried else FAILED)


def test_who_says_nothing_in_time_is_tried_again_and_the_sentence_says_why() -> None:
    silent = node("a", IN_FLIGHT, phase=UpdatePhase.DOWNLOADING, tell_time=LONG_AGO)
    step = planned(rollout(PLAN), [silent])
    assert step.node_states == {"a": PENDING}
    assert step.node_messages == {"a": "no word for 3600 s that it is done"}


@pytest.mark.parametrize("phase", sorted(BETWEEN))
def test_who_has_switched_and_fell_silent_is_not_told_again(phase: UpdatePhase) -> None:
    silent = node("a", IN_FLIGHT, phase=phase, tell_time=LONG_AGO)
    assert planned(rollout(PLAN), [silent]).node_states == {"a": FAILED}


def test_who_runs_something_else_is_not_told_again() -> None:
    assert planned(rollout(PLAN), [node("a", IN_FLIGHT, phase=UpdatePhase.COMMITTED)]).node_states == {"a": FAILED}


def test_who_got_there_after_all_while_it_waited_has_succeeded_and_nothing_is_left_of_why_it_waited() -> None:
    step = planned(rollout(PLAN), [waiting()], {"a": NodeFacts(runs_target=True)})
    assert step.node_states == {"a": SUCCEEDED}
    assert step.node_messages == {"a": ""}


@pytest.mark.parametrize(
    ("state", "wanted"),
    [(RolloutState.ABORTED, EXPIRED), (RolloutState.FAILED, EXPIRED)],
    ids=["aborted", "failed"],
)
def test_a_rollout_that_has_ended_tries_nobody_again(state: RolloutState, wanted: RolloutNodeState) -> None:
    late = START + timedelta(hours=1)
    step = planned(rollout(PLAN, state=state), [waiting()], now=late)
    assert step.node_states == {"a": wanted}
    assert step.assigned_node_ids == ()
    assert step.node_messages == {"a": "the rollout ended before it was tried again"}
    assert planned(rollout(PLAN, state=state), [broken()], now=late).node_states == {"a": FAILED}


def test_a_rollout_that_is_paused_counts_tries_and_tells_nobody() -> None:
    paused = rollout(PLAN, state=RolloutState.PAUSED)
    assert planned(paused, [broken()]).retry_times == {"a": START + timedelta(minutes=10)}
    step = planned(paused, [waiting()], now=START + timedelta(hours=1))
    assert step.node_states == {}
    assert step.waits == {"a": WaitReason.PAUSED}


def test_a_rollout_that_stops_in_the_same_step_tries_nobody_again() -> None:
    refused = node("b", IN_FLIGHT, phase=UpdatePhase.FAILED)
    step = planned(rollout(PLAN), [broken(), refused])
    assert step.state is RolloutState.FAILED
    assert step.node_states == {"a": FAILED, "b": FAILED}
    assert step.retry_times == {}


def test_a_retired_node_is_skipped_whatever_it_waited_for() -> None:
    assert planned(rollout(PLAN), [waiting()], {"a": NodeFacts(is_gone=True)}).node_states == {"a": SKIPPED}


def test_configuration_and_jobs_are_not_told_again() -> None:
    of_config = rollout(PLAN, version="", config_cause="configLayers/base")
    assert planned(of_config, [broken()]).node_states == {"a": FAILED}


def test_the_deadline_counts_whoever_waits_for_a_try() -> None:
    step = planned(rollout(PLAN, deadline_time=START), [waiting()])
    assert step.node_states == {"a": EXPIRED}


STAGED = node("a", IN_FLIGHT, phase=UpdatePhase.STAGED, tell_time=LONG_AGO)


def test_who_says_that_it_is_staged_and_waits_is_not_silent_as_long_as_somebody_hears_it() -> None:
    assert planned(rollout(), [STAGED]).node_states == {}
    assert planned(rollout(), [STAGED], {"a": NodeFacts(is_silent=True)}).node_states == {"a": FAILED}


def test_the_time_of_a_node_begins_anew_when_it_goes_on_after_it_waited() -> None:
    soon = node("a", IN_FLIGHT, tell_time=LONG_AGO, resume_time=START - timedelta(minutes=59))
    late = node("a", IN_FLIGHT, tell_time=LONG_AGO, resume_time=START - timedelta(minutes=60))
    assert planned(rollout(), [soon]).node_states == {}
    assert planned(rollout(), [late]).node_states == {"a": FAILED}


@pytest.mark.parametrize(
    ("phase", "reason", "wanted"),
    [
        (UpdatePhase.FAILED, "DISK_FULL", Fault.PASSING),
        (UpdatePhase.FAILED, "UNAVAILABLE", Fault.PASSING),
        (UpdatePhase.FAILED, "WRONG_HARDWARE", Fault.NONE),
        (UpdatePhase.FAILED, "", Fault.NONE),
        (UpdatePhase.ROLLED_BACK, "GATE", Fault.GATE),
        (UpdatePhase.ROLLED_BACK, "LAUNCHER", Fault.GATE),
        (UpdatePhase.DOWNLOADING, "UNAVAILABLE", Fault.NONE),
    ],
)
def test_a_word_says_whether_another_try_could_change_its_end(phase: UpdatePhase, reason: str, wanted: Fault) -> None:
    assert fault_of(phase, reason) is wanted


@given(
    retry_count=st.integers(0, 5),
    base_s=st.sampled_from([10.0, 600.0, 43_200.0, 86_400.0]),
    answer_s=st.integers(1, 3_000),
    limit=st.integers(1, 3),
)
def test_nodes_that_never_can_are_told_so_often_and_no_more_each_after_twice_the_pause(
    *, retry_count: int, base_s: float, answer_s: int, limit: int
) -> None:
    plan = RolloutPlan(retry_count=retry_count, retry_base_s=base_s, max_failure_count=limit)
    record = rollout(plan, deadline_time=START + timedelta(days=30))
    nodes = {each: node(each) for each in "abc"}
    now = START
    told: list[datetime] = []
    while record.state is RolloutState.RUNNING:
        step = planned(record, list(nodes.values()), now=now)
        assert set(step.node_states.values()) <= {IN_FLIGHT}
        record, nodes = applied(record, nodes, step, now=now)
        told.append(now)
        now += timedelta(seconds=answer_s)
        said = {each: replace(one, phase=UpdatePhase.FAILED, fault=Fault.PASSING) for each, one in nodes.items()}
        step = planned(record, list(said.values()), now=now)
        record, nodes = applied(record, said, step, now=now)
        if step.retry_times:
            (next_time,) = set(step.retry_times.values())
            early = planned(record, list(nodes.values()), now=next_time - timedelta(seconds=1))
            assert early.node_states == {}
            now = next_time
    pauses_s = [(after - before).total_seconds() - answer_s for before, after in pairwise(told)]
    assert pauses_s == [min(SECONDS_PER_DAY, base_s * 2**number) for number in range(retry_count)]
    assert len(told) == retry_count + 1
    assert [one.state for one in nodes.values()] == [FAILED] * 3
    assert record.message.startswith("3 of 3 nodes told")
