"""Keeps the session with the manager: drains the report spool up, hands the desired state down.

Offline is normal: an outage is logged once, the recovery once, and the spool holds what is owed meanwhile.
The manager acknowledges after its write; only then does the spool give a report up (architecture, decision 1).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from random import Random
from typing import Protocol

from wayside.errors import (
    DeadlineExceededError,
    InvalidArgumentError,
    PermissionDeniedError,
    UnauthenticatedError,
    UnavailableError,
    WaysideError,
)
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.core.backoff import delay_s
from wayside_agent.ports import Spool

logger = logging.getLogger(__name__)

WELCOME_TIMEOUT_S = 15.0
BATCH_COUNT = 64
RECONNECT_BASE_S = 0.5
REFUSED_CAP_S = 300.0  # a retired or unknown unit asks again, but seldom


class Session(Protocol):
    """An open session, see `link.manager.Session`."""

    async def send(self, request: wire.SessionRequest) -> None:
        """Sends one message up."""

    async def receive(self, timeout_s: float | None = None) -> wire.SessionResponse:
        """The next message down."""


SessionOpener = Callable[[wire.SessionHello], AbstractAsyncContextManager[Session]]


@dataclass(frozen=True, slots=True)
class Hello:
    """What the unit says of itself when it connects."""

    agent_version: str
    desired_revision: int


class Uplink:
    """The session with the manager."""

    def __init__(
        self,
        open_session: SessionOpener,
        spool: Spool,
        *,
        hello: Callable[[], Hello],
        follow: Callable[[wire.DesiredState], Awaitable[None]],
        rng: Random,
        reconnect_cap_s: float,
    ) -> None:
        self._reconnect_cap_s = reconnect_cap_s
        self._open_session = open_session
        self._spool = spool
        self._hello = hello
        self._follow = follow
        self._rng = rng
        self._attempt = 0
        self._outage: str | None = None
        self.is_connected = False

    async def run(self) -> None:
        """Holds a session, and opens the next one whenever it ends."""
        while True:
            cap_s = self._reconnect_cap_s
            try:
                await self._hold()
            except* (PermissionDeniedError, UnauthenticatedError) as group:
                cap_s = REFUSED_CAP_S
                self._log_outage(group)
            except* WaysideError as group:
                self._log_outage(group)
            self.is_connected = False
            await asyncio.sleep(delay_s(self._attempt, base_s=RECONNECT_BASE_S, cap_s=cap_s, rng=self._rng))
            self._attempt += 1

    async def _hold(self) -> None:
        hello = self._hello()
        first = wire.SessionHello(
            agent_version=hello.agent_version, spool_id=self._spool.spool_id, desired_revision=hello.desired_revision
        )
        async with self._open_session(first) as session:
            response = await session.receive(WELCOME_TIMEOUT_S)
            if not response.HasField("welcome"):
                raise InvalidArgumentError("the manager did not begin with a welcome; it speaks another version")
            acknowledged = response.welcome.acknowledged_sequence
            await self._spool.acknowledge(acknowledged)
            self._log_recovery()
            self.is_connected = True
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(session, acknowledged), name="uplink-pump")
                group.create_task(self._listen(session), name="uplink-listen")

    async def _pump(self, session: Session, after_sequence: int) -> None:
        while True:
            for record in await self._spool.read(after_sequence, max_count=BATCH_COUNT):
                report = wire.Report.FromString(record.payload)
                report.sequence = record.sequence
                await session.send(wire.SessionRequest(report=report))
                after_sequence = record.sequence

    async def _listen(self, session: Session) -> None:
        while True:
            response = await session.receive()
            match response.WhichOneof("message"):
                case "ack":
                    await self._spool.acknowledge(response.ack.sequence)
                    self._attempt = 0  # only a session that moved something proves the manager well
                case "desired_state":
                    await self._follow(response.desired_state)
                case _:
                    pass  # of a newer manager; what matters comes again with the next revision

    def _log_outage(self, group: BaseExceptionGroup[WaysideError]) -> None:
        error = _first(group)
        expected = isinstance(error, UnavailableError | DeadlineExceededError)
        if self._outage is None or self._outage != type(error).__name__:
            log = logger.warning if expected else logger.error
            log("manager: %s; the agent runs on and tries again", error, extra={"reason": error.reason})
        self._outage = type(error).__name__

    def _log_recovery(self) -> None:
        if self._outage is not None:
            logger.info("manager: reached again", extra={"after": self._outage})
        self._outage = None


def _first(group: BaseExceptionGroup[WaysideError]) -> WaysideError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, WaysideError)  # noqa: S101  # except* let nothing else in
    return error
