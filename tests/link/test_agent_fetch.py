"""Artifacts from managers that do not keep to the contract."""

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest

from tests.link.agent_peer import RoughManager, sound
from tests.link.agent_unit import link_to
from wayside.errors import DeadlineExceededError, InvalidArgumentError, UnavailableError
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.link import artifact_stream
from wayside_agent.link import manager as link_manager
from wayside_agent.link.artifact_stream import MEBIBYTE


async def fetched(manager: RoughManager, *, offset_bytes: int = 0) -> bytes:
    async with asyncio.timeout(20), link_to(manager) as link:
        return b"".join([chunk async for chunk in link.fetch("releases/1.0", offset_bytes=offset_bytes)])


def chunk(offset_bytes: int, content: bytes) -> bytes:
    return wire.FetchArtifactResponse(offset_bytes=offset_bytes, content=content).SerializeToString()


async def test_chunks_in_order_are_the_artifact() -> None:
    async def artifact(request: wire.FetchArtifactRequest) -> AsyncIterator[bytes]:
        yield chunk(request.offset_bytes, b"abc")
        yield chunk(request.offset_bytes + 3, b"x" * MEBIBYTE)

    async with RoughManager(sound) as manager:
        manager.artifact = artifact
        assert await fetched(manager, offset_bytes=7) == b"abc" + b"x" * MEBIBYTE


@pytest.mark.parametrize(
    "bad",
    [chunk(0, b""), chunk(0, b"x" * (MEBIBYTE + 1)), chunk(5, b"x"), chunk(-1, b"x")],
    ids=["empty for ever", "larger than promised", "wrong offset", "negative offset"],
)
async def test_a_chunk_outside_the_contract_ends_the_transfer(bad: bytes) -> None:
    async def artifact(_request: wire.FetchArtifactRequest) -> AsyncIterator[bytes]:
        while True:
            yield bad

    async with RoughManager(sound) as manager:
        manager.artifact = artifact
        with pytest.raises(InvalidArgumentError, match=r"from byte 0 were due"):
            await fetched(manager)


async def test_a_manager_that_breaks_off_with_an_exception_is_unavailable() -> None:
    async def artifact(_request: wire.FetchArtifactRequest) -> AsyncIterator[bytes]:
        yield chunk(0, b"x")
        raise ZeroDivisionError

    async with RoughManager(sound) as manager:
        manager.artifact = artifact
        with pytest.raises(UnavailableError):
            await fetched(manager)


async def test_an_artifact_that_comes_drop_by_drop_is_given_up_for_now(monkeypatch: pytest.MonkeyPatch) -> None:
    async def artifact(request: wire.FetchArtifactRequest) -> AsyncIterator[bytes]:
        for offset in itertools.count(request.offset_bytes):
            yield chunk(offset, b"x")
            await asyncio.sleep(0.01)

    monkeypatch.setattr(artifact_stream, "DRIP_WINDOW_S", 0.3)
    async with RoughManager(sound) as manager:
        manager.artifact = artifact
        with pytest.raises(UnavailableError, match="too slow") as raised:
            await fetched(manager)
    assert raised.value.reason == "TOO_SLOW"


async def test_an_artifact_that_stops_coming_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def artifact(_request: wire.FetchArtifactRequest) -> AsyncIterator[bytes]:
        yield chunk(0, b"x")
        await asyncio.Event().wait()

    monkeypatch.setattr(link_manager, "CHUNK_TIMEOUT_S", 0.3)
    async with RoughManager(sound) as manager:
        manager.artifact = artifact
        with pytest.raises(DeadlineExceededError):
            await fetched(manager)


async def test_a_quick_artifact_is_not_slow_because_it_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    async def artifact(_request: wire.FetchArtifactRequest) -> AsyncIterator[bytes]:
        for number in range(64):
            yield chunk(number * 65_536, bytes(65_536))

    monkeypatch.setattr(artifact_stream, "DRIP_WINDOW_S", 0.001)
    async with RoughManager(sound) as manager:
        manager.artifact = artifact
        assert len(await fetched(manager)) == 64 * 65_536
