"""One node's session, and all that are open.

An idle session costs one task that waits in `read()` (111 against 164 us per message of the async iterator,
measured-manager.md). A report or a wake-up starts a second task that writes and acknowledges until nothing is left.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Protocol, TypeAlias

import grpc.aio

from wayside.errors import ConflictError, InvalidArgumentError
from wayside.v1 import node_service_pb2
from wayside_manager.api.calls import Calls, EndableCall
from wayside_manager.api.identity import retired
from wayside_manager.api.node_messages import desired_state, timestamp
from wayside_manager.api.report_messages import stored_form
from wayside_manager.api.scopes import EOF, received, send
from wayside_manager.core.nodes import NodeState
from wayside_manager.core.reports import Report
from wayside_manager.ports.nodes import NodeStore
from wayside_manager.ports.reports import ReportSink, ReportStore
from wayside_manager.ports.wakeups import Bus, Topic

HELLO_TIMEOUT_S = 30.0
SPOOL_ID_MAX_CHARS = 64  # a UUID has 36
PENDING_MAX = 256  # then reading stops and HTTP/2 flow control holds the node back
LOOK_AGAIN_S = 600.0  # a lost wake-up costs at most this and a report period

SessionContext: TypeAlias = grpc.aio.ServicerContext[node_service_pb2.SessionRequest, node_service_pb2.SessionResponse]


class SessionStore(NodeStore, ReportStore, Protocol):
    """What a session reads of the store."""


class Session:
    """The stream of one node."""

    def __init__(self, node_id: str, context: SessionContext, store: SessionStore, sink: ReportSink) -> None:
        self.node_id = node_id
        self.context = context
        self._store = store
        self._sink = sink
        self._spool_id = ""
        self._pending: deque[Report] = deque()
        self._room = asyncio.Event()
        self._wants_look = True
        self._looked_mono_s = time.monotonic()
        self._sent_revision = -1
        self._group: asyncio.TaskGroup | None = None
        self._is_working = False

    async def run(self, hello: node_service_pb2.SessionHello, now: datetime) -> None:
        """Welcomes the node, then reads its reports until it leaves.

        Raises: WaysideError: what ends the session.
        """
        self._spool_id = hello.spool_id
        sequence = await self._store.acknowledged_sequence(self.node_id, hello.spool_id)
        welcome = node_service_pb2.SessionWelcome(acknowledged_sequence=sequence, server_time=timestamp(now))
        await send(self.context, node_service_pb2.SessionResponse(welcome=welcome))
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                try:
                    self._work()
                    await self._read()
                finally:
                    self._group = None  # a group that closes takes no more tasks
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None

    def wake(self) -> None:
        """Looks at the desired state again, soon."""
        self._wants_look = True
        self._work()

    async def _read(self) -> None:
        while (request := await received(self.context)) is not EOF:
            if request.WhichOneof("message") != "report":
                raise InvalidArgumentError("a session sends one hello, then reports", reason="REPORT_INVALID")
            self._pending.append(stored_form(request.report))
            self._work()
            while len(self._pending) >= PENDING_MAX:
                self._room.clear()
                await self._room.wait()

    def _work(self) -> None:
        if self._group is not None and not self._is_working:
            self._is_working = True
            self._group.create_task(self._worked(), name=f"session {self.node_id}")

    async def _worked(self) -> None:
        try:
            while self._pending or self._wants_look:
                await self._look()
                await self._write_reports()
        except BaseException:
            self._group = None  # as above
            raise
        finally:
            self._is_working = False

    async def _look(self) -> None:
        is_due = time.monotonic() - self._looked_mono_s > LOOK_AGAIN_S
        if not self._wants_look and not is_due:
            return
        self._wants_look = False
        self._looked_mono_s = time.monotonic()
        node = await self._store.get_node(self.node_id)
        if node.state is NodeState.RETIRED:
            raise retired(self.node_id)
        if node.desired.revision != self._sent_revision:
            await send(self.context, node_service_pb2.SessionResponse(desired_state=desired_state(node.desired)))
            self._sent_revision = node.desired.revision

    async def _write_reports(self) -> None:
        reports = tuple(self._pending)
        if not reports:
            return
        sequence = await self._sink.submit(self.node_id, self._spool_id, reports)
        for _ in reports:
            self._pending.popleft()
        self._room.set()
        ack = node_service_pb2.ReportAck(sequence=sequence)
        await send(self.context, node_service_pb2.SessionResponse(ack=ack))


class Sessions:
    """The open sessions, one per node at most."""

    def __init__(self, calls: Calls, bus: Bus) -> None:
        self._calls = calls
        self._bus = bus
        self._open: dict[str, tuple[Session, EndableCall]] = {}

    def __len__(self) -> int:
        return len(self._open)

    async def run(self) -> None:
        """Carries wake-ups to the sessions. Never returns."""
        async with self._bus.subscribe(Topic.DESIRED) as subscription:
            while True:
                for node_id in await subscription.changed():
                    if node_id in self._open:
                        self._open[node_id][0].wake()

    @asynccontextmanager
    async def entered(self, session: Session) -> AsyncIterator[None]:
        """The time a session is open; an older one of the same node ends.

        Raises: ConflictError: a newer session of the node; UnavailableError: the manager stops.
        """
        async with self._calls.endable(session.context) as call:
            older = self._open.get(session.node_id)
            if older is not None:
                older[1].end(ConflictError("the same node opened a newer session", reason="SESSION_REPLACED"))
            self._open[session.node_id] = (session, call)
            try:
                yield
            finally:
                present = self._open.get(session.node_id)
                if present is not None and present[0] is session:  # else a newer one has come, and maybe gone
                    del self._open[session.node_id]


async def said_hello(context: SessionContext) -> node_service_pb2.SessionHello:
    """The first message of a session.

    Raises: InvalidArgumentError: it is no hello, names no spool, or does not come within 30 s.
    """
    try:
        async with asyncio.timeout(HELLO_TIMEOUT_S):
            request = await received(context)
    except TimeoutError as exc:
        raise InvalidArgumentError("no hello came; a session begins with it", reason="HELLO_MISSING") from exc
    if request is EOF or request.WhichOneof("message") != "hello":
        raise InvalidArgumentError("the first message of a session is a hello", reason="HELLO_MISSING")
    if not request.hello.spool_id or len(request.hello.spool_id) > SPOOL_ID_MAX_CHARS:
        raise InvalidArgumentError(
            f"hello.spool_id: give 1 to {SPOOL_ID_MAX_CHARS} characters", reason="SPOOL_ID_INVALID"
        )
    hello: node_service_pb2.SessionHello = request.hello
    return hello
