"""Credentials of nodes, operators and programs; the manager keeps only hashes."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wayside_manager.core.access import Binding, OperatorRecord, Tenants


class CredentialKind(StrEnum):
    """What a credential is."""

    CERTIFICATE = "certificate"
    API_TOKEN = "api-token"  # noqa: S105  # a word, no secret
    SESSION = "session"
    """A token from signing in."""


@dataclass(frozen=True, slots=True)
class CredentialRecord:
    """A token or a client certificate."""

    sha256: str
    """Of the token's UTF-8 bytes or the certificate's DER form, lower-case hex."""
    holder: str
    """`operators/{operator}` or `nodes/{node}`."""
    kind: CredentialKind
    create_time: datetime
    expire_time: datetime | None = None
    revoke_time: datetime | None = None
    """From then on it opens nothing. In the future: it is on its way out."""
    display_name: str = ""
    bindings: tuple[Binding, ...] = ()
    """What it may do at most. Empty: all its holder may."""
    key_sha256: str = ""
    """Of the certificate's public key (DER SubjectPublicKeyInfo), lower-case hex."""
    issuer_sha256: str = ""
    """Of the authority's certificate (DER), lower-case hex."""
    is_confirmed: bool = True
    """False: a node's next certificate, not yet proven on a second connection."""

    @property
    def credential_id(self) -> str:
        """What it is called: the start of its hash, which nobody can turn into the token."""
        return self.sha256[:24]

    def is_valid(self, now: datetime) -> bool:
        """Whether it opens anything now."""
        return (self.expire_time is None or now < self.expire_time) and (
            self.revoke_time is None or now < self.revoke_time
        )


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A credential that is valid, and who holds it. One of `operator` and `node_id` is set."""

    tenants: Tenants
    credential: CredentialRecord | None = None
    """`None`: a token of an OpenID provider."""
    operator: OperatorRecord | None = None
    node_id: str = ""
