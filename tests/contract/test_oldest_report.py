"""How old the oldest report is that the manager does not hold."""

from pathlib import Path

from wayside.v1 import node_service_pb2 as wire
from wayside_agent.link.spool import FileSpool
from wayside_agent.services.oldest_report import OldestReport


def report(record_s: float) -> bytes:
    message = wire.Report()
    message.record_time.FromMilliseconds(round(record_s * 1000))
    return message.SerializeToString()


async def test_it_is_that_of_the_first_report_that_waits(tmp_path: Path) -> None:
    async with FileSpool(tmp_path) as spool:
        oldest = OldestReport(spool, clock_s=lambda: 1000.0)
        await oldest.look()
        assert oldest.age_s() is None
        await spool.append([report(900.0), report(990.0)])
        await oldest.look()
        assert oldest.age_s() == 100.0
        await spool.acknowledge(1)
        await oldest.look()
        assert oldest.age_s() == 10.0
        await spool.acknowledge(2)
        assert oldest.age_s() is None


async def test_a_report_of_the_future_is_new_and_garbage_or_one_without_a_time_says_nothing(tmp_path: Path) -> None:
    async with FileSpool(tmp_path) as spool:
        oldest = OldestReport(spool, clock_s=lambda: 1000.0)
        for payload, expected in ((report(2000.0), 0.0), (b"\xff\xff\xff", None), (b"", None)):
            await spool.append([payload])
            await oldest.look()
            assert oldest.age_s() == expected
            await spool.acknowledge(100)


async def test_the_spool_tells_how_long_its_disk_took_of_late(tmp_path: Path) -> None:
    async with FileSpool(tmp_path) as spool:
        assert spool.state().append_s is None
        await spool.append([b"one"])
        assert 0 < (spool.state().append_s or 0) < 20
