"""The report writer: groups commits, waits for them, holds sessions back; and the wake-ups after them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.contract.manager_store import Clock, after, batch, enrolled, health
from wayside.errors import NotFoundError, UnavailableError
from wayside_manager.core.limits import Rate
from wayside_manager.core.reports import Recorded, ReportBatch
from wayside_manager.ports.reports import ReportStore
from wayside_manager.ports.store import Store
from wayside_manager.ports.wakeups import Topic
from wayside_manager.services.presence_sweep import PresenceSweep
from wayside_manager.services.report_writer import ROW_BYTES, ReportWriter
from wayside_manager.services.retention import Retention
from wayside_manager.store.bus import LocalBus
from wayside_manager.store.reports import SqlReports


@asynccontextmanager
async def running(writer: ReportWriter) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(writer.run())
        yield
        task.cancel()


class Gate(SqlReports):
    """A store that waits for a sign before each transaction, and fails when told to."""

    def __init__(self, store: ReportStore) -> None:
        self.inner = store
        self.may_go = asyncio.Semaphore(0)
        self.groups: list[int] = []
        self.failure: Exception | None = None

    async def record_reports(self, batches: Sequence[ReportBatch]) -> Recorded:
        await self.may_go.acquire()
        self.groups.append(len(batches))
        if self.failure is not None:
            raise self.failure
        return await self.inner.record_reports(batches)


async def test_a_submission_returns_what_is_in_the_database(store: Store) -> None:
    await enrolled(store, "rsu-1")
    writer = ReportWriter(store, LocalBus(), now=Clock())
    async with running(writer):
        assert await writer.submit("rsu-1", "spool-a", [health(1), health(2)]) == 2
        assert await store.acknowledged_sequence("rsu-1", "spool-a") == 2


async def test_a_node_that_reports_without_end_waits_and_its_neighbour_does_not(store: Store) -> None:
    for node_id in ("rsu-1", "rsu-2"):
        await enrolled(store, node_id)
    spoken = ROW_BYTES + len(health(1).body)
    pace = Rate(rate_per_s=10.0 * spoken, burst=2.0 * spoken)
    writer, loop = ReportWriter(store, LocalBus(), now=Clock(), pace_s=0.0, allowance=pace), asyncio.get_running_loop()
    async with running(writer), asyncio.TaskGroup() as group:
        began_s = loop.time()
        await writer.submit("rsu-1", "spool-a", [health(1), health(2)])
        flood = group.create_task(writer.submit("rsu-1", "spool-a", [health(3), health(4)]))
        assert await writer.submit("rsu-2", "spool-a", [health(1)]) == 1
        assert not flood.done()
        assert await flood == 4
    assert loop.time() - began_s > 0.15


async def test_how_a_node_is_now_does_not_wait_for_the_allowance_of_its_past(store: Store) -> None:
    await enrolled(store, "rsu-1")
    spoken = ROW_BYTES + len(health(1).body)
    pace = Rate(rate_per_s=0.001, burst=2.0 * spoken)
    writer = ReportWriter(store, LocalBus(), now=Clock(), pace_s=0.0, allowance=pace)
    async with running(writer), asyncio.TaskGroup() as group:
        await writer.submit("rsu-1", "spool-a", [health(1), health(2)])
        backlog = group.create_task(writer.submit("rsu-1", "spool-a", [health(3), health(4)]))
        await writer.show("rsu-1", replace(health(0), body=b"now"))
        assert (await store.get_health("rsu-1")).body == b"now"
        assert not backlog.done()
        backlog.cancel()
    assert await store.acknowledged_sequence("rsu-1", "spool-a") == 2


async def test_what_arrives_during_a_commit_shares_the_next(store: Store) -> None:
    gate = Gate(store)
    writer = ReportWriter(gate, LocalBus(), now=Clock())
    for index in range(5):
        await enrolled(store, f"rsu-{index}")
    async with running(writer), asyncio.TaskGroup() as group:
        for index in range(5):
            group.create_task(writer.submit(f"rsu-{index}", "spool-a", [health(1)]))
        gate.may_go.release()
        gate.may_go.release()
    assert sum(gate.groups) == 5
    assert len(gate.groups) <= 2


async def test_a_full_queue_holds_the_session_back(store: Store) -> None:
    await enrolled(store, "rsu-1")
    gate = Gate(store)
    writer = ReportWriter(gate, LocalBus(), now=Clock(), queue_size=1, group_size=1)
    async with running(writer), asyncio.TaskGroup() as group:
        submissions = [
            group.create_task(writer.submit("rsu-1", "spool-a", [health(sequence)])) for sequence in range(1, 5)
        ]
        async with asyncio.timeout(5):
            while not gate.groups:
                gate.may_go.release()
                await asyncio.sleep(0)
        assert sum(task.done() for task in submissions) < 4
        for _ in range(4):
            gate.may_go.release()
    assert [task.result() for task in submissions] == [1, 2, 3, 4]


async def test_one_unknown_node_costs_the_others_nothing(store: Store) -> None:
    await enrolled(store, "rsu-1")
    gate = Gate(store)
    writer = ReportWriter(gate, LocalBus(), now=Clock())
    async with running(writer), asyncio.TaskGroup() as group:
        good = group.create_task(writer.submit("rsu-1", "spool-a", [health(1)]))
        bad = group.create_task(_error_of(writer, "rsu-9"))
        for _ in range(5):
            gate.may_go.release()
    assert good.result() == 1
    assert isinstance(bad.result(), NotFoundError)


async def _error_of(writer: ReportWriter, node_id: str) -> Exception | None:
    try:
        await writer.submit(node_id, "spool-a", [health(1)])
    except NotFoundError as error:
        return error
    return None


async def test_a_database_that_is_away_is_said_and_the_writer_goes_on(store: Store) -> None:
    await enrolled(store, "rsu-1")
    gate = Gate(store)
    writer = ReportWriter(gate, LocalBus(), now=Clock())
    async with running(writer):
        gate.failure = UnavailableError("database: away")
        gate.may_go.release()
        with pytest.raises(UnavailableError):
            await writer.submit("rsu-1", "spool-a", [health(1)])
        gate.failure = None
        gate.may_go.release()
        assert await writer.submit("rsu-1", "spool-a", [health(1)]) == 1


async def test_a_commit_wakes_the_watchers_of_its_nodes(store: Store) -> None:
    await enrolled(store, "rsu-1")
    bus = LocalBus()
    writer = ReportWriter(store, bus, now=Clock())
    async with running(writer), bus.subscribe(Topic.NODE) as wakes:
        await writer.submit("rsu-1", "spool-a", [health(1)])
        async with asyncio.timeout(5):
            assert await wakes.changed() == {"rsu-1"}


async def test_wakes_of_a_slow_listener_coalesce() -> None:
    bus = LocalBus()
    async with bus.subscribe(Topic.NODE) as every, bus.subscribe(Topic.NODE, "a") as one:
        for _ in range(1000):
            await bus.publish(Topic.NODE, ["a", "b"])
            await bus.publish(Topic.DESIRED, ["c"])
        assert await every.changed() == {"a", "b"}
        assert await one.changed() == {"a"}


async def test_silence_wakes_watchers_once(store: Store) -> None:
    await enrolled(store, "rsu-1")
    await store.record_reports([batch("rsu-1", health(1))])
    clock = Clock()
    sweep = PresenceSweep(store, LocalBus(), now=clock)
    seen = []
    for age_s in (0.0, 30.0, 40.0, 50.0, 61.0, 90.0):
        clock.time = after(age_s)
        seen.append(await sweep.sweep())
    assert seen == [{"rsu-1"}, set(), {"rsu-1"}, set(), {"rsu-1"}, set()]


async def test_a_silent_node_is_told_late_and_lost_within_a_second_at_the_default_rate(store: Store) -> None:
    await enrolled(store, "rsu-1")
    clock = Clock()
    sweep = PresenceSweep(store, LocalBus(), now=clock)
    await store.record_reports([batch("rsu-1", health(1))])  # its last
    told_s = []
    while clock.time < after(120.0):
        if await sweep.sweep():
            told_s.append((clock.time - after(0.0)).total_seconds())
        clock.time += timedelta(seconds=sweep.pause_s)
    _online_s, late_s, lost_s = told_s
    assert 38.5 < late_s <= 39.5
    assert 60.0 < lost_s <= 61.0  # two heartbeats


async def test_retention_keeps_what_is_young_enough(store: Store) -> None:
    await enrolled(store, "rsu-1")
    for day in range(4):
        await store.record_reports([batch("rsu-1", health(day + 1), at_s=day * 86_400.0)])
    clock = Clock(after(4 * 86_400.0))
    assert await Retention(store, now=clock, history_days=2.5).prune() == 2
    assert [report.sequence for report in (await store.list_reports("rsu-1")).items] == [4, 3]
