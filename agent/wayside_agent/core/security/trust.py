"""Whose signatures are believed: the authorities of a folder, and who they have certified.

Every certificate of the folder is trusted because somebody has put it there; one whose issuer is there too, or that
signs itself, must bear a signature that holds. A message's signer must be certified by one of them directly.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

from wayside_agent.core.security import epoch
from wayside_agent.core.security.certificate import Certificate
from wayside_agent.core.security.coer import SpduError
from wayside_agent.core.security.signing import HASHES, Key, Signature, signed_input
from wayside_agent.core.security.spdu import Signed

Verify = Callable[[bytes, Signature, Key], bool]
MAX_SIGNERS = 2048
"""Certificates that are remembered of each sort: vehicles change theirs every few minutes."""
FUTURE_S = 2.0
"""A sender's clock may be so far ahead."""


class Outcome(StrEnum):
    """What came of a look at a signature."""

    VERIFIED = "verified"
    REFUSED = "refused"
    """The signature, or that of the signer's certificate, does not hold."""
    UNKNOWN_SIGNER = "unknown_signer"
    """Its certificate was never heard, or nobody in the folder has issued it."""
    EXPIRED = "expired"
    """The certificate, or its issuer's, is over or has not begun."""
    STALE = "stale"
    """Said too long ago, or in the future, or nobody knows when."""
    WRONG_AID = "wrong_aid"
    """The certificate does not allow the AID, or the radio heard it under another."""
    NOT_LOOKED_AT = "not_looked_at"
    """It is of a form that is not known here, or the unit does not know the time."""


DISBELIEVED = frozenset({Outcome.REFUSED, Outcome.EXPIRED, Outcome.STALE, Outcome.WRONG_AID})


class Trust:
    """Authorities, and signers that were heard. One thread judges, another may `hear`."""

    def __init__(self, authorities: Iterable[Certificate], verify: Verify, *, leap_s: int, max_age_s: float) -> None:
        """Raises: SpduError: an authority's own signature does not hold."""
        self._authorities = {each.digest(): each for each in authorities}
        self._verify = verify
        self._leap_s = leap_s
        self._max_age_s = max_age_s
        self._heard: OrderedDict[bytes, Certificate] = OrderedDict()
        self._certified: OrderedDict[bytes, Certificate] = OrderedDict()
        for digest, each in self._authorities.items():
            issuer = each if each.issuer_digest is None else self._authorities.get(each.issuer_digest)
            if issuer is not None and not self._is_issued(each, issuer):
                raise SpduError(f"the signature of certificate {digest.hex()} does not hold")

    @property
    def authorities(self) -> Mapping[bytes, Certificate]:
        """By HashedId8."""
        return self._authorities

    def hear(self, signed: Signed) -> bytes | None:
        """Takes note of a certificate in a message, which nobody has verified; its digest, or that of the signer."""
        if signed.certificate is None:
            return signed.signer_digest
        try:
            digest = signed.certificate.digest()
        except SpduError:
            return None
        _keep(self._heard, digest, signed.certificate)
        return digest

    def certificate(self, digest: bytes | None) -> Certificate | None:
        """A certificate that is known, verified or not."""
        if digest is None:
            return None
        return self._authorities.get(digest) or self._certified.get(digest) or self._heard.get(digest)

    def end_s(self, digest: bytes | None) -> float | None:
        """When a certificate ends, seconds since 1970; `None`: it is not known."""
        found = self.certificate(digest)
        return None if found is None else epoch.utc_s(found.end_s, leap_s=self._leap_s)

    def judged(self, signed: Signed, *, aid: int | None, now_s: float | None) -> Outcome:
        """What comes of a look at one message.

        Args:
            signed: The message.
            aid: Under which the radio has heard it; `None`: it does not say.
            now_s: When it was heard, seconds since 1970; `None`: the unit does not know the time.

        Raises: DeviceError: nothing can verify.
        """
        try:
            return self._judged(signed, aid, now_s)
        except SpduError:
            return Outcome.NOT_LOOKED_AT

    def _judged(self, signed: Signed, aid: int | None, now_s: float | None) -> Outcome:
        if now_s is None or (signed.certificate is None and signed.signer_digest is None):
            return Outcome.NOT_LOOKED_AT
        found = signed.certificate or self.certificate(signed.signer_digest)
        if found is None or not self._authorized_by(found):
            return Outcome.UNKNOWN_SIGNER
        if signed.hash_name != HASHES[found.key.algorithm]:
            return Outcome.NOT_LOOKED_AT
        doubt = self._doubt(found, signed, aid, now_s)  # first, for it costs little
        if doubt is not None:
            return doubt
        told = signed_input(signed.hash_name, signed.to_be_signed, found.canonical)
        is_proven = self._is_certified(found) and self._does(told, signed.signature, found.key)
        return Outcome.VERIFIED if is_proven else Outcome.REFUSED

    def _authorized_by(self, found: Certificate) -> Certificate | None:
        """The authority that vouches for a certificate: itself, if it is in the folder, or its issuer."""
        own = self._authorities.get(found.digest())
        if own is not None and own.canonical == found.canonical:
            return own
        return None if found.issuer_digest is None else self._authorities.get(found.issuer_digest)

    def _doubt(self, found: Certificate, signed: Signed, aid: int | None, now_s: float) -> Outcome | None:
        """What is wrong beside signatures."""
        authority = self._authorized_by(found)
        if not self._holds(found, now_s) or (authority is not None and not self._holds(authority, now_s)):
            return Outcome.EXPIRED
        if signed.aid not in found.aids or aid not in {None, signed.aid}:
            return Outcome.WRONG_AID
        return None if self._is_fresh(signed, now_s) else Outcome.STALE

    def _is_certified(self, found: Certificate) -> bool:
        digest, authority = found.digest(), self._authorized_by(found)
        if authority is None or authority.canonical == found.canonical:
            return authority is not None
        known = self._certified.get(digest)
        if known is not None and known.canonical == found.canonical:
            self._certified.move_to_end(digest)
            return True
        if not authority.may_issue(found.aids) or not self._is_issued(found, authority):
            return False
        _keep(self._certified, digest, found)
        return True

    def _is_issued(self, found: Certificate, issuer: Certificate) -> bool:
        signer = b"" if found.issuer_digest is None else issuer.canonical
        told = signed_input(HASHES[issuer.key.algorithm], found.to_be_signed, signer)
        return self._does(told, found.signature, issuer.key)

    def _does(self, told: bytes, signature: Signature, key: Key) -> bool:
        return signature.algorithm is key.algorithm and self._verify(told, signature, key)

    def _holds(self, found: Certificate, now_s: float) -> bool:
        begin_s, end_s = (epoch.utc_s(each, leap_s=self._leap_s) for each in (found.start_s, found.end_s))
        return begin_s - FUTURE_S <= now_s < end_s

    def _is_fresh(self, signed: Signed, now_s: float) -> bool:
        if signed.generation_s is None:
            return False
        age_s = now_s - epoch.utc_s(signed.generation_s, leap_s=self._leap_s)
        if signed.expiry_s is not None and now_s >= epoch.utc_s(signed.expiry_s, leap_s=self._leap_s):
            return False
        return -FUTURE_S <= age_s <= self._max_age_s


def _keep(cache: OrderedDict[bytes, Certificate], digest: bytes, found: Certificate) -> None:
    cache[digest] = found
    cache.move_to_end(digest)
    while len(cache) > MAX_SIGNERS:
        cache.popitem(last=False)
