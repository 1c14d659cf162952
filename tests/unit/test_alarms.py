"""The alarm engine: one thing that is wrong is one alarm, nobody hears of it twice, and nothing flaps."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.alarm_world import HOT, HOTTER, ON_BATTERY, World, road, second
from wayside_manager.core.alarm_rules import RULES
from wayside_manager.core.alarms import UNREACHABLE, AlarmPolicy, AlarmState, Contact
from wayside_manager.core.events import Severity
from wayside_manager.core.node_health import HealthState
from wayside_manager.core.nodes import NodeKind


def test_a_fault_is_raised_once_it_has_held_and_cleared_once_it_is_over_for_a_while() -> None:
    world = road(1)
    world.set("r000", HOT)
    world.run(0, 5)
    assert world.raised() == []
    world.run(10, 60)
    (alarm,) = world.raised()
    assert (alarm.kind, alarm.subject, alarm.severity) == (HOT.kind, "nodes/r000", Severity.WARNING)
    assert alarm.message == HOT.reason
    world.set("r000")
    world.run(65, 180)
    assert [each.state for each in world.alarms.values()] == [AlarmState.RAISED]
    world.run(185, 200)
    assert [each.state for each in world.alarms.values()] == [AlarmState.CLEARED]
    assert world.kinds() == ["alarm.raised", "alarm.cleared"]


def test_what_comes_back_before_it_is_cleared_is_the_same_alarm() -> None:
    world = road(1)
    world.set("r000", HOT)
    world.run(0, 20)
    for round_s in range(30, 330, 60):
        world.set("r000")
        world.step(round_s)
        world.set("r000", HOT)
        world.step(round_s + 30)
    (alarm,) = world.alarms.values()
    assert (alarm.state, alarm.occurrence_count) == (AlarmState.RAISED, 6)
    assert world.kinds() == ["alarm.raised"], "what flaps is told once"


@pytest.mark.parametrize("state", [HealthState.FAILED, HealthState.DEGRADED], ids=str)
@pytest.mark.parametrize("kind", sorted(RULES))
def test_whatever_flaps_each_second_is_told_once(kind: str, state: HealthState) -> None:
    world = road(1)
    found = replace(HOTTER, kind=kind.replace("*", "x"), state=state)
    for at_s in range(300):
        world.set("r000", *([found] if at_s % 2 else []))
        world.step(at_s)
    assert world.kinds().count("alarm.raised") <= 1


def test_what_becomes_worse_becomes_a_worse_alarm() -> None:
    world = road(1)
    world.set("r000", HOT)
    world.run(0, 20)
    world.set("r000", HOTTER)
    world.step(25)
    (alarm,) = world.raised()
    assert (alarm.severity, alarm.message) == (Severity.MAJOR, HOTTER.reason)


def test_unknown_is_no_alarm() -> None:
    world = road(1)
    world.set("r000", replace(HOT, state=HealthState.UNKNOWN))
    world.run(0, 600, 60)
    assert world.alarms == {}


def test_a_silent_roadside_unit_is_an_alarm_and_a_vehicle_behind_a_mountain_is_none() -> None:
    world = road(1)
    world.add("car", kind=NodeKind.OBU)
    world.lose(0, "r000", "car")
    world.run(0, 85)
    assert world.raised() == []
    world.run(90, 100)
    assert [(alarm.kind, alarm.subject) for alarm in world.raised()] == [(UNREACHABLE, "nodes/r000")]
    assert "last word: 2026-09-01 03:59:00 UTC" in world.raised()[0].message
    world.find("r000")
    world.run(105, 140)
    assert world.raised() == []


def test_what_a_silent_node_said_last_stays_as_it_is() -> None:
    world = road(1)
    world.set("r000", HOT)
    world.run(0, 20)
    world.lose(30, "r000")
    world.set("r000")
    world.run(30, 400)
    assert sorted(alarm.kind for alarm in world.raised()) == [HOT.kind, UNREACHABLE]


def test_what_nobody_takes_on_becomes_worse() -> None:
    world = road(1, policy=AlarmPolicy(escalate_after=timedelta(hours=1)))
    world.set("r000", HOT)
    world.run(0, 10)
    world.run(3600, 3 * 3600, 600)
    (alarm,) = world.raised()
    assert (alarm.severity, alarm.escalation_level) == (Severity.MAJOR, 2)
    world.alarms[alarm.alarm_id] = replace(alarm, acknowledger="operators/li")
    world.run(4 * 3600, 9 * 3600, 600)
    assert world.raised()[0].severity is Severity.MAJOR
    assert world.kinds().count("alarm.escalated") == 2


def test_what_is_shelved_is_told_to_nobody_until_its_time_is_over() -> None:
    world = road(1)
    world.set("r000", HOT)
    world.run(0, 10)
    (alarm,) = world.raised()
    world.alarms[alarm.alarm_id] = replace(alarm, shelve_end=second(100))
    world.set("r000", HOTTER)
    world.run(15, 95)
    assert world.kinds() == ["alarm.raised"]
    world.run(100, 110)
    assert world.kinds() == ["alarm.raised", "alarm.unshelved"]
    assert world.raised(told=True)


def test_a_clock_that_was_ahead_keeps_no_alarm_that_is_over() -> None:
    world = road(1)
    world.set("r000", HOT)
    world.run(0, 10)
    world.set("r000")
    world.step(10**9)  # seen to be over in 2058
    world.run(20, 160)
    assert world.raised() == []


def test_a_clock_that_was_ahead_keeps_no_alarm_on_its_shelf() -> None:
    world = road(1)
    world.set("r000", HOT)
    world.run(0, 10)
    (alarm,) = world.raised()
    world.alarms[alarm.alarm_id] = replace(alarm, shelve_end=second(10**9))
    world.run(20, 30)
    assert world.kinds() == ["alarm.raised", "alarm.unshelved"]


def test_a_node_that_is_put_out_of_service_has_no_alarms_any_more() -> None:
    world = road(1)
    world.set("r000", HOT)
    world.run(0, 10)
    del world.nodes["r000"]
    world.run(15, 200)
    assert world.raised() == []


def test_one_of_three_that_is_silent_changes_nothing_of_the_other_two() -> None:
    world = road(3)
    world.set("r001", HOT)
    world.run(0, 20)
    world.lose(30, "r000")
    world.set("r002", HOTTER)
    world.run(30, 200)
    found = {(alarm.subject, alarm.kind) for alarm in world.raised()}
    assert found == {("nodes/r000", UNREACHABLE), ("nodes/r001", HOT.kind), ("nodes/r002", HOT.kind)}


def test_the_same_situation_a_moment_later_changes_nothing() -> None:
    world = road(8, "backhauls/x")
    world.set("r007", HOT)
    world.lose(0, *sorted(world.nodes)[:6])
    world.run(0, 300)
    assert not world.step(301).is_change


def test_what_waits_to_be_cleared_becomes_no_worse() -> None:
    world = road(1, policy=AlarmPolicy(escalate_after=timedelta(seconds=60)))
    world.set("r000", HOT)
    world.run(0, 20)
    world.set("r000")
    world.run(25, 200)
    assert world.kinds() == ["alarm.raised", "alarm.cleared"]


# --- lives

AREAS = ("backhauls/a", "backhauls/b", "powerFeeds/p", "corridors/c", "sites/s")
FATES = st.sampled_from(["lose", "find", "heat", "cool", "battery", "unsure", "retire"])


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sets(st.sampled_from(AREAS), max_size=3), min_size=1, max_size=12),
    st.lists(st.tuples(FATES, st.integers(0, 11), st.integers(1, 90)), max_size=60),
    st.integers(2, 5),
    st.sampled_from([20.0, 50.0, 100.0]),
)
def test_whatever_nodes_do_the_rules_hold_and_everything_is_over_once_all_is_well(
    areas: list[set[str]], fates: list[tuple[str, int, int]], least: int, percent: float
) -> None:
    world = World(AlarmPolicy(storm_min_count=least, storm_percent=percent, escalate_after=timedelta(minutes=5)))
    for number, own in enumerate(areas):
        world.add(f"r{number:03}", *sorted(own))
    at_s = 0.0
    for fate, number, wait_s in fates:
        node_id = f"r{number % len(areas):03}"
        if node_id in world.nodes:
            _befall(world, node_id, fate, at_s)
        world.step(at_s)
        at_s += wait_s
    for alarm in world.alarms.values():
        if alarm.is_area:
            assert alarm.member_count >= least
    for node_id in list(world.nodes):
        world.find(node_id)
        world.set(node_id)
    world.run(at_s, at_s + 900, 30)
    assert world.raised() == []
    told = [event for event in world.events if event.kind == "alarm.raised"]
    cleared = [event for event in world.events if event.kind == "alarm.cleared"]
    assert {event.subject for event in told} >= {event.subject for event in cleared}


def _befall(world: World, node_id: str, fate: str, at_s: float) -> None:
    match fate:
        case "lose":
            if world.nodes[node_id].contact is not Contact.SILENT:
                world.lose(at_s, node_id)
        case "find":
            world.find(node_id)
        case "heat":
            world.set(node_id, HOT)
        case "cool":
            world.set(node_id)
        case "battery":
            world.set(node_id, ON_BATTERY)
        case "unsure":
            world.doubt(node_id)
        case _:
            del world.nodes[node_id]
