"""Explicit certificates of IEEE 1609.2 as YD/T 3957 uses them: whose key, for what, from when until when.

found = certificate(data)      # not verified; SpduError: none, or of a form that is not known here
found.digest("sha256")[-8:]    # its HashedId8

Implicit certificates, those for another version, and every field that is not known are refused: what is not understood
is never believed.
Source: IEEE 1609.2 (Certificate, ToBeSignedCertificate), ITU-T X.696.
"""

from dataclasses import dataclass

from wayside_agent.core.security.coer import Reader, SpduError
from wayside_agent.core.security.signing import (
    DIGEST_BYTES,
    HASHES,
    RECALLED,
    Dialect,
    Key,
    Signature,
    digest,
    hash_name,
    read_key,
    read_signature,
    skip_point,
)

_VERSION, _EXPLICIT = 3, 0
_SECONDS = (1e-6, 1e-3, 1.0, 60.0, 3600.0, 216_000.0, 31_556_952.0)
"""Of a duration's units: µs, ms, s, minutes, hours, sixty hours, years."""
_SELF = 1
_P256_BYTES = 32


@dataclass(frozen=True, slots=True)
class Issue:
    """Whom an authority may certify, and for what."""

    aids: frozenset[int] | None
    """`None`: all."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says."""

    issuer_hash: str
    issuer_digest: bytes | None
    """HashedId8 of its issuer; `None`: it signs itself."""
    start_s: float
    """Since the epoch of its authority, see `epoch`."""
    duration_s: float
    aids: frozenset[int]
    """What its owner may say."""
    issues: tuple[Issue, ...]
    """What its owner may certify; empty: nothing."""
    key: Key
    to_be_signed: bytes
    signature: Signature
    canonical: bytes
    """All of it with the signature's r as x only: what is hashed."""

    @property
    def end_s(self) -> float:
        """When it ends, as `start_s`."""
        return self.start_s + self.duration_s

    def digest(self, name: str | None = None) -> bytes:
        """HashedId8, by a hash or that of its own key.

        Raises: SpduError: this Python has no such hash.
        """
        return digest(name or HASHES[self.key.algorithm], self.canonical)[-DIGEST_BYTES:]

    def may_issue(self, aids: frozenset[int]) -> bool:
        """Whether it may certify somebody who says these."""
        allowed: frozenset[int] = frozenset().union(*(each.aids or () for each in self.issues))
        return any(each.aids is None for each in self.issues) or (bool(self.issues) and aids <= allowed)


def certificate(data: bytes, dialect: Dialect = RECALLED) -> Certificate:
    """The one certificate that some bytes are.

    Raises: SpduError.
    """
    reader = Reader(data)
    found = read_certificate(reader, dialect)
    reader.end()
    return found


def read_certificate(reader: Reader, dialect: Dialect) -> Certificate:
    """The certificate at the reader's place.

    Raises: SpduError.
    """
    begin = reader.at
    _, [is_signed] = reader.preamble(1, extensible=False)
    if reader.unsigned(1) != _VERSION:
        raise SpduError("a certificate of another version than 3")
    if reader.enumerated() != _EXPLICIT or not is_signed:
        raise SpduError("an implicit certificate; only explicit ones are read")
    issuer_hash, issuer_digest = _issuer(reader, dialect)
    tbs_begin = reader.at
    is_extended, there = reader.preamble(7)
    has_region, has_assurance, has_aids, has_issues, has_requests, _, has_encryption = there
    _skip_id(reader)
    reader.octets(3 + 2)  # cracaId, crlSeries
    start_s = float(reader.unsigned(4))
    duration_s = _duration_s(reader)
    if has_region:
        _skip_region(reader)
    reader.octets(1 if has_assurance else 0)
    aids = frozenset(_permission(reader) for _ in range(reader.count())) if has_aids else frozenset[int]()
    issues = tuple(_issue(reader) for _ in range(reader.count())) if has_issues else ()
    for _ in range(reader.count() if has_requests else 0):
        _issue(reader)
    if has_encryption:
        skip_encryption_key(reader)
    if reader.choice() != 0:
        raise SpduError("a certificate without a verification key")
    key = read_key(reader, dialect)
    if is_extended:
        reader.additions()
    to_be_signed = reader.data[tbs_begin : reader.at]
    before_signature = reader.data[begin : reader.at]
    signature, canonical = read_signature(reader, dialect)
    return Certificate(
        issuer_hash,
        issuer_digest,
        start_s,
        duration_s,
        aids,
        issues,
        key,
        to_be_signed,
        signature,
        before_signature + canonical,
    )


def skip_encryption_key(reader: Reader) -> None:
    """Passes over a PublicEncryptionKey.

    Raises: SpduError.
    """
    reader.enumerated()
    if reader.choice() < 2:  # noqa: PLR2004  # P-256 and brainpoolP256r1; later ones are behind a length
        skip_point(reader, _P256_BYTES)
    else:
        reader.opaque()


def _issuer(reader: Reader, dialect: Dialect) -> tuple[str, bytes | None]:
    number = reader.choice()
    if number == _SELF:
        return hash_name(reader.enumerated(), dialect), None
    if number == 0:
        return "sha256", reader.octets(DIGEST_BYTES)
    name = {2: "sha384", dialect.sm3_issuer: "sm3"}.get(number)
    if name is None:
        raise SpduError(f"issuer {number} of a certificate is not known")
    inner = Reader(reader.opaque())
    found = inner.octets(DIGEST_BYTES)
    inner.end()
    return name, found


def _skip_id(reader: Reader) -> None:
    match reader.choice():
        case 0:  # linkage data
            _, [has_group] = reader.preamble(1, extensible=False)
            reader.octets(2 + 9 + (4 + 9 if has_group else 0))
        case 1 | 2:  # name, binary id
            reader.opaque()
        case 3:
            pass
        case _:
            reader.opaque()


def _duration_s(reader: Reader) -> float:
    unit = reader.choice()
    if unit >= len(_SECONDS):
        raise SpduError(f"unit {unit} of a duration is not known")
    return reader.unsigned(2) * _SECONDS[unit]


def _skip_region(reader: Reader) -> None:
    """Passes over a GeographicRegion; who signs where is not held against it."""
    match reader.choice():
        case 0:  # circle
            reader.octets(8 + 2)
        case 1:  # rectangles
            reader.octets(16 * reader.count())
        case 2:  # polygon
            reader.octets(8 * reader.count())
        case 3:
            for _ in range(reader.count()):
                _skip_identified(reader)
        case _:
            reader.opaque()


def _skip_identified(reader: Reader) -> None:
    match reader.choice():
        case 0:  # country
            reader.octets(2)
        case 1:  # with regions
            reader.octets(2)
            reader.octets(reader.count())
        case 2:  # with regions and theirs
            reader.octets(2)
            for _ in range(reader.count()):
                reader.octets(1)
                reader.octets(2 * reader.count())
        case _:
            reader.opaque()


def _permission(reader: Reader) -> int:
    """The AID of a PsidSsp."""
    _, [has_more] = reader.preamble(1, extensible=False)
    aid = reader.integer()
    if has_more:
        reader.choice()
        reader.opaque()  # opaque bytes, or an addition behind its length
    return aid


def _issue(reader: Reader) -> Issue:
    """A PsidGroupPermissions."""
    _, [has_length, has_range, has_type] = reader.preamble(3, extensible=False)
    aids: frozenset[int] | None = None
    match reader.choice():
        case 0:
            aids = frozenset(_range(reader) for _ in range(reader.count()))
        case 1:
            pass
        case _:
            raise SpduError("permissions to issue of a form that is not known")
    for there in (has_length, has_range):
        if there:
            reader.opaque()
    if has_type:
        reader.octets(1)
    return Issue(aids)


def _range(reader: Reader) -> int:
    """The AID of a PsidSspRange."""
    _, [has_more] = reader.preamble(1, extensible=False)
    aid = reader.integer()
    if has_more:
        match reader.choice():
            case 0:
                for _ in range(reader.count()):
                    reader.opaque()
            case 1:
                pass
            case _:
                reader.opaque()
    return aid
