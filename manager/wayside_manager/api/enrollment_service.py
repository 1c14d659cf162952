"""EnrollmentService: a token and a certificate request go in, a certificate comes out."""

# ruff: noqa: ARG002, N802 -- gRPC fixes the names and the arguments of RPCs
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from wayside.errors import InvalidArgumentError
from wayside.names import checked_esn, checked_label, node_name
from wayside.v1 import enrollment_service_pb2, enrollment_service_pb2_grpc
from wayside_manager.api.identity import credential_name, token_hash
from wayside_manager.api.node_messages import required_kind, timestamp
from wayside_manager.api.scopes import Context
from wayside_manager.core.credentials import CredentialRecord
from wayside_manager.core.enrollment import EnrollmentRequest
from wayside_manager.core.policy import Caller
from wayside_manager.ports.enrollment import EnrollmentStore
from wayside_manager.ports.wakeups import Bus, Topic

TOKEN_MAX_CHARS = 256


class IssuedCertificate(Protocol):
    """A certificate of the authority."""

    @property
    def pem(self) -> str:
        """The certificate."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the DER form, lower-case hex."""

    @property
    def expire_time(self) -> datetime:
        """When it ends."""


class CertificateAuthority(Protocol):
    """Who signs."""

    @property
    def certificate_pem(self) -> str:
        """What peers must trust."""

    def node_certificate(self, node_id: str, request_pem: str, *, now: datetime) -> IssuedCertificate:
        """A client certificate for a node.

        Raises: InvalidArgumentError: the request.
        """


class EnrollmentService(enrollment_service_pb2_grpc.EnrollmentServiceServicer):
    """First contact."""

    def __init__(
        self, store: EnrollmentStore, authority: CertificateAuthority, bus: Bus, *, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._authority = authority
        self._bus = bus
        self._now = now

    async def Enroll(
        self, request: enrollment_service_pb2.EnrollRequest, context: Context
    ) -> enrollment_service_pb2.EnrollResponse:
        """Makes the caller a node. Its newest certificate is the only one that counts."""
        if not request.token or len(request.token) > TOKEN_MAX_CHARS:
            raise InvalidArgumentError(f"token: give 1 to {TOKEN_MAX_CHARS} characters")
        node_id, esn = checked_label(request.node_id, field="node_id"), checked_esn(request.esn, field="esn")
        kind, now = required_kind(request.kind, field="kind"), self._now()
        # signed first: a request that cannot be signed must not use up the token
        certificate = self._authority.node_certificate(node_id, request.certificate_request_pem, now=now)
        shown = CredentialRecord(
            sha256=certificate.fingerprint,
            name=credential_name(Caller.NODE, node_id, is_certificate=True),
            create_time=now,
            expire_time=certificate.expire_time,
        )
        wanted = EnrollmentRequest(token_hash(request.token), node_id, esn, kind, shown)
        node = await self._store.enroll(wanted, now=now)
        await self._bus.publish(Topic.NODE, (node.node_id,))
        return enrollment_service_pb2.EnrollResponse(
            node=node_name(node.node_id),
            certificate_pem=certificate.pem,
            authorities_pem=self._authority.certificate_pem,
            expire_time=timestamp(certificate.expire_time),
        )
