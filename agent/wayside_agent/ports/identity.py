"""Who the unit is, and how it becomes its own successor when its certificate is renewed."""

import hashlib
from dataclasses import dataclass
from typing import Protocol

from wayside_agent.ports.keys import Sign


@dataclass(frozen=True, slots=True)
class Identity:
    """Credentials of an enrolled unit, PEM."""

    node_id: str
    secret: bytes | Sign
    """The private key, or the means to sign with it."""
    certificate_pem: bytes
    authorities_pem: bytes

    @property
    def authorities_sha256(self) -> str:
        """Of the text as the manager sent it, lower-case hex."""
        return hashlib.sha256(self.authorities_pem).hexdigest()


class IdentityStore(Protocol):
    """The present identity and its successor, on the disk. All of it blocks; all of it raises DeviceError.

    A power cut at any instant leaves a whole identity, and a successor that is whole or not there.
    """

    def load(self) -> Identity:
        """The present identity. Raises: FailedPreconditionError: it is damaged."""

    def load_next(self) -> Identity | None:
        """The successor that was not adopted yet."""

    def store_next(self, *, certificate_pem: str, authorities_pem: str) -> None:
        """Keeps a successor for the key that was made last. Raises: FailedPreconditionError: it does not fit."""

    def discard_next(self) -> None:
        """Forgets the successor and destroys its key."""

    def adopt_next(self) -> None:
        """Puts the successor in place and destroys the old key."""

    def store_again(self, certificate_pem: str, *, is_next: bool) -> Identity:
        """Replaces the certificate, of the successor or of the present identity, by one for the same key; returns both.

        Raises: FailedPreconditionError: it does not fit the key; nothing was changed.
        """

    def check_authorities(self, authorities_pem: str) -> None:
        """Whether it is a list of certificates. Raises: InvalidArgumentError."""

    def store_authorities(self, authorities_pem: str) -> None:
        """Replaces the authorities to trust. Raises: FailedPreconditionError: they are no certificates."""
