"""Who signs nodes' certificates, and whom nodes must trust."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from wayside_manager.core.credentials import CredentialRecord
from wayside_manager.core.nodes import NodeKind


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """A certificate, and what to keep of it."""

    pem: str
    record: CredentialRecord


class NodeCertifier(Protocol):
    """The authorities, as far as nodes are concerned."""

    @property
    def life(self) -> timedelta:
        """How long a node's certificate lasts."""

    @property
    def authorities_pem(self) -> str:
        """Whom nodes must trust."""

    @property
    def authorities_sha256(self) -> str:
        """SHA-256 of that text, lower-case hex."""

    def is_leaving(self, issuer_sha256: str) -> bool:
        """Whether what an authority signed should be renewed."""

    def requested_key_sha256(self, request_pem: str) -> str:
        """Hash of the public key (DER SubjectPublicKeyInfo) of a PKCS#10 request, lower-case hex.

        Raises: InvalidArgumentError: no request, a wrong signature, or a key that is too weak.
        """

    def public_key_sha256(self, public_key_pem: str) -> str:
        """The same of a public key.

        Raises: InvalidArgumentError: no public key, or one that is too weak.
        """

    def issue(
        self, node_id: str, request_pem: str, *, kind: NodeKind, now: datetime, is_confirmed: bool = True
    ) -> IssuedCertificate:
        """A client certificate for a node; with that of an RSU it may also serve its neighbours, if they may be served.

        Raises: InvalidArgumentError: as `requested_key_sha256`.
        """
