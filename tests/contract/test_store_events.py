"""Events in the store: written in order by anybody, read without a gap, dropped with age, seen by whom they concern."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.contract.manager_store import START, after, batch, enrolled, opened, release, sited, update, word
from tests.unit.event_makers import new_event
from wayside.errors import NotFoundError, OutOfRangeError
from wayside_manager.core.access import EVERYWHERE, NOWHERE, Reach, Scope, TenantKind, TenantRecord
from wayside_manager.core.event_filter import EventFilter
from wayside_manager.core.events import NewEvent, Severity
from wayside_manager.core.nodes import Label, NodeChange, UpdatePhase
from wayside_manager.core.reports import ConfigOutcome
from wayside_manager.core.rollout import RolloutOrder, RolloutSpec
from wayside_manager.core.selectors import NodeSelector
from wayside_manager.ports.events import EventSpan
from wayside_manager.ports.store import Store
from wayside_manager.services.retention import Retention
from wayside_manager.store import events as events_in_sql

ALL = EventFilter()


async def read(store: Store, wanted: EventFilter = ALL, *, cursor: int = 0, reach: Reach = EVERYWHERE) -> list[str]:
    """Messages of all that is found, however many looks it takes."""
    found: list[str] = []
    while True:
        span = await store.read_events(wanted, reach=reach, cursor=cursor, limit=3)
        found += (record.event.message for record in span.records)
        assert span.cursor >= cursor
        cursor = span.cursor
        if span.is_end:
            return found


async def told(store: Store, *messages: str, at_s: float = 0.0, **fields: Any) -> None:  # noqa: ANN401  # of the event
    await store.add_events([new_event(message=each, **fields) for each in messages], now=after(at_s))


async def test_events_have_cursors_from_one_without_gaps(store: Store) -> None:
    await told(store, "a", "b")
    await told(store, "c")
    span = await store.read_events(ALL, reach=EVERYWHERE, cursor=0, limit=10)
    assert [record.cursor for record in span.records] == [1, 2, 3]
    assert (span.cursor, span.is_end, await store.newest_cursor()) == (3, True, 3)


async def test_an_event_comes_back_as_it_was_written(store: Store) -> None:
    event = NewEvent(
        kind="job.ended",
        time=after(-5.5),
        subject="jobs/j1",
        message="job j1: done",
        severity=Severity.MINOR,
        node_id="rsu-1",
        site_id="k12",
        details={"state": "failed", "list": [1, 2.5, None], "日": "本"},
    )
    await store.add_events([event], now=after(1))
    (record,) = (await store.read_events(ALL, reach=EVERYWHERE, cursor=0, limit=1)).records
    assert (record.event, record.record_time) == (event, after(1))


async def test_an_empty_store_is_at_its_end(store: Store) -> None:
    assert await store.read_events(ALL, reach=EVERYWHERE, cursor=0, limit=5) == EventSpan((), 0, is_end=True)
    backwards = await store.read_events(ALL, reach=EVERYWHERE, cursor=0, limit=5, newest_first=True)
    assert (backwards.records, backwards.is_end) == ((), True)


async def test_whoever_writes_beside_others_leaves_no_gap_for_a_reader(store: Store, store_url: str) -> None:
    """Two managers over one database, several writers each, a reader who never waits."""
    seen: list[int] = []

    async def write(of: Store, count: int) -> None:
        for index in range(count):
            await told(of, *(f"{index}.{part}" for part in range(1 + index % 3)))

    async def watch(of: Store, until: asyncio.Event) -> None:
        is_last = False
        while True:
            span = await of.read_events(ALL, reach=EVERYWHERE, cursor=seen[-1] if seen else 0, limit=7)
            seen.extend(record.cursor for record in span.records)
            if is_last and span.is_end:
                return
            is_last = until.is_set()

    async with opened(store_url) as other, asyncio.TaskGroup() as watching:
        is_written = asyncio.Event()
        watching.create_task(watch(other, is_written))
        async with asyncio.TaskGroup() as writing:
            for of in (store, other, store):
                writing.create_task(write(of, 20))
        is_written.set()
    assert seen == list(range(1, await store.newest_cursor() + 1))


async def test_newest_first_goes_back_to_the_oldest(store: Store) -> None:
    await told(store, "a", "b", "c", "d", "e")
    found, cursor, spans = [], 0, 0
    while True:
        span = await store.read_events(ALL, reach=EVERYWHERE, cursor=cursor, limit=2, newest_first=True)
        found += [record.event.message for record in span.records]
        cursor, spans = span.cursor, spans + 1
        if span.is_end:
            break
    assert (found, spans) == (["e", "d", "c", "b", "a"], 3)


async def test_a_filter_that_passes_little_is_looked_through_in_stretches(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_in_sql, "SPAN_SIZE", 4)
    await told(store, *"abcdefghij")
    await told(store, "rare", kind="alarm.raised")
    span = await store.read_events(EventFilter(("alarm.*",)), reach=EVERYWHERE, cursor=0, limit=5)
    assert span == EventSpan((), 4, is_end=False)
    assert await read(store, EventFilter(("alarm.*",))) == ["rare"]


async def test_kinds_and_severities_are_judged(store: Store) -> None:
    await told(store, "raised", kind="alarm.raised", severity=Severity.MAJOR)
    await told(store, "cleared", kind="alarm.cleared")
    await told(store, "other", kind="alarmist.raised", severity=Severity.CRITICAL)
    await told(store, "ended", kind="job.ended", severity=Severity.WARNING)
    assert await read(store, EventFilter(("alarm.*",))) == ["raised", "cleared"]
    assert await read(store, EventFilter(("alarm.raised", "job.ended"))) == ["raised", "ended"]
    assert await read(store, EventFilter(min_severity=Severity.MAJOR)) == ["raised", "other"]
    assert await read(store, EventFilter(("alarm.*",), Severity.CRITICAL)) == []


async def test_nodes_are_judged_as_they_are_when_somebody_looks(store: Store) -> None:
    for node_id in ("rsu-1", "rsu-2"):
        await enrolled(store, node_id, labels={"road": node_id})
    start = await store.newest_cursor()
    await told(store, "one", node_id="rsu-1")
    await told(store, "two", node_id="rsu-2")
    await told(store, "nobody")
    road_two = EventFilter(selector=NodeSelector(labels=(Label("road", "rsu-2"),)))
    assert await read(store, road_two, cursor=start) == ["two"]
    change = NodeChange(labels=(Label("road", "rsu-2"),))
    await store.update_node("rsu-1", change, now=START)
    assert await read(store, road_two, cursor=start) == ["one", "two"]
    everyone = EventFilter(selector=NodeSelector(all_nodes=True))
    assert await read(store, everyone, cursor=start) == ["one", "two"]


async def test_what_is_said_of_a_retired_node_is_still_of_that_node(store: Store) -> None:
    await enrolled(store, "rsu-1")
    await store.retire_node("rsu-1", now=START)
    wanted = EventFilter(("node.retired",), selector=NodeSelector(node_ids=("rsu-1",)))
    assert await read(store, wanted) == ["node rsu-1 was retired"]


async def test_more_events_than_are_judged_at_once_are_all_found(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_in_sql, "JUDGED_MAX", 4)
    for node_id in ("rsu-1", "rsu-2"):
        await enrolled(store, node_id)
    start = await store.newest_cursor()
    for index in range(20):
        await told(store, str(index), node_id="rsu-2" if index in {3, 9, 10, 11, 12, 19} else "rsu-1")
    wanted = EventFilter(selector=NodeSelector(node_ids=("rsu-2",)))
    assert await read(store, wanted, cursor=start) == ["3", "9", "10", "11", "12", "19"]


async def test_a_selector_that_names_what_is_not_there_is_refused(store: Store) -> None:
    wanted = EventFilter(selector=NodeSelector(group_ids=("none",)))
    with pytest.raises(NotFoundError, match="group none"):
        await store.check_event_filter(wanted, reach=EVERYWHERE)


async def test_events_are_seen_by_whom_they_concern(store: Store) -> None:
    for tenant_id in ("haikou", "sanya"):
        await store.create_tenant(TenantRecord(tenant_id, TenantKind.CITY, "root", START))
    await sited(store, "k12", "k13", tenant_id="haikou")
    await enrolled(store, "rsu-1", labels={"road": "g98"}, tenant_id="haikou")
    start = await store.newest_cursor()
    await told(store, "at k12", tenant_id="haikou", node_id="rsu-1", site_id="k12")
    await told(store, "at k13", tenant_id="haikou", node_id="rsu-9", site_id="k13")
    await told(store, "of haikou", tenant_id="haikou")
    await told(store, "of sanya", tenant_id="sanya", node_id="rsu-2", site_id="k12")

    async def seen(*scopes: Scope) -> list[str]:
        return await read(store, cursor=start, reach=Reach(scopes))

    haikou = frozenset({"haikou"})
    assert await seen(Scope(haikou)) == ["at k12", "at k13", "of haikou"]
    assert await seen(Scope(haikou, sites=frozenset({"k12"}))) == ["at k12"]
    assert await seen(Scope(haikou, labels=frozenset({Label("road", "g98")}))) == ["at k12"]
    assert await seen(Scope(haikou, labels=frozenset({Label("road", "g15")}))) == []
    both = (Scope(haikou, sites=frozenset({"k13"})), Scope(frozenset({"sanya"})))
    assert await seen(*both) == ["at k13", "of sanya"]
    assert await read(store, cursor=start, reach=NOWHERE) == []


async def test_events_are_dropped_with_age_and_whoever_missed_them_is_told(store: Store) -> None:
    await told(store, "a", "b", at_s=0)
    await told(store, "c", at_s=100)
    assert await store.drop_events(after(50), now=after(200), max_count=1) == 1
    assert await store.drop_events(after(50), now=after(200), max_count=10) == 1
    assert await store.drop_events(after(50), now=after(200), max_count=10) == 0
    assert await read(store) == ["c"]
    assert await read(store, cursor=2) == ["c"]
    with pytest.raises(OutOfRangeError, match="the oldest there is has cursor 3"):
        await read(store, cursor=1)
    await told(store, "d", at_s=200)
    assert (await store.read_events(ALL, reach=EVERYWHERE, cursor=3, limit=9)).records[0].cursor == 4
    backwards = await store.read_events(ALL, reach=EVERYWHERE, cursor=0, limit=9, newest_first=True)
    assert ([record.cursor for record in backwards.records], backwards.is_end) == ([4, 3], True)


async def test_a_clock_that_was_ahead_keeps_no_event_for_ever(store: Store) -> None:
    await store.add_events([new_event(message="from 2036")], now=START + timedelta(days=3650))
    await told(store, "old", at_s=0)
    await told(store, "new", at_s=1000)
    assert await store.drop_events(after(500), now=after(1000), max_count=10) == 2
    assert await read(store) == ["new"]


async def test_more_events_of_a_clock_that_was_ahead_than_go_at_once_go_too(store: Store) -> None:
    ahead = [new_event(message="from 2036") for _ in range(5)]
    await store.add_events(ahead, now=START + timedelta(days=3650))
    await told(store, "old", at_s=0)
    await told(store, "new", at_s=1000)
    dropped = []
    while count := await store.drop_events(after(500), now=after(1000), max_count=2):
        dropped.append(count)
    assert dropped == [2, 2, 2]
    assert await read(store) == ["new"]


async def test_events_of_a_clock_that_was_behind_take_none_before_them_along(store: Store) -> None:
    await told(store, "new", at_s=1000)
    await store.add_events([new_event(message="from 1996")], now=START - timedelta(days=11_000))
    assert await store.drop_events(after(500), now=after(1000), max_count=10) == 0
    assert await store.drop_events(after(2000), now=after(3000), max_count=10) == 2


async def test_dropping_all_events_takes_no_cursor_back(store: Store) -> None:
    await told(store, "a", "b")
    await store.drop_events(after(1), now=after(200), max_count=10)
    assert await store.newest_cursor() == 2
    assert await read(store) == []
    assert await read(store, cursor=2) == []
    await told(store, "c", at_s=5)
    assert [each.cursor for each in (await store.read_events(ALL, reach=EVERYWHERE, cursor=0, limit=9)).records] == [3]


async def test_a_cursor_of_another_store_is_refused(store: Store) -> None:
    await told(store, "a")
    with pytest.raises(OutOfRangeError, match="ahead of the newest event, 1"):
        await read(store, cursor=2)


async def test_events_of_what_happens_are_written_with_it(store: Store) -> None:
    await enrolled(store, "rsu-1")
    await store.revoke_node("rsu-1", now=after(5))
    await store.revoke_node("rsu-1", now=after(6))  # nothing is otherwise
    await store.retire_node("rsu-1", now=after(7))
    found = (await store.read_events(EventFilter(("node.*",)), reach=EVERYWHERE, cursor=0, limit=9)).records
    assert [record.event.kind for record in found] == ["node.enrolled", "node.revoked", "node.retired"]
    assert found[0].event.details["how"] == "new"
    assert {(record.event.node_id, record.event.subject) for record in found} == {("rsu-1", "nodes/rsu-1")}
    assert found[1].event.severity is Severity.WARNING


async def test_what_a_node_takes_back_by_itself_is_told_once(store: Store) -> None:
    await enrolled(store, "rsu-1")
    start = await store.newest_cursor()
    reverted = word(1, "trial-1", ConfigOutcome.REVERTED, revision=4, message="no way to the manager")
    rolled_back = update(2, "r1", UpdatePhase.ROLLED_BACK, release="1.1.0", running="1.0.0")
    again = update(3, "r1", UpdatePhase.ROLLED_BACK, release="1.1.0", running="1.0.0")
    recorded = await store.record_reports([batch("rsu-1", reverted, rolled_back, again)])
    found = (await store.read_events(ALL, reach=EVERYWHERE, cursor=start, limit=9)).records
    assert [(record.event.kind, record.event.message) for record in found] == [
        ("config.reverted", "node rsu-1 took configuration 4 back by itself: no way to the manager"),
        ("update.rolled_back", "node rsu-1 took release 1.1.0 back by itself"),
    ]
    assert recorded.event_cursor == found[-1].cursor


async def test_every_state_of_a_rollout_is_told(store: Store) -> None:
    await enrolled(store, "rsu-1")
    await store.add_release(release("1.1.0"))
    start = await store.newest_cursor()
    rollout = await store.create_rollout(RolloutSpec("r1", "1.1.0", ("rsu-1",)), now=START)
    for order in (RolloutOrder.PAUSE, RolloutOrder.PAUSE, RolloutOrder.RESUME, RolloutOrder.ABORT):
        await store.order_rollout(rollout.rollout_id, order, now=after(1))
    found = (await store.read_events(EventFilter(("rollout.*",)), reach=EVERYWHERE, cursor=start, limit=9)).records
    states = [(record.event.details["from"], record.event.details["to"]) for record in found]
    assert states == [("", "running"), ("running", "paused"), ("paused", "running"), ("running", "aborted")]
    assert {record.event.subject for record in found} == {"rollouts/r1"}


async def test_retention_drops_events_by_their_own_age(store: Store) -> None:
    await told(store, *map(str, range(2_500)), at_s=0)
    await told(store, "new", at_s=86_400)
    retention = Retention(store, now=lambda: after(1.5 * 86_400), history_days=0.01, events_days=1)
    await retention.prune()
    assert await retention.prune_events() == 2_500
    assert await read(store) == ["new"]
