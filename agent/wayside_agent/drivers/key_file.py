"""Private keys as files of mode 0600: the default, for units without a security chip.

`cryptography` is imported only where a key or a request is made, which the daemon leaves to a child process.

**Tested with:** ext4, tmpfs.
**Source:** PKCS#8 (RFC 5958), PKCS#10 (RFC 2986).
"""

import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from wayside.errors import FailedPreconditionError
from wayside_agent.drivers.files import disk_errors, sync_directory, write_atomic
from wayside_agent.ports.keys import Sign

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec


class KeyFile:
    """`ports.keys.KeyStore` with a PEM file per key."""

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """None: the keys lie in `state_dir`."""

    file_name = "key.pem"

    def __init__(self, options: Options) -> None:
        """Takes no values."""
        self._options = options

    def request_pem(self, folder: Path, common_name: str) -> str:
        """A PKCS#10 request for the folder's key, which is made and stored first if there is none.

        Raises: FailedPreconditionError: the key is damaged. DeviceFaultError, ResourceExhaustedError: the disk refuses.
        """
        from wayside_agent.drivers.certificate_request import request_pem  # 12 MB that only a new certificate needs

        return request_pem(self._key(folder), common_name)

    def public_key_der(self, folder: Path) -> bytes:
        """SubjectPublicKeyInfo of the folder's key, which is made and stored first if there is none.

        Raises: as `request_pem`.
        """
        from wayside_agent.drivers.certificate_request import public_key_der  # see request_pem

        return public_key_der(self._key(folder))

    def secret(self, folder: Path, certificate_file: Path) -> bytes | Sign:
        """The folder's key, PEM.

        Raises: FileNotFoundError, OSError. FailedPreconditionError: damaged, or it does not fit the certificate.
        """
        path = folder / self.file_name
        pem = path.read_bytes()
        try:
            # an empty password: an encrypted key is refused, and nobody is asked on a terminal
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate_file, path, password="")
        except ssl.SSLError as error:
            raise FailedPreconditionError(
                f"{folder}: certificate and {path.name}: one is damaged or they do not belong together "
                f"({error.reason or 'no PEM'}); remove the key and enrol the unit again",
                reason="IDENTITY_DAMAGED",
            ) from error
        return pem

    def delete(self, folder: Path) -> None:
        """Removes the folder's key.

        Raises: DeviceFaultError.
        """
        path = folder / self.file_name
        with disk_errors(path):
            if path.exists():
                path.unlink()
                sync_directory(folder)

    def _key(self, folder: Path) -> "ec.EllipticCurvePrivateKey":
        from cryptography.hazmat.primitives import serialization  # see request_pem
        from cryptography.hazmat.primitives.asymmetric import ec  # see request_pem

        path = folder / self.file_name
        if not path.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            pem = key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            write_atomic(path, pem, mode=0o600)
            return key
        try:
            with disk_errors(path):
                content = path.read_bytes()
            found = serialization.load_pem_private_key(content, password=None)
        except (ValueError, TypeError) as error:  # TypeError: it is encrypted
            raise FailedPreconditionError(
                f"{path}: holds no private key; remove it and enrol the unit again", reason="IDENTITY_DAMAGED"
            ) from error
        if not isinstance(found, ec.EllipticCurvePrivateKey):
            raise FailedPreconditionError(f"{path}: is no elliptic-curve key; remove it to make a new one")
        return found
