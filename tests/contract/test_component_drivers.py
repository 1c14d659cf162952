"""Every component driver keeps the promises of its port."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.component_devices import BENCHES, Bench
from wayside.errors import FailedPreconditionError
from wayside_agent import registry, settings
from wayside_agent.ports.components import Activation


@pytest.fixture(params=sorted(BENCHES))
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    async with BENCHES[request.param](tmp_path) as made:
        yield made


async def running(bench: Bench, version: str) -> None:
    """Brings a version on and confirms it."""
    driver = bench.make()
    await driver.install(bench.payload(version), lambda _: None)
    await driver.activate()
    await driver.confirm()


async def test_a_version_is_installed_activated_and_confirmed(bench: Bench) -> None:
    driver, wanted = bench.make(), bench.payload("2")
    ratios: list[float] = []
    assert await driver.version() == ""
    await driver.precheck(wanted)
    await driver.install(wanted, ratios.append)
    assert await driver.version() == ""
    assert await driver.activate() is Activation.AT_ONCE
    assert await driver.version() == "2"
    await driver.confirm()
    assert await driver.version() == "2"
    assert ratios == sorted(ratios)
    assert ratios[-1] == 1.0


async def test_a_trial_is_taken_back(bench: Bench) -> None:
    await running(bench, "1")
    driver = bench.make()
    await driver.install(bench.payload("2"), lambda _: None)
    await driver.activate()
    await driver.revert()
    assert await driver.version() == "1"


async def test_what_was_confirmed_is_not_taken_back(bench: Bench) -> None:
    await running(bench, "1")
    await running(bench, "2")
    driver = bench.make()
    await driver.revert()
    assert await driver.version() == "2"


async def test_what_was_installed_is_given_up(bench: Bench) -> None:
    await running(bench, "1")
    driver = bench.make()
    await driver.install(bench.payload("2"), lambda _: None)
    await driver.revert()
    assert await driver.version() == "1"
    with pytest.raises(FailedPreconditionError, match="nothing complete"):
        await driver.activate()


async def test_every_step_may_be_repeated_by_a_process_that_started_anew(bench: Bench) -> None:
    await running(bench, "1")
    for _ in range(2):
        await bench.make().install(bench.payload("2"), lambda _: None)
    for _ in range(2):
        await bench.make().activate()
    assert await bench.make().version() == "2"
    for _ in range(2):
        await bench.make().revert()
    assert await bench.make().version() == "1"
    await running(bench, "3")
    await bench.make().confirm()
    assert await bench.make().version() == "3"


async def test_nothing_can_be_activated_before_it_is_installed(bench: Bench) -> None:
    with pytest.raises(FailedPreconditionError, match="nothing complete"):
        await bench.make().activate()


def test_settings_choose_drivers_by_name(tmp_path: Path) -> None:
    chosen = settings.ComponentSettings(name="radio", driver="simulator", options={"path": str(tmp_path / "banks")})
    unit = settings.Settings(
        node=settings.NodeSettings(id="rsu-1", esn="SN-1", kind="rsu"),
        manager=settings.ManagerSettings(device_address="localhost:1", enrollment_address="localhost:2"),
        components=(chosen,),
    )
    assert registry.components(unit)["radio"].kind == "firmware"
    assert not (tmp_path / "banks").exists()
