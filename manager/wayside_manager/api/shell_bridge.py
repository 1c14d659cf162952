"""Joins the shell that a job opened on a unit with the operator who asked for it, and records both.

Both must be connected to this manager process: nothing of a shell goes through the database. Each direction has a queue
of 64 messages; while it is full, the side that writes is not read, and HTTP/2 holds it back. When either side leaves,
the other is let go: a shell nobody looks at is not left open.
Usage: `await shells.serve_unit("rsu-1", context)` and `await shells.serve_operator(context)`, in whichever order.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from wayside.errors import FailedPreconditionError, InvalidArgumentError, PermissionDeniedError, UnavailableError
from wayside.names import job_id
from wayside.v1 import job_service_pb2, node_service_pb2
from wayside_manager.api.calls import Calls
from wayside_manager.api.identity import admission
from wayside_manager.api.job_messages import job_spec
from wayside_manager.api.scopes import EOF, Context, received, send
from wayside_manager.api.shell_recording import Recording, finish_recording, unfinished
from wayside_manager.core.jobs import SHELL_LOG, JobKind, JobRecord, shells_forbidden
from wayside_manager.core.missing import not_there
from wayside_manager.core.policy import Target
from wayside_manager.ports.access import PlaceStore, PolicyStore, Resource
from wayside_manager.ports.jobs import JobArtifactStore, JobFiles, JobStore
from wayside_manager.ports.wakeups import Bus, Topic

MESSAGE_MAX_BYTES = 64 << 10  # as both protos say
SIZE_MAX = 10_000
"""Rows and columns of a terminal."""
FIRST_TIMEOUT_S = 30.0
JOIN_S = 30.0
"""How long an operator waits for the unit to open its shell."""
_QUEUE_SIZE = 64
_LOOK_AGAIN_S = 5.0  # a lost wake-up costs at most this
_MARGIN_S = 30.0
"""The unit ends a shell when its time is over; so long afterwards the manager does."""


class ShellStore(JobStore, JobArtifactStore, PlaceStore, PolicyStore, Protocol):
    """What shells need of the store."""


@dataclass(eq=False)
class _Shell:
    """One shell that is open."""

    recording: Recording
    to_unit: asyncio.Queue[job_service_pb2.AttachShellRequest] = field(
        default_factory=lambda: asyncio.Queue(_QUEUE_SIZE)
    )
    to_operator: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(_QUEUE_SIZE))
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    is_attached: bool = False


class ShellBridge:
    """The shells that are open on this manager."""

    def __init__(
        self,
        store: ShellStore,
        files: JobFiles,
        bus: Bus,
        calls: Calls,
        *,
        now: Callable[[], datetime],
        join_s: float = JOIN_S,
    ) -> None:
        self._store = store
        self._files = files
        self._bus = bus
        self._calls = calls
        self._now = now
        self._join_s = join_s
        self._taken: set[str] = set()
        """Jobs whose shell is open here, or about to be."""
        self._open: dict[str, _Shell] = {}
        self._opened = asyncio.Condition()

    async def recover(self) -> None:
        """Closes recordings that a crash cut off; once, before anybody can open a shell.

        Raises: UnavailableError: the store does not work now.
        """
        for of_job_id, artifact in await self._store.unfinished_recordings():
            if artifact.file == SHELL_LOG:
                await self._files.append(of_job_id, SHELL_LOG, b"")  # the crash may have come before the first line
                await finish_recording(of_job_id, self._store, self._files)

    async def serve_unit(self, node_id: str, context: Context) -> None:
        """Carries what the unit's shell writes to the operator and back, until either leaves or the job ends.

        Raises: as `OpenShell` of node_service.proto says.
        """
        first = await _first(context)
        opened_id = job_id(first.job, field="job")
        job = await self._store.get_job(opened_id)
        if job.node_id != node_id:
            raise not_there("jobs", opened_id)
        await self._check(job)
        async with self._calls.endable(context):
            if opened_id in self._taken:
                raise FailedPreconditionError(f"job {opened_id} has its shell open already", reason="SHELL_OPEN")
            self._taken.add(opened_id)
            try:
                await self._store.begin_artifact(opened_id, node_id, unfinished(), now=self._now())
                await self._store.note_artifact(opened_id, unfinished())
                async with Recording(job, self._store, self._files, now=self._now) as recording:
                    await self._carry(job, _Shell(recording), first, context)
            finally:
                self._taken.discard(opened_id)
                await self._bus.publish(Topic.JOB, [opened_id])

    async def _carry(self, job: JobRecord, shell: _Shell, first: Any, context: Context) -> None:  # noqa: ANN401  # grpc's own types
        """The time a shell is open here."""
        self._open[job.job_id] = shell
        try:
            async with self._opened:
                self._opened.notify_all()
            await _until_first_ends(
                _from_unit(shell, first, context),
                _to_unit(shell, context),
                self._until_over(job),
                shell.ended.wait(),
            )
        finally:
            shell.ended.set()
            del self._open[job.job_id]

    async def serve_operator(self, context: Context) -> None:
        """Carries what the operator types to the unit's shell and back, until either leaves or the job ends.

        Raises: as `AttachShell` of job_service.proto says; PermissionDeniedError: somebody else asked for the shell.
        """
        first = await _first(context)
        job = await self._permitted(job_id(first.name))
        async with self._calls.endable(context):
            shell = await self._joined(job)
            if shell.is_attached:
                raise FailedPreconditionError(
                    f"somebody else talks to the shell of job {job.job_id}; wait for their end", reason="SHELL_TAKEN"
                )
            shell.is_attached = True
            try:
                await self._store.note_shell(job.job_id, admission().holder)
                await shell.recording.note(f"{admission().holder} attached from {admission().source_address}")
                await _until_first_ends(
                    _from_operator(shell, first, context), _to_operator(shell, context), shell.ended.wait()
                )
                while not shell.to_operator.empty():  # its last words
                    await _say(context, shell.to_operator.get_nowait())
            finally:
                shell.ended.set()

    async def _permitted(self, attached_id: str) -> JobRecord:
        """The job, if the caller may talk to its shell."""
        places = await self._store.find_places(Resource.JOB, attached_id)
        admission().rights.check(Target.JOB, attached_id, places)
        job = await self._store.get_job(attached_id)
        await self._check(job)
        if job.requester != admission().holder:  # what a second person agreed to was a shell for them
            raise PermissionDeniedError(
                f"job {attached_id} opens a shell for {job.requester}; ask for one of your own", reason="SHELL_OTHER"
            )
        return job

    async def _check(self, job: JobRecord) -> None:
        if job.work.kind is not JobKind.SHELL:
            raise FailedPreconditionError(f"job {job.job_id} is no shell, but {job.work.kind}", reason="NO_SHELL")
        if not job.is_open or job.is_cancelling:
            raise FailedPreconditionError(f"job {job.job_id} has ended; ask for a new shell", reason="JOB_ENDED")
        if not (await self._store.get_policy()).allows_shells:
            raise shells_forbidden()

    async def _joined(self, job: JobRecord) -> _Shell:
        """The shell, when the unit has opened it here."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._join_s), self._opened:
                await self._opened.wait_for(lambda: job.job_id in self._open)
        shell = self._open.get(job.job_id)
        if shell is None:
            raise UnavailableError(
                f"node {job.node_id} has not opened the shell on this manager; see that it is connected, and to the "
                "same manager process as you, then attach again",
                reason="SHELL_AWAY",
            )
        return shell

    async def _until_over(self, job: JobRecord) -> None:
        """Waits until the job ends, somebody wants it stopped, or its time is over."""
        span = job_spec(job.work).shell.duration
        with suppress(TimeoutError):
            async with asyncio.timeout(span.seconds + _MARGIN_S), self._bus.subscribe(Topic.JOB, job.job_id) as wakes:
                while job.is_open and not job.is_cancelling:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_LOOK_AGAIN_S):
                            await wakes.changed()
                    job = await self._store.get_job(job.job_id)


async def _first(context: Context) -> Any:  # noqa: ANN401  # grpc's own types
    try:
        async with asyncio.timeout(FIRST_TIMEOUT_S):
            first = await received(context)
    except TimeoutError:
        raise _missing() from None
    if first is EOF:
        raise _missing()
    return first


def _missing() -> InvalidArgumentError:
    return InvalidArgumentError("the first message names the job", reason="JOB_MISSING")


async def _from_unit(shell: _Shell, message: Any, context: Context) -> None:  # noqa: ANN401  # grpc's own types
    while message is not EOF:
        _check_size("output", message.output)
        if message.output:
            await shell.recording.unit(message.output)
            await shell.to_operator.put(message.output)
        message = await received(context)


async def _to_unit(shell: _Shell, context: Context) -> None:
    while True:
        said = await shell.to_unit.get()
        await send(context, node_service_pb2.OpenShellResponse(input=said.input, rows=said.rows, columns=said.columns))


async def _from_operator(shell: _Shell, message: Any, context: Context) -> None:  # noqa: ANN401  # grpc's own types
    while message is not EOF:
        _check_size("input", message.input)
        for name, value in (("rows", message.rows), ("columns", message.columns)):
            if not 0 <= value <= SIZE_MAX:
                raise InvalidArgumentError(f"{name}: {value} is not within 0 to {SIZE_MAX}", reason="SHELL_INVALID")
        if message.input or message.rows or message.columns:
            await shell.recording.operator(message.input, rows=message.rows, columns=message.columns)
            await shell.to_unit.put(message)
        message = await received(context)


async def _to_operator(shell: _Shell, context: Context) -> None:
    while True:
        await _say(context, await shell.to_operator.get())


async def _say(context: Context, output: bytes) -> None:
    await send(context, job_service_pb2.AttachShellResponse(output=output))


def _check_size(field: str, content: bytes) -> None:
    if len(content) > MESSAGE_MAX_BYTES:
        raise InvalidArgumentError(
            f"{field}: {len(content)} bytes are more than {MESSAGE_MAX_BYTES}; send them in parts",
            reason="SHELL_INVALID",
        )


async def _until_first_ends(*runs: Coroutine[Any, Any, Any]) -> None:
    """Runs all of them until one ends; the others are then let go.

    Raises: what that one raises.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(run) for run in runs]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
