"""One session with the manager after its welcome: reports up, acknowledgements and the desired state down.

The manager is believed as far as it makes sense: an acknowledgement of something never sent gives nothing up, one that
goes backwards is passed over, and a manager that takes reports and acknowledges none is as good as away.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from google.protobuf.message import DecodeError

from wayside.errors import DeadlineExceededError, InvalidArgumentError
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.ports.spools import Spool, SpoolRecord

logger = logging.getLogger(__name__)

ACK_TIMEOUT_S = 120.0  # the manager writes within seconds; a loaded one on a slow back-haul must not be given up
BATCH_COUNT = 64


class Session(Protocol):
    """An open session, see `link.manager.Session`."""

    async def send(self, request: wire.SessionRequest) -> None:
        """Sends one message up."""

    async def receive(self, timeout_s: float | None = None) -> wire.SessionResponse:
        """The next message down."""


class Exchange:
    """What goes over one session."""

    def __init__(
        self,
        session: Session,
        spool: Spool,
        *,
        acknowledged: int,
        follow: Callable[[wire.DesiredState], Awaitable[None]],
        heard: Callable[[], None],
        careful_through: int,
    ) -> None:
        """Stores values.

        Args:
            session: Welcomed.
            spool: What is owed.
            acknowledged: Highest sequence that the manager holds.
            follow: Takes the desired state.
            heard: Called for every message of the manager.
            careful_through: Up to this sequence each report is sent only once the one before is acknowledged.
        """
        self._session = session
        self._spool = spool
        self._follow = follow
        self._heard = heard
        self._careful_through = careful_through
        self._changed = asyncio.Event()
        self._begin = self._acknowledged = acknowledged
        self.sent = acknowledged
        """Highest sequence that was sent."""

    @property
    def has_moved(self) -> bool:
        """Whether the manager took anything: only that proves it well."""
        return self._acknowledged > self._begin

    @property
    def suspect(self) -> int:
        """Sequence of the only report that was not acknowledged; 0: there is none, or it may be one of several."""
        return self.sent if self._is_careful and self.sent > self._acknowledged else 0

    @property
    def _is_careful(self) -> bool:
        return self._acknowledged < self._careful_through

    async def run(self) -> None:
        """Exchanges until the session ends.

        Raises (in a group): WaysideError: why it ended.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pump(), name="uplink-pump")
            group.create_task(self._listen(), name="uplink-listen")
            group.create_task(self._expect_acks(), name="uplink-acks")

    async def _pump(self) -> None:
        while True:
            if self._is_careful:
                await self._until(lambda: self._acknowledged >= self.sent)
            for record in await self._spool.read(self.sent, max_count=1 if self._is_careful else BATCH_COUNT):
                await self._send(record)

    async def _send(self, record: SpoolRecord) -> None:
        self._mark(sent=record.sequence)  # before it goes: the acknowledgement may be here first
        try:
            report = wire.Report.FromString(record.payload)
        except DecodeError:  # whoever wrote it, it can never be sent; the next acknowledgement gives it up
            logger.error("reports: record %d of the spool is no report; it is left out", record.sequence)
            return
        report.sequence = record.sequence
        await self._session.send(wire.SessionRequest(report=report))

    async def _listen(self) -> None:
        while True:
            response = await self._session.receive()
            self._heard()
            match response.WhichOneof("message"):
                case "ack":
                    await self._take(response.ack.sequence)
                case "desired_state":
                    await self._follow(response.desired_state)
                case _:
                    pass  # of a newer manager; what matters comes again with the next revision

    async def _take(self, sequence: int) -> None:
        if sequence > self.sent:
            raise InvalidArgumentError(
                f"the manager acknowledged report {sequence}, but the last one sent was {self.sent}; nothing is "
                "given up and the session is opened again",
                reason="ACK_INVALID",
            )
        if sequence > self._acknowledged:
            await self._spool.acknowledge(sequence)
            self._mark(acknowledged=sequence)

    async def _expect_acks(self) -> None:
        while True:
            await self._until(lambda: self.sent > self._acknowledged)
            before = self._acknowledged
            try:
                async with asyncio.timeout(ACK_TIMEOUT_S):
                    await self._until(lambda: self._acknowledged > before)  # noqa: B023  # used in this turn only
            except TimeoutError as error:
                raise DeadlineExceededError(
                    f"the manager takes reports and has acknowledged none for {ACK_TIMEOUT_S:g} s"
                ) from error

    def _mark(self, *, sent: int = 0, acknowledged: int = 0) -> None:
        self.sent = max(self.sent, sent)
        self._acknowledged = max(self._acknowledged, acknowledged)
        self._changed.set()
        self._changed = asyncio.Event()

    async def _until(self, is_so: Callable[[], bool]) -> None:
        while not is_so():
            await self._changed.wait()
