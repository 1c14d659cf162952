"""A few nodes, what befalls them, and the alarms that come of it; the rules are held after every step."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from wayside_manager.core.alarm_step import next_step
from wayside_manager.core.alarms import (
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
from wayside_manager.core.events import NewEvent
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

    def doubt(self, *node_ids: str) -> None:
        for node_id in node_ids:
            self.nodes[node_id] = replace(self.nodes[node_id], contact=Contact.UNSURE, silent_since=None)

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
        explained = {
            each.node_id
            for alarm in self.raised()
            for each in self.members.get(alarm.alarm_id, {}).values()
            if each.return_time is None
        }
        for event in step.events:
            assert event.kind != "alarm.raised" or event.node_id not in explained, "members are told to nobody"
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
        spoken_for: list[str] = []
        for alarm in self.raised():
            if alarm.is_area:
                missing = [each for each in self.members[alarm.alarm_id].values() if each.return_time is None]
                assert alarm.member_count == len(self.members[alarm.alarm_id])
                assert alarm.recovered_count == alarm.member_count - len(missing)
                spoken_for += [each.node_id for each in missing]
            if alarm.parent_id:
                assert self.alarms[alarm.parent_id].state is AlarmState.RAISED
            assert alarm.severity >= alarm.base_severity
        assert len(spoken_for) == len(set(spoken_for)), "one area speaks for a node"


def road(count: int, *areas: str, policy: AlarmPolicy | None = None) -> World:
    world = World(policy or AlarmPolicy())
    for number in range(count):
        world.add(f"r{number:03}", *areas)
    return world
