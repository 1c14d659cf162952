"""The secured envelope (SPDU) of V2X messages: what is in it, what it says of itself, and what its signature is over.

found = spdu(payload)      # Spdu; SpduError: no envelope, or not known here
found.payload              # what it holds: a UPER MessageFrame
found.signed               # `None`: it is an envelope without a signature

Source: IEEE 1609.2 (Ieee1609Dot2Data), whose shape YD/T 3957 has; ITU-T X.696.
"""

from dataclasses import dataclass

from wayside_agent.core.security.certificate import Certificate, read_certificate, skip_encryption_key
from wayside_agent.core.security.coer import Reader, SpduError
from wayside_agent.core.security.signing import (
    DIGEST_BYTES,
    RECALLED,
    Dialect,
    Signature,
    hash_name,
    read_signature,
)

VERSION, _UNSECURED, _SIGNED = 3, 0, 1
BEGINS = (bytes((VERSION, 0x80 | _UNSECURED)), bytes((VERSION, 0x80 | _SIGNED)))
"""The first two bytes of an envelope we open."""
MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where it says it was made. 1e-7 degree; elevation as it is coded: 0.1 m from -409.6 m."""

    latitude_raw: int
    longitude_raw: int
    elevation_raw: int


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signed envelope says of itself."""

    hash_name: str
    aid: int
    generation_s: float | None
    """Since the epoch, see `epoch`."""
    expiry_s: float | None
    place: Place | None
    to_be_signed: bytes
    signer_digest: bytes | None
    """HashedId8 when it is signed by one who is only named so."""
    certificate: Certificate | None
    """When it is in the message; with neither, the message is signed by itself."""
    signature: Signature


@dataclass(frozen=True, slots=True)
class Spdu:
    """An envelope."""

    payload: bytes
    signed: Signed | None = None
    """`None`: it has no signature, or one of a form that is not known."""
    unread: str = ""
    """Why its signer or signature was not read, in one sentence; what it holds was."""


def is_spdu(data: bytes) -> bool:
    """Whether some bytes begin as an envelope does; a message of ours may, too."""
    return data[:2] in BEGINS


def spdu(data: bytes, dialect: Dialect = RECALLED) -> Spdu:
    """The envelope that some bytes are.

    Raises: SpduError.
    """
    reader = Reader(data)
    _version(reader)
    match reader.choice():
        case 0:
            found = Spdu(reader.opaque(), unread="it has no signature")
            reader.end()
            return found
        case 1:
            return _signed(reader, dialect)
        case _:
            raise SpduError("it is neither signed nor plain data")


def _version(reader: Reader) -> None:
    if reader.unsigned(1) != VERSION:
        raise SpduError("it is no envelope of version 3")


def _signed(reader: Reader, dialect: Dialect) -> Spdu:
    hash_number = reader.enumerated()
    begin = reader.at
    payload = _payload(reader)
    aid, generation_us, expiry_us, place = _header(reader)
    to_be_signed = reader.data[begin : reader.at]
    try:
        name = hash_name(hash_number, dialect)
        digest, certificate = _signer(reader, dialect)
        signature, _ = read_signature(reader, dialect)
        reader.end()
    except SpduError as error:  # implicit certificates, for example: what is said can be read all the same
        return Spdu(payload, unread=str(error))
    signed = Signed(
        name,
        aid,
        None if generation_us is None else generation_us / MICROSECONDS,
        None if expiry_us is None else expiry_us / MICROSECONDS,
        place,
        to_be_signed,
        digest,
        certificate,
        signature,
    )
    return Spdu(payload, signed)


def _payload(reader: Reader) -> bytes:
    is_extended, [has_data, has_hash] = reader.preamble(2)
    if not has_data:
        raise SpduError("it is signed over a message that it does not hold")
    _version(reader)
    if reader.choice() != _UNSECURED:
        raise SpduError("it holds another envelope; one is opened")
    payload = reader.opaque()
    if has_hash:
        if reader.choice() == 0:
            reader.octets(32)
        else:
            reader.opaque()
    if is_extended:
        reader.additions()
    return payload


def _header(reader: Reader) -> tuple[int, int | None, int | None, Place | None]:
    is_extended, [has_time, has_expiry, has_place, asks, misses, has_key] = reader.preamble(6)
    aid = reader.integer()
    generation_us = reader.unsigned(8) if has_time else None
    expiry_us = reader.unsigned(8) if has_expiry else None
    place = Place(reader.signed(4), reader.signed(4), reader.unsigned(2)) if has_place else None
    reader.octets(3 if asks else 0)
    if misses:
        extended, _ = reader.preamble(0)
        reader.octets(3 + 2)
        if extended:
            reader.additions()
    if has_key:
        _skip_key(reader)
    if is_extended:
        reader.additions()
    return aid, generation_us, expiry_us, place


def _skip_key(reader: Reader) -> None:
    match reader.choice():
        case 0:
            skip_encryption_key(reader)
        case 1 if reader.choice() == 0:
            reader.octets(16)
        case 1:
            reader.opaque()
        case _:
            raise SpduError("its encryption key is of a kind that is not known")


def _signer(reader: Reader, dialect: Dialect) -> tuple[bytes | None, Certificate | None]:
    """Digest or certificate; neither: it is signed by itself."""
    match reader.choice():
        case 0:
            return reader.octets(DIGEST_BYTES), None
        case 1:
            if reader.count() != 1:
                raise SpduError("it is signed with a chain of certificates; one is looked at")
            return None, read_certificate(reader, dialect)
        case 2:
            return None, None
        case _:
            raise SpduError("its signer is named in a way that is not known")
