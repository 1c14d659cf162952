"""The uplink against managers that break, refuse and say nothing, over real gRPC with mutual TLS."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.link.agent_peer import Conversation, RoughManager
from tests.link.agent_unit import FirstWord, Unit, ends, link_to, linked, made, said
from wayside.errors import ConflictError, PermissionDeniedError, UnauthenticatedError, UnavailableError
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.link import session as link_session
from wayside_agent.link.spool import FileSpool


@pytest.fixture
async def unit(tmp_path: Path) -> AsyncIterator[Unit]:
    async with FileSpool(tmp_path / "reports") as spool:
        yield Unit(spool)


async def hangs_up(conversation: Conversation) -> None:
    await conversation.hears()


async def hangs_up_after_the_welcome(conversation: Conversation) -> None:
    await conversation.welcomes()


async def speaks_garbage(conversation: Conversation) -> None:
    await conversation.hears()
    await conversation.says(b"\xff\xff\xff no message")


async def skips_the_welcome(conversation: Conversation) -> None:
    await conversation.hears()
    await conversation.acks(1)


async def speaks_garbage_later(conversation: Conversation) -> None:
    await conversation.welcomes()
    await conversation.says(b"\xff\xff\xff no message")


async def is_replaced(conversation: Conversation) -> None:
    await conversation.welcomes()
    await conversation.refuses(ConflictError("the same node opened a newer session"))


@pytest.mark.parametrize(
    "behaviour",
    [hangs_up, hangs_up_after_the_welcome, speaks_garbage, skips_the_welcome, speaks_garbage_later, is_replaced],
)
async def test_a_broken_session_is_opened_again_and_said_once(
    unit: Unit, caplog: pytest.LogCaptureFixture, behaviour: Callable[[Conversation], Awaitable[None]]
) -> None:
    caplog.set_level(logging.INFO)
    await unit.report("first")
    async with RoughManager(*[behaviour] * 5, ends) as manager, linked(unit, manager):
        await unit.ended.wait()
    assert len(manager.sessions) == 6
    assert len(said(caplog, logging.WARNING) + said(caplog, logging.ERROR)) == 1
    assert said(caplog, logging.INFO).count("manager: reached again") == 1


async def test_a_manager_that_is_away_for_several_attempts_is_reached_again(unit: Unit) -> None:
    """Python 3.11's TaskGroup leaves its own cancel counted in a parent that waits for it; nobody may believe it."""

    async def refuses(conversation: Conversation) -> None:
        await conversation.hears()
        await conversation.refuses(UnavailableError("the manager is stopping"))

    await unit.report("first")
    async with RoughManager(hangs_up_after_the_welcome, *[refuses] * 4, ends) as manager, linked(unit, manager):
        await unit.ended.wait()
    assert len(manager.sessions) == 6


async def test_sessions_that_bring_nothing_come_ever_more_slowly(unit: Unit) -> None:
    async with RoughManager(*[hangs_up_after_the_welcome] * 6, ends) as manager:
        begin_s = time.monotonic()
        async with linked(unit, manager, chance=0.01):
            await unit.ended.wait()
        assert time.monotonic() - begin_s >= 0.01 * 0.5 * (1 + 2 + 4 + 8 + 16 + 32)


async def test_an_acknowledgement_of_the_old_does_not_make_a_manager_well(unit: Unit) -> None:
    async def acknowledges_nothing_new(conversation: Conversation) -> None:
        await conversation.welcomes()
        await conversation.acks(0)

    async with RoughManager(*[acknowledges_nothing_new] * 6, ends) as manager:
        begin_s = time.monotonic()
        async with linked(unit, manager, chance=0.01):
            await unit.ended.wait()
        assert time.monotonic() - begin_s >= 0.01 * 0.5 * (1 + 2 + 4 + 8 + 16 + 32)


@pytest.mark.parametrize("error", [PermissionDeniedError("the node is retired"), UnauthenticatedError("expired")])
async def test_a_refused_unit_runs_on_and_says_so_once(
    unit: Unit, caplog: pytest.LogCaptureFixture, error: PermissionDeniedError | UnauthenticatedError
) -> None:
    async def refuses(conversation: Conversation) -> None:
        await conversation.hears()
        await conversation.refuses(error)

    async with RoughManager(*[refuses] * 4, ends) as manager, linked(unit, manager):
        await unit.ended.wait()
    assert [message for message in said(caplog, logging.ERROR) if str(error) in message] == [
        f"manager: {error}; the agent runs on and tries again"
    ]


async def test_who_sends_into_an_ended_session_hears_why_it_ended(unit: Unit) -> None:
    async def puts_out(conversation: Conversation) -> None:
        await conversation.welcomes()
        await conversation.refuses(PermissionDeniedError("the node was revoked", reason="NODE_REVOKED"))

    hello = wire.SessionHello(spool_id=unit.spool.spool_id)
    async with RoughManager(puts_out) as manager, link_to(manager) as link, link.session(hello) as session:
        await session.receive(5)
        await session._call.code()  # its status is here
        with pytest.raises(PermissionDeniedError, match="revoked"):
            await session.send(wire.SessionRequest(report=wire.Report(sequence=1)))


async def test_each_kind_of_trouble_is_said_once_per_outage(unit: Unit, caplog: pytest.LogCaptureFixture) -> None:
    async def refuses(conversation: Conversation) -> None:
        await conversation.hears()
        await conversation.refuses(PermissionDeniedError("the node is retired"))

    async with RoughManager(*[hangs_up, refuses] * 4, ends) as manager, linked(unit, manager):
        await unit.ended.wait()
    assert len(said(caplog, logging.WARNING)) == 1
    assert len(said(caplog, logging.ERROR)) == 1


async def test_a_bug_in_whoever_follows_is_not_taken_for_an_outage(unit: Unit) -> None:
    async def stumbles(_state: wire.DesiredState) -> None:
        raise ZeroDivisionError

    with pytest.raises(BaseExceptionGroup) as caught:
        async with RoughManager(ends) as manager, linked(unit, manager, follow=stumbles):
            await asyncio.Event().wait()
    assert caught.value.subgroup(ZeroDivisionError)


async def test_a_closed_channel_ends_the_uplink_of_nobody(unit: Unit, caplog: pytest.LogCaptureFixture) -> None:
    """Closing a channel throws a CancelledError into its readers, which must not end the task (layout, fact 1)."""
    async with RoughManager(ends) as manager, asyncio.timeout(20), link_to(manager) as link:
        uplink = made(unit, link, chance=1.0)
        with FirstWord() as word:
            async with asyncio.TaskGroup() as group:
                task = group.create_task(uplink.run())
                await unit.ended.wait()
                await link.__aexit__(None, None, None)
                await word.said.wait()
                assert not task.done()
                task.cancel()
    assert "closed" in said(caplog, logging.WARNING)[0] or "ended" in said(caplog, logging.WARNING)[0]


async def test_a_port_that_accepts_and_stays_silent_is_an_outage(
    unit: Unit, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_session, "WRITE_TIMEOUT_S", 0.2)
    connected = asyncio.Event()
    writers = []

    def accept(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        connected.set()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with FirstWord() as word:
        async with linked(unit, RoughManager(ends), address=f"127.0.0.1:{port}") as uplink:
            await connected.wait()
            await word.said.wait()
            assert not uplink.is_connected
    server.close()
    for writer in writers:
        writer.transport.abort()
    assert "did not answer in time" in said(caplog, logging.WARNING)[0]


async def test_a_cancel_at_any_instant_ends_the_uplink(unit: Unit) -> None:
    """Cancelled while it opens a call, gRPC may swallow the cancel and speak of a call that is done."""

    async def refuses(conversation: Conversation) -> None:
        await conversation.hears()
        await conversation.refuses(UnauthenticatedError("not the node's"))

    async with RoughManager(refuses) as manager, asyncio.timeout(20), link_to(manager) as link:
        for turns in range(120):
            async with asyncio.TaskGroup() as group:
                task = group.create_task(made(unit, link, chance=0.0).run())
                for _ in range(turns % 60):
                    await asyncio.sleep(0)
                task.cancel()
            assert task.cancelled()


async def test_how_well_the_manager_is_reached_is_counted(unit: Unit) -> None:
    await unit.report("first")
    async with RoughManager(hangs_up_after_the_welcome, hangs_up, ends) as manager, linked(unit, manager) as uplink:
        await unit.ended.wait()
        while unit.owed:  # noqa: ASYNC110  # the acknowledgement is taken by the spool's thread
            await asyncio.sleep(0.01)
        now_s = time.monotonic()
        reach = uplink.reach
        assert (reach.session_count, reach.broken_session_count) == (2, 1), "a session begins with its welcome"
        assert reach.acknowledge_s is not None
        assert 0 <= reach.acknowledge_s < 20
        assert 0 < (reach.ratio(now_s) or 0) <= 1
        assert reach.broken_per_hour(now_s) == 1.0


async def test_a_session_that_the_unit_itself_opens_anew_is_not_broken(unit: Unit) -> None:
    async with RoughManager(ends, ends) as manager, linked(unit, manager) as uplink:
        assert await uplink.reopen(10)
        assert await uplink.reopen(10)
        assert uplink.reach.broken_session_count == 0
