"""Many that fall silent for one reason are one alarm, of the line, the supply or the place, until they are back."""

from dataclasses import replace

import pytest

from tests.unit.alarm_world import ON_BATTERY, World, road, second
from wayside_manager.core.alarm_areas import common_causes
from wayside_manager.core.alarms import AREA_POWER, AREA_UNREACHABLE, UNREACHABLE, AlarmPolicy
from wayside_manager.core.events import Severity


def test_a_dead_line_of_four_hundred_is_one_alarm() -> None:
    world = road(400, "backhauls/g98-east", "corridors/g98")
    for number in range(400):  # silence comes to the manager over half a minute
        world.lose(number / 13.0, f"r{number:03}")
    world.run(0, 300)
    (alarm,) = world.raised(told=True)
    assert (alarm.kind, alarm.subject, alarm.severity) == (AREA_UNREACHABLE, "backhauls/g98-east", Severity.CRITICAL)
    assert (alarm.member_count, alarm.is_storm) == (400, True)
    assert world.raised() == [alarm], "no alarm of a node was ever raised"
    assert world.kinds() == ["alarm.raised"]


def test_alarms_that_came_before_the_cause_showed_are_folded_into_it() -> None:
    world = road(10, "backhauls/x", policy=AlarmPolicy(storm_percent=60.0))
    world.lose(0, "r000", "r001")
    world.run(0, 100)
    assert len(world.raised(told=True)) == 2
    world.lose(110, *(f"r{number:03}" for number in range(2, 9)))
    world.run(110, 130)
    (alarm,) = world.raised(told=True)
    assert alarm.subject == "backhauls/x"
    assert world.kinds().count("alarm.folded") == 2


def test_a_supply_that_fails_is_told_as_such() -> None:
    world = road(6, "backhauls/x")
    for node_id in world.nodes:
        world.set(node_id, ON_BATTERY)
    world.lose(0, *world.nodes)
    world.run(0, 10)
    assert [alarm.kind for alarm in world.raised(told=True) if alarm.is_area] == [AREA_POWER]


@pytest.mark.parametrize(
    ("areas", "named"),
    [
        (("powerFeeds/p", "backhauls/b", "corridors/c"), "powerFeeds/p"),
        (("backhauls/b", "corridors/c"), "backhauls/b"),
        (("sites/s", "corridors/c"), "sites/s"),
        (("corridors/c",), "corridors/c"),
    ],
)
def test_a_cause_is_named_before_a_place(areas: tuple[str, ...], named: str) -> None:
    world = road(5, *areas)
    world.lose(0, *world.nodes)
    assert [area.name for area in common_causes(world.nodes.values(), world.policy, second(10))] == [named]


def test_two_dead_lines_of_one_corridor_are_two_alarms() -> None:
    world = World()
    for number in range(6):
        world.add(f"a{number}", "backhauls/a", "corridors/c")
        world.add(f"b{number}", "backhauls/b", "corridors/c")
        world.add(f"c{number}", "backhauls/c", "corridors/c")
    world.lose(0, *(node_id for node_id in world.nodes if node_id[0] in "ab"))
    world.policy = replace(world.policy, storm_percent=70.0)
    world.run(0, 5)
    assert sorted(alarm.subject for alarm in world.raised(told=True)) == ["backhauls/a", "backhauls/b"]


@pytest.mark.parametrize(
    ("lost", "of"), [(2, 2), (2, 40), (4, 10)], ids=["too-few", "far-too-few", "too-small-a-share"]
)
def test_few_silent_nodes_are_no_area(lost: int, of: int) -> None:
    world = road(of, "backhauls/x")
    world.lose(0, *sorted(world.nodes)[:lost])
    world.run(0, 100)
    assert [alarm.kind for alarm in world.raised()] == [UNREACHABLE] * lost


def test_nodes_that_were_lost_long_ago_do_not_make_an_area() -> None:
    world = road(6, "backhauls/x")
    for number, node_id in enumerate(world.nodes):
        world.lose(number * 400.0, node_id)
    world.run(2000, 2300)
    assert [alarm.kind for alarm in world.raised()] == [UNREACHABLE] * 6


def test_an_area_that_comes_back_is_over_when_nearly_all_are_there_and_the_others_are_told_then() -> None:
    world = road(10, "backhauls/x")
    ids = sorted(world.nodes)
    world.lose(0, *ids)
    world.run(0, 60)
    world.find(*ids[:6])
    world.run(65, 70)
    (area,) = world.raised(told=True)
    assert (area.recovered_count, area.is_storm) == (6, True)
    world.find(*ids[6:8])
    world.run(75, 130)
    assert [alarm.subject for alarm in world.raised(told=True)] == ["backhauls/x"]
    world.run(135, 300)
    assert sorted(alarm.subject for alarm in world.raised(told=True)) == [f"nodes/{each}" for each in ids[8:]]
    returned = {member.node_id: member.return_time for member in world.members[area.alarm_id].values()}
    assert {node_id for node_id, time in returned.items() if time} == set(ids[:8])


def test_a_node_that_joins_the_silence_later_belongs_to_it() -> None:
    world = road(10, "backhauls/x")
    ids = sorted(world.nodes)
    world.lose(0, *ids[:7])
    world.run(0, 10)
    world.lose(400, *ids[7:])
    world.run(400, 600)
    (area,) = world.raised()
    assert area.member_count == 10


def test_a_node_of_another_tenant_joins_no_alarm_that_its_people_do_not_see() -> None:
    world = road(10, "backhauls/x")
    ids = sorted(world.nodes)
    world.nodes = {node_id: replace(node, tenant_id="a") for node_id, node in world.nodes.items()}
    world.nodes[ids[9]] = replace(world.nodes[ids[9]], tenant_id="b")
    world.lose(0, *ids[:8])
    world.run(0, 10)
    world.lose(400, *ids[8:])
    world.run(400, 600)
    assert {(each.tenant_id, each.subject, each.member_count) for each in world.raised(told=True)} == {
        ("a", "backhauls/x", 9),
        ("b", f"nodes/{ids[9]}", 1),
    }


def test_nobody_is_lost_because_the_manager_was_away() -> None:
    world = road(20, "backhauls/x")
    world.doubt(*world.nodes)
    world.run(0, 600, 60)
    assert world.alarms == {}


def test_while_the_manager_is_unsure_alarms_stay_as_they_are() -> None:
    world = road(5, "backhauls/x")
    world.lose(0, *world.nodes)
    world.run(0, 10)
    before = world.raised()
    world.doubt(*world.nodes)
    world.run(15, 300)
    assert world.raised() == before


def test_a_supply_of_which_nobody_said_anything_is_only_where_it_is_silent() -> None:
    world = road(6, "powerFeeds/p")
    world.lose(0, *world.nodes)
    world.run(0, 10)
    assert [(alarm.kind, alarm.subject) for alarm in world.raised()] == [(AREA_UNREACHABLE, "powerFeeds/p")]


def test_those_long_lost_make_no_area_when_a_manager_begins_anew() -> None:
    world = road(6, "backhauls/x")
    for number, node_id in enumerate(world.nodes):
        world.lose(number * 400.0, node_id)
        world.run(number * 400.0, number * 400.0 + 100, 20)
    world.doubt(*world.nodes)
    world.step(3000)
    world.lose(3060, *world.nodes)
    world.run(3060, 3200)
    assert [alarm.kind for alarm in world.raised()] == [UNREACHABLE] * 6


def test_nodes_that_nobody_can_judge_yet_count_as_there() -> None:
    world = road(10, "backhauls/x")
    world.doubt(*sorted(world.nodes)[3:])
    world.lose(0, *sorted(world.nodes)[:3])
    world.run(0, 30)
    assert world.raised() == []


def test_a_node_that_is_gone_again_belongs_to_one_area_only() -> None:
    world = World()
    for number in range(6):
        world.add(f"a{number}", "backhauls/a", "corridors/c")
    for number in range(12):
        world.add(f"c{number:02}", "corridors/c")
    on_line, others = [each for each in world.nodes if each[0] == "a"], [each for each in world.nodes if each[0] == "c"]
    world.lose(0, *on_line)
    world.run(0, 10)
    world.lose(200, *others)
    world.run(200, 210)
    world.find(*on_line)
    world.run(300, 310)
    world.lose(315, *on_line)
    world.run(315, 330)
    members = {alarm.subject: alarm.member_count - alarm.recovered_count for alarm in world.raised()}
    assert members == {"backhauls/a": 6, "corridors/c": 12}


def test_a_storm_does_not_begin_and_end_by_turns() -> None:
    world = road(20, "backhauls/x")
    ids = sorted(world.nodes)
    world.lose(0, *ids)
    world.step(10)
    world.find(*ids[:16])
    world.step(20)
    assert [alarm.is_storm for alarm in world.raised()] == [False]
    world.lose(30, *ids[:4])
    world.step(30)
    assert [alarm.is_storm for alarm in world.raised()] == [False]
    world.lose(40, *ids[4:6])
    world.step(40)
    assert [alarm.is_storm for alarm in world.raised()] == [True]
    assert world.kinds() == ["alarm.raised", "alarm.calmed"]


def test_the_last_few_of_many_do_not_hold_the_alarm_of_their_area() -> None:
    world = road(100, "backhauls/x")
    world.lose(0, *world.nodes)
    world.step(10)
    world.find(*sorted(world.nodes)[:96])
    world.run(20, 100)
    assert [alarm.kind for alarm in world.raised(told=True)] == [UNREACHABLE] * 4


def test_what_was_folded_ends_as_quietly() -> None:
    world = road(10, "backhauls/x", policy=AlarmPolicy(storm_percent=60.0))
    world.lose(0, "r000", "r001")
    world.run(0, 100)
    world.lose(110, *(f"r{number:03}" for number in range(2, 9)))
    world.run(110, 130)
    world.find(*world.nodes)
    world.run(135, 300)
    assert world.raised() == []
    assert [event.node_id for event in world.events if event.kind == "alarm.cleared"] == [""]
