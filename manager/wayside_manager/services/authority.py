"""The manager's certificate authority: who may call itself a node, an operator or the manager.

Identities stand in one URI name, `wayside://nodes/{node}` or `wayside://operators/{operator}`, and the authority alone
writes it: of a request only the public key is used. Profiles follow RFC 5280; keys are ECDSA P-256.
Usage: `Authority.made(now=now).node_certificate("rsu-1", request_pem, now=now)`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID

from wayside.errors import InvalidArgumentError
from wayside.neighbours import server_name
from wayside_manager.core.certificates import certificate_serial
from wayside_manager.services.certificate_profiles import (
    certificate_builder,
    general_names,
    key_digest,
    key_usage,
    subject_name,
)
from wayside_manager.services.certificate_request import requested_key

NODE_LIFE = timedelta(days=30)
OPERATOR_LIFE = timedelta(days=365)
SERVER_LIFE = timedelta(days=90)
BROKER_LIFE = timedelta(days=825)  # renewed by hand; the longest that common TLS clients accept
AUTHORITY_LIFE = timedelta(days=3650)
BACKDATED = timedelta(hours=1)  # clocks of replicas and brokers may be late by a little
BACKDATED_SHARE = 10  # of its life at most: a unit reads its life from it, and renews accordingly
# A unit without a clock of its own believes it is 1970 when it starts, and must still find its manager. What may be
# trusted is decided on the unit, once it knows the time.
FOR_EVER_SINCE = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Certificate:
    """An issued certificate and what to remember of it."""

    pem: str
    serial: str
    """Serial number, lower-case hex."""
    fingerprint: str
    """SHA-256 of the DER form, lower-case hex."""
    expire_time: datetime
    key_sha256: str
    """SHA-256 of the public key (DER SubjectPublicKeyInfo), lower-case hex."""
    issuer_sha256: str
    """SHA-256 of the authority's certificate (DER), lower-case hex."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A certificate and its private key."""

    certificate: Certificate
    key_pem: str


class Authority:
    """Signs certificates with one key."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self._certificate = certificate
        self._key = key

    @classmethod
    def made(cls, *, now: datetime) -> "Authority":
        """A new authority, for ten years from now."""
        key = new_key()
        # each has a name of its own: revocation lists and chains are looked up by it
        name = subject_name(f"Wayside authority {key_digest(key.public_key())[:8]}")
        builder = certificate_builder(name, key.public_key(), issuer=name, serial=x509.random_serial_number())
        builder = builder.not_valid_before(FOR_EVER_SINCE).not_valid_after(now + AUTHORITY_LIFE)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(key_usage(signs_certificates=True), critical=True)
        return cls(builder.sign(key, hashes.SHA256()), key)

    @classmethod
    def loaded(cls, certificate_pem: bytes, key_pem: bytes) -> "Authority":
        """The authority in two PEM texts.

        Raises: InvalidArgumentError: one of them cannot be read, or they do not belong together.
        """
        try:
            certificate = x509.load_pem_x509_certificate(certificate_pem)
            key = serialization.load_pem_private_key(key_pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
            raise InvalidArgumentError("the authority's certificate or key is no PEM text; restore both") from exc
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise InvalidArgumentError("the authority's key does not belong to its certificate; restore both")
        return cls(certificate, key)

    @property
    def certificate_pem(self) -> str:
        """What peers must trust."""
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def sha256(self) -> str:
        """SHA-256 of the certificate (DER), lower-case hex: which authority this is."""
        return self._certificate.fingerprint(hashes.SHA256()).hex()

    @property
    def expire_time(self) -> datetime:
        """When it ends."""
        return self._certificate.not_valid_after_utc

    def sign(self, content: bytes) -> bytes:
        """A signature over something that is no certificate: ECDSA with SHA-256, DER."""
        return self._key.sign(content, ec.ECDSA(hashes.SHA256()))

    @property
    def key_pem(self) -> str:
        """The private key, PKCS#8, not encrypted: a secret."""
        return key_pem(self._key)

    def node_certificate(
        self, node_id: str, request_pem: str, *, now: datetime, life: timedelta = NODE_LIFE, serves: bool = False
    ) -> Certificate:
        """A client certificate that makes the holder of a PKCS#10 request's key `nodes/{node_id}`.

        `serves`: also a server's, under a name that nothing else can have (`wayside.neighbours`).
        Raises: InvalidArgumentError: no request, a wrong signature, or a key that is too weak.
        """
        key = requested_key(request_pem)
        server = server_name(node_id) if serves else ""
        return self._client(node_id, f"wayside://nodes/{node_id}", key, now=now, life=life, server=server)

    def operator_certificate(self, operator_id: str, request_pem: str, *, now: datetime) -> Certificate:
        """A client certificate that makes the holder of a PKCS#10 request's key `operators/{operator_id}` for a year.

        Raises: InvalidArgumentError: no request, a wrong signature, or a key that is too weak.
        """
        return self._operator(operator_id, requested_key(request_pem), now=now)

    def operator_credential(self, operator_id: str, *, now: datetime) -> Credential:
        """A new key and the client certificate that makes its holder `operators/{operator_id}` for a year."""
        key = new_key()
        return Credential(self._operator(operator_id, key.public_key(), now=now), key_pem=key_pem(key))

    def server_credential(
        self, hostnames: Sequence[str], *, now: datetime, life: timedelta = SERVER_LIFE
    ) -> Credential:
        """A new key and the server certificate for host names and addresses.

        Raises: InvalidArgumentError: a host name that no certificate can carry.
        """
        key = new_key()
        serial = x509.random_serial_number()
        builder = certificate_builder(
            subject_name("Wayside manager"), key.public_key(), issuer=self._certificate.subject, serial=serial
        )
        builder = builder.not_valid_before(FOR_EVER_SINCE).not_valid_after(now + life)
        names = x509.SubjectAlternativeName(general_names(hostnames))
        certificate = self._signed(builder, names, ExtendedKeyUsageOID.SERVER_AUTH)
        return Credential(certificate, key_pem=key_pem(key))

    def signed_list(self, builder: x509.CertificateRevocationListBuilder) -> str:
        """A revocation list (CRL) in this authority's name, PEM."""
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = builder.issuer_name(self._certificate.subject).add_extension(issuer, critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def _operator(self, operator_id: str, key: CertificatePublicKeyTypes, *, now: datetime) -> Certificate:
        """The common name is the whole name: a broker that takes it for a user name cannot take a node for an operator.

        No node id has a slash.
        """
        name = f"operators/{operator_id}"
        return self._client(name, f"wayside://{name}", key, now=now, life=OPERATOR_LIFE)

    def _client(
        self,
        common_name: str,
        uri: str,
        key: CertificatePublicKeyTypes,
        *,
        now: datetime,
        life: timedelta,
        server: str = "",
    ) -> Certificate:
        serial = certificate_serial(key_digest(key), now)
        builder = certificate_builder(subject_name(common_name), key, issuer=self._certificate.subject, serial=serial)
        begin = now - min(BACKDATED, life / BACKDATED_SHARE)
        builder = builder.not_valid_before(begin).not_valid_after(now + life)
        own = x509.UniformResourceIdentifier(uri)
        if not server:
            return self._signed(builder, x509.SubjectAlternativeName([own]), ExtendedKeyUsageOID.CLIENT_AUTH)
        names = x509.SubjectAlternativeName([own, x509.DNSName(server)])
        return self._signed(builder, names, ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH)

    def _signed(
        self, builder: x509.CertificateBuilder, names: x509.SubjectAlternativeName, *usages: x509.ObjectIdentifier
    ) -> Certificate:
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(key_usage(signs_certificates=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        builder = builder.add_extension(names, critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = builder.add_extension(issuer, critical=False).sign(self._key, hashes.SHA256())
        return remembered(certificate, issuer_sha256=self.sha256)


def new_key() -> ec.EllipticCurvePrivateKey:
    """A new ECDSA P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    """A private key as PKCS#8, not encrypted: a secret."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def remembered(certificate: x509.Certificate, *, issuer_sha256: str) -> Certificate:
    """What the manager keeps of a certificate."""
    return Certificate(
        pem=certificate.public_bytes(serialization.Encoding.PEM).decode(),
        serial=f"{certificate.serial_number:x}",
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        expire_time=certificate.not_valid_after_utc,
        key_sha256=key_digest(certificate.public_key()),
        issuer_sha256=issuer_sha256,
    )


def certified_hostnames(certificate_pem: bytes) -> tuple[frozenset[str], datetime]:
    """The host names and addresses of a server certificate, and when it ends.

    Raises: ValueError: no certificate, or one without names.
    """
    certificate = x509.load_pem_x509_certificate(certificate_pem)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound as exc:
        raise ValueError("the certificate carries no names") from exc
    return frozenset(str(name.value) for name in names), certificate.not_valid_after_utc
