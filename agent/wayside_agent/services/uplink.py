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

from wayside.errors import (
    DeadlineExceededError,
    InvalidArgumentError,
    PermissionDeniedError,
    UnauthenticatedError,
    UnavailableError,
    WaysideError,
    leaves,
)
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.core.backoff import delay_s
from wayside_agent.ports.spools import Spool
from wayside_agent.services.exchange import Exchange, Session

logger = logging.getLogger(__name__)

WELCOME_TIMEOUT_S = 15.0
RECONNECT_BASE_S = 0.5
REFUSED_CAP_S = 300.0  # a retired or unknown unit asks again, but seldom
REFUSALS = (PermissionDeniedError, UnauthenticatedError)
AWAY = (UnavailableError, DeadlineExceededError)
REPORT_REFUSALS = frozenset({"REPORT_INVALID", "REPORT_TOO_LARGE"})
"""Reasons by which the manager refuses a report for good; it would refuse it in every session to come."""

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
        self._careful_through = 0
        self._told: set[str] = set()
        self.is_connected = False

    async def run(self) -> None:
        """Holds a session, and opens the next one whenever it ends."""
        while True:
            cap_s = self._reconnect_cap_s
            try:
                await self._hold()
            except* WaysideError as group:
                error = _most_telling(group)
                self._log_outage(error)
                cap_s = REFUSED_CAP_S if isinstance(error, REFUSALS) else cap_s
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
            exchange = Exchange(
                session,
                self._spool,
                acknowledged=acknowledged,
                follow=self._follow,
                heard=self._log_recovery,
                careful_through=self._careful_through,
            )
            await self._run(exchange)

    async def _run(self, exchange: Exchange) -> None:
        self.is_connected = True
        try:
            await exchange.run()
        except* InvalidArgumentError as group:
            if _most_telling(group).reason in REPORT_REFUSALS:
                await self._single_out(exchange)
            raise
        finally:
            self.is_connected = False
            if exchange.has_moved:
                self._attempt = 0

    async def _single_out(self, exchange: Exchange) -> None:
        """Finds the report that the manager refuses by sending one at a time, and gives it up: it blocks all others."""
        if exchange.suspect:
            logger.error("reports: the manager refuses report %d for good; it is given up", exchange.suspect)
            await self._spool.acknowledge(exchange.suspect)
        self._careful_through = max(self._careful_through, exchange.sent)

    def _log_outage(self, error: WaysideError) -> None:
        is_away = isinstance(error, AWAY)
        kind = "away" if is_away else error.reason
        if kind not in self._told:  # each kind once per outage, in whatever order they come
            log = logger.warning if is_away else logger.error
            log("manager: %s; the agent runs on and tries again", error, extra={"reason": error.reason})
        self._told.add(kind)

    def _log_recovery(self) -> None:
        """Called for every word after the welcome: a manager that welcomes and hangs up is not back."""
        if self._told:
            logger.info("manager: reached again", extra={"after": ", ".join(sorted(self._told))})
            self._told.clear()


def _most_telling(group: BaseExceptionGroup[WaysideError]) -> WaysideError:
    """The error that says most: a refusal before anything else, silence last."""
    found = leaves(group)
    telling = [error for error in found if not isinstance(error, AWAY)]
    return next((error for error in telling if isinstance(error, REFUSALS)), (telling or found)[0])
