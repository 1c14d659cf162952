"""What a unit must know of its own certificate: when its life begins and ends, and whose key it is for.

Usage: `life = certificate(der)`; `life.renewal_due_s(rng.random())`.
Source: RFC 5280, 4.1 (the order of the fields), 4.1.2.5 (times), RFC 5480 (the key).
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from wayside_agent.core.der import SEQUENCE, DerError, elements

UTC_TIME, GENERALIZED_TIME, VERSION = 0x17, 0x18, 0xA0
PIVOT_YEAR = "50"
"""Two-digit years from 50 are of the last century (RFC 5280, 4.1.2.5.1)."""
MAX_LIFE_S = 400 * 86_400.0
"""A longer life is none: its beginning was set to 1970 for units without a clock."""
USUAL_LIFE_S = 30 * 86_400.0
RENEWAL_SHARE = 2 / 3
JITTER_SHARE = 1 / 20
"""Of the life; spreads a fleet that was enrolled on one day."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate. Times in seconds since 1970, UTC."""

    not_before_s: float
    not_after_s: float
    public_key_der: bytes
    """SubjectPublicKeyInfo."""

    @property
    def life_s(self) -> float:
        """Length of its life [s]; 30 days if it does not say."""
        life_s = self.not_after_s - self.not_before_s
        return life_s if 0 < life_s <= MAX_LIFE_S else USUAL_LIFE_S

    def renewal_due_s(self, chance: float) -> float:
        """When two thirds of its life are over, and up to a twentieth of it later by chance, 0 to 1."""
        begin_s = self.not_after_s - self.life_s
        return begin_s + self.life_s * (RENEWAL_SHARE + JITTER_SHARE * chance)


def certificate(der: bytes) -> Certificate:
    """What a DER certificate says. It is not verified.

    Raises: DerError: it is none.
    """
    (whole_tag, whole, _), *_rest = elements(der) or [(0, b"", b"")]
    (to_be_signed_tag, to_be_signed, _), *_rest = elements(whole) or [(0, b"", b"")]
    fields = elements(to_be_signed)
    if fields and fields[0][0] == VERSION:
        fields = fields[1:]
    # serial number, signature algorithm, issuer, validity, subject, public key
    tags = [tag for tag, _, _ in fields[:6]]
    if whole_tag != SEQUENCE or to_be_signed_tag != SEQUENCE or tags[1:] != [SEQUENCE] * 5:
        raise DerError("it is no certificate")
    times = elements(fields[3][1])
    if len(times) != 2:  # noqa: PLR2004  # a beginning and an end
        raise DerError("it has no life")
    begin_s, end_s = (_time_s(tag, content) for tag, content, _ in times)
    return Certificate(begin_s, end_s, fields[5][2])


def _time_s(tag: int, content: bytes) -> float:
    text = content.decode("ascii", errors="replace")
    if tag == UTC_TIME:
        text = ("20" if text[:2] < PIVOT_YEAR else "19") + text
    elif tag != GENERALIZED_TIME:
        raise DerError("it has a time of an unknown kind")
    digits = text[:-1]
    if len(digits) != len("YYYYMMDDhhmmss") or not digits.isascii() or not digits.isdigit() or text[-1] != "Z":
        raise DerError("it has a time that is none")
    month, day, hour, minute, second = (int(digits[begin : begin + 2]) for begin in range(4, len(digits), 2))
    try:  # not strptime: it loads the calendars of all languages into the daemon
        return datetime(int(digits[:4]), month, day, hour, minute, second, tzinfo=UTC).timestamp()
    except ValueError as error:
        raise DerError("it has a time that is none") from error
