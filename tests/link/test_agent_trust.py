"""Signed metadata from managers that are slow, endless or too large: bounded by time and size, each with its reason."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.link.agent_peer import Context, RoughManager, sound
from wayside.errors import (
    DeadlineExceededError,
    FailedPreconditionError,
    InvalidArgumentError,
    ResourceExhaustedError,
    UnavailableError,
)
from wayside.status import to_status
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.link import manager as link_manager
from wayside_agent.link.artifact_stream import MEBIBYTE
from wayside_agent.link.manager import ManagerLink
from wayside_agent.ports.installer import Metadata

PATIENCE_S = 1.0
"""Of the unit, in these tests."""
LIMIT_S = 20.0


def answer(*sizes: int) -> bytes:
    """Metadata files of these sizes."""
    files = [wire.MetadataFile(name=f"{number}.root.json", content=bytes(size)) for number, size in enumerate(sizes)]
    return wire.FetchTrustResponse(image=files, director=files[:1]).SerializeToString()


@pytest.fixture
async def manager(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RoughManager]:
    monkeypatch.setattr(link_manager, "RPC_TIMEOUT_S", PATIENCE_S)
    async with RoughManager(sound) as made:
        yield made


async def fetched(manager: RoughManager, address: str = "") -> Metadata:
    async with asyncio.timeout(LIMIT_S), ManagerLink(address or manager.address, manager.identity) as link:
        return await link.metadata(image_root_version=1, director_root_version=1)


async def test_metadata_comes_by_repository_and_name(manager: RoughManager) -> None:
    async def says(request: wire.FetchTrustRequest, _context: Context) -> bytes:
        assert (request.image_root_version, request.director_root_version) == (1, 1)
        return answer(3, 5)

    manager.trust = says
    sent = await fetched(manager)
    assert {name: {each: len(content) for each, content in files.items()} for name, files in sent.items()} == {
        "image": {"0.root.json": 3, "1.root.json": 5},
        "director": {"0.root.json": 3},
    }


async def test_more_than_a_unit_takes_is_refused_unread(manager: RoughManager) -> None:
    async def says(_request: wire.FetchTrustRequest, _context: Context) -> bytes:
        return answer(*[MEBIBYTE] * 9)

    manager.trust = says
    with pytest.raises(InvalidArgumentError, match="more metadata than a unit takes") as raised:
        await fetched(manager)
    assert raised.value.reason == "TRUST_TOO_LARGE"


async def test_a_manager_that_never_answers_is_not_waited_for(manager: RoughManager) -> None:
    async def says(_request: wire.FetchTrustRequest, _context: Context) -> bytes:
        await asyncio.Event().wait()
        return b""

    manager.trust = says
    with pytest.raises(DeadlineExceededError):
        await fetched(manager)


async def test_an_answer_that_comes_drop_by_drop_is_not_waited_for(manager: RoughManager) -> None:
    is_asked = asyncio.Event()

    async def says(_request: wire.FetchTrustRequest, _context: Context) -> bytes:
        is_asked.set()
        return answer(2 * MEBIBYTE)

    manager.trust = says
    async with dripping(manager, is_asked) as address:
        with pytest.raises(DeadlineExceededError):
            await fetched(manager, address)


@asynccontextmanager
async def dripping(manager: RoughManager, begins: asyncio.Event) -> AsyncIterator[str]:
    """An address that leads to the manager; from a moment on its bytes come one by one."""
    is_over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", manager.port)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(pass_on(reader, back, asyncio.Event()))
                group.create_task(pass_on(there, writer, begins))
        except* (EOFError, OSError):
            for each in (writer, back):
                each.close()
        is_over.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await is_over.wait()


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, drips: asyncio.Event) -> None:
    """Raises: EOFError: one side has gone."""
    while content := await reader.read(1 if drips.is_set() else 65_536):
        writer.write(content)
        await writer.drain()
        if drips.is_set():
            await asyncio.sleep(0.01)
    raise EOFError


@pytest.mark.parametrize(
    "content",
    [b"\xff" * 100, b"\x0a\xff\xff\xff\xff\x0f", b"<html>"],
    ids=["noise", "a length of gigabytes", "a page"],
)
async def test_what_is_no_message_is_no_metadata(manager: RoughManager, content: bytes) -> None:
    async def says(_request: wire.FetchTrustRequest, _context: Context) -> bytes:
        return content

    manager.trust = says
    with pytest.raises(UnavailableError, match="what is no message"):
        await fetched(manager)


async def test_a_manager_that_has_no_time_is_asked_again(manager: RoughManager) -> None:
    """It fails no update: only what cannot be cured by waiting does."""

    async def says(_request: wire.FetchTrustRequest, context: Context) -> bytes:
        await context.abort_with_status(to_status(ResourceExhaustedError("too many calls", reason="RATE_LIMIT")))

    manager.trust = says
    with pytest.raises(UnavailableError) as raised:
        await fetched(manager)
    assert raised.value.reason == "RATE_LIMIT"


async def test_a_manager_without_roots_says_so(manager: RoughManager) -> None:
    async def says(_request: wire.FetchTrustRequest, context: Context) -> bytes:
        await context.abort_with_status(to_status(FailedPreconditionError("there are none", reason="NO_ROOTS")))

    manager.trust = says
    with pytest.raises(FailedPreconditionError):
        await fetched(manager)
