"""What jobs need: somebody who does the work, a memory, a way up for files, a way up for a terminal."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from wayside_agent.core.job import Artifact, Job

if TYPE_CHECKING:
    from wayside_agent.core.job_work import Work  # 5 ms that a unit without jobs does without

Work_co = TypeVar("Work_co", bound="Work", covariant=True)
Work_contra = TypeVar("Work_contra", bound="Work", contravariant=True)

Progress = Callable[[int, str], None]
"""Takes how far a job is, 0 to 100, and a sentence. Cheap: whoever calls it often is heard seldom."""


@dataclass(frozen=True, slots=True)
class Assignment(Generic[Work_co]):
    """One piece of work."""

    job: str
    """`jobs/{job}`."""
    work: Work_co
    folder: Path
    """Empty; files left there are brought to the manager."""
    max_bytes: int
    """Of all files together."""
    progress: Progress


@dataclass(frozen=True, slots=True)
class Yield:
    """What work came to."""

    message: str = ""
    result: Mapping[str, object] = field(default_factory=dict)
    """Ready for JSON."""
    files: Sequence[str] = ()
    """Names of files in the folder."""
    is_success: bool = True


class Worker(Protocol[Work_contra]):
    """Does one kind of work. It may be cancelled at any time and leaves nothing running then."""

    async def work(self, assignment: Assignment[Work_contra], /) -> Yield:
        """Does it, bounded in bytes and memory; the caller bounds its time.

        Raises: RefusedError: the unit does not do this. Other WaysideErrors: it failed, and why.
        """


class JobStore(Protocol):
    """Where jobs are kept, each by itself: one that is damaged harms no other."""

    async def load(self) -> Sequence[Job]:
        """All of them. Of one whose record was damaged there is what `core.job.damaged` leaves.

        Raises: DeviceFaultError.
        """

    async def save(self, job: Job) -> None:
        """Makes it durable.

        Raises: ResourceExhaustedError, DeviceFaultError: what was saved before stands.
        """

    async def forget(self, name: str) -> None:
        """Removes a job and its files.

        Raises: DeviceFaultError.
        """

    async def folder(self, name: str) -> Path:
        """An empty folder for its files.

        Raises: ResourceExhaustedError, DeviceFaultError.
        """

    async def clear(self, name: str) -> None:
        """Removes its files.

        Raises: DeviceFaultError.
        """

    async def artifacts(self, name: str, files: Sequence[str], *, max_bytes: int) -> tuple[Artifact, ...]:
        """Makes its files durable and measures them.

        Raises: ResourceExhaustedError: they are too large. DeviceFaultError.
        """

    def path(self, name: str, file: str) -> Path:
        """Where a file of it is."""


class Uploads(Protocol):
    """The way of files to the manager."""

    async def upload(
        self, job: str, artifact: Artifact, path: Path, *, max_bytes_per_s: int, progress: Callable[[int], None]
    ) -> None:
        """Brings a file; goes on where an earlier try broke off. `progress` takes the bytes that are there.

        Raises: UnavailableError, DeadlineExceededError: try again later. Other WaysideErrors: it is not taken.
        """


@dataclass(frozen=True, slots=True)
class Typed:
    """What an operator does at a terminal."""

    content: bytes
    rows: int = 0
    """0: as before."""
    columns: int = 0
    """0: as before."""


class Terminal(Protocol):
    """The operator's end of a shell."""

    async def typed(self) -> Typed | None:
        """The next input; `None`: the operator has left.

        Raises: WaysideError: the connection broke.
        """

    async def show(self, content: bytes) -> None:
        """Sends output, at most 64 KiB; waits while the other end is slow.

        Raises: WaysideError: the connection broke.
        """


class Terminals(Protocol):
    """Opens terminals."""

    def terminal(self, job: str) -> AbstractAsyncContextManager[Terminal]:
        """A terminal for a job.

        Raises: WaysideError.
        """
