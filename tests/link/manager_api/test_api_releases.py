"""ReleaseService over real TLS."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.link.manager_api.peer import LocalManager, Peer, Session, release_archive, upload
from tests.releases import archive
from wayside import node_config
from wayside.errors import (
    AlreadyExistsError,
    ConflictError,
    InvalidArgumentError,
    NotFoundError,
    OutOfRangeError,
    PermissionDeniedError,
    ResourceExhaustedError,
)
from wayside.release_manifest import Notice
from wayside.v1 import node_pb2, node_service_pb2, release_pb2, release_service_pb2, rollout_service_pb2

ARCHIVE = release_archive("1.1.0")


async def test_a_published_release_is_listed_newest_first(operator: Peer, manager: LocalManager) -> None:
    published = (await operator.publish(ARCHIVE, notes="first")).release
    manager.clock.push(seconds=1)
    await operator.publish(release_archive("1.2.0"), version="1.2.0")
    listed = await operator.call(operator.release.ListReleases, release_service_pb2.ListReleasesRequest())

    assert (published.name, published.size_bytes, published.notes) == ("releases/1.1.0", len(ARCHIVE), "first")
    assert [release.version for release in listed.releases] == ["1.2.0", "1.1.0"]


def kept(manager: LocalManager) -> list[Path]:
    """Artifacts of releases, whole or not; files of jobs lie in a folder beside them."""
    return [path for path in manager.folder.artifacts.iterdir() if path.name != "jobs"]


@pytest.mark.parametrize(
    ("archive", "spec", "reason"),
    [
        (ARCHIVE, {"sha256": "0" * 64}, "SHA256_MISMATCH"),
        (ARCHIVE, {"size_bytes": len(ARCHIVE) + 1}, "SIZE_MISMATCH"),
        (ARCHIVE, {"size_bytes": len(ARCHIVE) - 1}, "SIZE_MISMATCH"),
        (ARCHIVE, {"version": "1.2.0"}, "NOT_A_RELEASE"),
        (b"not a tar archive", {}, "NOT_A_RELEASE"),
        pytest.param(b"\x1f\x8b\x08" * 2, {}, "NOT_A_RELEASE", id="gzip that ends at once"),
        pytest.param(ARCHIVE[:60], {}, "NOT_A_RELEASE", id="cut short"),
        (ARCHIVE, {"version": "one"}, "VERSION_INVALID"),
        (ARCHIVE, {"sha256": "XYZ"}, "INVALID_ARGUMENT"),
        (ARCHIVE, {"size_bytes": 0}, "INVALID_ARGUMENT"),
    ],
)
async def test_a_wrong_release_is_refused_and_leaves_nothing(
    operator: Peer, manager: LocalManager, archive: bytes, spec: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await operator.publish(archive, **spec)

    assert caught.value.reason == reason
    assert kept(manager) == []
    await operator.publish(ARCHIVE)


async def test_a_version_twice_already_exists(operator: Peer) -> None:
    await operator.publish(ARCHIVE)
    with pytest.raises(AlreadyExistsError):
        await operator.publish(ARCHIVE)


async def test_a_release_larger_than_the_manager_accepts_is_refused(operator: Peer) -> None:
    with pytest.raises(ResourceExhaustedError):
        await operator.publish(ARCHIVE, size_bytes=9 << 20)


async def test_an_upload_must_begin_with_a_spec(operator: Peer) -> None:
    _, *content = upload(ARCHIVE)
    with pytest.raises(InvalidArgumentError):
        await operator.upload(iter(content))


async def test_a_release_says_whether_it_publishes_the_schema_of_its_configuration(operator: Peer) -> None:
    published = release_archive("1.1.0", config_schema=json.dumps(node_config.schema()).encode())
    assert (await operator.publish(published)).release.has_config_schema
    assert not (await operator.publish(release_archive("1.2.0"), version="1.2.0")).release.has_config_schema
    listed = await operator.call(operator.release.ListReleases, release_service_pb2.ListReleasesRequest())
    assert {release.version: release.has_config_schema for release in listed.releases} == {
        "1.1.0": True,
        "1.2.0": False,
    }


@pytest.mark.parametrize(
    ("config_schema", "reason"),
    [
        (b"no JSON", "CONFIG_SCHEMA_INVALID"),
        (b'{"$ref": "https://example.org/schema"}', "CONFIG_SCHEMA_INVALID"),
        (b" " * (256 * 1024 + 1), "NOT_A_RELEASE"),
    ],
    ids=["no JSON", "from elsewhere", "too large"],
)
async def test_a_release_with_a_wrong_schema_is_refused_and_leaves_nothing(
    operator: Peer, manager: LocalManager, config_schema: bytes, reason: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=r"config\.schema\.json") as caught:
        await operator.publish(release_archive("1.1.0", config_schema=config_schema))
    assert caught.value.reason == reason
    assert kept(manager) == []


async def test_a_retired_release_is_rolled_out_no_more(operator: Peer) -> None:
    published = (await operator.publish(ARCHIVE)).release
    request = release_service_pb2.RetireReleaseRequest(name=published.name, etag="0")
    with pytest.raises(ConflictError):
        await operator.call(operator.release.RetireRelease, request)
    for etag in (published.etag, ""):  # again is the same
        request.etag = etag
        retired = (await operator.call(operator.release.RetireRelease, request)).release
        assert retired.state == release_pb2.Release.STATE_RETIRED


async def test_a_release_says_what_it_is(operator: Peer) -> None:
    notice = Notice(purpose="修复", changes="广播", duration_s=90, unavailable="无", safety="停车")
    described = archive(
        "1.1.0", hardware_ids=("rsu-x86",), requires=("agent>=5",), notices={"zh": notice}, return_to_counter=7
    )
    release = (await operator.publish(described)).release
    assert (release.counter, list(release.hardware_ids), list(release.requires)) == (
        1_001_000,
        ["rsu-x86"],
        ["agent>=5"],
    )
    assert (release.notices["zh"].purpose, release.notices["zh"].duration.seconds) == ("修复", 90)
    assert [(each.name, each.driver) for each in release.components] == [("agent", "slot")]
    assert (release.return_to_counter, len(release.tree_sha256)) == (7, 64)


async def test_a_node_fetches_only_the_release_it_should_run(operator: Peer, rsu_peer: Peer) -> None:
    await operator.publish(ARCHIVE)

    async def fetch(release: str, offset: int = 0) -> None:
        request = node_service_pb2.FetchArtifactRequest(release=release, offset_bytes=offset)
        _ = [part async for part in rsu_peer.stream(rsu_peer.node.FetchArtifact, request)]

    with pytest.raises(NotFoundError):
        await fetch("releases/9.9.9")
    with pytest.raises(PermissionDeniedError):
        await fetch("releases/1.1.0")
    await should_run(rsu_peer, operator, "releases/1.1.0")
    await fetch("releases/1.1.0")
    for offset in (-1, len(ARCHIVE) + 1):
        with pytest.raises(OutOfRangeError):
            await fetch("releases/1.1.0", offset)


async def should_run(rsu_peer: Peer, operator: Peer, release: str) -> None:
    """Returns when the unit has been told to run the release."""
    session = await Session(rsu_peer).opened()
    await session.report(1)
    chosen = node_pb2.NodeSelector(nodes=["nodes/rsu-1"])
    request = rollout_service_pb2.CreateRolloutRequest(release=release, selector=chosen)
    await operator.call(operator.rollout.CreateRollout, request)
    while not (await session.until("desired_state")).HasField("release"):
        pass


@pytest.mark.parametrize(
    ("asked_bytes", "largest_bytes"),
    [(0, 1 << 20), (1, 1 << 16), (200_000, 200_000), (-1, 1 << 16), (1 << 30, 1 << 20)],
)
async def test_chunks_are_as_large_as_a_unit_asks_within_bounds(
    operator: Peer, rsu_peer: Peer, asked_bytes: int, largest_bytes: int
) -> None:
    release = release_archive("1.1.0", payload=random.Random(7).randbytes(1_200_000))  # noqa: S311  # no secret
    await operator.publish(release)
    await should_run(rsu_peer, operator, "releases/1.1.0")

    request = node_service_pb2.FetchArtifactRequest(
        release="releases/1.1.0", offset_bytes=5, max_chunk_bytes=asked_bytes
    )
    parts = [part async for part in rsu_peer.stream(rsu_peer.node.FetchArtifact, request)]
    assert max(len(part.content) for part in parts) == largest_bytes
    assert b"".join(part.content for part in parts) == release[5:]
    assert parts[1].offset_bytes == 5 + largest_bytes


async def test_a_configuration_the_node_does_not_have_is_not_found(rsu_peer: Peer) -> None:
    for revision in (0, 5):
        with pytest.raises(NotFoundError):
            await rsu_peer.call(rsu_peer.node.FetchConfig, node_service_pb2.FetchConfigRequest(revision=revision))
