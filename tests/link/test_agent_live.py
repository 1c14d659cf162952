"""What goes up first after an outage: how the unit is now, ahead of reports that wait; and when it waits itself."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from tests.link.agent_peer import Conversation, RoughManager
from tests.link.agent_unit import END, FirstWord, Unit, ends, linked, said
from wayside.errors import InvalidArgumentError, UnavailableError
from wayside.status import RETRY_AFTER, to_status
from wayside.v1 import node_pb2
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.link.spool import FileSpool

BACKLOG_COUNT = 300


@pytest.fixture
async def unit(tmp_path: Path) -> AsyncIterator[Unit]:
    async with FileSpool(tmp_path / "reports") as spool:
        yield Unit(spool)


def health(version: str) -> wire.Report:
    return wire.Report(health=node_pb2.HealthReport(agent_version=version))


async def behind(unit: Unit, count: int = BACKLOG_COUNT) -> None:
    """A backlog, and how the unit is now."""
    await unit.report(*(f"{number} " + "x" * 500 for number in range(1, count + 1)))
    unit.newest.put(health("now"))


async def hears_live(conversation: Conversation) -> wire.Report:
    """The next live report; whatever comes before is noted, not acknowledged."""
    while (request := await conversation.hears()) is not None:
        if request.HasField("live"):
            return request.live
    raise AssertionError("the unit has gone")


async def acks_all(conversation: Conversation, through: int) -> None:
    """Acknowledges what came and what comes, up to the last of a backlog."""
    highest = max((request.report.sequence for request in conversation.requests), default=0)
    await conversation.acks(highest)
    while highest < through and (request := await conversation.hears()) is not None:
        if request.HasField("report"):
            highest = request.report.sequence
            await conversation.acks(highest)
    await conversation.desires(END)
    await conversation.waits()


def reports_of(conversation: Conversation) -> list[wire.Report]:
    return [request.report for request in conversation.requests if request.HasField("report")]


async def test_the_newest_health_goes_ahead_of_a_backlog_before_any_of_it_is_acknowledged(unit: Unit) -> None:
    async def manager_hears(conversation: Conversation) -> None:
        await conversation.welcomes()
        live = await hears_live(conversation)
        assert (live.health.agent_version, live.sequence) == ("now", 0)
        await acks_all(conversation, BACKLOG_COUNT)

    await behind(unit)
    async with RoughManager(manager_hears) as manager, linked(unit, manager):
        await unit.ended.wait()
        assert unit.owed == 0
    reports = reports_of(manager.sessions[0])
    assert [report.sequence for report in reports] == list(range(1, BACKLOG_COUNT + 1))
    assert [int(report.config.message.split()[0]) for report in reports] == list(range(1, BACKLOG_COUNT + 1))


async def test_each_new_health_goes_ahead_as_long_as_a_backlog_remains(unit: Unit) -> None:
    async def manager_hears(conversation: Conversation) -> None:
        await conversation.welcomes()
        await hears_live(conversation)
        await conversation.hears()
        for number in range(5):
            await conversation.acks(reports_of(conversation)[-1].sequence)  # some of the backlog ...
            unit.newest.put(health(f"later {number}"))
            assert (await hears_live(conversation)).health.agent_version == f"later {number}"
            parts.append(len(reports_of(conversation)))
        await acks_all(conversation, BACKLOG_COUNT)

    parts: list[int] = []
    await behind(unit)
    async with RoughManager(manager_hears) as manager, linked(unit, manager):
        await unit.ended.wait()
        assert unit.owed == 0
    assert parts[-1] < BACKLOG_COUNT  # ... and it was not over


async def test_a_few_reports_go_up_by_themselves(unit: Unit) -> None:
    await behind(unit, 5)
    async with RoughManager(ends) as manager, linked(unit, manager):
        await unit.ended.wait()
        while unit.owed:  # noqa: ASYNC110  # the spool has no event for others
            await asyncio.sleep(0.01)
    assert not any(request.HasField("live") for request in manager.sessions[0].requests)


async def test_a_manager_that_knows_no_live_reports_gets_the_backlog_all_the_same(unit: Unit) -> None:
    taken: list[int] = []

    async def is_old(conversation: Conversation) -> None:
        await conversation.hears()
        welcome = wire.SessionWelcome(acknowledged_sequence=max(taken, default=0))
        await conversation.says(wire.SessionResponse(welcome=welcome))
        while (request := await conversation.hears()) is not None:
            if not request.HasField("report"):
                await conversation.refuses(InvalidArgumentError("one hello, then reports", reason="REPORT_INVALID"))
            taken.append(request.report.sequence)
            await conversation.acks(request.report.sequence)
            if request.report.sequence == BACKLOG_COUNT:
                await conversation.desires(END)

    await behind(unit)
    async with RoughManager(is_old) as manager, linked(unit, manager):
        await unit.ended.wait()
    assert sorted(set(taken)) == list(range(1, BACKLOG_COUNT + 1))


async def asks_to_wait(conversation: Conversation, milliseconds: str) -> None:
    status = to_status(UnavailableError("many nodes come back at once", reason="ADMISSION_WAIT"))
    metadata = (*status.trailing_metadata, (RETRY_AFTER, milliseconds))
    await conversation.context.abort(grpc.StatusCode.UNAVAILABLE, status.details, metadata)


async def test_a_unit_waits_as_long_as_the_manager_asks_and_calls_it_no_outage(
    unit: Unit, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    shut: list[str] = []
    came_s: list[float] = []

    async def holds_back(conversation: Conversation) -> None:
        came_s.append(time.monotonic())
        await asks_to_wait(conversation, "300")

    async def lets_in(conversation: Conversation) -> None:
        came_s.append(time.monotonic())
        await ends(conversation)

    async with (
        RoughManager(holds_back, holds_back, lets_in) as manager,
        linked(unit, manager, shut=lambda error: shut.append(error.reason)),
    ):
        await unit.ended.wait()
    assert came_s[1] - came_s[0] >= 0.3
    assert came_s[2] - came_s[1] >= 0.3
    assert said(caplog, logging.WARNING) + said(caplog, logging.ERROR) == []
    assert len([words for words in said(caplog, logging.INFO) if "many nodes" in words]) == 1
    assert shut == []


@pytest.mark.parametrize("milliseconds", ["99999999999", "-5", "0", "1e3", "soon", ""])
async def test_a_wait_that_makes_no_sense_is_not_believed(unit: Unit, milliseconds: str) -> None:
    async def holds_back(conversation: Conversation) -> None:
        await asks_to_wait(conversation, milliseconds)

    async with RoughManager(*[holds_back] * 3, ends) as manager, linked(unit, manager):
        await unit.ended.wait()


async def test_a_unit_that_waits_comes_at_once_when_it_is_to_go_elsewhere(
    unit: Unit, caplog: pytest.LogCaptureFixture
) -> None:
    async def holds_back(conversation: Conversation) -> None:
        await asks_to_wait(conversation, "600000")

    caplog.set_level(logging.INFO)
    with FirstWord() as word:
        async with RoughManager(holds_back, ends) as manager, linked(unit, manager) as uplink:
            await word.said.wait()
            uplink.move()
            await unit.ended.wait()


@pytest.mark.parametrize("turn", range(20))
async def test_why_a_session_was_not_opened_is_heard_though_the_hello_came_too_late(unit: Unit, turn: int) -> None:
    """The refusal and our hello cross on the way; whichever is first, the unit knows that it is to wait."""
    del turn

    async def holds_back(conversation: Conversation) -> None:
        await asks_to_wait(conversation, "1")

    shut: list[str] = []
    async with (
        RoughManager(*[holds_back] * 10, ends) as manager,
        linked(unit, manager, shut=lambda error: shut.append(str(error))),
    ):
        await unit.ended.wait()
    assert shut == []
