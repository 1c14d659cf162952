"""A unit as the manager sees it: keys, certificates, renewal, and a session that answers probes or keeps silent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from tests.link.manager_api.peer import LocalManager, NodeCredential, Peer, Session, csr
from wayside.errors import WaysideError
from wayside.v1 import node_service_pb2
from wayside_manager.services.authority import key_pem, new_key


async def renewed(
    manager: LocalManager, credential: NodeCredential, key: ec.EllipticCurvePrivateKey | None = None
) -> NodeCredential:
    """The next certificate, not confirmed."""
    key = key or new_key()
    async with manager.node(credential) as peer:
        request = node_service_pb2.RenewCertificateRequest(certificate_request_pem=csr(key))
        answer = await peer.call(peer.node.RenewCertificate, request)
    return NodeCredential(credential.node_id, answer.certificate_pem, key_pem(key), answer.authorities_pem)


async def confirm(manager: LocalManager, credential: NodeCredential) -> None:
    """Proves a certificate on a connection of its own."""
    async with manager.node(credential) as peer:
        await peer.call(peer.node.ConfirmCertificate, node_service_pb2.ConfirmCertificateRequest())


class UnitSession(Session):
    """A session that says who started it, and answers probes while it is read."""

    def __init__(self, peer: Peer, *, instance_id: str = "", **hello: Any) -> None:  # noqa: ANN401  # fields of a message
        super().__init__(peer)
        self._hello = {"instance_id": instance_id, **hello}
        self.answers = True
        self.probe_count = 0

    async def opened(self) -> "UnitSession":
        hello = node_service_pb2.SessionHello(agent_version="1.0.0", spool_id="spool-1", **self._hello)
        await self.call.write(node_service_pb2.SessionRequest(hello=hello))
        return self

    async def next(self) -> node_service_pb2.SessionResponse:
        while True:
            answer = await super().next()
            if answer.WhichOneof("message") != "probe":
                return answer
            self.probe_count += 1
            if self.answers:
                await self.call.write(node_service_pb2.SessionRequest(probe=answer.probe))


class LiveUnit:
    """An agent that runs: it reads its session all the time, and notes how it ended."""

    def __init__(self, session: UnitSession) -> None:
        self.session = session
        self.welcomed = asyncio.Event()
        self.ended = asyncio.Event()
        self._notice = asyncio.Event()
        self.error: WaysideError | None = None
        self.notices: list[node_service_pb2.TrustNotice] = []

    async def run(self) -> None:
        try:
            while True:
                answer = await self.session.next()
                self.welcomed.set()
                if answer.WhichOneof("message") == "trust":
                    self.notices.append(answer.trust)
                    self._notice.set()
        except WaysideError as exc:
            self.error = exc
        finally:
            self.ended.set()

    async def noticed(self) -> None:
        """Waits for a notice that was not waited for yet."""
        await self._notice.wait()
        self._notice.clear()

    @property
    def reason(self) -> str:
        return "" if self.error is None else self.error.reason


@asynccontextmanager
async def living(peer: Peer, **hello: Any) -> AsyncIterator[LiveUnit]:  # noqa: ANN401  # fields of a message
    """A unit that is alive while inside."""
    unit = LiveUnit(await UnitSession(peer, **hello).opened())
    async with asyncio.TaskGroup() as group:
        task = group.create_task(unit.run())
        try:
            yield unit
        finally:
            unit.session.call.cancel()
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def within(event: asyncio.Event, seconds: float = 8.0) -> None:
    """Waits for something that must come."""
    async with asyncio.timeout(seconds):
        await event.wait()
