"""URLs under which a node may fetch an artifact elsewhere, signed for it, and how long they hold.

    places = ArtifactPlaces((Place("https://cdn.example/wayside/{sha256}", Signing.HMAC, key=b"…"),))
    places.urls(sha256, "rsu-1", now)

Within one half of a place's life the same node is told the same URL; the next half brings a new one, so what a node
holds is good for half a life at least. Bytes of a place are never trusted, so a signature only guards who may load it.
Source: AWS Signature Version 4, query string authentication, with its published example as test; docs/releases.md for
the signature by HMAC.
"""

import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from urllib.parse import SplitResult, quote, urlsplit

HASH_WORD = "{sha256}"
LIFE_S = 21_600.0
_PATH = re.compile(r"/[A-Za-z0-9._~/-]*\{sha256\}[A-Za-z0-9._~/-]*")  # what no signature has to encode
_UNSIGNED = "UNSIGNED-PAYLOAD"


class Signing(StrEnum):
    """How a place knows who may load."""

    NONE = "none"
    HMAC = "hmac"
    S3 = "s3"


@dataclass(frozen=True, slots=True)
class Place:
    """One place that has artifacts under their hashes."""

    url: str
    """With `{sha256}` in its path."""
    signing: Signing = Signing.NONE
    key: bytes = field(default=b"", repr=False)
    """Secret of the signature; of S3 the secret access key."""
    key_id: str = ""
    """Access key ID; S3 only."""
    region: str = ""
    """S3 only."""
    life_s: float = LIFE_S


@dataclass(frozen=True, slots=True)
class ArtifactPlaces:
    """Every place, best first."""

    places: tuple[Place, ...] = ()

    def urls(self, sha256: str, node_id: str, now: datetime) -> tuple[str, ...]:
        """Where a node may fetch the artifact with this hash."""
        return tuple(_signed(place, sha256, node_id, now) for place in self.places)

    def window(self, now: datetime) -> tuple[int, ...]:
        """Changes when URLs are to be made anew."""
        return tuple(_window(place, now) for place in self.places if place.signing is not Signing.NONE)


def s3_url(place: Place, url: str, node_id: str, begin: datetime) -> str:
    """A presigned GET of S3 that holds from `begin` for the place's life; the node's name goes into the access log."""
    parts = urlsplit(url)
    scope = f"{begin:%Y%m%d}/{place.region}/s3/aws4_request"
    fields = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{place.key_id}/{scope}",
        "X-Amz-Date": f"{begin:%Y%m%dT%H%M%SZ}",
        "X-Amz-Expires": str(int(place.life_s)),
        "X-Amz-SignedHeaders": "host",
    }
    if node_id:
        fields["x-wayside-node"] = node_id
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(fields.items()))
    asked = "\n".join(("GET", parts.path, query, f"host:{_host(parts)}\n", "host", _UNSIGNED))
    digest = hashlib.sha256(asked.encode()).hexdigest()
    said = "\n".join(("AWS4-HMAC-SHA256", fields["X-Amz-Date"], scope, digest))
    key = b"AWS4" + place.key
    for word in scope.split("/"):
        key = hmac.digest(key, word.encode(), "sha256")
    return f"{url}?{query}&X-Amz-Signature={hmac.digest(key, said.encode(), 'sha256').hex()}"


def hmac_url(place: Place, url: str, node_id: str, end: datetime) -> str:
    """A URL with `node`, `expires` and `signature`: HMAC-SHA256 over path, node and end, a line each."""
    expires = int(end.timestamp())
    said = f"{urlsplit(url).path}\n{node_id}\n{expires}"
    signature = hmac.digest(place.key, said.encode(), "sha256").hex()
    return f"{url}?node={quote(node_id, safe='')}&expires={expires}&signature={signature}"


def problems(url: str) -> Iterator[str]:
    """Why a URL cannot be that of a place, a sentence each."""
    try:
        parts = urlsplit(url)
        is_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        yield "it is malformed"
        return
    if parts.scheme != "https" or not is_host or not url.isascii() or not url.isprintable() or " " in url:
        yield "it is no https://host/path in ASCII"
    if "@" in parts.netloc or parts.query or parts.fragment:
        yield "it carries a password, a query or a fragment; give scheme, host and path"
    if not _PATH.fullmatch(parts.path):
        yield f"its path must be letters, digits and ._~-/ with {HASH_WORD} once, where the hash of an artifact belongs"


def _signed(place: Place, sha256: str, node_id: str, now: datetime) -> str:
    url, half_s = place.url.replace(HASH_WORD, sha256), place.life_s / 2
    begin_s = _window(place, now) * half_s
    match place.signing:
        case Signing.HMAC:
            return hmac_url(place, url, node_id, datetime.fromtimestamp(begin_s + place.life_s, UTC))
        case Signing.S3:
            return s3_url(place, url, node_id, datetime.fromtimestamp(begin_s, UTC))
        case Signing.NONE:
            return url


def _host(parts: SplitResult) -> str:
    """What an agent sends as the host: lower-case, its port only where it is not that of https (RFC 9110, 7.2)."""
    return parts.netloc.lower().removesuffix(":443")


def _window(place: Place, now: datetime) -> int:
    return int(now.timestamp() // (place.life_s / 2))
