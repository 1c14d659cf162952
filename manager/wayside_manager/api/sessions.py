"""All sessions that are open, one per node at most, and what happens when a second one comes.

A node that reconnects replaces its older session. When the second one comes from another start of the agent while the
first still answers a probe, two units show one certificate: see `api.clones`.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import SystemRandom

from wayside.errors import ConflictError, InvalidArgumentError
from wayside.neighbours import checked_address
from wayside.v1 import node_service_pb2
from wayside_manager.api.calls import Calls, EndableCall
from wayside_manager.api.clones import Clones, cloned
from wayside_manager.api.reconnects import Reconnects
from wayside_manager.api.scopes import EOF, received
from wayside_manager.api.session import Session, SessionContext
from wayside_manager.core.approvals import CloneResponse
from wayside_manager.ports.wakeups import Bus, Topic

HELLO_TIMEOUT_S = 30.0
ID_MAX_CHARS = 64  # a UUID has 36, a SHA-256 64
PROBE_TIMEOUT_S = 5.0
TRUST_LOOK_S = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    session: Session
    call: EndableCall


class Sessions:
    """The open sessions."""

    def __init__(self, calls: Calls, bus: Bus, clones: Clones, *, probe_timeout_s: float = PROBE_TIMEOUT_S) -> None:
        self._calls = calls
        self._bus = bus
        self._clones = clones
        self._probe_timeout_s = probe_timeout_s
        self._reconnects = Reconnects(mono_s=time.monotonic, rng=SystemRandom())
        self._open: dict[str, _Entry] = {}
        self._waiting: dict[str, _Entry] = {}

    def __len__(self) -> int:
        return len(self._open)

    def count(self, node_ids: Iterable[str]) -> int:
        """How many of these nodes have a session here."""
        return sum(node_id in self._open for node_id in node_ids)

    def admit_at(self, rate_per_s: float) -> None:
        """Lets so many sessions in per second from now on."""
        self._reconnects.admit_at(rate_per_s)

    def admit(self, context: SessionContext) -> None:
        """Returns if one more session may be opened now.

        Raises: UnavailableError: too many come at once; the trailing metadata say when to come again.
        """
        self._reconnects.admit(context)

    async def run(self) -> None:
        """Carries wake-ups to the sessions. Never returns."""
        async with self._bus.subscribe(Topic.DESIRED) as subscription:
            while True:
                for node_id in await subscription.changed():
                    if node_id in self._open:
                        self._open[node_id].session.wake()

    async def watch_trust(self) -> None:
        """Tells nodes when their certificates are due. Never returns."""
        while True:
            await asyncio.sleep(TRUST_LOOK_S)
            self.tell_trust()

    def tell_trust(self) -> None:
        """Tells every node what it does not know yet about trust, soon."""
        for entry in self._open.values():
            entry.session.tell_trust()

    @asynccontextmanager
    async def entered(self, session: Session) -> AsyncIterator[None]:
        """The time a session is open; an older one of the same node ends.

        Raises: ConflictError: a newer session of the node; PermissionDeniedError: another unit has shown the node's
        certificate, and the policy ends this session; UnavailableError: the manager stops.
        """
        async with self._calls.endable(session.context) as call:
            entry = _Entry(session, call)
            try:
                await self._take_place(entry)
                yield
            finally:
                session.over()
                if self._open.get(session.node_id) is entry:  # else a newer one has come, and maybe gone
                    del self._open[session.node_id]

    async def _take_place(self, entry: _Entry) -> None:
        node_id = entry.session.node_id
        while True:
            older = self._open.get(node_id)
            if older is None or not _may_be_another_unit(older.session, entry.session):
                break
            is_alive = await self._answers(older, entry)
            if self._open.get(node_id) is older:
                if is_alive:
                    await self._judge(older, entry)
                break
        present = self._open.get(node_id)
        if present is not None:
            present.call.end(_replaced())
        self._open[node_id] = entry

    async def _answers(self, older: _Entry, entry: _Entry) -> bool:
        """Whether the older session is alive; of several that wait to replace it, only the newest goes on."""
        node_id = entry.session.node_id
        waiting = self._waiting.get(node_id)
        if waiting is not None:
            waiting.call.end(_replaced())
        self._waiting[node_id] = entry
        try:
            return await older.session.answers_probe(self._probe_timeout_s)
        finally:
            if self._waiting.get(node_id) is entry:
                del self._waiting[node_id]

    async def _judge(self, older: _Entry, entry: _Entry) -> None:
        """Ends the sessions the policy names.

        Raises: PermissionDeniedError: the newer one is among them.
        """
        node_id = entry.session.node_id
        response = await self._clones.found(older.session.admission, entry.session.admission)
        if response is not CloneResponse.KEEP_OLDER:
            older.call.end(cloned(node_id))
        if response is not CloneResponse.KEEP_NEWER:
            raise cloned(node_id)


def _may_be_another_unit(older: Session, newer: Session) -> bool:
    """Whether the newer session may come from another start of an agent than the older.

    An agent without an instance id knows no probes. One that has suddenly lost its id is asked about: a copy could
    leave it out.
    """
    return bool(older.instance_id) and older.instance_id != newer.instance_id


def _replaced() -> ConflictError:
    return ConflictError("the same node opened a newer session", reason="SESSION_REPLACED")


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
    hello: node_service_pb2.SessionHello = request.hello
    if not hello.spool_id or len(hello.spool_id) > ID_MAX_CHARS:
        raise InvalidArgumentError(f"hello.spool_id: give 1 to {ID_MAX_CHARS} characters", reason="SPOOL_ID_INVALID")
    _check_software(hello)
    for field, value in (("instance_id", hello.instance_id), ("authorities_sha256", hello.authorities_sha256)):
        if len(value) > ID_MAX_CHARS or not value.isprintable():
            raise InvalidArgumentError(
                f"hello.{field}: give at most {ID_MAX_CHARS} printable characters", reason="HELLO_INVALID"
            )
    return hello


def _check_software(hello: node_service_pb2.SessionHello) -> None:
    for field, value, form in (
        ("hardware_id", hello.hardware_id, _LABEL),
        ("running_tree_sha256", hello.running_tree_sha256, _SHA256),
    ):
        if value and not form.match(value):
            what = "a lower-case label of at most 63 characters" if form is _LABEL else "64 lower-case hex digits"
            raise InvalidArgumentError(f"hello.{field}: give {what}, or nothing", reason="HELLO_INVALID")
    if hello.peer_address:
        checked_address(hello.peer_address, field="hello.peer_address")


_LABEL = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
