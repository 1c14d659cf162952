"""The bytes of one FetchArtifact call, whoever answers it: bounded, in order, and not for ever.

Usage: `async for chunk in artifact_stream(call, Sender("the manager", address), "releases/1.2.0", 0): …`.
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import grpc

from wayside.errors import InvalidArgumentError, UnavailableError
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.core.download import is_drip
from wayside_agent.link.session import translated

MEBIBYTE = 1024 * 1024
CHUNK_BYTES = 256 * 1024
"""Asked for: gRPC and the C library hold several chunks, and the memory of the daemon must not grow with an update."""
DRIP_WINDOW_S = 60.0
"""Time waited for chunks after which it is looked how much came."""

Call = grpc.aio.UnaryStreamCall[wire.FetchArtifactRequest, wire.FetchArtifactResponse]


@dataclass(frozen=True, slots=True)
class Sender:
    """Who answers."""

    name: str
    """In sentences: `the manager`."""
    address: str
    first_timeout_s: float
    """For the first chunk, with the connection."""
    chunk_timeout_s: float


async def artifact_stream(call: Call, sender: Sender, what: str, offset_bytes: int) -> AsyncGenerator[bytes, None]:
    """The bytes from an offset to the end, in chunks of at most 1 MiB; the call ends with it.

    Raises: InvalidArgumentError: the sender does not keep to the contract. UnavailableError, DeadlineExceededError;
        whatever else the sender refuses with.
    """
    clock = asyncio.get_running_loop().time
    timeout_s = sender.first_timeout_s
    try:
        position, waited_s, window_begin = offset_bytes, 0.0, offset_bytes
        while True:
            begin_s = clock()
            with translated(sender.address, sender.name):
                async with asyncio.timeout(timeout_s):
                    response = await call.read()
            if not isinstance(response, wire.FetchArtifactResponse):
                return
            _check_chunk(response, sender, what, position)
            timeout_s = sender.chunk_timeout_s
            position += len(response.content)
            waited_s += clock() - begin_s
            yield response.content
            if waited_s >= DRIP_WINDOW_S:
                _check_rate(sender, position - window_begin, waited_s)
                waited_s, window_begin = 0.0, position
    finally:
        call.cancel()


def _check_rate(sender: Sender, gained_bytes: int, waited_s: float) -> None:
    if is_drip(gained_bytes, waited_s):
        raise UnavailableError(
            f"{sender.name} is too slow: {gained_bytes} bytes in {waited_s:.0f} s; the download goes on later",
            reason="TOO_SLOW",
        )


def _check_chunk(response: wire.FetchArtifactResponse, sender: Sender, what: str, position: int) -> None:
    """Refuses what the contract forbids: the wrong place, more than 1 MiB, or nothing (it could go on for ever)."""
    size_bytes = len(response.content)
    if response.offset_bytes == position and 0 < size_bytes <= MEBIBYTE:
        return
    raise InvalidArgumentError(
        f"{sender.name} sent {size_bytes} bytes of {what} from byte {response.offset_bytes} where 1 to {MEBIBYTE} "
        f"from byte {position} were due; the download goes on from what is on the disk"
    )
