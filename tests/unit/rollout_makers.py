"""Rollouts and nodes for tests of the planner, in few words; `planned` also holds that a step leaves nothing to do."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.unit.rollout_rules import applied
from wayside_manager.core.nodes import UpdatePhase
from wayside_manager.core.rollout import RolloutNodeRecord, RolloutNodeState, RolloutPlan, RolloutRecord
from wayside_manager.core.rollout_plan import NodeFacts, Road, Roads, RolloutStep, next_step

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
PENDING, IN_FLIGHT, SUCCEEDED, FAILED, SKIPPED, EXPIRED = RolloutNodeState
HEARD = NodeFacts()
NOWHERE = Roads()
G98 = Road("g98", ("k1", "k2", "k3", "k4", "k5"), max_percent=100.0)


def rollout(plan: RolloutPlan | None = None, **changes: Any) -> RolloutRecord:  # noqa: ANN401  # fields of the record
    record = RolloutRecord("r1", START, START, START + timedelta(days=1), version="2.0.0", plan=plan or RolloutPlan())
    return replace(record, **changes)


def node(node_id: str, state: RolloutNodeState = PENDING, **values: Any) -> RolloutNodeRecord:  # noqa: ANN401  # fields of the record
    values.setdefault("tell_time", None if state is PENDING else START - timedelta(minutes=1))
    return RolloutNodeRecord(node_id, state=state, **values)


def done(node_id: str, **values: Any) -> RolloutNodeRecord:  # noqa: ANN401  # fields of the record
    return node(node_id, SUCCEEDED, phase=UpdatePhase.COMMITTED, runs_target=True, **values)


def planned(
    record: RolloutRecord,
    nodes: Sequence[RolloutNodeRecord],
    facts: Mapping[str, NodeFacts] | None = None,
    roads: Roads = NOWHERE,
    now: datetime = START,
) -> RolloutStep:
    every = {one.node_id: HEARD for one in nodes} | dict(facts or {})
    step = next_step(record, nodes, every, roads, now=now)
    after, after_nodes = applied(record, {one.node_id: one for one in nodes}, step, now=now)
    again = next_step(after, [after_nodes[one.node_id] for one in nodes], every, roads, now=now)
    assert not again.changes(after), "a step leaves nothing to do"
    return step
