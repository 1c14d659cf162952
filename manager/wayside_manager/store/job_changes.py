"""What goes with every change of a job, in its transaction: the node's desired state, the events, the rollout's word.

changes = JobChanges(connection, now=now)
changes.make(job)                       # a new one
changes.take(job, after(job, ...))      # one that moved on, or not
told = changes.execute()                # who must hear of it
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, tuple_, update

from wayside_manager.core.events import NewEvent, Severity
from wayside_manager.core.job_life import rollout_word
from wayside_manager.core.jobs import ENDED, JobRecord, JobsChanged, JobState
from wayside_manager.core.nodes import UpdatePhase
from wayside_manager.core.rollout import RolloutNodeState
from wayside_manager.store import event_rows
from wayside_manager.store.desired import raise_revision
from wayside_manager.store.job_rows import columns_of, moving_columns_of, said_of_job
from wayside_manager.store.moments import as_us
from wayside_manager.store.node_rows import parts
from wayside_manager.store.part import changed
from wayside_manager.store.tables import jobs, nodes, rollout_nodes

_PAIRS_MAX = 200
"""Pairs of rollout and node in one statement; below every engine's limit of values."""
_NEWS = {JobState.RUNNING: "job.running"} | dict.fromkeys(ENDED, "job.ended")


class JobChanges:
    """Changes of jobs in one transaction."""

    def __init__(self, connection: Connection, *, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._made: list[JobRecord] = []
        self._moved: list[tuple[JobRecord, JobRecord]] = []

    def make(self, job: JobRecord) -> None:
        """Takes a new job."""
        self._made.append(job)
        changed(self._connection, f"jobs/{job.job_id}", before=None, after=said_of_job(job), tenant_id=job.tenant_id)

    def take(self, before: JobRecord, after: JobRecord) -> None:
        """Takes a job that may have moved on."""
        if after == before:
            return
        self._moved.append((before, after))
        changed(
            self._connection,
            f"jobs/{after.job_id}",
            before=said_of_job(before),
            after=said_of_job(after),
            tenant_id=after.tenant_id,
        )

    def execute(self) -> JobsChanged:
        """Writes it all."""
        if not self._made and not self._moved:
            return JobsChanged()
        self._write()
        stepped = [(before, after) for before, after in self._moved if after.state is not before.state]
        rollout_ids = self._tell_rollouts([after for _, after in stepped if after.rollout_id])
        retold = {job.node_id for job in self._made}
        retold |= {after.node_id for before, after in self._moved if _is_retold(before, after)}
        raise_revision(self._connection, retold)
        return JobsChanged(
            job_ids=frozenset([job.job_id for job in self._made] + [after.job_id for _, after in self._moved]),
            node_ids=frozenset(retold),
            rollout_ids=rollout_ids,
            event_cursor=self._append_events([after for _, after in stepped if after.state in _NEWS]),
        )

    def _write(self) -> None:
        if self._made:
            self._connection.execute(insert(jobs), [columns_of(job) for job in self._made])
        rows = [
            {"of_job": after.job_id} | {f"to_{name}": value for name, value in moving_columns_of(after).items()}
            for _, after in self._moved
        ]
        if rows:
            values: dict[str, Any] = {name.removeprefix("to_"): bindparam(name) for name in rows[0] if name != "of_job"}
            statement = update(jobs).where(jobs.c.job_id == bindparam("of_job"))
            self._connection.execute(statement.values(revision=jobs.c.revision + 1, **values), rows)

    def _tell_rollouts(self, ended: list[JobRecord]) -> frozenset[str]:
        """Gives fleet jobs' rollouts the word of their nodes; of a job of an earlier turn nothing is said any more."""
        turns: dict[tuple[str, str, int], str] = {}
        for start in range(0, len(ended), _PAIRS_MAX):
            pairs = [(job.rollout_id, job.node_id) for job in ended[start : start + _PAIRS_MAX]]
            query = select(
                rollout_nodes.c.rollout_id, rollout_nodes.c.node_id, rollout_nodes.c.tell_us, rollout_nodes.c.state
            ).where(tuple_(rollout_nodes.c.rollout_id, rollout_nodes.c.node_id).in_(pairs))
            turns |= {(row[0], row[1], row[2]): row[3] for row in self._connection.execute(query)}
        rows = []
        for job in ended:
            state = turns.get((job.rollout_id, job.node_id, as_us(job.create_time)))
            word = rollout_word(job, is_called_back=state == RolloutNodeState.PENDING)
            if state is not None and word is not None:
                rows.append(_rollout_row(job, word))
        if rows:
            statement = update(rollout_nodes).where(
                rollout_nodes.c.rollout_id == bindparam("of_rollout"), rollout_nodes.c.node_id == bindparam("of_node")
            )
            moved = ("phase", "runs_target", "message")
            self._connection.execute(statement.values({name: bindparam(f"to_{name}") for name in moved}), rows)
        return frozenset(job.rollout_id for job in ended)

    def _append_events(self, stepped: list[JobRecord]) -> int:
        told = [("job.created", job) for job in self._made] + [(_NEWS[job.state], job) for job in stepped]
        sites = _sites(self._connection, {job.node_id for _, job in told})
        news = [_event(kind, job, sites.get(job.node_id, ""), self._now) for kind, job in told]
        return event_rows.append(self._connection, news, now=self._now)


def _is_retold(before: JobRecord, after: JobRecord) -> bool:
    """Whether the node must hear of it: the job is settled, or shall be stopped."""
    return before.is_open != after.is_open or before.is_cancelling != after.is_cancelling


def _rollout_row(job: JobRecord, word: UpdatePhase) -> dict[str, Any]:
    message = ""
    if word is UpdatePhase.FAILED:
        message = f"jobs/{job.job_id}: {job.state}" + (f", {job.message}" if job.message else "")
    return {
        "of_rollout": job.rollout_id,
        "of_node": job.node_id,
        "to_phase": word,
        "to_runs_target": word is UpdatePhase.COMMITTED,
        "to_message": message,
    }


def _event(kind: str, job: JobRecord, site_id: str, now: datetime) -> NewEvent:
    details: dict[str, object] = {"kind": job.work.kind, "requester": job.requester}
    details |= {"rollout": f"rollouts/{job.rollout_id}"} if job.rollout_id else {}
    details |= {"state": job.state} if kind == "job.ended" else {}
    is_bad = job.state in {JobState.FAILED, JobState.LOST}
    what = "made" if kind == "job.created" else str(job.state)
    said = f": {job.message}" if job.message and kind == "job.ended" else ""
    return NewEvent(
        kind=kind,
        time=now,
        subject=f"jobs/{job.job_id}",
        message=f"{job.work.kind} of {job.node_id} {what}{said}",
        severity=Severity.WARNING if is_bad else Severity.INFO,
        node_id=job.node_id,
        site_id=site_id,
        tenant_id=job.tenant_id,
        details=details,
    )


def _sites(connection: Connection, node_ids: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in parts(node_ids):
        rows = connection.execute(select(nodes.c.node_id, nodes.c.site_id).where(nodes.c.node_id.in_(part)))
        found |= {node_id: site_id or "" for node_id, site_id in rows}
    return found
