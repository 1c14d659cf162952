"""What is known of the files jobs bring, in SQL; their bytes are in `store.job_files`."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from wayside.errors import FailedPreconditionError, ResourceExhaustedError
from wayside_manager.core.jobs import ARTIFACT_MAX_COUNT, UPLOAD_AFTER_END, JobArtifact, JobRecord
from wayside_manager.core.missing import not_there
from wayside_manager.store.job_rows import artifact_record, find_job
from wayside_manager.store.moments import as_us
from wayside_manager.store.node_rows import parts
from wayside_manager.store.part import SqlPart, reading, writing_quietly
from wayside_manager.store.tables import job_artifacts, jobs


class SqlJobArtifacts(SqlPart):
    """Satisfies `ports.JobArtifactStore`."""

    @reading
    def list_artifacts(self, connection: Connection, job_ids: Collection[str]) -> dict[str, tuple[JobArtifact, ...]]:
        """See JobArtifactStore."""
        found: dict[str, tuple[JobArtifact, ...]] = {}
        for part in parts(sorted(job_ids)):
            query = select(job_artifacts).where(job_artifacts.c.job_id.in_(part)).order_by(job_artifacts.c.file)
            for row in connection.execute(query):
                found[row.job_id] = (*found.get(row.job_id, ()), artifact_record(row))
        return found

    @writing_quietly
    def begin_artifact(
        self, connection: Connection, job_id: str, node_id: str, artifact: JobArtifact, *, now: datetime
    ) -> JobArtifact:
        """See JobArtifactStore."""
        job = find_job(connection, job_id)
        if job is None or job.node_id != node_id:
            raise not_there("jobs", job_id)
        query = select(job_artifacts).where(job_artifacts.c.job_id == job_id)
        present = {row.file: artifact_record(row) for row in connection.execute(query)}
        there = present.get(artifact.file)
        if there is not None and there.is_whole:
            if artifact.sha256 not in {"", there.sha256}:
                raise FailedPreconditionError(
                    f"{artifact.file}: it is there with another content; give it another name", reason="FILE_TAKEN"
                )
            return there
        _check_room(job, artifact, [each for file, each in present.items() if file != artifact.file], now)
        if there is not None:
            _update(connection, job_id, artifact)
        else:
            key = {"job_id": job_id, "file": artifact.file, "create_us": as_us(now)}
            connection.execute(insert(job_artifacts), key | _values(artifact))
        _touch(connection, job_id)
        return artifact

    @writing_quietly
    def note_artifact(self, connection: Connection, job_id: str, artifact: JobArtifact) -> None:
        """See JobArtifactStore."""
        _update(connection, job_id, artifact)
        _touch(connection, job_id)

    @reading
    def unfinished_recordings(self, connection: Connection) -> Sequence[tuple[str, JobArtifact]]:
        """See JobArtifactStore."""
        query = select(job_artifacts).where(job_artifacts.c.sha256 == "")
        return [(row.job_id, artifact_record(row)) for row in connection.execute(query)]


def _check_room(job: JobRecord, artifact: JobArtifact, others: Sequence[JobArtifact], now: datetime) -> None:
    if job.end_time is not None and now > job.end_time + UPLOAD_AFTER_END:
        raise FailedPreconditionError(
            f"job {job.job_id} has ended long ago and takes no more files", reason="JOB_ENDED"
        )
    if len(others) >= ARTIFACT_MAX_COUNT:
        raise ResourceExhaustedError(
            f"job {job.job_id} has brought {ARTIFACT_MAX_COUNT} files, which is all it may", reason="FILES_TOO_MANY"
        )
    total_bytes = artifact.size_bytes + sum(each.size_bytes for each in others)
    if total_bytes > job.work.artifact_max_bytes:
        raise ResourceExhaustedError(
            f"size_bytes: with {artifact.file} the files of job {job.job_id} have {total_bytes} bytes; it may bring "
            f"{job.work.artifact_max_bytes}",
            reason="FILES_TOO_LARGE",
        )


def _values(artifact: JobArtifact) -> dict[str, object]:
    return {
        "size_bytes": artifact.size_bytes,
        "sha256": artifact.sha256,
        "received_bytes": artifact.received_bytes,
    }


def _update(connection: Connection, job_id: str, artifact: JobArtifact) -> None:
    is_own = (job_artifacts.c.job_id == job_id, job_artifacts.c.file == artifact.file)
    connection.execute(update(job_artifacts).where(*is_own).values(_values(artifact)))


def _touch(connection: Connection, job_id: str) -> None:
    """Whoever watches the job sees another one."""
    connection.execute(update(jobs).where(jobs.c.job_id == job_id).values(revision=jobs.c.revision + 1))
