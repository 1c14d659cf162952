"""A unit that the configuration sends to another manager, and takes back, over real gRPC."""

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from tests.link.agent_peer import Conversation, RoughManager, sound
from tests.link.agent_unit import Unit, link_to, made, said
from wayside.errors import PermissionDeniedError, UnavailableError
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.link.manager import ManagerLink
from wayside_agent.link.spool import FileSpool
from wayside_agent.services.uplink import Uplink

LONG = 0.99  # of the longest wait: a back-off that is not cut short does not end within a test
AT_ONCE_S = 3.0


class Place:
    """A unit on the way between addresses."""

    def __init__(self, unit: Unit, link: ManagerLink, uplink: Uplink) -> None:
        self.unit, self.link, self.uplink = unit, link, uplink

    def go(self, address: str) -> None:
        """What the switch of a configuration does."""
        if self.link.use_address(address):
            self.uplink.move()


@pytest.fixture
async def unit(tmp_path: Path) -> AsyncIterator[Unit]:
    async with FileSpool(tmp_path / "reports") as spool:
        yield Unit(spool)


@asynccontextmanager
async def two_managers() -> AsyncIterator[tuple[RoughManager, RoughManager]]:
    """Two managers under one authority, both sound."""
    first, second = RoughManager(sound), RoughManager(sound)
    second.own = first.own
    async with first, second:
        yield first, second


@asynccontextmanager
async def placed(unit: Unit, manager: RoughManager) -> AsyncIterator[Place]:
    async with asyncio.timeout(20), link_to(manager) as link, asyncio.TaskGroup() as group:
        uplink = made(unit, link, chance=LONG)
        task = group.create_task(uplink.run())
        yield Place(unit, link, uplink)
        task.cancel()


async def arrives(unit: Unit, text: str) -> None:
    """Reports something and waits until whoever has the session holds it."""
    await unit.report(text)
    await until(lambda: not unit.owed)


async def until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110  # what the unit is has no event
        await asyncio.sleep(0.01)


def heard(manager: RoughManager) -> list[str]:
    return [
        request.report.config.message
        for session in manager.sessions
        for request in session.requests
        if request.HasField("report")
    ]


async def test_the_session_moves_to_another_address_and_back_and_nothing_is_lost(
    unit: Unit, caplog: pytest.LogCaptureFixture
) -> None:
    async with two_managers() as (first, second), placed(unit, first) as place:
        await arrives(unit, "before")
        place.go(second.address)
        await arrives(unit, "there")
        place.go(first.address)
        await arrives(unit, "back")
        place.go(first.address)
        await arrives(unit, "still")
    assert heard(first) == ["before", "back", "still"]
    assert heard(second) == ["there"]
    assert len(first.sessions) == 2
    assert said(caplog, logging.WARNING) + said(caplog, logging.ERROR) == []


@asynccontextmanager
async def nobody() -> AsyncIterator[str]:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = f"127.0.0.1:{gone.getsockname()[1]}"
    yield address


@asynccontextmanager
async def mute() -> AsyncIterator[str]:
    """An address where connections are taken and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield f"127.0.0.1:{silent.getsockname()[1]}"


@asynccontextmanager
async def stranger() -> AsyncIterator[str]:
    """A manager of another authority."""
    async with RoughManager(sound) as other:
        yield other.address


@asynccontextmanager
async def no_name() -> AsyncIterator[str]:
    """No name at all."""
    yield "no-such-host.invalid:7443"


@pytest.mark.parametrize("wrong", [nobody, mute, stranger, no_name], ids=lambda each: each.__name__)
async def test_a_wrong_address_is_left_at_once(
    unit: Unit, wrong: Callable[[], AbstractAsyncContextManager[str]]
) -> None:
    async with two_managers() as (first, _), wrong() as address, placed(unit, first) as place:
        await arrives(unit, "before")
        place.go(address)
        await unit.report("owed")
        await until(lambda: not place.uplink.is_connected)
        await _never_connected(place)
        begin_s = time.monotonic()
        place.go(first.address)
        await arrives(unit, "back")
        assert time.monotonic() - begin_s < AT_ONCE_S
    assert heard(first) == ["before", "owed", "back"]


async def _never_connected(place: Place) -> None:
    """Watches for a second and a half: long enough to fail, and to wait for the next attempt."""
    end_s = time.monotonic() + 1.5
    while time.monotonic() < end_s:
        assert not place.uplink.is_connected
        await asyncio.sleep(0.05)


async def test_a_manager_that_does_not_welcome_is_left_at_once(unit: Unit) -> None:
    """Its welcome is waited for for 15 s; who is called back does not wait."""
    met = asyncio.Event()

    async def says_nothing(conversation: Conversation) -> None:
        await conversation.hears()
        met.set()
        await conversation.waits()

    async with two_managers() as (first, second), placed(unit, first) as place:
        second.behaviours = [says_nothing]
        await arrives(unit, "before")
        place.go(second.address)
        await met.wait()
        begin_s = time.monotonic()
        place.go(first.address)
        await arrives(unit, "back")
        assert time.monotonic() - begin_s < AT_ONCE_S


async def test_a_manager_that_puts_the_unit_out_is_left_at_once(unit: Unit) -> None:
    """It would be asked again after half a minute at the earliest."""

    async def puts_out(conversation: Conversation) -> None:
        await conversation.hears()
        await conversation.refuses(PermissionDeniedError("the node was revoked", reason="NODE_REVOKED"))

    async with two_managers() as (first, second), placed(unit, first) as place:
        second.behaviours = [puts_out]
        await arrives(unit, "before")
        place.go(second.address)
        await until(lambda: bool(place.uplink.refusal))
        begin_s = time.monotonic()
        place.go(first.address)
        await arrives(unit, "back")
        assert time.monotonic() - begin_s < AT_ONCE_S
        assert place.uplink.refusal == ""


async def test_a_download_on_the_connection_before_ends_and_goes_on_at_the_new_address() -> None:
    async def stalls(request: wire.FetchArtifactRequest) -> AsyncIterator[bytes]:
        yield wire.FetchArtifactResponse(offset_bytes=request.offset_bytes, content=b"old").SerializeToString()
        await asyncio.Event().wait()

    async def serves(request: wire.FetchArtifactRequest) -> AsyncIterator[bytes]:
        yield wire.FetchArtifactResponse(offset_bytes=request.offset_bytes, content=b"new").SerializeToString()

    async with two_managers() as (first, second), asyncio.timeout(20), link_to(first) as link:
        first.artifact, second.artifact = stalls, serves
        chunks = link.fetch("releases/1", offset_bytes=0)
        assert await anext(chunks) == b"old"
        assert link.use_address(second.address)
        with pytest.raises(UnavailableError):
            await anext(chunks)
        assert [chunk async for chunk in link.fetch("releases/1", offset_bytes=3)] == [b"new"]


async def test_new_credentials_stay_at_the_address_and_the_address_keeps_the_credentials(unit: Unit) -> None:
    async with two_managers() as (first, second), placed(unit, first) as place:
        await arrives(unit, "before")
        place.go(second.address)
        close = place.link.change_over(first.identity)
        assert await place.uplink.reopen(10)
        await close()
        await arrives(unit, "there")
        assert place.link.address == second.address
        place.go(first.address)
        await arrives(unit, "back")
    assert (heard(first), heard(second)) == (["before", "back"], ["there"])
