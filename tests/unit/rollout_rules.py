"""What every step of every rollout must keep to, whatever nodes and operators do; `rollout_world` plays against it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wayside_manager.core.nodes import UpdatePhase
from wayside_manager.core.rollout import (
    ENDED,
    Fault,
    RolloutNodeRecord,
    RolloutNodeState,
    RolloutRecord,
    RolloutState,
)
from wayside_manager.core.rollout_facts import BETWEEN, UNSETTLED, holds_site, was_told
from wayside_manager.core.rollout_plan import NodeFacts, Road, Roads, RolloutStep
from wayside_manager.core.rollout_roads import neighbours, site_limit
from wayside_manager.core.rollout_waves import gate_of, needed_count
from wayside_manager.core.windows import is_open

IN_FLIGHT, PENDING = RolloutNodeState.IN_FLIGHT, RolloutNodeState.PENDING
SKIPPED, FAILED = RolloutNodeState.SKIPPED, RolloutNodeState.FAILED
SHALL_RUN = frozenset({IN_FLIGHT, RolloutNodeState.SUCCEEDED})


@dataclass
class Live:
    """One rollout of the world."""

    record: RolloutRecord
    nodes: dict[str, RolloutNodeRecord]
    facts: dict[str, NodeFacts]


def applied(
    record: RolloutRecord, nodes: dict[str, RolloutNodeRecord], step: RolloutStep, *, now: datetime
) -> tuple[RolloutRecord, dict[str, RolloutNodeRecord]]:
    """What the store makes of a step."""
    after = dict(nodes)
    for node_id, state in step.node_states.items():
        node = replace(after[node_id], state=state)
        if state is IN_FLIGHT:
            node = replace(node, tell_time=now, resume_time=None)
            if node.retry_time is not None:  # the word on the try before is forgotten
                none = UpdatePhase.NONE
                node = replace(node, retry_time=None, phase=none, runs_target=False, fault=Fault.NONE)
        after[node_id] = node
    for node_id, retry_time in step.retry_times.items():
        after[node_id] = replace(after[node_id], retry_time=retry_time, attempt=after[node_id].attempt + 1)
    return replace(record, state=step.state, message=step.message, waves=step.waves), after


def check_roads(lives: Sequence[Live], roads: Sequence[Road]) -> None:
    """Never two neighbours in flight, over all rollouts."""
    flying = {
        life.facts[node.node_id].site_id for life in lives for node in life.nodes.values() if node.state is IN_FLIGHT
    } - {""}
    for road in roads:
        for site_id, near in zip(road.site_ids, neighbours(road), strict=True):
            assert site_id not in flying or not flying.intersection(near), f"{near} beside {site_id} on {road}"


def check_step(before: Live, step: RolloutStep, roads: Roads, *, now: datetime) -> None:
    """What a step may do, whatever came before it."""
    plan, record = before.record.plan, before.record
    told = [before.nodes[node_id] for node_id, state in step.node_states.items() if state is IN_FLIGHT]
    states = {node_id: step.node_states.get(node_id, node.state) for node_id, node in before.nodes.items()}
    flying = [node_id for node_id, state in states.items() if state is IN_FLIGHT]
    assert not plan.max_in_flight_count or not told or len(flying) <= plan.max_in_flight_count
    assert not set(step.assigned_node_ids) & set(step.withdrawn_node_ids)
    assert set(step.waits) == {node_id for node_id, state in states.items() if state is PENDING}
    assert not {states[node_id] for node_id in step.withdrawn_node_ids} & SHALL_RUN
    assert all(states[node_id] in SHALL_RUN for node_id in step.assigned_node_ids)
    _check_failures(before, step, states)
    _check_retries(before, step, states, now=now)
    if step.state is RolloutState.SUCCEEDED and record.state not in ENDED:
        assert all(times.pass_time is not None for times in step.waves)
    if step.state in ENDED:
        check_ended(before, step, states, now=now)
    else:
        for node_id, state in states.items():
            is_late = state is IN_FLIGHT and not is_open(plan.windows, now, before.facts[node_id].zone)
            assert not is_late or before.nodes[node_id].phase in BETWEEN, "its window has closed"
    for node in told:
        facts = before.facts[node.node_id]
        assert record.state is RolloutState.RUNNING
        assert node.retry_time is None or node.retry_time <= now, "nothing is told before its time"
        assert node.attempt <= plan.retry_count, "tries are bounded"
        assert step.state is RolloutState.RUNNING
        assert node.node_id in step.assigned_node_ids
        assert facts.is_heard
        assert not any((facts.is_gone, facts.is_busy, facts.is_penalised, facts.is_between))
        assert is_open(plan.windows, now, facts.zone)
        _check_gates(before, step, states, node, now=now)
    touched = {before.facts[node.node_id].site_id for node in told} - {""}
    kept = roads.busy_site_ids | {  # where somebody is already, nothing new is touched
        before.facts[node_id].site_id
        for node_id, state in states.items()
        if step.node_states.get(node_id) is not IN_FLIGHT
        and holds_site(before.nodes[node_id], before.facts[node_id], state)
    } - {""}
    held = kept | touched
    for road in roads.roads:
        new = (touched - kept).intersection(road.site_ids)
        limit = site_limit(road, plan.max_corridor_percent)
        assert not new or len(held.intersection(road.site_ids)) <= limit, "too much of a road"
        near_by_site = dict(zip(road.site_ids, neighbours(road), strict=True))
        assert not any(held.intersection(near_by_site[site_id]) for site_id in new), "neighbours"


def check_ended(before: Live, step: RolloutStep, states: dict[str, RolloutNodeState], *, now: datetime) -> None:
    """The end means the same whatever came before: nothing is told, and only who has switched may finish."""
    for node_id, state in states.items():
        node = before.nodes[node_id]
        assert state is not PENDING
        if state is IN_FLIGHT:
            assert node.state is IN_FLIGHT
            assert node.phase in BETWEEN
            assert now < before.record.deadline_time
        elif node.phase in BETWEEN and state in {FAILED, RolloutNodeState.EXPIRED}:
            assert node_id not in step.withdrawn_node_ids, "who has switched finishes by itself"
            is_due = now >= before.record.deadline_time or state is FAILED
            assert is_due or node.state is not IN_FLIGHT, "who has switched may finish"
        if before.record.state in ENDED and node.state is RolloutNodeState.SUCCEEDED:
            assert state is node.state, "what succeeded stays"
        if node.state is IN_FLIGHT and state not in SHALL_RUN and node.phase not in BETWEEN:
            assert node_id in step.withdrawn_node_ids


def _check_failures(before: Live, step: RolloutStep, states: dict[str, RolloutNodeState]) -> None:
    failed = sum(state is FAILED for state in states.values())
    told = sum(was_told(before.nodes[node_id], state) for node_id, state in states.items() if state is not IN_FLIGHT)
    # who is told in this step counts from the next one on, unless it was told before
    told += sum(state is IN_FLIGHT and before.nodes[node_id].tell_time is not None for node_id, state in states.items())
    plan = before.record.plan
    if failed >= plan.max_failure_count and failed * 100 >= plan.max_failure_percent * told:
        assert step.state in ENDED, "nothing is told after a threshold is reached"


def _check_retries(before: Live, step: RolloutStep, states: dict[str, RolloutNodeState], *, now: datetime) -> None:
    """Who could not, for what passes, has all its tries, each after twice the pause; nobody else has one."""
    plan = before.record.plan
    assert not step.retry_times or step.state not in ENDED, "who ends tries nothing again"
    for node_id, retry_time in step.retry_times.items():
        node = before.nodes[node_id]
        assert states[node_id] is PENDING
        assert node.retry_time is None, "a try is counted once"
        assert node.attempt < plan.retry_count
        pause_s = min(86_400.0, plan.retry_base_s * 2.0**node.attempt)
        assert retry_time == now + timedelta(seconds=pause_s)
    for node_id, state in states.items():
        node = before.nodes[node_id]
        if state is FAILED and node.state in UNSETTLED and node.fault is Fault.PASSING and step.state not in ENDED:
            assert node.attempt == plan.retry_count, "it has another try"


def _check_gates(
    before: Live, step: RolloutStep, states: dict[str, RolloutNodeState], node: RolloutNodeRecord, *, now: datetime
) -> None:
    for index in range(node.wave):
        times = step.waves[index]
        observation = timedelta(seconds=gate_of(before.record.plan, index).observation_s)
        assert times.pass_time is not None, "the wave before was not passed"
        assert times.pass_time + observation <= now, "the wave before was not watched"
    if node.wave and before.record.waves[node.wave].begin_time is None:
        wave = [state for node_id, state in states.items() if before.nodes[node_id].wave == node.wave - 1]
        size = sum(state is not SKIPPED for state in wave)
        succeeded = sum(state is RolloutNodeState.SUCCEEDED for state in wave)
        failed = sum(state is FAILED for state in wave)
        gate = gate_of(before.record.plan, node.wave - 1)
        assert succeeded >= needed_count(gate, size, failed), "its gate does not hold"
