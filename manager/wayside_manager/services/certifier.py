"""Signs nodes' certificates with the authority that signs now.

Usage: `Certifier(authorities, life=timedelta(days=30)).issue("rsu-1", request_pem, kind=kind, now=now)`.
"""

from datetime import datetime, timedelta

from wayside_manager.core.credentials import CredentialKind, CredentialRecord
from wayside_manager.core.nodes import NodeKind
from wayside_manager.ports.certificates import IssuedCertificate
from wayside_manager.services.authorities import Authorities
from wayside_manager.services.certificate_profiles import key_digest
from wayside_manager.services.certificate_request import public_key, requested_key


class Certifier:
    """Satisfies `ports.NodeCertifier`."""

    def __init__(self, authorities: Authorities, *, life: timedelta, may_serve: bool = False) -> None:
        """Stores values; `may_serve`: RSUs may serve their neighbours with their certificates."""
        self._authorities = authorities
        self._may_serve = may_serve
        self.life = life

    @property
    def authorities_pem(self) -> str:
        """See NodeCertifier."""
        return self._authorities.authorities_pem

    @property
    def authorities_sha256(self) -> str:
        """See NodeCertifier."""
        return self._authorities.authorities_sha256

    def is_leaving(self, issuer_sha256: str) -> bool:
        """See NodeCertifier."""
        return self._authorities.is_leaving(issuer_sha256)

    def requested_key_sha256(self, request_pem: str) -> str:
        """See NodeCertifier."""
        return key_digest(requested_key(request_pem))

    def public_key_sha256(self, public_key_pem: str) -> str:
        """See NodeCertifier."""
        return key_digest(public_key(public_key_pem))

    def issue(
        self, node_id: str, request_pem: str, *, kind: NodeKind, now: datetime, is_confirmed: bool = True
    ) -> IssuedCertificate:
        """See NodeCertifier."""
        serves = self._may_serve and kind is NodeKind.RSU
        made = self._authorities.signing.node_certificate(node_id, request_pem, now=now, life=self.life, serves=serves)
        record = CredentialRecord(
            sha256=made.fingerprint,
            holder=f"nodes/{node_id}",
            kind=CredentialKind.CERTIFICATE,
            create_time=now,
            expire_time=made.expire_time,
            key_sha256=made.key_sha256,
            issuer_sha256=made.issuer_sha256,
            is_confirmed=is_confirmed,
        )
        return IssuedCertificate(made.pem, record)
