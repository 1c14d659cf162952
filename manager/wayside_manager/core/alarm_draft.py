"""A step of the alarm engine in the making: the alarms as they will be, and what is told of them.

`alarm_area_step` and `alarm_step` write into it; only they do.
"""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from wayside_manager.core.alarm_rules import AlarmRule, rule_for
from wayside_manager.core.alarms import (
    UNREACHABLE,
    AlarmMember,
    AlarmNode,
    AlarmPolicy,
    AlarmRecord,
    AlarmState,
    AlarmStep,
    Contact,
    Key,
    Situation,
)
from wayside_manager.core.events import NewEvent, Severity

NEVER = timedelta()


@dataclass
class Draft:
    """What one step changes, as far as it has come."""

    situation: Situation
    policy: AlarmPolicy
    now: datetime
    nodes: dict[str, AlarmNode] = field(init=False)
    """Nodes in service. Their alarm knows best since when they are silent: a manager that has just begun does not."""
    present: dict[str, AlarmRecord] = field(init=False)
    """Alarms that were raised or are, by id, as they will be."""
    raised: dict[Key, str] = field(init=False)
    """Of those that are."""
    members: dict[str, dict[str, AlarmMember]] = field(init=False)
    """Of area alarms, by alarm and node."""
    explained: dict[str, str] = field(default_factory=dict)
    """Area alarm of each node that is silent because of it."""
    pending: dict[Key, datetime] = field(default_factory=dict)
    events: list[NewEvent] = field(default_factory=list)
    _rules: dict[str, AlarmRule] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.present = {alarm.alarm_id: alarm for alarm in self.situation.alarms}
        self.raised = {(alarm.kind, alarm.subject): alarm.alarm_id for alarm in self.situation.alarms}
        self.members = {
            alarm.alarm_id: {member.node_id: member for member in self.situation.members.get(alarm.alarm_id, ())}
            for alarm in self.situation.alarms
            if alarm.is_area
        }
        self.nodes = dict(self.situation.nodes)
        for alarm in self.situation.alarms:
            node = self.nodes.get(alarm.node_id)
            if alarm.kind == UNREACHABLE and alarm.over_since is None and node and node.contact is Contact.SILENT:
                since = min(alarm.begin_time, node.silent_since or alarm.begin_time)
                self.nodes[alarm.node_id] = replace(node, silent_since=since)

    def step(self) -> AlarmStep:
        """All of it."""
        before = {alarm.alarm_id: alarm for alarm in self.situation.alarms}
        changed = tuple(alarm for alarm_id, alarm in self.present.items() if before.get(alarm_id) != alarm)
        members = {
            alarm_id: tuple(set(held.values()).difference(self.situation.members.get(alarm_id, ())))
            for alarm_id, held in self.members.items()
        }
        told = {alarm_id: tuple(sorted(rows, key=_by_node)) for alarm_id, rows in members.items() if rows}
        return AlarmStep(changed, told, tuple(self.events), self.pending)

    def rule(self, kind: str) -> AlarmRule:
        """What becomes of a kind."""
        if kind not in self._rules:
            self._rules[kind] = rule_for(kind, self.policy.rules)
        return self._rules[kind]

    def new_id(self, kind: str, subject: str) -> str:
        """A name that a second manager would give the same alarm, too."""
        digest = hashlib.sha256(f"{kind}|{subject}|{self.now.isoformat()}".encode()).hexdigest()
        return f"a-{digest[:16]}"

    def put(self, alarm: AlarmRecord) -> None:
        """Raises a new one."""
        self.present[alarm.alarm_id] = alarm
        self.raised[alarm.kind, alarm.subject] = alarm.alarm_id
        self.tell("alarm.raised", alarm, alarm.severity, alarm.message)

    def settle(self, before: AlarmRecord, alarm: AlarmRecord, *, is_over: bool) -> None:
        """Lets one wait to be cleared, clears it, or takes it back from there."""
        if not is_over:
            if before.over_since is not None:
                alarm = replace(alarm, over_since=None, occurrence_count=alarm.occurrence_count + 1)
            self.present[alarm.alarm_id] = alarm
            return
        over_since = min(before.over_since or self.now, self.now)  # a clock that was ahead would keep it for years
        alarm = replace(alarm, over_since=over_since)
        if self.now - over_since >= (self.rule(alarm.kind).clear_after or NEVER):
            self.clear(alarm)
        else:
            self.present[alarm.alarm_id] = alarm

    def clear(self, alarm: AlarmRecord) -> None:
        """Ends one."""
        cleared = replace(alarm, state=AlarmState.CLEARED, clear_time=self.now, is_storm=False)
        self.present[alarm.alarm_id] = cleared
        self.raised.pop((alarm.kind, alarm.subject), None)
        if not alarm.parent_id:
            self.tell("alarm.cleared", cleared, Severity.INFO, f"over: {alarm.message}")

    def tell(self, kind: str, alarm: AlarmRecord, severity: Severity, message: str) -> None:
        """Adds an event, if anybody wants to hear of the alarm."""
        if alarm.shelve_end is not None:
            return
        self.events.append(
            NewEvent(
                kind=kind,
                time=self.now,
                subject=f"alarms/{alarm.alarm_id}",
                message=f"{alarm.kind} of {alarm.subject}: {message}",
                severity=severity,
                node_id=alarm.node_id,
                site_id=alarm.site_id,
                tenant_id=alarm.tenant_id,
                details={
                    "alarm_kind": alarm.kind,
                    "alarm_subject": alarm.subject,
                    "member_count": alarm.member_count,
                    "recovered_count": alarm.recovered_count,
                },
            )
        )


def _by_node(member: AlarmMember) -> str:
    return member.node_id
