"""Rollouts between tables and records.

Plans and the times of waves are JSON in one column each: they are read and written whole.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select

from wayside_manager.core.missing import not_there
from wayside_manager.core.nodes import UpdatePhase
from wayside_manager.core.rollout import (
    Fault,
    RolloutNodeRecord,
    RolloutNodeState,
    RolloutPlan,
    RolloutRecord,
    RolloutState,
    WaveTimes,
)
from wayside_manager.core.rollout_waves import wave_count, waves_of
from wayside_manager.store.job_rows import fleet_work_of, fleet_work_text
from wayside_manager.store.moments import as_time, as_time_or_none, as_us
from wayside_manager.store.node_rows import selectables
from wayside_manager.store.part import changed
from wayside_manager.store.rollout_events import tell_state
from wayside_manager.store.selector_text import selector_of, selector_text
from wayside_manager.store.tables import rollout_nodes, rollouts

NODE_STATES = {str(state): state for state in RolloutNodeState}  # a look-up costs a tenth of a call of the enumeration
PHASES = {str(phase): phase for phase in UpdatePhase}
_FIRST: Mapping[str, Any] = {
    "state": RolloutNodeState.PENDING,
    "phase": UpdatePhase.NONE,
    "runs_target": False,
    "report": b"",
    "message": "",
    "tell_us": None,
    "config_revision": 0,
    "config_sha256": "",
    "previous_version": None,
    "previous_rollout_id": None,
    "previous_config_revision": None,
}


def waves_text(waves: Iterable[WaveTimes]) -> str:
    """Times of waves as the database keeps them."""
    return msgspec.json.encode(tuple(waves)).decode()


def the_rollout(connection: Connection, rollout_id: str) -> RolloutRecord:
    """One rollout.

    Raises: NotFoundError.
    """
    row = connection.execute(select(rollouts).where(rollouts.c.rollout_id == rollout_id)).one_or_none()
    if row is None:
        raise not_there("rollouts", rollout_id)
    return rollout_record(row)


def rollout_record(row: Row[Any]) -> RolloutRecord:
    """A rollout."""
    return RolloutRecord(
        rollout_id=row.rollout_id,
        create_time=as_time(row.create_us),
        update_time=as_time(row.update_us),
        deadline_time=as_time(row.deadline_us),
        version=row.version or "",
        config_cause=row.config_cause,
        job=fleet_work_of(row.job),
        plan=_plan_of(row.plan),
        selector=selector_of(row.selector) if row.selector else None,
        state=RolloutState(row.state),
        message=row.message,
        waves=_waves_of_text(row.waves),
        retry_of=row.retry_of,
        etag=str(row.revision),
        tenant_id=row.tenant_id,
        storm_alarm_id=row.storm_alarm_id,
    )


def node_record(row: Row[Any]) -> RolloutNodeRecord:
    """A node of a rollout, with its report."""
    return RolloutNodeRecord(
        node_id=row.node_id,
        wave=row.wave,
        state=NODE_STATES[row.state],
        phase=PHASES[row.phase],
        runs_target=row.runs_target,
        message=row.message,
        tell_time=as_time_or_none(row.tell_us),
        config_revision=row.config_revision,
        report=row.report,
        resume_time=as_time_or_none(row.resume_us),
        attempt=row.attempt,
        fault=Fault(row.fault),
        retry_time=as_time_or_none(row.retry_us),
    )


def insert_rollout(
    connection: Connection,
    rollout: RolloutRecord,
    nodes: Mapping[str, Mapping[str, Any]],
    *,
    request_id: str = "",
) -> RolloutRecord:
    """Writes a new rollout, per node with what differs from a node whose turn has not come; says so to the audit trail.

    Its waves follow from the plan and from what the nodes are.
    """
    waves = waves_of(rollout.plan, selectables(connection, nodes))
    row = {
        "rollout_id": rollout.rollout_id,
        "tenant_id": rollout.tenant_id,
        "version": rollout.version or None,
        "config_cause": rollout.config_cause,
        "job": fleet_work_text(rollout.job),
        "plan": msgspec.json.encode(rollout.plan).decode(),
        "selector": "" if rollout.selector is None else selector_text(rollout.selector),
        "state": rollout.state,
        "message": rollout.message,
        "waves": waves_text((WaveTimes(),) * wave_count(rollout.plan, waves)),
        "request_id": request_id or None,
        "retry_of": rollout.retry_of,
        "deadline_us": as_us(rollout.deadline_time),
        "create_us": as_us(rollout.create_time),
        "update_us": as_us(rollout.update_time),
        "revision": 1,
    }
    connection.execute(insert(rollouts), row)
    insert_nodes(connection, rollout.rollout_id, {each: {"wave": waves[each], **nodes[each]} for each in nodes})
    made = the_rollout(connection, rollout.rollout_id)
    note(connection, None, made, node_ids=sorted(nodes))
    return made


def insert_nodes(connection: Connection, rollout_id: str, nodes: Mapping[str, Mapping[str, Any]]) -> None:
    """Adds nodes to a rollout, per node its wave and what differs from one whose turn has not come."""
    rows = [{"rollout_id": rollout_id, "node_id": each, **_FIRST, **values} for each, values in nodes.items()]
    if rows:
        connection.execute(insert(rollout_nodes), rows)


def note(
    connection: Connection, before: RolloutRecord | None, after: RolloutRecord, *, node_ids: Iterable[str] = ()
) -> None:
    """Notes a change of a rollout for the audit trail, and tells of its state."""
    tell_state(connection, before, after)
    changed(
        connection,
        f"rollouts/{after.rollout_id}",
        before=None if before is None else _said_of(before, ()),
        after=_said_of(after, node_ids),
        tenant_id=after.tenant_id,
    )


def deadline(plan: RolloutPlan, now: datetime) -> datetime:
    """When a rollout that is made now is over."""
    begin_time = now if plan.begin_time is None else max(now, plan.begin_time)
    return begin_time + timedelta(seconds=plan.deadline_s)


def _said_of(rollout: RolloutRecord, node_ids: Iterable[str]) -> dict[str, object]:
    return {
        "tenant": rollout.tenant_id,
        "release": rollout.version,
        "config_cause": rollout.config_cause,
        "job": fleet_work_text(rollout.job),
        "plan": msgspec.to_builtins(rollout.plan),
        "nodes": list(node_ids),
        "retry_of": rollout.retry_of,
        "state": rollout.state,
    }


@lru_cache(maxsize=256)  # every look at a rollout reads its plan again
def _plan_of(text: str) -> RolloutPlan:
    return msgspec.json.decode(text, type=RolloutPlan)


@lru_cache(maxsize=256)
def _waves_of_text(text: str) -> tuple[WaveTimes, ...]:
    return msgspec.json.decode(text, type=tuple[WaveTimes, ...])
