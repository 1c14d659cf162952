"""The kill switch in SQL: every live rollout and every open job within a reach, in one transaction."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from wayside_manager.core.access import ROOT_TENANT, Reach
from wayside_manager.core.events import NewEvent, Severity
from wayside_manager.core.job_life import JobEvent, after
from wayside_manager.core.jobs import JobsChanged
from wayside_manager.core.rollout import ENDED, RolloutNodeState, RolloutState
from wayside_manager.ports.jobs import Stopped
from wayside_manager.store import event_rows
from wayside_manager.store.job_changes import JobChanges
from wayside_manager.store.job_rows import OPEN_STATES, job_record
from wayside_manager.store.moments import as_us
from wayside_manager.store.node_rows import parts
from wayside_manager.store.part import SqlPart, writing
from wayside_manager.store.reaches import covers_node, covers_whole
from wayside_manager.store.rollout_rows import note, rollout_record, the_rollout
from wayside_manager.store.tables import jobs, nodes, rollout_nodes, rollouts


class SqlJobStop(SqlPart):
    """Satisfies `ports.JobStore`, together with `SqlJobs`."""

    @writing
    def stop_everything(
        self, connection: Connection, *, reach: Reach, actor: str, reason: str, now: datetime
    ) -> Stopped:
        """See JobStore."""
        why = f"{actor} stopped everything: {reason}"
        rollout_ids = _abort_rollouts(connection, reach, why, now)
        in_flight = _in_flight(connection, rollout_ids)
        query = select(jobs).join(nodes, nodes.c.node_id == jobs.c.node_id)
        found = [
            job_record(row)
            for row in connection.execute(query.where(jobs.c.state.in_(OPEN_STATES), covers_node(reach))).all()
        ]
        changes = JobChanges(connection, now=now)
        for job in found:
            changes.take(job, after(job, JobEvent.CANCEL, now=now, message=why))
        told = changes.execute()
        stop = Stopped(rollout_ids, len(found), in_flight | {job.node_id for job in found})
        cursor = event_rows.append(connection, _events(reach, actor, why, stop, now), now=now)
        return Stopped(
            stop.rollout_ids,
            stop.job_count,
            stop.told_node_ids,
            JobsChanged(told.job_ids, told.node_ids, told.rollout_ids.union(rollout_ids), cursor),
        )


def _abort_rollouts(connection: Connection, reach: Reach, why: str, now: datetime) -> tuple[str, ...]:
    query = select(rollouts).where(rollouts.c.state.not_in(ENDED), covers_whole(rollouts.c.tenant_id, reach))
    live = [rollout_record(row) for row in connection.execute(query.order_by(rollouts.c.rollout_id)).all()]
    values: dict[str, Any] = {"state": RolloutState.ABORTED, "message": why, "update_us": as_us(now)}
    for part in parts(rollout.rollout_id for rollout in live):
        statement = update(rollouts).where(rollouts.c.rollout_id.in_(part))
        connection.execute(statement.values(revision=rollouts.c.revision + 1, **values))
    for rollout in live:
        note(connection, rollout, the_rollout(connection, rollout.rollout_id))
    return tuple(rollout.rollout_id for rollout in live)


def _in_flight(connection: Connection, rollout_ids: tuple[str, ...]) -> frozenset[str]:
    found: set[str] = set()
    for part in parts(rollout_ids):
        query = select(rollout_nodes.c.node_id).where(
            rollout_nodes.c.rollout_id.in_(part), rollout_nodes.c.state == RolloutNodeState.IN_FLIGHT
        )
        found.update(connection.scalars(query))
    return frozenset(found)


def _events(reach: Reach, actor: str, why: str, stop: Stopped, now: datetime) -> list[NewEvent]:
    """One per tenant the caller is at home in, so that whoever is concerned sees it and nobody else."""
    details = {"rollouts": [f"rollouts/{each}" for each in stop.rollout_ids], "job_count": stop.job_count}
    return [
        NewEvent(
            kind="fleet.stopped",
            time=now,
            subject=actor,
            message=why,
            severity=Severity.MAJOR,
            tenant_id=tenant_id,
            details=details,
        )
        for tenant_id in sorted(reach.home_tenant_ids) or [ROOT_TENANT]
    ]
