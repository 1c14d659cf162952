"""A small platform of T/ITS 0117 at a real broker, and a roadside unit before it, through their public doors."""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import aiomqtt

from tests.link.conftest import Mosquitto
from wayside.errors import WaysideError
from wayside.v1 import node_service_pb2 as wire
from wayside.v2x.peek import MessageKind
from wayside_agent.air.overheard import OverheardRadio
from wayside_agent.air.platform import Surroundings, bridges
from wayside_agent.core.stamps import TimeQuality
from wayside_agent.drivers.log_lines import LogLines
from wayside_agent.drivers.sim_gnss import SimGnss
from wayside_agent.drivers.sim_radio import SimRadio
from wayside_agent.ports.devices import HostReading
from wayside_agent.services.endless import endless
from wayside_agent.services.platform import Bridge
from wayside_agent.services.sensing import Sensing
from wayside_agent.settings import Driver, ManagerSettings, NodeSettings, Settings
from wayside_agent.v2x_platform_settings import PlatformSettings
from wayside_agent.v2x_settings import V2xSettings

LONG_S = 20.0
HOST = HostReading(cpu_ratio=0.25, memory_used_bytes=300, memory_total_bytes=1000, temperature_celsius=41.5)


class Air:
    """Keeps what is to be broadcast; refuses what a test says."""

    def __init__(self) -> None:
        self.kept: list[tuple[MessageKind, bytes, str]] = []
        self.errors: list[WaysideError] = []

    async def broadcast(self, kind: MessageKind, message: bytes, *, source: str) -> None:
        """See `ports.platform.Broadcaster`."""
        if self.errors:
            raise self.errors.pop(0)
        self.kept.append((kind, message, source))


@dataclass
class Unit:
    """What a test can see of the unit."""

    made: Mapping[str, Bridge]
    air: Air
    jobs: list[wire.JobTarget]
    event: list[str]
    voice: OverheardRadio
    """What its own services send by."""
    told: list[wire.Report]
    """Reports to the manager."""

    def counts(self, label: str = "city") -> Mapping[str, Any]:
        """Figures of one bridge."""
        return self.made[label].picture()


def settings(node: str = "rsu-1", esn: str = "E1", **platforms: PlatformSettings) -> Settings:
    """A roadside unit with these platforms."""
    return Settings(
        node=NodeSettings(id=node, esn=esn, kind="rsu"),
        manager=ManagerSettings(device_address="127.0.0.1:1", enrollment_address="127.0.0.1:1"),
        radio=Driver(driver="simulator"),
        v2x=V2xSettings(platforms=platforms),
    )


def platform(mosquitto: Mosquitto, **fields: Any) -> PlatformSettings:  # noqa: ANN401  # as the settings have them
    """A platform at the test's broker."""
    given = {"host": mosquitto.host, "port": mosquitto.port, "tls": False, **fields}
    return PlatformSettings(**given)


@contextlib.asynccontextmanager
async def running(
    unit: Settings,
    *,
    has_air: bool = True,
    utc_s: Callable[[], float | None] = time.time,
    takes_reports: bool = True,
) -> AsyncIterator[Unit]:
    """The unit's bridges with its sensing, for one block."""
    radio = SimRadio(SimRadio.Options(vehicle_count=3, rate_hz=20.0))
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
    air, jobs, event, told = Air(), list[wire.JobTarget](), list[str](), list[wire.Report]()

    async def submit(report: wire.Report) -> int:
        if not takes_reports:
            return 0
        told.append(report)
        return len(told)

    around = Surroundings(lambda: HOST, lambda: ("1.4.0", "IDLE"), jobs.append, submit)
    made = bridges(
        unit,
        sensing,
        around,
        utc_s=utc_s,
        event=lambda: event[0] if event else "",
        broadcaster=air if has_air else None,
    )
    services = {"sensing": sensing.run, **{label: each.run for label, each in made.items()}}
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(endless(name, service)) for name, service in services.items()]
        yield Unit(made, air, jobs, event, OverheardRadio(radio, [each.said for each in made.values()]), told)
        for task in tasks:
            task.cancel()
    for handler in tuple(logging.getLogger().handlers):
        if isinstance(handler, LogLines):
            logging.getLogger().removeHandler(handler)


class Centre:
    """The other side."""

    def __init__(self, client: aiomqtt.Client, prefix: str = "V2X/RSU/E1") -> None:
        self._client = client
        self._prefix = prefix
        self.said: list[tuple[str, bytes]] = []
        """All that came from the unit and was passed over or taken."""

    async def says(self, message: str, document: Mapping[str, Any] | bytes, *, retain: bool = False) -> None:
        """Sends a message down."""
        await self.says_by(f"{self._prefix}/{message}", document, retain=retain)

    async def says_by(self, topic: str, document: Mapping[str, Any] | bytes, *, retain: bool = False) -> None:
        """Sends a message by a whole topic."""
        payload = document if isinstance(document, bytes) else json.dumps(document).encode()
        await self._client.publish(topic, payload, qos=1, retain=retain)

    async def raw(self, message: str) -> bytes:
        """The next message of the unit about something; others are passed over."""
        async for each in self._client.messages:
            payload = each.payload
            assert isinstance(payload, bytes)
            self.said.append((each.topic.value, payload))
            if each.topic.value == f"{self._prefix}/{message}":
                return payload
        raise AssertionError("the connection ended")

    async def hears(self, message: str, **expected: object) -> dict[str, Any]:
        """The next document about something that has these fields."""
        while True:
            document: dict[str, Any] = json.loads(await self.raw(message))
            if expected.items() <= document.items():
                return document


@contextlib.asynccontextmanager
async def centre(mosquitto: Mosquitto, prefix: str = "V2X/RSU/E1", *, listens: str = "V2X/#") -> AsyncIterator[Centre]:
    """A platform that listens, with patience for one test."""
    async with aiomqtt.Client(mosquitto.host, mosquitto.port) as client, asyncio.timeout(LONG_S):
        await client.subscribe(listens, qos=1)
        yield Centre(client, prefix)


async def until(happened: Callable[[], object]) -> None:
    """Waits for what nobody tells."""
    while not happened():  # noqa: ASYNC110  # nobody is told when the picture changes
        await asyncio.sleep(0.01)
