"""What verifies signatures of V2X messages: OpenSSL, or a chip with a driver of its own."""

from typing import Protocol

from wayside_agent.core.spdu.model import HashName, Key, Signature


class SecurityModule(Protocol):
    """Verifies and hashes. Blocks; called from a thread, one call at a time."""

    def digest(self, name: HashName, content: bytes) -> bytes:
        """The hash of some bytes.

        Raises: UnavailableError: it cannot hash so.
        """

    def verify(self, signature: Signature, key: Key, content: bytes) -> bool:
        """Whether the signature over some bytes, which it hashes itself, is by who has the key.

        Raises: UnavailableError: it cannot verify such. InvalidArgumentError: the key is no point of its curve.
        """
