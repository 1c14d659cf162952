"""A unit that was without its centre for a day: nothing is lost, and what is new does not wait for what is old.

The day is made of times that are handed in; spool, session, manager and broker are the real ones.
"""

import asyncio
import sqlite3
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from types import TracebackType

import aiomqtt
import pytest

from tests.link.agent_unit import Even
from tests.link.conftest import Mosquitto
from tests.link.manager_api.peer import Clock, LocalManager, NodeCredential, Peer
from wayside.node_config import TelemetryConfig
from wayside.v1 import node_pb2
from wayside.v1 import node_service_pb2 as wire
from wayside.v1.telemetry_pb2 import TelemetryBatch
from wayside_agent.core.egress import Egress
from wayside_agent.core.readings import Reading
from wayside_agent.core.stamps import TimeQuality
from wayside_agent.link.broker import Broker
from wayside_agent.link.manager import ManagerLink
from wayside_agent.link.mqtt import MqttPublisher
from wayside_agent.link.session import Session
from wayside_agent.link.spool import FileSpool
from wayside_agent.ports.identity import Identity
from wayside_agent.services.exchange import BATCH_COUNT, Ears
from wayside_agent.services.lanes import AHEAD_COUNT, DRAIN_COUNT
from wayside_agent.services.reporting import Reporting
from wayside_agent.services.telemetry import Telemetry
from wayside_agent.services.uplink import Hello, Uplink

pytestmark = pytest.mark.timeout(180)

REPORT_COUNT, REPORT_PERIOD_S = 2_880, 30
BATCH_COUNT_OF_A_DAY, BATCH_PERIOD_S = 8_640, 10
LIVE_COUNT = 6
NS = 1_000_000_000


class Tap:
    """A session whose messages the test sees pass by."""

    def __init__(self, session: Session, log: list[wire.SessionRequest], heard: Callable[[int], None]) -> None:
        self._session = session
        self._log = log
        self._heard = heard

    async def send(self, request: wire.SessionRequest) -> None:
        self._log.append(request)
        await self._session.send(request)

    async def receive(self, timeout_s: float | None = None) -> wire.SessionResponse:
        response = await self._session.receive(timeout_s)
        if response.HasField("ack"):
            self._heard(response.ack.sequence)
        return response


class AwayUnit:
    """The reports of one unit, and the way they go."""

    def __init__(self, spool: FileSpool, credential: NodeCredential, begin: datetime) -> None:
        self.spool = spool
        self.time = begin
        self.sent: list[wire.SessionRequest] = []
        self.number = 0
        self.acknowledged = 0
        self.shown_at = 0
        """How many messages had gone up when the newest health was there."""
        self.moved = asyncio.Event()
        self._credential = credential
        self.reporting = Reporting(
            spool,
            health=lambda: node_pb2.HealthReport(agent_version=f"v{self.number}"),
            now_ns=lambda: round(self.time.timestamp() * NS),
            time_quality=lambda: node_pb2.TIME_QUALITY_GNSS,
            agent_version="1.0",
            rng=Random(1),  # noqa: S311  # jitter
        )

    async def report(self) -> None:
        """One period later: a health report, and now and then a word on something."""
        self.number += 1
        self.time += timedelta(seconds=REPORT_PERIOD_S)
        if self.number % 100:
            report = wire.Report(health=node_pb2.HealthReport(agent_version=f"v{self.number}"))
            await self.reporting.submit(report)
            self.shown_at = len(self.sent)
            self.reporting.newest.put(report)
        else:
            await self.reporting.report_config(node_pb2.ConfigReport(message=f"word {self.number}"))

    @asynccontextmanager
    async def connected(self, manager: LocalManager) -> AsyncIterator[None]:
        own = self._credential
        identity = Identity(
            own.node_id, own.key_pem.encode(), own.certificate_pem.encode(), own.authorities_pem.encode()
        )
        async with ManagerLink(manager.endpoints.device_address, identity) as link, asyncio.TaskGroup() as group:
            uplink = Uplink(
                lambda hello: _Tapped(self, link, hello),
                self.spool,
                hello=lambda: Hello("1.0", 0),
                ears=Ears(follow=_ignore, trust=lambda _: None, time=lambda _: None),
                rng=Even(0.0),
                reconnect_cap_s=1.0,
                newest=self.reporting.newest,
            )
            task = group.create_task(uplink.run())
            yield
            task.cancel()

    def heard(self, sequence: int) -> None:
        self.acknowledged = sequence
        self.moved.set()

    async def until_acknowledged(self, sequence: int) -> None:
        async with asyncio.timeout(120):
            while self.acknowledged < sequence:
                self.moved.clear()
                await self.moved.wait()


class _Tapped:
    """Opens a session with a tap."""

    def __init__(self, unit: AwayUnit, link: ManagerLink, hello: wire.SessionHello) -> None:
        self._unit = unit
        self._opened = link.session(hello)

    async def __aenter__(self) -> Tap:
        return Tap(await self._opened.__aenter__(), self._unit.sent, self._unit.heard)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._opened.__aexit__(kind, error, trace)


async def _ignore(_state: wire.DesiredState) -> None:
    """The unit is told nothing new."""


async def test_a_day_of_reports_is_handed_over_whole_and_the_present_is_shown_first(
    manager: LocalManager, operator: Peer, rsu: NodeCredential, clock: Clock, tmp_path: Path
) -> None:
    async with FileSpool(tmp_path / "reports") as spool:
        unit = AwayUnit(spool, rsu, clock() - timedelta(seconds=REPORT_COUNT * REPORT_PERIOD_S))
        async with asyncio.TaskGroup() as group:
            for _ in range(REPORT_COUNT):
                group.create_task(unit.report())
        assert spool.state().record_count == REPORT_COUNT

        shown, delays = [], []
        async with unit.connected(manager):
            await unit.until_acknowledged(1)
            shown.append((await operator.get_node("rsu-1")).health.agent_version)
            for _ in range(LIVE_COUNT):  # as many periods of the backfill
                await unit.until_acknowledged(unit.acknowledged + 1)
                clock.push(seconds=REPORT_PERIOD_S)
                await unit.report()
                while not any(request.HasField("live") for request in unit.sent[unit.shown_at :]):
                    await unit.until_acknowledged(unit.acknowledged + 1)
                after = unit.sent[unit.shown_at :]
                delays.append(next(at for at, request in enumerate(after) if request.HasField("live")))
            assert spool.state().record_count > 0  # the backlog was not over
            await unit.until_acknowledged(REPORT_COUNT + LIVE_COUNT)
            shown.append((await operator.get_node("rsu-1")).health.agent_version)
        assert (spool.state().record_count, spool.state().evicted_count) == (0, 0)

    kinds = [request.WhichOneof("message") for request in unit.sent]
    assert kinds[:2] == ["live", "report"]
    assert shown == [f"v{REPORT_COUNT}", f"v{REPORT_COUNT + LIVE_COUNT}"]
    assert max(delays) <= BATCH_COUNT  # never behind more than the part that is on its way
    assert [r.report.sequence for r in unit.sent if r.HasField("report")] == list(
        range(1, REPORT_COUNT + LIVE_COUNT + 1)
    )
    rows = _history(manager)
    assert [sequence for sequence, _, _ in rows] == list(range(1, REPORT_COUNT + LIVE_COUNT + 1))
    assert sum(kind == "config" for _, kind, _ in rows) == REPORT_COUNT // 100
    assert [time for _, _, time in rows] == sorted(time for _, _, time in rows)
    assert (await operator.get_node("rsu-1")).lost_report_count == 0


def _history(manager: LocalManager) -> list[tuple[int, str, int]]:
    with sqlite3.connect(manager.folder.path / "manager.db") as connection:
        return connection.execute("SELECT sequence, kind, record_us FROM reports ORDER BY sequence").fetchall()


class Counted(MqttPublisher):
    """A connection that tells when the broker has taken a part."""

    taken: Callable[[int], Awaitable[None]]

    async def publish(self, topic: str, payloads: Sequence[bytes]) -> None:
        await super().publish(topic, payloads)
        await self.taken(len(payloads))


async def test_a_day_of_telemetry_is_handed_over_whole_and_new_batches_overtake_it(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    made_at: dict[int, int] = {}
    parts: list[int] = []
    egress, day = Egress(sample_period_s=1.0, max_samples=1_000), datetime(2027, 1, 1, tzinfo=UTC)

    async def one_period(number: int) -> None:
        time_ns = round((day + timedelta(seconds=number * BATCH_PERIOD_S)).timestamp() * NS)
        egress.add([Reading("a.number", float(number), "", time_ns, TimeQuality.GNSS)])
        await telemetry.keep(egress)

    async def taken(count: int) -> None:
        parts.append(count)
        if len(parts) % 10 == 0 and len(made_at) < LIVE_COUNT:  # a period passes
            newest = BATCH_COUNT_OF_A_DAY + len(made_at) + 1
            made_at[newest] = sum(parts)
            await one_period(newest)

    def connect(config: TelemetryConfig) -> MqttPublisher:
        sink = Counted(Broker(config.broker_host, config.port), client_id="rsu-1")
        sink.taken = taken
        return sink

    async with FileSpool(tmp_path / "telemetry") as spool, asyncio.timeout(150):
        telemetry = Telemetry(node="nodes/rsu-1", spool=spool, readings=lambda: (), connect=connect, rng=Even(0.0))
        for number in range(1, BATCH_COUNT_OF_A_DAY + 1):
            await one_period(number)
        assert spool.state().record_count == BATCH_COUNT_OF_A_DAY

        async with aiomqtt.Client(mosquitto.host, mosquitto.port) as client, asyncio.TaskGroup() as group:
            await client.subscribe("#", qos=1)
            telemetry.use(_config(mosquitto))
            task = group.create_task(telemetry.run())
            arrived = [await _sequence(client) for _ in range(BATCH_COUNT_OF_A_DAY + LIVE_COUNT)]
            while spool.state().record_count:  # noqa: ASYNC110  # the last acknowledgement
                await asyncio.sleep(0.01)
            task.cancel()
        assert spool.state().evicted_count == telemetry.lost_sample_count == 0
        assert telemetry.published_count == BATCH_COUNT_OF_A_DAY + LIVE_COUNT
    assert sorted(arrived) == list(range(1, BATCH_COUNT_OF_A_DAY + LIVE_COUNT + 1))
    # made while a part was on its way, each is behind the rest of that part at most, and thousands of old ones follow
    assert all(arrived.index(sequence) - made <= DRAIN_COUNT + AHEAD_COUNT for sequence, made in made_at.items())
    assert arrived.index(BATCH_COUNT_OF_A_DAY + LIVE_COUNT) < BATCH_COUNT_OF_A_DAY - 1_000


async def _sequence(client: aiomqtt.Client) -> int:
    """Of the next batch, which holds what it should."""
    message = await anext(client.messages)
    batch = TelemetryBatch.FromString(zlib.decompress(message.payload))
    assert batch.columns[0].values == [float(batch.sequence)]
    return batch.sequence


def _config(mosquitto: Mosquitto) -> TelemetryConfig:
    """Samples nothing by itself while the test lasts."""
    return TelemetryConfig(
        broker_host=mosquitto.host,
        broker_port=mosquitto.port,
        broker_plaintext=True,
        publish_period_s=3600.0,
        sample_period_s=3600.0,
    )
