"""Who the unit is: its private key and the certificate the manager gave it, as files of mode 0600.

The key is made on the device and never leaves it. `cryptography` is imported only where a key or a request is made.

Tested with: ext4, tmpfs.
Source: PKCS#10 (RFC 2986), SAN URI `wayside://nodes/{node}` as the manager issues it.
"""

from dataclasses import dataclass
from pathlib import Path

from wayside.errors import FailedPreconditionError
from wayside_agent.drivers.files import write_atomic

NODE_FILE = "node"


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

    def load(self) -> Identity:
        """The identity of this unit.

        Raises: FailedPreconditionError: the unit is not enrolled.
        """
        try:
            return Identity(
                node_id=(self.directory / NODE_FILE).read_text(encoding="ascii").strip(),
                key_pem=self.key_file.read_bytes(),
                certificate_pem=self.certificate_file.read_bytes(),
                authorities_pem=self.authorities_file.read_bytes(),
            )
        except FileNotFoundError as error:
            raise FailedPreconditionError(
                f"{self.directory}: this unit is not enrolled ({Path(str(error.filename)).name} is missing); "
                "run `wayside-agent enroll` with a token from an operator",
                reason="NOT_ENROLLED",
            ) from error

    def certificate_request_pem(self, node_id: str) -> str:
        """A PKCS#10 request for the unit's key, which is made and stored first if there is none."""
        from cryptography import x509  # 12 MB that only enrolment needs
        from cryptography.hazmat.primitives import hashes, serialization  # as above
        from cryptography.hazmat.primitives.asymmetric import ec  # as above

        path = self.key_file
        if path.exists():
            key = serialization.load_pem_private_key(path.read_bytes(), password=None)
            if not isinstance(key, ec.EllipticCurvePrivateKey):
                raise FailedPreconditionError(f"{path}: is no elliptic-curve key; remove it to make a new one")
        else:
            key = ec.generate_private_key(ec.SECP256R1())
            pem = key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            write_atomic(path, pem, mode=0o600)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, node_id)])
        request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
        return request.public_bytes(serialization.Encoding.PEM).decode()

    def store(self, *, node_id: str, certificate_pem: str, authorities_pem: str) -> None:
        """Keeps what the manager gave; the node id last, so that a half-written identity is none."""
        write_atomic(self.certificate_file, certificate_pem.encode(), mode=0o600)
        write_atomic(self.authorities_file, authorities_pem.encode(), mode=0o600)
        write_atomic(self.directory / NODE_FILE, f"{node_id}\n".encode(), mode=0o600)
