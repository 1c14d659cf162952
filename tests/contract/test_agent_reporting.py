"""Reports: their period, disks that refuse them, clocks that are wrong."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random

import pytest

from wayside.errors import ResourceExhaustedError, WaysideError
from wayside.v1 import node_pb2
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.ports.errors import DeviceFaultError
from wayside_agent.ports.spools import SpoolRecord, SpoolState
from wayside_agent.services import reporting as reporting_module
from wayside_agent.services.reporting import Reporting


class Disk:
    """A spool in memory whose disk fails on demand."""

    spool_id = "memory"

    def __init__(self) -> None:
        self.errors: list[WaysideError] = []
        self.kept: asyncio.Queue[wire.Report] = asyncio.Queue(maxsize=100)

    async def append(self, payloads: Sequence[bytes]) -> int:
        if self.errors:
            raise self.errors.pop(0)
        for payload in payloads:
            await self.kept.put(wire.Report.FromString(payload))
        return 1

    async def read(self, after_sequence: int, *, max_count: int) -> Sequence[SpoolRecord]:
        raise NotImplementedError

    async def acknowledge(self, sequence: int) -> None:
        raise NotImplementedError

    def state(self) -> SpoolState:
        raise NotImplementedError


def reporting(disk: Disk, now_ns: int = 0) -> Reporting:
    return Reporting(
        disk,
        health=node_pb2.HealthReport,
        now_ns=lambda: now_ns,
        time_quality=lambda: node_pb2.TIME_QUALITY_UNSYNCHRONIZED,
        agent_version="1.0",
        rng=Random(1),  # noqa: S311  # jitter, not a secret
    )


@asynccontextmanager
async def running(service: Reporting) -> AsyncIterator[None]:
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        task = group.create_task(service.run())
        yield
        task.cancel()


async def test_a_new_period_is_reported_at_once_and_then_kept() -> None:
    disk = Disk()
    service = reporting(disk)
    service.set_period(3600)
    async with running(service):
        await disk.kept.get()
        assert disk.kept.empty()  # one report at the start, not two
        service.set_period(0.01)
        for _ in range(4):
            await disk.kept.get()


async def test_a_second_report_soon_says_how_the_devices_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporting_module, "SETTLE_S", 0.01)
    disk = Disk()
    service = reporting(disk)
    service.set_period(3600)
    async with running(service):
        await disk.kept.get()
        await disk.kept.get()
        with pytest.raises(TimeoutError):  # and no third before its time
            async with asyncio.timeout(0.1):
                await disk.kept.get()


@pytest.mark.parametrize("error", [ResourceExhaustedError("disk full"), DeviceFaultError("read-only file system")])
async def test_a_disk_that_refuses_ends_nothing_and_is_said_once(
    caplog: pytest.LogCaptureFixture, error: WaysideError
) -> None:
    caplog.set_level(logging.INFO)
    disk = Disk()
    disk.errors = [error] * 5
    service = reporting(disk)
    service.set_period(0.001)
    async with running(service):
        await disk.kept.get()
        await disk.kept.get()
    said = [record.message for record in caplog.records]
    assert said == [f"reports are being lost: {error}", "reports: the spool accepts again"]


@pytest.mark.parametrize("now_ns", [0, -1, -(10**18), 2**63 - 1], ids=["1970", "before 1970", "1938", "2262"])
async def test_any_clock_of_linux_makes_a_report(now_ns: int) -> None:
    disk = Disk()
    await reporting(disk, now_ns).report_config(node_pb2.ConfigReport(revision=1))
    report = await disk.kept.get()
    assert report.record_time.ToNanoseconds() == now_ns
