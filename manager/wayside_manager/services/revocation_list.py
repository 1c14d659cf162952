"""Writes `crl.pem`: what brokers and others outside of the manager must not trust any more.

One list (RFC 5280) per trusted authority, one after the other. Written at the start, within 5 s after something was
taken back, when the authorities change, and once a day, because a list that is too old makes a broker refuse everybody.
Usage: one `RevocationList(store, authorities, path, write=write_whole, now=now).run()` in the task group.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from cryptography import x509

from wayside.errors import WaysideError
from wayside_manager.core.certificates import certificate_serial
from wayside_manager.core.credentials import CredentialKind, CredentialRecord
from wayside_manager.ports.access import CredentialStore
from wayside_manager.ports.enrollment import EnrollmentStore
from wayside_manager.services.authorities import Authorities, WholeWriter
from wayside_manager.services.authority import BACKDATED

logger = logging.getLogger(__name__)

LOOK_S = 2.0
FRESH_FOR = timedelta(days=1)
VALID_FOR = timedelta(days=7)
OVERLAP = timedelta(minutes=5)  # clocks of replicas differ


class RevocationStore(EnrollmentStore, CredentialStore, Protocol):
    """What is needed of the store."""


class RevocationList:
    """Keeps the file up to date."""

    def __init__(
        self,
        store: RevocationStore,
        authorities: Authorities,
        path: Path,
        *,
        write: WholeWriter,
        now: Callable[[], datetime],
        look_s: float = LOOK_S,
    ) -> None:
        self._store = store
        self._authorities = authorities
        self._path = path
        self._write = write
        self._now = now
        self._look_s = look_s
        self._authorities_sha256 = ""
        self._write_time = self._look_time = now()
        self._listed: frozenset[str] = frozenset()
        self._is_failing = False

    async def run(self) -> None:
        """Looks for ever."""
        while True:
            try:
                await self.look()
                self._is_failing = False
            except WaysideError as exc:  # the file stays as it is, good for a week
                if not self._is_failing:
                    logger.error("the revocation list cannot be written: %s", exc)
                self._is_failing = True
            await asyncio.sleep(self._look_s)

    async def look(self) -> bool:
        """Writes the file if it is not what it should be; whether it was not.

        Raises: WaysideError: the store, or the file cannot be written.
        """
        now, authorities_sha256 = self._now(), self._authorities.authorities_sha256
        is_fresh = authorities_sha256 == self._authorities_sha256 and now - self._write_time < FRESH_FOR
        if is_fresh and not await self._has_news(now):
            return False
        revoked = await self._store.revoked_certificates(now=now)
        # signing thousands of entries takes a moment: not in the loop
        text = await asyncio.to_thread(self._text, revoked, now)
        self._write(self._path, text)
        self._authorities_sha256, self._write_time = authorities_sha256, now
        self._listed = frozenset(each.sha256 for each in revoked)
        logger.info("wrote %s with %d certificates", self._path.name, len(revoked))
        return True

    async def _has_news(self, now: datetime) -> bool:
        """Whether something was taken back that is not in the file: a short question, asked every 2 s."""
        recent = await self._store.revoked_since(self._look_time - OVERLAP)
        self._look_time = now
        return any(_is_listed_at(each, now) and each.sha256 not in self._listed for each in recent)

    def _text(self, revoked: Iterable[CredentialRecord], now: datetime) -> str:
        by_issuer: dict[str, list[x509.RevokedCertificate]] = {}
        for each in revoked:
            # those of the first version have no key's hash: their serial number is not known
            if each.key_sha256 and each.revoke_time is not None:
                serial = certificate_serial(each.key_sha256, each.create_time)
                entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(each.revoke_time)
                by_issuer.setdefault(each.issuer_sha256, []).append(entry.build())
        return "".join(
            member.authority.signed_list(_list(by_issuer.get(member.sha256, []), now))
            for member in self._authorities.members
        )


def _is_listed_at(credential: CredentialRecord, now: datetime) -> bool:
    return (
        credential.kind is CredentialKind.CERTIFICATE
        and credential.revoke_time is not None
        and credential.revoke_time <= now
        and (credential.expire_time is None or credential.expire_time > now)
    )


def _list(entries: list[x509.RevokedCertificate], now: datetime) -> x509.CertificateRevocationListBuilder:
    number = x509.CRLNumber(int(now.timestamp() * 1_000))
    return x509.CertificateRevocationListBuilder(
        last_update=now - BACKDATED, next_update=now + VALID_FOR, revoked_certificates=entries
    ).add_extension(number, critical=False)
