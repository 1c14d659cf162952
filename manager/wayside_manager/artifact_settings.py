"""`[[artifact_places]]` and `[neighbours]` of `manager.toml`: who else has the artifacts of releases.

Usage: `places = read_places(settings.artifact_places, folder)`.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec

from wayside.errors import InvalidArgumentError
from wayside_manager.core.artifact_places import LIFE_S, ArtifactPlaces, Place, Signing, problems
from wayside_manager.core.neighbours import MAX_DISTANCE_M

MAX_COUNT = 4
"""Of places; a node looks at 8 URLs, and neighbours have some of them."""
MIN_KEY_BYTES = 16
MAX_KEY_BYTES = 4096


class ArtifactPlaceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One place, an HTTPS server with a copy of the artifact store."""

    url: Annotated[
        str,
        msgspec.Meta(max_length=1000, description="https://host/path with {sha256} where an artifact's hash belongs."),
    ]
    signing: Annotated[Signing, msgspec.Meta(description="How URLs are signed for a node: none, hmac or s3.")] = (
        Signing.NONE
    )
    key_file: Annotated[
        str,
        msgspec.Meta(
            description="Secret of the signature, one line of 16 bytes or more; for s3 two lines: access key ID and "
            "secret access key. From the data folder."
        ),
    ] = ""
    region: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{0,40}$", description="Region of the bucket; s3 only.")] = (
        ""
    )
    life_s: Annotated[
        float,
        msgspec.Meta(
            ge=1800, le=604_800, description="How long a signed URL holds; it is made anew when half is over [s]."
        ),
    ] = LIFE_S

    def __post_init__(self) -> None:
        for problem in problems(self.url):
            raise ValueError(f"url: {problem}")
        if (self.signing is Signing.NONE) is bool(self.key_file):
            raise ValueError("key_file: give the secret where URLs are signed, and only there")
        if (self.signing is Signing.S3) is not bool(self.region):
            raise ValueError("region: give it with signing s3, and only there")


class NeighbourSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section `[neighbours]`."""

    enabled: Annotated[
        bool,
        msgspec.Meta(
            description="Name nodes the roadside units near them that have a release, and let certificates of roadside "
            "units be used to serve. A unit serves only if its own settings say so."
        ),
    ] = True
    max_distance_m: Annotated[
        float, msgspec.Meta(ge=0, le=100_000, description="Greatest distance between the sites of the two [m].")
    ] = MAX_DISTANCE_M


def read_places(settings: Iterable[ArtifactPlaceSettings], folder: Path) -> ArtifactPlaces:
    """The places with their secrets.

    Raises: InvalidArgumentError: a file of a secret is not there, or is none.
    """
    return ArtifactPlaces(tuple(_place(each, folder) for each in settings))


def _place(place: ArtifactPlaceSettings, folder: Path) -> Place:
    key_id, key = _secret(place, folder / place.key_file) if place.key_file else ("", b"")
    return Place(place.url, place.signing, key=key, key_id=key_id, region=place.region, life_s=place.life_s)


def _secret(place: ArtifactPlaceSettings, path: Path) -> tuple[str, bytes]:
    """Access key ID (of S3) and secret."""
    try:
        with path.open("rb") as file:
            lines = [line.strip() for line in file.read(MAX_KEY_BYTES).splitlines()]
    except OSError as exc:
        raise InvalidArgumentError(
            f"artifact_places.key_file: {path} cannot be read: {exc.strerror}; put the secret there"
        ) from exc
    is_s3 = place.signing is Signing.S3
    if len(lines) != 1 + is_s3 or len(lines[-1]) < MIN_KEY_BYTES or not lines[0].isascii():
        wanted = "two lines, access key ID and secret access key" if is_s3 else f"one line of {MIN_KEY_BYTES} bytes"
        raise InvalidArgumentError(f"artifact_places.key_file: {path} must have {wanted}")
    return lines[0].decode("ascii") if is_s3 else "", lines[-1]
