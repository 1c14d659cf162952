"""Credentials of operators and integrators; the manager keeps only hashes."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class CredentialRecord:
    """An API token of an operator."""

    sha256: str
    """Of the token's UTF-8 bytes, lower-case hex."""
    name: str
    """Who holds it. Unique."""
    create_time: datetime
    expire_time: datetime | None = None
    """`None`: never."""
