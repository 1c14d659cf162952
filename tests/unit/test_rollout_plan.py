"""The rollout planner: single rules. What holds whatever happens is in test_rollout_lives.py."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.unit.rollout_makers import (
    EXPIRED,
    FAILED,
    G98,
    HEARD,
    IN_FLIGHT,
    NOWHERE,
    PENDING,
    SKIPPED,
    START,
    SUCCEEDED,
    done,
    node,
    planned,
    rollout,
)
from tests.unit.rollout_rules import applied
from wayside_manager.core.nodes import UpdatePhase
from wayside_manager.core.rollout import (
    RolloutNodeRecord,
    RolloutNodeState,
    RolloutPlan,
    RolloutRecord,
    RolloutState,
    WaitReason,
    Wave,
    WaveTimes,
    Window,
)
from wayside_manager.core.rollout_facts import BETWEEN
from wayside_manager.core.rollout_plan import NodeFacts, Roads, next_step
from wayside_manager.core.rollout_turns import TELL_MAX

SETTLING: list[tuple[str, RolloutNodeRecord, NodeFacts, RolloutNodeState]] = [
    ("a commit that runs it", node("a", IN_FLIGHT, phase=UpdatePhase.COMMITTED, runs_target=True), HEARD, SUCCEEDED),
    ("a commit of something else", node("a", IN_FLIGHT, phase=UpdatePhase.COMMITTED), HEARD, FAILED),
    ("a roll-back", node("a", IN_FLIGHT, phase=UpdatePhase.ROLLED_BACK), HEARD, FAILED),
    ("a refusal", node("a", IN_FLIGHT, phase=UpdatePhase.FAILED), HEARD, FAILED),
    ("a word that came late", node("a", PENDING, phase=UpdatePhase.ROLLED_BACK), HEARD, FAILED),
    ("a node that runs it already", node("a"), NodeFacts(runs_target=True), SUCCEEDED),
    ("a silent node that runs it already", node("a"), NodeFacts(runs_target=True, is_heard=False), SUCCEEDED),
    ("a node on trial of it", node("a", IN_FLIGHT), NodeFacts(runs_target=True, is_between=True), IN_FLIGHT),
    ("a retired node", node("a"), NodeFacts(is_gone=True), SKIPPED),
    ("a node retired half-way", node("a", IN_FLIGHT), NodeFacts(is_gone=True), SKIPPED),
    ("too long without a word", node("a", IN_FLIGHT, tell_time=START - timedelta(hours=1)), HEARD, FAILED),
    ("a success taken back", node("a", SUCCEEDED, phase=UpdatePhase.ROLLED_BACK), HEARD, FAILED),
    ("a failure that is over", node("a", FAILED, phase=UpdatePhase.COMMITTED, runs_target=True), HEARD, FAILED),
]


@pytest.mark.parametrize(("record", "facts", "wanted"), [row[1:] for row in SETTLING], ids=[row[0] for row in SETTLING])
def test_a_word_settles_a_node(record: RolloutNodeRecord, facts: NodeFacts, wanted: RolloutNodeState) -> None:
    step = planned(rollout(RolloutPlan(max_failure_count=9)), [record, node("z")], {"a": facts})
    assert step.node_states.get("a", record.state) is wanted


def test_silence_has_a_sentence() -> None:
    late = node("a", IN_FLIGHT, tell_time=START - timedelta(hours=2))
    assert planned(rollout(), [late]).node_messages == {"a": "no word for 3600 s that it is done"}


WAITING: list[tuple[str, NodeFacts, RolloutRecord, WaitReason]] = [
    ("nobody hears it", NodeFacts(is_heard=False), rollout(), WaitReason.AWAY),
    ("it came and went too often", NodeFacts(is_penalised=True), rollout(), WaitReason.PENALTY),
    ("another rollout has it", NodeFacts(is_busy=True), rollout(), WaitReason.BUSY),
    ("it tries something else", NodeFacts(is_between=True), rollout(), WaitReason.BUSY),
    ("it is paused", NodeFacts(is_heard=False), rollout(state=RolloutState.PAUSED), WaitReason.PAUSED),
    ("it is noon", HEARD, rollout(RolloutPlan(windows=(Window(begin_minute=60),))), WaitReason.WINDOW),
    ("its neighbour is busy", NodeFacts(site_id="k1"), rollout(), WaitReason.CORRIDOR),
    ("nothing is in the way", NodeFacts(site_id="k4"), rollout(), WaitReason.NONE),
]


@pytest.mark.parametrize(("facts", "record", "reason"), [row[1:] for row in WAITING], ids=[row[0] for row in WAITING])
def test_a_node_waits_for_a_reason(facts: NodeFacts, record: RolloutRecord, reason: WaitReason) -> None:
    step = planned(record, [node("a")], {"a": facts}, Roads((G98,), frozenset({"k2"})))
    assert step.waits.get("a", WaitReason.NONE) is reason
    assert bool(step.assigned_node_ids) == (reason is WaitReason.NONE)


def test_no_more_than_allowed_are_in_flight() -> None:
    step = planned(rollout(RolloutPlan(max_in_flight_count=2)), [node("a", IN_FLIGHT), node("b"), node("c")])
    assert (step.assigned_node_ids, step.waits) == (("b",), {"c": WaitReason.ROOM})


def test_who_was_called_back_and_had_switched_still_takes_room() -> None:
    back = node("a", PENDING, tell_time=START, phase=UpdatePhase.PROVISIONAL)
    plan = RolloutPlan(max_in_flight_count=1)
    step = planned(rollout(plan), [back, node("b")], {"a": NodeFacts(is_between=True)})
    assert step.waits == {"a": WaitReason.BUSY, "b": WaitReason.ROOM}


def test_a_wave_waits_for_the_gate_and_the_watch_of_the_one_before() -> None:
    plan = RolloutPlan(waves=(Wave(count=2, min_success_percent=50.0, observation_s=600.0),))
    record = rollout(plan, waves=(WaveTimes(START), WaveTimes()))
    nodes = [done("a"), node("b", IN_FLIGHT), node("c", wave=1)]
    step = planned(record, nodes)
    assert (step.waves[0], step.waits) == (WaveTimes(START, START), {"c": WaitReason.WAVE})
    later = START + timedelta(seconds=600)
    step = planned(replace(record, waves=step.waves), nodes, now=later)
    assert (step.assigned_node_ids, step.waves[1]) == (("c",), WaveTimes(later)), "b goes on alongside"


def test_a_gate_that_gives_way_while_it_is_watched_is_closed_again() -> None:
    plan = RolloutPlan(waves=(Wave(count=2, min_success_percent=100.0, observation_s=600.0),), max_failure_count=5)
    record = rollout(plan, waves=(WaveTimes(START, START), WaveTimes()))
    lost = replace(done("a"), phase=UpdatePhase.ROLLED_BACK)
    step = planned(record, [lost, done("b"), node("c", wave=1)], now=START + timedelta(hours=1))
    assert step.state is RolloutState.FAILED
    assert step.message == "wave 1 of 2 has not passed its gate; 1 of 2 nodes run 2.0.0, 2 must"
    assert step.withdrawn_node_ids == ("a",)


FAILURES: list[tuple[int, float, int, int, bool]] = [
    # count, percent, failed, told beside these; whether it stops
    (1, 0.0, 1, 9, True),
    (2, 0.0, 1, 0, False),
    (1, 20.0, 1, 9, False),
    (1, 10.0, 1, 9, True),
    (3, 50.0, 2, 0, False),
    (2, 50.0, 2, 2, True),
]


@pytest.mark.parametrize(("count", "percent", "failed", "others", "stops"), FAILURES)
def test_it_stops_when_count_and_percent_of_failures_are_reached(
    count: int, percent: float, failed: int, others: int, *, stops: bool
) -> None:
    nodes = [node(f"f{index}", FAILED, phase=UpdatePhase.FAILED) for index in range(failed)]
    nodes += [done(f"s{index}") for index in range(others)] + [node("z")]
    step = planned(rollout(RolloutPlan(max_failure_count=count, max_failure_percent=percent)), nodes)
    assert (step.state is RolloutState.FAILED) == stops
    assert step.node_states == {"z": EXPIRED if stops else IN_FLIGHT}


def test_a_wave_of_retired_nodes_holds_nobody_up() -> None:
    nodes = [node("a"), node("b", wave=1)]
    step = planned(rollout(RolloutPlan(waves=(Wave(count=1),))), nodes, {"a": NodeFacts(is_gone=True)})
    assert step.node_states == {"a": SKIPPED, "b": IN_FLIGHT}


def test_failures_within_the_thresholds_are_named_at_the_end() -> None:
    plan = RolloutPlan(waves=(Wave(percent=100.0, min_success_percent=50.0),), max_failure_count=2)
    step = planned(rollout(plan), [done("a"), node("b", FAILED, phase=UpdatePhase.FAILED), done("c")])
    assert (step.state, step.message) == (RolloutState.SUCCEEDED, "1 of 3 nodes could not run 2.0.0: b")
    assert planned(rollout(), []).state is RolloutState.SUCCEEDED, "nobody to change"


def test_who_has_not_switched_when_its_window_closes_is_called_back() -> None:
    plan = RolloutPlan(windows=(Window(begin_minute=60, duration_s=3600.0),))
    nodes = [node("a", IN_FLIGHT, phase=UpdatePhase.DOWNLOADING), node("b", IN_FLIGHT, phase=UpdatePhase.PROVISIONAL)]
    step = planned(rollout(plan), nodes)
    assert (step.node_states, step.withdrawn_node_ids) == ({"a": PENDING}, ("a",))
    assert step.waits == {"a": WaitReason.WINDOW}


@pytest.mark.parametrize("state", [RolloutState.ABORTED, RolloutState.FAILED], ids=str)
@pytest.mark.parametrize("phase", list(UpdatePhase), ids=lambda phase: phase or "no word")
def test_the_end_means_the_same_in_every_state(state: RolloutState, phase: UpdatePhase) -> None:
    flying = node("a", IN_FLIGHT, phase=phase, runs_target=True)
    lost = node("c", SUCCEEDED, phase=UpdatePhase.ROLLED_BACK)  # what succeeded stays, whatever it says later
    step = planned(rollout(state=state), [flying, node("b"), lost, node("d", FAILED)])
    ends = {UpdatePhase.COMMITTED: SUCCEEDED, UpdatePhase.ROLLED_BACK: FAILED, UpdatePhase.FAILED: FAILED}
    is_between = phase in BETWEEN
    a_state = IN_FLIGHT if is_between else ends.get(phase, EXPIRED)
    assert {"a": IN_FLIGHT} | dict(step.node_states) == {"a": a_state, "b": EXPIRED}
    assert step.withdrawn_node_ids == (("a",) if a_state in {EXPIRED, FAILED} else ())
    assert (step.state, step.assigned_node_ids) == (state, ())


@pytest.mark.parametrize("state", [RolloutState.RUNNING, RolloutState.PAUSED], ids=str)
def test_the_deadline_gives_up_what_is_not_done(state: RolloutState) -> None:
    nodes = [done("a"), node("b", IN_FLIGHT), node("c", IN_FLIGHT, phase=UpdatePhase.PROVISIONAL), node("d")]
    plan = RolloutPlan(waves=(Wave(percent=100.0, min_success_percent=25.0),), node_timeout_s=1e6)
    late = START + timedelta(days=1)
    step = planned(rollout(plan, state=state), nodes, now=late)
    assert step.node_states == {"b": EXPIRED, "c": EXPIRED, "d": EXPIRED}
    assert step.withdrawn_node_ids == ("b",), "who has switched finishes by itself"
    assert (step.state, step.message) == (
        RolloutState.SUCCEEDED,
        "3 of 4 nodes did not come before the deadline: b, c, d",
    )
    whole = rollout(RolloutPlan(node_timeout_s=1e6), state=state)
    step = planned(whole, [done("a"), node("b", IN_FLIGHT)], now=late)
    assert (step.state, step.message) == (
        RolloutState.FAILED,
        "the deadline came: wave 1 of 1 has not passed its gate; 1 of 2 nodes run 2.0.0, 2 must",
    )


def test_a_paused_rollout_hands_out_nothing_and_lets_others_finish() -> None:
    paused = rollout(RolloutPlan(max_failure_count=3), state=RolloutState.PAUSED)
    done_now = node("a", IN_FLIGHT, phase=UpdatePhase.COMMITTED, runs_target=True)
    late = node("b", IN_FLIGHT, tell_time=START - timedelta(hours=2))
    step = planned(paused, [done_now, late, node("c")])
    assert (step.state, step.node_states) == (RolloutState.PAUSED, {"a": SUCCEEDED, "b": FAILED})


def test_failures_within_the_threshold_do_not_close_a_gate_that_asks_for_no_share() -> None:
    plan = RolloutPlan(waves=(Wave(count=2),), max_failure_count=2)
    failed = replace(done("a"), state=RolloutNodeState.FAILED, phase=UpdatePhase.ROLLED_BACK)
    step = planned(rollout(plan), [failed, done("b"), node("c", wave=1)])
    assert step.assigned_node_ids == ("c",)


def test_who_must_be_confirmed_has_the_time_of_its_trial() -> None:
    plan = RolloutPlan(needs_confirmation=True, trial_timeout_s=7200.0, node_timeout_s=3600.0)
    held = replace(node("a", tell_time=START), state=RolloutNodeState.IN_FLIGHT, phase=UpdatePhase.PROVISIONAL)
    assert not planned(rollout(plan), [held], now=START + timedelta(hours=1.5)).node_states


def test_a_fleet_is_told_some_hundred_nodes_at_a_time() -> None:
    fleet = [node(f"n{index:04}") for index in range(TELL_MAX + 5)]
    record, facts = rollout(), {one.node_id: HEARD for one in fleet}
    first = next_step(record, fleet, facts, NOWHERE, now=START)
    assert len(first.assigned_node_ids) == TELL_MAX
    assert set(first.waits.values()) == {WaitReason.ROOM}
    after, nodes = applied(record, {one.node_id: one for one in fleet}, first, now=START)
    second = next_step(after, [nodes[one.node_id] for one in fleet], facts, NOWHERE, now=START)
    assert set(second.assigned_node_ids) == set(first.waits)
