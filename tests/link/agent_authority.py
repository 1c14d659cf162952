"""Authorities, nodes' certificates, and a manager that renews them, over real mutual TLS."""

import datetime as dt
import hashlib
import ipaddress
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.link.agent_peer import Behaviour, Context, Conversation, RoughManager
from wayside.errors import UnauthenticatedError, WaysideError
from wayside.status import to_status
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.drivers.files import make_private_directory
from wayside_agent.drivers.identity import IdentityFiles

PEM = serialization.Encoding.PEM
DAYS_30 = dt.timedelta(days=30)


def name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


class Authority:
    """One authority of a manager."""

    def __init__(self, common_name: str, *, life: tuple[dt.timedelta, dt.timedelta] = (-DAYS_30, DAYS_30)) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = name(common_name)
        now = dt.datetime.now(dt.UTC)
        self.certificate = (
            x509.CertificateBuilder(self.name, self.name, self.key.public_key(), x509.random_serial_number())
            .not_valid_before(now + life[0])
            .not_valid_after(now + life[1])
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self.key, hashes.SHA256())
        )
        self.pem = self.certificate.public_bytes(PEM).decode()

    def issued(self, public_key: ec.EllipticCurvePublicKey, *, life: tuple[float, float] = (-60.0, 86_400.0)) -> str:
        """A certificate, PEM, for both sides; its life in seconds from now."""
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder(self.name, name("peer"), public_key, x509.random_serial_number())
            .not_valid_before(now + dt.timedelta(seconds=life[0]))
            .not_valid_after(now + dt.timedelta(seconds=life[1]))
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
            )
            .sign(self.key, hashes.SHA256())
            .public_bytes(PEM)
            .decode()
        )

    def for_request(self, request_pem: str, *, life: tuple[float, float] = (-60.0, 86_400.0)) -> str:
        """A certificate for a PKCS#10 request."""
        request = x509.load_pem_x509_csr(request_pem.encode())
        assert request.is_signature_valid
        key = request.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        return self.issued(key, life=life)

    def server(self, *, life: tuple[float, float] = (-60.0, 86_400.0)) -> tuple[bytes, bytes]:
        """A key and certificate for a server, PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return pem, self.issued(key.public_key(), life=life).encode()


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class RenewingManager(RoughManager):
    """A manager that knows which certificate is its node's, and issues the next."""

    def __init__(
        self, *behaviours: Behaviour, life: tuple[float, float] = (-60.0, 86_400.0), authority: Authority | None = None
    ) -> None:
        super().__init__(*behaviours)
        self.authority = authority or Authority("first")
        self.life = life
        self.bundle_pem = self.authority.pem
        """What nodes shall trust."""
        self.client_roots_pem = self.authority.pem
        self.server = self.authority.server()
        self.accepted = ""
        self.next = ""
        self.keys_used: set[bytes] = set()
        self.calls: list[str] = []
        self.on_renew: Callable[[str], str] = lambda pem: pem
        """What becomes of the answer; may raise."""
        self.before_confirm: Callable[[], None] = lambda: None
        self.after_confirm: Callable[[], None] = lambda: None

    def enrol(self, files: IdentityFiles, node_id: str = "rsu-1") -> None:
        """Makes a unit this manager's node."""
        make_private_directory(files.directory)
        self.accepted = self.authority.for_request(files.request_pem(node_id), life=self.life)
        files.store(node_id=node_id, certificate_pem=self.accepted, authorities_pem=self.bundle_pem)

    async def __aenter__(self) -> Self:
        credentials = grpc.dynamic_ssl_server_credentials(self._configuration(), self._configuration, True)
        await self._serve(credentials)
        return self

    def _configuration(self) -> Any:  # noqa: ANN401  # the stubs have no public name for it
        return grpc.ssl_server_certificate_configuration([self.server], self.client_roots_pem.encode())

    def _handlers(self) -> dict[str, Any]:
        unary = grpc.unary_unary_rpc_method_handler
        return super()._handlers() | {
            "RenewCertificate": unary(
                self._renew,
                request_deserializer=wire.RenewCertificateRequest.FromString,
                response_serializer=wire.RenewCertificateResponse.SerializeToString,
            ),
            "ConfirmCertificate": unary(
                self._confirm,
                request_deserializer=wire.ConfirmCertificateRequest.FromString,
                response_serializer=wire.ConfirmCertificateResponse.SerializeToString,
            ),
            "GetAuthorities": unary(
                self._authorities,
                request_deserializer=wire.GetAuthoritiesRequest.FromString,
                response_serializer=wire.GetAuthoritiesResponse.SerializeToString,
            ),
        }

    async def _session(self, requests: object, context: Context) -> None:
        if shown(context) != self.accepted:
            await context.abort_with_status(to_status(UnauthenticatedError("this certificate is not the node's")))
        await super()._session(requests, context)

    async def _renew(self, request: wire.RenewCertificateRequest, context: Context) -> wire.RenewCertificateResponse:
        self.calls.append("renew")
        assert shown(context) == self.accepted
        issued = self.authority.for_request(request.certificate_request_pem, life=self.life)
        try:
            self.next = self.on_renew(issued)
        except WaysideError as error:
            await context.abort_with_status(to_status(error))
        return wire.RenewCertificateResponse(certificate_pem=self.next, authorities_pem=self.bundle_pem)

    async def _confirm(
        self, _request: wire.ConfirmCertificateRequest, context: Context
    ) -> wire.ConfirmCertificateResponse:
        self.calls.append("confirm")
        try:
            self.before_confirm()
            if shown(context) not in {self.next, self.accepted}:
                raise UnauthenticatedError("this certificate is not the node's")
            self.accepted = shown(context)
            self.after_confirm()
        except WaysideError as error:
            await context.abort_with_status(to_status(error))
        return wire.ConfirmCertificateResponse()

    async def _authorities(self, _request: object, _context: Context) -> wire.GetAuthoritiesResponse:
        self.calls.append("authorities")
        return wire.GetAuthoritiesResponse(authorities_pem=self.bundle_pem)

    def notice(self, *, should_renew: bool = False) -> wire.SessionResponse:
        """What to trust now."""
        trust = wire.TrustNotice(authorities_sha256=sha256(self.bundle_pem), should_renew=should_renew)
        return wire.SessionResponse(trust=trust)


def shown(context: Context) -> str:
    """The certificate of the caller, PEM."""
    certificates: Any = context.auth_context()["x509_pem_cert"]
    return str(certificates[0].decode())


async def asks_to_renew(conversation: Conversation) -> None:
    """Welcomes, asks for a new certificate, acknowledges everything."""
    await conversation.welcomes()
    notice = wire.TrustNotice(should_renew=True)
    await conversation.says(wire.SessionResponse(trust=notice))
    while (request := await conversation.hears()) is not None:
        await conversation.acks(request.report.sequence)


def key_of(path: Path) -> bytes:
    """The public key of a PEM certificate file."""
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    return certificate.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
