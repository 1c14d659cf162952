"""The kill switch in SQL: every live rollout and every open job within a reach, in one transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from wayside_manager.core.access import ROOT_TENANT, Reach
from wayside_manager.core.events import NewEvent, Severity
from wayside_manager.core.job_life import JobEvent, after
from wayside_manager.core.jobs import JobRecord, JobsChanged
from wayside_manager.core.rollout import ENDED, RolloutNodeState, RolloutRecord, RolloutState
from wayside_manager.ports.jobs import Stopped
from wayside_manager.store import event_rows
from wayside_manager.store.job_changes import JobChanges
from wayside_manager.store.job_rows import OPEN_STATES, job_record
from wayside_manager.store.moments import as_us
from wayside_manager.store.node_rows import parts
from wayside_manager.store.operator_rows import tenant_tree
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
        aborted = _abort_rollouts(connection, reach, why, now)
        rollout_ids = tuple(rollout.rollout_id for rollout in aborted)
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
        tree = tenant_tree(connection)
        news = [  # one per tenant the caller is at home in, of it and of those below
            NewEvent(
                kind="fleet.stopped",
                time=now,
                subject=actor,
                message=why,
                severity=Severity.MAJOR,
                tenant_id=tenant_id,
                details=_details(tree.below(tenant_id), aborted, found),
            )
            for tenant_id in sorted(reach.home_tenant_ids) or [ROOT_TENANT]
        ]
        cursor = event_rows.append(connection, news, now=now)
        return Stopped(
            rollout_ids,
            len(found),
            in_flight | {job.node_id for job in found},
            JobsChanged(told.job_ids, told.node_ids, told.rollout_ids.union(rollout_ids), cursor),
        )


def _abort_rollouts(connection: Connection, reach: Reach, why: str, now: datetime) -> list[RolloutRecord]:
    query = select(rollouts).where(rollouts.c.state.not_in(ENDED), covers_whole(rollouts.c.tenant_id, reach))
    live = [rollout_record(row) for row in connection.execute(query.order_by(rollouts.c.rollout_id)).all()]
    values: dict[str, Any] = {"state": RolloutState.ABORTED, "message": why, "update_us": as_us(now)}
    for part in parts(rollout.rollout_id for rollout in live):
        statement = update(rollouts).where(rollouts.c.rollout_id.in_(part))
        connection.execute(statement.values(revision=rollouts.c.revision + 1, **values))
    for rollout in live:
        note(connection, rollout, the_rollout(connection, rollout.rollout_id))
    return live


def _in_flight(connection: Connection, rollout_ids: tuple[str, ...]) -> frozenset[str]:
    found: set[str] = set()
    for part in parts(rollout_ids):
        query = select(rollout_nodes.c.node_id).where(
            rollout_nodes.c.rollout_id.in_(part), rollout_nodes.c.state == RolloutNodeState.IN_FLIGHT
        )
        found.update(connection.scalars(query))
    return frozenset(found)


def _details(
    below: frozenset[str], aborted: Sequence[RolloutRecord], stopped: Sequence[JobRecord]
) -> dict[str, object]:
    """What was stopped of some tenants: their people see no more than that."""
    return {
        "rollouts": [f"rollouts/{rollout.rollout_id}" for rollout in aborted if rollout.tenant_id in below],
        "job_count": sum(job.tenant_id in below for job in stopped),
    }
