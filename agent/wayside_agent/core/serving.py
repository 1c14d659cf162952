"""Whom a unit serves artifacts: what the manager said of certificates, and for how long that holds.

A yes holds for ten minutes, and for a day while the manager is out of reach; a no for one minute. Of whom the manager
never spoke, the answer is no.
Usage: `standing = vouchers.standing(sha256, now_s)`; if it is ASK: `vouchers = vouchers.with_answer(sha256, …)`.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from wayside.errors import InvalidArgumentError, PermissionDeniedError
from wayside.names import node_id
from wayside.neighbours import SCHEME
from wayside_agent.core.der import DerError, pem_content

YES_S = 600.0
NO_S = 60.0
AWAY_YES_S = 86_400.0
MAX_COUNT = 1_000
"""Certificates that are remembered; the oldest answers go."""
SERVER_USAGE_DER = bytes.fromhex("06082b06010505070301")
"""id-kp-serverAuth (RFC 5280, 4.2.1.12) as it stands in a certificate."""


class Standing(StrEnum):
    """What is known of a certificate."""

    YES = "YES"
    NO = "NO"
    ASK = "ASK"


@dataclass(frozen=True, slots=True)
class Vouchers:
    """What the manager said, by SHA-256 of certificates, in the order it said it."""

    answers: Mapping[str, tuple[bool, float]] = field(default_factory=dict)
    """Whether it may, and when that was said."""

    def standing(self, sha256: str, now_s: float) -> Standing:
        """What holds of a certificate now."""
        is_yes, since_s = self.answers.get(sha256, (False, float("-inf")))
        if now_s - since_s >= (YES_S if is_yes else NO_S):
            return Standing.ASK
        return Standing.YES if is_yes else Standing.NO

    def is_known_good(self, sha256: str, now_s: float) -> bool:
        """Whether the last word was a yes that still holds while the manager is out of reach."""
        is_yes, since_s = self.answers.get(sha256, (False, float("-inf")))
        return is_yes and now_s - since_s < AWAY_YES_S

    def with_answer(self, sha256: str, now_s: float, *, is_yes: bool) -> "Vouchers":
        """The same with a newer word."""
        others = [(key, answer) for key, answer in self.answers.items() if key != sha256]
        return Vouchers(dict([*others, (sha256, (is_yes, now_s))][-MAX_COUNT:]))


def is_server(certificate_pem: bytes) -> bool:
    """Whether a unit can serve with its certificate."""
    try:
        return SERVER_USAGE_DER in pem_content(certificate_pem)
    except DerError:
        return False


def caller(uris: Iterable[bytes], pems: Iterable[bytes]) -> tuple[str, str]:
    """The node that the certificate of a call names, `nodes/{node}`, and the certificate's SHA-256.

    Raises: PermissionDeniedError: it names no node.
    """
    names, shown = [bytes(uri).decode("ascii", "replace") for uri in uris], list(pems)
    if len(names) != 1 or not names[0].startswith(f"{SCHEME}://") or len(shown) != 1:
        raise _nameless()
    name = names[0].removeprefix(f"{SCHEME}://")
    try:
        node_id(name)
        return name, hashlib.sha256(pem_content(bytes(shown[0]))).hexdigest()
    except (InvalidArgumentError, DerError) as error:
        raise _nameless() from error


def _nameless() -> PermissionDeniedError:
    return PermissionDeniedError("the certificate names no node", reason="NOT_A_NODE")
