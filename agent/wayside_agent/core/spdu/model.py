"""What stands in an envelope.

Source: IEEE 1609.2-2016 and its amendments.
"""

from dataclasses import dataclass
from enum import StrEnum


class HashName(StrEnum):
    """How it is hashed."""

    SHA256 = "sha256"
    SHA384 = "sha384"
    SM3 = "sm3"


class Algorithm(StrEnum):
    """How it is signed, in the order of the alternatives' numbers."""

    NIST_P256 = "nist-p256"
    BRAINPOOL_P256 = "brainpool-p256"
    BRAINPOOL_P384 = "brainpool-p384"
    NIST_P384 = "nist-p384"
    SM2 = "sm2"


HASH_OF = {Algorithm.BRAINPOOL_P384: HashName.SHA384, Algorithm.NIST_P384: HashName.SHA384, Algorithm.SM2: HashName.SM3}
"""With which certificates of a key are hashed; others by SHA-256."""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key."""

    algorithm: Algorithm
    point: bytes
    """X9.62: 02 or 03 and x, or 04, x and y."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature as two numbers, big-endian, as long as the field of the curve."""

    algorithm: Algorithm
    r: bytes
    s: bytes


@dataclass(frozen=True, slots=True)
class Issuable:
    """What an authority may certify others for."""

    application_ids: frozenset[int] | None
    """AIDs; `None`: all that no other group of the certificate names."""
    shortest_chain: int
    """Fewest certificates below the authority's, the signer's among them."""
    longest_chain: int | None
    """Most of them; `None`: any number."""
    signs_messages: bool
    """Whether for signing messages, and not for asking for certificates alone."""


@dataclass(frozen=True, slots=True)
class SpduCertificate:
    """A certificate that names its key."""

    whole: bytes
    """As it is hashed: points of signatures by x alone."""
    to_be_signed: bytes
    issuer_digest: bytes | None
    """HashedId8 of who issued it; `None`: itself."""
    start_s: int
    """Seconds since the beginning of 2004."""
    duration_s: int
    application_ids: frozenset[int]
    """AIDs it may sign for; empty: none."""
    issuable: tuple[Issuable, ...]
    """What it may certify others for; empty: nothing."""
    key: Key
    signature: Signature | None


@dataclass(frozen=True, slots=True)
class Spdu:
    """A message in its envelope."""

    message: bytes
    application_id: int
    generation_time_us: int | None
    """Microseconds since the beginning of 2004; `None`: it does not say."""
    expiry_time_us: int | None
    to_be_signed: bytes
    hash_name: HashName
    signer_digest: bytes | None
    """HashedId8 of the certificate it is signed with; `None`: the certificate itself is here."""
    certificates: tuple[SpduCertificate, ...]
    """Of the signer, then of who issued each."""
    signature: Signature
