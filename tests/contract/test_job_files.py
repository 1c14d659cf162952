"""The directory of files that jobs bring: durable when whole, resumed when not, gone with their jobs."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.jobs_of_nodes import job, say
from tests.contract.manager_store import Clock, after, enrolled
from wayside.errors import ConflictError, InvalidArgumentError, NotFoundError
from wayside_manager.core.jobs import JobArtifact
from wayside_manager.ports.store import Store
from wayside_manager.services.job_sweep import KEPT, JobSweep
from wayside_manager.store.bus import LocalBus
from wayside_manager.store.job_files import JobFileDirectory

CONTENT = b"what a unit brings"
FILE = JobArtifact("log.txt", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
async def files(tmp_path: Path) -> AsyncIterator[JobFileDirectory]:
    async with JobFileDirectory(tmp_path / "jobs") as opened:
        yield opened


async def read(files: JobFileDirectory, file: str = "log.txt") -> bytes:
    return b"".join([chunk async for chunk in files.read("j1", file, offset_bytes=0, chunk_bytes=4)])


async def test_a_file_is_there_when_it_is_whole_and_not_before(files: JobFileDirectory) -> None:
    assert await files.received_bytes("j1", FILE) == 0
    await files.write("j1", FILE, 0, CONTENT[:5])
    with pytest.raises(NotFoundError):
        await read(files)
    assert await files.received_bytes("j1", FILE) == 5
    await files.write("j1", FILE, 5, CONTENT[5:])
    await files.finish("j1", FILE)
    assert await read(files) == CONTENT
    assert await files.received_bytes("j1", FILE) == len(CONTENT)
    await files.finish("j1", FILE)
    assert await read(files) == CONTENT


async def test_what_is_not_the_announced_content_is_gone_and_begins_anew(files: JobFileDirectory) -> None:
    await files.received_bytes("j1", FILE)
    await files.write("j1", FILE, 0, CONTENT[::-1])
    with pytest.raises(InvalidArgumentError):
        await files.finish("j1", FILE)
    assert await files.received_bytes("j1", FILE) == 0


async def test_a_part_that_is_longer_than_announced_begins_anew(files: JobFileDirectory) -> None:
    await files.received_bytes("j1", FILE)
    await files.write("j1", FILE, 0, CONTENT + b"more")
    assert await files.received_bytes("j1", FILE) == 0


async def test_what_somebody_else_finished_is_not_written_to(files: JobFileDirectory) -> None:
    await files.received_bytes("j1", FILE)
    await files.write("j1", FILE, 0, CONTENT)
    await files.finish("j1", FILE)
    with pytest.raises(ConflictError):
        await files.write("j1", FILE, 0, b"late")
    assert await read(files) == CONTENT


async def test_a_file_whose_name_begins_like_anothers_leaves_its_part_alone(files: JobFileDirectory) -> None:
    longer = JobArtifact("log.txt.1", FILE.size_bytes, FILE.sha256)
    await files.received_bytes("j1", longer)
    await files.write("j1", longer, 0, CONTENT[:5])
    await files.received_bytes("j1", FILE)
    assert await files.received_bytes("j1", longer) == 5


async def test_what_is_there_is_taken_for_no_other_content_of_the_same_size(files: JobFileDirectory) -> None:
    await files.received_bytes("j1", FILE)
    await files.write("j1", FILE, 0, CONTENT)
    await files.finish("j1", FILE)
    other = JobArtifact(FILE.file, FILE.size_bytes, hashlib.sha256(CONTENT[::-1]).hexdigest())
    assert await files.received_bytes("j1", other) == 0
    await files.write("j1", other, 0, CONTENT[::-1])
    await files.finish("j1", other)
    assert await read(files) == CONTENT[::-1]


async def test_the_managers_own_file_grows_and_is_measured(files: JobFileDirectory) -> None:
    assert await files.append("j1", "session.log", b"a\n") == 2
    assert await files.append("j1", "session.log", b"b\n") == 4
    assert await files.measured("j1", "session.log") == JobArtifact(
        "session.log", 4, hashlib.sha256(b"a\nb\n").hexdigest(), 4
    )
    with pytest.raises(NotFoundError):
        await files.measured("j2", "session.log")


async def test_old_jobs_go_with_their_files_and_open_ones_stay(store: Store, files: JobFileDirectory) -> None:
    await enrolled(store, "rsu-1")
    await job(store, "j1", "rsu-1")
    await job(store, "j2", "rsu-1")
    await say(store, "rsu-1", "j1", "succeeded")
    await files.append("j1", "a", b"x")
    await files.append("j2", "a", b"x")
    clock = Clock(after(0) + KEPT)
    sweep = JobSweep(store, files, LocalBus(), now=clock)
    assert await sweep.prune() == 0
    clock.time += KEPT / 90
    assert await sweep.prune() == 1
    with pytest.raises(NotFoundError):
        await files.measured("j1", "a")
    assert (await files.measured("j2", "a")).size_bytes == 1
