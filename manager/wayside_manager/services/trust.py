"""Keeps what the manager shows and trusts up to date while it runs: its own certificate, and the list of authorities.

Usage: `keeper = TrustKeeper(...)`; `keeper.look()` before the ports open, then one `keeper.run()` in the task group.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization

from wayside.errors import WaysideError
from wayside_manager.core.certificates import renew_time
from wayside_manager.services.authorities import Authorities, WholeWriter
from wayside_manager.services.authority import SERVER_LIFE, certified_hostnames

logger = logging.getLogger(__name__)

LOOK_S = 5.0


@dataclass(frozen=True, slots=True)
class Shown:
    """What the ports show and whom they trust, PEM."""

    certificate_pem: bytes
    key_pem: bytes
    authorities_pem: bytes


class TrustKeeper:
    """Looks every 5 s, and at once when the authorities change."""

    def __init__(
        self,
        authorities: Authorities,
        *,
        hostnames: Sequence[str],
        server: tuple[Path, Path],
        authority_files: Iterable[Path],
        write: WholeWriter,
        now: Callable[[], datetime],
        look_s: float = LOOK_S,
    ) -> None:
        """`server`: certificate and key; `authority_files`: files that hold whom clients of this manager must trust."""
        self._authorities = authorities
        self._hostnames = tuple(hostnames)
        self._server = server
        self._authority_files = tuple(authority_files)
        self._write = write
        self._now = now
        self._look_s = look_s
        self._listener: Callable[[Shown], None] = lambda _: None
        self._is_failing = False
        authorities.on_change(self._refresh)

    def on_change(self, listener: Callable[[Shown], None]) -> None:
        """Calls the listener with what is to be shown after each change."""
        self._listener = listener

    async def run(self) -> None:
        """Looks for ever."""
        while True:
            await asyncio.sleep(self._look_s)
            try:
                # a change calls `_refresh`
                if not self._authorities.reread() and self._is_due():
                    self._refresh()
                self._is_failing = False
            except WaysideError as exc:  # what was trusted before stays so
                if not self._is_failing:
                    logger.error("the authorities or the server's certificate cannot be renewed: %s", exc)
                self._is_failing = True

    def look(self) -> Shown:
        """What to show now; made anew when it is due, or not of the one that signs, or for other host names.

        Raises: InvalidArgumentError: a file cannot be written, or a host name that no certificate can carry.
        """
        certificate, key = self._server
        if self._is_due():
            credential = self._authorities.signing.server_credential(self._hostnames, now=self._now())
            self._write(key, credential.key_pem, is_secret=True)
            self._write(certificate, credential.certificate.pem)
        authorities_pem = self._authorities.authorities_pem
        for path in self._authority_files:
            if not path.is_file() or path.read_text() != authorities_pem:
                self._write(path, authorities_pem)
        return Shown(certificate.read_bytes(), key.read_bytes(), authorities_pem.encode())

    def _refresh(self) -> None:
        self._listener(self.look())

    def _is_due(self) -> bool:
        certificate, key = self._server
        try:
            pem = certificate.read_bytes()
            hostnames, expire_time = certified_hostnames(pem)
            is_ours = _is_signed(pem, self._authorities.signing.certificate_pem) and _is_pair(pem, key.read_bytes())
        except (FileNotFoundError, ValueError):
            return True
        due_time = renew_time(expire_time - SERVER_LIFE, expire_time)
        return not is_ours or hostnames != set(self._hostnames) or self._now() >= due_time


def _is_signed(pem: bytes, authority_pem: str) -> bool:
    certificate = x509.load_pem_x509_certificate(pem)
    authority = x509.load_pem_x509_certificate(authority_pem.encode())
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _is_pair(pem: bytes, key_pem: bytes) -> bool:
    key = serialization.load_pem_private_key(key_pem, password=None)
    return key.public_key() == x509.load_pem_x509_certificate(pem).public_key()
