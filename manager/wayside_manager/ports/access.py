"""Who may come in."""

from datetime import datetime
from typing import Protocol

from wayside_manager.core.credentials import CredentialRecord


class CredentialStore(Protocol):
    """Tokens and certificates, as hashes."""

    async def add_credential(self, credential: CredentialRecord) -> None:
        """Keeps a credential.

        Raises: AlreadyExistsError: the name or the hash is taken.
        """

    async def find_credential(self, sha256: str, *, now: datetime) -> CredentialRecord:
        """The credential with a hash.

        Raises: UnauthenticatedError: there is none, or it has expired.
        """

    async def list_credentials(self) -> tuple[CredentialRecord, ...]:
        """Every credential in order of names."""

    async def delete_credential(self, name: str) -> None:
        """Forgets a credential.

        Raises: NotFoundError.
        """
