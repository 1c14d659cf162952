"""What sensors say at a real broker is on the air: the shipped objects of a fusion, in JSON and in protobuf."""

import asyncio
import contextlib
import json
import math
import socket
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import aiomqtt
import msgspec
import pytest

from tests.link.conftest import Mosquitto
from wayside.v1.perception_pb2 import PerceptionDocument
from wayside.v2x.codec import Profile, decode
from wayside.v2x.generated.messages import ParticipantData, RoadsideSafetyMessage
from wayside_agent.air import Air
from wayside_agent.cli.check import findings
from wayside_agent.core.frame_layout import DSMP
from wayside_agent.core.stamps import TimeQuality
from wayside_agent.drivers.radio_udp import UdpRadio
from wayside_agent.services.endless import endless
from wayside_agent.services.sensing import Sensing
from wayside_agent.settings import Driver, ManagerSettings, NodeSettings, Settings
from wayside_agent.v2x_heard_settings import LocalBrokerSettings
from wayside_agent.v2x_perception_settings import PerceptionSensorSettings, PerceptionSettings
from wayside_agent.v2x_settings import V2xSettings

pytestmark = pytest.mark.timeout(60)

LONG_S = 20.0
TOPIC = "wayside/perception/camera"
LATITUDE_DEG, LONGITUDE_DEG = 20.03, 110.33
SURVEYED_DEG = 20.0295, 110.3302
"""Where the node's configuration says the unit stands."""
METRES_OF_DEGREE = 110_704.7, 104_627.0
"""Of latitude and longitude at 20.03°, WGS 84."""
SHARE_95 = math.sqrt(-2 * math.log(0.05))
"""Radius that holds 95 of 100, in standard deviations of both axes."""


@dataclass(frozen=True)
class Fused:
    """One line of the shipped vector: type, class, its share, place, covariance of the place."""

    kind: str
    x_m: float
    y_m: float
    accuracy_m: float


@pytest.fixture
def fused(shared_data: Path) -> list[Fused]:
    found = []
    for line in (shared_data / "perception/apollo_fusion_object1.txt").read_text("ascii").splitlines():
        kind, x_m, y_m, _, *covariance = (float(each) for each in line.split()[1:2] + line.split()[3:])
        xx, xy, _, _, yy, *_ = covariance
        variance = (xx + yy) / 2 + math.hypot((xx - yy) / 2, xy)
        found.append(Fused({3: "car", 4: "van", 5: "bus"}[round(kind)], x_m, y_m, SHARE_95 * math.sqrt(variance)))
    return found


def settings(mosquitto: Mosquitto, radio_port: int = 0, **fields: Any) -> Settings:  # noqa: ANN401  # of the table
    radio = {"radio_host": "127.0.0.1", "radio_port": radio_port, "layout": "dsmp"}
    return Settings(
        node=NodeSettings(id="rsu-1", esn="ESN-0001", kind="rsu"),
        manager=ManagerSettings(device_address="127.0.0.1:1", enrollment_address="127.0.0.1:1"),
        radio=Driver(driver="udp", options=radio),
        v2x=V2xSettings(
            local_broker=LocalBrokerSettings(port=mosquitto.port),
            perception=PerceptionSettings(
                sensors={
                    "camera": PerceptionSensorSettings(
                        latitude_deg=LATITUDE_DEG, longitude_deg=LONGITUDE_DEG, source="video"
                    )
                },
                **{"latitude_deg": LATITUDE_DEG, "longitude_deg": LONGITUDE_DEG, **fields},
            ),
        ),
    )


@dataclass
class Rsu:
    """A unit, its air, and a client at its broker."""

    air: Air
    ears: socket.socket
    broker: Mosquitto
    heard: list[RoadsideSafetyMessage] = field(default_factory=list)

    def picture(self) -> dict[str, Any]:
        return msgspec.convert(self.air.picture()["perception"], dict[str, Any])

    async def hears(self, count: int = 1) -> list[RoadsideSafetyMessage]:
        """What is on the air next."""
        loop, found = asyncio.get_running_loop(), []
        for _ in range(count):
            frame = DSMP.parsed(await loop.sock_recv(self.ears, 2000))
            assert frame.application_id == 3623
            name, message = decode(frame.payload, Profile.P20)
            assert name == "rsmFrame"
            assert isinstance(message, RoadsideSafetyMessage)
            found.append(message)
        return found


@contextlib.asynccontextmanager
async def standing(mosquitto: Mosquitto, **fields: Any) -> AsyncIterator[Rsu]:  # noqa: ANN401  # of the table
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ears:
        ears.bind(("127.0.0.1", 0))
        ears.setblocking(False)
        unit = settings(mosquitto, ears.getsockname()[1], **fields)
        assert unit.radio is not None
        radio = UdpRadio(msgspec.convert(unit.radio.options, UdpRadio.Options))
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
        rsu = Rsu(Air(unit, sensing, radio, utc_s=time.time, surveyed=lambda: SURVEYED_DEG), ears, mosquitto)
        async with asyncio.timeout(LONG_S), asyncio.TaskGroup() as group:
            services = {"sensing": sensing.run, **rsu.air.services()}
            tasks = [group.create_task(endless(name, service)) for name, service in services.items()]
            await until(lambda: not rsu.picture()["broker_fault"])
            yield rsu
            for task in tasks:
                task.cancel()


async def until(holds: Callable[[], object]) -> None:
    """Nobody is told when a count rises."""
    while not holds():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def publishing(mosquitto: Mosquitto, document: Callable[[int], bytes]) -> AsyncIterator[None]:
    """A sensor that sees the same ten times a second."""

    async def publish() -> None:
        async with aiomqtt.Client(mosquitto.host, mosquitto.port) as client:
            while True:
                await client.publish(TOPIC, document(time.time_ns() // 1_000_000))
                await asyncio.sleep(0.1)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(publish())
        yield
        task.cancel()


def as_json(fused: list[Fused], time_ms: int) -> bytes:
    objects = [
        {
            "tracking_id": f"object {number}",
            "class": each.kind,
            "x_m": each.x_m,
            "y_m": each.y_m,
            "position_accuracy_m": each.accuracy_m,
        }
        for number, each in enumerate(fused)
    ]
    return json.dumps({"time_ms": time_ms, "sensor_id": "camera", "objects": objects}).encode()


def as_protobuf(fused: list[Fused], time_ms: int) -> bytes:
    document = PerceptionDocument(time_ms=time_ms, sensor_id="camera")
    for number, each in enumerate(fused):
        document.objects.add(
            tracking_id=f"object {number}",
            object_class={"car": 4, "van": 5, "bus": 7}[each.kind],
            x_m=each.x_m,
            y_m=each.y_m,
            position_accuracy_m=each.accuracy_m,
        )
    return document.SerializeToString()


def metres(each: ParticipantData) -> tuple[float, float]:
    """Where a participant is, east and north of the unit."""
    _, offset = each.pos.offsetLL
    north_m, east_m = METRES_OF_DEGREE
    return offset.lon / 1e7 * east_m, offset.lat / 1e7 * north_m


@pytest.mark.parametrize(("format_", "written"), [("json", as_json), ("protobuf", as_protobuf)], ids=["json", "pb"])
async def test_what_a_fusion_sees_is_on_the_air_where_it_is_as_what_it_is(
    mosquitto: Mosquitto, fused: list[Fused], format_: str, written: Callable[[list[Fused], int], bytes]
) -> None:
    async with (
        standing(mosquitto, format=format_) as rsu,
        publishing(mosquitto, lambda time_ms: written(fused, time_ms)),
    ):
        first, second = await rsu.hears(2)
        now = rsu.picture()
        latency = now["latency_s"]
    assert len(fused) == 8
    nearest = sorted(fused, key=lambda each: math.hypot(each.x_m, each.y_m))
    assert first.id == b"ESN-0001"
    assert (second.msgCnt - first.msgCnt) % 128 == 1
    assert {each.ptcId for each in first.participants} == {each.ptcId for each in second.participants}
    assert len(first.participants) == 8
    for said, seen in zip(first.participants, nearest, strict=True):
        assert metres(said) == pytest.approx((seen.x_m, seen.y_m), abs=0.02)
        assert said.vehicleClass is not None
        assert (said.vehicleClass.classification, said.ptcType, said.source) == (
            {"car": 10, "van": 20, "bus": 50}[seen.kind], 1, 3
        )  # fmt: skip
        assert said.posConfidence.pos == 7  # 5 m: the fusion's deviation is 1.7 m
    assert latency["object_to_air"]["count"] >= 8
    assert 0 < latency["object_to_air"]["p50"] <= latency["object_to_air"]["p99"] < LONG_S
    assert (now["refused_documents"], now["refused_objects"], now["why_silent"]) == (0, 0, "")


async def test_a_unit_hears_its_sensors_again_when_the_broker_is_back(mosquitto: Mosquitto, fused: list[Fused]) -> None:
    async with standing(mosquitto) as rsu:
        async with publishing(mosquitto, lambda time_ms: as_json(fused, time_ms)):
            await rsu.hears()
        mosquitto.stop()
        await until(lambda: rsu.picture()["why_silent"].startswith("MQTT broker"))
        assert not rsu.picture()["objects_now"]
        await asyncio.to_thread(mosquitto.start)
        await until(lambda: not rsu.picture()["broker_fault"])
        async with publishing(mosquitto, lambda time_ms: as_json(fused, time_ms)):
            while rsu.picture()["why_silent"]:
                await rsu.hears()


async def test_a_unit_without_a_place_in_its_settings_stands_where_its_configuration_says(
    mosquitto: Mosquitto, fused: list[Fused]
) -> None:
    async with (
        standing(mosquitto, latitude_deg=None, longitude_deg=None) as rsu,
        publishing(mosquitto, lambda time_ms: as_json(fused, time_ms)),
    ):
        (heard,) = await rsu.hears()
    assert (heard.refPos.lat / 1e7, heard.refPos.long / 1e7) == SURVEYED_DEG


async def test_a_check_tries_the_sensors_broker_beside_a_running_agent(mosquitto: Mosquitto) -> None:
    async def tried(unit: Settings) -> tuple[bool, str]:
        (found,) = [each for each in await findings(unit) if each.message.startswith("v2x.perception")]
        return found.is_ok, found.message

    async with standing(mosquitto) as rsu:
        assert await tried(settings(mosquitto)) == (True, "v2x.perception: its broker answers")
        is_ok, said = await tried(settings(mosquitto, topics=("roads/#/cameras",)))
        assert not is_ok
        assert "roads/#/cameras" in said
        assert not rsu.picture()["broker_fault"]
    mosquitto.stop()
    is_ok, said = await tried(settings(mosquitto))
    assert is_ok
    assert "not reachable now" in said
