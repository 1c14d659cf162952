"""What the uplink gives up and what it keeps, whatever the manager acknowledges, over a real spool."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.link.agent_peer import Conversation, RoughManager
from tests.link.agent_unit import END, Unit, ends, linked, said
from wayside.errors import InvalidArgumentError
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.link.spool import FileSpool
from wayside_agent.services import exchange


@pytest.fixture
async def unit(tmp_path: Path) -> AsyncIterator[Unit]:
    async with FileSpool(tmp_path / "reports") as spool:
        yield Unit(spool)


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
            async with asyncio.timeout(0.3):  # several times the patience; a read cut short would end the call
                await asyncio.Event().wait()
        await conversation.desires(END)
        await conversation.waits()

    async with RoughManager(idles) as manager, linked(unit, manager):
        await unit.ended.wait()
        assert len(manager.sessions) == 1


async def test_a_manager_that_stops_reading_is_left_and_nothing_is_lost(
    unit: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "ACK_TIMEOUT_S", 0.5)
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

    await unit.report(*["x" * 50_000] * 300)  # 15 MB: far more than a part
    async with RoughManager(stops_reading, takes_the_rest) as manager, linked(unit, manager):
        await unit.ended.wait()
        assert unit.owed == 0
    assert [request.report.sequence for request in manager.sessions[1].requests[1:]] == list(range(1, 301))


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
