"""What the authority's certificates are made of: names, keys and their use, after RFC 5280.

Usage: `certificate_builder(subject_name("rsu-1"), key, issuer=issuer, serial=serial)`.
"""

import hashlib
import ipaddress
from collections.abc import Iterable

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import NameOID

from wayside.errors import InvalidArgumentError

_ORGANISATION = "Wayside"


def subject_name(common_name: str) -> x509.Name:
    """A name within Wayside."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, _ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def certificate_builder(
    subject: x509.Name, key: CertificatePublicKeyTypes, *, issuer: x509.Name, serial: int
) -> x509.CertificateBuilder:
    """What every certificate has; when it is valid is the caller's matter."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(serial)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def key_digest(key: CertificatePublicKeyTypes) -> str:
    """SHA-256 of a public key (DER SubjectPublicKeyInfo), lower-case hex."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    """What a key may do: sign certificates and revocation lists, or prove who holds it."""
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


def general_names(hostnames: Iterable[str]) -> list[x509.GeneralName]:
    """Host names and addresses, each once.

    Raises: InvalidArgumentError: a host name that no certificate can carry.
    """
    return [_general_name(hostname) for hostname in dict.fromkeys(hostnames)]


def _general_name(hostname: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(hostname))
    except ValueError:
        pass
    if not hostname or not hostname.isascii() or any(c in " /:" for c in hostname):
        raise InvalidArgumentError(f"hostname: {hostname!r} is neither a host name nor an address; leave out the port")
    return x509.DNSName(hostname)
