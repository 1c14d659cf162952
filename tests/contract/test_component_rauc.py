"""Root file systems through a real RAUC: written, tried, taken back, and what it refuses."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.rauc_unit import RaucUnit, missing, rauc_unit
from wayside.errors import FailedPreconditionError
from wayside_agent.drivers.component_rauc import RaucComponent
from wayside_agent.ports.components import Activation, Payload
from wayside_agent.ports.errors import DeviceAbsentError

WHY_NOT = missing()
needs_rauc = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "runs here")
NEW = b"new root file system\n" * 1_000


@pytest.fixture
async def unit(tmp_path: Path) -> AsyncIterator[RaucUnit]:
    async with rauc_unit(tmp_path) as made:
        yield made


@needs_rauc
async def test_a_root_file_system_is_written_tried_and_confirmed(unit: RaucUnit) -> None:
    ratios: list[float] = []
    async with unit.running() as driver:
        await driver.install(unit.bundle("2.0.0", NEW), ratios.append)
        assert (unit.folder / "b.img").read_bytes().startswith(NEW)
        assert unit.primary() == "A"
        assert await driver.activate() is Activation.AT_BOOT
        assert unit.primary() == "B"
        assert await driver.version() == ""
    assert ratios == sorted(ratios)
    unit.booted = "B"
    async with unit.running() as driver:
        assert await driver.version() == "2.0.0"
        assert await driver.activate() is Activation.AT_ONCE
        await driver.confirm()
        await driver.confirm()
        assert await driver.revert() is Activation.AT_ONCE
    assert unit.primary() == "B"


@needs_rauc
async def test_a_trial_is_taken_back(unit: RaucUnit) -> None:
    async with unit.running() as driver:
        await driver.install(unit.bundle("2.0.0", NEW), lambda _: None)
        await driver.activate()
    unit.booted = "B"
    async with unit.running() as driver:
        assert await driver.revert() is Activation.AT_BOOT
        assert await unit.driver().revert() is Activation.AT_BOOT
        assert unit.primary() == "A"
    unit.booted = "A"
    async with unit.running() as driver:
        assert await driver.revert() is Activation.AT_ONCE
        with pytest.raises(FailedPreconditionError, match="nothing complete"):
            await driver.activate()


@needs_rauc
async def test_what_the_boot_loader_left_is_not_confirmed(unit: RaucUnit) -> None:
    async with unit.running() as driver:
        await driver.install(unit.bundle("2.0.0", NEW), lambda _: None)
        await driver.activate()
    async with unit.running() as driver:
        with pytest.raises(FailedPreconditionError, match=r"rootfs\.0 is booted, rootfs\.1 was to be"):
            await driver.confirm()


@needs_rauc
async def test_a_rauc_that_activates_by_itself_is_corrected(tmp_path: Path) -> None:
    async with rauc_unit(tmp_path, activates=True) as unit, unit.running() as driver:
        await driver.install(unit.bundle("2.0.0", NEW), lambda _: None)
        assert unit.primary() == "A"


@needs_rauc
async def test_bundles_of_others_are_refused_before_a_slot_is_touched(unit: RaucUnit) -> None:
    foreign = unit.bundle("1.9.9", NEW, compatible="other")
    damaged = unit.bundle("2.0.0", NEW)
    content = bytearray(damaged.path.read_bytes())
    content[500] ^= 1
    damaged.path.write_bytes(content)
    renamed = Payload(unit.bundle("2.0.1", NEW).path, "2.0.2")
    async with unit.running() as driver:
        with pytest.raises(FailedPreconditionError, match="is for 'other', this unit is 'sim-rootfs'"):
            await driver.install(foreign, lambda _: None)
        with pytest.raises(FailedPreconditionError, match=r"2\.0\.0\.raucb: RAUC refuses Info"):
            await driver.install(damaged, lambda _: None)
        with pytest.raises(FailedPreconditionError, match=r"says it is version '2\.0\.1', the release '2\.0\.2'"):
            await driver.install(renamed, lambda _: None)
    assert not any((unit.folder / "b.img").read_bytes())


@needs_rauc
async def test_a_rauc_that_is_not_running_is_named(unit: RaucUnit) -> None:
    async with unit.running():
        pass
    with pytest.raises(DeviceAbsentError, match="RAUC is not there"):
        await unit.driver().version()


async def test_a_bus_that_is_not_there_is_named(tmp_path: Path) -> None:
    pytest.importorskip("dbus_fast")
    options = RaucComponent.Options(state_file=str(tmp_path / "trial"), bus_address=f"unix:path={tmp_path}/bus")
    with pytest.raises(DeviceAbsentError, match=r"bus: .*; start it"):
        await RaucComponent(options).version()
