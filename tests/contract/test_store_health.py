"""Health in the store: what is not ok now, stretches, events, live reports ahead of a spool, and lists."""

import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.contract.manager_store import START, Clock, after, batch, enrolled, health, sited
from tests.unit.health_makers import DEGRADED, FAILED, OK, UNKNOWN, check
from wayside_manager.core.access import EVERYWHERE
from wayside_manager.core.availability import Stretch
from wayside_manager.core.node_health import CheckFacts, HealthState, overall
from wayside_manager.core.nodes import NodeChange
from wayside_manager.core.presence import presence
from wayside_manager.core.reports import HealthFacts, Report, ReportBatch
from wayside_manager.ports.health import GroupBy
from wayside_manager.ports.store import Store
from wayside_manager.services.silence import Silences
from wayside_manager.store.bus import LocalBus

FIX, CPU = check("gnss.fix", FAILED), check("host.cpu", DEGRADED)


def of(sequence: int, *checks: CheckFacts, made_s: float | None = 0.0, **fields: Any) -> Report:  # noqa: ANN401  # of the facts
    """A health report with checks, made so long after the start; `None`: it does not say when."""
    report = health(sequence)
    assert isinstance(report.facts, HealthFacts)
    facts = replace(report.facts, checks=checks, **fields)
    return replace(report, facts=facts, record_time=None if made_s is None else after(made_s))


def live(node_id: str, *checks: CheckFacts, made_s: float | None, at_s: float, version: str = "1.0.0") -> ReportBatch:
    """How a node is now."""
    report = replace(of(0, *checks, made_s=made_s, running_version=version), body=b"live")
    return ReportBatch(node_id, "", (report,), after(at_s), is_live=True)


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(path) as connection:
        return connection.execute(query).fetchall()


def checks_of(path: Path) -> list[tuple[Any, ...]]:
    return rows(path, "SELECT name, state FROM node_checks ORDER BY name")


def events_of(path: Path, kind: str) -> list[str]:
    return [row[0] for row in rows(path, f"SELECT message FROM events WHERE kind = '{kind}' ORDER BY cursor")]  # noqa: S608  # of the test


async def state(store: Store, node_id: str = "rsu-1") -> HealthState:
    return (await store.get_health(node_id)).state


async def stretches(store: Store, *, end_s: float = 10_000.0) -> list[tuple[str, float, float | None]]:
    found, _ = await store.list_stretches(GroupBy.ALL, None, reach=EVERYWHERE, begin=START, end=after(end_s))
    ordered = sorted(found, key=lambda one: one.begin_time)
    return [(one.state, _s(one.begin_time), None if one.end_time is None else _s(one.end_time)) for one in ordered]


def _s(time: datetime) -> float:
    return (time - START).total_seconds()


async def test_only_what_is_not_ok_is_kept_and_only_a_change_is_told(store: Store, database_path: Path) -> None:
    await enrolled(store, "rsu-1")
    first = await store.record_reports([batch("rsu-1", of(1, FIX, CPU, check("time.source")))])
    assert checks_of(database_path) == [("gnss.fix", "failed"), ("host.cpu", "degraded")]
    assert first.event_cursor > 0
    again = await store.record_reports([batch("rsu-1", of(2, replace(FIX, reason="still"), CPU, check("time.source")))])
    assert again.event_cursor == 0
    await store.record_reports([batch("rsu-1", of(3, check("gnss.fix"), CPU, check("time.source")))])
    assert checks_of(database_path) == [("host.cpu", "degraded")]
    await store.record_reports([batch("rsu-1", of(4, check("time.source")))])
    assert events_of(database_path, "node.check") == [
        "node rsu-1: gnss.fix is failed, gnss.fix is bad",
        "node rsu-1: host.cpu is degraded, host.cpu is bad",
        "node rsu-1: gnss.fix is ok",
        "node rsu-1: host.cpu is unknown, the unit does not report it any more",
    ]


async def test_a_unit_that_changes_a_hundred_checks_at_once_writes_a_few_events(
    store: Store, database_path: Path
) -> None:
    await enrolled(store, "rsu-1")
    await store.record_reports([batch("rsu-1", of(1, *(check(f"c{index:02}", FAILED) for index in range(100))))])
    told = events_of(database_path, "node.check")
    assert (len(told), told[-1]) == (21, "node rsu-1: 80 more checks changed")
    assert len(checks_of(database_path)) == 100


async def test_a_unit_that_flaps_for_ever_drowns_nobody_and_is_shown_as_it_is(
    store: Store, database_path: Path
) -> None:
    for node_id in ("rsu-1", "rsu-2"):
        await enrolled(store, node_id)
    names = [f"c{index:02}" for index in range(20)]
    for number in range(1, 62):
        checks = (check(name, FAILED if number % 2 else OK) for name in names)
        await store.record_reports([batch("rsu-1", of(number, *checks), at_s=number / 10)])
    assert len(events_of(database_path, "node.check")) == 200
    assert events_of(database_path, "node.noisy") == [
        "node rsu-1 changes too often: for 10 min its changes are shown, not told"
    ]
    assert checks_of(database_path) == [(name, "failed") for name in names]
    await store.record_reports([batch("rsu-2", of(1, FIX), at_s=7)])
    assert events_of(database_path, "node.check")[200:] == ["node rsu-2: gnss.fix is failed, gnss.fix is bad"]
    await store.record_reports([batch("rsu-1", of(62, *map(check, names[:-1]), check(names[-1], FAILED)), at_s=700)])
    assert len(events_of(database_path, "node.check")) == 201 + 19


async def test_the_state_since_when_and_its_stretches_follow_the_reports(store: Store) -> None:
    await enrolled(store, "rsu-1")
    assert await state(store) is UNKNOWN
    for at_s, checks in ((10, ()), (20, (check("a"),)), (30, (check("a"),)), (40, (FIX,)), (50, (CPU, FIX))):
        await store.record_reports([batch("rsu-1", of(at_s, *checks), at_s=at_s)])
    record = await store.get_health("rsu-1")
    assert (record.state, record.since_time) == (FAILED, after(40))
    assert await stretches(store) == [("unknown", 10, 20), ("ok", 20, 40), ("failed", 40, None)]


async def test_another_start_is_told_and_the_first_is_not(store: Store, database_path: Path) -> None:
    await enrolled(store, "rsu-1")
    for sequence, count in enumerate((4, 4, 6, None, 6, 1), 1):
        await store.record_reports([batch("rsu-1", of(sequence, start_count=count, start_reason="watchdog"))])
    assert events_of(database_path, "node.restart") == ["node rsu-1: the agent started anew: watchdog"]


async def test_a_live_report_shows_at_once_and_its_spool_takes_nothing_back(store: Store, database_path: Path) -> None:
    await enrolled(store, "rsu-1")
    await store.record_reports([live("rsu-1", FIX, made_s=7200, at_s=7200, version="2.0.0")])
    assert (await store.get_node("rsu-1")).status.health == b"live"
    await store.record_reports([batch("rsu-1", of(1, check("a"), made_s=100), of(2, CPU, made_s=200), at_s=7201)])
    assert await state(store) is FAILED
    assert (await store.get_node("rsu-1")).status.running_version == "2.0.0"
    assert checks_of(database_path) == [("gnss.fix", "failed")]
    assert len((await store.list_reports("rsu-1")).items) == 2  # the spool's; the live one is no history
    assert await store.acknowledged_sequence("rsu-1", "spool-a") == 2
    await store.record_reports([batch("rsu-1", of(3, check("a"), made_s=7205), at_s=7206)])
    assert await state(store) is OK
    await store.record_reports([batch("rsu-1", of(4, FIX, made_s=60), at_s=7210)])  # its clock was set back
    assert await state(store) is FAILED


@pytest.mark.parametrize("made_s", [-900_000_000.0, None, 900_000_000.0], ids=["set-back", "unsaid", "in-the-future"])
async def test_a_clock_that_is_wrong_holds_the_state_up_for_two_periods_at_most(
    store: Store, made_s: float | None
) -> None:
    await enrolled(store, "rsu-1")
    await store.record_reports([live("rsu-1", FIX, made_s=7200, at_s=7200)])
    await store.record_reports([batch("rsu-1", of(1, check("a"), made_s=made_s), at_s=7230)])
    assert await state(store) is FAILED
    await store.record_reports([batch("rsu-1", of(2, check("a"), made_s=made_s), at_s=7261)])
    assert await state(store) is OK


async def test_a_live_report_from_a_clock_far_ahead_does_not_freeze_the_state(store: Store) -> None:
    await enrolled(store, "rsu-1")
    await store.record_reports([live("rsu-1", FIX, made_s=900_000_000, at_s=10)])
    await store.record_reports([batch("rsu-1", of(1, check("a"), made_s=11), at_s=12)])
    assert await state(store) is OK


async def test_silence_is_a_stretch_and_the_node_comes_back_by_a_report(store: Store, database_path: Path) -> None:
    clock = Clock()
    silences = Silences(store, LocalBus(), now=clock)
    await enrolled(store, "rsu-1")
    await enrolled(store, "rsu-2")
    await store.record_reports([batch("rsu-1", of(1, check("a")))])
    clock.time = after(60)
    assert await silences.step() == frozenset()
    clock.time = after(100)
    assert await silences.step() == {"rsu-1"}
    assert await silences.step() == frozenset()
    record = await store.get_health("rsu-1")
    assert (record.state, record.since_time) == (UNKNOWN, after(60))
    await store.record_reports([batch("rsu-1", of(2, check("a")), at_s=200)])
    assert await state(store) is OK
    assert await stretches(store) == [("ok", 0, 60), ("silent", 60, 200), ("ok", 200, None)]
    told = ["node rsu-1 is not heard from", "node rsu-1 is heard from again"]
    assert events_of(database_path, "node.presence") == told


async def test_a_manager_that_did_not_listen_holds_that_against_no_node(store: Store) -> None:
    await enrolled(store, "rsu-1")
    await store.record_reports([batch("rsu-1", of(1, check("a")))])
    clock = Clock(after(3600))
    silences = Silences(store, LocalBus(), now=clock)
    clock.time = after(3650)
    assert await silences.step() == frozenset()
    clock.time = after(3661)
    assert await silences.step() == {"rsu-1"}
    assert await stretches(store) == [("ok", 0, 3660), ("silent", 3660, None)]


async def test_a_node_that_is_retired_is_out_of_service(store: Store) -> None:
    await enrolled(store, "rsu-1")
    await store.record_reports([batch("rsu-1", of(1, check("a")))])
    await store.retire_node("rsu-1", now=after(20))
    await Silences(store, LocalBus(), now=lambda: after(30)).step()
    assert await stretches(store) == [("ok", 0, 30)]


async def test_the_list_says_of_each_node_what_it_is_and_filters_by_it(store: Store) -> None:
    made = {"a": (check("x"),), "b": (FIX,), "c": (CPU,), "d": (), "e": (check("x"),)}
    for node_id, checks in made.items():
        await enrolled(store, node_id)
        if node_id != "d":
            await store.record_reports([batch(node_id, of(1, *checks), at_s=0 if node_id == "e" else 60)])
    now = after(70)
    every = (await store.list_health((), reach=EVERYWHERE, now=now)).items
    for wanted in HealthState:
        listed = (await store.list_health((wanted,), reach=EVERYWHERE, now=now)).items
        judged = [
            record.node_id
            for record in every
            if overall(
                made[record.node_id],
                presence(now, record.last_report_time, report_period_s=record.report_period_s),
            ).state
            is wanted
        ]
        assert [record.node_id for record in listed] == judged
    first = await store.list_health((), reach=EVERYWHERE, now=now, page_size=3)
    rest = await store.list_health((), reach=EVERYWHERE, now=now, page_size=3, page_token=first.next_page_token)
    assert [record.node_id for record in (*first.items, *rest.items)] == list("abcde")


async def test_availability_is_grouped_by_site_model_and_exposure(store: Store) -> None:
    await sited(store, "k12", exposure_class="coast-salt")
    for node_id in ("rsu-1", "rsu-2"):
        await enrolled(store, node_id)
        await store.record_reports([batch(node_id, of(1, check("a"), model="m1"))])
    await store.update_node("rsu-1", NodeChange(site_id="k12"), now=START)
    groups = {}
    for group_by in GroupBy:
        found, groups[group_by] = await store.list_stretches(
            group_by, None, reach=EVERYWHERE, begin=START, end=after(10)
        )
        assert set(found) == {Stretch(node_id, "ok", START, None) for node_id in ("rsu-1", "rsu-2")}
    assert groups[GroupBy.SITE] == {"rsu-1": "sites/k12", "rsu-2": ""}
    assert groups[GroupBy.MODEL] == {"rsu-1": "m1", "rsu-2": "m1"}
    assert groups[GroupBy.EXPOSURE] == {"rsu-1": "coast-salt", "rsu-2": ""}


async def test_a_manager_whose_clock_is_set_back_keeps_stretches_apart(store: Store) -> None:
    await enrolled(store, "rsu-1")
    await store.record_reports([batch("rsu-1", of(1, check("a")), at_s=100)])
    await store.record_reports([batch("rsu-1", of(2, FIX), at_s=50)])
    await store.record_reports([batch("rsu-1", of(3, check("a")), at_s=50)])
    found = await stretches(store)
    assert [one[0] for one in found] == ["ok", "failed", "ok"]
    assert all(before[2] == then[1] for before, then in pairwise(found))
    assert timedelta(seconds=found[-1][1]) - timedelta(seconds=100) == timedelta(microseconds=2)
