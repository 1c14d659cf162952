"""`ports.Spool` over segment files: nothing accepted is lost, nothing is kept beyond the caps."""

import asyncio
import errno
import logging
import os
import shutil
import threading
from pathlib import Path

import pytest

from wayside.errors import FailedPreconditionError, ResourceExhaustedError
from wayside_agent.link.spool import FileSpool
from wayside_agent.ports.errors import DeviceFaultError
from wayside_agent.ports.spools import SpoolRecord


def segment_paths(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.seg"))


async def drained(spool: FileSpool) -> list[SpoolRecord]:
    records: list[SpoolRecord] = []
    while len(records) < spool.state().record_count:
        records += await spool.read(records[-1].sequence if records else 0, max_count=7)
    return records


async def contents(directory: Path) -> list[bytes]:
    async with FileSpool(directory) as spool:
        return [record.payload for record in await drained(spool)]


async def test_records_come_back_in_order_with_their_sequences(tmp_path: Path) -> None:
    async with FileSpool(tmp_path / "s") as spool:
        assert await spool.append([b"a", b"b"]) == 2
        assert await spool.append([b"c"]) == 3
        assert await spool.append([]) == 3
        assert await drained(spool) == [SpoolRecord(1, b"a"), SpoolRecord(2, b"b"), SpoolRecord(3, b"c")]
        assert await spool.read(1, max_count=1) == (SpoolRecord(2, b"b"),)


async def test_the_directory_is_private(tmp_path: Path) -> None:
    async with FileSpool(tmp_path / "s") as spool:
        await spool.append([b"a"])
        assert (tmp_path / "s").stat().st_mode & 0o777 == 0o700
        assert all(path.stat().st_mode & 0o777 == 0o600 for path in (tmp_path / "s").iterdir())


async def test_a_reader_waits_for_the_next_record(tmp_path: Path) -> None:
    async with FileSpool(tmp_path) as spool, asyncio.timeout(10), asyncio.TaskGroup() as group:
        reader = group.create_task(spool.read(0, max_count=10))
        await spool.append([b"late"])
        assert await reader == (SpoolRecord(1, b"late"),)


async def test_concurrent_appends_share_a_sync(tmp_path: Path) -> None:
    syncs = []

    def counted(descriptor: int) -> None:
        syncs.append(descriptor)
        os.fdatasync(descriptor)

    async with FileSpool(tmp_path, sync=counted) as spool:
        before = len(syncs)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(spool.append([b"%d" % index])) for index in range(200)]
        assert [task.result() for task in tasks] == list(range(1, 201))
        assert len(syncs) - before < 50


async def test_a_cancelled_append_leaves_the_spool_usable(tmp_path: Path) -> None:
    async with FileSpool(tmp_path) as spool:
        for _ in range(20):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0):
                    await spool.append([b"never mind"])
        sequence = await spool.append([b"kept"])
        assert (await spool.read(sequence - 1, max_count=1))[0].payload == b"kept"


async def test_an_append_is_made_though_its_caller_has_gone(tmp_path: Path) -> None:
    loop, syncing, may_sync = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    may_sync.set()

    def held(descriptor: int) -> None:
        loop.call_soon_threadsafe(syncing.set)
        may_sync.wait()
        os.fdatasync(descriptor)

    async with FileSpool(tmp_path, sync=held) as spool, asyncio.timeout(20), asyncio.TaskGroup() as group:
        await asyncio.sleep(0)
        syncing.clear()
        may_sync.clear()
        group.create_task(spool.append([b"first"]))
        await syncing.wait()
        gone = group.create_task(spool.append([b"second"]))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.wait([gone])
        may_sync.set()
        records = await spool.read(1, max_count=1)
    assert [record.payload for record in records] == [b"second"]


async def test_a_payload_can_carry_its_own_sequence(tmp_path: Path) -> None:
    async with FileSpool(tmp_path) as spool:
        await spool.append([b"first"])
        assert await spool.append_built(lambda sequence: b"I am %d" % sequence) == 2
        assert (await spool.read(1, max_count=1))[0].payload == b"I am 2"


async def test_a_payload_that_cannot_be_built_harms_only_its_caller(tmp_path: Path) -> None:
    def failing(sequence: int) -> bytes:
        raise LookupError(sequence)

    async with FileSpool(tmp_path) as spool:
        with pytest.raises(LookupError):
            await spool.append_built(failing)
        assert await spool.append([b"next"]) == 1


async def test_identity_and_sequence_survive_a_restart(tmp_path: Path) -> None:
    async with FileSpool(tmp_path) as spool:
        identity = spool.spool_id
        await spool.append([b"a", b"b"])
    async with FileSpool(tmp_path) as spool:
        assert spool.spool_id == identity
        assert await spool.append([b"c"]) == 3
        assert [record.payload for record in await drained(spool)] == [b"a", b"b", b"c"]


async def test_an_empty_spool_keeps_its_identity(tmp_path: Path) -> None:
    async with FileSpool(tmp_path) as spool:
        identity = spool.spool_id
    async with FileSpool(tmp_path) as spool:
        assert spool.spool_id == identity
    async with FileSpool(tmp_path / "other") as spool:
        assert spool.spool_id != identity


async def test_acknowledged_records_are_not_sent_again_after_a_restart(tmp_path: Path) -> None:
    async with FileSpool(tmp_path) as spool:
        await spool.append([b"a", b"b", b"c"])
        await spool.acknowledge(2)
        await spool.acknowledge(1)
        assert spool.state().record_count == 1
    async with FileSpool(tmp_path) as spool:
        assert await spool.read(0, max_count=10) == (SpoolRecord(3, b"c"),)


async def test_sequences_are_not_used_again_after_everything_was_acknowledged(tmp_path: Path) -> None:
    last = 0
    for _ in range(5):
        async with FileSpool(tmp_path, segment_bytes=64, max_bytes=10_000) as spool:
            for _ in range(10):
                sequence = await spool.append([b"x" * 50])
                assert sequence == last + 1
                last = sequence
            await spool.acknowledge(last)
            assert spool.state().record_count == 0
            assert len(segment_paths(tmp_path)) == 1


async def test_an_acknowledgement_of_the_future_gives_up_only_what_is_there(tmp_path: Path) -> None:
    async with FileSpool(tmp_path) as spool:
        await spool.append([b"a"])
        await spool.acknowledge(1000)
        assert await spool.append([b"b"]) == 2
        assert await spool.read(0, max_count=10) == (SpoolRecord(2, b"b"),)


async def test_the_oldest_segments_go_when_the_spool_is_full(tmp_path: Path) -> None:
    async with FileSpool(tmp_path, max_bytes=4000, segment_bytes=500) as spool:
        for index in range(100):
            await spool.append([b"%03d" % index + bytes(97)])
            assert spool.state().size_bytes <= 4100
        state = spool.state()
        records = await drained(spool)
    assert state.evicted_count + state.record_count == 100
    assert [int(record.payload[:3]) + 1 for record in records] == [record.sequence for record in records]
    assert records[-1].sequence == 100
    assert sum(path.stat().st_size for path in segment_paths(tmp_path)) == state.size_bytes
    async with FileSpool(tmp_path, max_bytes=4000, segment_bytes=500) as spool:
        assert spool.state() == state


async def test_records_are_capped_and_evictions_counted_for_ever(tmp_path: Path) -> None:
    for run in range(1, 4):
        async with FileSpool(tmp_path, max_records=10) as spool:
            for _ in range(20):
                await spool.append([b"x"])
                assert spool.state().record_count <= 10
            assert spool.state().evicted_count + spool.state().record_count == 20 * run


async def test_a_batch_beyond_the_limits_is_refused_and_harms_nothing(tmp_path: Path) -> None:
    async with FileSpool(tmp_path, max_bytes=10_000, max_records=5) as spool:
        await spool.append([b"kept"])
        with pytest.raises(ResourceExhaustedError, match="exceed its limits"):
            await spool.append([bytes(20_000)])
        with pytest.raises(ResourceExhaustedError, match="raise them"):
            await spool.append([b"x"] * 6)
        assert [record.payload for record in await drained(spool)] == [b"kept"]


@pytest.mark.parametrize("zero_count", [0, 5000])
async def test_a_tail_torn_at_any_byte_leaves_a_prefix(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, zero_count: int
) -> None:
    payloads = [b"record %d" % index for index in range(12)]
    async with FileSpool(tmp_path / "whole", segment_bytes=150, max_bytes=100_000) as spool:
        for payload in payloads:
            await spool.append([payload])
    last = segment_paths(tmp_path / "whole")[-1]
    assert len(segment_paths(tmp_path / "whole")) > 1
    lengths = set()
    for length in range(last.stat().st_size + 1):
        torn = tmp_path / "torn"
        shutil.copytree(tmp_path / "whole", torn)
        os.truncate(torn / last.name, length)
        os.truncate(torn / last.name, length + zero_count)
        caplog.clear()
        async with FileSpool(torn) as spool:
            found = [record.payload for record in await drained(spool)]
            assert found == payloads[: len(found)]
            assert (spool.state().torn_bytes > 0) == bool(caplog.records)
            sequence = await spool.append([b"after"])
            assert sequence > len(found)
        assert await contents(torn) == [*found, b"after"]
        lengths.add(len(found))
        shutil.rmtree(torn)
    assert max(lengths) == len(payloads)


async def test_a_worn_middle_costs_only_what_it_hits(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with FileSpool(tmp_path) as spool:
        await spool.append([b"record %d" % index for index in range(10)])
    path = segment_paths(tmp_path)[0]
    content = bytearray(path.read_bytes())
    content[content.index(b"record 4")] ^= 0xFF
    path.write_bytes(content)
    async with FileSpool(tmp_path) as spool:
        found = [record.payload for record in await drained(spool)]
        assert found == [b"record %d" % index for index in range(10) if index != 4]
        assert 0 < spool.state().torn_bytes < 60
        assert await spool.append([b"next"]) == 11
    assert [record.levelno for record in caplog.records if "damaged bytes" in record.message] == [logging.WARNING]


async def test_numbers_in_a_damaged_tail_are_not_given_out_again(tmp_path: Path) -> None:
    async with FileSpool(tmp_path) as spool:
        await spool.append([b"record %d" % index for index in range(10)])
    path = segment_paths(tmp_path)[0]
    content = bytearray(path.read_bytes())
    content[content.index(b"record 9")] ^= 0xFF
    path.write_bytes(content)
    for _ in range(2):
        async with FileSpool(tmp_path) as spool:
            assert spool.state().record_count == 9
    async with FileSpool(tmp_path) as spool:
        assert await spool.append([b"next"]) > 10


async def test_a_wholly_overwritten_segment_loses_neither_identity_nor_sequence(tmp_path: Path) -> None:
    async with FileSpool(tmp_path, segment_bytes=100, max_bytes=10_000) as spool:
        identity = spool.spool_id
        for index in range(9):
            await spool.append([b"record %d" % index])
    path = segment_paths(tmp_path)[-1]
    path.write_bytes(bytes(path.stat().st_size))
    async with FileSpool(tmp_path) as spool:
        assert spool.spool_id == identity
        assert await spool.append([b"next"]) > 9


async def test_a_killed_agents_zeroes_are_not_taken_for_damage(tmp_path: Path) -> None:
    async with FileSpool(tmp_path / "s") as spool:
        await spool.append([b"a"])
        shutil.copytree(tmp_path / "s", tmp_path / "as-killed")
    assert segment_paths(tmp_path / "as-killed")[0].stat().st_size > segment_paths(tmp_path / "s")[0].stat().st_size
    async with FileSpool(tmp_path / "as-killed") as spool:
        assert spool.state().torn_bytes == 0
        assert await spool.append([b"b"]) == 2
        assert [record.payload for record in await drained(spool)] == [b"a", b"b"]


async def test_a_second_opener_is_told_who_is_in_the_way(tmp_path: Path) -> None:
    async with FileSpool(tmp_path / "s") as spool:
        with pytest.raises(FailedPreconditionError, match="another process holds it"):
            async with FileSpool(tmp_path / "s"):
                pass
        await spool.append([b"unharmed"])
    assert await contents(tmp_path / "s") == [b"unharmed"]


async def test_a_directory_that_cannot_be_made_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DeviceFaultError, match="check the disk"):
        async with FileSpool(tmp_path / "file" / "spool"):
            pass


async def test_a_disk_that_refuses_accepts_nothing(tmp_path: Path) -> None:
    broken = False

    def sync(descriptor: int) -> None:
        if broken:
            raise OSError(errno.EIO, "Input/output error")
        os.fdatasync(descriptor)

    async with FileSpool(tmp_path, sync=sync) as spool:
        await spool.append([b"a"])
        broken = True
        with pytest.raises(DeviceFaultError, match="Input/output error"):
            await spool.append([b"b"])
        broken = False
        assert await spool.append([b"c"]) == 2
    assert await contents(tmp_path) == [b"a", b"c"]
