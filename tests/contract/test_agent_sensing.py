"""Sources that fail, end, flap and misbehave; what the unit says of itself meanwhile."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random

import pytest

from tests.contract.agent_devices import Feed, Script, bus, radio, receiver
from wayside.v2x.peek import MessageKind
from wayside_agent.core.fix import Fix, FixMode, FixQuality, GnssCounters, Position
from wayside_agent.core.frames import BusCounters, FrameBatch
from wayside_agent.core.gate import BrokerLink
from wayside_agent.core.readings import Reading
from wayside_agent.core.stamps import TimeQuality
from wayside_agent.core.v2x import ReceivedMessage
from wayside_agent.drivers.radio_rsu41 import Rsu41Radio
from wayside_agent.drivers.sim_radio import SimRadio
from wayside_agent.ports.devices import Host, HostReading, Radio
from wayside_agent.ports.errors import DeviceAbsentError, DeviceFaultError, SourceEndedError
from wayside_agent.services.endless import ServiceEndedError
from wayside_agent.services.health import Health, Versions
from wayside_agent.services.pulse import BusRates, Pulse
from wayside_agent.services.sensing import STEADY_S, Sensing

FIX = Fix(FixMode.THREE_D, FixQuality.AUTONOMOUS, Position(20.0, 110.0), satellite_count=9)
FRAME = FrameBatch(bytes(16), (1,))
MESSAGE = ReceivedMessage(b"\0", MessageKind.BSM, 1)
VERSIONS = Versions("1.0", "", 0, 30.0)


class NoWait(Random):
    def random(self) -> float:
        return 0.0


class Clock:
    """Time that passes when somebody looks, or not at all."""

    def __init__(self, step_s: float = 0.0) -> None:
        self.now_s = 0.0
        self.step_s = step_s

    def __call__(self) -> float:
        self.now_s += self.step_s
        return self.now_s


def sensing(
    *,
    can: Script[FrameBatch, BusCounters] | None = None,
    gnss: Script[Fix, GnssCounters] | None = None,
    v2x: Radio | None = None,
    feed: Feed | None = None,
    clock: Clock | None = None,
) -> Sensing:
    return Sensing(
        buses={"body": can} if can else {},
        gnss=gnss,
        radio=v2x,
        feeds=(feed,) if feed else (),
        now_ns=lambda: 5,
        mono_s=clock or Clock(),
        time_quality=lambda: TimeQuality.NETWORK,
        rng=NoWait(),
    )


@asynccontextmanager
async def running(unit: Sensing) -> AsyncIterator[None]:
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        task = group.create_task(unit.run())
        yield
        task.cancel()


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110  # a state tells nobody when it changes
        await asyncio.sleep(0)


class StillHost(Host):
    async def read(self) -> HostReading:
        return HostReading()


def health(unit: Sensing, pulse: Pulse, versions: Versions = VERSIONS) -> Health:
    return Health(
        sensing=unit,
        pulse=pulse,
        spools={},
        telemetry_batch_count=lambda: 0,
        versions=lambda: versions,
        now_ns=lambda: 7,
    )


def pulse(unit: Sensing, clock: Clock, broker: BrokerLink | None = None) -> Pulse:
    return Pulse(unit, StillHost(), mono_s=clock, is_manager_reached=lambda: True, broker=lambda: broker)


async def test_counts_go_on_when_devices_are_opened_again() -> None:
    gone = DeviceFaultError("gone")
    can = bus([FRAME, FRAME, gone], [FRAME, FRAME, FRAME, gone], [FRAME])
    gnss = receiver([FIX, gone], [FIX, FIX])
    v2x = radio([MESSAGE, gone], [MESSAGE])
    unit = sensing(can=can, gnss=gnss, v2x=v2x)
    async with running(unit):
        for device in (can, gnss, v2x):
            await device.silent.wait()
        report = health(unit, pulse(unit, Clock())).report()
    assert report.can_buses[0].frame_count == 6
    assert (report.gnss.sentence_count, report.gnss.fix_count) == (9, 3)
    assert report.radio.malformed_count == 4
    assert report.radio.received[0].count == 2


async def test_a_health_report_says_what_the_unit_is_and_what_it_runs() -> None:
    unit = sensing()
    versions = Versions("1.0", "releases/2", 3, 30.0, model="RSU-9", config_sha256="ab", config_trial="rollout-1")
    report = health(unit, pulse(unit, Clock()), versions).report()
    assert (report.model, report.config_sha256, report.config_trial) == ("RSU-9", "ab", "rollout-1")
    assert (report.release, report.config_revision) == ("releases/2", 3)


@pytest.mark.parametrize(
    ("broker", "is_connected"),
    [(None, None), (BrokerLink("mqtt:1"), False), (BrokerLink("mqtt:1", is_connected=True), True)],
    ids=["none", "away", "here"],
)
async def test_a_health_report_says_whether_the_broker_is_connected(
    broker: BrokerLink | None, is_connected: bool | None
) -> None:
    unit = sensing()
    taken = pulse(unit, Clock(), broker)
    report = health(unit, taken).report()
    assert (report.broker_connected if report.HasField("broker_connected") else None) is is_connected
    assert taken.vitals().broker == broker


async def test_a_health_report_says_how_the_radio_is_set_if_the_radio_says_it() -> None:
    silent, told = radio([MESSAGE]), SimRadio(SimRadio.Options(center_frequency_hz=5.915e9, transmit_power_dbm=-3))
    unit, described = sensing(v2x=silent), sensing(v2x=told)
    unknown = health(unit, pulse(unit, Clock())).report().radio
    assert not unknown.HasField("center_frequency_hertz")
    assert not unknown.HasField("transmit_power_dbm")
    known = health(described, pulse(described, Clock())).report().radio
    assert (known.center_frequency_hertz, known.transmit_power_dbm) == (5.915e9, -3)


async def test_a_roadside_unit_whose_port_was_taken_is_opened_again(caplog: pytest.LogCaptureFixture) -> None:
    taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    taken.bind(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    v2x = Rsu41Radio(Rsu41Radio.Options(radio_host="127.0.0.1", bind_host="127.0.0.1", bind_port=port))
    unit = sensing(v2x=v2x)
    assert unit.radio is not None
    async with running(unit):
        await until(lambda: unit.radio is not None and "is another program on it" in unit.radio.fault)
        taken.close()
        await until(lambda: unit.radio is not None and unit.radio.is_open)
    assert [record.message.partition(":")[0] for record in caplog.records] == ["radio"]


async def test_messages_of_sensors_are_counted_across_reconnections() -> None:
    reading = Reading("feed.a.b", 1.0, "", 1, TimeQuality.NETWORK)
    feed = Feed([reading], [reading, reading])
    unit = sensing(feed=feed)
    async with running(unit):
        await feed.silent.wait()
        assert unit.feeds[0].counters.accepted_count == 3
        assert unit.feeds[0].counters.refused_count == 4


async def test_a_device_that_is_not_there_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    can = bus(*((DeviceAbsentError("no such interface"),) for _ in range(20)), (FRAME,))
    unit = sensing(can=can)
    async with running(unit):
        await can.silent.wait()
    assert can.opening_count == 21
    assert [record.message for record in caplog.records] == ["CAN bus body: no such interface"]


async def test_a_device_that_flaps_is_said_once_and_back_once_it_is_steady(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    can = bus(*((FRAME, DeviceFaultError("loose plug")) for _ in range(20)), (FRAME,) * 3)
    clock = Clock()
    unit = sensing(can=can, clock=clock)
    async with running(unit):
        await can.silent.wait()
    assert [record.message for record in caplog.records] == ["CAN bus body: loose plug"]

    caplog.clear()
    can = bus([FRAME, DeviceFaultError("loose plug")], [FRAME] * 5)
    unit = sensing(can=can, clock=Clock(step_s=STEADY_S))
    async with running(unit):
        await can.silent.wait()
        assert unit.buses["body"].fault == ""
    assert [record.message for record in caplog.records] == ["CAN bus body: loose plug", "CAN bus body: back"]


async def test_a_recording_that_ends_leaves_the_others_running() -> None:
    gnss = receiver([FIX, SourceEndedError("the end")])
    can = bus([FRAME])
    unit = sensing(can=can, gnss=gnss)
    async with running(unit):
        await can.silent.wait()
        assert unit.gnss
        assert unit.gnss.has_ended
        assert gnss.opening_count == 1
        assert unit.buses["body"].is_open


async def test_a_receiver_that_fails_takes_its_position_with_it() -> None:
    gnss = receiver([FIX, DeviceFaultError("unplugged")])
    unit = sensing(gnss=gnss)
    async with running(unit):
        await gnss.silent.wait()
        assert unit.latest() == ()
        assert health(unit, pulse(unit, Clock())).report().gnss.satellite_count == 0
        assert not health(unit, pulse(unit, Clock())).report().gnss.HasField("hdop")


@pytest.mark.parametrize("bug", [ZeroDivisionError(), asyncio.CancelledError()], ids=["a bug", "a cancel of nobody"])
async def test_a_driver_that_misbehaves_ends_the_service(bug: BaseException) -> None:
    unit = sensing(can=bus([FRAME, bug]), gnss=receiver([FIX]))
    async with asyncio.timeout(10):
        with pytest.raises(BaseExceptionGroup) as caught:
            await unit.run()
    assert caught.value.subgroup((ZeroDivisionError, ServiceEndedError))


async def test_rates_are_never_negative_and_stand_a_clock_that_stands() -> None:
    can = bus([FRAME, FRAME, DeviceFaultError("gone")], [FRAME])
    unit = sensing(can=can)
    clock = Clock()
    taken = pulse(unit, clock)
    taken._samples.append(taken._sample())
    async with running(unit):
        await can.silent.wait()
        taken._samples.append(taken._sample())
        assert taken.bus_rates() == {"body": BusRates()}
        clock.now_s = 2.0
        taken._samples.append(taken._sample())
        assert taken.bus_rates() == {"body": BusRates(frames_hz=1.5, error_frames_hz=0.0)}
