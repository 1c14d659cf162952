"""A unit's side of jobs over a real session, each step in the hands of the test.

session = await job_session(peer)
target = await told_job(session, "j1")          # the job as it stands in the desired state
await session.report(1, job=word("j1", "running"))
offset = await send_file(peer, "j1", "log.txt", b"...", stop_at=100)   # breaks off there
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import grpc.aio

from tests.link.manager_api.peer import Peer, Session
from tests.link.manager_api.stubs import CALL_S
from wayside.status import from_rpc_error
from wayside.v1 import job_pb2, node_service_pb2

CHUNK_BYTES = 64 << 10


async def job_session(peer: Peer, *, spool_id: str = "spool-1") -> Session:
    """A session that was welcomed."""
    session = await Session(peer, spool_id=spool_id).opened()
    await session.until("welcome")
    return session


async def told_job(session: Session, job_id: str) -> node_service_pb2.JobTarget:
    """A job, when the unit is told it."""
    while True:
        desired: node_service_pb2.DesiredState = await session.until("desired_state")
        for target in desired.jobs:
            if target.job == f"jobs/{job_id}":
                return target


async def settled_jobs(session: Session) -> None:
    """Waits until no job is asked for."""
    while (await session.until("desired_state")).jobs:
        pass


def word(job_id: str, state: str, message: str = "", *, progress: int = 0, result: bytes = b"") -> job_pb2.JobReport:
    """What a unit says of a job."""
    return job_pb2.JobReport(
        job=f"jobs/{job_id}",
        state=job_pb2.Job.State.Value(f"STATE_{state.upper()}"),
        message=message,
        progress_percent=progress,
        result_json=result,
    )


async def say(
    session: Session, sequence: int, job_id: str, state: str, message: str = "", *, result: bytes = b""
) -> None:
    """Says it and waits until it is written."""
    await session.report(sequence, job=word(job_id, state, message, result=result))
    while (await session.until("ack")).sequence < sequence:
        pass


def begin(job_id: str, file: str, content: bytes, **other: object) -> node_service_pb2.UploadBegin:
    """Announces a file."""
    fields: dict[str, object] = {"size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()} | other
    return node_service_pb2.UploadBegin(job=f"jobs/{job_id}", file=file, **fields)  # type: ignore[arg-type]  # fields


async def send_file(
    peer: Peer, job_id: str, file: str, content: bytes, *, stop_at: int = -1, **other: object
) -> list[int]:
    """Uploads a file from where the manager wants it; the offsets it named. Breaks off at `stop_at` without a word."""
    call = peer.node.UploadJobArtifact(None, timeout=CALL_S, metadata=peer.metadata)
    offsets: list[int] = []
    try:
        await call.write(node_service_pb2.UploadJobArtifactRequest(begin=begin(job_id, file, content, **other)))
        async for offset in _offsets(call):
            offsets.append(offset)
            if offset == len(content):
                await call.done_writing()
                continue
            if offset == stop_at:
                call.cancel()
                return offsets
            with suppress(grpc.aio.AioRpcError):  # refused before all was written: the next read says why
                async for end in _sent(call, content, offset, stop_at):
                    if end == stop_at:
                        call.cancel()
                        return offsets
    except grpc.aio.AioRpcError as exc:
        raise from_rpc_error(exc) from exc
    return offsets


async def break_off(peer: Peer, job_id: str, file: str, content: bytes, *, at: int) -> None:
    """Breaks an upload off there. A call that is cancelled may take what it brought with it: until some has come."""
    while not any(await send_file(peer, job_id, file, content, stop_at=at)):
        pass


async def _offsets(call: Any) -> AsyncIterator[int]:  # noqa: ANN401  # grpc's own type
    while (answer := await call.read()) is not grpc.aio.EOF:
        yield answer.offset_bytes
    if await call.code() is not grpc.StatusCode.OK:
        trailers = await call.trailing_metadata()
        raise grpc.aio.AioRpcError(await call.code(), grpc.aio.Metadata(), trailers, await call.details(), None)


async def _sent(call: Any, content: bytes, offset: int, stop_at: int) -> AsyncIterator[int]:  # noqa: ANN401  # grpc's own type
    end = len(content) if stop_at < 0 else stop_at
    while offset < end:
        chunk = content[offset : min(end, offset + CHUNK_BYTES)]
        await call.write(node_service_pb2.UploadJobArtifactRequest(content=chunk))
        offset += len(chunk)
        yield offset
