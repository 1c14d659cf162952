"""Following the desired state: changes of mind, hostile configurations, disks that are full."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
from google.protobuf.duration_pb2 import Duration

from wayside.errors import InvalidArgumentError, NotFoundError, ResourceExhaustedError, UnavailableError, WaysideError
from wayside.v1 import node_pb2
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.core.desired import NodeConfig, problems
from wayside_agent.drivers.config_file import ConfigFile
from wayside_agent.services.desired import Desired

Outcome = node_pb2.ConfigReport.Outcome


class NoWait(Random):
    def random(self) -> float:
        return 0.0


class Unit:
    """One unit; its manager is a dictionary."""

    def __init__(self, folder: Path) -> None:
        self.file = ConfigFile(folder / "config.state")
        self.configs: dict[int, bytes] = {}
        self.store_errors: list[WaysideError] = []
        self.fetch_errors: list[WaysideError] = []
        self.before_fetch: Callable[[], None] = lambda: None
        self.fetched: list[int] = []
        self.running = NodeConfig()
        self.reports: asyncio.Queue[node_pb2.ConfigReport] = asyncio.Queue(maxsize=100)
        self.restart()

    def restart(self) -> None:
        self.desired = Desired(
            self,
            self,
            prepare=self.prepared,
            report=self.reports.put,
            follow_release=lambda _: None,
            rng=NoWait(),
        )

    async def fetch_config(self, revision: int) -> bytes:
        self.fetched.append(revision)
        self.before_fetch()
        if self.fetch_errors:
            raise self.fetch_errors.pop(0)
        if revision not in self.configs:
            raise NotFoundError("no such revision")
        return self.configs[revision]

    def load(self) -> tuple[int, bytes]:
        return self.file.load()

    async def store(self, revision: int, config: bytes) -> None:
        if self.store_errors:
            raise self.store_errors.pop(0)
        await self.file.store(revision, config)

    async def prepared(self, config: NodeConfig) -> Callable[[], None]:
        found = problems(config, bus_names=("body",))
        if found:
            raise InvalidArgumentError("; ".join(found))

        def switch() -> None:
            self.running = config

        return switch

    def offer(self, revision: int, period_s: int) -> wire.DesiredState:
        """Publishes a configuration and returns the desired state that names it."""
        return self.offer_bytes(
            revision, node_pb2.NodeConfig(report_period=Duration(seconds=period_s)).SerializeToString()
        )

    def offer_bytes(self, revision: int, config: bytes) -> wire.DesiredState:
        self.configs[revision] = config
        target = wire.ConfigTarget(revision=revision, sha256=hashlib.sha256(config).hexdigest())
        return wire.DesiredState(revision=revision, config=target)

    async def verdict(self, state: wire.DesiredState) -> node_pb2.ConfigReport:
        """Follows a desired state until the unit has a word on it."""
        await self.desired.follow(state)
        return await self.reports.get()


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    return Unit(tmp_path)


@asynccontextmanager
async def awake(unit: Unit) -> AsyncIterator[None]:
    await unit.desired.start()
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        task = group.create_task(unit.desired.run())
        yield
        task.cancel()


async def test_a_configuration_runs_and_survives_a_restart(unit: Unit) -> None:
    async with awake(unit):
        assert (await unit.verdict(unit.offer(1, 10))).outcome == Outcome.OUTCOME_APPLIED
    unit.restart()
    unit.running = NodeConfig()
    async with awake(unit):
        assert unit.running.report_period_s == 10
        assert unit.desired.running_revision == 1
        await unit.desired.follow(unit.offer(1, 10))
        assert (await unit.verdict(unit.offer(2, 20))).running_revision == 2
        assert unit.fetched == [1, 2]


async def test_a_refused_one_changes_nothing_and_is_judged_again_after_a_restart(unit: Unit) -> None:
    async with awake(unit):
        await unit.verdict(unit.offer(1, 10))
        refused = await unit.verdict(unit.offer(2, 999_999))
        assert (refused.outcome, refused.running_revision) == (Outcome.OUTCOME_REJECTED, 1)
        assert unit.running.report_period_s == 10
    unit.restart()
    async with awake(unit):
        assert unit.desired.running_revision == 1
        assert (await unit.verdict(unit.offer(2, 999_999))).outcome == Outcome.OUTCOME_REJECTED


async def test_a_full_disk_leaves_the_old_configuration_running_and_is_said_once(
    unit: Unit, caplog: pytest.LogCaptureFixture
) -> None:
    async with awake(unit):
        await unit.verdict(unit.offer(1, 10))
        seen: list[float] = []
        unit.before_fetch = lambda: seen.append(unit.running.report_period_s)
        unit.store_errors = [ResourceExhaustedError("disk full")] * 4
        assert (await unit.verdict(unit.offer(2, 20))).outcome == Outcome.OUTCOME_APPLIED
        assert seen == [10.0] * 5
    assert sum("disk full" in record.message for record in caplog.records if record.levelno >= logging.WARNING) == 1


async def test_an_outage_while_fetching_is_waited_out_and_said_once(
    unit: Unit, caplog: pytest.LogCaptureFixture
) -> None:
    async with awake(unit):
        unit.fetch_errors = [UnavailableError("the manager is away")] * 5
        assert (await unit.verdict(unit.offer(1, 10))).outcome == Outcome.OUTCOME_APPLIED
    assert sum("away" in record.message for record in caplog.records if record.levelno >= logging.WARNING) == 1


async def test_of_two_that_come_together_only_the_newest_runs(unit: Unit) -> None:
    newest = unit.offer(2, 20)

    def change_of_mind() -> None:
        unit.desired._newest = newest
        unit.desired._wake.set()
        unit.before_fetch = lambda: None

    unit.before_fetch = change_of_mind
    async with awake(unit):
        report = await unit.verdict(unit.offer(1, 10))
        assert (report.revision, unit.running.report_period_s) == (2, 20)
        assert unit.reports.empty()


async def test_the_newest_word_counts_even_with_a_lower_revision(unit: Unit, caplog: pytest.LogCaptureFixture) -> None:
    async with awake(unit):
        await unit.verdict(unit.offer(7, 10))
        assert (await unit.verdict(unit.offer(5, 20))).running_revision == 5
    assert "went back from revision 7 to 5" in caplog.text


async def test_a_restored_manager_may_use_a_revision_again(unit: Unit) -> None:
    async with awake(unit):
        await unit.verdict(unit.offer(1, 10))
        assert (await unit.verdict(unit.offer(1, 20))).outcome == Outcome.OUTCOME_APPLIED
        assert unit.running.report_period_s == 20


async def test_bytes_of_another_hash_are_refused(unit: Unit) -> None:
    async with awake(unit):
        state = unit.offer(1, 10)
        unit.configs[1] = b"something else"
        report = await unit.verdict(state)
        assert report.outcome == Outcome.OUTCOME_REJECTED
        assert "SHA-256" in report.message


def _durations(seconds: int, nanos: int = 0) -> bytes:
    duration = Duration(seconds=seconds, nanos=nanos)
    return node_pb2.NodeConfig(
        report_period=duration,
        telemetry=node_pb2.TelemetryConfig(publish_period=duration, sample_period=duration),
        update=node_pb2.UpdateConfig(health_gate_timeout=duration),
    ).SerializeToString()


HOSTILE = {
    "no protobuf": b"\xff\xff\xff",
    "5 MB": node_pb2.NodeConfig(telemetry=node_pb2.TelemetryConfig(topic_prefix="x" * 5_000_000)).SerializeToString(),
    "a quarter of a million empty buses": node_pb2.NodeConfig(
        can=node_pb2.CanConfig(buses=[node_pb2.CanBusConfig()] * 250_000)
    ).SerializeToString(),
    "negative durations": _durations(-1),
    "durations of ages": _durations(2**63 - 1, 999_999_999),
    "durations of no calendar": _durations(-(2**63), -(2**31)),
    "negative rate": node_pb2.NodeConfig(
        update=node_pb2.UpdateConfig(max_download_bytes_per_second=-(2**63))
    ).SerializeToString(),
    "port": node_pb2.NodeConfig(telemetry=node_pb2.TelemetryConfig(broker_port=2**31 - 1)).SerializeToString(),
    "zero byte in host": node_pb2.NodeConfig(
        telemetry=node_pb2.TelemetryConfig(broker_host="a\0b")
    ).SerializeToString(),
    "endless topic": node_pb2.NodeConfig(
        telemetry=node_pb2.TelemetryConfig(topic_prefix="x" * 70_000)
    ).SerializeToString(),
    "line end in topic": node_pb2.NodeConfig(
        telemetry=node_pb2.TelemetryConfig(topic_prefix="a\nb")
    ).SerializeToString(),
    "zero byte in file": node_pb2.NodeConfig(
        can=node_pb2.CanConfig(buses=[node_pb2.CanBusConfig(name="body", database_name="a\0b")])
    ).SerializeToString(),
}


@pytest.mark.parametrize("config", HOSTILE.values(), ids=HOSTILE)
async def test_a_hostile_configuration_is_refused_in_a_report_that_fits(unit: Unit, config: bytes) -> None:
    async with awake(unit):
        report = await unit.verdict(unit.offer_bytes(1, config))
        assert report.outcome == Outcome.OUTCOME_REJECTED
        assert report.ByteSize() < 16 * 1024
        assert unit.running == NodeConfig()


async def test_a_stored_configuration_that_no_longer_fits_gives_way_to_the_defaults(unit: Unit) -> None:
    await unit.file.store(3, node_pb2.NodeConfig(report_period=Duration(seconds=-5)).SerializeToString())
    async with awake(unit):
        report = await unit.reports.get()
        assert (report.revision, report.outcome, report.running_revision) == (3, Outcome.OUTCOME_REVERTED, 0)
        assert unit.running == NodeConfig()
