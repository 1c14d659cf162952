"""Turns of nodes in fleet jobs: who gets its turn gets a job of its own, who loses it has that job cancelled.

A job belongs to a turn by its time: `jobs.create_us` is the `tell_us` of the node in the rollout.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, select

from wayside_manager.core.job_life import JobEvent, after
from wayside_manager.core.jobs import new_job
from wayside_manager.core.rollout import RolloutNodeState, RolloutRecord
from wayside_manager.core.rollout_plan import RolloutStep
from wayside_manager.store.job_changes import JobChanges
from wayside_manager.store.job_rows import OPEN_STATES, job_record
from wayside_manager.store.node_rows import parts
from wayside_manager.store.tables import jobs, nodes


def make_jobs(
    connection: Connection, rollout: RolloutRecord, step: RolloutStep, changes: JobChanges, *, now: datetime
) -> frozenset[str]:
    """Makes the jobs of the nodes whose turn it is. Returns who got one."""
    if rollout.job is None:
        return frozenset()
    # a job of the turn before may have been done after all: its node has succeeded and needs no other
    turn_ids = [each for each in step.assigned_node_ids if step.node_states[each] is RolloutNodeState.IN_FLIGHT]
    told: set[str] = set()
    for part in parts(turn_ids):
        query = select(nodes.c.node_id, nodes.c.tenant_id).where(nodes.c.node_id.in_(part))
        for node_id, tenant_id in connection.execute(query):
            told.add(node_id)
            changes.make(
                new_job(
                    job_id=f"{rollout.rollout_id}-{secrets.token_hex(5)}",
                    node_id=node_id,
                    work=rollout.job.work,
                    now=now,
                    requester=rollout.job.requester,
                    note=rollout.job.note,
                    rollout_id=rollout.rollout_id,
                    tenant_id=tenant_id,
                )
            )
    return frozenset(told)


def cancel_jobs(
    connection: Connection,
    rollout_id: str,
    changes: JobChanges,
    *,
    now: datetime,
    why: str,
    node_ids: Iterable[str] | None = None,
) -> None:
    """Cancels the open jobs of a fleet job, of these nodes or of all."""
    query = select(jobs).where(jobs.c.rollout_id == rollout_id, jobs.c.state.in_(OPEN_STATES))
    rows = connection.execute(query).all()
    wanted = None if node_ids is None else frozenset(node_ids)
    for job in map(job_record, rows):
        if wanted is None or job.node_id in wanted:
            changes.take(job, after(job, JobEvent.CANCEL, now=now, message=why))
