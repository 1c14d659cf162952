"""Keys, signatures and hashes of the envelope, as its certificates and messages carry them.

Source: IEEE 1609.2 (EccP256CurvePoint, Signature, PublicVerificationKey); YD/T 3957 adds SM2 and SM3.
The numbers of what it adds are recalled, not read in its text: `Dialect` has them all, and settings can change them.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from wayside_agent.core.security.coer import Reader, SpduError


class Algorithm(StrEnum):
    """Of a signature: curve and hash."""

    P256 = "ecdsa-p256"
    BRAINPOOL256 = "ecdsa-brainpool-p256r1"
    BRAINPOOL384 = "ecdsa-brainpool-p384r1"
    P384 = "ecdsa-p384"
    SM2 = "sm2"


@dataclass(frozen=True, slots=True)
class Dialect:
    """The numbers that SM2 and SM3 have in their enumerations and choices."""

    sm2_signature: int = 4
    """Alternative of Signature."""
    sm2_key: int = 4
    """Alternative of PublicVerificationKey."""
    sm3_hash: int = 2
    """Value of HashAlgorithm."""
    sm3_issuer: int = 3
    """Alternative of IssuerIdentifier."""


RECALLED = Dialect()
_NUMBERS = {0: Algorithm.P256, 1: Algorithm.BRAINPOOL256, 2: Algorithm.BRAINPOOL384, 3: Algorithm.P384}
_IN_ROOT = 2
"""P-256 and brainpoolP256r1 came first; what came later is an addition, and behind a length."""
HASHES = {
    Algorithm.P256: "sha256",
    Algorithm.BRAINPOOL256: "sha256",
    Algorithm.BRAINPOOL384: "sha384",
    Algorithm.P384: "sha384",
    Algorithm.SM2: "sm3",
}
SIZES_BYTES = {
    Algorithm.P256: 32,
    Algorithm.BRAINPOOL256: 32,
    Algorithm.BRAINPOOL384: 48,
    Algorithm.P384: 48,
    Algorithm.SM2: 32,
}
"""Of a coordinate."""
_X_ONLY, _FILL, _COMPRESSED_0, _COMPRESSED_1, _UNCOMPRESSED = range(5)
DIGEST_BYTES = 8


@dataclass(frozen=True, slots=True)
class Key:
    """A public key."""

    algorithm: Algorithm
    point: bytes
    """SEC 1: 02 or 03 and x, or 04, x and y."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature."""

    algorithm: Algorithm
    r: bytes
    s: bytes


def hash_name(number: int, dialect: Dialect = RECALLED) -> str:
    """The name of a HashAlgorithm, as hashlib has it.

    Raises: SpduError: not known.
    """
    name = {dialect.sm3_hash: "sm3", 0: "sha256", 1: "sha384"}.get(number)
    if name is None:
        raise SpduError(f"hash algorithm {number} is not known")
    return name


def digest(name: str, data: bytes) -> bytes:
    """A hash.

    Raises: SpduError: this Python has no such hash.
    """
    try:
        return hashlib.new(name, data).digest()
    except ValueError:
        raise SpduError(f"this computer's Python has no {name}") from None


def signed_input(name: str, tbs: bytes, signer: bytes) -> bytes:
    """What is hashed once more and signed: the hash of what is said, and that of who says it.

    Raises: SpduError: as `digest`.
    """
    return digest(name, tbs) + digest(name, signer)


def read_key(reader: Reader, dialect: Dialect) -> Key:
    """A PublicVerificationKey."""
    algorithm, reader = _alternative(reader, dialect.sm2_key, "key")
    form, x, y = _point(reader, SIZES_BYTES[algorithm])
    if form in {_X_ONLY, _FILL}:
        raise SpduError("a key is half a point")
    prefix = {_COMPRESSED_0: b"\x02", _COMPRESSED_1: b"\x03", _UNCOMPRESSED: b"\x04"}[form]
    return Key(algorithm, prefix + x + y)


def read_signature(reader: Reader, dialect: Dialect) -> tuple[Signature, bytes]:
    """A Signature, and its canonical bytes: r as x only."""
    begin = reader.at
    number = reader.choice()
    reader.at = begin
    algorithm, inner = _alternative(reader, dialect.sm2_signature, "signature")
    size = SIZES_BYTES[algorithm]
    form, r, _ = _point(inner, size)
    if form == _FILL:
        raise SpduError("a signature without r")
    s = inner.octets(size)
    body = bytes((0x80 | _X_ONLY,)) + r + s
    if inner is not reader:
        inner.end()
        body = bytes((len(body),)) + body if len(body) < 0x80 else bytes((0x81, len(body))) + body  # noqa: PLR2004  # the long form
    return Signature(algorithm, r, s), bytes((0x80 | number,)) + body


def _alternative(reader: Reader, sm2: int, what: str) -> tuple[Algorithm, Reader]:
    """The algorithm, and what its value is read from."""
    number = reader.choice()
    algorithm = Algorithm.SM2 if number == sm2 else _NUMBERS.get(number)
    if algorithm is None:
        raise SpduError(f"algorithm {number} of a {what} is not known")
    return algorithm, reader if number < _IN_ROOT else Reader(reader.opaque())


def _point(reader: Reader, size: int) -> tuple[int, bytes, bytes]:
    """Form, x and, if it is there, y."""
    form = reader.choice()
    if form == _FILL:
        return form, b"", b""
    if form > _UNCOMPRESSED:
        raise SpduError(f"form {form} of a point is not known")
    return form, reader.octets(size), reader.octets(size) if form == _UNCOMPRESSED else b""


def skip_point(reader: Reader, size: int) -> None:
    """Passes over a point."""
    _point(reader, size)
