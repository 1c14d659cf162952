"""What the manager signs, nginx as we ship it lets through, and nothing else; the unit's own client fetches it."""

import asyncio
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.contract.sink_servers import Tls, made_tls
from tests.link.nginx_place import nginx_place
from wayside.errors import NotFoundError, PermissionDeniedError
from wayside_agent.core.download import Order
from wayside_agent.link.https import HttpsPlace
from wayside_manager.core.artifact_places import ArtifactPlaces, Place, Signing

KEY = "0123456789abcdef0123456789abcdef"
CONTENT = b"artifact" * 300_000
SHA = hashlib.sha256(CONTENT).hexdigest()
ORDER = Order("releases/1.0", SHA, len(CONTENT))


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return made_tls(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def place(tls: Tls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with nginx_place(tmp_path_factory.mktemp("nginx") / "place", tls, KEY) as (url, artifacts):
        (artifacts / SHA).write_bytes(CONTENT)
        yield Place(url, Signing.HMAC, key=KEY.encode())


def url_of(place: Place, *, sha256: str = SHA, now: datetime | None = None) -> str:
    [url] = ArtifactPlaces((place,)).urls(sha256, "rsu-1", now or datetime.now(UTC))
    return url


async def fetched(tls: Tls, url: str, offset: int = 0) -> bytes:
    async with asyncio.timeout(20):
        chunks = HttpsPlace(str(tls.ca)).fetch(url, ORDER, offset_bytes=offset)
        return b"".join([chunk async for chunk in chunks])


@pytest.mark.parametrize("offset", [0, 1, 1_500_000])
async def test_a_signed_url_brings_the_artifact_from_any_byte(offset: int, tls: Tls, place: Place) -> None:
    assert await fetched(tls, url_of(place), offset) == CONTENT[offset:]


@pytest.mark.parametrize(
    ("said", "instead"),
    [("node=rsu-1", "node=rsu-2"), ("expires=1", "expires=2"), ("signature=", "signature=0"), ("?node", "?other")],
    ids=["another node", "a later end", "another signature", "no node"],
)
async def test_a_url_that_was_changed_is_refused(said: str, instead: str, tls: Tls, place: Place) -> None:
    url = url_of(place)
    assert said in url
    with pytest.raises(PermissionDeniedError, match="may have expired"):
        await fetched(tls, url.replace(said, instead))


async def test_a_url_without_a_signature_is_refused(tls: Tls, place: Place) -> None:
    with pytest.raises(PermissionDeniedError):
        await fetched(tls, url_of(place).partition("?")[0])


async def test_a_url_whose_time_is_over_is_refused(tls: Tls, place: Place) -> None:
    with pytest.raises(PermissionDeniedError):
        await fetched(tls, url_of(place, now=datetime.now(UTC) - timedelta(seconds=place.life_s)))


async def test_an_artifact_that_was_not_copied_yet_is_absent(tls: Tls, place: Place) -> None:
    with pytest.raises(NotFoundError):
        await fetched(tls, url_of(place, sha256="0" * 64))


async def test_a_signature_of_one_artifact_opens_no_other(tls: Tls, place: Place) -> None:
    with pytest.raises(PermissionDeniedError):
        await fetched(tls, url_of(place).replace(SHA, "0" * 64))
