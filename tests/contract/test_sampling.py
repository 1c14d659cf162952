"""What a unit measures of itself, from real drivers and services to its checks and its report; time is the test's."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Self

import pytest

from tests.contract.agent_devices import Feed, receiver
from wayside.node_config import NodeConfig, decoded
from wayside.v1 import node_pb2
from wayside.v2x.peek import MessageKind
from wayside_agent.core.bus_load import rates_of
from wayside_agent.core.bus_silence import can_id
from wayside_agent.core.fix import AntennaState, Fix, FixMode, FixQuality, Position
from wayside_agent.core.frames import CLASSIC, ERROR_FLAG
from wayside_agent.core.health_samples import PlatformSample, SignalSample
from wayside_agent.core.reach import Reach
from wayside_agent.core.readings import Reading
from wayside_agent.core.stamps import TimeQuality
from wayside_agent.core.starts import Start, StartReason, Starts
from wayside_agent.core.trusted_time import Floor
from wayside_agent.core.v2x import RadioCounters, ReceivedMessage, Station
from wayside_agent.drivers.can_socket import SocketCan
from wayside_agent.drivers.files import StateFile
from wayside_agent.link.spool import FileSpool
from wayside_agent.ports.devices import HostReading
from wayside_agent.services.derating import Derating
from wayside_agent.services.health import Health, Versions
from wayside_agent.services.health_checks import HealthChecks
from wayside_agent.services.pulse import Pulse
from wayside_agent.services.sampling import Sampling
from wayside_agent.services.sensing import Sensing
from wayside_agent.services.timekeeping import Timekeeping
from wayside_agent.wellbeing import Wellbeing

NOW_S = 1_790_000_000.0
FIX = Fix(FixMode.THREE_D, FixQuality.AUTONOMOUS, Position(20.0, 110.0), satellite_count=9, antenna=AntennaState.OPEN)
CONFIG = decoded(
    b'{"health":{"readings":{"temperature_celsius":"feed.cabinet.air","on_battery":"feed.ups.battery"}},'
    b'"derating":{"order":["decode"],"settle_s":10,"rules":{"hot":{"temperature_above_celsius":60,"hold_s":4}}}}'
)


class ToldRadio:
    """A radio that tells everything; it hears two applications, then nothing."""

    def __init__(self) -> None:
        self._left = [ReceivedMessage(b"\0", MessageKind.BSM, 1, aid) for aid in (111, 3618, 111)]
        self.silent = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def read(self) -> ReceivedMessage:
        if not self._left:
            self.silent.set()
            await asyncio.Event().wait()
        return self._left.pop(0)

    async def send(self, payload: bytes, *, application_id: int) -> None:
        raise NotImplementedError

    def counters(self) -> RadioCounters:
        return RadioCounters(sent_count=5, sent={3619: 5})

    def station(self) -> Station:
        return Station(channel_busy_ratio=0.7, signing_certificate_end_s=NOW_S + 3600.0)


class Unit:
    """Every service that measures and judges, on a bus of a socket pair."""

    def __init__(self, folder: Path, spool: FileSpool, readings: Sequence[Reading]) -> None:
        near, self.far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.far.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_000_000)
        self.mono_s, self.host = 1000.0, HostReading(time_quality=TimeQuality.NETWORK, battery_ratio=0.9)
        self.feed, self.gnss, self.radio = Feed(readings), receiver([FIX]), ToldRadio()
        self.sensing = Sensing(
            buses={"body": SocketCan.from_socket(near, SocketCan.Options(interface="can0", nap_s=0))},
            gnss=self.gnss,
            radio=self.radio,
            feeds=(self.feed,),
            now_ns=self.now_ns,
            mono_s=lambda: self.mono_s,
            time_quality=lambda: TimeQuality.NETWORK,
            rng=Random(1),  # noqa: S311  # repeatable, no secrets
        )
        self.pulse = Pulse(
            self.sensing, self, mono_s=lambda: self.mono_s, is_manager_reached=lambda: True, broker=lambda: None
        )
        time = Timekeeping(
            StateFile(folder / "floor", Floor),
            earliest_s=NOW_S,
            mono_s=lambda: self.mono_s,
            clock_s=self.clock_s,
            clock_quality=lambda: self.pulse.host.time_quality,
            fix=lambda: None,
        )
        time.heard(NOW_S)
        sampling = Sampling(
            self.sensing,
            self.pulse,
            time,
            {"reports": (spool, 1000)},
            is_manager_reached=lambda: True,
            reach=lambda: self.reach,
            oldest_report_s=lambda: 12.0,
            start=Start(StartReason.CRASH, NOW_S, Starts("b", 9, 4, (NOW_S,) * 3)),
            ends=dict,
            clock_s=self.clock_s,
            mono_s=lambda: self.mono_s,
            signal=lambda: SignalSample(fault="the signal controller is silent"),
            platforms=lambda: (PlatformSample("city"),),
        )
        self.reach = Reach(0.0)
        checks = HealthChecks(sampling.sample, utc_s=time.utc_s, mono_s=lambda: self.mono_s, changed=lambda: None)
        derating = Derating(
            lambda: sampling.newest, {"decode": self.allow}, mono_s=lambda: self.mono_s, changed=lambda: None
        )
        self.wellbeing = Wellbeing(checks, sampling, derating, self.sensing, time, stands=True)
        self.health = Health(
            sensing=self.sensing,
            pulse=self.pulse,
            spools={"reports": spool},
            telemetry_batch_count=lambda: 0,
            versions=lambda: Versions("1.0", "", 0, 30.0),
            now_ns=self.now_ns,
            checks=lambda: checks.present,
            time=self.wellbeing.time_health,
            unit=self.wellbeing.unit_health,
            mono_s=lambda: self.mono_s,
        )

    def allow(self, is_allowed: bool) -> None:
        self.sensing.decodes = is_allowed

    def clock_s(self) -> float:
        return NOW_S + self.mono_s - 1000.0

    def now_ns(self) -> int:
        return round(self.clock_s() * 1e9)

    async def read(self) -> HostReading:
        return self.host

    async def sent(self, *frames: bytes) -> None:
        """Puts frames on the bus and waits until the unit has counted them."""
        counters = self.sensing.buses["body"].counters
        wanted = counters.frame_count + counters.error_frame_count + len(frames)
        for frame in frames:
            self.far.send(frame)
        while counters.frame_count + counters.error_frame_count < wanted:
            await asyncio.sleep(0)
            counters = self.sensing.buses["body"].counters

    def turn(self, pass_s: float = 2.0) -> None:
        """One turn of the pulse and of the checks."""
        self.mono_s += pass_s
        self.pulse.host = self.host
        self.pulse._samples.append(self.pulse._sample())
        self.wellbeing.checks.look()
        self.wellbeing.derating.look()

    def state(self, name: str) -> str:
        return str(self.wellbeing.checks.present.state(name))

    def report(self) -> node_pb2.HealthReport:
        return self.health.report()


def reading(name: str, value: float, *, age_s: float = 0.0) -> Reading:
    return Reading(name, value, "", round((NOW_S - age_s) * 1e9), TimeQuality.NETWORK)


@asynccontextmanager
async def measuring(folder: Path, *readings: Reading, config: NodeConfig = CONFIG) -> AsyncIterator[Unit]:
    async with FileSpool(folder / "spool") as spool, asyncio.timeout(20), asyncio.TaskGroup() as group:
        await spool.append([b"x"])
        unit = Unit(folder, spool, readings)
        unit.wellbeing.use(config)
        ids = {"body": {can_id("0C9"): 3.0}}
        unit.sensing.expect(rates_of({"body": (500_000, 0)}), ids)
        task = group.create_task(unit.sensing.run())
        for device in (unit.feed, unit.gnss, unit.radio):
            await device.silent.wait()
        with unit.far:
            yield unit
            task.cancel()


DATA = CLASSIC.pack(0x0C9, 8, 0, bytes(8))


async def test_a_bus_is_measured_from_its_frames_to_its_report(tmp_path: Path) -> None:
    async with measuring(tmp_path) as unit:
        unit.turn(0.0)
        await unit.sent(*[DATA] * 400)
        unit.turn()
        bus = unit.report().can_buses[0]
        assert bus.load_ratio == pytest.approx(200 * (111 + 24 / 2) / 500_000)
        assert (bus.frame_rate_hertz, bus.bus_state, list(bus.silent_ids)) == (200.0, 0, [])
        assert (unit.state("can.body.load"), unit.state("can.body.silence")) == ("ok", "ok")
        assert unit.wellbeing.checks.present.by_name.get("can.body.state") is None, "nothing has told yet"


async def test_a_bus_off_and_a_silent_sender_are_told_and_recover(tmp_path: Path) -> None:
    async with measuring(tmp_path) as unit:
        unit.turn(0.0)
        await unit.sent(CLASSIC.pack(0x244 | ERROR_FLAG, 8, 0, bytes([0, 0, 0, 0, 0, 0, 255, 3])))
        unit.turn(4.0)
        bus = unit.report().can_buses[0]
        assert (bus.bus_state, bus.transmit_error_count, bus.receive_error_count) == (
            node_pb2.CAN_BUS_STATE_BUS_OFF, 255, 3,
        )  # fmt: skip
        assert list(bus.silent_ids) == [0x0C9]
        assert (unit.state("can.body.state"), unit.state("can.body.silence")) == ("failed", "failed")
        await unit.sent(CLASSIC.pack(0x100 | ERROR_FLAG, 8, 0, bytes(8)), DATA)
        unit.turn()
        assert (unit.state("can.body.state"), unit.state("can.body.silence")) == ("ok", "ok")
        assert unit.report().can_buses[0].bus_state == node_pb2.CAN_BUS_STATE_ERROR_ACTIVE


async def test_antenna_applications_and_the_radios_own_word_stand_in_the_report(tmp_path: Path) -> None:
    async with measuring(tmp_path) as unit:
        unit.turn()
        report = unit.report()
    assert report.gnss.antenna == node_pb2.ANTENNA_STATE_OPEN
    assert [(each.application_id, each.received_count, each.sent_count) for each in report.radio.applications] == [
        (111, 2, 0), (3618, 1, 0), (3619, 0, 5),
    ]  # fmt: skip
    assert report.radio.channel_busy_ratio == 0.7
    assert unit.state("gnss.antenna") == "degraded"
    assert (unit.state("radio.busy"), unit.state("radio.certificate")) == ("degraded", "degraded")


async def test_who_tells_the_lights_and_the_platforms_are_checked(tmp_path: Path) -> None:
    async with measuring(tmp_path) as unit:
        unit.turn()
        found = {check.name: check.reason for check in unit.report().checks}
    assert found["signal.feed"] == "the signal controller is silent"
    assert unit.state("platform.city") == "ok"


async def test_power_and_cabinet_come_from_sensors_and_what_is_old_is_unknown(tmp_path: Path) -> None:
    readings = (reading("feed.cabinet.air", 41.0), reading("feed.ups.battery", 1.0))
    async with measuring(tmp_path, *readings) as unit:
        unit.turn()
        report = unit.report()
        assert report.environment.temperature_celsius == 41.0
        assert (report.power.on_battery, report.power.battery_ratio) == (True, 0.9)
        assert (unit.state("power.supply"), unit.state("environment.temperature")) == ("failed", "ok")
        unit.turn(119.0)
        report = unit.report()
        assert not report.power.HasField("on_battery")
        assert not report.environment.HasField("temperature_celsius")
        assert (unit.state("power.supply"), unit.state("environment.temperature")) == ("unknown", "unknown")


async def test_changes_of_the_supply_are_counted_and_silence_is_none(tmp_path: Path) -> None:
    async with measuring(tmp_path, config=NodeConfig()) as unit:
        for on_battery in (False, None, False, True, None, True, False):
            unit.host = replace(unit.host, on_battery=on_battery)
            unit.turn()
        assert unit.report().power.battery_transition_count == 2


async def test_a_hot_cabinet_sheds_decoding_and_says_so(tmp_path: Path) -> None:
    async with measuring(tmp_path, reading("feed.cabinet.air", 70.0)) as unit:
        for _ in range(4):
            unit.turn()
        assert (unit.sensing.decodes, list(unit.report().shed_loads)) == (False, ["decode"])
        unit.wellbeing.use(NodeConfig())
        assert (unit.sensing.decodes, list(unit.report().shed_loads)) == (True, [])


async def test_uplink_software_disk_and_holdover_stand_in_the_report(tmp_path: Path) -> None:
    async with measuring(tmp_path) as unit:
        unit.reach.began(900.0)
        unit.reach.sent(1, 990.0)
        unit.reach.acknowledged(1, 990.5)
        unit.turn()
        unit.host = replace(unit.host, time_quality=TimeQuality.HOLDOVER)
        unit.turn()
        unit.turn(100.0)
        report = unit.report()
    uplink, software = report.uplink, report.software
    assert (uplink.acknowledge_seconds, uplink.session_count, uplink.oldest_report_seconds) == (0.5, 1, 12.0)
    assert 0.1 < uplink.reached_ratio < 0.3
    assert (software.start_count, software.unasked_start_count, software.start_reason) == (9, 4, "crash")
    assert software.start_time.ToSeconds() == NOW_S
    assert report.time.holdover_seconds == 102.0
    assert unit.state("software.restarts") == "degraded"
    assert unit.state("time.holdover") == unit.state("storage.latency") == "ok"
