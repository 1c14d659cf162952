"""Seals the audit trail, and checks it.

A seal is a signature of the authority over the newest entry, made each minute in which something was added and when the
manager stops. Before it signs, the loop follows the chain from its last seal on, so it never vouches for a chain that
somebody has made anew meanwhile; and it logs what it signed, so that the log, too, knows.
Usage: one `run()` in the task group; `await seals.verify()`.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from wayside.errors import FailedPreconditionError, InvalidArgumentError, WaysideError
from wayside_manager.core.audit import Seal, Verdict, sealed_bytes
from wayside_manager.core.audit_check import CheckedSeals, Walk, checked_seals, verdict, walked
from wayside_manager.ports.audit import AuditStore

logger = logging.getLogger(__name__)

PERIOD_S = 60.0
_PAGE_COUNT = 1_000
_STOP_S = 2.0
"""Time for the last seal when the manager stops."""


class SealSigner(Protocol):
    """The authority that signs now."""

    @property
    def sha256(self) -> str:
        """SHA-256 of its certificate (DER), lower-case hex."""

    def sign(self, content: bytes) -> bytes:
        """ECDSA with SHA-256, DER."""


class AuditSeals:
    """The loop that seals, and the check of the whole trail."""

    def __init__(
        self,
        store: AuditStore,
        signer: Callable[[], SealSigner],
        authorities_pem: Callable[[], str],
        *,
        now: Callable[[], datetime],
        period_s: float = PERIOD_S,
    ) -> None:
        """`authorities_pem` gives every authority that ever signed, those that are trusted no more as well."""
        self._store = store
        self._signer = signer
        self._authorities_pem = authorities_pem
        self._now = now
        self._period_s = period_s
        self._end: Walk | None = None
        self._is_failing = False

    async def run(self) -> None:
        """Seals for ever, and once more when it ends."""
        try:
            while True:
                await self._seal_or_say_why()
                await asyncio.sleep(self._period_s)
        finally:
            try:
                async with asyncio.timeout(_STOP_S):
                    await self._seal_or_say_why()
            except TimeoutError:
                logger.warning("the audit trail is not sealed: the database does not answer")

    async def seal(self) -> int:
        """Signs the newest entry unless it is signed; its sequence.

        Raises: FailedPreconditionError: the trail is broken; UnavailableError: the store does not work now.
        """
        end = self._end or await self._newest_seal()
        # the entry that was signed last is read again: it must still be what it was
        walk = Walk(0) if end.sequence == 0 else await self._again(end)
        walk, head = await _followed(self._store, walk, CheckedSeals({}))
        found = verdict(walk, head, CheckedSeals({}))
        if not found.is_intact:
            raise FailedPreconditionError(
                f"audit trail: {found.message}; it is sealed no more: keep the database and look at who had access",
                reason="AUDIT_BROKEN",
            )
        if walk.sequence > end.sequence:
            await self._add_seal(walk)
        self._end = walk
        return walk.sequence

    async def verify(self) -> Verdict:
        """What is true of the whole trail now.

        Raises: UnavailableError: the store does not work now.
        """
        return await checked_trail(self._store, self._authorities_pem())

    async def _seal_or_say_why(self) -> None:
        try:
            await self.seal()
        except WaysideError as error:
            if not self._is_failing:
                logger.error("no seal: %s", error, extra={"reason": error.reason})
            self._is_failing = True
        else:
            self._is_failing = False

    async def _newest_seal(self) -> Walk:
        good = (await _checked(await self._store.list_seals(), self._authorities_pem())).good
        return Walk(max(good), good[max(good)]) if good else Walk()

    async def _again(self, end: Walk) -> Walk:
        for entry in await self._store.read_chain(end.sequence, max_count=1):
            if entry.sequence == end.sequence and entry.sha256 == end.sha256:
                return end
        message = f"entry {end.sequence} is not what was sealed"
        return Walk(end.sequence - 1, broken_sequence=end.sequence, message=message)

    async def _add_seal(self, walk: Walk) -> None:
        time, signer = self._now().astimezone(UTC), self._signer()
        signature = signer.sign(sealed_bytes(walk.sequence, walk.sha256, time))
        await self._store.add_seal(Seal(walk.sequence, walk.sha256, time, signer.sha256, signature))
        logger.info(
            "audit trail sealed at entry %d", walk.sequence, extra={"sequence": walk.sequence, "sha256": walk.sha256}
        )


async def checked_trail(store: AuditStore, authorities_pem: str) -> Verdict:
    """What is true of a whole trail: every entry, every seal, the noted end.

    Raises: InvalidArgumentError: no certificates; UnavailableError: the store does not work now.
    """
    seals = await _checked(await store.list_seals(), authorities_pem)
    walk, head = await _followed(store, Walk(), seals)
    return verdict(walk, head, seals)


def signed_seals(seals: Iterable[Seal], authorities_pem: str) -> CheckedSeals:
    """Seals sorted by whether one of the authorities signed them.

    Raises: InvalidArgumentError: no certificates in PEM.
    """
    try:
        certificates = x509.load_pem_x509_certificates(authorities_pem.encode())
    except ValueError as exc:
        raise InvalidArgumentError("the authorities hold no certificate in PEM; give ca.pem of the manager") from exc
    keys = {each.fingerprint(hashes.SHA256()).hex(): each.public_key() for each in certificates}
    every = tuple(seals)
    return checked_seals(every, (seal for seal in every if _is_signed(seal, keys.get(seal.authority_sha256))))


def _is_signed(seal: Seal, key: object) -> bool:
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return False
    try:
        key.verify(seal.signature, sealed_bytes(seal.sequence, seal.sha256, seal.time), ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):  # ValueError: text that is no UTF-8
        return False
    return True


async def _checked(seals: tuple[Seal, ...], authorities_pem: str) -> CheckedSeals:
    return await asyncio.to_thread(signed_seals, seals, authorities_pem)  # a signature takes some 0.1 ms


async def _followed(store: AuditStore, walk: Walk, seals: CheckedSeals) -> tuple[Walk, tuple[int, str]]:
    """The walk to the noted end or the first broken entry, and that end; others may add entries meanwhile."""
    head = await store.audit_head()
    while not walk.broken_sequence:
        page = await store.read_chain(walk.sequence + 1, max_count=_PAGE_COUNT)
        if not page:
            break  # the end was noted before this look, so what it names must have been there
        walk = await asyncio.to_thread(walked, walk, page, seals)
        head = await store.audit_head()
    return walk, head
