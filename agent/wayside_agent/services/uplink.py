"""Keeps the session with the manager: drains the report spool up, hands the desired state down.

Offline is normal: an outage is logged once, the recovery once, and the spool holds what is owed meanwhile.
The manager acknowledges after its write; only then does the spool give a report up (architecture, decision 1).
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, replace
from random import Random

from wayside.errors import (
    DeadlineExceededError,
    InvalidArgumentError,
    UnavailableError,
    WaysideError,
    leaves,
)
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.core.reach import Reach
from wayside_agent.core.stamps import NANOSECONDS_PER_SECOND
from wayside_agent.ports.spools import Spool
from wayside_agent.services.exchange import Ears, Exchange, ReopenError, Session
from wayside_agent.services.newest import Newest
from wayside_agent.services.reconnecting import ADMISSION_WAIT, REFUSALS, Reconnecting

logger = logging.getLogger(__name__)

WELCOME_TIMEOUT_S = 15.0
AWAY = (UnavailableError, DeadlineExceededError)
REPORT_REFUSALS = frozenset({"REPORT_INVALID", "REPORT_TOO_LARGE"})
"""Reasons by which the manager refuses a report for good; it would refuse it in every session to come."""


SessionOpener = Callable[[wire.SessionHello], AbstractAsyncContextManager[Session]]


@dataclass(frozen=True, slots=True)
class Hello:
    """What the unit says of itself when it connects."""

    agent_version: str
    desired_revision: int
    instance_id: str = ""
    """Random at each start of the agent."""
    authorities_sha256: str = ""
    hardware_id: str = ""
    running_tree_sha256: str = ""
    """Of the release that runs; empty: the factory software."""
    peer_address: str = ""
    """Where it serves artifacts to units near it; empty: nowhere."""


class Uplink:
    """The session with the manager."""

    def __init__(
        self,
        open_session: SessionOpener,
        spool: Spool,
        *,
        hello: Callable[[], Hello],
        ears: Ears,
        rng: Random,
        reconnect_cap_s: float,
        newest: Newest,
        mono_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Stores values.

        Args:
            open_session: Opens a session on the connection that is in use at that time.
            spool: Reports that are owed.
            hello: What the unit says of itself.
            ears: Who takes what the manager says.
            rng: Chance for the jitter.
            reconnect_cap_s: Longest wait before the next attempt to reach the manager [s].
            newest: How the unit is now, sent ahead of a backlog.
            mono_s: A steady clock.
        """
        self._mono_s = mono_s
        self._reconnecting = Reconnecting(cap_s=reconnect_cap_s, rng=rng)
        self._open_session = open_session
        self._spool = spool
        self._hello = hello
        self._ears = replace(ears, heard=self._hear)
        self._newest = newest
        self._reopen = asyncio.Event()
        self._welcomed = asyncio.Event()
        self._careful_through = 0
        self._told: set[str] = set()
        self._exchange: Exchange | None = None
        self._opening: asyncio.Timeout | None = None
        self.is_connected = False
        self.reach = Reach(mono_s())
        """How well the manager is reached."""
        self.refusal = ""
        """Why the manager does not take this unit, in one sentence; empty: it does, or is not reached."""

    @property
    def acknowledged_sequence(self) -> int:
        """Highest report sequence that the manager of the newest session holds; 0: none."""
        return self._exchange.acknowledged if self._exchange else 0

    def move(self) -> None:
        """Opens the session again at once, on the connection in use now, whatever the one before waits for."""
        self._welcomed.clear()
        self._reopen.set()
        if self._opening is not None and self._opening.when() is None:
            self._opening.reschedule(asyncio.get_running_loop().time())

    async def reopen(self, timeout_s: float) -> bool:
        """As `move`; whether it was welcomed in time."""
        self.move()
        try:
            async with asyncio.timeout(timeout_s):
                await self._welcomed.wait()
        except TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """Holds a session, and opens the next one whenever it ends."""
        while True:
            self._reopen.clear()
            failure: WaysideError | None = None
            try:
                await self._hold()
            except* WaysideError as group:
                if not self._reopen.is_set():  # else whoever wants it opened anew has closed it
                    failure = _most_telling(group)
                    self._take_failure(failure)
            except* ReopenError:
                pass
            await self._pause(self._reconnecting.after(failure))

    def _take_failure(self, error: WaysideError) -> None:
        """Says why there is no session."""
        self._log_outage(error)
        if error.reason != ADMISSION_WAIT:  # else nobody is shut out
            self._ears.shut(error)
        if isinstance(error, REFUSALS):
            self.refusal = str(error)

    async def _pause(self, pause_s: float) -> None:
        """Waits before the next attempt; not when the session is to be opened again at once."""
        try:
            async with asyncio.timeout(pause_s):
                await self._reopen.wait()
        except TimeoutError:
            self._reconnecting.failed()
        else:
            self._reconnecting.is_well()

    async def _hold(self) -> None:
        hello = self._hello()
        first = wire.SessionHello(
            agent_version=hello.agent_version,
            spool_id=self._spool.spool_id,
            desired_revision=hello.desired_revision,
            instance_id=hello.instance_id,
            authorities_sha256=hello.authorities_sha256,
            hardware_id=hello.hardware_id,
            running_tree_sha256=hello.running_tree_sha256,
            peer_address=hello.peer_address,
        )
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(None) as self._opening:
                    session = await stack.enter_async_context(self._open_session(first))
                    acknowledged = await self._welcome(session)
            except TimeoutError as error:  # move() cut it
                raise ReopenError from error
            finally:
                self._opening = None
            exchange = Exchange(
                session,
                self._spool,
                acknowledged=acknowledged,
                ears=self._ears,
                careful_through=self._careful_through,
                reopen=self._reopen,
                reach=self.reach,
                newest=self._newest,
            )
            self._exchange = exchange
            await self._run(exchange)

    async def _welcome(self, session: Session) -> int:
        """Hears the manager's first word; the sequence up to which it holds reports."""
        response = await session.receive(WELCOME_TIMEOUT_S)
        if not response.HasField("welcome"):
            raise InvalidArgumentError("the manager did not begin with a welcome; it speaks another version")
        if response.welcome.HasField("server_time"):
            self._ears.time(response.welcome.server_time.ToNanoseconds() / NANOSECONDS_PER_SECOND)
        acknowledged = response.welcome.acknowledged_sequence
        await self._spool.acknowledge(acknowledged)
        return acknowledged

    async def _run(self, exchange: Exchange) -> None:
        self.is_connected = True
        self.reach.began(self._mono_s())
        self.refusal = ""
        if not self._reopen.is_set():  # else this is still the session before
            self._welcomed.set()
        try:
            await exchange.run()
        except* InvalidArgumentError as group:
            if _most_telling(group).reason in REPORT_REFUSALS:
                await self._single_out(exchange)
            raise
        finally:
            self.is_connected = False
            (self.reach.ended if self._reopen.is_set() else self.reach.broke)(self._mono_s())
            if exchange.has_moved:
                self._reconnecting.is_well()

    async def _single_out(self, exchange: Exchange) -> None:
        """Finds the report that the manager refuses by sending one at a time, and gives it up: it blocks all others."""
        if exchange.suspect:
            logger.error("reports: the manager refuses report %d for good; it is given up", exchange.suspect)
            await self._spool.acknowledge(exchange.suspect)
        # at least one more than it holds: so the next session begins without a live report, which it may have refused
        self._careful_through = max(self._careful_through, exchange.sent, exchange.acknowledged + 1)

    def _log_outage(self, error: WaysideError) -> None:
        is_away = isinstance(error, AWAY)
        kind = "away" if is_away and error.reason != ADMISSION_WAIT else error.reason
        if kind not in self._told:  # each kind once per outage, in whatever order they come
            log = logger.warning if is_away else logger.error
            if error.reason == ADMISSION_WAIT:
                log = logger.info  # no outage: the manager is there
            log("manager: %s; the agent runs on and tries again", error, extra={"reason": error.reason})
        self._told.add(kind)

    def _hear(self) -> None:
        """Called for every word after the welcome: a manager that welcomes and hangs up is not back."""
        if self._told:
            logger.info("manager: reached again", extra={"after": ", ".join(sorted(self._told))})
            self._told.clear()


def _most_telling(group: BaseExceptionGroup[WaysideError]) -> WaysideError:
    """The error that says most: a refusal before anything else, silence last."""
    found = leaves(group)
    telling = [error for error in found if not isinstance(error, AWAY)]
    return next((error for error in telling if isinstance(error, REFUSALS)), (telling or found)[0])
