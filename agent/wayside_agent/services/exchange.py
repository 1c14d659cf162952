"""One session with the manager after its welcome: reports up; acknowledgements, desired state and trust down.

The manager is believed as far as it makes sense: an acknowledgement of something never sent gives nothing up, one that
goes backwards is passed over, and a manager that takes reports and acknowledges none is as good as away.
Reports go up in order, in parts: the next one when the manager holds the one before. So the line is never full of old
reports, and the newest health goes ahead of them while more than a few wait. Reports, live reports and answers to
probes go through one writer: gRPC takes one message at a time.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from google.protobuf.message import DecodeError

from wayside.errors import DeadlineExceededError, InvalidArgumentError, WaysideError
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.core.part_size import PartSize
from wayside_agent.core.reach import Reach
from wayside_agent.ports.spools import Spool, SpoolRecord
from wayside_agent.services.newest import Newest

logger = logging.getLogger(__name__)

ACK_TIMEOUT_S = 120.0  # the manager writes within seconds; a loaded one on a slow back-haul must not be given up
BATCH_COUNT = 64
BACKLOG_COUNT = 10
"""Reports that wait: with more the newest health goes ahead; fewer are up in a moment."""
WAITING_ANSWERS = 4  # probes to answer; a manager that asks faster than we can write gets no answer to the rest


class Session(Protocol):
    """An open session, see `link.session.Session`."""

    async def send(self, request: wire.SessionRequest) -> None:
        """Sends one message up."""

    async def receive(self, timeout_s: float | None = None) -> wire.SessionResponse:
        """The next message down."""


class ReopenError(Exception):
    """The session is to be opened again at once: with other credentials. Not a failure."""


def _nobody(*_: object) -> None:
    """Takes nothing."""


@dataclass(frozen=True, slots=True)
class Ears:
    """Who takes what the manager says. None of them may wait for the manager."""

    follow: Callable[[wire.DesiredState], Awaitable[None]]
    """Takes the desired state."""
    trust: Callable[[wire.TrustNotice], None]
    """Takes what to trust and whether to renew."""
    time: Callable[[float], None]
    """Takes the manager's clock at the welcome, seconds since 1970."""
    shut: Callable[[WaysideError], None] = _nobody
    """Takes why there is no session, or none any more."""
    heard: Callable[[], None] = _nobody
    """Called for every word after the welcome."""


class Exchange:
    """What goes over one session."""

    def __init__(
        self,
        session: Session,
        spool: Spool,
        *,
        acknowledged: int,
        ears: Ears,
        careful_through: int,
        reopen: asyncio.Event,
        reach: Reach,
        newest: Newest,
    ) -> None:
        """Stores values.

        Args:
            session: Welcomed.
            spool: What is owed.
            acknowledged: Highest sequence that the manager holds.
            ears: Who takes what the manager says.
            careful_through: Up to this sequence each report is sent only once the one before is acknowledged.
            reopen: Ends the session when it is set.
            reach: Times the acknowledgements, by the clock of the loop.
            newest: How the unit is now.
        """
        self._session = session
        self._spool = spool
        self._ears = ears
        self._reopen = reopen
        self._reach = reach
        self._newest = newest
        self._mono_s = asyncio.get_running_loop().time
        self._outgoing: asyncio.Queue[wire.SessionRequest] = asyncio.Queue(maxsize=1)  # full: the writer's pace counts
        self._nonces: asyncio.Queue[str] = asyncio.Queue(maxsize=WAITING_ANSWERS)  # full: further ones are dropped
        self._careful_through = careful_through
        self._changed = asyncio.Event()
        self._begin = self._acknowledged = acknowledged
        self.sent = acknowledged
        """Highest sequence that was sent."""

    @property
    def acknowledged(self) -> int:
        """Highest sequence that the manager of this session holds."""
        return self._acknowledged

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

        Raises (in a group): WaysideError: why it ended. ReopenError: it is to be opened again.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pump(), name="uplink-pump")
            group.create_task(self._write(), name="uplink-write")
            group.create_task(self._answer(), name="uplink-answer")
            group.create_task(self._show(), name="uplink-show")
            group.create_task(self._listen(), name="uplink-listen")
            group.create_task(self._until_reopened(), name="uplink-reopen")
            # Not a task of its own: Python 3.11 takes its cancel of a parent back only from one that is still inside.
            # One that waits at the end of the block would look cancelled from then on.
            await self._expect_acks()

    async def _pump(self) -> None:
        position, size = self.sent, PartSize()
        while True:
            part = size.part(await self._spool.read(position, max_count=1 if self._is_careful else BATCH_COUNT))
            begin_s = self._mono_s()
            for record in part:
                await self._send(record)
            position = part[-1].sequence
            await self._until(lambda: self._acknowledged >= self.sent)
            size = size.after(part, self._mono_s() - begin_s)

    async def _show(self) -> None:
        """Sends how the unit is now, ahead of a backlog. While a refused report is looked for nothing else may be."""
        number = 0
        while True:
            number, report = await self._newest.after(number)
            if self._spool.state().record_count > BACKLOG_COUNT and not self._is_careful:
                await self._outgoing.put(wire.SessionRequest(live=report))

    async def _send(self, record: SpoolRecord) -> None:
        try:
            report = wire.Report.FromString(record.payload)
        except DecodeError:  # whoever wrote it, it can never be sent; the next acknowledgement gives it up
            logger.error("reports: record %d of the spool is no report; it is left out", record.sequence)
            return
        self._mark(sent=record.sequence)  # before it goes: the acknowledgement may be here first
        report.sequence = record.sequence
        await self._outgoing.put(wire.SessionRequest(report=report))

    async def _answer(self) -> None:
        while True:
            probe = wire.SessionProbe(nonce=await self._nonces.get())
            await self._outgoing.put(wire.SessionRequest(probe=probe))

    async def _write(self) -> None:
        while True:
            request = await self._outgoing.get()
            if request.HasField("report"):
                self._reach.sent(request.report.sequence, self._mono_s())
            await self._session.send(request)

    async def _until_reopened(self) -> None:
        await self._reopen.wait()
        raise ReopenError

    async def _listen(self) -> None:
        while True:
            response = await self._session.receive()
            self._ears.heard()
            match response.WhichOneof("message"):
                case "ack":
                    await self._take(response.ack.sequence)
                case "desired_state":
                    await self._ears.follow(response.desired_state)
                case "trust":
                    self._ears.trust(response.trust)
                case "probe":
                    with contextlib.suppress(asyncio.QueueFull):
                        self._nonces.put_nowait(response.probe.nonce)
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
            self._reach.acknowledged(sequence, self._mono_s())
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
