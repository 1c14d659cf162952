"""One unit's uplink over a real spool and real gRPC, and what it said."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Self

import pytest

from tests.link.agent_peer import Conversation, RoughManager
from wayside.errors import WaysideError
from wayside.v1 import node_pb2
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.link.manager import ManagerLink
from wayside_agent.link.spool import FileSpool
from wayside_agent.services.exchange import Ears
from wayside_agent.services.newest import Newest
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
        self.notices: list[wire.TrustNotice] = []
        self.times: list[float] = []
        self.ended = asyncio.Event()
        self.newest = Newest()

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


def link_to(manager: RoughManager, address: str = "") -> ManagerLink:
    return ManagerLink(address or manager.address, manager.identity)


def made(
    unit: Unit,
    link: ManagerLink,
    *,
    chance: float,
    follow: Callable[[wire.DesiredState], Awaitable[None]] | None = None,
    shut: Callable[[WaysideError], None] = lambda _: None,
) -> Uplink:
    return Uplink(
        link.session,
        unit.spool,
        hello=lambda: Hello("1.0", 0, instance_id="instance", authorities_sha256="ab"),
        ears=Ears(follow=follow or unit.follow, trust=unit.notices.append, time=unit.times.append, shut=shut),
        rng=Even(chance),
        reconnect_cap_s=30.0,
        newest=unit.newest,
    )


@asynccontextmanager
async def linked(
    unit: Unit,
    manager: RoughManager,
    *,
    address: str = "",
    chance: float = 0.0,
    follow: Callable[[wire.DesiredState], Awaitable[None]] | None = None,
    shut: Callable[[WaysideError], None] = lambda _: None,
) -> AsyncIterator[Uplink]:
    """An uplink that runs inside the block, which has 20 s."""
    async with asyncio.timeout(20), link_to(manager, address) as link, asyncio.TaskGroup() as group:
        uplink = made(unit, link, chance=chance, follow=follow, shut=shut)
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


class FirstWord(logging.Handler):
    """Tells when the uplink first says something."""

    def __init__(self) -> None:
        super().__init__()
        self.said = asyncio.Event()

    def emit(self, _record: logging.LogRecord) -> None:
        self.said.set()

    def __enter__(self) -> Self:
        logging.getLogger("wayside_agent.services.uplink").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("wayside_agent.services.uplink").removeHandler(self)
