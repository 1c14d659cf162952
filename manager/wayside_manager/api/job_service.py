"""JobService: see `job_service.proto`."""

# ruff: noqa: ARG002, N802 -- gRPC fixes the names and the arguments of RPCs
import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wayside.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError, OutOfRangeError
from wayside.names import PLATFORM_JOB_PREFIX, checked_label, job_id, node_id, rollout_id, rollout_name
from wayside.v1 import job_pb2, job_service_pb2, job_service_pb2_grpc
from wayside_manager.api.calls import Calls
from wayside_manager.api.identity import admission
from wayside_manager.api.job_messages import job_message, job_states, job_work
from wayside_manager.api.node_messages import selector
from wayside_manager.api.rollout_messages import plan_record, rollout_message
from wayside_manager.api.rollout_selection import checked_request_id, new_rollout_id, selected_nodes
from wayside_manager.api.scopes import Context, send
from wayside_manager.api.sessions import Sessions
from wayside_manager.api.shell_bridge import ShellBridge, ShellStore
from wayside_manager.core.job_bounds import checked_file, checked_note
from wayside_manager.core.jobs import FleetWork, JobKind, JobRecord, new_job
from wayside_manager.core.rollout import RolloutSpec
from wayside_manager.ports.jobs import JobFiles
from wayside_manager.ports.nodes import NodeStore
from wayside_manager.ports.rollouts import RolloutStore
from wayside_manager.ports.wakeups import Bus, Topic, publish_jobs

CHUNK_BYTES = 1 << 20  # as job_service.proto says
LOOK_AGAIN_S = 5.0
"""A lost wake-up, or one at another manager over the same database, costs a watcher at most this."""


class JobServiceStore(ShellStore, RolloutStore, NodeStore, Protocol):
    """What jobs need of the store."""


@dataclass(frozen=True, slots=True)
class JobParts:
    """What jobs are made of, beside the store."""

    files: JobFiles
    bus: Bus
    calls: Calls
    sessions: Sessions
    shells: ShellBridge


class JobService(job_service_pb2_grpc.JobServiceServicer):
    """Jobs, and the kill switch."""

    def __init__(self, store: JobServiceStore, parts: JobParts, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._parts = parts
        self._bus = parts.bus
        self._now = now

    async def CreateJob(
        self, request: job_service_pb2.CreateJobRequest, context: Context
    ) -> job_service_pb2.CreateJobResponse:
        """Asks one node for some work."""
        job = new_job(
            job_id=_chosen_id(request.job_id) if request.job_id else f"j{secrets.token_hex(8)}",
            node_id=node_id(request.node, field="node"),
            work=job_work(request.spec),
            now=self._now(),
            requester=admission().holder,
            note=checked_note("note", request.note),
        )
        made, changed = await self._store.create_job(job, now=self._now())
        await publish_jobs(self._bus, changed)
        return job_service_pb2.CreateJobResponse(job=await self._shown(made))

    async def CreateFleetJob(
        self, request: job_service_pb2.CreateFleetJobRequest, context: Context
    ) -> job_service_pb2.CreateFleetJobResponse:
        """Asks many nodes, each when its turn comes."""
        chosen = selector(request.selector, field="selector")
        work = job_work(request.spec)
        if work.kind is JobKind.SHELL:
            raise FailedPreconditionError(
                "spec.shell: a shell is for one node; use CreateJob", reason="NOT_FOR_A_FLEET"
            )
        spec = RolloutSpec(
            rollout_id=new_rollout_id(),
            version="",
            job=FleetWork(work, admission().holder, checked_note("note", request.note)),
            plan=plan_record(request.plan, field="plan"),
            selector=chosen,
            node_ids=await selected_nodes(self._store, chosen),
            request_id=checked_request_id(request.request_id),
            tenant_id=admission().tenant_id,
        )
        rollout = await self._store.create_rollout(spec, now=self._now())
        await self._bus.publish(Topic.ROLLOUT, (rollout.rollout_id,))
        counts = await self._store.count_rollout_nodes([rollout.rollout_id])
        shown = rollout_message(rollout, counts.get(rollout.rollout_id, {}))
        return job_service_pb2.CreateFleetJobResponse(rollout=shown)

    async def GetJob(self, request: job_service_pb2.GetJobRequest, context: Context) -> job_service_pb2.GetJobResponse:
        """One job."""
        job = await self._store.get_job(job_id(request.name))
        return job_service_pb2.GetJobResponse(job=await self._shown(job))

    async def ListJobs(
        self, request: job_service_pb2.ListJobsRequest, context: Context
    ) -> job_service_pb2.ListJobsResponse:
        """A page of jobs."""
        page = await self._store.list_jobs(
            reach=admission().reach,
            node_id=node_id(request.node, field="node") if request.node else "",
            rollout_id=rollout_id(request.rollout, field="rollout") if request.rollout else "",
            states=job_states(request.states),
            page_size=request.page_size,
            page_token=request.page_token,
        )
        artifacts = await self._store.list_artifacts([job.job_id for job in page.items])
        return job_service_pb2.ListJobsResponse(
            jobs=[job_message(job, artifacts.get(job.job_id, ())) for job in page.items],
            next_page_token=page.next_page_token,
        )

    async def WatchJob(  # type: ignore[override]  # writes by itself, so that `endable` sees every wait
        self, request: job_service_pb2.WatchJobRequest, context: Context
    ) -> None:
        """The job now and whenever it changes, until it ends."""
        watched_id = job_id(request.name)
        async with self._parts.calls.endable(context), self._bus.subscribe(Topic.JOB, watched_id) as subscription:
            sent = job_pb2.Job()
            while True:
                record = await self._store.get_job(watched_id)
                job = await self._shown(record)
                if job != sent:
                    await send(context, job_service_pb2.WatchJobResponse(job=job))
                    sent = job
                if not record.is_open:
                    return
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_AGAIN_S):
                        await subscription.changed()

    async def CancelJob(
        self, request: job_service_pb2.CancelJobRequest, context: Context
    ) -> job_service_pb2.CancelJobResponse:
        """Stops a job."""
        job, changed = await self._store.cancel_job(job_id(request.name), now=self._now())
        await publish_jobs(self._bus, changed)
        return job_service_pb2.CancelJobResponse(job=await self._shown(job))

    async def FetchJobArtifact(
        self, request: job_service_pb2.FetchJobArtifactRequest, context: Context
    ) -> AsyncIterator[job_service_pb2.FetchJobArtifactResponse]:
        """The bytes of a file that a job brought."""
        of_job_id, file = job_id(request.job, field="job"), checked_file("file", request.file)
        there = (await self._store.list_artifacts([of_job_id])).get(of_job_id, ())
        found = next((each for each in there if each.file == file), None)
        if found is None:
            raise NotFoundError(f"job {of_job_id} brought no file {file}; get the job to see which", reason="NO_FILE")
        if not found.is_whole:
            raise FailedPreconditionError(
                f"{file} is on its way, {found.received_bytes} of {found.size_bytes} bytes are here; try again later",
                reason="FILE_UNFINISHED",
            )
        if not 0 <= request.offset_bytes <= found.size_bytes:
            raise OutOfRangeError(
                f"offset_bytes: {request.offset_bytes} is not within 0 to {found.size_bytes}", reason="OFFSET"
            )
        offset = request.offset_bytes
        async for content in self._parts.files.read(of_job_id, file, offset_bytes=offset, chunk_bytes=CHUNK_BYTES):
            yield job_service_pb2.FetchJobArtifactResponse(offset_bytes=offset, content=content)
            offset += len(content)

    async def AttachShell(self, request_iterator: object, context: Context) -> None:  # type: ignore[override]  # as WatchJob
        """Talks to the shell that a job opened."""
        await self._parts.shells.serve_operator(context)

    async def StopEverything(
        self, request: job_service_pb2.StopEverythingRequest, context: Context
    ) -> job_service_pb2.StopEverythingResponse:
        """The kill switch."""
        reason = checked_note("reason", request.reason, is_required=True)
        stopped = await self._store.stop_everything(
            reach=admission().reach, actor=admission().holder, reason=reason, now=self._now()
        )
        await publish_jobs(self._bus, stopped.changed)
        return job_service_pb2.StopEverythingResponse(
            rollouts=map(rollout_name, stopped.rollout_ids),
            job_count=stopped.job_count,
            told_node_count=self._parts.sessions.count(stopped.told_node_ids),
        )

    async def _shown(self, job: JobRecord) -> job_pb2.Job:
        artifacts = await self._store.list_artifacts([job.job_id])
        return job_message(job, artifacts.get(job.job_id, ()))


def _chosen_id(value: str) -> str:
    """A job's id of the caller's choice.

    Raises: InvalidArgumentError: it is no label, or the name of a job that a unit's platform asks for.
    """
    if value.startswith(PLATFORM_JOB_PREFIX):
        raise InvalidArgumentError(
            f"job_id: {value[:80]!r} begins with {PLATFORM_JOB_PREFIX!r}, as only jobs do that platforms ask for; "
            "choose another name",
            reason="NAME_RESERVED",
        )
    return checked_label(value, field="job_id")
