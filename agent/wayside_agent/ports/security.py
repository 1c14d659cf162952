"""What verifies signatures of V2X messages: OpenSSL, or a security chip."""

from typing import Protocol

from wayside_agent.core.security.signing import Algorithm, Key, Signature


class SecurityModule(Protocol):
    """Verifies one signature at a time; many threads may ask at once."""

    def supports(self, algorithm: Algorithm) -> bool:
        """Whether it can verify these; never raises."""

    def verify(self, message: bytes, signature: Signature, key: Key) -> bool:
        """Whether somebody with this key has signed the message.

        Args:
            message: What is hashed once more with the hash of the algorithm (`signing.signed_input`).
            signature: Of the algorithm of the key.
            key: As a certificate has it; a point that is not on its curve verifies nothing.

        Raises: DeviceError: it cannot verify at all.
        """
