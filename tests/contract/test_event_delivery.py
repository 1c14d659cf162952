"""Sinks are served in order and at least once, each for itself, whatever becomes of receivers and managers."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.contract.manager_store import START, Clock, after, enrolled, opened, sited
from tests.unit.event_makers import new_event
from tests.unit.event_makers import sink as made_sink
from wayside.errors import (
    AlreadyExistsError,
    ConflictError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
)
from wayside_manager.core.access import EVERYWHERE, TenantKind, TenantRecord
from wayside_manager.core.event_filter import EventFilter, EventRule
from wayside_manager.core.event_sinks import Attempt, Pace, SinkRecord
from wayside_manager.core.events import EventRecord, Severity
from wayside_manager.core.rollout import Window
from wayside_manager.core.selectors import NodeSelector
from wayside_manager.ports.store import Store
from wayside_manager.services.event_delivery import BATCH_SIZE, LEASE_LIFE_S, EventDelivery
from wayside_manager.store.bus import LocalBus

PACE = Pace(attempts_max=3, base_s=60.0)
OPEN, SHUT = "", "it answered 503"


@dataclass
class Receivers:
    """What is behind sinks: what each got, and why it takes nothing now."""

    got: dict[str, list[str]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    """Messages that are refused for good."""
    silent: set[str] = field(default_factory=set)
    """Sinks that do not answer."""
    broken_at: int = 0
    """The line breaks after so many events of one turn. 0: never."""
    asked: dict[str, int] = field(default_factory=dict)
    is_asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, sink: SinkRecord, records: Sequence[EventRecord]) -> Attempt:
        self.asked[sink.sink_id] = self.asked.get(sink.sink_id, 0) + 1
        self.is_asked.set()
        if sink.sink_id in self.silent:
            await asyncio.Event().wait()
        fault = self.faults.get(sink.sink_id, OPEN)
        if fault:
            return Attempt(0, fault)
        for count, record in enumerate(records):
            if self.broken_at and count == self.broken_at:
                return Attempt(count, "the line broke")
            if record.event.message in self.refused:
                return Attempt(count, "it answered 422", is_refused=True)
            self.got.setdefault(sink.sink_id, []).append(record.event.message)
        return Attempt(len(records))

    def check_secrets(self, sink: SinkRecord) -> None:
        """All are there."""


@pytest.fixture
def receivers() -> Receivers:
    return Receivers()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def delivery(store: Store, receivers: Receivers, clock: Clock, *, holder: str = "one") -> EventDelivery:
    return EventDelivery(store, receivers, LocalBus(), now=clock, pace=PACE, holder=holder)


async def told(store: Store, *messages: str, at_s: float = 0.0, **fields: Any) -> None:  # noqa: ANN401  # of the event
    await store.add_events([new_event(message=each, **fields) for each in messages], now=after(at_s))


async def applied(store: Store, sink_id: str = "hook", **fields: Any) -> SinkRecord:  # noqa: ANN401  # of the sink
    return await store.apply_sink(made_sink(sink_id, **fields), now=START)


def rule(**fields: Any) -> EventRule:  # noqa: ANN401  # fields of the filter
    return EventRule(EventFilter(**fields))


async def drained(loop: EventDelivery, clock: Clock) -> None:
    """Until nobody has anything to do, however long that takes."""
    idle = 0
    while idle < 2:
        idle = 0 if await loop.step() else idle + 1
        clock.time = clock.time.replace() + (after(36_000) - START)


async def test_a_new_sink_begins_with_the_next_event(store: Store, receivers: Receivers, clock: Clock) -> None:
    await told(store, "before")
    await applied(store)
    await told(store, "a", "b")
    loop = delivery(store, receivers, clock)
    assert await loop.step() == 1
    assert receivers.got == {"hook": ["a", "b"]}
    assert await loop.step() == 0
    assert (await store.get_sink("hook")).standing.cursor == await store.newest_cursor()


async def test_more_than_a_batch_comes_in_order(store: Store, receivers: Receivers, clock: Clock) -> None:
    await applied(store)
    messages = [str(index) for index in range(BATCH_SIZE * 2 + 7)]
    await told(store, *messages)
    await drained(delivery(store, receivers, clock), clock)
    assert receivers.got == {"hook": messages}


async def test_a_sink_gets_what_its_rule_says(store: Store, receivers: Receivers, clock: Clock) -> None:
    for node_id in ("rsu-1", "rsu-2"):
        await enrolled(store, node_id)
    await applied(store, "kinds", rule=rule(kinds=("alarm.*",)))
    await applied(store, "bad", rule=rule(min_severity=Severity.MAJOR))
    await applied(store, "of-two", rule=rule(selector=NodeSelector(node_ids=("rsu-2",))))
    # START is a Sunday, 12:00 in UTC
    at_noon = EventRule(windows=(Window(frozenset({7}), 12 * 60, 60.0),))
    await applied(store, "at-noon", rule=at_noon)
    await applied(
        store,
        "in-the-evening",
        rule=replace(at_noon, windows=(Window(begin_minute=20 * 60),), time_zone="Asia/Shanghai"),
    )
    await told(store, "alarm", kind="alarm.raised", node_id="rsu-1", severity=Severity.MAJOR, at_s=59)
    await told(store, "two", node_id="rsu-2", at_s=3599)
    await told(store, "late", at_s=3600)
    clock.time = after(86_400)  # delivered a day later, judged by when it was written
    await drained(delivery(store, receivers, clock), clock)
    assert receivers.got == {
        "kinds": ["alarm"],
        "bad": ["alarm"],
        "of-two": ["two"],
        "at-noon": ["alarm"],
        "in-the-evening": ["alarm", "two"],
    }


async def test_a_sink_gets_events_of_its_tenant_and_of_those_below(
    store: Store, receivers: Receivers, clock: Clock
) -> None:
    for tenant_id, parent_id in (("hainan", "root"), ("haikou", "hainan"), ("yunnan", "root")):
        await store.create_tenant(TenantRecord(tenant_id, TenantKind.CITY, parent_id, START))
    await applied(store, tenant_id="hainan")
    for tenant_id in ("root", "hainan", "haikou", "yunnan"):
        await told(store, tenant_id, tenant_id=tenant_id)
    await drained(delivery(store, receivers, clock), clock)
    assert receivers.got == {"hook": ["hainan", "haikou"]}


async def test_a_sink_that_takes_nothing_waits_longer_each_time_then_gives_up_one_event(
    store: Store, receivers: Receivers, clock: Clock
) -> None:
    await applied(store)
    await told(store, "a", "b")
    loop, receivers.faults["hook"] = delivery(store, receivers, clock), SHUT
    await loop.step()
    failed = await store.get_sink("hook")
    assert (failed.standing.fault, failed.standing.attempt_count) == (SHUT, 1)
    assert await loop.step() == 0  # it is not time yet
    for _ in range(2):
        standing = (await store.get_sink("hook")).standing
        assert standing.retry_time is not None
        clock.time = standing.retry_time
        await loop.step()
    (letter,) = (await store.list_dead_letters("hook")).items
    assert (letter.record.event.message, letter.fault, letter.attempt_count) == ("a", SHUT, 3)
    assert (await store.get_sink("hook")).dead_letter_count == 1
    receivers.faults.clear()
    await loop.step()
    assert receivers.got == {"hook": ["b"]}
    assert (await store.get_sink("hook")).standing.fault == ""


async def test_an_event_that_is_refused_for_good_holds_nothing_up(
    store: Store, receivers: Receivers, clock: Clock
) -> None:
    await applied(store)
    await told(store, "a", "poison", "c")
    receivers.refused.add("poison")
    await drained(delivery(store, receivers, clock), clock)
    assert receivers.got == {"hook": ["a", "c"]}
    (letter,) = (await store.list_dead_letters("hook")).items
    assert letter.record.event.message == "poison"


async def test_dead_letters_are_tried_again_when_somebody_asks_and_stay_when_they_fail(
    store: Store, receivers: Receivers, clock: Clock
) -> None:
    await applied(store)
    await told(store, "a", "b", "c")
    receivers.refused |= {"a", "b", "c"}
    loop = delivery(store, receivers, clock)
    await drained(loop, clock)
    assert await store.retry_dead_letters("hook") == 3
    receivers.refused -= {"a", "c"}
    await drained(loop, clock)
    assert receivers.got == {"hook": ["a", "c"]}
    (letter,) = (await store.list_dead_letters("hook")).items
    assert (letter.record.event.message, letter.attempt_count, letter.is_retried) == ("b", 2, False)
    receivers.faults["hook"] = SHUT
    await store.retry_dead_letters("hook")
    await drained(loop, clock)
    (letter,) = (await store.list_dead_letters("hook")).items
    assert (letter.fault, letter.is_retried) == (SHUT, False)


async def test_dead_letters_that_were_not_tried_count_no_attempt(
    store: Store, receivers: Receivers, clock: Clock
) -> None:
    messages = [f"m{number}" for number in range(BATCH_SIZE + 5)]
    await applied(store)
    await told(store, *messages)
    receivers.refused = set(messages)
    loop = delivery(store, receivers, clock)
    await drained(loop, clock)
    receivers.refused.clear()
    receivers.broken_at = 3
    assert await store.retry_dead_letters("hook") == len(messages)
    await loop.step()
    letters = (await store.list_dead_letters("hook", page_size=100)).items
    assert [letter.attempt_count for letter in letters] == [2, *[1] * (len(messages) - 4)]
    assert not any(letter.is_retried for letter in letters)


async def test_a_receiver_that_refuses_everything_fills_no_disk(
    store: Store, receivers: Receivers, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wayside_manager.store.event_delivery.LETTERS_KEPT", 3)
    for sink_id in ("hook", "other"):
        await applied(store, sink_id)
    await told(store, "a", "b", "c", "d", "e")
    receivers.refused = {"a", "b", "c", "d", "e"}
    await drained(delivery(store, receivers, clock), clock)
    for sink_id in ("hook", "other"):
        assert (await store.get_sink(sink_id)).dead_letter_count == 3
        letters = (await store.list_dead_letters(sink_id)).items
        assert [letter.record.event.message for letter in letters] == ["c", "d", "e"]


async def test_pages_of_dead_letters_are_oldest_first(store: Store, receivers: Receivers, clock: Clock) -> None:
    await applied(store)
    await told(store, *"abc")
    receivers.refused |= set("abc")
    await drained(delivery(store, receivers, clock), clock)
    first = await store.list_dead_letters("hook", page_size=2)
    second = await store.list_dead_letters("hook", page_size=2, page_token=first.next_page_token)
    assert [letter.record.event.message for letter in (*first.items, *second.items)] == ["a", "b", "c"]
    assert second.next_page_token == ""


async def test_a_paused_sink_keeps_its_place(store: Store, receivers: Receivers, clock: Clock) -> None:
    await applied(store)
    await applied(store, is_paused=True)
    await told(store, "a")
    loop = delivery(store, receivers, clock)
    assert await loop.step() == 0
    await applied(store, is_paused=False)
    await loop.step()
    assert receivers.got == {"hook": ["a"]}


async def test_a_change_of_a_sink_lets_it_go_on_at_once(store: Store, receivers: Receivers, clock: Clock) -> None:
    first = await applied(store)
    await told(store, "a")
    loop, receivers.faults["hook"] = delivery(store, receivers, clock), SHUT
    await loop.step()
    receivers.faults.clear()
    changed = await applied(store, display_name="mended")
    assert (changed.etag, first.etag) == ("2", "1")
    assert changed.standing.retry_time is None
    await loop.step()
    assert receivers.got == {"hook": ["a"]}


async def test_a_dead_sink_delays_no_other(store: Store, receivers: Receivers, clock: Clock) -> None:
    """The loop itself: one receiver never answers, the other gets everything meanwhile."""
    await applied(store, "dead")
    await applied(store, "live")
    receivers.silent.add("dead")
    messages = [f"{index}" for index in range(BATCH_SIZE * 3)]
    await told(store, *messages)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        task = group.create_task(delivery(store, receivers, clock).run())
        while receivers.got.get("live") != messages:
            receivers.is_asked.clear()
            await receivers.is_asked.wait()
        task.cancel()
    assert receivers.asked["dead"] == 1
    assert "dead" not in receivers.got


async def test_a_manager_that_ends_before_it_writes_sends_again_and_loses_nothing(
    store: Store, store_url: str, receivers: Receivers, clock: Clock
) -> None:
    await applied(store)
    await told(store, "a", "b")
    first = delivery(store, receivers, clock, holder="first")
    receivers.silent.add("hook")
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        turn = group.create_task(first.step())
        await receivers.is_asked.wait()
        turn.cancel()  # in the middle of it
    receivers.silent.clear()
    async with opened(store_url) as other:
        second = delivery(other, receivers, clock, holder="second")
        assert await second.step() == 0  # the first one has the lease
        clock.time = after(LEASE_LIFE_S)
        assert await second.step() == 1
    assert receivers.got == {"hook": ["a", "b"]}


async def test_who_lost_the_lease_writes_nothing(
    store: Store, store_url: str, receivers: Receivers, clock: Clock
) -> None:
    sink = await applied(store)
    await told(store, "a")
    first = await store.take_lease("event-delivery", "first", now=START, life_s=LEASE_LIFE_S)
    assert first is not None
    clock.time = after(LEASE_LIFE_S)
    async with opened(store_url) as other:
        assert await delivery(other, receivers, clock, holder="second").step() == 1
    with pytest.raises(ConflictError, match="somebody else"):
        await store.save_retry(sink, [], [], lease=first)


async def test_what_was_dropped_with_age_is_passed_over(store: Store, receivers: Receivers, clock: Clock) -> None:
    await applied(store, is_paused=True)
    await told(store, "old", at_s=0)
    await told(store, "new", at_s=100)
    await store.drop_events(after(50), now=after(200), max_count=10)
    await applied(store)
    await drained(delivery(store, receivers, clock), clock)
    assert receivers.got == {"hook": ["new"]}


async def test_a_dead_letter_outlives_its_event(store: Store, receivers: Receivers, clock: Clock) -> None:
    await applied(store)
    await told(store, "a", details={"x": 1})
    receivers.refused.add("a")
    loop = delivery(store, receivers, clock)
    await drained(loop, clock)
    await store.drop_events(after(86_400), now=after(90_000), max_count=10)
    receivers.refused.clear()
    await store.retry_dead_letters("hook")
    await drained(loop, clock)
    assert receivers.got == {"hook": ["a"]}


async def test_a_deleted_sink_is_gone_with_its_dead_letters(store: Store, receivers: Receivers, clock: Clock) -> None:
    await applied(store)
    await told(store, "a")
    receivers.refused.add("a")
    await drained(delivery(store, receivers, clock), clock)
    with pytest.raises(ConflictError):
        await store.delete_sink("hook", etag="7")
    await store.delete_sink("hook", etag="1")
    for ask in (store.get_sink, store.list_dead_letters, store.retry_dead_letters, store.delete_sink):
        with pytest.raises(NotFoundError, match="event sink hook"):
            await ask("hook")
    assert (await store.list_sinks(reach=EVERYWHERE)).items == ()


async def test_a_sink_keeps_its_tenant_and_names_only_what_is_there(store: Store) -> None:
    await store.create_tenant(TenantRecord("haikou", TenantKind.CITY, "root", START))
    await applied(store)
    with pytest.raises(AlreadyExistsError, match="the name is taken"):
        await applied(store, tenant_id="haikou")
    with pytest.raises(NotFoundError, match="group none"):
        await applied(store, "other", rule=rule(selector=NodeSelector(group_ids=("none",))))
    with pytest.raises(ConflictError):
        await store.apply_sink(made_sink(), now=START, etag="2")
    with pytest.raises(InvalidArgumentError, match="page_token"):
        await store.list_sinks(reach=EVERYWHERE, page_token="x")


async def test_what_a_sink_names_is_not_deleted_under_it(store: Store) -> None:
    await sited(store, "k12")
    await applied(store, rule=rule(selector=NodeSelector(site_ids=("k12",))))
    with pytest.raises(FailedPreconditionError, match="site k12 is still named by eventSinks/hook"):
        await store.delete_site("k12")
    await store.delete_sink("hook")
    await store.delete_site("k12")


async def test_a_tenant_with_a_sink_is_not_deleted(store: Store) -> None:
    await store.create_tenant(TenantRecord("haikou", TenantKind.CITY, "root", START))
    await applied(store, tenant_id="haikou")
    with pytest.raises(FailedPreconditionError, match="tenant haikou has event sinks"):
        await store.delete_tenant("haikou")
    await store.delete_sink("hook")
    await store.delete_tenant("haikou")
