"""Files that jobs bring: NodeService.UploadJobArtifact, from where a broken upload stopped.

A newer upload of the same file replaces an older one, whose line may be dead without anybody knowing.
Usage: `await JobUploads(store, files, bus, calls, now=now).take("rsu-1", context)`.
"""

import asyncio
import re
from collections.abc import Callable
from datetime import datetime

from wayside.errors import ConflictError, InvalidArgumentError
from wayside.names import job_id
from wayside.v1 import node_service_pb2
from wayside_manager.api.calls import Calls, EndableCall
from wayside_manager.api.scopes import EOF, Context, received, send
from wayside_manager.core.job_bounds import BOUNDS, checked_file
from wayside_manager.core.jobs import SHELL_LOG, JobArtifact
from wayside_manager.ports.jobs import JobArtifactStore, JobFiles
from wayside_manager.ports.wakeups import Bus, Topic

CONTENT_MAX_BYTES = 256 << 10  # as node_service.proto says
BEGIN_TIMEOUT_S = 30.0
_NOTED_BYTES = 8 << 20
"""Whoever watches the job sees it grow in such steps."""
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


class JobUploads:
    """Takes files of jobs."""

    def __init__(
        self, store: JobArtifactStore, files: JobFiles, bus: Bus, calls: Calls, *, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._files = files
        self._bus = bus
        self._calls = calls
        self._now = now
        self._open: dict[tuple[str, str], EndableCall] = {}

    async def take(self, node_id: str, context: Context) -> None:
        """Takes one file of a job of this node.

        Raises: as node_service.proto says; ConflictError: a newer upload of the file has begun.
        """
        begun_id, artifact = await _begun(context)
        key = (begun_id, artifact.file)
        async with self._calls.endable(context) as call:
            older = self._open.get(key)
            if older is not None:
                older.end(ConflictError("a newer upload of the same file has begun", reason="UPLOAD_REPLACED"))
            self._open[key] = call
            try:
                await self._take(begun_id, node_id, artifact, context)
            finally:
                if self._open.get(key) is call:
                    del self._open[key]

    async def _take(self, of_job_id: str, node_id: str, artifact: JobArtifact, context: Context) -> None:
        await self._store.begin_artifact(of_job_id, node_id, artifact, now=self._now())
        offset = await self._files.received_bytes(of_job_id, artifact)
        if offset < artifact.size_bytes:
            await _say(context, offset)
            await self._content(of_job_id, artifact, offset, context)
        await self._files.finish(of_job_id, artifact)
        await self._note(of_job_id, artifact, artifact.size_bytes)
        await _say(context, artifact.size_bytes)

    async def _content(self, of_job_id: str, artifact: JobArtifact, offset: int, context: Context) -> None:
        noted = offset
        while offset < artifact.size_bytes:
            request = await received(context)
            if request is EOF:
                raise InvalidArgumentError(
                    f"the upload ended at {offset} of {artifact.size_bytes} bytes; go on there", reason="UPLOAD_SHORT"
                )
            content: bytes = request.content
            if request.WhichOneof("message") != "content" or not 0 < len(content) <= CONTENT_MAX_BYTES:
                raise InvalidArgumentError(
                    f"after the begin, an upload has messages of 1 to {CONTENT_MAX_BYTES} bytes",
                    reason="UPLOAD_INVALID",
                )
            if offset + len(content) > artifact.size_bytes:
                raise InvalidArgumentError(
                    f"size_bytes: more than the announced {artifact.size_bytes} bytes came", reason="SIZE_MISMATCH"
                )
            await self._files.write(of_job_id, artifact, offset, content)
            offset += len(content)
            if offset - noted >= _NOTED_BYTES:
                noted = offset
                await self._note(of_job_id, artifact, offset)

    async def _note(self, of_job_id: str, artifact: JobArtifact, received_bytes: int) -> None:
        here = JobArtifact(artifact.file, artifact.size_bytes, artifact.sha256, received_bytes)
        await self._store.note_artifact(of_job_id, here)
        await self._bus.publish(Topic.JOB, [of_job_id])


async def _begun(context: Context) -> tuple[str, JobArtifact]:
    """The job and the file that the first message announces."""
    try:
        async with asyncio.timeout(BEGIN_TIMEOUT_S):
            request = await received(context)
    except TimeoutError:
        raise _missing() from None
    if request is EOF or request.WhichOneof("message") != "begin":
        raise _missing()
    return checked_begin(request.begin)


def checked_begin(begin: node_service_pb2.UploadBegin) -> tuple[str, JobArtifact]:
    """The job and the file that a begin announces.

    Raises: InvalidArgumentError: a name, the size or the hash is malformed.
    """
    begun_id = job_id(begin.job, field="begin.job")
    file = checked_file("begin.file", begin.file)
    if file == SHELL_LOG:
        raise InvalidArgumentError(f"begin.file: {SHELL_LOG} is the manager's own", reason="FILE_NAME_INVALID")
    most = BOUNDS["artifact_max_bytes"].most
    if not 0 <= begin.size_bytes <= most:
        raise InvalidArgumentError(f"begin.size_bytes: {begin.size_bytes} is not within 0 to {most:.10g}")
    if not _SHA256.match(begin.sha256):
        raise InvalidArgumentError("begin.sha256: give 64 lower-case hex digits")
    return begun_id, JobArtifact(file, begin.size_bytes, begin.sha256)


def _missing() -> InvalidArgumentError:
    return InvalidArgumentError("the first message of an upload is a begin", reason="BEGIN_MISSING")


async def _say(context: Context, offset_bytes: int) -> None:
    await send(context, node_service_pb2.UploadJobArtifactResponse(offset_bytes=offset_bytes))
