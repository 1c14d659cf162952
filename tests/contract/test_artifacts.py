"""Artifacts: whole or not at all, read from any byte."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.contract.manager_store import START
from wayside.errors import InvalidArgumentError, NotFoundError, OutOfRangeError, ResourceExhaustedError
from wayside_manager.core.releases import ReleaseRecord
from wayside_manager.ports.releases import ArtifactStore
from wayside_manager.ports.store import Store
from wayside_manager.services.artifact_collection import collect_artifacts
from wayside_manager.store.artifacts import ArtifactDirectory

CONTENT = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
async def artifacts(tmp_path: Path) -> AsyncIterator[ArtifactStore]:
    async with ArtifactDirectory(tmp_path / "artifacts") as artifacts:
        yield artifacts


async def chunks(content: bytes = CONTENT, size: int = 10_000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def read(artifacts: ArtifactStore, *, offset_bytes: int = 0, chunk_bytes: int = 1 << 20) -> list[bytes]:
    found = artifacts.read(SHA256, offset_bytes=offset_bytes, chunk_bytes=chunk_bytes)
    return [chunk async for chunk in found]


async def test_what_was_written_is_read_from_any_offset(artifacts: ArtifactStore) -> None:
    await artifacts.write(chunks(), sha256=SHA256, size_bytes=len(CONTENT))
    assert await artifacts.size_bytes(SHA256) == len(CONTENT)
    for offset in (0, 1, 255_999, len(CONTENT)):
        assert b"".join(await read(artifacts, offset_bytes=offset)) == CONTENT[offset:]
    assert [len(chunk) for chunk in await read(artifacts, chunk_bytes=100_000)] == [100_000, 100_000, 56_000]


async def test_an_offset_behind_the_end_is_out_of_range(artifacts: ArtifactStore) -> None:
    await artifacts.write(chunks(), sha256=SHA256, size_bytes=len(CONTENT))
    for offset in (-1, len(CONTENT) + 1):
        with pytest.raises(OutOfRangeError):
            await read(artifacts, offset_bytes=offset)


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT + b"x", CONTENT[:-1] + b"x"])
async def test_other_bytes_than_stated_leave_nothing(artifacts: ArtifactStore, tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InvalidArgumentError):
        await artifacts.write(chunks(content), sha256=SHA256, size_bytes=len(CONTENT))
    with pytest.raises(NotFoundError):
        await artifacts.size_bytes(SHA256)
    assert not list((tmp_path / "artifacts").iterdir())


async def test_an_inspector_sees_all_of_it_and_may_refuse(artifacts: ArtifactStore) -> None:
    def refuse(complete: BinaryIO) -> None:
        assert complete.read() == CONTENT
        raise InvalidArgumentError("content: it is no release")

    with pytest.raises(InvalidArgumentError, match="no release"):
        await artifacts.write(chunks(), sha256=SHA256, size_bytes=len(CONTENT), inspect=refuse)
    with pytest.raises(NotFoundError):
        await read(artifacts)


async def test_writing_the_same_again_and_deleting_twice_are_fine(artifacts: ArtifactStore) -> None:
    for _ in range(2):
        await artifacts.write(chunks(), sha256=SHA256, size_bytes=len(CONTENT))
    for _ in range(2):
        await artifacts.delete(SHA256)
    with pytest.raises(NotFoundError):
        await artifacts.size_bytes(SHA256)


async def test_a_name_that_is_no_hash_never_becomes_a_path(artifacts: ArtifactStore) -> None:
    for name in ("../secret", "", "A" * 64, SHA256 + "/"):
        with pytest.raises(InvalidArgumentError):
            await artifacts.size_bytes(name)


async def test_opening_removes_what_a_crash_left_behind(tmp_path: Path) -> None:
    left_over = tmp_path / f"{SHA256}.0123.part"
    left_over.write_bytes(b"half")
    async with ArtifactDirectory(tmp_path):
        assert not left_over.exists()


async def test_bytes_of_no_release_are_removed(store: Store, artifacts: ArtifactStore) -> None:
    await artifacts.write(chunks(), sha256=SHA256, size_bytes=len(CONTENT))
    await artifacts.write(chunks(b"orphan"), sha256=hashlib.sha256(b"orphan").hexdigest(), size_bytes=6)
    await store.add_release(ReleaseRecord("1.0.0", SHA256, len(CONTENT), "", START))
    assert await collect_artifacts(store, artifacts) == {hashlib.sha256(b"orphan").hexdigest()}
    assert await artifacts.hashes() == (SHA256,)
    assert await collect_artifacts(store, artifacts) == frozenset()


async def test_a_full_disk_is_said_and_leaves_nothing(artifacts: ArtifactStore, tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x"
        raise OSError(28, "No space left on device")

    with pytest.raises(ResourceExhaustedError, match="disk is full"):
        await artifacts.write(broken(), sha256=SHA256, size_bytes=2)
    assert not list((tmp_path / "artifacts").iterdir())
