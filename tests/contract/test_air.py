"""What speaks on the air of a unit: made of its settings, with its real sensing."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from types import MappingProxyType

import msgspec
import pytest

from wayside.errors import InvalidArgumentError
from wayside_agent import registry
from wayside_agent.air import Air
from wayside_agent.core.gate import complaints
from wayside_agent.core.stamps import TimeQuality
from wayside_agent.drivers.host import LinuxHost
from wayside_agent.drivers.sim_gnss import SimGnss
from wayside_agent.drivers.sim_radio import SimRadio
from wayside_agent.services.device_health import radio_health
from wayside_agent.services.endless import endless
from wayside_agent.services.pulse import Pulse
from wayside_agent.services.sensing import Sensing
from wayside_agent.settings import Driver, ManagerSettings, NodeSettings, Settings
from wayside_agent.v2x_settings import V2xSettings, VehicleSettings

UNIT = Settings(
    node=NodeSettings(id="obu-1", esn="E1", kind="obu"),
    manager=ManagerSettings(device_address="127.0.0.1:1", enrollment_address="127.0.0.1:1"),
    gnss=Driver(driver="simulator"),
    radio=Driver(driver="simulator"),
    v2x=V2xSettings(vehicle=VehicleSettings()),
)
LONG_S = 20.0


@asynccontextmanager
async def driving(
    unit: Settings, state_dir: Path, besides_hz: Mapping[int, float] = MappingProxyType({})
) -> AsyncIterator[tuple[Air, Sensing, Pulse]]:
    radio = SimRadio(SimRadio.Options(vehicle_count=6, rate_hz=20.0))
    sensing = Sensing(
        buses={},
        gnss=SimGnss(SimGnss.Options(loses_fix=False)),
        radio=radio,
        feeds=(),
        now_ns=time.time_ns,
        mono_s=time.monotonic,
        time_quality=lambda: TimeQuality.GNSS,
        rng=Random(1),  # noqa: S311  # spreads waits
    )
    air = Air(unit, sensing, radio, utc_s=time.time)
    host = LinuxHost(LinuxHost.Options(state_dir=str(state_dir)))
    pulse = Pulse(
        sensing,
        host,
        mono_s=time.monotonic,
        is_manager_reached=lambda: True,
        broker=lambda: None,
        planned_hz=lambda: {**(air.planned_hz() or {}), **besides_hz},
    )
    services = {"sensing": sensing.run, "pulse": pulse.run, **air.services()}
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(endless(name, service)) for name, service in services.items()]
        yield air, sensing, pulse
        for task in tasks:
            task.cancel()


async def test_an_obu_speaks_as_planned_and_hears_its_neighbours(tmp_path: Path) -> None:
    async with driving(UNIT, tmp_path) as (air, sensing, pulse), asyncio.timeout(LONG_S):
        assert sensing.radio is not None
        while not (  # noqa: ASYNC110  # counters tell nobody when they rise
            sensing.radio.counters.sent.get(111) and pulse.vitals().neighbour_count == 6
        ):
            await asyncio.sleep(0.05)
        assert (air.planned_hz(), air.broadcast()) == ({111: 10.0}, "")
        said = radio_health(sensing.radio, sensing.neighbour_count())
        assert said is not None
        assert (said.lost_bsm_count, said.neighbour_count) == (0, 6)
        assert said.followed_bsm_count >= 6


async def test_a_message_that_is_not_sent_is_missed_however_many_others_are(tmp_path: Path) -> None:
    async with driving(UNIT, tmp_path, {3619: 1.0}) as (_, _, pulse), asyncio.timeout(LONG_S):
        while [each.ratio for each in pulse.sending() or ()] != [1.0, 0.0]:  # noqa: ASYNC110  # as above
            await asyncio.sleep(0.05)
        vitals = pulse.vitals()
        assert "radio: sends 0.0 SPAT (AID 3619) a second, planned 1.0" in complaints(vitals, vitals)


def test_only_an_obu_that_knows_its_place_speaks_for_a_vehicle() -> None:
    with_ = msgspec.structs.replace
    for unit in (
        with_(UNIT, node=NodeSettings(id="rsu-1", esn="E1", kind="rsu")),
        with_(UNIT, gnss=None),
    ):
        with pytest.raises(InvalidArgumentError, match=r"field v2x\.vehicle: only an OBU with gnss and radio"):
            made(unit)
    assert made(with_(UNIT, v2x=V2xSettings())).services() == {}


def made(unit: Settings) -> Air:
    radio = SimRadio(SimRadio.Options())
    sensing = Sensing(
        buses={},
        gnss=None,
        radio=radio,
        feeds=(),
        now_ns=time.time_ns,
        mono_s=time.monotonic,
        time_quality=lambda: TimeQuality.GNSS,
        rng=Random(1),  # noqa: S311  # spreads waits
    )
    return Air(unit, sensing, radio, controller=registry.signal_controller(unit), utc_s=time.time)
