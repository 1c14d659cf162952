"""Rules of certificates: serial numbers, when to renew, and how authorities follow each other.

Usage: `renew_time(create_time, expire_time)`; `certificate_serial(key_sha256, create_time)`.
"""

import hashlib
from datetime import datetime
from enum import StrEnum

_SERIAL_BYTES = 16  # RFC 5280 allows 20


class AuthorityState(StrEnum):
    """Where an authority stands; names as in `wayside.v1.Authority.State`."""

    TRUSTED = "trusted"
    """Trusted, signs nothing yet."""
    SIGNING = "signing"
    """Trusted, and signs."""
    LEAVING = "leaving"
    """Trusted until what it signed is renewed."""


def certificate_serial(key_sha256: str, create_time: datetime) -> int:
    """Serial number of a client certificate, positive and of at most 128 bit.

    It follows from what is kept of every credential, so that a revocation list needs no certificate: the key's hash
    and when it was made, to the microsecond.
    """
    text = f"{key_sha256} {create_time.timestamp():.6f}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:_SERIAL_BYTES], "big") | 1


def renew_time(create_time: datetime, expire_time: datetime) -> datetime:
    """When two thirds of a certificate's life are over."""
    return create_time + (expire_time - create_time) * 2 / 3
