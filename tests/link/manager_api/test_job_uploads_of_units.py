"""The unit's own upload against a real manager: whole, gone on with, there already, empty, not wanted."""

import asyncio
import hashlib
from pathlib import Path

import pytest

from tests.link.manager_api.job_unit import job_session, told_job
from tests.link.manager_api.peer import Peer
from wayside.errors import NotFoundError
from wayside.v1 import job_pb2, job_service_pb2
from wayside_agent.core.job import Artifact
from wayside_agent.link.uploads import CHUNK_BYTES, beginning, upload

CONTENT = bytes(range(256)) * 5000


class BrokenError(Exception):
    """The line breaks here."""


@pytest.fixture
async def unit(operator: Peer, rsu_peer: Peer) -> Peer:
    await operator.create_job("rsu-1", "j1", debug_bundle=job_pb2.DebugBundleJob())
    await told_job(await job_session(rsu_peer), "j1")
    return rsu_peer


async def brought(
    unit: Peer, path: Path, content: bytes = CONTENT, *, job: str = "jobs/j1", break_at: int = -1
) -> list[int]:
    """Brings a file, unless it breaks off there; the positions that were told."""
    told: list[int] = []
    await asyncio.to_thread(path.write_bytes, content)

    def progress(done_bytes: int) -> None:
        told.append(done_bytes)
        if done_bytes == break_at:
            raise BrokenError

    artifact = Artifact(path.name, len(content), hashlib.sha256(content).hexdigest())
    async with asyncio.timeout(20):
        await upload(
            lambda: unit.node.UploadJobArtifact(None, metadata=unit.metadata),
            "the manager",
            begin=beginning(job, artifact),
            path=path,
            max_bytes_per_s=0,
            progress=progress,
        )
    return told


async def test_a_file_is_whole_at_the_manager_when_the_upload_is_over(
    operator: Peer, unit: Peer, tmp_path: Path
) -> None:
    await brought(unit, tmp_path / "debug.tar.gz")
    artifact = (await operator.get_job("j1")).artifacts[0]
    assert (artifact.received_bytes, artifact.size_bytes) == (len(CONTENT), len(CONTENT))
    request = job_service_pb2.FetchJobArtifactRequest(job="jobs/j1", file="debug.tar.gz")
    chunks = [answer.content async for answer in operator.stream(operator.job.FetchJobArtifact, request)]
    assert b"".join(chunks) == CONTENT


async def test_one_that_broke_goes_on_and_one_that_is_there_is_not_sent_again(unit: Peer, tmp_path: Path) -> None:
    path = tmp_path / "debug.tar.gz"
    with pytest.raises(BrokenError):
        await brought(unit, path, break_at=3 * CHUNK_BYTES)
    assert (await brought(unit, path))[-1] == len(CONTENT)
    assert await brought(unit, path) == [len(CONTENT)]


async def test_an_empty_file_is_taken(unit: Peer, tmp_path: Path) -> None:
    assert await brought(unit, tmp_path / "empty", b"") == [0]


async def test_a_job_that_is_not_there_takes_no_file(unit: Peer, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        await brought(unit, tmp_path / "a.txt", job="jobs/other")
