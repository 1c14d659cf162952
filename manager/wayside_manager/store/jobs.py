"""Jobs in SQL, as operators see them, as sessions tell them and as time ends them."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, func, or_, select, tuple_

from wayside.errors import AlreadyExistsError, FailedPreconditionError, ResourceExhaustedError
from wayside_manager.core.access import Reach
from wayside_manager.core.job_life import JobEvent, after
from wayside_manager.core.jobs import ENDED, OPEN_MAX_COUNT, JobKind, JobRecord, JobsChanged, JobState, shells_forbidden
from wayside_manager.core.nodes import NodeState
from wayside_manager.core.pages import Page, checked_page_size, position
from wayside_manager.ports.rollouts import Lease
from wayside_manager.store import leases
from wayside_manager.store.job_changes import JobChanges
from wayside_manager.store.job_rows import OPEN_STATES, find_job, job_record, the_job
from wayside_manager.store.moments import as_us
from wayside_manager.store.node_rows import node_not_found, parts
from wayside_manager.store.part import SqlPart, changed, page, reading, writing, writing_quietly
from wayside_manager.store.policy import the_policy
from wayside_manager.store.reaches import covers_node
from wayside_manager.store.tables import job_artifacts, jobs, nodes

_SWEEP_MAX = 1_000
"""Jobs ended in one transaction, so that reports wait a few milliseconds at most."""
_TELL_MAX_BYTES = 2 << 20
"""Of work in one desired state: files to be pushed come in it, and a message has 4 MiB at most."""
_WHY_EXPIRED = "nobody began it in time"
_WHY_LOST = "the node had it, and did not say in time how it went"
_WHY_OUT = "the node is out of service"


class SqlJobs(SqlPart):
    """Satisfies `ports.JobStore` (with `SqlJobStop`), `ports.JobTellStore` and `ports.JobSweepStore`."""

    @writing
    def create_job(self, connection: Connection, job: JobRecord, *, now: datetime) -> tuple[JobRecord, JobsChanged]:
        """See JobStore."""
        there = find_job(connection, job.job_id)
        if there is not None:
            if (there.node_id, there.work.spec) != (job.node_id, job.work.spec):
                raise AlreadyExistsError("job_id: it is another job's; give another", reason="JOB_ID_TAKEN")
            return there, JobsChanged()
        tenant_id = _checked_tenant(connection, job)
        changes = JobChanges(connection, now=now)
        changes.make(replace(job, tenant_id=tenant_id))
        told = changes.execute()
        return the_job(connection, job.job_id), told

    @reading
    def get_job(self, connection: Connection, job_id: str) -> JobRecord:
        """See JobStore."""
        return the_job(connection, job_id)

    @reading
    def list_jobs(
        self,
        connection: Connection,
        *,
        reach: Reach,
        node_id: str = "",
        rollout_id: str = "",
        states: frozenset[JobState] = frozenset(),
        page_size: int = 0,
        page_token: str = "",
    ) -> Page[JobRecord]:
        """See JobStore."""
        size, question = checked_page_size(page_size), f"jobs|{node_id}|{rollout_id}|{','.join(sorted(states))}"
        key = (jobs.c.create_us, jobs.c.job_id)
        query = select(jobs).join(nodes, nodes.c.node_id == jobs.c.node_id).where(covers_node(reach))
        for column, wanted in ((jobs.c.node_id, node_id), (jobs.c.rollout_id, rollout_id)):
            if wanted:
                query = query.where(column == wanted)
        if states:
            query = query.where(jobs.c.state.in_(sorted(states)))
        before = position(page_token, question, types=(int, str))
        if before is not None:
            query = query.where(tuple_(*key) < tuple_(*before))
        rows = connection.execute(query.order_by(*(column.desc() for column in key)).limit(size + 1)).all()
        return page(rows, size, question, key=("create_us", "job_id"), record=job_record)

    @writing
    def cancel_job(self, connection: Connection, job_id: str, *, now: datetime) -> tuple[JobRecord, JobsChanged]:
        """See JobStore."""
        job = the_job(connection, job_id)
        changes = JobChanges(connection, now=now)
        changes.take(job, after(job, JobEvent.CANCEL, now=now))
        told = changes.execute()
        return the_job(connection, job_id), told

    @writing
    def note_shell(self, connection: Connection, job_id: str, operator: str) -> None:
        """See JobStore."""
        job = the_job(connection, job_id)
        who = {"shell": operator}
        changed(connection, f"jobs/{job_id}", before=None, after=who, tenant_id=job.tenant_id)

    @reading
    def open_jobs(self, connection: Connection, node_id: str) -> tuple[JobRecord, ...]:
        """See JobTellStore."""
        return _open_jobs(connection, node_id)

    @writing_quietly
    def tell_jobs(self, connection: Connection, node_id: str, *, now: datetime) -> tuple[JobRecord, ...]:
        """See JobTellStore."""
        in_time = _tellable(_open_jobs(connection, node_id), now)
        changes = JobChanges(connection, now=now)
        told = tuple(after(job, JobEvent.TELL, now=now) for job in in_time)
        for before, job in zip(in_time, told, strict=True):
            changes.take(before, job)
        changes.execute()
        return told

    @reading
    def has_overdue_jobs(self, connection: Connection, *, now: datetime) -> bool:
        """See JobSweepStore."""
        query = select(jobs.c.job_id).join(nodes, nodes.c.node_id == jobs.c.node_id).where(_is_overdue(now)).limit(1)
        return connection.scalar(query) is not None

    @writing
    def end_overdue_jobs(self, connection: Connection, *, now: datetime, lease: Lease) -> JobsChanged:
        """See JobSweepStore."""
        leases.check(connection, lease)
        query = select(jobs, nodes.c.state.label("node_state")).join(nodes, nodes.c.node_id == jobs.c.node_id)
        changes = JobChanges(connection, now=now)
        for row in connection.execute(query.where(_is_overdue(now)).limit(_SWEEP_MAX)).all():
            job = job_record(row)
            if row.node_state != NodeState.ENROLLED:
                changes.take(job, after(job, JobEvent.SILENCE, now=now, message=_WHY_OUT))
            elif job.state is JobState.QUEUED:
                changes.take(job, after(job, JobEvent.OVERDUE, now=now, message=_WHY_EXPIRED))
            else:
                changes.take(job, after(job, JobEvent.SILENCE, now=now, message=_WHY_LOST))
        return changes.execute()

    @reading
    def old_jobs(self, connection: Connection, *, before: datetime, limit: int) -> tuple[str, ...]:
        """See JobSweepStore."""
        query = select(jobs.c.job_id).where(jobs.c.state.in_(sorted(ENDED)), jobs.c.end_us < as_us(before))
        return tuple(connection.scalars(query.order_by(jobs.c.end_us).limit(limit)))

    @writing_quietly
    def delete_jobs(self, connection: Connection, job_ids: Collection[str]) -> None:
        """See JobSweepStore."""
        for part in parts(sorted(job_ids)):
            connection.execute(delete(job_artifacts).where(job_artifacts.c.job_id.in_(part)))
            connection.execute(delete(jobs).where(jobs.c.job_id.in_(part), jobs.c.state.in_(sorted(ENDED))))


def _tellable(found: Sequence[JobRecord], now: datetime) -> list[JobRecord]:
    """Those a node can be told now: what it was told stays, and the others come as far as a message goes."""
    told_ids = {job.job_id for job in found if job.state is not JobState.QUEUED}
    size_bytes = sum(len(job.work.spec) for job in found if job.job_id in told_ids)
    for job in found:
        if job.job_id in told_ids or now >= job.expire_time:
            continue
        size_bytes += len(job.work.spec)
        if told_ids and size_bytes > _TELL_MAX_BYTES:
            break
        told_ids.add(job.job_id)
    return [job for job in found if job.job_id in told_ids]


def _open_jobs(connection: Connection, node_id: str) -> tuple[JobRecord, ...]:
    query = select(jobs).where(jobs.c.node_id == node_id, jobs.c.state.in_(OPEN_STATES))
    return tuple(map(job_record, connection.execute(query.order_by(jobs.c.create_us, jobs.c.job_id))))


def _is_overdue(now: datetime) -> ColumnElement[bool]:
    now_us = as_us(now)
    return and_(
        jobs.c.state.in_(OPEN_STATES),
        or_(
            and_(jobs.c.state == JobState.QUEUED, jobs.c.expire_us <= now_us),
            and_(jobs.c.state != JobState.QUEUED, jobs.c.lose_us <= now_us),
            nodes.c.state != NodeState.ENROLLED,
        ),
    )


def _checked_tenant(connection: Connection, job: JobRecord) -> str:
    """The tenant of the node, if it may be given a job."""
    query = select(nodes.c.state, nodes.c.tenant_id).where(nodes.c.node_id == job.node_id)
    node = connection.execute(query).one_or_none()
    if node is None:
        raise node_not_found(job.node_id)
    if node.state != NodeState.ENROLLED:
        raise FailedPreconditionError(
            f"node {job.node_id} is {node.state}, not in service; jobs are for nodes in service",
            reason="NODE_NOT_FOUND",
        )
    if job.work.kind is JobKind.SHELL and not the_policy(connection).allows_shells:
        raise shells_forbidden()
    open_count = connection.scalar(
        select(func.count()).where(jobs.c.node_id == job.node_id, jobs.c.state.in_(OPEN_STATES))
    )
    if (open_count or 0) >= OPEN_MAX_COUNT:
        raise ResourceExhaustedError(
            f"node {job.node_id} has {OPEN_MAX_COUNT} jobs that have not ended; wait or cancel some",
            reason="JOBS_TOO_MANY",
        )
    return str(node.tenant_id)
