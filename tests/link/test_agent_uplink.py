"""The uplink against managers that misbehave, over real gRPC with mutual TLS and a real spool."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest

from tests.link.agent_peer import Conversation, RoughManager, sound
from wayside.errors import ConflictError, InvalidArgumentError, PermissionDeniedError, UnauthenticatedError
from wayside.v1 import node_pb2
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.link import manager as link_manager
from wayside_agent.link.manager import ManagerLink
from wayside_agent.link.spool import FileSpool
from wayside_agent.services import exchange
from wayside_agent.services.uplink import Hello, Uplink

END = 99  # desired revision by which a test hears that everything before it has been taken in


class Even(Random):
    """Chance without chance."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def random(self) -> float:
        return self.value


class Unit:
    """A spool and what the uplink made of it."""

    def __init__(self, spool: FileSpool) -> None:
        self.spool = spool
        self.revisions: list[int] = []
        self.ended = asyncio.Event()

    async def follow(self, state: wire.DesiredState) -> None:
        self.revisions.append(state.revision)
        if state.revision == END:
            self.ended.set()

    async def report(self, *messages: str) -> None:
        for message in messages:
            report = wire.Report(config=node_pb2.ConfigReport(message=message))
            await self.spool.append((report.SerializeToString(),))

    @property
    def owed(self) -> int:
        return self.spool.state().record_count


@pytest.fixture
async def unit(tmp_path: Path) -> AsyncIterator[Unit]:
    async with FileSpool(tmp_path / "reports") as spool:
        yield Unit(spool)


@asynccontextmanager
async def linked(
    unit: Unit,
    manager: RoughManager,
    *,
    address: str = "",
    chance: float = 0.0,
    follow: Callable[[wire.DesiredState], Awaitable[None]] | None = None,
) -> AsyncIterator[Uplink]:
    """An uplink that runs inside the block, which has 20 s."""
    link = ManagerLink(
        address or manager.address,
        key_pem=manager.own.key_pem,
        certificate_pem=manager.own.certificate_pem,
        authorities_pem=manager.own.certificate_pem,
    )
    async with asyncio.timeout(20), link:
        uplink = Uplink(
            link.session,
            unit.spool,
            hello=lambda: Hello("1.0", 0),
            follow=follow or unit.follow,
            rng=Even(chance),
            reconnect_cap_s=30.0,
        )
        async with asyncio.TaskGroup() as group:
            task = group.create_task(uplink.run())
            yield uplink
            task.cancel()


def said(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == level and "wayside" in record.name]


async def ends(conversation: Conversation) -> None:
    """A good manager that says when it has nothing more to say."""
    await conversation.welcomes()
    await conversation.desires(END)
    while (request := await conversation.hears()) is not None:
        await conversation.acks(request.report.sequence)


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


async def test_each_kind_of_trouble_is_said_once_per_outage(unit: Unit, caplog: pytest.LogCaptureFixture) -> None:
    async def refuses(conversation: Conversation) -> None:
        await conversation.hears()
        await conversation.refuses(PermissionDeniedError("the node is retired"))

    async with RoughManager(*[hangs_up, refuses] * 4, ends) as manager, linked(unit, manager):
        await unit.ended.wait()
    assert len(said(caplog, logging.WARNING)) == 1
    assert len(said(caplog, logging.ERROR)) == 1


async def test_an_acknowledgement_of_what_was_never_sent_gives_nothing_up(
    unit: Unit, caplog: pytest.LogCaptureFixture
) -> None:
    async def boasts(conversation: Conversation) -> None:
        await conversation.welcomes()
        await conversation.hears()
        await conversation.acks(1_000_000)
        await conversation.waits()

    async def tells(conversation: Conversation) -> None:
        assert unit.owed == 2
        await ends(conversation)

    await unit.report("first", "second")
    async with RoughManager(boasts, tells) as manager, linked(unit, manager):
        await unit.ended.wait()
    assert "acknowledged report 1000000, but the last one sent was" in said(caplog, logging.ERROR)[0]


async def test_acknowledgements_that_go_backwards_are_passed_over(unit: Unit) -> None:
    async def wavers(conversation: Conversation) -> None:
        await conversation.welcomes()
        for _ in range(3):
            await conversation.hears()
        for sequence in (3, 1, -5, 2):
            await conversation.acks(sequence)
        await conversation.desires(END)
        await conversation.waits()

    await unit.report("first", "second", "third")
    async with RoughManager(wavers) as manager, linked(unit, manager):
        await unit.ended.wait()
        assert unit.owed == 0
        assert len(manager.sessions) == 1


async def test_a_manager_that_takes_reports_and_acknowledges_none_is_left(
    unit: Unit, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "ACK_TIMEOUT_S", 0.1)

    async def swallows(conversation: Conversation) -> None:
        await conversation.welcomes()
        await conversation.waits()

    await unit.report("first")
    async with RoughManager(swallows, ends) as manager, linked(unit, manager) as uplink:
        await unit.ended.wait()
        assert uplink.is_connected
    assert "has acknowledged none" in said(caplog, logging.WARNING)[0]


async def test_an_idle_session_needs_no_acknowledgement(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "ACK_TIMEOUT_S", 0.05)

    async def idles(conversation: Conversation) -> None:
        await conversation.welcomes()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.3):
                await conversation.hears()
        await conversation.desires(END)
        await conversation.waits()

    async with RoughManager(idles) as manager, linked(unit, manager):
        await unit.ended.wait()
        assert len(manager.sessions) == 1


async def test_a_manager_that_stops_reading_is_left_and_nothing_is_lost(
    unit: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_manager, "WRITE_TIMEOUT_S", 0.5)
    stuck = asyncio.Event()

    async def stops_reading(conversation: Conversation) -> None:
        await conversation.welcomes()
        await stuck.wait()

    async def takes_the_rest(conversation: Conversation) -> None:
        stuck.set()
        await conversation.welcomes()
        for _ in range(300):
            await conversation.hears()
        await conversation.acks(conversation.requests[-1].report.sequence)
        await conversation.desires(END)
        await conversation.waits()

    await unit.report(*["x" * 50_000] * 300)  # 15 MB: more than HTTP/2 takes on credit
    async with RoughManager(stops_reading, takes_the_rest) as manager, linked(unit, manager):
        await unit.ended.wait()
        assert unit.owed == 0
    assert [request.report.sequence for request in manager.sessions[1].requests[1:]] == list(range(1, 301))


async def test_a_port_that_accepts_and_stays_silent_is_an_outage(
    unit: Unit, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_manager, "WRITE_TIMEOUT_S", 0.2)
    connected = asyncio.Event()
    writers = []

    def accept(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        connected.set()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    outage = asyncio.Event()
    watch = logging.Handler()
    watch.emit = lambda _: outage.set()  # type: ignore[method-assign]  # a handler of one line
    logging.getLogger("wayside_agent.services.uplink").addHandler(watch)
    async with linked(unit, RoughManager(sound), address=f"127.0.0.1:{port}") as uplink:
        await connected.wait()
        await outage.wait()
        assert not uplink.is_connected
    logging.getLogger("wayside_agent.services.uplink").removeHandler(watch)
    server.close()
    for writer in writers:
        writer.transport.abort()
    assert "did not answer in time" in said(caplog, logging.WARNING)[0]


async def test_a_report_that_the_manager_refuses_for_good_does_not_hold_up_the_others(
    unit: Unit, caplog: pytest.LogCaptureFixture
) -> None:
    taken: dict[int, str] = {}

    async def is_picky(conversation: Conversation) -> None:
        await conversation.hears()
        await conversation.says(
            wire.SessionResponse(welcome=wire.SessionWelcome(acknowledged_sequence=max(taken, default=0)))
        )
        while (request := await conversation.hears()) is not None:
            report = request.report
            if report.config.message == "poison":
                await conversation.refuses(InvalidArgumentError("drop it", reason="REPORT_INVALID"))
            taken[report.sequence] = report.config.message
            await conversation.acks(report.sequence)
            if report.config.message == "last":
                await conversation.desires(END)

    await unit.report("a", "b", "poison", "c", "poison", "d", "last")
    async with RoughManager(is_picky) as manager, linked(unit, manager):
        await unit.ended.wait()
        assert unit.owed == 0
    assert list(taken.values()) == ["a", "b", "c", "d", "last"]
    assert sum("is given up" in message for message in said(caplog, logging.ERROR)) == 2


async def test_a_spool_record_that_is_no_report_is_left_out(unit: Unit) -> None:
    await unit.report("first")
    await unit.spool.append((b"\xff\xff\xff no report",))
    await unit.report("third")

    async def takes(conversation: Conversation) -> None:
        await conversation.welcomes()
        for _ in range(2):
            request = await conversation.hears()
        assert request
        await conversation.acks(request.report.sequence)
        await conversation.desires(END)
        await conversation.waits()

    async with RoughManager(takes) as manager, linked(unit, manager):
        await unit.ended.wait()
        assert unit.owed == 0
    assert [request.report.config.message for request in manager.sessions[0].requests[1:]] == ["first", "third"]


async def test_a_bug_in_whoever_follows_is_not_taken_for_an_outage(unit: Unit) -> None:
    async def stumbles(_state: wire.DesiredState) -> None:
        raise ZeroDivisionError

    with pytest.raises(BaseExceptionGroup) as caught:
        async with RoughManager(ends) as manager, linked(unit, manager, follow=stumbles):
            await asyncio.Event().wait()
    assert caught.value.subgroup(ZeroDivisionError)


async def test_a_closed_channel_ends_the_uplink_of_nobody(unit: Unit, caplog: pytest.LogCaptureFixture) -> None:
    """Closing a channel throws a CancelledError into its readers, which must not end the task (layout, fact 1)."""
    async with RoughManager(ends) as manager:
        own = manager.own
        link = ManagerLink(
            manager.address,
            key_pem=own.key_pem,
            certificate_pem=own.certificate_pem,
            authorities_pem=own.certificate_pem,
        )
        async with asyncio.timeout(20), link:
            uplink = Uplink(
                link.session,
                unit.spool,
                hello=lambda: Hello("1.0", 0),
                follow=unit.follow,
                rng=Even(1.0),
                reconnect_cap_s=30.0,
            )
            outage = asyncio.Event()
            watch = logging.Handler()
            watch.emit = lambda _: outage.set()  # type: ignore[method-assign]  # a handler of one line
            logging.getLogger("wayside_agent.services.uplink").addHandler(watch)
            async with asyncio.TaskGroup() as group:
                task = group.create_task(uplink.run())
                await unit.ended.wait()
                await link.__aexit__(None, None, None)
                await outage.wait()
                assert not task.done()
                task.cancel()
            logging.getLogger("wayside_agent.services.uplink").removeHandler(watch)
    assert "closed" in said(caplog, logging.WARNING)[0] or "ended" in said(caplog, logging.WARNING)[0]
