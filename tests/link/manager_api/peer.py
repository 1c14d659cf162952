"""A manager in this process and what tests need to speak to it as a node, an operator or a stranger."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import grpc.aio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.link.manager_api.stubs import CALL_S, Stubs, is_status_lost
from tests.releases import archive
from tests.signing import signed_targets, target
from wayside.errors import WaysideError
from wayside.status import from_rpc_error
from wayside.v1 import (
    access_service_pb2,
    config_service_pb2,
    enrollment_service_pb2,
    node_pb2,
    node_service_pb2,
    release_service_pb2,
)
from wayside_manager.app import Endpoints
from wayside_manager.services.authority import key_pem, new_key
from wayside_manager.settings import DataFolder


@dataclass
class Clock:
    """A clock that tests push on; certificates are judged by the real one, so it begins there."""

    time: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.time

    def push(self, **delta: float) -> None:
        self.time += timedelta(**delta)


@dataclass(frozen=True)
class NodeCredential:
    """What a unit has after enrolment."""

    node_id: str
    certificate_pem: str
    key_pem: str
    authorities_pem: str


class Peer(Stubs):
    """A caller, and what tests often ask for."""

    async def publish(self, archive: bytes, **spec: Any) -> release_service_pb2.CreateReleaseResponse:  # noqa: ANN401  # fields of a message
        return await self.upload(upload(archive, **spec))


class Session:
    """A node's stream, message by message."""

    def __init__(
        self,
        peer: Peer,
        *,
        spool_id: str = "spool-1",
        say_hello: bool = True,
        tree_sha256: str = "",
        peer_address: str = "",
    ) -> None:
        self._peer = peer
        self.call = peer.node.Session(None, timeout=CALL_S)
        self._peer_address = peer_address  # where it serves its neighbours
        self._tree_sha256 = tree_sha256  # of the files it runs
        self._spool_id = spool_id if say_hello else ""

    async def opened(self) -> "Session":
        hello = node_service_pb2.SessionHello(
            agent_version="1.0.0",
            spool_id=self._spool_id,
            running_tree_sha256=self._tree_sha256,
            peer_address=self._peer_address,
        )
        while True:
            try:
                await self.call.write(node_service_pb2.SessionRequest(hello=hello))
            except grpc.aio.AioRpcError as exc:  # refused before it was written: `next` says why
                if is_status_lost(exc):
                    self.call = self._peer.node.Session(None, timeout=CALL_S)
                    continue
            return self

    async def report(self, sequence: int, **body: Any) -> None:  # noqa: ANN401  # fields of a message
        if not body:
            body = {"health": node_pb2.HealthReport(agent_version="1.0.0", config_revision=0)}
        report = node_service_pb2.Report(sequence=sequence, **body)
        try:
            await self.call.write(node_service_pb2.SessionRequest(report=report))
        except grpc.aio.AioRpcError as exc:  # grpc's client then says INTERNAL, whatever ended the stream
            raise from_rpc_error(exc) from exc

    async def next(self) -> node_service_pb2.SessionResponse:
        """The next message down; raises what ended the session."""
        try:
            answer = await self.call.read()
        except grpc.aio.AioRpcError as exc:
            raise from_rpc_error(exc) from exc
        if isinstance(answer, node_service_pb2.SessionResponse):
            return answer
        trailers = await self.call.trailing_metadata()
        ended = grpc.aio.AioRpcError(
            await self.call.code(), grpc.aio.Metadata(), trailers, await self.call.details(), None
        )
        raise from_rpc_error(ended)

    async def until(self, kind: str) -> Any:  # noqa: ANN401  # each kind has its own type
        """The next message of a kind, passing over others."""
        while True:
            answer = await self.next()
            if answer.WhichOneof("message") == kind:
                return getattr(answer, kind)

    async def ended(self) -> WaysideError:
        """What ended the session, passing over what is sent before."""
        while True:
            try:
                await self.next()
            except WaysideError as exc:
                return exc


@dataclass
class LocalManager:
    """A manager that runs, and its first operator's credential."""

    folder: DataFolder
    endpoints: Endpoints
    clock: Clock

    @property
    def ca_pem(self) -> bytes:
        return (self.folder.operator / "ca.pem").read_bytes()

    @property
    def token(self) -> str:
        return (self.folder.operator / "token").read_text().strip()

    @asynccontextmanager
    async def stranger(self, *, token: str = "", ca_pem: bytes = b"") -> AsyncIterator[Peer]:
        """Somebody on the operator port, with a token or without."""
        credentials = grpc.ssl_channel_credentials(ca_pem or self.ca_pem)
        async with grpc.aio.secure_channel(self.endpoints.operator_address, credentials) as channel:
            yield Peer(channel, token)

    @asynccontextmanager
    async def operator(self) -> AsyncIterator[Peer]:
        async with self.stranger(token=self.token) as peer:
            yield peer

    @asynccontextmanager
    async def certified(self, certificate_pem: str, key: str, *, ca_pem: bytes = b"") -> AsyncIterator[Peer]:
        """Somebody on the device port."""
        credentials = grpc.ssl_channel_credentials(ca_pem or self.ca_pem, key.encode(), certificate_pem.encode())
        async with grpc.aio.secure_channel(self.endpoints.device_address, credentials) as channel:
            yield Peer(channel)

    @asynccontextmanager
    async def node(self, credential: NodeCredential) -> AsyncIterator[Peer]:
        async with self.certified(credential.certificate_pem, credential.key_pem) as peer:
            yield peer

    async def enroll(self, node_id: str, *, token: str = "", kind: str = "RSU", esn: str = "") -> NodeCredential:
        """Makes a node; without a token, with one bound to it."""
        async with self.operator() as operator, self.stranger() as unit:
            token = token or await operator.enrollment_token(node=f"nodes/{node_id}")
            key = new_key()
            request = enrollment(token, node_id, csr(key), kind=kind, esn=esn)
            answer = await unit.call(unit.enrollment.Enroll, request)
            return NodeCredential(node_id, answer.certificate_pem, key_pem(key), answer.authorities_pem)


def role(name: str, tenant_id: str = "root", *, sites: tuple[str, ...] = ()) -> access_service_pb2.Binding:
    """A role such as `release-manager` in a tenant."""
    word = f"ROLE_{name.upper().replace('-', '_')}"
    return access_service_pb2.Binding(
        role=access_service_pb2.Role.Value(word), tenant=f"tenants/{tenant_id}", sites=sites
    )


def csr(key: ec.EllipticCurvePrivateKey) -> str:
    """A certificate request that asks to be an operator, which must not help."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "wayside://operators/admin")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


def enrollment(
    token: str, node_id: str, request_pem: str, *, kind: str = "RSU", esn: str = ""
) -> enrollment_service_pb2.EnrollRequest:
    return enrollment_service_pb2.EnrollRequest(
        token=token,
        node_id=node_id,
        esn=esn or f"ESN-{node_id}",
        kind=node_pb2.NodeKind.Value(f"NODE_KIND_{kind}"),
        certificate_request_pem=request_pem,
    )


def layer(layer_id: str = "base", *, period_s: int = 5, priority: int = 10) -> config_service_pb2.ConfigLayer:
    """A layer for every node that sets the report period."""
    made = config_service_pb2.ConfigLayer(
        name=f"configLayers/{layer_id}", priority=priority, selector=node_pb2.NodeSelector(all_nodes=True)
    )
    made.config.update({"report_period_s": period_s})
    return made


def release_archive(version: str, *, payload: bytes = b"agent", config_schema: bytes | None = None) -> bytes:
    """A release as tools build it, with the schema of its configuration or without."""
    return archive(version, {"site/agent.py": payload}, schema=config_schema or b"")


def upload(archive: bytes, **spec: Any) -> Iterator[release_service_pb2.CreateReleaseRequest]:  # noqa: ANN401  # fields of a message
    """The messages of an upload; `spec` overrides what is said of the archive."""
    said: dict[str, Any] = {
        "version": "1.1.0",
        "sha256": hashlib.sha256(archive).hexdigest(),
        "size_bytes": len(archive),
    } | spec
    if "image_targets" not in spec:
        signed = target(
            archive, said["version"], sha256=said["sha256"], size_bytes=max(0, min(said["size_bytes"], 2**53))
        )
        said["image_targets"] = signed_targets(signed)
    yield release_service_pb2.CreateReleaseRequest(spec=release_service_pb2.ReleaseSpec(**said))
    for start in range(0, len(archive), 1 << 20):
        yield release_service_pb2.CreateReleaseRequest(content=archive[start : start + (1 << 20)])
