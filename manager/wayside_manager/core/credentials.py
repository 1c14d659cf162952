"""Credentials of nodes, operators and integrators; the manager keeps only hashes."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class CredentialRecord:
    """An API token or a client certificate."""

    sha256: str
    """Of the token's UTF-8 bytes or the certificate's DER form, lower-case hex."""
    name: str
    """Who holds it, and its sort: see `api.identity.credential_name`. Unique."""
    create_time: datetime
    expire_time: datetime | None = None
    """`None`: never."""
