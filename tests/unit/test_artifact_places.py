"""URLs of artifacts elsewhere, signed for one node."""

import hmac
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from wayside_manager.core.artifact_places import ArtifactPlaces, Place, Signing, problems, s3_url

SHA = "ab" * 32
NOW = datetime(2026, 11, 23, 8, 15, tzinfo=UTC)
URL = "https://cdn.example/wayside/{sha256}"
CDN = Place(URL, Signing.HMAC, key=b"0123456789abcdef")


def test_the_published_example_of_aws_is_signed_as_published() -> None:
    """Source: Amazon S3 API reference, "Authenticating requests: using query parameters", example."""
    place = Place(
        "",
        Signing.S3,
        key=b"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        key_id="AKIAIOSFODNN7EXAMPLE",
        region="us-east-1",
        life_s=86_400,
    )
    url = s3_url(place, "https://examplebucket.s3.amazonaws.com/test.txt", "", datetime(2013, 5, 24, tzinfo=UTC))
    assert url.endswith("&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")
    assert "X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&" in url


@pytest.mark.parametrize("authority", ["Bucket.Example", "bucket.example:443"])
def test_s3_signs_the_host_as_an_agent_sends_it(authority: str) -> None:
    place = Place("", Signing.S3, key=b"0123456789abcdef", key_id="id", region="x", life_s=3600)
    signed, plain = (s3_url(place, f"https://{each}/file", "", NOW) for each in (authority, "bucket.example"))
    assert signed.partition("?")[2] == plain.partition("?")[2]


def told(place: Place, now: datetime = NOW, node_id: str = "rsu-1") -> str:
    [url] = ArtifactPlaces((place,)).urls(SHA, node_id, now)
    return url


def test_an_unsigned_place_is_its_url_with_the_hash() -> None:
    assert told(Place(URL)) == f"https://cdn.example/wayside/{SHA}"
    assert ArtifactPlaces((Place(URL),)).window(NOW) == ()


def test_a_signature_covers_path_node_and_end() -> None:
    parts = urlsplit(told(CDN))
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    said = f"/wayside/{SHA}\nrsu-1\n{query['expires']}"
    assert query["node"] == "rsu-1"
    assert query["signature"] == hmac.new(b"0123456789abcdef", said.encode(), "sha256").hexdigest()


@pytest.mark.parametrize("minutes", [0, 17, 179, 180, 1000])
def test_a_url_holds_for_half_a_life_at_least_and_a_life_at_most(minutes: int) -> None:
    now = NOW + timedelta(minutes=minutes)
    expires = int(parse_qs(urlsplit(told(CDN, now)).query)["expires"][0])
    assert CDN.life_s / 2 <= expires - now.timestamp() <= CDN.life_s


def test_a_node_is_told_the_same_url_until_half_a_life_is_over() -> None:
    begin = datetime(2026, 11, 23, 9, tzinfo=UTC)
    places = ArtifactPlaces((CDN,))
    soon, later = begin + timedelta(minutes=179), begin + timedelta(minutes=180)
    assert told(CDN, begin) == told(CDN, soon)
    assert places.window(begin) == places.window(soon)
    assert told(CDN, begin) != told(CDN, later)
    assert places.window(begin) != places.window(later)


@pytest.mark.parametrize("signing", [Signing.HMAC, Signing.S3])
def test_each_node_has_a_signature_of_its_own(signing: Signing) -> None:
    place = Place(URL, signing, key=b"0123456789abcdef", key_id="ID", region="eu-1")
    assert told(place, node_id="rsu-1").split("ignature=")[1] != told(place, node_id="rsu-2").split("ignature=")[1]


@pytest.mark.parametrize(
    "url",
    [
        "http://cdn.example/{sha256}",
        "https://cdn.example/file",
        "https://cdn.example/{sha256}/{sha256}",
        "https://cdn.example/{sha256}?a=b",
        "https://user:word@cdn.example/{sha256}",
        "https://cdn.example/a b/{sha256}",
        "https://cdn.example/%20/{sha256}",
        "https://[::1/{sha256}",
        "https:///{sha256}",
        "https://cdn.example:99999/{sha256}",
        "",
    ],
)
def test_what_cannot_be_a_place_is_said(url: str) -> None:
    assert list(problems(url))


@pytest.mark.parametrize(
    "url", [URL, "https://bucket.s3.eu-central-1.amazonaws.com/{sha256}", "https://[::1]:8443/a/{sha256}"]
)
def test_a_place_has_no_problems(url: str) -> None:
    assert not list(problems(url))
