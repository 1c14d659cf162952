"""Files that jobs bring: taken from where they broke off, bounded, proven, and sent on from any offset."""

import hashlib
import random
from pathlib import Path

import pytest

from tests.link.manager_api.conftest import SETTINGS
from tests.link.manager_api.job_unit import break_off, job_session, say, send_file, told_job
from tests.link.manager_api.peer import Clock, LocalManager, NodeCredential, Peer
from wayside.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    OutOfRangeError,
    PermissionDeniedError,
    ResourceExhaustedError,
)
from wayside.v1 import job_pb2, job_service_pb2
from wayside_manager.app import running
from wayside_manager.cli.initialise import initialise
from wayside_manager.settings import DataFolder

BUNDLE = random.Random(7).randbytes(3 << 20)  # noqa: S311  # any bytes, the same each time
CHUNK = 64 << 10


@pytest.fixture
async def unit(operator: Peer, rsu_peer: Peer) -> Peer:
    """A unit that was told job j1, whose files may have 4 MiB."""
    await operator.create_job("rsu-1", "j1", debug_bundle=job_pb2.DebugBundleJob(), artifact_max_bytes=4 << 20)
    session = await job_session(rsu_peer)
    await told_job(session, "j1")
    return rsu_peer


async def fetched(operator: Peer, file: str, *, offset_bytes: int = 0) -> bytes:
    request = job_service_pb2.FetchJobArtifactRequest(job="jobs/j1", file=file, offset_bytes=offset_bytes)
    content = bytearray()
    async for answer in operator.stream(operator.job.FetchJobArtifact, request):
        assert answer.offset_bytes == offset_bytes + len(content)
        content += answer.content
    return bytes(content)


async def test_a_file_comes_and_can_be_fetched_from_any_offset(operator: Peer, unit: Peer) -> None:
    assert await send_file(unit, "j1", "bundle.tar.gz", BUNDLE) == [0, len(BUNDLE)]
    artifact = (await operator.get_job("j1")).artifacts[0]
    assert (artifact.file, artifact.size_bytes, artifact.received_bytes) == ("bundle.tar.gz", len(BUNDLE), len(BUNDLE))
    assert artifact.sha256 == hashlib.sha256(BUNDLE).hexdigest()
    assert await fetched(operator, "bundle.tar.gz") == BUNDLE
    assert await fetched(operator, "bundle.tar.gz", offset_bytes=1_000_001) == BUNDLE[1_000_001:]
    assert await fetched(operator, "bundle.tar.gz", offset_bytes=len(BUNDLE)) == b""
    with pytest.raises(OutOfRangeError):
        await fetched(operator, "bundle.tar.gz", offset_bytes=len(BUNDLE) + 1)
    with pytest.raises(NotFoundError):
        await fetched(operator, "other")


async def test_a_file_of_nothing_comes_too(operator: Peer, unit: Peer) -> None:
    assert await send_file(unit, "j1", "empty", b"") == [0]
    assert await fetched(operator, "empty") == b""


async def test_an_upload_that_breaks_goes_on_where_it_was(operator: Peer, unit: Peer) -> None:
    await break_off(unit, "j1", "a", BUNDLE, at=10 * CHUNK)
    with pytest.raises(FailedPreconditionError, match="on its way"):
        await fetched(operator, "a")
    offsets = await send_file(unit, "j1", "a", BUNDLE)
    assert 0 < offsets[0] <= 10 * CHUNK
    assert await fetched(operator, "a") == BUNDLE
    assert await send_file(unit, "j1", "a", BUNDLE) == [len(BUNDLE)], "and once more, its answer was lost"


async def test_an_upload_goes_on_after_the_manager_has_restarted(tmp_path: Path) -> None:
    folder, clock = DataFolder(tmp_path / "manager"), Clock()
    await initialise(folder, SETTINGS)
    async with running(folder, SETTINGS, now=clock) as endpoints:
        manager = LocalManager(folder, endpoints, clock)
        rsu = await manager.enroll("rsu-1")
        async with manager.operator() as operator, manager.node(rsu) as peer:
            await operator.create_job("rsu-1", "j1", debug_bundle=job_pb2.DebugBundleJob())
            await break_off(peer, "j1", "a", BUNDLE, at=20 * CHUNK)
    async with running(folder, SETTINGS, now=clock) as endpoints:
        manager = LocalManager(folder, endpoints, clock)
        async with manager.operator() as operator, manager.node(rsu) as peer:
            offsets = await send_file(peer, "j1", "a", BUNDLE)
            assert offsets[0] > 0
            assert await fetched(operator, "a") == BUNDLE


async def test_content_that_is_not_the_announced_one_is_thrown_away(operator: Peer, unit: Peer) -> None:
    with pytest.raises(InvalidArgumentError, match="sha256"):
        await send_file(unit, "j1", "a", BUNDLE, sha256="0" * 64)
    assert await send_file(unit, "j1", "a", BUNDLE) == [0, len(BUNDLE)]
    with pytest.raises(FailedPreconditionError, match="another content"):
        await send_file(unit, "j1", "a", b"something else")
    assert await fetched(operator, "a") == BUNDLE


async def test_another_content_of_a_file_that_broke_off_begins_anew(operator: Peer, unit: Peer) -> None:
    await send_file(unit, "j1", "a", BUNDLE, stop_at=10 * CHUNK)
    assert await send_file(unit, "j1", "a", b"made anew") == [0, 9]
    assert await fetched(operator, "a") == b"made anew"


async def test_a_job_brings_no_more_than_it_may(unit: Peer) -> None:
    await send_file(unit, "j1", "a", BUNDLE)
    with pytest.raises(ResourceExhaustedError, match="size_bytes"):
        await send_file(unit, "j1", "b", BUNDLE)
    for number in range(19):
        await send_file(unit, "j1", f"f{number}", b"x")
    with pytest.raises(ResourceExhaustedError, match="20 files"):
        await send_file(unit, "j1", "one-more", b"x")


@pytest.mark.parametrize(
    "other",
    [
        {"file": "../etc"},
        {"file": ".hidden"},
        {"file": "session.log"},
        {"size_bytes": -1},
        {"size_bytes": 2 << 30},
        {"sha256": "abc"},
        {"job_id": "x/y"},
    ],
    ids=lambda other: "-".join(f"{key}" for key in other) + f" {next(iter(other.values()))}",
)
async def test_a_begin_that_is_malformed_is_refused(unit: Peer, other: dict[str, object]) -> None:
    said: dict[str, object] = {"job_id": "j1", "file": "a", "content": b"abc"} | other
    with pytest.raises(InvalidArgumentError, match=r"begin\."):
        await send_file(unit, **said)  # type: ignore[arg-type]  # fields of a begin


async def test_more_than_was_announced_is_refused(unit: Peer) -> None:
    with pytest.raises(InvalidArgumentError, match="size_bytes"):
        await send_file(unit, "j1", "a", BUNDLE[:101], size_bytes=100)


async def test_a_unit_brings_files_for_its_own_jobs_only(manager: LocalManager, operator: Peer, unit: Peer) -> None:
    async with manager.node(await manager.enroll("rsu-2")) as other:
        with pytest.raises(NotFoundError):
            await send_file(other, "j1", "a", b"abc")
    with pytest.raises(NotFoundError):
        await send_file(unit, "j9", "a", b"abc")
    with pytest.raises(PermissionDeniedError):
        await send_file(operator, "j1", "a", b"abc")


async def test_files_may_come_for_a_day_after_the_outcome(
    manager: LocalManager, operator: Peer, rsu: NodeCredential, unit: Peer, clock: Clock
) -> None:
    async with manager.node(rsu) as peer:
        await say(await job_session(peer), 1, "j1", "succeeded")
    clock.push(hours=23)
    await send_file(unit, "j1", "late", b"abc")
    clock.push(hours=2)
    with pytest.raises(FailedPreconditionError, match="long ago"):
        await send_file(unit, "j1", "later", b"abc")
    assert await fetched(operator, "late") == b"abc"
