"""Jobs between tables and records.

Usage: `job = the_job(connection, "j1")`; `columns_of(job)` goes back.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select

from wayside_manager.core.jobs import OPEN, FleetWork, JobArtifact, JobKind, JobRecord, JobState, JobWork
from wayside_manager.core.missing import not_there
from wayside_manager.store.moments import as_time, as_time_or_none, as_us, as_us_or_none
from wayside_manager.store.tables import jobs

_MICROSECONDS_PER_SECOND = 1_000_000
OPEN_STATES = sorted(OPEN)


def the_job(connection: Connection, job_id: str) -> JobRecord:
    """One job.

    Raises: NotFoundError.
    """
    job = find_job(connection, job_id)
    if job is None:
        raise not_there("jobs", job_id)
    return job


def find_job(connection: Connection, job_id: str) -> JobRecord | None:
    """One job, or `None`."""
    row = connection.execute(select(jobs).where(jobs.c.job_id == job_id)).one_or_none()
    return None if row is None else job_record(row)


def job_record(row: Row[Any]) -> JobRecord:
    """A job."""
    create_time, expire_time = as_time(row.create_us), as_time(row.expire_us)
    work = JobWork(
        kind=JobKind(row.kind),
        spec=row.spec,
        ttl_s=(expire_time - create_time).total_seconds(),
        timeout_s=row.timeout_us / _MICROSECONDS_PER_SECOND,
        artifact_max_bytes=row.artifact_max_bytes,
    )
    return JobRecord(
        job_id=row.job_id,
        node_id=row.node_id,
        work=work,
        create_time=create_time,
        expire_time=expire_time,
        lose_time=as_time(row.lose_us),
        state=JobState(row.state),
        progress_percent=row.progress_percent,
        message=row.message,
        result_json=row.result.encode(),
        note=row.note,
        requester=row.requester,
        rollout_id=row.rollout_id,
        begin_time=as_time_or_none(row.begin_us),
        end_time=as_time_or_none(row.end_us),
        tell_time=as_time_or_none(row.tell_us),
        is_cancelling=row.is_cancelling,
        late_report=row.late_report,
        tenant_id=row.tenant_id,
        etag=str(row.revision),
    )


def columns_of(job: JobRecord) -> dict[str, Any]:
    """Everything of a new job."""
    return {
        "job_id": job.job_id,
        "node_id": job.node_id,
        "tenant_id": job.tenant_id,
        "kind": job.work.kind,
        "spec": job.work.spec,
        "note": job.note,
        "requester": job.requester,
        "rollout_id": job.rollout_id,
        "create_us": as_us(job.create_time),
        "expire_us": as_us(job.expire_time),
        "timeout_us": round(job.work.timeout_s * _MICROSECONDS_PER_SECOND),
        "artifact_max_bytes": job.work.artifact_max_bytes,
        "revision": 1,
        **moving_columns_of(job),
    }


def moving_columns_of(job: JobRecord) -> dict[str, Any]:
    """What changes in the life of a job, without its revision."""
    return {
        "state": job.state,
        "progress_percent": job.progress_percent,
        "message": job.message,
        "result": job.result_json.decode(),
        "begin_us": as_us_or_none(job.begin_time),
        "end_us": as_us_or_none(job.end_time),
        "lose_us": as_us(job.lose_time),
        "tell_us": as_us_or_none(job.tell_time),
        "is_cancelling": job.is_cancelling,
        "late_report": job.late_report,
    }


def said_of_job(job: JobRecord) -> Mapping[str, object]:
    """What is said of a job for the audit trail."""
    return {
        "node": job.node_id,
        "kind": job.work.kind,
        "spec": job.work.spec.hex(),
        "note": job.note,
        "requester": job.requester,
        "rollout": job.rollout_id,
        "state": job.state,
        "is_cancelling": job.is_cancelling,
    }


def artifact_record(row: Row[Any]) -> JobArtifact:
    """A file of a job."""
    return JobArtifact(row.file, row.size_bytes, row.sha256, row.received_bytes)


def fleet_work_text(work: FleetWork | None) -> str:
    """What a fleet job asks for, as a rollout keeps it."""
    return "" if work is None else msgspec.json.encode(work).decode()


def fleet_work_of(text: str) -> FleetWork | None:
    """The same back."""
    return msgspec.json.decode(text, type=FleetWork) if text else None
