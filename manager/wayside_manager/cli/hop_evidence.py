"""What `wayside-manager security-report` finds on the disk and at the ports; reads only, the manager may be running.

Usage: `certificates(folder)`, `secrets(folder)`, `port_facts("localhost:7443", authorities_pem(folder), ...)`.
"""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from wayside_manager.core.hop_facts import CertificateFacts, PortFacts, SecretFacts, TlsFacts
from wayside_manager.settings import DataFolder, Settings

HANDSHAKE_S = 3.0
_BESIDE = frozenset({"artifacts", "run"})  # folders without keys
_SECRET_NAMES = ("*.key", "token")
_OLDER = ssl.TLSVersion.TLSv1_2


class _Endpoints(msgspec.Struct):
    """`run/endpoints.json`."""

    device_address: str
    operator_address: str


def addresses(folder: DataFolder, settings: Settings) -> tuple[str, str]:
    """Device and operator address: of the running manager, else of the settings."""
    try:
        noted = msgspec.json.decode(folder.endpoints.read_bytes(), type=_Endpoints)
    except (OSError, msgspec.DecodeError):
        host = settings.hostnames[0]
        return f"{host}:{settings.device_port}", f"{host}:{settings.operator_port}"
    return noted.device_address, noted.operator_address


def secrets(folder: DataFolder) -> tuple[SecretFacts, ...]:
    """Every key and token in the data folder; nobody reads them here."""
    found = {path for pattern in _SECRET_NAMES for path in _files(folder, pattern)}
    found |= {path for path in folder.path.glob("manager.db*") if path.is_file()}
    return tuple(SecretFacts(_shown(folder, path), path.stat().st_mode & 0o7777) for path in sorted(found))


def certificates(folder: DataFolder) -> tuple[CertificateFacts, ...]:
    """Every certificate in the data folder; what is none is passed over."""
    return tuple(facts for path in sorted(_files(folder, "*.pem")) for facts in _certificates_in(folder, path))


def authorities_pem(folder: DataFolder) -> str:
    """Every authority in the data folder, wherever it keeps them."""
    return "".join(
        certificate.public_bytes(serialization.Encoding.PEM).decode()
        for path in sorted(_files(folder, "*.pem"))
        for certificate in _loaded(path)
        if _is_authority(certificate)
    )


def port_facts(address: str, trusted_pem: str, *, tries_older: bool) -> PortFacts:
    """What a port answers to a handshake with the newest version, and to one with TLS 1.2."""
    newest = _handshake(address, trusted_pem, ssl.TLSVersion.MAXIMUM_SUPPORTED)
    if newest is None:
        return PortFacts(address)
    version, suite = newest
    accepts_older = _handshake(address, trusted_pem, _OLDER) is not None if tries_older else None
    return PortFacts(address, TlsFacts(version, suite, accepts_older))


def _handshake(address: str, trusted_pem: str, newest: ssl.TLSVersion) -> tuple[str, str] | None:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts the manager's authority alone
        context.load_verify_locations(cadata=trusted_pem)
        context.maximum_version = newest
        with (
            socket.create_connection((host, int(port)), timeout=HANDSHAKE_S) as plain,
            context.wrap_socket(plain, server_hostname=host) as secure,
        ):
            cipher = secure.cipher()
            return secure.version() or "", cipher[0] if cipher else ""
    except (OSError, ValueError):  # ValueError: no port, or a host no name can be
        return None


def _files(folder: DataFolder, pattern: str) -> Iterator[Path]:
    for path in folder.path.rglob(pattern):
        if path.is_file() and path.relative_to(folder.path).parts[0] not in _BESIDE:
            yield path


def _certificates_in(folder: DataFolder, path: Path) -> Iterator[CertificateFacts]:
    for certificate in _loaded(path):
        hash_algorithm = certificate.signature_hash_algorithm
        yield CertificateFacts(
            path=_shown(folder, path),
            subject=certificate.subject.rfc4514_string(),
            is_authority=_is_authority(certificate),
            key=_key(certificate),
            signature=hash_algorithm.name if hash_algorithm else "",
            begin_time=certificate.not_valid_before_utc,
            expire_time=certificate.not_valid_after_utc,
        )


def _loaded(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError, x509.InvalidVersion):
        return []


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _key(certificate: x509.Certificate) -> str:
    match certificate.public_key():
        case ec.EllipticCurvePublicKey() as key:
            return f"ECDSA {key.curve.name}"
        case rsa.RSAPublicKey() as key:
            return f"RSA {key.key_size}"
        case ed25519.Ed25519PublicKey():
            return "Ed25519"
    return "other"


def _shown(folder: DataFolder, path: Path) -> str:
    return str(path.relative_to(folder.path))
