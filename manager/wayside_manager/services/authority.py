"""The manager's certificate authority: who may call itself a node, an operator or the manager.

Identities stand in one URI name, `wayside://nodes/{node}` or `wayside://operators/{operator}`, and the authority alone
writes it: of a request only the public key is used. Profiles follow RFC 5280; keys are ECDSA P-256.
Usage: `Authority.made(now=now).node_certificate("rsu-1", request_pem, now=now)`.
"""

import hashlib
import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from wayside.errors import InvalidArgumentError
from wayside_manager.services.certificate_request import requested_key

NODE_DAYS = 397  # until units renew by themselves (issue 3) a short life would silence them; then 30
OPERATOR_DAYS = 365
SERVER_DAYS = 825  # the longest that common TLS clients accept
AUTHORITY_DAYS = 3650
BACKDATED = timedelta(hours=1)  # a unit's clock may be late by a little

_ORGANISATION = "Wayside"


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
        """A new authority, valid from now for ten years."""
        key = new_key()
        name = _name("Wayside authority")
        builder = _builder(name, key.public_key(), now=now, days=AUTHORITY_DAYS, issuer=name)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_key_usage(signs_certificates=True), critical=True)
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

    def sign(self, content: bytes) -> bytes:
        """A signature over something that is no certificate: ECDSA with SHA-256, DER."""
        return self._key.sign(content, ec.ECDSA(hashes.SHA256()))

    @property
    def key_pem(self) -> str:
        """The private key, PKCS#8, not encrypted: a secret."""
        return key_pem(self._key)

    def node_certificate(self, node_id: str, request_pem: str, *, now: datetime) -> Certificate:
        """A client certificate that makes the holder of a PKCS#10 request's key `nodes/{node_id}` for 13 months.

        Raises: InvalidArgumentError: no request, a wrong signature, or a key that is too weak.
        """
        key = requested_key(request_pem)
        return self._client(node_id, f"wayside://nodes/{node_id}", key, now=now, days=NODE_DAYS)

    def operator_certificate(self, operator_id: str, request_pem: str, *, now: datetime) -> Certificate:
        """A client certificate that makes the holder of a PKCS#10 request's key `operators/{operator_id}` for a year.

        Raises: InvalidArgumentError: no request, a wrong signature, or a key that is too weak.
        """
        return self._operator(operator_id, requested_key(request_pem), now=now)

    def operator_credential(self, operator_id: str, *, now: datetime) -> Credential:
        """A new key and the client certificate that makes its holder `operators/{operator_id}` for a year."""
        key = new_key()
        return Credential(self._operator(operator_id, key.public_key(), now=now), key_pem=key_pem(key))

    def server_credential(self, hostnames: Sequence[str], *, now: datetime) -> Credential:
        """A new key and the server certificate for host names and addresses.

        Raises: InvalidArgumentError: a host name that no certificate can carry.
        """
        key = new_key()
        builder = _builder(
            _name("Wayside manager"), key.public_key(), now=now, days=SERVER_DAYS, issuer=self._certificate.subject
        )
        names = x509.SubjectAlternativeName(_general_names(hostnames))
        certificate = self._signed(builder, names, ExtendedKeyUsageOID.SERVER_AUTH)
        return Credential(certificate, key_pem=key_pem(key))

    def _operator(self, operator_id: str, key: CertificatePublicKeyTypes, *, now: datetime) -> Certificate:
        """The common name is the whole name: a broker that takes it for a user name cannot take a node for an operator.

        No node id has a slash.
        """
        name = f"operators/{operator_id}"
        return self._client(name, f"wayside://{name}", key, now=now, days=OPERATOR_DAYS)

    def _client(
        self, common_name: str, uri: str, key: CertificatePublicKeyTypes, *, now: datetime, days: int
    ) -> Certificate:
        builder = _builder(_name(common_name), key, now=now, days=days, issuer=self._certificate.subject)
        names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)])
        return self._signed(builder, names, ExtendedKeyUsageOID.CLIENT_AUTH)

    def _signed(
        self, builder: x509.CertificateBuilder, names: x509.SubjectAlternativeName, usage: x509.ObjectIdentifier
    ) -> Certificate:
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_key_usage(signs_certificates=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
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
    key = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return Certificate(
        pem=certificate.public_bytes(serialization.Encoding.PEM).decode(),
        serial=f"{certificate.serial_number:x}",
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        expire_time=certificate.not_valid_after_utc,
        key_sha256=hashlib.sha256(key).hexdigest(),
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


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, _ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _builder(
    subject: x509.Name, key: CertificatePublicKeyTypes, *, now: datetime, days: int, issuer: x509.Name
) -> x509.CertificateBuilder:
    start = now.astimezone(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - BACKDATED)
        .not_valid_after(start + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_names(hostnames: Iterable[str]) -> list[x509.GeneralName]:
    return [_general_name(hostname) for hostname in dict.fromkeys(hostnames)]


def _general_name(hostname: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(hostname))
    except ValueError:
        pass
    if not hostname or not hostname.isascii() or any(c in " /:" for c in hostname):
        raise InvalidArgumentError(f"hostname: {hostname!r} is neither a host name nor an address; leave out the port")
    return x509.DNSName(hostname)
