"""One node's session: what it reports, what it should be, whom it must trust.

An idle session costs one task that waits in `read()` (111 against 164 us per message of the async iterator,
measured-manager.md). A report or a wake-up starts a second task that writes and acknowledges until nothing is left.
"""

import asyncio
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeAlias

import grpc.aio

from wayside.errors import InvalidArgumentError, PermissionDeniedError
from wayside.neighbours import is_nearby
from wayside.v1 import node_service_pb2
from wayside_manager.api.broadcast_messages import broadcast_set
from wayside_manager.api.identity import Admission, retired
from wayside_manager.api.job_messages import job_targets
from wayside_manager.api.neighbours import Neighbours, names, tell_neighbours
from wayside_manager.api.node_messages import desired_state, timestamp
from wayside_manager.api.release_messages import delta_offer, tell_places
from wayside_manager.api.report_messages import live_form, stored_form
from wayside_manager.api.scopes import EOF, received, send
from wayside_manager.api.trust_messages import NodeTrust
from wayside_manager.core.artifact_places import ArtifactPlaces
from wayside_manager.core.jobs import JobRecord, JobState
from wayside_manager.core.limits import Rate, TokenBuckets
from wayside_manager.core.nodes import NodeState, fetches
from wayside_manager.core.reports import Report
from wayside_manager.ports.broadcasts import BroadcastTellStore
from wayside_manager.ports.deltas import DeltaStore
from wayside_manager.ports.enrollment import EnrollmentStore
from wayside_manager.ports.jobs import JobTellStore
from wayside_manager.ports.nodes import NodeStore
from wayside_manager.ports.reports import ReportSink, ReportStore

PENDING_MAX = 256  # then reading stops and HTTP/2 flow control holds the node back
PENDING_MAX_BYTES = 1 << 20  # the same: 10,000 nodes that all send as much as they can shall not fill the memory
LIVE_RATE = Rate(rate_per_s=1.0, burst=10)
"""Live reports of a session; who sends more is read more slowly. A unit sends one per report period, and at changes."""
LOOK_AGAIN_S = 600.0  # a lost wake-up costs at most this and a report period
_PROBES_MAX = 4
STRAY_PROBES_MAX = 16
"""Answers to probes that come too late; who sends more makes them up to keep the loop busy."""

logger = logging.getLogger(__name__)

SessionContext: TypeAlias = grpc.aio.ServicerContext[node_service_pb2.SessionRequest, node_service_pb2.SessionResponse]


class SessionStore(NodeStore, ReportStore, EnrollmentStore, JobTellStore, BroadcastTellStore, DeltaStore, Protocol):
    """What a session needs of the store."""


class Session:
    """The stream of one node."""

    def __init__(
        self,
        admission: Admission,
        context: SessionContext,
        store: SessionStore,
        sink: ReportSink,
        trust: NodeTrust,
        *,
        places: ArtifactPlaces,
        neighbours: Neighbours,
        now: Callable[[], datetime],
    ) -> None:
        self.node_id = admission.holder.removeprefix("nodes/")
        self.admission = admission
        self.context = context
        self.trust = trust
        self.instance_id = ""
        self._places = places
        self._neighbours = neighbours
        self._store = store
        self._sink = sink
        self._now = now
        self._spool_id = ""
        self._pending: deque[Report] = deque()
        self._pending_bytes = 0
        self._room = asyncio.Event()
        self._live_rate = TokenBuckets(LIVE_RATE, buckets_max=1)
        self._wants_look = True
        self._looked_mono_s = time.monotonic()
        self._sent_revision = -1
        self._sent_window: tuple[int, ...] = ()  # of the URLs it was told; empty: none that end
        self._sent_neighbours: tuple[str, ...] = ()
        self._probes: dict[str, asyncio.Future[bool]] = {}
        self._unsent_probes: list[str] = []
        self._stray_count = 0
        self._group: asyncio.TaskGroup | None = None
        self._is_working = False
        self._is_over = False

    async def run(self, hello: node_service_pb2.SessionHello) -> None:
        """Welcomes the node, then reads its reports until it leaves.

        Raises: WaysideError: what ends the session.
        """
        self._spool_id = hello.spool_id
        sequence = await self._store.acknowledged_sequence(self.node_id, hello.spool_id)
        welcome = node_service_pb2.SessionWelcome(acknowledged_sequence=sequence, server_time=timestamp(self._now()))
        await send(self.context, node_service_pb2.SessionResponse(welcome=welcome))
        if self.admission.credential is not None:
            await self._store.note_session(self.admission.credential, hello.authorities_sha256)
        await self._store.note_software(
            self.node_id,
            hardware_id=hello.hardware_id,
            running_tree_sha256=hello.running_tree_sha256,
            peer_address=self._peer_address(hello.peer_address),
        )
        await self._sink.note_opened(self.node_id)
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

    def _peer_address(self, said: str) -> str:
        """Where others may be sent that want artifacts of the node; empty: nowhere."""
        if not said or is_nearby(said, self.admission.source_address):
            return said
        logger.warning("node %s serves at %s, which is neither private nor its own: not told", self.node_id, said)
        return ""

    def wake(self) -> None:
        """Looks at the desired state again, soon."""
        self._wants_look = True
        self._work()

    def tell_trust(self) -> None:
        """Says whom to trust and whether to renew, soon, if that is news."""
        if self.trust.has_news:
            self._work()

    async def answers_probe(self, timeout_s: float) -> bool:
        """Whether the node gives a sign of life within a time."""
        if self._is_over or len(self._probes) >= _PROBES_MAX:
            return False
        nonce = secrets.token_hex(16)
        answered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._probes[nonce] = answered
        self._unsent_probes.append(nonce)
        self._work()
        try:
            async with asyncio.timeout(timeout_s):
                return await answered
        except TimeoutError:
            return False
        finally:
            self._probes.pop(nonce, None)

    def over(self) -> None:
        """Notes that the node has left: it answers no more."""
        self._is_over = True
        for answered in self._probes.values():
            if not answered.done():
                answered.set_result(False)

    async def _read(self) -> None:
        while (request := await received(self.context)) is not EOF:
            match request.WhichOneof("message"):
                case "report":
                    await self._take(request.report)
                case "live":
                    await self._show(request.live)
                case "probe":
                    self._answered(request.probe.nonce)
                case _:
                    raise InvalidArgumentError("a session sends one hello, then reports", reason="REPORT_INVALID")

    async def _take(self, message: node_service_pb2.Report) -> None:
        report = stored_form(message)
        self._pending.append(report)
        self._pending_bytes += len(report.body)
        self._work()
        while len(self._pending) >= PENDING_MAX or self._pending_bytes >= PENDING_MAX_BYTES:
            self._room.clear()
            await self._room.wait()

    async def _show(self, message: node_service_pb2.Report) -> None:
        """Shows how the node is now, past the reports that wait. Meanwhile nothing is read, so one waits at most."""
        report = live_form(message)
        while wait_s := self._live_rate.take("", time.monotonic()):  # noqa: ASYNC110  # for time
            await asyncio.sleep(wait_s)
        await self._sink.show(self.node_id, report)

    def _answered(self, nonce: str) -> None:
        answered = self._probes.get(nonce)
        if answered is not None and not answered.done():
            answered.set_result(True)
            return
        self._stray_count += 1
        if self._stray_count > STRAY_PROBES_MAX:
            raise InvalidArgumentError("a session answers the probes it was asked, no others", reason="PROBE_STRAY")

    def _work(self) -> None:
        if self._group is not None and not self._is_working:
            self._is_working = True
            self._group.create_task(self._worked(), name=f"session {self.node_id}")

    async def _worked(self) -> None:
        try:
            while self._pending or self._wants_look or self._unsent_probes or self.trust.has_news:
                await self._probe()
                await self._tell()
                await self._look()
                await self._write_reports()
        except BaseException:
            self._group = None  # as above
            raise
        finally:
            self._is_working = False

    async def _probe(self) -> None:
        while self._unsent_probes:
            probe = node_service_pb2.SessionProbe(nonce=self._unsent_probes.pop())
            await send(self.context, node_service_pb2.SessionResponse(probe=probe))

    async def _tell(self) -> None:
        if self.trust.has_news:
            await send(self.context, node_service_pb2.SessionResponse(trust=self.trust.told()))

    async def _look(self) -> None:
        is_stale = self._sent_window and self._sent_window != self._places.window(self._now())
        is_due = is_stale or time.monotonic() - self._looked_mono_s > LOOK_AGAIN_S
        if not self._wants_look and not is_due:
            return
        self._wants_look = False
        self._looked_mono_s = time.monotonic()
        node = await self._store.get_node(self.node_id)
        if node.state is NodeState.RETIRED:
            raise retired(self.node_id)
        if node.state is NodeState.REVOKED:
            raise PermissionDeniedError(
                f"the certificates of node {self.node_id} were taken back; it needs a new enrolment",
                reason="NODE_REVOKED",
            )
        near = await self._neighbours.of(node) if fetches(node) else ()
        window = self._places.window(self._now()) if fetches(node) else ()
        is_stale = window not in {(), self._sent_window} or names(near) != self._sent_neighbours
        self._sent_window, self._sent_neighbours = window, names(near)
        if node.desired.revision == self._sent_revision and not is_stale:
            return
        # read after the revision: jobs may be newer than it, and are then told once more
        desired = desired_state(node.desired)
        delta = await self._store.delta_for(self.node_id) if node.desired.release is not None else None
        if delta is not None:
            desired.release.delta.CopyFrom(delta_offer(delta))
        if fetches(node):
            tell_neighbours(desired.release, near)
            tell_places(desired.release, self._places, self.node_id, now=self._now())
        desired.jobs.extend(job_targets(await self._jobs()))
        broadcasts = await self._store.tell_broadcasts(self.node_id, now=self._now())
        if broadcasts is not None:
            desired.broadcasts.CopyFrom(broadcast_set(broadcasts))
        await send(self.context, node_service_pb2.SessionResponse(desired_state=desired))
        self._sent_revision = node.desired.revision

    async def _jobs(self) -> tuple[JobRecord, ...]:
        """The node's jobs without an outcome; that it was told is written before it is."""
        jobs = await self._store.open_jobs(self.node_id)
        if any(job.state is JobState.QUEUED for job in jobs):
            jobs = await self._store.tell_jobs(self.node_id, now=self._now())
        return jobs

    async def _write_reports(self) -> None:
        reports = tuple(self._pending)
        if not reports:
            return
        sequence = await self._sink.submit(self.node_id, self._spool_id, reports)
        for _ in reports:
            self._pending_bytes -= len(self._pending.popleft().body)
        self._room.set()
        ack = node_service_pb2.ReportAck(sequence=sequence)
        await send(self.context, node_service_pb2.SessionResponse(ack=ack))
