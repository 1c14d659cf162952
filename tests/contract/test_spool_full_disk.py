"""A spool on a full disk: a clear refusal, nothing accepted, nothing harmed, and it goes on when there is room."""

import contextlib
import errno
import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from wayside.errors import ResourceExhaustedError
from wayside_agent.link.spool import FileSpool
from wayside_agent.ports.spools import SpoolRecord


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    mount = tmp_path / "disk"
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(mount)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("needs the right to mount a small tmpfs")
    try:
        yield mount
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)


@contextlib.contextmanager
def file_size_limit(limit_bytes: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def filled(spool: FileSpool) -> None:
    for _ in range(1000):
        await spool.append([bytes(1000)])


async def held(spool: FileSpool) -> list[SpoolRecord]:
    records: list[SpoolRecord] = []
    while len(records) < spool.state().record_count:
        records += await spool.read(records[-1].sequence if records else 0, max_count=100)
    return records


async def test_a_full_disk_refuses_and_goes_on_when_there_is_room(small_disk: Path) -> None:
    directory = small_disk / "spool"
    ballast = small_disk / "ballast"
    async with FileSpool(directory, segment_bytes=16_384) as spool:
        await spool.append([bytes(1000)] * 20)
        with contextlib.suppress(OSError):
            ballast.write_bytes(bytes(1024 * 1024))
        with pytest.raises(ResourceExhaustedError, match=r"spool .*: disk full .*free space or raise") as refusal:
            await filled(spool)
        assert refusal.value.reason == "DISK_FULL"
        for _ in range(50):
            with pytest.raises(ResourceExhaustedError):
                await spool.append([bytes(1000)] * 10)
        count = spool.state().record_count
        assert [record.sequence for record in await held(spool)] == list(range(1, count + 1))
        ballast.unlink()
        assert await spool.append([b"room again"]) == count + 1
    async with FileSpool(directory) as spool:
        assert [record.sequence for record in await held(spool)] == list(range(1, count + 2))
        assert spool.state().torn_bytes == 0


async def test_acknowledging_frees_a_full_disk(small_disk: Path) -> None:
    async with FileSpool(small_disk / "spool", segment_bytes=16_384) as spool:
        with pytest.raises(ResourceExhaustedError):
            await filled(spool)
        last = spool.state().record_count
        await spool.acknowledge(last)
        assert await spool.append([b"room again"]) == last + 1


async def test_a_cap_that_is_reached_on_a_full_disk_evicts_and_goes_on(small_disk: Path) -> None:
    async with FileSpool(small_disk / "spool", max_bytes=64_000, segment_bytes=8192) as spool:
        for _ in range(62):
            await spool.append([bytes(1000)])
        with contextlib.suppress(OSError):
            (small_disk / "ballast").write_bytes(bytes(1024 * 1024))
        for index in range(63, 200):
            assert await spool.append([bytes(1000)]) == index
        assert spool.state().evicted_count > 100
        assert [record.sequence for record in await held(spool)][-1] == 199


async def test_an_agent_starts_on_a_full_disk(small_disk: Path) -> None:
    directory = small_disk / "spool"
    async with FileSpool(directory) as spool:
        identity = spool.spool_id
        await spool.append([b"before"])
    with contextlib.suppress(OSError):
        (small_disk / "ballast").write_bytes(bytes(1024 * 1024))
    async with FileSpool(directory) as spool:
        assert spool.spool_id == identity
        assert [record.payload for record in await held(spool)] == [b"before"]


async def test_a_write_that_stops_half_way_is_taken_back(tmp_path: Path) -> None:
    async with FileSpool(tmp_path) as spool:
        await spool.append([b"kept"])
        with file_size_limit(300), pytest.raises(ResourceExhaustedError, match="disk full"):
            await spool.append([bytes(1000)])
        assert await spool.append([b"next"]) == 2
    async with FileSpool(tmp_path) as spool:
        assert [record.payload for record in await held(spool)] == [b"kept", b"next"]
        assert spool.state().torn_bytes == 0


async def test_a_disk_that_is_full_at_the_sync_accepts_nothing(tmp_path: Path) -> None:
    full = False

    def sync(descriptor: int) -> None:
        if full:
            raise OSError(errno.ENOSPC, "No space left on device")
        os.fdatasync(descriptor)

    async with FileSpool(tmp_path, sync=sync, segment_bytes=100, max_bytes=10_000) as spool:
        for _ in range(4):
            await spool.append([b"x" * 40])
        for _ in range(5):
            full = True
            with pytest.raises(ResourceExhaustedError, match="free space"):
                await spool.append([b"y" * 40, b"z" * 40])
            full = False
            await spool.append([b"x" * 40])
        records = await held(spool)
    assert [record.sequence for record in records] == list(range(1, 10))
    assert {record.payload for record in records} == {b"x" * 40}
    async with FileSpool(tmp_path) as spool:
        assert await held(spool) == records
