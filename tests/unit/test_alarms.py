"""The alarm engine: one thing that is wrong is one alarm, a dead line is one alarm, and nothing flaps."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wayside_manager.core.alarm_areas import common_causes
from wayside_manager.core.alarm_rules import RULES, AlarmRule, is_known, rule_for
from wayside_manager.core.alarm_step import next_step
from wayside_manager.core.alarms import (
    AREA_POWER,
    AREA_UNREACHABLE,
    UNREACHABLE,
    AlarmMember,
    AlarmNode,
    AlarmPolicy,
    AlarmRecord,
    AlarmState,
    AlarmStep,
    Contact,
    Finding,
    Situation,
)
from wayside_manager.core.events import NewEvent, Severity
from wayside_manager.core.node_health import HealthState
from wayside_manager.core.nodes import NodeKind

BEGIN = datetime(2026, 9, 1, 4, 0, tzinfo=UTC)
HOT = Finding("environment.temperature", HealthState.DEGRADED, BEGIN, "cabinet: 70 is above 65")
HOTTER = replace(HOT, state=HealthState.FAILED, reason="cabinet: 80 is above 75")
ON_BATTERY = Finding("power.supply", HealthState.FAILED, BEGIN, "runs on its battery")


def second(count: float) -> datetime:
    return BEGIN + timedelta(seconds=count)


@dataclass
class World:
    """A few nodes, and the alarms that came of them."""

    policy: AlarmPolicy = field(default_factory=AlarmPolicy)
    nodes: dict[str, AlarmNode] = field(default_factory=dict)
    alarms: dict[str, AlarmRecord] = field(default_factory=dict)
    members: dict[str, dict[str, AlarmMember]] = field(default_factory=dict)
    events: list[NewEvent] = field(default_factory=list)
    pending: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def add(self, node_id: str, *areas: str, kind: NodeKind = NodeKind.RSU) -> None:
        self.nodes[node_id] = AlarmNode(
            node_id, "root", kind, Contact.HEARD, last_heard=BEGIN, site_id=f"s-{node_id}", areas=areas
        )

    def set(self, node_id: str, *findings: Finding) -> None:
        self.nodes[node_id] = replace(self.nodes[node_id], findings=findings)

    def lose(self, at_s: float, *node_ids: str) -> None:
        for node_id in node_ids:
            heard = second(at_s - 60)
            self.nodes[node_id] = replace(
                self.nodes[node_id], contact=Contact.SILENT, silent_since=second(at_s), last_heard=heard
            )

    def find(self, *node_ids: str) -> None:
        for node_id in node_ids:
            self.nodes[node_id] = replace(self.nodes[node_id], contact=Contact.HEARD, silent_since=None)

    def step(self, at_s: float) -> AlarmStep:
        """A step, written as the store does."""
        raised = tuple(alarm for alarm in self.alarms.values() if alarm.state is AlarmState.RAISED)
        held = {each.alarm_id: tuple(self.members.get(each.alarm_id, {}).values()) for each in raised if each.is_area}
        situation = Situation(self.nodes, raised, held, self.pending)
        step = next_step(situation, self.policy, second(at_s))
        for alarm in step.alarms:
            self.alarms[alarm.alarm_id] = alarm
        for alarm_id, members in step.members.items():
            self.members.setdefault(alarm_id, {}).update({member.node_id: member for member in members})
        self.events += step.events
        self.pending = dict(step.pending)
        self.check()
        return step

    def run(self, from_s: float, to_s: float, every_s: float = 5.0) -> None:
        at_s = from_s
        while at_s <= to_s:
            self.step(at_s)
            at_s += every_s

    def raised(self, *, told: bool = False) -> list[AlarmRecord]:
        found = [alarm for alarm in self.alarms.values() if alarm.state is AlarmState.RAISED]
        return [alarm for alarm in found if alarm.is_told] if told else found

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    def check(self) -> None:
        """What must hold after every step."""
        keys = [(alarm.kind, alarm.subject) for alarm in self.raised()]
        assert len(keys) == len(set(keys)), "one alarm for one kind and subject"
        for alarm in self.raised():
            if alarm.is_area:
                missing = [each for each in self.members[alarm.alarm_id].values() if each.return_time is None]
                assert alarm.member_count == len(self.members[alarm.alarm_id])
                assert alarm.recovered_count == alarm.member_count - len(missing)
            if alarm.parent_id:
                assert self.alarms[alarm.parent_id].state is AlarmState.RAISED
            assert alarm.severity >= alarm.base_severity


def road(count: int, *areas: str, policy: AlarmPolicy | None = None) -> World:
    world = World(policy or AlarmPolicy())
    for number in range(count):
        world.add(f"r{number:03}", *areas)
    return world


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


def test_nobody_is_lost_because_the_manager_was_away() -> None:
    world = road(20, "backhauls/x")
    for node_id in world.nodes:
        world.nodes[node_id] = replace(world.nodes[node_id], contact=Contact.UNSURE)
    world.run(0, 600, 60)
    assert world.alarms == {}


def test_while_the_manager_is_unsure_alarms_stay_as_they_are() -> None:
    world = road(5, "backhauls/x")
    world.lose(0, *world.nodes)
    world.run(0, 10)
    before = world.raised()
    for node_id in world.nodes:
        world.nodes[node_id] = replace(world.nodes[node_id], contact=Contact.UNSURE)
    world.run(15, 300)
    assert world.raised() == before


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


# --- rules


@pytest.mark.parametrize(
    ("kind", "failed"),
    [
        ("can.body.state", Severity.MAJOR),
        ("gnss.plausible", Severity.CRITICAL),
        ("never.heard.of", Severity.MINOR),
        (UNREACHABLE, Severity.MAJOR),
    ],
)
def test_the_table_knows_every_kind(kind: str, failed: Severity) -> None:
    assert rule_for(kind, {}).severity(HealthState.FAILED) is failed


def test_the_most_specific_rule_counts_and_leaves_what_it_does_not_give() -> None:
    changes = {
        "can.*.state": AlarmRule(failed=Severity.MINOR),
        "can.body.state": AlarmRule(failed=Severity.CRITICAL, raise_after=timedelta(seconds=1)),
        "gnss.fix": AlarmRule(is_silenced=True),
    }
    body, other = rule_for("can.body.state", changes), rule_for("can.gate.state", changes)
    table = RULES["can.*.state"]
    assert (body.failed, body.degraded, body.raise_after) == (Severity.CRITICAL, table.degraded, timedelta(seconds=1))
    assert (other.failed, other.clear_after) == (Severity.MINOR, table.clear_after)
    assert rule_for("gnss.fix", changes).severity(HealthState.FAILED) is None


@pytest.mark.parametrize(
    ("kind", "known"),
    [("can.*.state", True), ("can.body.state", True), ("gnss.fix", True), ("gnss.fx", False), ("x.y.z", False)],
)
def test_a_rule_that_can_never_match_is_found(kind: str, known: bool) -> None:  # of the table
    assert is_known(kind) is known


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
            world.nodes[node_id] = replace(world.nodes[node_id], contact=Contact.UNSURE)
        case _:
            del world.nodes[node_id]
