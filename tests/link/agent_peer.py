"""A manager that misbehaves as a test tells it, over mutual TLS on a free port, and the credentials to reach it."""

import datetime as dt
import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from google.protobuf.message import Message

from wayside.errors import WaysideError
from wayside.status import to_status
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.ports.identity import Identity

Context = grpc.aio.ServicerContext[Any, Any]
Behaviour = Callable[["Conversation"], Awaitable[None]]


@dataclass(frozen=True)
class Credentials:
    """One key and a certificate of its own that vouches for itself, for both sides."""

    key_pem: bytes
    certificate_pem: bytes


def credentials() -> Credentials:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return Credentials(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        certificate.public_bytes(pem),
    )


@dataclass
class Conversation:
    """One call, seen from the manager."""

    context: Context
    requests: list[Any] = field(default_factory=list)

    async def hears(self) -> wire.SessionRequest | None:
        """The next message up; `None`: the agent has gone."""
        request = await self.context.read()
        if not isinstance(request, wire.SessionRequest):
            return None
        self.requests.append(request)
        return request

    async def says(self, message: Message | bytes) -> None:
        """Sends a message, or bytes that are none."""
        await self.context.write(message if isinstance(message, bytes) else message.SerializeToString())

    async def welcomes(self, acknowledged: int = 0) -> None:
        """Hears the hello and answers it."""
        await self.hears()
        welcome = wire.SessionWelcome(acknowledged_sequence=acknowledged)
        welcome.server_time.GetCurrentTime()
        await self.says(wire.SessionResponse(welcome=welcome))

    async def acks(self, sequence: int) -> None:
        """Acknowledges."""
        await self.says(wire.SessionResponse(ack=wire.ReportAck(sequence=sequence)))

    async def desires(self, revision: int) -> None:
        """Sends a desired state."""
        await self.says(wire.SessionResponse(desired_state=wire.DesiredState(revision=revision)))

    async def refuses(self, error: WaysideError) -> None:
        """Ends the call with an error."""
        await self.context.abort_with_status(to_status(error))

    async def waits(self) -> None:
        """Reads on until the agent has gone."""
        while await self.hears() is not None:
            pass


async def sound(conversation: Conversation) -> None:
    """What a good manager does: welcome, and an acknowledgement of each report."""
    await conversation.welcomes()
    while (request := await conversation.hears()) is not None:
        await conversation.acks(request.report.sequence)


class RoughManager:
    """A NodeService that takes one behaviour per session, then the last of them for ever."""

    def __init__(self, *behaviours: Behaviour) -> None:
        self.behaviours = list(behaviours)
        self.sessions: list[Conversation] = []
        self.artifact: Callable[[wire.FetchArtifactRequest], AsyncIterator[bytes]] | None = None
        self.trust: Callable[[wire.FetchTrustRequest, Context], Awaitable[bytes]] | None = None
        """Its answer to FetchTrust."""
        self.configs: dict[int, bytes] = {}
        """Configurations it sends, by revision."""
        self.conversations: dict[str, Callable[[Context], Awaitable[None]]] = {}
        """What it does with a call of a job, by the RPC's name."""
        self.own = credentials()
        self.port = 0

    @property
    def identity(self) -> Identity:
        """Credentials of a unit that this manager takes."""
        return Identity("rsu-1", self.own.key_pem, self.own.certificate_pem, self.own.certificate_pem)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        own = self.own
        server_credentials = grpc.ssl_server_credentials(
            [(own.key_pem, own.certificate_pem)], own.certificate_pem, require_client_auth=True
        )
        await self._serve(server_credentials)
        return self

    async def _serve(self, server_credentials: grpc.ServerCredentials) -> None:
        self._server = grpc.aio.server()
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("wayside.v1.NodeService", self._handlers()),)
        )
        self.port = self._server.add_secure_port("127.0.0.1:0", server_credentials)
        await self._server.start()

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop(grace=None)

    def _handlers(self) -> dict[str, Any]:
        return {
            "Session": grpc.stream_stream_rpc_method_handler(
                self._session, request_deserializer=wire.SessionRequest.FromString
            ),
            "FetchConfig": grpc.unary_unary_rpc_method_handler(
                self._fetch_config,
                request_deserializer=wire.FetchConfigRequest.FromString,
                response_serializer=wire.FetchConfigResponse.SerializeToString,
            ),
            "UploadJobArtifact": grpc.stream_stream_rpc_method_handler(
                self._upload,
                request_deserializer=wire.UploadJobArtifactRequest.FromString,
            ),
            "OpenShell": grpc.stream_stream_rpc_method_handler(
                self._shell,
                request_deserializer=wire.OpenShellRequest.FromString,
            ),
            "FetchTrust": grpc.unary_unary_rpc_method_handler(
                self._fetch_trust, request_deserializer=wire.FetchTrustRequest.FromString
            ),
            "FetchArtifact": grpc.unary_stream_rpc_method_handler(
                self._fetch, request_deserializer=wire.FetchArtifactRequest.FromString
            ),
        }

    async def _session(self, _requests: object, context: Context) -> None:
        conversation = Conversation(context)
        self.sessions.append(conversation)
        behaviour = self.behaviours.pop(0) if len(self.behaviours) > 1 else self.behaviours[0]
        await behaviour(conversation)

    async def _upload(self, _requests: object, context: Context) -> None:
        await self.conversations["UploadJobArtifact"](context)

    async def _shell(self, _requests: object, context: Context) -> None:
        await self.conversations["OpenShell"](context)

    async def _fetch_config(self, request: wire.FetchConfigRequest, _context: Context) -> wire.FetchConfigResponse:
        return wire.FetchConfigResponse(revision=request.revision, config=self.configs[request.revision])

    async def _fetch_trust(self, request: wire.FetchTrustRequest, context: Context) -> bytes:
        assert self.trust
        return await self.trust(request, context)

    async def _fetch(self, request: wire.FetchArtifactRequest, _context: Context) -> AsyncIterator[bytes]:
        assert self.artifact
        async for content in self.artifact(request):
            yield content
