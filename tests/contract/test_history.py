"""History over a store: reports become minutes and hours, once, however late they come and however often it stops."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.contract.manager_store import START, Clock, after, batch, enrolled, health
from tests.unit.health_makers import check
from wayside.errors import ConflictError
from wayside.v1 import health_pb2, node_pb2
from wayside_manager.api.history_samples import sample_of
from wayside_manager.core.access import EVERYWHERE
from wayside_manager.core.history import HOUR_S, MINUTE_S, HistoryRow
from wayside_manager.core.node_health import HealthState
from wayside_manager.core.reports import HealthFacts, Report
from wayside_manager.ports.health import GroupBy
from wayside_manager.ports.store import Store
from wayside_manager.services.history import History, Kept

S = 1_000_000


def report(sequence: int, at_s: float, *, state: str = "OK", cpu_ratio: float | None = None) -> Report:
    """A report as a unit sends it."""
    message = node_pb2.HealthReport(host=node_pb2.HostHealth(cpu_ratio=cpu_ratio))
    message.report_period.seconds = 30
    message.checks.add(name="host.cpu", state=health_pb2.HealthState.Value(f"HEALTH_STATE_{state}"))
    return replace(health(sequence), body=message.SerializeToString(), record_time=after(at_s))


async def rows(store: Store, *, step_s: int = MINUTE_S, hours: int = 2) -> dict[float, HistoryRow]:
    found = await store.list_history("rsu-1", step_s=step_s, begin=START, end=START + timedelta(hours=hours))
    return {(time - START).total_seconds(): row for time, row in found}


@pytest.fixture
def clock() -> Clock:
    return Clock()


def loop(store: Store, clock: Callable[[], datetime], holder: str = "a", part_count: int = 2_000) -> History:
    return History(store, sample_of, now=clock, holder=holder, part_count=part_count)


async def test_reports_become_minutes_and_hours(store: Store, clock: Clock) -> None:
    await enrolled(store, "rsu-1")
    states = ("OK", "OK", "FAILED", "DEGRADED", "UNKNOWN")
    for index, state in enumerate(states):
        said = report(index + 1, 30.0 * index, state=state, cpu_ratio=0.1 * index)
        await store.record_reports([batch("rsu-1", said, at_s=30.0 * index)])
    clock.time = after(600)
    assert await loop(store, clock).step() == 5
    found = await rows(store)
    assert (found[0].ok_us, found[0].report_count) == (60 * S, 2)
    assert (found[60].failed_us, found[60].degraded_us, found[60].heard_us) == (30 * S, 30 * S, 60 * S)
    assert (found[120].heard_us, found[120].ok_us) == (60 * S, 0)
    (hour,) = (await rows(store, step_s=HOUR_S)).values()
    assert (hour.heard_us, hour.ok_us, hour.report_count) == (180 * S, 60 * S, 5)
    cpu = hour.quantities["host.cpu_ratio"]
    assert (cpu.low, cpu.high, cpu.count) == (0.0, 0.4, 5)


async def test_what_comes_a_day_late_goes_into_the_minutes_it_tells_of(store: Store, clock: Clock) -> None:
    await enrolled(store, "rsu-1")
    day = 86_400.0
    every = [report(index + 1, 30.0 * index) for index in range(120)]
    for start in range(0, 120, 40):
        await store.record_reports([batch("rsu-1", *every[start : start + 40], at_s=day + start)])
        clock.time = after(day + start + 35)
        await loop(store, clock, part_count=7).step()
    clock.time = after(day + 900)
    await loop(store, clock).step()
    found = await rows(store)
    assert len(found) >= 60
    assert all(found[60.0 * minute].ok_us == 60 * S for minute in range(60))
    assert all(found[60.0 * minute].report_count == 2 for minute in range(60))


async def test_however_often_it_stops_nothing_counts_twice(store: Store, clock: Clock) -> None:
    await enrolled(store, "rsu-1")
    for index in range(60):
        at_s = 30.0 * index
        await store.record_reports([batch("rsu-1", report(index + 1, at_s, cpu_ratio=0.5), at_s=at_s)])
        if index % 7 == 0:
            clock.time = after(at_s + 31)
            await loop(store, clock).step()  # a new one each time, as after a kill -9
    clock.time = after(2_400)
    await loop(store, clock).step()
    (hour,) = (await rows(store, step_s=HOUR_S)).values()
    assert (hour.report_count, hour.quantities["host.cpu_ratio"].count) == (60, 60)
    assert (hour.heard_us, hour.ok_us) == (1_830 * S, 1_830 * S)


async def test_a_clock_that_was_ahead_does_not_end_the_history(store: Store, clock: Clock) -> None:
    await enrolled(store, "rsu-1")
    await store.record_reports([batch("rsu-1", report(1, 0.0), at_s=0.0)])
    made = loop(store, clock)
    clock.time = START + timedelta(days=10)
    assert await made.step() == 1
    clock.time = after(60)
    assert await made.step() == 0
    await store.record_reports([batch("rsu-1", report(2, 70.0), at_s=70.0)])
    clock.time = after(600)
    assert await made.step() == 1
    assert {begin: row.report_count for begin, row in (await rows(store)).items() if row.report_count} == {0: 1, 60: 1}


async def test_only_the_holder_of_the_lease_folds_and_a_late_one_is_refused(store: Store, clock: Clock) -> None:
    await enrolled(store, "rsu-1")
    await store.record_reports([batch("rsu-1", report(1, 0))])
    clock.time = after(60)
    first, second = loop(store, clock, "a"), loop(store, clock, "b")
    assert (await first.step(), await second.step()) == (1, 0)
    stale = await store.take_lease("history", "a", now=clock.time, life_s=60)
    assert stale is not None
    clock.time = after(600)
    await second.step()
    with pytest.raises(ConflictError):
        await store.add_history({}, through=after(1), lease=stale)
    assert await store.history_through() == after(570)


async def test_old_minutes_go_and_hours_stay(store: Store, clock: Clock) -> None:
    await enrolled(store, "rsu-1")
    await store.record_reports([batch("rsu-1", report(1, 0), report(2, 30))])
    clock.time = after(600)
    await loop(store, clock).step()
    clock.time = START + timedelta(days=15)
    kept = Kept(minutes=timedelta(days=14), hours=timedelta(days=100))
    await History(store, sample_of, now=clock, kept=kept, holder="a").step()
    assert await rows(store) == {}
    assert len(await rows(store, step_s=HOUR_S)) == 1


async def test_old_stretches_go_with_the_hours_and_what_holds_stays(store: Store, clock: Clock) -> None:
    await enrolled(store, "rsu-1")
    for number, state in enumerate((HealthState.OK, HealthState.FAILED, HealthState.OK)):
        said = replace(health(number + 1), facts=HealthFacts("", "1.0.0", 0, 30.0, checks=(check("host.cpu", state),)))
        await store.record_reports([batch("rsu-1", said, at_s=30.0 * number)])
    clock.time = START + timedelta(days=200)
    await History(store, sample_of, now=clock, kept=Kept(hours=timedelta(days=100)), holder="a").step()
    found, _ = await store.list_stretches(GroupBy.ALL, None, reach=EVERYWHERE, begin=START, end=clock.time)
    assert [(each.state, each.begin_time) for each in found] == [("ok", after(60))]


async def test_a_report_that_cannot_be_read_costs_only_itself(store: Store, clock: Clock) -> None:
    await enrolled(store, "rsu-1")
    await enrolled(store, "rsu-2")
    garbage = replace(health(1), body=b"\xff\xff\xff")
    await store.record_reports([batch("rsu-2", garbage), batch("rsu-1", report(1, 0), report(2, 30))])
    clock.time = after(600)
    await loop(store, clock).step()
    assert (await rows(store))[0].report_count == 2
