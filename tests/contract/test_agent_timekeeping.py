"""The trusted time of a unit: what it hears, what it keeps, and what it says about a wrong clock."""

import asyncio
import datetime as dt
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from wayside_agent.core.fix import Fix, FixMode, FixQuality, Position
from wayside_agent.core.stamps import TimeQuality
from wayside_agent.core.trusted_time import Floor, TimeSource
from wayside_agent.drivers.files import StateFile
from wayside_agent.ports.errors import DeviceFaultError
from wayside_agent.services import timekeeping
from wayside_agent.services.timekeeping import Timekeeping

NOW_S = 1_795_000_000.0
EARLIEST_S = NOW_S - 30 * 86_400
Y2040_S = 2_208_988_800.0


def fix_at(utc_s: float, quality: FixQuality = FixQuality.AUTONOMOUS) -> Fix:
    time = dt.datetime.fromtimestamp(utc_s, dt.UTC)
    return Fix(FixMode.THREE_D, quality, position=Position(31.0, 121.0), utc_time=time)


@dataclass
class Disk:
    """A disk that counts, and fails when told."""

    floor: Floor | None = None
    saved: list[float] = field(default_factory=list)
    fault: str = ""

    def load(self) -> Floor | None:
        if self.fault:
            raise DeviceFaultError(self.fault)
        return self.floor

    def save(self, document: Floor) -> None:
        if self.fault:
            raise DeviceFaultError(self.fault)
        self.saved.append(document.utc_s)


@dataclass
class World:
    """A unit's clocks."""

    mono_s: float = 0.0
    clock_s: float = NOW_S
    quality: TimeQuality = TimeQuality.UNSYNCHRONIZED
    fix: Fix | None = None
    disk: Disk = field(default_factory=Disk)

    def made(self) -> Timekeeping:
        return Timekeeping(
            self.disk,
            earliest_s=EARLIEST_S,
            mono_s=lambda: self.mono_s,
            clock_s=lambda: self.clock_s,
            clock_quality=lambda: self.quality,
            fix=lambda: self.fix,
        )


@asynccontextmanager
async def kept(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Timekeeping]:
    """A timekeeper that has looked a few times."""
    monkeypatch.setattr(timekeeping, "TURN_S", 0.0)
    keeper = world.made()
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        task = group.create_task(keeper.run())
        await turns()
        yield keeper
        task.cancel()


async def turns() -> None:
    for _ in range(50):
        await asyncio.to_thread(int)  # a turn goes through a thread, too


async def test_a_unit_of_1970_knows_that_it_is_later_and_says_that_its_clock_is_wrong(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with kept(World(clock_s=600.0), monkeypatch) as keeper:
        assert keeper.estimate().source is TimeSource.FLOOR
        assert keeper.utc_s() == pytest.approx(EARLIEST_S)
        assert "1970-01-01 00:10 UTC" in keeper.clock_fault
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 1


async def test_a_clock_of_2040_is_told_when_the_receiver_knows_better(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(clock_s=Y2040_S, fix=fix_at(NOW_S))
    async with kept(world, monkeypatch) as keeper:
        assert keeper.estimate().source is TimeSource.GNSS
        assert "2040-01-01" in keeper.clock_fault
        assert "so set it" in keeper.clock_fault
        world.clock_s = NOW_S
        caplog.set_level(logging.INFO)
        await turns()
        assert not keeper.clock_fault
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


async def test_the_manager_is_believed_against_a_spoofed_receiver(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(fix=fix_at(NOW_S + 7200))
    async with kept(world, monkeypatch) as keeper:
        keeper.heard(NOW_S)
        await turns()
        assert keeper.estimate().source is TimeSource.MANAGER
        assert keeper.utc_s() == NOW_S
    assert "gnss is off by 7200 s" in caplog.text


@pytest.mark.parametrize("quality", [FixQuality.ESTIMATED, FixQuality.OTHER, FixQuality.INVALID])
async def test_a_fix_that_no_satellite_vouches_for_gives_no_time(
    monkeypatch: pytest.MonkeyPatch, quality: FixQuality
) -> None:
    async with kept(World(fix=fix_at(NOW_S, quality)), monkeypatch) as keeper:
        assert keeper.estimate().source is TimeSource.FLOOR


async def test_an_epoch_is_taken_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver that has fallen silent must not hold the time."""
    world = World(fix=fix_at(NOW_S))
    async with kept(world, monkeypatch) as keeper:
        world.mono_s = 1000.0
        await turns()
        assert keeper.utc_s() == pytest.approx(NOW_S + 1000)


async def test_only_a_disciplined_clock_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    async with kept(world, monkeypatch) as keeper:
        assert keeper.estimate().source is TimeSource.FLOOR
        world.quality = TimeQuality.NETWORK
        await turns()
        assert keeper.estimate().source is TimeSource.CLOCK


async def test_the_floor_is_kept_seldom_and_survives_a_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    world = World()
    async with kept(world, monkeypatch) as keeper:
        keeper.heard(NOW_S)
        await turns()
        assert len(world.disk.saved) == 1
        world.mono_s = timekeeping.SAVE_PERIOD_S
        await turns()
    assert len(world.disk.saved) == 2
    file = StateFile(tmp_path / "time.state", Floor)
    await asyncio.to_thread(file.save, Floor(world.disk.saved[-1]))
    later = World(clock_s=0.0, disk=Disk(floor=await asyncio.to_thread(file.load)))
    async with kept(later, monkeypatch) as keeper:
        assert keeper.utc_s() >= NOW_S


async def test_a_disk_that_refuses_is_told_once_and_costs_only_the_floor(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(disk=Disk(fault="the disk is broken"))
    async with kept(world, monkeypatch) as keeper:
        keeper.heard(NOW_S)
        for step in range(1, 4):
            world.mono_s = step * timekeeping.SAVE_PERIOD_S
            await turns()
        assert keeper.estimate().source is TimeSource.MANAGER
    assert caplog.text.count("the floor is not kept") == 1
