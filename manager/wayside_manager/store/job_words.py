"""What nodes say of their jobs, written with their reports. A word on the job of another node is as if nobody said it.

Usage: `changed = write_job_words(connection, [JobWord("rsu-1", facts)], now=now)`, words in the order they were said.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from wayside_manager.core.job_life import heard
from wayside_manager.core.jobs import JobRecord, JobsChanged
from wayside_manager.core.reports import JobWord
from wayside_manager.store.job_changes import JobChanges
from wayside_manager.store.job_rows import job_record
from wayside_manager.store.node_rows import parts
from wayside_manager.store.tables import jobs


def write_job_words(connection: Connection, words: Sequence[JobWord], *, now: datetime) -> JobsChanged:
    """Writes words of nodes on their jobs; who must hear of it."""
    if not words:
        return JobsChanged()
    known: dict[str, JobRecord] = {}
    for part in parts(sorted({word.facts.job_id for word in words})):
        rows = connection.execute(select(jobs).where(jobs.c.job_id.in_(part)))
        known |= {row.job_id: job_record(row) for row in rows}
    present = dict(known)
    for word in words:
        job = present.get(word.facts.job_id)
        if job is not None and job.node_id == word.node_id:
            present[job.job_id] = heard(job, word.facts, now=now)
    changes = JobChanges(connection, now=now)
    for job_id, before in known.items():
        changes.take(before, present[job_id])
    return changes.execute()
