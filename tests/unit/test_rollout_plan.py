"""The rollout planner: single rules, and what holds for every fleet and every order of events."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wayside.errors import FailedPreconditionError
from wayside_manager.core.nodes import UpdatePhase
from wayside_manager.core.rollout import (
    ENDED,
    RolloutNodeRecord,
    RolloutNodeState,
    RolloutOrder,
    RolloutRecord,
    RolloutState,
    state_after,
)
from wayside_manager.core.rollout_plan import NodeFacts, RolloutStep, next_step

START = datetime(2026, 11, 22, tzinfo=UTC)
NEW = "1.1.0"
HEARD = NodeFacts()


def rollout(*nodes: RolloutNodeRecord, in_flight: int = 1, failures: int = 1) -> RolloutRecord:
    return RolloutRecord("r1", NEW, in_flight, failures, START, START, nodes=nodes)


def node(
    node_id: str,
    state: RolloutNodeState = RolloutNodeState.PENDING,
    phase: UpdatePhase = UpdatePhase.NONE,
    running: str = "",
) -> RolloutNodeRecord:
    return RolloutNodeRecord(node_id, state, phase, running)


def planned(record: RolloutRecord, **facts: NodeFacts) -> RolloutStep:
    return next_step(record, {one.node_id: facts.get(one.node_id, HEARD) for one in record.nodes})


def applied(record: RolloutRecord, step: RolloutStep) -> RolloutRecord:
    nodes = tuple(replace(one, state=step.node_states.get(one.node_id, one.state)) for one in record.nodes)
    return replace(record, state=step.state, message=step.message, nodes=nodes)


def test_as_many_nodes_as_allowed_get_the_release() -> None:
    assert planned(rollout(node("a"), node("b"), node("c"), in_flight=2)).assigned_node_ids == ("a", "b")


def test_a_node_nobody_hears_waits_and_another_goes() -> None:
    step = planned(rollout(node("a"), node("b")), a=NodeFacts(is_heard=False))
    assert step.assigned_node_ids == ("b",)


def test_a_silent_node_between_releases_keeps_its_place() -> None:
    flying = node("a", RolloutNodeState.IN_FLIGHT, UpdatePhase.PROVISIONAL)
    assert not planned(rollout(flying, node("b")), a=NodeFacts(is_heard=False)).node_states


def test_a_node_that_runs_the_release_already_needs_no_turn() -> None:
    step = planned(rollout(node("a"), node("b")), a=NodeFacts(running_release=NEW))
    assert step.node_states == {"a": RolloutNodeState.SUCCEEDED, "b": RolloutNodeState.IN_FLIGHT}


def test_a_provisional_release_is_no_success_yet() -> None:
    facts = NodeFacts(running_release=NEW, phase=UpdatePhase.PROVISIONAL)
    assert not planned(rollout(node("a", RolloutNodeState.IN_FLIGHT, UpdatePhase.PROVISIONAL)), a=facts).node_states


def test_a_commit_counts_only_with_the_release_that_runs() -> None:
    right = node("a", RolloutNodeState.IN_FLIGHT, UpdatePhase.COMMITTED, NEW)
    wrong = node("a", RolloutNodeState.IN_FLIGHT, UpdatePhase.COMMITTED, "1.0.0")
    assert planned(rollout(right)).state is RolloutState.SUCCEEDED
    assert planned(rollout(wrong)).state is RolloutState.FAILED


def test_too_many_failures_stop_it_and_call_back_who_has_not_switched() -> None:
    failed = node("a", RolloutNodeState.IN_FLIGHT, UpdatePhase.ROLLED_BACK)
    loading = node("b", RolloutNodeState.IN_FLIGHT, UpdatePhase.DOWNLOADING)
    switching = node("c", RolloutNodeState.IN_FLIGHT, UpdatePhase.SWITCHING)
    step = planned(rollout(failed, loading, switching, node("d"), in_flight=3))
    assert (step.state, step.message) == (RolloutState.FAILED, "1 of 4 nodes could not run 1.1.0: a")
    assert step.node_states == {"a": RolloutNodeState.FAILED, "b": RolloutNodeState.PENDING}
    assert step.withdrawn_node_ids == ("a", "b")


def test_a_failure_below_the_limit_lets_the_others_go_on() -> None:
    failed = node("a", RolloutNodeState.IN_FLIGHT, UpdatePhase.FAILED)
    step = planned(rollout(failed, node("b"), failures=2))
    assert (step.state, step.assigned_node_ids) == (RolloutState.RUNNING, ("b",))


def test_a_rollout_with_a_failed_node_never_says_succeeded() -> None:
    done = node("b", RolloutNodeState.SUCCEEDED)
    assert planned(rollout(node("a", RolloutNodeState.FAILED), done, failures=5)).state is RolloutState.FAILED


def test_retired_nodes_drop_out_and_are_no_failures() -> None:
    step = planned(rollout(node("a"), node("b", RolloutNodeState.SUCCEEDED)), a=NodeFacts(is_gone=True))
    assert step.node_states == {"a": RolloutNodeState.SKIPPED}
    assert (step.state, step.message) == (RolloutState.SUCCEEDED, "1 nodes were retired, revoked or moved meanwhile")


def test_an_ended_rollout_leaves_waiting_nodes_to_others() -> None:
    record = replace(rollout(node("a")), state=RolloutState.ABORTED)
    assert not planned(record, a=NodeFacts(running_release=NEW)).node_states


@pytest.mark.parametrize("state", sorted(ENDED))
@pytest.mark.parametrize("order", list(RolloutOrder))
def test_what_has_ended_takes_no_orders(state: RolloutState, order: RolloutOrder) -> None:
    if (state, order) == (RolloutState.ABORTED, RolloutOrder.ABORT):
        assert state_after("r1", state, order) is state
        return
    with pytest.raises(FailedPreconditionError, match="rollout r1 has"):
        state_after("r1", state, order)


FLIGHT = (UpdatePhase.DOWNLOADING, UpdatePhase.INSTALLING, UpdatePhase.SWITCHING, UpdatePhase.PROVISIONAL)
BETWEEN = frozenset({UpdatePhase.SWITCHING, UpdatePhase.PROVISIONAL})


@dataclass
class World:
    """Nodes that do what they are told, as far as fate lets them."""

    record: RolloutRecord
    facts: dict[str, NodeFacts]
    assigned: set[str] = field(default_factory=set)

    def plan(self) -> None:
        """One step; checks what must hold after each."""
        step = next_step(self.record, self.facts)
        self.record = applied(self.record, step)
        self.assigned = (self.assigned | set(step.assigned_node_ids)) - set(step.withdrawn_node_ids)
        again = next_step(self.record, self.facts)
        assert not again.changes(self.record), "a step leaves nothing to do"
        flying = [one for one in self.record.nodes if one.state is RolloutNodeState.IN_FLIGHT]
        assert len(flying) <= self.record.max_in_flight_count
        assert {one.node_id for one in flying} <= self.assigned
        between = [one for one in self.record.nodes if one.phase in BETWEEN]
        assert len(between) <= self.record.max_in_flight_count

    def act(self, index: int, luck: int) -> None:
        """One node goes one phase on, or fails, or is retired, or is not heard for a while."""
        one = self.record.nodes[index % len(self.record.nodes)]
        facts = self.facts[one.node_id]
        if luck == 0:
            self.facts[one.node_id] = replace(facts, is_gone=True)
        elif luck == 1:
            self.facts[one.node_id] = replace(facts, is_heard=not facts.is_heard)
        elif luck == 2 and self.record.state not in ENDED:
            order = RolloutOrder.RESUME if self.record.state is RolloutState.PAUSED else RolloutOrder.PAUSE
            self.record = replace(self.record, state=state_after("r1", self.record.state, order))
        elif one.node_id in self.assigned and one.state is RolloutNodeState.IN_FLIGHT:
            self._move(one, fails=luck == 3)

    def _move(self, one: RolloutNodeRecord, *, fails: bool) -> None:
        phases = (UpdatePhase.NONE, *FLIGHT, UpdatePhase.COMMITTED)
        phase = UpdatePhase.ROLLED_BACK if fails else phases[phases.index(one.phase) + 1]
        running = NEW if phase in {UpdatePhase.PROVISIONAL, UpdatePhase.COMMITTED} else ""
        moved = replace(one, phase=phase, running_release=running)
        self.facts[one.node_id] = replace(self.facts[one.node_id], running_release=running, phase=phase)
        nodes = tuple(moved if other.node_id == one.node_id else other for other in self.record.nodes)
        self.record = replace(self.record, nodes=nodes)


EVENTS = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 20)), max_size=80)


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 12), EVENTS)
@settings(max_examples=60, deadline=None)
def test_never_too_many_in_flight_and_always_an_end(
    node_count: int, in_flight: int, failures: int, events: list[tuple[int, int]]
) -> None:
    nodes = tuple(node(f"n{index:02}") for index in range(node_count))
    world = World(rollout(*nodes, in_flight=in_flight, failures=failures), {one.node_id: HEARD for one in nodes})
    world.plan()
    for index, luck in events:
        world.act(index, luck)
        world.plan()
    # From here on fate is kind: everybody is heard, nobody pauses, and every node goes on.
    if world.record.state is RolloutState.PAUSED:
        world.record = replace(world.record, state=RolloutState.RUNNING)
    world.facts = {node_id: replace(facts, is_heard=True) for node_id, facts in world.facts.items()}
    world.plan()
    for _ in range(node_count * 6):
        for index in range(node_count):
            world.act(index, luck=9)
        world.plan()
    assert world.record.state in ENDED
    assert not any(one.state is RolloutNodeState.IN_FLIGHT for one in world.record.nodes)
    failed = sum(one.state is RolloutNodeState.FAILED for one in world.record.nodes)
    assert (world.record.state is RolloutState.FAILED) == (failed > 0)
