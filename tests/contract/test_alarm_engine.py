"""Alarms over a store: a dead line of four hundred is one alarm, a manager away blames nobody, people are heard."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.contract.alarm_fleet import ALL, ON_BATTERY, TOLD, Fleet
from tests.contract.manager_store import START, after, opened
from tests.unit.health_makers import check
from wayside.errors import ConflictError, FailedPreconditionError, NotFoundError
from wayside_manager.core.access import EVERYWHERE, NOWHERE, Reach, Scope
from wayside_manager.core.alarm_rules import AlarmRule
from wayside_manager.core.alarms import AREA_POWER, AREA_UNREACHABLE, UNREACHABLE, AlarmPolicy, AlarmRecord
from wayside_manager.core.events import Severity
from wayside_manager.core.node_health import HealthState
from wayside_manager.ports.alarms import AlarmQuestion
from wayside_manager.ports.store import Store
from wayside_manager.services.alarm_engine import LEASE_LIFE_S, AlarmEngine
from wayside_manager.services.retention import Retention
from wayside_manager.store.bus import LocalBus


@pytest.fixture
def fleet(store: Store) -> Fleet:
    return Fleet(store)


async def test_a_dead_line_of_four_hundred_units_is_one_alarm_and_its_end_is_reported(fleet: Fleet) -> None:
    dead = await fleet.add(400, backhaul="g98-east")
    well = await fleet.add(3, prefix="other", backhaul="g98-west")
    await fleet.at(60, *dead, *well)
    await fleet.at(300, *well)
    (alarm,) = await fleet.alarms(ALL)
    assert (alarm.kind, alarm.subject) == (AREA_UNREACHABLE, "backhauls/g98-east")
    assert (alarm.member_count, alarm.recovered_count, alarm.is_storm) == (400, 0, True)
    assert alarm.severity is Severity.CRITICAL
    await fleet.at(330, *well, *dead[:150])
    await fleet.at(600, *well, *dead)
    record, members = await fleet.store.restore_report(alarm.alarm_id)
    assert record.clear_time is not None
    assert {each.member.node_id for each in members if each.member.return_time == after(330)} == set(dead[:150])
    assert all(each.member.return_time for each in members)
    assert await fleet.alarms() == []
    assert await fleet.kinds() == ["alarm.raised", "alarm.calmed", "alarm.cleared"]


async def test_units_that_said_they_run_on_battery_lost_their_supply(fleet: Fleet) -> None:
    await fleet.add(5, backhaul="x", power_feed="grid-7")
    await fleet.say(*fleet.node_ids, checks=(ON_BATTERY,))
    await fleet.at(200)
    assert [(each.kind, each.subject) for each in await fleet.alarms()] == [(AREA_POWER, "powerFeeds/grid-7")]


async def test_one_of_three_that_is_silent_leaves_the_others_as_they_are(fleet: Fleet) -> None:
    first, second, third = await fleet.add(3)
    await fleet.at(240, second, third, checks=(check("gnss.fix", HealthState.FAILED, reason="no position"),))
    found = {(each.subject, each.kind) for each in await fleet.alarms()}
    assert found == {(f"nodes/{first}", UNREACHABLE), (f"nodes/{second}", "gnss.fix"), (f"nodes/{third}", "gnss.fix")}


async def test_a_manager_that_was_away_holds_its_own_silence_against_nobody(fleet: Fleet) -> None:
    await fleet.add(5, backhaul="x")
    await fleet.at(30, *fleet.node_ids)
    fleet.clock.time = after(3600)
    fleet.engine = AlarmEngine(fleet.store, LocalBus(), now=fleet.clock, holder="a")
    await fleet.at(3650)
    assert await fleet.alarms() == []
    await fleet.at(3800)
    assert [each.kind for each in await fleet.alarms()] == [AREA_UNREACHABLE]


async def test_a_manager_whose_store_stood_still_blames_nobody(fleet: Fleet) -> None:
    await fleet.add(5, backhaul="x")
    await fleet.at(30, *fleet.node_ids)
    fleet.clock.time = after(600)  # no look succeeded, and no report was written
    await fleet.at(620)
    assert await fleet.alarms() == []
    await fleet.at(900, *fleet.node_ids)
    assert await fleet.alarms(ALL) == []


async def test_units_that_report_rarely_are_one_alarm_with_the_others_after_a_restart(fleet: Fleet) -> None:
    await fleet.add(3, backhaul="x")
    fleet.period_s = 300.0
    await fleet.add(4, prefix="rare", backhaul="x")
    fleet.clock.time = after(3600)
    fleet.engine = AlarmEngine(fleet.store, LocalBus(), now=fleet.clock, holder="a")
    await fleet.at(3680)
    assert await fleet.alarms() == []
    await fleet.at(4300)
    assert [(each.kind, each.member_count) for each in await fleet.alarms()] == [(AREA_UNREACHABLE, 7)]


async def test_what_came_late_and_what_was_given_up_is_reported(fleet: Fleet) -> None:
    first, second, third = await fleet.add(3, backhaul="x")
    await fleet.at(30, first, second, third)
    await fleet.at(200)
    (alarm,) = await fleet.alarms()
    await fleet.at(240, first, second)
    for number in range(5):
        await fleet.say(first, of=after(60 + 10 * number))
    await fleet.say(second, given_up=7)
    await fleet.at(300, first, second)
    _, members = await fleet.store.restore_report(alarm.alarm_id)
    assert [(each.member.node_id, each.backfilled_count, each.lost_report_count) for each in members] == [
        (third, 0, 0),
        (first, 5, 0),
        (second, 0, 7),
    ]
    assert members[0].member.return_time is None


async def test_who_comes_back_after_the_alarm_is_over_is_no_longer_missing(fleet: Fleet) -> None:
    last, *others = await fleet.add(5, backhaul="x")
    await fleet.at(30, last, *others)
    await fleet.at(200)
    (alarm,) = await fleet.alarms()
    await fleet.store.note_silences({last: (after(30), after(120))}, now=fleet.clock.time)
    await fleet.at(600, *others)
    record, members = await fleet.store.restore_report(alarm.alarm_id)
    assert record.clear_time is not None
    assert (members[0].member.node_id, members[0].member.return_time) == (last, None)
    fleet.clock.time = after(900)
    await fleet.say(last)
    await fleet.say(last, of=after(300))
    _, members = await fleet.store.restore_report(alarm.alarm_id)
    assert (members[-1].member.node_id, members[-1].member.return_time) == (last, after(900))
    assert members[-1].backfilled_count == 1


async def test_what_people_say_of_an_alarm_stays_through_the_steps(fleet: Fleet) -> None:
    (node_id,) = await fleet.add(1)
    hot = check("environment.temperature", HealthState.FAILED, reason="cabinet: 80 is above 75")
    await fleet.at(60, node_id, checks=(hot,))
    (alarm,) = await fleet.alarms()
    await fleet.store.acknowledge_alarm(alarm.alarm_id, actor="operators/li", note="on my way", now=fleet.clock.time)
    await fleet.store.shelve_alarm(
        alarm.alarm_id, actor="operators/li", duration=timedelta(minutes=5), note="", now=fleet.clock.time
    )
    await fleet.at(120, node_id, checks=(hot,))
    assert await fleet.alarms() == []
    (held,) = await fleet.alarms(ALL)
    assert (held.acknowledger, held.note, held.shelve_end) == ("operators/li", "on my way", after(360))
    await fleet.at(400, node_id, checks=(hot,))
    assert [each.shelve_end for each in await fleet.alarms()] == [None]
    assert await fleet.kinds() == ["alarm.raised", "alarm.acknowledged", "alarm.shelved", "alarm.unshelved"]


async def test_an_alarm_that_is_over_takes_no_words_and_one_of_a_node_has_no_report(fleet: Fleet) -> None:
    (node_id,) = await fleet.add(1)
    door = check("environment.door", HealthState.DEGRADED, reason="the cabinet is open")
    await fleet.at(30, node_id, checks=(door,))
    (alarm,) = await fleet.alarms()
    with pytest.raises(FailedPreconditionError, match="about one node"):
        await fleet.store.restore_report(alarm.alarm_id)
    await fleet.at(150, node_id)
    with pytest.raises(FailedPreconditionError, match="is over"):
        await fleet.store.acknowledge_alarm(alarm.alarm_id, actor="operators/li", note="", now=fleet.clock.time)
    with pytest.raises(NotFoundError):
        await fleet.store.get_alarm("a-0")


async def test_of_two_managers_one_decides_and_the_other_takes_over(fleet: Fleet, store_url: str) -> None:
    (node_id,) = await fleet.add(1)
    hot = check("environment.leak", HealthState.FAILED, reason="there is water in the cabinet")
    await fleet.at(10)
    await fleet.say(node_id, checks=(hot,))
    async with opened(store_url) as other:
        second = AlarmEngine(other, LocalBus(), now=fleet.clock, holder="b")
        assert not (await second.step()).is_change
        fleet.clock.time += timedelta(seconds=LEASE_LIFE_S + 1)
        assert [alarm.kind for alarm in (await second.step()).alarms] == ["environment.leak"]
        assert not (await fleet.engine.step()).is_change
    assert len(await fleet.alarms(ALL)) == 1


async def test_the_policy_decides_at_once_and_keeps_its_etag(fleet: Fleet) -> None:
    (node_id,) = await fleet.add(1)
    wanted = AlarmPolicy(rules={"gnss.fix": AlarmRule(is_silenced=True)}, storm_min_count=2, reconnects_per_s=7.0)
    set_policy = await fleet.store.update_alarm_policy(wanted, now=START, etag="0")
    assert replace(set_policy, etag="") == wanted
    with pytest.raises(ConflictError):
        await fleet.store.update_alarm_policy(wanted, now=START, etag="0")
    await fleet.at(200, node_id, checks=(check("gnss.fix", HealthState.FAILED, reason="no position"),))
    assert await fleet.alarms(ALL) == []


async def test_alarms_are_listed_worst_first_page_by_page_and_to_those_who_may_see_them(fleet: Fleet) -> None:
    await fleet.add(7)
    found = (
        check("environment.leak", HealthState.FAILED, reason="water"),
        check("environment.door", HealthState.DEGRADED, reason="open"),
    )
    await fleet.at(30, *fleet.node_ids, checks=found)
    whole = await fleet.alarms()
    assert [each.kind for each in whole] == ["environment.leak"] * 7 + ["environment.door"] * 7
    seen: list[AlarmRecord] = []
    token = ""
    while True:
        page = await fleet.store.list_alarms(TOLD, reach=EVERYWHERE, page_size=4, page_token=token)
        seen += page.items
        token = page.next_page_token
        if not token:
            break
    assert seen == whole
    assert (await fleet.store.list_alarms(TOLD, reach=NOWHERE)).items == ()
    worst = await fleet.alarms(AlarmQuestion(min_severity=Severity.MAJOR))
    assert {each.kind for each in worst} == {"environment.leak"}
    own = await fleet.alarms(AlarmQuestion(subject="nodes/rsu-003"))
    assert len(own) == 2


async def test_who_cannot_see_the_cause_is_told_of_what_it_explains(fleet: Fleet) -> None:
    early = await fleet.add(1, backhaul="x")
    late = await fleet.add(3, prefix="late", backhaul="x")
    await fleet.at(30, *early, *late)
    await fleet.at(300, *late)
    await fleet.at(450)
    assert [each.subject for each in await fleet.alarms()] == ["backhauls/x"]
    at_a_site = Reach(scopes=(Scope(frozenset({"root"}), frozenset({"s-rsu-000"})),))
    seen = await fleet.store.list_alarms(TOLD, reach=at_a_site)
    assert [(each.subject, bool(each.parent_id)) for each in seen.items] == [("nodes/rsu-000", True)]


async def test_alarms_that_were_over_long_ago_are_dropped_with_their_members(fleet: Fleet) -> None:
    node_ids = await fleet.add(4, backhaul="x")
    leak = check("environment.leak", HealthState.FAILED, reason="there is water in the cabinet")
    await fleet.at(30, *node_ids)
    await fleet.at(200)
    await fleet.at(400, *node_ids)
    await fleet.at(430, *node_ids, checks=(leak,))
    over, held = [each for each in await fleet.alarms(ALL) if each.clear_time], await fleet.alarms()
    assert [each.kind for each in over] == [AREA_UNREACHABLE]
    retention = Retention(fleet.store, now=lambda: after(86_400), events_days=2)
    assert await retention.prune_alarms() == 0
    retention = Retention(fleet.store, now=lambda: after(3 * 86_400), events_days=2)
    assert await retention.prune_alarms() == 1
    assert await fleet.alarms(ALL) == held
    with pytest.raises(NotFoundError):
        await fleet.store.restore_report(over[0].alarm_id)
