"""Telemetry end to end: sampled, spooled, published to a real broker, read by a foreign client."""

import asyncio
import contextlib
import errno
import logging
import os
import random
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Self

import aiomqtt
import msgspec
import pytest

from tests.link.conftest import Mosquitto
from wayside.errors import UnavailableError
from wayside.node_config import TelemetryConfig
from wayside.v1 import node_pb2
from wayside.v1.telemetry_pb2 import TelemetryBatch
from wayside_agent.core.gate import BrokerLink
from wayside_agent.core.readings import Reading
from wayside_agent.core.stamps import TimeQuality
from wayside_agent.link.broker import Broker
from wayside_agent.link.mqtt import MqttPublisher
from wayside_agent.link.spool import FileSpool
from wayside_agent.ports.spools import TelemetrySink
from wayside_agent.services.telemetry import Telemetry
from wayside_demo.stage import free_port

pytestmark = pytest.mark.timeout(60)

TOPIC = "wayside/v1/rsu-1/telemetry"


def counting_readings() -> Callable[[], tuple[Reading, ...]]:
    """A signal whose value counts its samples and whose time moves on by 1 ms each."""
    numbers = count()

    def latest() -> tuple[Reading, ...]:
        value = next(numbers)
        return (Reading("a.count", float(value), "", 1_800_000_000_000_000_000 + value * 10_000_000, TimeQuality.GNSS),)

    return latest


@dataclass
class Wiring:
    """Connects to the broker of a configuration, or while there is an outage to a port where nobody listens."""

    dead_port: int = 0

    def connect(self, config: TelemetryConfig) -> TelemetrySink:
        broker = Broker(config.broker_host, self.dead_port or config.port, interface=config.interface)
        return MqttPublisher(broker, client_id="rsu-1")


@dataclass
class CountingWiring(Wiring):
    """Counts the connections."""

    connection_count: int = 0

    def connect(self, config: TelemetryConfig) -> TelemetrySink:
        self.connection_count += 1
        return super().connect(config)


def telemetry_on(spool: FileSpool, wiring: Wiring | None = None) -> Telemetry:
    return Telemetry(
        node="nodes/rsu-1",
        spool=spool,
        readings=counting_readings(),
        connect=(wiring or Wiring()).connect,
        rng=random.Random(1),  # noqa: S311  # repeatable jitter, no secrets
        reconnect_base_s=0.05,
    )


def config_for(mosquitto: Mosquitto, publish_period_s: float = 0.05) -> TelemetryConfig:
    return TelemetryConfig(
        broker_host=mosquitto.host,
        broker_port=mosquitto.port,
        broker_plaintext=True,
        publish_period_s=publish_period_s,
        sample_period_s=0.01,
    )


@contextlib.asynccontextmanager
async def running(telemetry: Telemetry) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(telemetry.run())
        yield
        task.cancel()


@contextlib.asynccontextmanager
async def listening(mosquitto: Mosquitto) -> AsyncIterator[Callable[[], Awaitable[TelemetryBatch]]]:
    async with aiomqtt.Client(mosquitto.host, mosquitto.port) as client:
        await client.subscribe("#", qos=1)

        async def batch() -> TelemetryBatch:
            message = await anext(client.messages)
            assert message.topic.value == TOPIC
            return TelemetryBatch.FromString(zlib.decompress(message.payload))

        yield batch


def sample_values(batches: list[TelemetryBatch]) -> list[float]:
    return [value for batch in batches for column in batch.columns for value in column.values]


async def test_batches_reach_a_foreign_client(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with FileSpool(tmp_path / "s") as spool, listening(mosquitto) as batch, asyncio.timeout(20):
        telemetry = telemetry_on(spool)
        telemetry.use(config_for(mosquitto))
        async with running(telemetry):
            batches = [await batch() for _ in range(4)]
    assert [one.sequence for one in batches] == [1, 2, 3, 4]
    assert {one.node for one in batches} == {"nodes/rsu-1"}
    assert {one.spool_id for one in batches} == {spool.spool_id}
    assert {one.time_quality for one in batches} == {node_pb2.TIME_QUALITY_GNSS}
    values = sample_values(batches)
    assert values == [float(index) for index in range(len(values))]
    assert batches[0].base_time.seconds == 1_800_000_000


async def test_an_outage_of_the_broker_loses_nothing_and_is_logged_once(
    mosquitto: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    wiring = Wiring()
    async with FileSpool(tmp_path / "s") as spool, asyncio.timeout(30):
        telemetry = telemetry_on(spool, wiring)
        telemetry.use(config_for(mosquitto))
        async with running(telemetry):
            async with listening(mosquitto) as batch:
                before = [await batch(), await batch()]
            wiring.dead_port = free_port()
            mosquitto.stop()
            await spool.read(before[-1].sequence + 10, max_count=1)
            published_count = telemetry.published_count
            assert telemetry.fault
            mosquitto.start()
            async with listening(mosquitto) as batch:
                wiring.dead_port = 0
                after = [await batch()]
                while after[-1].sequence < before[-1].sequence + 15 or "takes batches again" not in caplog.text:
                    after.append(await batch())
    assert [one.sequence for one in after] == list(range(published_count + 1, published_count + 1 + len(after)))
    values = sample_values(after)
    assert values == [values[0] + index for index in range(len(values))]
    said = [record for record in caplog.records if record.name == "wayside_agent.services.telemetry"]
    assert [record.levelno for record in said if "waits" in record.message] == [logging.WARNING]
    assert [record.levelno for record in said if "again" in record.message] == [logging.INFO]


async def test_a_restarted_agent_sends_what_was_left(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with asyncio.timeout(20):
        async with FileSpool(tmp_path / "s") as spool:
            telemetry = telemetry_on(spool, Wiring(dead_port=free_port()))
            telemetry.use(config_for(mosquitto))
            async with running(telemetry):
                await spool.read(4, max_count=1)
            left = spool.state().record_count
        async with FileSpool(tmp_path / "s") as spool, listening(mosquitto) as batch:
            telemetry = telemetry_on(spool)
            telemetry.use(config_for(mosquitto, publish_period_s=3600.0))
            async with running(telemetry):
                batches = [await batch() for _ in range(left)]
    assert [one.sequence for one in batches] == list(range(1, left + 1))
    values = sample_values(batches)
    assert values == [float(index) for index in range(len(values))]


async def test_the_end_of_the_agent_costs_no_samples(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with FileSpool(tmp_path / "s") as spool, asyncio.timeout(20):
        readings = counting_readings()
        telemetry = Telemetry(
            node="nodes/rsu-1",
            spool=spool,
            readings=readings,
            connect=Wiring(free_port()).connect,
            rng=random.Random(),  # noqa: S311  # jitter
        )
        telemetry.use(config_for(mosquitto, publish_period_s=3600.0))
        async with running(telemetry):
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        taken = int(readings()[0].value)
        (record,) = await spool.read(0, max_count=10)
    assert sample_values([TelemetryBatch.FromString(zlib.decompress(record.payload))]) == [
        float(n) for n in range(taken)
    ]


async def test_a_new_configuration_moves_to_the_new_broker_and_an_empty_one_stops(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    async with FileSpool(tmp_path / "s") as spool, listening(mosquitto) as batch, asyncio.timeout(20):
        telemetry = telemetry_on(spool)
        async with running(telemetry):
            telemetry.use(msgspec.structs.replace(config_for(mosquitto), broker_port=free_port()))
            await spool.read(2, max_count=1)
            assert telemetry.published_count == 0
            telemetry.use(config_for(mosquitto))
            batches = [await batch() for _ in range(5)]
            telemetry.use(TelemetryConfig())
            assert telemetry.fault == ""
    assert [one.sequence for one in batches] == [1, 2, 3, 4, 5]


async def test_the_unit_knows_whether_its_broker_is_connected_also_when_it_has_nothing_to_say(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    async with FileSpool(tmp_path / "s") as spool, asyncio.timeout(30):
        telemetry = telemetry_on(spool)
        assert telemetry.broker() is None
        config = config_for(mosquitto, publish_period_s=3600.0)
        address = f"{mosquitto.host}:{mosquitto.port} in plain text"
        telemetry.use(config)
        assert telemetry.broker() == BrokerLink(address)
        async with running(telemetry):
            await until(lambda: telemetry.broker() == BrokerLink(address, is_connected=True))
            mosquitto.stop()
            await until(lambda: bool(telemetry.fault))
            assert telemetry.broker() == BrokerLink(address, fault=telemetry.fault)
            mosquitto.start()
            await until(lambda: is_connected(telemetry))
            telemetry.use(msgspec.structs.replace(config, interface="nowhere0", username="unit"))
            assert telemetry.broker() == BrokerLink(f"{address} by nowhere0 as unit")
            telemetry.use(msgspec.structs.replace(config, interface="nowhere0", username="u", password_secret="key"))
            assert telemetry.broker() == BrokerLink(f"{address} by nowhere0 as u with the secret key")
            await until(lambda: "'nowhere0' is not there" in telemetry.fault)
            telemetry.use(config)
            await until(lambda: is_connected(telemetry))
            telemetry.use(TelemetryConfig())
            assert telemetry.broker() is None


def is_connected(telemetry: Telemetry) -> bool:
    broker = telemetry.broker()
    return broker is not None and broker.is_connected


async def until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110  # a connection has no event for others
        await asyncio.sleep(0.01)


async def test_an_interface_that_is_not_there_is_an_outage_said_once(
    mosquitto: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wiring = CountingWiring()
    async with FileSpool(tmp_path / "s") as spool, asyncio.timeout(20):
        telemetry = telemetry_on(spool, wiring)
        telemetry.use(msgspec.structs.replace(config_for(mosquitto), interface="nowhere0"))
        async with running(telemetry):
            await until(lambda: wiring.connection_count >= 4)
            telemetry.use(msgspec.structs.replace(config_for(mosquitto), interface="lo"))
            await until(lambda: telemetry.published_count > 0)
    assert caplog.text.count("the network interface 'nowhere0' is not there, or has no address") == 1


class Late(MqttPublisher):
    """A connection that fails, when it is let."""

    may_fail: asyncio.Event

    async def __aenter__(self) -> Self:
        await self.may_fail.wait()
        raise UnavailableError("the broker is away")


@dataclass
class LateWiring(CountingWiring):
    """Connections that fail at moments of the test's choice: the first, the second, and never the third."""

    moments: tuple[asyncio.Event, ...] = field(
        default_factory=lambda: (asyncio.Event(), asyncio.Event(), asyncio.Event())
    )

    def connect(self, config: TelemetryConfig) -> TelemetrySink:
        sink = Late(Broker(config.broker_host, config.port), client_id="rsu-1")
        sink.may_fail = self.moments[self.connection_count]
        self.connection_count += 1
        return sink


async def test_a_connection_that_fails_while_the_configuration_changes_says_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wiring = LateWiring()
    config = TelemetryConfig(broker_host="localhost", broker_plaintext=True)
    async with FileSpool(tmp_path / "s") as spool, asyncio.timeout(20):
        telemetry = telemetry_on(spool, wiring)
        telemetry.use(config)
        async with running(telemetry):
            wiring.moments[0].set()
            await until(lambda: wiring.connection_count == 2)
            wiring.moments[1].set()
            telemetry.use(msgspec.structs.replace(config, username="new"))
            await until(lambda: wiring.connection_count == 3)
            assert telemetry.fault == ""
    assert caplog.text.count("the broker is away") == 1


async def test_new_credentials_are_used_at_once_and_lose_nothing(mosquitto: Mosquitto, tmp_path: Path) -> None:
    wiring = CountingWiring()
    async with FileSpool(tmp_path / "spool") as spool, listening(mosquitto) as batch:
        telemetry = telemetry_on(spool, wiring)
        telemetry.use(config_for(mosquitto))
        async with running(telemetry):
            batches = [await batch()]
            telemetry.reconnect()
            while wiring.connection_count < 2:  # a batch is what it waits for
                batches.append(await batch())
            batches += [await batch() for _ in range(2)]
    values = sorted(set(sample_values(batches)))
    assert values == [float(number) for number in range(len(values))]


class ReadyWiring(Wiring):
    """Connections that were made before, in their order."""

    def __init__(self, sinks: Iterable[TelemetrySink]) -> None:
        super().__init__()
        self._sinks = iter(sinks)

    def connect(self, config: TelemetryConfig) -> TelemetrySink:  # noqa: ARG002  # they know their broker
        return next(self._sinks)


class Careless(MqttPublisher):
    """Loses a cancel that comes together with the broker's answer, as `asyncio.wait_for` of Python 3.11 does."""

    publishing: asyncio.Event

    async def publish(self, topic: str, payloads: Sequence[bytes]) -> None:  # noqa: ARG002  # it never gets that far
        self.publishing.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


class Leisurely(MqttPublisher):
    """Says goodbye when it is let."""

    leaving: asyncio.Event
    may_leave: asyncio.Event

    async def __aexit__(self, *raised: object) -> None:
        self.leaving.set()
        await self.may_leave.wait()
        await super().__aexit__(None, None, None)


async def test_new_credentials_are_used_though_a_cancel_is_lost_on_the_way(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    first = Careless(Broker(mosquitto.host, mosquitto.port), client_id="rsu-1")
    first.publishing = asyncio.Event()
    second = MqttPublisher(Broker(mosquitto.host, mosquitto.port), client_id="rsu-1")
    async with FileSpool(tmp_path / "s") as spool, listening(mosquitto) as batch, asyncio.timeout(20):
        telemetry = telemetry_on(spool, ReadyWiring((first, second)))
        telemetry.use(config_for(mosquitto))
        async with running(telemetry):
            await first.publishing.wait()
            telemetry.reconnect()
            assert (await batch()).sequence >= 1


async def test_an_agent_that_stops_while_its_credentials_change_stops(mosquitto: Mosquitto, tmp_path: Path) -> None:
    sink = Leisurely(Broker(mosquitto.host, mosquitto.port), client_id="rsu-1")
    sink.leaving, sink.may_leave = asyncio.Event(), asyncio.Event()
    async with FileSpool(tmp_path / "s") as spool, asyncio.timeout(20), asyncio.TaskGroup() as group:
        telemetry = telemetry_on(spool, ReadyWiring((sink,)))
        telemetry.use(config_for(mosquitto))
        task = group.create_task(telemetry.run())
        await until(lambda: is_connected(telemetry))
        telemetry.reconnect()
        await sink.leaving.wait()
        task.cancel()
        sink.may_leave.set()
        await asyncio.wait([task])
    assert task.cancelled()


async def test_a_full_disk_is_logged_once_and_counted(
    mosquitto: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    is_full, was_refused = False, asyncio.Event()
    loop = asyncio.get_running_loop()

    def sync(descriptor: int) -> None:
        if is_full:
            loop.call_soon_threadsafe(was_refused.set)
            raise OSError(errno.ENOSPC, "No space left on device")
        os.fdatasync(descriptor)

    caplog.set_level(logging.INFO)
    async with FileSpool(tmp_path / "s", sync=sync) as spool, listening(mosquitto) as batch, asyncio.timeout(20):
        telemetry = telemetry_on(spool)
        telemetry.use(config_for(mosquitto))
        async with running(telemetry):
            await batch()
            is_full = True
            await was_refused.wait()
            is_full = False
            while "Telemetry is kept again" not in caplog.text:
                await batch()
    assert caplog.text.count("Telemetry is being lost") == 1
    assert "disk full" in caplog.text
    assert telemetry.lost_sample_count > 0


async def test_telemetry_that_is_shed_samples_nothing_and_what_is_in_the_spool_goes_out(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    async with FileSpool(tmp_path / "spool") as spool, listening(mosquitto) as batch, asyncio.timeout(20):
        await spool.append([b"kept from before"])
        telemetry = telemetry_on(spool)
        telemetry.samples = False
        telemetry.use(config_for(mosquitto))
        async with running(telemetry):
            while telemetry.published_count < 1:  # noqa: ASYNC110  # nothing tells
                await asyncio.sleep(0.01)
            assert (telemetry.published_count, spool.state().record_count) == (1, 0)
            with contextlib.suppress(zlib.error):  # what was kept is no batch
                await batch()
            telemetry.samples = True
            assert (await batch()).columns[0].values[0] == 0.0, "the first sample is taken now"
