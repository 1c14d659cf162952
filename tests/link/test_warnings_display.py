"""A display at a real broker is told what a vehicle is warned of: from a message on the air to the driver."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from random import Random
from typing import Any

import aiomqtt
import pytest

from tests.link.conftest import Mosquitto
from wayside_agent.air import Air
from wayside_agent.cli.check import findings
from wayside_agent.core.bsm import Bsm, encoded_bsm
from wayside_agent.core.frame_layout import DSMP
from wayside_agent.core.stamps import TimeQuality
from wayside_agent.core.warnings.plane import farther
from wayside_agent.drivers.radio_udp import UdpRadio
from wayside_agent.drivers.sim_gnss import SimGnss
from wayside_agent.services.endless import endless
from wayside_agent.services.sensing import Sensing
from wayside_agent.settings import Driver, ManagerSettings, NodeSettings, Settings
from wayside_agent.v2x_settings import V2xSettings, WarningSettings

pytestmark = pytest.mark.timeout(60)

LONG_S = 20.0
TOPIC = "wayside/hmi/warnings"


def settings(port: int) -> Settings:
    """An OBU that warns by the broker at that port."""
    return Settings(
        node=NodeSettings(id="obu-1", esn="E1", kind="obu"),
        manager=ManagerSettings(device_address="127.0.0.1:1", enrollment_address="127.0.0.1:1"),
        gnss=Driver(driver="simulator"),
        radio=Driver(driver="udp"),
        v2x=V2xSettings(warnings=WarningSettings(port=port)),
    )


class Obu:
    """A vehicle on a wide circle, with one that stands in its way as long as somebody says so."""

    def __init__(self, port: int) -> None:
        unit = settings(port)
        self.radio = UdpRadio(UdpRadio.Options(bind_host="127.0.0.1", layout="dsmp"))
        self.sensing = Sensing(
            buses={},
            gnss=SimGnss(SimGnss.Options(loses_fix=False, radius_m=2000.0, speed_mps=15.0)),
            radio=self.radio,
            feeds=(),
            now_ns=time.time_ns,
            mono_s=time.monotonic,
            time_quality=lambda: TimeQuality.GNSS,
            rng=Random(1),  # noqa: S311  # spreads waits
        )
        self.air = Air(unit, self.sensing, self.radio, utc_s=time.time)
        self.is_blocked = True

    async def block(self) -> None:
        """Says ten times a second that a vehicle stands 40 m ahead."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as air:
            while True:
                gnss, radio = self.sensing.gnss, self.sensing.radio
                fix = None if gnss is None else gnss.newest
                if self.is_blocked and fix and fix.position and fix.course_deg is not None and radio and radio.is_open:
                    here = round(fix.position.latitude_deg * 1e7), round(fix.position.longitude_deg * 1e7)
                    place = farther(here, fix.course_deg, 40.0)
                    bsm = Bsm(
                        message_count=1,
                        vehicle_id=b"\1" * 8,
                        since_minute=timedelta(seconds=time.time() % 60),
                        latitude_deg=place[0] / 1e7,
                        longitude_deg=place[1] / 1e7,
                        speed_mps=0.0,
                        heading_deg=fix.course_deg,
                    )
                    frame = DSMP.built(encoded_bsm(bsm), application_id=111, time_ns=time.time_ns())
                    air.sendto(frame, ("127.0.0.1", self.radio.local_port))
                await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def driving(port: int) -> AsyncIterator[Obu]:
    obu = Obu(port)
    services = {"sensing": obu.sensing.run, "road": obu.block, **obu.air.services()}
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(endless(name, service)) for name, service in services.items()]
        yield obu
        for task in tasks:
            task.cancel()


async def following(client: aiomqtt.Client, topic: str) -> Any:  # noqa: ANN401
    """The next word on a topic."""
    async for message in client.messages:
        if message.topic.value == topic and isinstance(message.payload, bytes):
            return json.loads(message.payload)
    raise AssertionError


async def test_a_display_sees_a_warning_begin_and_end(mosquitto: Mosquitto) -> None:
    async with aiomqtt.Client(mosquitto.host, mosquitto.port) as hmi, asyncio.timeout(LONG_S):
        await hmi.subscribe(f"{TOPIC}/#")
        async with driving(mosquitto.port) as obu:
            begun = await following(hmi, TOPIC)
            active = await following(hmi, f"{TOPIC}/active")
            obu.is_blocked = False
            while (ended := await following(hmi, TOPIC))["action"] != "end":
                pass
            while await following(hmi, f"{TOPIC}/active"):
                pass
    assert (begun["action"], begun["kind"], begun["text_code"]) == ("begin", "forward-collision", "forward-collision")
    assert begun["severity"] in {"warning", "critical"}
    assert set(begun["text"]) == {"en", "zh"}
    assert 0 < begun["distance_m"] < 60
    assert 0 <= begun["latency_s"] < LONG_S
    assert begun["source_time_ns"] <= time.time_ns()
    assert [each["kind"] for each in active] == ["forward-collision"]
    assert ended["kind"] == "forward-collision"


async def test_a_display_that_comes_back_is_told_what_holds_and_nothing_old(mosquitto: Mosquitto) -> None:
    mosquitto.stop()
    async with asyncio.timeout(LONG_S), driving(mosquitto.port) as obu:
        assert obu.air.warnings is not None
        display = obu.air.warnings[1]
        while not display.fault.startswith("MQTT"):  # noqa: ASYNC110  # nobody is told of a fault
            await asyncio.sleep(0.01)
        await asyncio.to_thread(mosquitto.start)
        while display.fault:  # noqa: ASYNC110  # as above
            await asyncio.sleep(0.01)
        async with aiomqtt.Client(mosquitto.host, mosquitto.port) as hmi:
            await hmi.subscribe(f"{TOPIC}/#")
            while not (active := await following(hmi, f"{TOPIC}/active")):
                pass
    assert [each["kind"] for each in active] == ["forward-collision"]


async def test_the_check_says_whether_the_broker_of_the_warnings_answers(
    mosquitto: Mosquitto, unused_tcp_port: int
) -> None:
    for port, is_ok, words in ((mosquitto.port, True, "answers"), (unused_tcp_port, False, "start it, or correct")):
        [found] = [each for each in await findings(settings(port)) if "broker of the warnings" in each.message]
        assert found.is_ok is is_ok
        assert words in found.message
