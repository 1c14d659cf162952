"""Who the unit is: its private key and the certificate the manager gave it, as files of mode 0600.

The key is made on the device and never leaves it. `cryptography` is imported only where a key or a request is made.

Tested with: ext4, tmpfs.
Source: PKCS#10 (RFC 2986), SAN URI `wayside://nodes/{node}` as the manager issues it.
"""

import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wayside.errors import FailedPreconditionError, InvalidArgumentError
from wayside.names import checked_label
from wayside_agent.drivers.files import write_atomic
from wayside_agent.ports.errors import DeviceFaultError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec


@dataclass(frozen=True, slots=True)
class Identity:
    """Credentials of an enrolled unit, PEM."""

    node_id: str
    key_pem: bytes
    certificate_pem: bytes
    authorities_pem: bytes


@dataclass(frozen=True, slots=True)
class IdentityFiles:
    """The identity kept in one directory."""

    directory: Path

    @property
    def key_file(self) -> Path:
        """The private key, PEM."""
        return self.directory / "key.pem"

    @property
    def certificate_file(self) -> Path:
        """The certificate the manager gave, PEM."""
        return self.directory / "certificate.pem"

    @property
    def authorities_file(self) -> Path:
        """The authorities to trust, PEM."""
        return self.directory / "authorities.pem"

    @property
    def node_file(self) -> Path:
        """The node id; the last to be written: without it there is no identity."""
        return self.directory / "node"

    def load(self) -> Identity:
        """The identity of this unit.

        Raises:
            FailedPreconditionError: the unit is not enrolled, or a file is damaged.
            DeviceFaultError: a file cannot be read.
        """
        try:
            identity = self._read()
        except FileNotFoundError as error:
            raise FailedPreconditionError(
                f"{self.directory}: this unit is not enrolled ({Path(str(error.filename)).name} is missing); "
                "run `wayside-agent enroll` with a token from an operator",
                reason="NOT_ENROLLED",
            ) from error
        except OSError as error:
            raise DeviceFaultError(
                f"{error.filename}: cannot be read ({error.strerror}); correct its owner and mode"
            ) from error
        except (UnicodeDecodeError, InvalidArgumentError) as error:
            raise _damaged(self.node_file, "no node id") from error
        _check_trust(self.authorities_file, identity.authorities_pem)
        _check_pair(self.certificate_file, self.key_file)
        return identity

    def certificate_request_pem(self, node_id: str) -> str:
        """A PKCS#10 request for the unit's key, which is made and stored first if there is none.

        Raises: FailedPreconditionError: the key is damaged. DeviceFaultError, ResourceExhaustedError: the disk refuses.
        """
        from cryptography import x509  # 12 MB that only enrolment needs
        from cryptography.hazmat.primitives import hashes, serialization  # as above
        from cryptography.x509.oid import NameOID  # as above

        key = self._key()
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, node_id)])
        request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
        return request.public_bytes(serialization.Encoding.PEM).decode()

    def store(self, *, node_id: str, certificate_pem: str, authorities_pem: str) -> None:
        """Keeps what the manager gave. Interrupted, it leaves a unit that can be enrolled, with the same key.

        Raises:
            FailedPreconditionError: it does not fit the unit's key, or is no PEM; nothing was changed.
            DeviceFaultError, ResourceExhaustedError: the disk refuses.
        """
        _check_trust(self.authorities_file, authorities_pem.encode())
        with tempfile.NamedTemporaryFile("w", dir=self.directory, suffix=".pem") as fresh:
            fresh.write(certificate_pem)
            fresh.flush()
            _check_pair(Path(fresh.name), self.key_file)
        self.node_file.unlink(missing_ok=True)
        write_atomic(self.certificate_file, certificate_pem.encode(), mode=0o600)
        write_atomic(self.authorities_file, authorities_pem.encode(), mode=0o600)
        write_atomic(self.node_file, f"{node_id}\n".encode(), mode=0o600)

    def _read(self) -> Identity:
        node_id = self.node_file.read_text(encoding="ascii").strip()
        return Identity(
            node_id=checked_label(node_id, field=str(self.node_file)),
            key_pem=self.key_file.read_bytes(),
            certificate_pem=self.certificate_file.read_bytes(),
            authorities_pem=self.authorities_file.read_bytes(),
        )

    def _key(self) -> "ec.EllipticCurvePrivateKey":
        from cryptography.hazmat.primitives import serialization  # see certificate_request_pem
        from cryptography.hazmat.primitives.asymmetric import ec  # see certificate_request_pem

        if not self.key_file.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            pem = key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            write_atomic(self.key_file, pem, mode=0o600)
            return key
        try:
            found = serialization.load_pem_private_key(self.key_file.read_bytes(), password=None)
        except (ValueError, TypeError) as error:  # TypeError: it is encrypted
            raise _damaged(self.key_file, "no private key") from error
        if not isinstance(found, ec.EllipticCurvePrivateKey):
            raise FailedPreconditionError(f"{self.key_file}: is no elliptic-curve key; remove it to make a new one")
        return found


def _check_trust(path: Path, authorities_pem: bytes) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=authorities_pem.decode("ascii"))
    except ValueError as error:  # also of bytes that are no text
        raise _damaged(path, "no certificates") from error
    except ssl.SSLError as error:
        raise _damaged(path, "no certificates") from error


def _check_pair(certificate_file: Path, key_file: Path) -> None:
    try:
        # an empty password: an encrypted key is refused, and nobody is asked on a terminal
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate_file, key_file, password="")
    except ssl.SSLError as error:
        raise FailedPreconditionError(
            f"{certificate_file} and {key_file.name}: one is damaged or they do not belong together "
            f"({error.reason or 'no PEM'}); remove the key and enrol the unit again",
            reason="IDENTITY_DAMAGED",
        ) from error


def _damaged(path: Path, what: str) -> FailedPreconditionError:
    return FailedPreconditionError(
        f"{path}: holds {what}; remove it and enrol the unit again", reason="IDENTITY_DAMAGED"
    )
