"""Local sensors over a real broker."""

import asyncio
import logging
from importlib.metadata import entry_points

import aiomqtt
import msgspec
import pytest

from tests.link.conftest import Mosquitto
from wayside.errors import UnavailableError
from wayside_agent.core.stamps import TimeQuality
from wayside_agent.link.feed import MAX_TRACKED_NAMES, MqttFeed
from wayside_agent.ports.errors import DeviceAbsentError
from wayside_demo.stage import free_port

pytestmark = pytest.mark.timeout(60)


def feed_at(mosquitto: Mosquitto, **options: object) -> MqttFeed:
    return MqttFeed(msgspec.convert({"host": mosquitto.host, "port": mosquitto.port, **options}, MqttFeed.Options))


async def test_values_of_sensors_become_readings(mosquitto: Mosquitto) -> None:
    async with (
        feed_at(mosquitto, time_quality="network") as feed,
        aiomqtt.Client(mosquitto.host, mosquitto.port) as box,
    ):
        await box.publish("wayside/sensors/cabinet", b'{"temperature": 21.5, "unit": {"temperature": "degC"}}')
        await box.publish("wayside/sensors/pole", msgspec.msgpack.encode({"tilt": 1}))
        async with asyncio.timeout(10):
            (first,), (second,) = await feed.read(), await feed.read()
    assert (first.name, first.value, first.unit) == ("feed.cabinet.temperature", 21.5, "degC")
    assert first.quality is TimeQuality.NETWORK
    assert (second.name, second.value) == ("feed.pole.tilt", 1.0)


async def test_malformed_messages_are_counted_passed_over_and_logged_once(
    mosquitto: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    async with feed_at(mosquitto) as feed, aiomqtt.Client(mosquitto.host, mosquitto.port) as box:
        for payload in (b"", b"hello", b'{"a": [1]}', b'{"a": 1}'):
            await box.publish("wayside/sensors/cabinet", payload)
        async with asyncio.timeout(10):
            (reading,) = await feed.read()
        assert reading.value == 1.0
        assert feed.counters() == (1, 3)
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 1


async def test_the_oldest_messages_go_when_nobody_reads(mosquitto: Mosquitto) -> None:
    async with feed_at(mosquitto, queue_size=10) as feed, aiomqtt.Client(mosquitto.host, mosquitto.port) as box:
        await box.subscribe("wayside/sensors/+")
        for index in range(100):
            await box.publish("wayside/sensors/cabinet", b'{"index": %d}' % index)
        async with asyncio.timeout(10):
            for _ in range(100):
                await anext(box.messages)
            (reading,) = await feed.read()
            while reading.value < 99:
                (reading,) = await feed.read()
    assert feed.counters()[0] < 100


async def test_invented_names_do_not_fill_the_memory(mosquitto: Mosquitto) -> None:
    async with feed_at(mosquitto) as feed, aiomqtt.Client(mosquitto.host, mosquitto.port) as box:
        for start in range(0, MAX_TRACKED_NAMES + 100, 100):
            await box.publish("wayside/sensors/x", msgspec.json.encode({f"f{start + n}": n for n in range(100)}))
        await box.publish("wayside/sensors/x", b'{"f0": 7}')
        async with asyncio.timeout(10):
            while len(await feed.read()) > 1:
                pass
        assert feed.counters() == (11, 1)


async def test_a_broker_that_dies_is_unavailable_and_the_feed_can_be_opened_again(mosquitto: Mosquitto) -> None:
    feed = feed_at(mosquitto)
    async with asyncio.timeout(20):
        async with feed:
            mosquitto.stop()
            with pytest.raises(UnavailableError):
                await feed.read()
        with pytest.raises(DeviceAbsentError, match="wayside/sensors"):
            async with feed:
                pass
        mosquitto.start()
        async with feed, aiomqtt.Client(mosquitto.host, mosquitto.port) as box:
            await box.publish("wayside/sensors/a", b'{"b": 1}')
            assert (await feed.read())[0].name == "feed.a.b"


async def test_a_feed_over_tls(mosquitto_tls: Mosquitto) -> None:
    files = {name: str(getattr(mosquitto_tls, name)) for name in ("ca_file", "certificate_file", "key_file")}
    async with feed_at(mosquitto_tls, tls=True, **files) as feed:
        assert feed.counters() == (0, 0)


async def test_a_broker_that_is_not_there_is_absent() -> None:
    with pytest.raises(DeviceAbsentError, match="refused"):
        async with MqttFeed(MqttFeed.Options(port=free_port())):
            pass


def test_the_feed_is_registered_as_a_driver() -> None:
    (point,) = entry_points(group="wayside.sensor", name="mqtt")
    assert point.load() is MqttFeed
