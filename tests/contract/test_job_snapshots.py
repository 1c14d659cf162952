"""Snapshots of receiver and buses, and the self-test, over the real sensing service with simulators."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from tests.contract.job_worker import worked
from wayside_agent.core.can_log import batched, candump_line, logged_frame
from wayside_agent.core.health import Checks, Finding, State
from wayside_agent.core.job import Kind, RefusedError
from wayside_agent.core.job_work import CanSnapshot, GnssSnapshot, SelfTest
from wayside_agent.core.stamps import TimeQuality
from wayside_agent.drivers.job_self_test import Look, SelfTestWorker
from wayside_agent.drivers.job_snapshots import CAN_FILE, GNSS_FILE
from wayside_agent.drivers.sim_can import SimCan
from wayside_agent.drivers.sim_gnss import SimGnss
from wayside_agent.link.manager import ManagerLink
from wayside_agent.ports.devices import Gnss
from wayside_agent.services.sensing import Sensing
from wayside_agent.settings import ManagerSettings, NodeSettings, Settings
from wayside_agent.work import Surroundings, Workforce


def sensing_of(gnss: Gnss | None) -> Sensing:
    return Sensing(
        buses={"body": SimCan(SimCan.Options())},
        gnss=gnss,
        radio=None,
        feeds=(),
        now_ns=time.time_ns,
        mono_s=time.monotonic,
        time_quality=lambda: TimeQuality.NETWORK,
        rng=Random(1),  # noqa: S311  # spreads load, guards nothing
    )


@pytest.fixture
async def sensing() -> AsyncIterator[Sensing]:
    running = sensing_of(SimGnss(SimGnss.Options()))
    async with asyncio.TaskGroup() as group:
        task = group.create_task(running.run())
        yield running
        task.cancel()


def workforce(sensing: Sensing, tmp_path: Path, link: ManagerLink) -> Workforce:
    unit = Settings(
        node=NodeSettings(id="rsu-1", esn="SN-1", kind="rsu"),
        manager=ManagerSettings(device_address="127.0.0.1:1", enrollment_address="127.0.0.1:2"),
        state_dir=str(tmp_path),
    )
    return Workforce(unit, Surroundings(sensing, link, Checks, dict, lambda: b"{}"))


@pytest.fixture
def force(sensing: Sensing, tmp_path: Path) -> Workforce:
    return workforce(sensing, tmp_path, None)  # type: ignore[arg-type]  # none of these jobs calls the manager


async def test_frames_of_a_bus_are_written_as_candump_writes_them(force: Workforce, tmp_path: Path) -> None:
    found = await worked(force.worker(Kind.CAN_SNAPSHOT), CanSnapshot("body", 1.0), tmp_path / "work")
    lines = (tmp_path / "work" / CAN_FILE).read_text().splitlines()
    frames = [logged_frame(line) for line in lines]
    assert (found.files, found.result["frame_count"], found.result["dropped_count"]) == ((CAN_FILE,), len(lines), 0)
    assert frames
    assert all(frame and frame.channel == "body" and frame.time_ns for frame in frames)


async def test_a_snapshot_stops_growing_at_what_the_job_may_bring(force: Workforce, tmp_path: Path) -> None:
    found = await worked(force.worker(Kind.CAN_SNAPSHOT), CanSnapshot("", 1.0), tmp_path / "work", max_bytes=100)
    assert (tmp_path / "work" / CAN_FILE).stat().st_size <= 100
    assert found.result["is_cut"]


async def test_epochs_of_the_receiver_are_lines_of_json(force: Workforce, tmp_path: Path) -> None:
    found = await worked(force.worker(Kind.GNSS_SNAPSHOT), GnssSnapshot(2.5), tmp_path / "work")
    epochs = [json.loads(line) for line in (tmp_path / "work" / GNSS_FILE).read_text().splitlines()]
    assert len(epochs) == found.result["epoch_count"]
    assert epochs[0]["mode"] in {"2d", "3d", "none"}


async def test_nothing_listens_when_a_snapshot_is_over(force: Workforce, sensing: Sensing, tmp_path: Path) -> None:
    await worked(force.worker(Kind.CAN_SNAPSHOT), CanSnapshot("", 0.1), tmp_path / "work")
    async with asyncio.TaskGroup() as group:
        task = group.create_task(worked(force.worker(Kind.GNSS_SNAPSHOT), GnssSnapshot(100), tmp_path / "work"))
        while not sensing.fix_taps:  # noqa: ASYNC110
            await asyncio.sleep(0)
        task.cancel()
    assert (sensing.fix_taps, sensing.frame_taps) == ([], [])


async def test_what_the_unit_does_not_have_is_refused(tmp_path: Path) -> None:
    force = workforce(sensing_of(None), tmp_path, None)  # type: ignore[arg-type]
    with pytest.raises(RefusedError, match="no CAN bus 'other'; it has body"):
        await worked(force.worker(Kind.CAN_SNAPSHOT), CanSnapshot("other", 1), tmp_path / "work")
    with pytest.raises(RefusedError, match="no satellite receiver"):
        await worked(force.worker(Kind.GNSS_SNAPSHOT), GnssSnapshot(1), tmp_path / "work")


def test_every_kind_has_a_worker(tmp_path: Path) -> None:
    force = workforce(sensing_of(None), tmp_path, None)  # type: ignore[arg-type]
    assert all(force.worker(kind) is force.worker(kind) for kind in Kind)


@pytest.mark.parametrize(
    "line",
    [
        "(1.000001) can0 123#0011",
        "(1.000001) can0 123#",
        "(1.000001) can0 123#R",
        "(1.000001) can0 123#R4",
        "(1.000001) can0 1ABCDEF0#FF",
        "(1.000001) can0 123##1001122334455667788990011",
    ],
)
def test_a_line_of_candump_is_written_as_it_was_read(line: str) -> None:
    frame = logged_frame(line)
    assert frame
    batch = batched([frame], [frame.time_ns or 0])
    assert [candump_line(batch.times_ns[0], "can0", each) for each in batch.structs()] == [f"{line}\n"]


def counting(*devices: tuple[str, int, str]) -> "list[tuple[Look, ...]]":
    """Two looks: each device counts on by so much, or has a fault."""
    first = tuple(Look(name, not fault, 10, fault) for name, _, fault in devices)
    return [first, tuple(Look(name, not fault, 10 + more, fault) for name, more, fault in devices)]


async def test_a_self_test_tells_each_device_and_each_check(tmp_path: Path) -> None:
    looks = iter(counting(("can.body", 5, ""), ("gnss", 0, ""), ("radio", 0, "no such interface")))
    checks = Checks().after((Finding("gnss.fix", State.FAILED, "no fix"), Finding("time.source", State.OK)), utc_s=1.0)
    found = await worked(SelfTestWorker(lambda: next(looks), lambda: checks, watch_s=0), SelfTest(), tmp_path)
    devices = found.result["devices"]
    assert isinstance(devices, list)
    assert {each["name"]: each["reason"] for each in devices} == {
        "can.body": "",
        "gnss": "is silent",
        "radio": "no such interface",
        "disk": "",
    }
    assert not found.is_success
    assert found.message == ("3 of 6 do not work: gnss: is silent; radio: no such interface; gnss.fix: no fix")


async def test_a_self_test_where_all_is_well_succeeds(tmp_path: Path) -> None:
    looks = iter(counting(("can.body", 5, "")))
    found = await worked(SelfTestWorker(lambda: next(looks), Checks, watch_s=0), SelfTest(), tmp_path)
    assert (found.is_success, found.message) == (True, "all 2 work")
