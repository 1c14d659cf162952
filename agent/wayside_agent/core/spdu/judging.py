"""Whether a signed message is by who it says: its signature, its certificate, and who vouches for that.

    judge = Judge(module, anchors, max_age_s=30.0)
    outcome = judge.outcome(spdu, now_s)      # blocks: for a thread

A signer is known once it has sent its certificate, and that leads to an anchor. Certificates that vouch for others are
taken from the anchors and from what came with the message.

Source: IEEE 1609.2-2016, 5.2 and 5.3.1 (what is hashed), 6.4.3 (HashedId8).
"""

import math
from collections import OrderedDict, deque
from collections.abc import Iterable
from enum import StrEnum
from typing import Protocol

from wayside.errors import WaysideError
from wayside_agent.core.spdu.model import HASH_OF, HashName, Key, Signature, Spdu, SpduCertificate

EPOCH_S = 1_072_915_200
"""2004-01-01 00:00 UTC, seconds since 1970."""
LEAP_S = 10
"""IEEE counts leap seconds since 2004 (5 until now), the Chinese time base may not: both are in time."""
DAY_S = 86_400
MAX_SIGNERS = 1024
_MAX_CHAIN = 4
_MICROSECONDS = 1_000_000


class Outcome(StrEnum):
    """What is said of a signed message."""

    VERIFIED = "verified"
    BAD_SIGNATURE = "bad-signature"
    UNKNOWN_SIGNER = "unknown-signer"
    """Its certificate has not been heard, or leads to no anchor."""
    CERTIFICATE_TIME = "certificate-time"
    """The certificate is not valid now."""
    STALE = "stale"
    """Made too long ago, or not yet."""
    WRONG_AID = "wrong-aid"
    """The certificate does not let it sign messages of that AID."""
    UNSUPPORTED = "unsupported"
    """The security module cannot verify it."""


REFUSED = frozenset({Outcome.BAD_SIGNATURE, Outcome.CERTIFICATE_TIME, Outcome.STALE, Outcome.WRONG_AID})
"""Somebody is wrong, or lies; others say that nobody knows."""


class Module(Protocol):
    """What verifies and hashes; see `ports.security.SecurityModule`."""

    def digest(self, name: HashName, content: bytes) -> bytes:
        """The hash of some bytes."""

    def verify(self, signature: Signature, key: Key, content: bytes) -> bool:
        """Whether a signature holds."""


class Judge:
    """Knows anchors and signers."""

    def __init__(self, module: Module, anchors: Iterable[SpduCertificate], *, max_age_s: float) -> None:
        """Raises: UnavailableError: the module cannot hash an anchor."""
        self._module = module
        self._max_age_s = max_age_s
        self._anchors = {hashed_id(module, each): each for each in anchors}
        self._signers: OrderedDict[bytes, tuple[SpduCertificate, float]] = OrderedDict()
        """Each, and until when everybody who vouches for it is in date."""

    def signer(self, spdu: Spdu) -> tuple[bytes | None, SpduCertificate | None]:
        """HashedId8 of who signed, and its certificate if that is known."""
        if spdu.signer_digest is not None:
            return spdu.signer_digest, self._signers.get(spdu.signer_digest, (None, 0.0))[0]
        return None, None

    def outcome(self, spdu: Spdu, now_s: float) -> Outcome:
        """What is to be said of a message; `now_s`: seconds since 1970."""
        try:
            return self._outcome(spdu, now_s - EPOCH_S)
        except WaysideError:
            return Outcome.UNSUPPORTED

    def _outcome(self, spdu: Spdu, now_s: float) -> Outcome:
        digest = spdu.signer_digest
        certificate = self._known(digest, now_s) if digest else self._introduced(spdu.certificates, now_s)
        if certificate is None:
            return Outcome.UNKNOWN_SIGNER
        if not _is_valid(certificate, now_s):
            return Outcome.CERTIFICATE_TIME
        if spdu.application_id not in certificate.application_ids:
            return Outcome.WRONG_AID
        if not self._is_fresh(spdu, now_s):
            return Outcome.STALE
        # the name of the hash is not signed with the rest
        is_named = spdu.hash_name is HASH_OF.get(certificate.key.algorithm, HashName.SHA256)
        is_good = is_named and self._is_signed(spdu.to_be_signed, certificate.whole, spdu.signature, certificate.key)
        return Outcome.VERIFIED if is_good else Outcome.BAD_SIGNATURE

    def _is_fresh(self, spdu: Spdu, now_s: float) -> bool:
        made_us, end_us = spdu.generation_time_us, spdu.expiry_time_us
        if made_us is None:  # it could be said again for as long as its certificate lasts
            return False
        if not -LEAP_S <= now_s - made_us / _MICROSECONDS <= self._max_age_s + LEAP_S:
            return False
        return end_us is None or end_us / _MICROSECONDS >= now_s - LEAP_S

    def _known(self, digest: bytes, now_s: float) -> SpduCertificate | None:
        found, until_s = self._signers.get(digest, (None, 0.0))
        if found is None or now_s > until_s:
            return None
        self._signers.move_to_end(digest)
        return found

    def _introduced(self, sent: tuple[SpduCertificate, ...], now_s: float) -> SpduCertificate | None:
        """The certificate that came with a message, if it leads to an anchor."""
        digest = hashed_id(self._module, sent[0])
        if (found := self._known(digest, now_s)) is not None:
            return found
        beside = {hashed_id(self._module, each): each for each in sent[1:_MAX_CHAIN]}
        until_s = self._vouched_until_s(sent[0], beside, now_s)
        if until_s is None:
            return None
        self._signers[digest] = sent[0], until_s
        while len(self._signers) > MAX_SIGNERS:
            self._signers.popitem(last=False)
        return sent[0]

    def _vouched_until_s(
        self, first: SpduCertificate, beside: dict[bytes, SpduCertificate], now_s: float
    ) -> float | None:
        """Until when those over a certificate are in date; `None`: it leads to no anchor that may vouch for it."""
        below = deque([first], maxlen=1)
        until_s = math.inf
        for length in range(1, _MAX_CHAIN + 1):
            [certificate] = below
            if certificate.issuer_digest is None or certificate.signature is None:
                return None
            anchor = self._anchors.get(certificate.issuer_digest)
            issuer = anchor or beside.get(certificate.issuer_digest)
            if issuer is None or not _is_valid(issuer, now_s):
                return None
            if not _may_issue(issuer, first.application_ids, length):
                return None
            if not self._is_signed(certificate.to_be_signed, issuer.whole, certificate.signature, issuer.key):
                return None
            until_s = min(until_s, _end_s(issuer))
            if anchor is not None:
                return until_s
            below.append(issuer)
        return None

    def _is_signed(self, content: bytes, signer: bytes, signature: Signature, key: Key) -> bool:
        name = HASH_OF.get(key.algorithm, HashName.SHA256)
        whole = self._module.digest(name, content) + self._module.digest(name, signer)
        return self._module.verify(signature, key, whole)


def hashed_id(module: Module, certificate: SpduCertificate) -> bytes:
    """HashedId8 of a certificate.

    Raises: UnavailableError: the module cannot hash so.
    """
    return module.digest(HASH_OF.get(certificate.key.algorithm, HashName.SHA256), certificate.whole)[-8:]


def _may_issue(issuer: SpduCertificate, ids: frozenset[int], length: int) -> bool:
    """Whether an authority may let others sign messages of these AIDs, so many certificates below its own."""
    named = frozenset[int]().union(*(each.application_ids or () for each in issuer.issuable))
    groups = [
        each
        for each in issuer.issuable
        if each.signs_messages
        and each.shortest_chain <= length
        and (each.longest_chain is None or length <= each.longest_chain)
    ]
    allowed = frozenset[int]().union(*(each.application_ids or () for each in groups))
    has_rest = any(each.application_ids is None for each in groups)  # what a group names is not of the rest
    return all(each in allowed or (has_rest and each not in named) for each in ids) and bool(allowed or has_rest)


def _is_valid(certificate: SpduCertificate, now_s: float) -> bool:
    return certificate.start_s - LEAP_S <= now_s <= _end_s(certificate)


def _end_s(certificate: SpduCertificate) -> float:
    return certificate.start_s + certificate.duration_s + LEAP_S
