"""Brings a file that a job brought to the manager: from the offset the manager names, in small chunks, at a rate.

Usage: `await upload(stub.UploadJobArtifact, address, job, artifact, path, max_bytes_per_s=…, progress=…)`.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import BinaryIO

import grpc

from wayside.errors import InvalidArgumentError, UnavailableError
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.core.download import paced_until_s
from wayside_agent.core.job import Artifact
from wayside_agent.link.session import RPC_TIMEOUT_S, translated

CHUNK_BYTES = 256 * 1024
MIN_CHUNK_BYTES = 4 * 1024
CHUNK_TIMEOUT_S = 60.0
KEEP_TIMEOUT_S = 120.0
"""For the manager's word that the whole file is on its disk."""

Call = grpc.aio.StreamStreamCall[wire.UploadJobArtifactRequest, wire.UploadJobArtifactResponse]


async def upload(
    open_call: Callable[[], Call],
    address: str,
    *,
    begin: wire.UploadBegin,
    path: Path,
    max_bytes_per_s: int,
    progress: Callable[[int], None],
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Brings one file; it is whole and on the manager's disk when this returns.

    Args:
        open_call: Opens the call.
        address: Of the manager, for sentences.
        begin: What is brought.
        path: Where it is; it must not change meanwhile.
        max_bytes_per_s: 0: unlimited.
        progress: Takes the bytes that are at the manager or on their way.
        clock: Steady time [s].
        pause: Waits.

    Raises: UnavailableError, DeadlineExceededError: try again later. NotFoundError, FailedPreconditionError,
        ResourceExhaustedError, InvalidArgumentError: it is not taken. OSError: the file cannot be read.
    """
    call = open_call()
    try:
        await _write(call, wire.UploadJobArtifactRequest(begin=begin), address)
        position = await _offset(call, address, RPC_TIMEOUT_S)
        if position is None:
            raise UnavailableError("the manager ended the upload before it began", reason="UPLOAD_ENDED")
        if not 0 <= position <= begin.size_bytes:
            raise InvalidArgumentError(
                f"the manager wants byte {position} of {begin.file}, which has {begin.size_bytes}; it is not sent"
            )
        progress(position)
        was_whole = position == begin.size_bytes
        chunk_bytes = min(CHUNK_BYTES, max(MIN_CHUNK_BYTES, max_bytes_per_s or CHUNK_BYTES))
        ready_s = clock()
        with await asyncio.to_thread(path.open, "rb") as file:
            file.seek(position)
            while position < begin.size_bytes:
                content = await _read(file, min(chunk_bytes, begin.size_bytes - position))
                await _write(call, wire.UploadJobArtifactRequest(content=content), address)
                position += len(content)
                progress(position)
                ready_s = paced_until_s(ready_s, clock(), len(content), max_bytes_per_s)
                if (wait_s := ready_s - clock()) > 0:
                    await pause(wait_s)
        await _finish(call, begin, address, was_whole=was_whole)
    finally:
        call.cancel()


def beginning(job: str, artifact: Artifact) -> wire.UploadBegin:
    """What is announced of a file."""
    return wire.UploadBegin(job=job, file=artifact.file, size_bytes=artifact.size_bytes, sha256=artifact.sha256)


async def _finish(call: Call, begin: wire.UploadBegin, address: str, *, was_whole: bool) -> None:
    """Waits for the manager's word that it holds the file; one that was whole before may need no second word."""
    with translated(address):
        async with asyncio.timeout(CHUNK_TIMEOUT_S):
            await call.done_writing()
    while True:
        offset = await _offset(call, address, KEEP_TIMEOUT_S)
        if offset == begin.size_bytes or (offset is None and was_whole):
            return
        if offset is None:
            raise UnavailableError("the manager ended the upload before it held the file", reason="UPLOAD_ENDED")


async def _read(file: BinaryIO, size_bytes: int) -> bytes:
    content = await asyncio.to_thread(file.read, size_bytes)
    if not content:
        raise InvalidArgumentError(f"{Path(file.name).name}: is shorter than it was; it cannot be sent")
    return content


async def _write(call: Call, request: wire.UploadJobArtifactRequest, address: str) -> None:
    with translated(address):
        async with asyncio.timeout(CHUNK_TIMEOUT_S):
            try:
                await call.write(request)
            except asyncio.InvalidStateError:
                await call.read()  # raises what the call ended with
                raise


async def _offset(call: Call, address: str, timeout_s: float) -> int | None:
    """The offset the manager names next; `None`: it has ended the call."""
    with translated(address):
        async with asyncio.timeout(timeout_s):
            response = await call.read()
    return response.offset_bytes if isinstance(response, wire.UploadJobArtifactResponse) else None
