"""What the ports show and whom they trust; both can change while they listen.

gRPC asks at each handshake, so a new certificate is seen by the next client and costs those inside nothing.
Usage: `tls = LiveTls(TlsFiles(...))`; `port.add_secure_port(address, tls.credentials(demands_certificate=True))`;
later `tls.replace(TlsFiles(...))`. First of all, in a program: `allow_tls("1.3")`.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from wayside.errors import InvalidArgumentError

TlsMinimum: TypeAlias = Literal["1.2", "1.3"]
_Fetcher: TypeAlias = "Callable[[], grpc.ServerCertificateConfiguration]"

# grpc has no option for the version; its list of suites is for TLS 1.2 only, those of 1.3 are fixed and all good. A
# list of suites that need an RSA key leaves 1.2 without any, because our keys are ECDSA: `_checked` sees to that.
_SUITES_VARIABLE = "GRPC_SSL_CIPHER_SUITES"
_SUITES: dict[TlsMinimum, str] = {
    "1.3": "ECDHE-RSA-AES256-GCM-SHA384",
    "1.2": "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256",
}


def allow_tls(minimum: TlsMinimum) -> None:
    """Sets the oldest TLS version of this process, for what it serves and what it calls.

    grpc reads its list when it is imported. So where the process was started with another list, it starts itself anew:
    same process id, same arguments. Call it first, before anything is opened.
    """
    if os.environ.get(_SUITES_VARIABLE) != _SUITES[minimum]:
        os.environ[_SUITES_VARIABLE] = _SUITES[minimum]
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606  # ourselves, no shell


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """What the server shows and whom it trusts, as PEM."""

    certificate_pem: bytes
    key_pem: bytes
    authorities_pem: bytes


class LiveTls:
    """The present `TlsFiles`.

    Raises: InvalidArgumentError: they cannot be used.
    """

    def __init__(self, files: TlsFiles) -> None:
        self._files = _checked(files)

    @property
    def files(self) -> TlsFiles:
        """What the next handshake uses."""
        return self._files

    def replace(self, files: TlsFiles) -> None:
        """From now on handshakes use these; open connections stay as they are.

        Raises: InvalidArgumentError: they cannot be used; nothing has changed.
        """
        self._files = _checked(files)

    def credentials(self, *, demands_certificate: bool) -> grpc.ServerCredentials:
        """Credentials of one port that follow this object."""
        latest = _Latest(self)
        fetch = cast("_Fetcher", latest.changed)  # the stubs do not know that None means: no change
        return grpc.dynamic_ssl_server_credentials(
            _configuration(latest.files), fetch, require_client_authentication=demands_certificate
        )


class _Latest:
    """What one port has last been given. Asked from threads of gRPC: it only reads and sets single attributes."""

    def __init__(self, tls: LiveTls) -> None:
        self._tls = tls
        self.files = tls.files

    def changed(self) -> grpc.ServerCertificateConfiguration | None:
        files = self._tls.files
        if files is self.files:
            return None
        self.files = files
        return _configuration(files)


def _configuration(files: TlsFiles) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration(
        [(files.key_pem, files.certificate_pem)], root_certificates=files.authorities_pem
    )


def _checked(files: TlsFiles) -> TlsFiles:
    """The files, if a port can use them: gRPC would keep the old ones and say so in its own log only."""
    try:
        certificate = x509.load_pem_x509_certificates(files.certificate_pem)[0]
        key = serialization.load_pem_private_key(files.key_pem, password=None)
        x509.load_pem_x509_certificates(files.authorities_pem)
    except (ValueError, TypeError) as exc:
        raise InvalidArgumentError(f"the server's certificate, key or authorities are no good PEM: {exc}") from exc
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise InvalidArgumentError("the server's key is not ECDSA; make one on the curve P-256")
    if key.public_key() != certificate.public_key():
        raise InvalidArgumentError("the server's key is not the one of its certificate; give the pair")
    return files
