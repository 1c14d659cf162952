"""Where private keys live. All of it blocks, for seconds if a token is slow: call it in a thread or a child process."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

Sign = Callable[[bytes], bytes]
"""The ECDSA signature, DER, over the SHA-256 of some bytes. Blocks; any thread may call it; raises DeviceError."""


class KeyStore(Protocol):
    """Private keys, P-256, each made here and never shown. A key belongs to a folder: its file is it, or names it."""

    @property
    def file_name(self) -> str:
        """The file in a credential's folder that holds the key, or says which one it is."""

    def request_pem(self, folder: Path, common_name: str) -> str:
        """A PKCS#10 request for the folder's key, which is made first if there is none.

        Raises: FailedPreconditionError: the key is damaged. DeviceError, ResourceExhaustedError.
        """

    def public_key_der(self, folder: Path) -> bytes:
        """SubjectPublicKeyInfo of the folder's key, which is made first if there is none.

        Raises: as `request_pem`.
        """

    def secret(self, folder: Path, certificate_file: Path) -> bytes | Sign:
        """The folder's key for a TLS client, PEM, or the means to sign with it.

        Raises: FileNotFoundError: there is none. FailedPreconditionError: it does not fit the certificate. DeviceError.
        """

    def delete(self, folder: Path) -> None:
        """Destroys the folder's key; one that is gone is no error.

        Raises: DeviceError.
        """
