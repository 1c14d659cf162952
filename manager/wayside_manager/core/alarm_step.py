"""One step of the alarm engine: from what holds now and what was raised before to what is raised, folded and cleared.

Pure and repeatable: the same situation a second later changes nothing but what time changes.

    step = next_step(situation, policy, now)
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from wayside_manager.core.alarm_areas import Area, common_causes
from wayside_manager.core.alarm_rules import AlarmRule, rule_for
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
    Key,
    Situation,
)
from wayside_manager.core.events import NewEvent, Severity
from wayside_manager.core.node_health import HealthState
from wayside_manager.core.nodes import NodeKind

_NEVER = timedelta()


@dataclass(frozen=True, slots=True)
class _Condition:
    """Something that is wrong now."""

    severity: Severity
    message: str
    since: datetime


def next_step(situation: Situation, policy: AlarmPolicy, now: datetime) -> AlarmStep:
    """What changes now."""
    engine = _Engine(situation, policy, now)
    engine.areas()
    engine.nodes()
    engine.people()
    return engine.step()


@dataclass
class _Engine:
    """A step in the making."""

    situation: Situation
    policy: AlarmPolicy
    now: datetime
    present: dict[str, AlarmRecord] = field(init=False)
    """Raised alarms by id, as they will be."""
    by_key: dict[Key, str] = field(init=False)
    members: dict[str, dict[str, AlarmMember]] = field(init=False)
    explained: dict[str, str] = field(default_factory=dict)
    """Area alarm of each node that is silent because of it."""
    pending: dict[Key, datetime] = field(default_factory=dict)
    events: list[NewEvent] = field(default_factory=list)
    _rules: dict[str, AlarmRule] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.present = {alarm.alarm_id: alarm for alarm in self.situation.alarms}
        self.by_key = {(alarm.kind, alarm.subject): alarm.alarm_id for alarm in self.situation.alarms}
        self.members = {
            alarm.alarm_id: {member.node_id: member for member in self.situation.members.get(alarm.alarm_id, ())}
            for alarm in self.situation.alarms
            if alarm.is_area
        }

    def step(self) -> AlarmStep:
        """All of it."""
        before = {alarm.alarm_id: alarm for alarm in self.situation.alarms}
        changed = tuple(alarm for alarm_id, alarm in self.present.items() if before.get(alarm_id) != alarm)
        members = {
            alarm_id: tuple(
                member for member in held.values() if member not in self.situation.members.get(alarm_id, ())
            )
            for alarm_id, held in self.members.items()
        }
        told = {alarm_id: rows for alarm_id, rows in members.items() if rows}
        return AlarmStep(changed, told, tuple(self.events), self.pending)

    # --- areas

    def areas(self) -> None:
        """Moves area alarms on, and raises those that are new."""
        for alarm in [alarm for alarm in self.present.values() if alarm.is_area]:
            self._move_area(alarm)
        found = common_causes(self.situation.nodes.values(), self.policy, self.now, taken=self.explained)
        for area in found:
            self._take_area(area)

    def _move_area(self, alarm: AlarmRecord) -> None:
        held = self.members[alarm.alarm_id]
        for node_id, member in list(held.items()):
            node = self.situation.nodes.get(node_id)
            if node is None or node.contact is Contact.HEARD:
                if member.return_time is None:
                    held[node_id] = replace(member, return_time=self.now)
            elif node.contact is Contact.SILENT and member.return_time is not None:
                held[node_id] = replace(member, return_time=None)
        self._join(alarm)
        missing = [member.node_id for member in held.values() if member.return_time is None]
        is_over = len(missing) < self.policy.storm_min_count
        moved = replace(
            alarm,
            member_count=len(held),
            recovered_count=len(held) - len(missing),
            is_storm=not is_over and 200.0 * len(missing) >= self.policy.storm_percent * len(held),
            message=_area_words(alarm.kind, alarm.subject, len(held), len(held) - len(missing)),
        )
        self._settle(alarm, moved, is_over=is_over)
        if self.present[alarm.alarm_id].state is AlarmState.RAISED:
            self.explained |= dict.fromkeys(missing, alarm.alarm_id)
        if alarm.is_storm and not moved.is_storm:
            self._tell("area.restored", moved, Severity.INFO, f"{moved.message}; rollouts may go on")

    def _join(self, alarm: AlarmRecord) -> None:
        """Nodes of the area that fell silent while its alarm holds belong to it, too."""
        held = self.members[alarm.alarm_id]
        for node in self.situation.nodes.values():
            if (
                node.node_id not in held
                and node.kind is NodeKind.RSU
                and node.contact is Contact.SILENT
                and alarm.subject in node.areas
                and node.silent_since is not None
                and node.silent_since >= alarm.begin_time
            ):
                held[node.node_id] = AlarmMember(node.node_id, node.site_id, node.last_heard or node.silent_since)

    def _take_area(self, area: Area) -> None:
        lost = [self.situation.nodes[node_id] for node_id in area.node_ids]
        is_power = area.name.startswith("powerFeeds/") or 2 * sum(node.is_on_battery for node in lost) > len(lost)
        kind = AREA_POWER if is_power else AREA_UNREACHABLE
        rule = self._rule(kind)
        severity = rule.severity(HealthState.FAILED)
        if severity is None:
            return
        tenants, sites = {node.tenant_id for node in lost}, {node.site_id for node in lost}
        alarm = AlarmRecord(
            alarm_id=_new_id(kind, area.name, self.now),
            kind=kind,
            subject=area.name,
            tenant_id=tenants.pop() if len(tenants) == 1 else "root",
            base_severity=severity,
            severity=severity,
            message=_area_words(kind, area.name, len(lost), 0),
            begin_time=area.begin_time,
            raise_time=self.now,
            site_id=sites.pop() if len(sites) == 1 else "",
            is_storm=True,
            member_count=len(lost),
        )
        if (kind, area.name) in self.by_key:  # one of this kind waits to be cleared: it is back
            return
        self.present[alarm.alarm_id] = alarm
        self.by_key[kind, area.name] = alarm.alarm_id
        self.members[alarm.alarm_id] = {
            node.node_id: AlarmMember(node.node_id, node.site_id, node.last_heard or self.now) for node in lost
        }
        self.explained |= {node.node_id: alarm.alarm_id for node in lost}
        self._tell("alarm.raised", alarm, alarm.severity, alarm.message)

    # --- nodes

    def nodes(self) -> None:
        """Raises, folds and clears the alarms of nodes."""
        own: dict[str, list[AlarmRecord]] = {}
        for alarm in self.present.values():
            if not alarm.is_area:
                own.setdefault(alarm.node_id, []).append(alarm)
        for node in self.situation.nodes.values():
            conditions = dict(self._conditions(node))
            for kind, condition in conditions.items():
                self._hold(node, kind, condition)
            for alarm in own.get(node.node_id, ()):
                self._judge(node, alarm, conditions)
        for node_id in own.keys() - self.situation.nodes.keys():  # out of service: nobody needs to hear of it any more
            for alarm in own[node_id]:
                self._clear(replace(alarm, over_since=alarm.over_since or self.now))

    def _conditions(self, node: AlarmNode) -> Iterator[tuple[str, _Condition]]:
        """What is wrong with a node that is heard from; of a silent one only that it is silent."""
        if node.contact is Contact.SILENT and node.kind is NodeKind.RSU and node.silent_since is not None:
            severity = self._rule(UNREACHABLE).severity(HealthState.FAILED)
            if severity is not None:
                heard = f"{node.last_heard:%Y-%m-%d %H:%M:%S} UTC" if node.last_heard else "never"
                yield (
                    UNREACHABLE,
                    _Condition(severity, f"nothing is heard of it; last word: {heard}", node.silent_since),
                )
        if node.contact is not Contact.HEARD:
            return
        for found in node.findings:
            severity = self._rule(found.kind).severity(found.state)
            if severity is not None:
                yield found.kind, _Condition(severity, found.reason or f"{found.kind} is {found.state}", found.since)

    def _hold(self, node: AlarmNode, kind: str, condition: _Condition) -> None:
        """Raises what has held long enough and is not raised yet."""
        key = (kind, f"nodes/{node.node_id}")
        if key in self.by_key:
            return
        if kind == UNREACHABLE and node.node_id in self.explained:
            return  # the area says it
        seen = min(self.situation.pending.get(key, self.now), self.now)
        # silence is measured by the manager; of a check counts since when the manager knows of it
        since = condition.since if kind == UNREACHABLE else seen
        if self.now - since < (self._rule(kind).raise_after or _NEVER):
            self.pending[key] = seen
            return
        alarm = AlarmRecord(
            alarm_id=_new_id(*key, self.now),
            kind=kind,
            subject=key[1],
            tenant_id=node.tenant_id,
            base_severity=condition.severity,
            severity=condition.severity,
            message=condition.message,
            begin_time=min(condition.since, self.now),
            raise_time=self.now,
            node_id=node.node_id,
            site_id=node.site_id,
        )
        self.present[alarm.alarm_id] = alarm
        self.by_key[key] = alarm.alarm_id
        self._tell("alarm.raised", alarm, alarm.severity, alarm.message)

    def _judge(self, node: AlarmNode, alarm: AlarmRecord, conditions: Mapping[str, _Condition]) -> None:
        """Moves an alarm of a node on."""
        alarm = self._folded(node, alarm)
        if node.contact is Contact.UNSURE or (node.contact is Contact.SILENT and alarm.kind != UNREACHABLE):
            self.present[alarm.alarm_id] = alarm  # nobody knows how that is now
            return
        condition = conditions.get(alarm.kind)
        moved = alarm
        if condition is not None:
            moved = replace(
                alarm,
                base_severity=condition.severity,
                severity=_escalated(condition.severity, alarm.escalation_level),
                message=condition.message,
            )
        self._settle(alarm, moved, is_over=condition is None)

    def _folded(self, node: AlarmNode, alarm: AlarmRecord) -> AlarmRecord:
        """The alarm as a member of the area alarm that explains it, or on its own again."""
        parent_id = self.explained.get(node.node_id, "")
        if parent_id == alarm.parent_id:
            return alarm
        folded = replace(alarm, parent_id=parent_id)
        if parent_id:
            self._tell("alarm.folded", folded, Severity.INFO, f"explained by alarms/{parent_id}: {alarm.message}")
        elif node.contact is not Contact.HEARD:
            self._tell("alarm.raised", folded, folded.severity, alarm.message)
        return folded

    # --- what both have in common

    def _settle(self, before: AlarmRecord, alarm: AlarmRecord, *, is_over: bool) -> None:
        """Lets it wait to be cleared, clears it, or takes it back from there."""
        if not is_over:
            if before.over_since is not None:
                alarm = replace(alarm, over_since=None, occurrence_count=alarm.occurrence_count + 1)
            self.present[alarm.alarm_id] = alarm
            return
        over_since = before.over_since or self.now
        alarm = replace(alarm, over_since=over_since)
        if self.now - over_since >= (self._rule(alarm.kind).clear_after or _NEVER):
            self._clear(alarm)
        else:
            self.present[alarm.alarm_id] = alarm

    def _clear(self, alarm: AlarmRecord) -> None:
        cleared = replace(alarm, state=AlarmState.CLEARED, clear_time=self.now, is_storm=False)
        self.present[alarm.alarm_id] = cleared
        self.by_key.pop((alarm.kind, alarm.subject), None)
        if not alarm.parent_id:
            self._tell("alarm.cleared", cleared, Severity.INFO, f"over: {alarm.message}")

    def people(self) -> None:
        """Ends shelves that are over, and escalates what nobody has taken on."""
        for alarm in list(self.present.values()):
            if alarm.state is not AlarmState.RAISED:
                continue
            if alarm.shelve_end is not None and alarm.shelve_end <= self.now:
                alarm = replace(alarm, shelve_end=None)  # noqa: PLW2901  # the same alarm, a step on
                self._tell("alarm.unshelved", alarm, alarm.severity, alarm.message)
            level = self._level(alarm)
            if level > alarm.escalation_level:
                severity = _escalated(alarm.base_severity, level)
                is_worse = severity > alarm.severity
                alarm = replace(alarm, escalation_level=level, severity=severity)  # noqa: PLW2901  # as above
                if is_worse:
                    self._tell("alarm.escalated", alarm, severity, f"nobody has taken it on: {alarm.message}")
            self.present[alarm.alarm_id] = alarm

    def _level(self, alarm: AlarmRecord) -> int:
        """How often it should have been escalated by now."""
        if self.policy.escalate_after <= _NEVER or alarm.acknowledger or not alarm.is_told:
            return alarm.escalation_level
        steps = int((self.now - alarm.raise_time) / self.policy.escalate_after)
        return min(steps, Severity.CRITICAL - Severity.INFO)

    def _rule(self, kind: str) -> AlarmRule:
        if kind not in self._rules:
            self._rules[kind] = rule_for(kind, self.policy.rules)
        return self._rules[kind]

    def _tell(self, kind: str, alarm: AlarmRecord, severity: Severity, message: str) -> None:
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


def _escalated(base: Severity, level: int) -> Severity:
    return Severity(min(base + level, Severity.CRITICAL))


def _area_words(kind: str, area: str, count: int, back: int) -> str:
    why = "the supply is gone" if kind == AREA_POWER else "silent at about once"
    returned = f", {back} are back" if back else ""
    return f"{count} nodes of {area}: {why}{returned}"


def _new_id(kind: str, subject: str, now: datetime) -> str:
    """A name that a second manager would give the same alarm, too."""
    digest = hashlib.sha256(f"{kind}|{subject}|{now.isoformat()}".encode()).hexdigest()
    return f"a-{digest[:16]}"
