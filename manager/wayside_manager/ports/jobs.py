"""Jobs, as operators see them, as sessions tell them, as loops end them; and the files they bring."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from wayside_manager.core.access import Reach
from wayside_manager.core.jobs import JobArtifact, JobRecord, JobsChanged, JobState
from wayside_manager.core.pages import Page
from wayside_manager.ports.rollouts import Lease


@dataclass(frozen=True, slots=True)
class Stopped:
    """What the kill switch stopped."""

    rollout_ids: tuple[str, ...]
    job_count: int
    told_node_ids: frozenset[str] = frozenset()
    """Nodes whose jobs or rollouts these were."""
    changed: JobsChanged = field(default_factory=JobsChanged)


class JobStore(Protocol):
    """Jobs, as operators see them."""

    async def create_job(self, job: JobRecord, *, now: datetime) -> tuple[JobRecord, JobsChanged]:
        """Makes a job of a node, in the node's tenant; the same id with the same work again returns the job it made.

        Raises: NotFoundError: no such node; AlreadyExistsError: the id is another job's; FailedPreconditionError: the
        node is not in service, or the policy forbids shells; ResourceExhaustedError: too many have not ended.
        """

    async def get_job(self, job_id: str) -> JobRecord:
        """One job.

        Raises: NotFoundError.
        """

    async def list_jobs(
        self,
        *,
        reach: Reach,
        node_id: str = "",
        rollout_id: str = "",
        states: frozenset[JobState] = frozenset(),
        page_size: int = 0,
        page_token: str = "",
    ) -> Page[JobRecord]:
        """A page of the jobs of nodes in reach, newest first.

        Raises: InvalidArgumentError: page size or token.
        """

    async def cancel_job(self, job_id: str, *, now: datetime) -> tuple[JobRecord, JobsChanged]:
        """Ends a job the node was not told, asks a told one to be stopped, leaves one that has ended alone.

        Raises: NotFoundError.
        """

    async def note_shell(self, job_id: str, operator: str) -> None:
        """Writes into the audit trail that an operator talks to the shell of a job.

        Raises: NotFoundError.
        """

    async def stop_everything(self, *, reach: Reach, actor: str, reason: str, now: datetime) -> Stopped:
        """Aborts every live rollout of whole tenants of the reach and cancels every open job of nodes in it."""


class JobTellStore(Protocol):
    """Jobs, as a node is told them."""

    async def open_jobs(self, node_id: str) -> tuple[JobRecord, ...]:
        """Jobs of a node without an outcome, oldest first."""

    async def tell_jobs(self, node_id: str, *, now: datetime) -> tuple[JobRecord, ...]:
        """The same, each noted as told. One whose time to begin is over and that was never told is left out."""


class JobSweepStore(Protocol):
    """Jobs, as time ends them."""

    async def take_lease(self, name: str, holder: str, *, now: datetime, life_s: float) -> Lease | None:
        """Takes or renews the lease; `None`: somebody else has it."""

    async def release_lease(self, lease: Lease) -> None:
        """Lets others have it at once."""

    async def has_overdue_jobs(self, *, now: datetime) -> bool:
        """Whether time has ended any open job."""

    async def end_overdue_jobs(self, *, now: datetime, lease: Lease) -> JobsChanged:
        """Ends jobs nobody began in time, and those of which no last word came, at most 1,000 of them.

        Raises: ConflictError: the lease is lost.
        """

    async def old_jobs(self, *, before: datetime, limit: int) -> tuple[str, ...]:
        """Ids of jobs that ended before, oldest first."""

    async def delete_jobs(self, job_ids: Collection[str]) -> None:
        """Removes jobs that have ended; their files are gone already."""


class JobArtifactStore(Protocol):
    """What is known of the files jobs bring."""

    async def list_artifacts(self, job_ids: Collection[str]) -> dict[str, tuple[JobArtifact, ...]]:
        """The files of jobs, by job, in order of their names."""

    async def begin_artifact(self, job_id: str, node_id: str, artifact: JobArtifact, *, now: datetime) -> JobArtifact:
        """Notes a file that is about to come, and returns what is known of it; one that came is left alone.

        Raises: NotFoundError: the node has no such job; FailedPreconditionError: it ended long ago, or the file is
        there with another content; ResourceExhaustedError: too many files, or too large together.
        """

    async def note_artifact(self, job_id: str, artifact: JobArtifact) -> None:
        """Notes how much of a file is here."""

    async def unfinished_recordings(self) -> Sequence[tuple[str, JobArtifact]]:
        """Files that the manager itself was writing and did not finish, with their jobs."""


class JobFiles(Protocol):
    """Bytes of the files jobs bring. File names are plain and checked before."""

    async def received_bytes(self, job_id: str, artifact: JobArtifact) -> int:
        """How much of a file that comes is on the disk; parts of another content of that name are removed."""

    async def write(self, job_id: str, artifact: JobArtifact, offset_bytes: int, content: bytes) -> None:
        """Adds to a file that comes, at a place.

        Raises: ResourceExhaustedError: the disk is full; ConflictError: somebody else finished it.
        """

    async def finish(self, job_id: str, artifact: JobArtifact) -> None:
        """Makes a file that has come whole durable under its name, or removes it.

        Raises: InvalidArgumentError: it is not the announced content; ResourceExhaustedError: the disk is full.
        """

    async def append(self, job_id: str, file: str, content: bytes) -> int:
        """Adds to a file of the manager's own; its size then, on the disk [byte].

        Raises: ResourceExhaustedError: the disk is full.
        """

    async def measured(self, job_id: str, file: str) -> JobArtifact:
        """Size and hash of a file of the manager's own, as it is on the disk.

        Raises: NotFoundError.
        """

    def read(self, job_id: str, file: str, *, offset_bytes: int, chunk_bytes: int) -> AsyncIterator[bytes]:
        """The bytes of a whole file from an offset, in chunks.

        Raises: NotFoundError.
        """

    async def delete(self, job_id: str) -> None:
        """Removes everything of a job; what is not there is fine."""
