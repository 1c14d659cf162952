"""One step of the alarm engine: from what holds now and what was raised before to what is raised, folded and cleared.

Pure and repeatable: the same situation a second later changes nothing but what time changes.

    step = next_step(situation, policy, now)
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from wayside_manager.core.alarm_area_step import move_areas
from wayside_manager.core.alarm_draft import NEVER, Draft
from wayside_manager.core.alarm_trust_step import move_trust
from wayside_manager.core.alarms import (
    SHELF_END_MAX,
    UNREACHABLE,
    AlarmNode,
    AlarmPolicy,
    AlarmRecord,
    AlarmState,
    AlarmStep,
    Contact,
    Situation,
)
from wayside_manager.core.events import Severity
from wayside_manager.core.node_health import HealthState
from wayside_manager.core.nodes import NodeKind


@dataclass(frozen=True, slots=True)
class _Condition:
    """Something that is wrong now."""

    severity: Severity
    message: str
    since: datetime


def next_step(situation: Situation, policy: AlarmPolicy, now: datetime) -> AlarmStep:
    """What changes now."""
    draft = Draft(situation, policy, now)
    move_areas(draft)
    _move_nodes(draft)
    move_trust(draft)
    for alarm in list(draft.present.values()):
        if alarm.state is AlarmState.RAISED:
            draft.present[alarm.alarm_id] = _escalated(draft, _unshelved(draft, alarm))
    return draft.step()


def _move_nodes(draft: Draft) -> None:
    """Raises, folds and clears the alarms of nodes."""
    own: dict[str, list[AlarmRecord]] = {}
    for alarm in draft.present.values():
        if alarm.node_id:
            own.setdefault(alarm.node_id, []).append(alarm)
    for node in draft.nodes.values():
        conditions = _conditions(draft, node)
        for kind, condition in conditions.items():
            _hold(draft, node, kind, condition)
        for alarm in own.get(node.node_id, ()):
            _judge(draft, node, alarm, conditions)
    for node_id in own.keys() - draft.nodes.keys():  # out of service: nobody needs to hear of it any more
        for alarm in own[node_id]:
            draft.clear(replace(alarm, over_since=alarm.over_since or draft.now))


def _conditions(draft: Draft, node: AlarmNode) -> dict[str, _Condition]:
    """What is wrong with a node that is heard from; of a silent one only that it is silent."""
    if node.contact is Contact.HEARD:
        severities = {found: draft.rule(found.kind).severity(found.state) for found in node.findings}
        return {
            found.kind: _Condition(severity, found.reason or f"{found.kind} is {found.state}", found.since)
            for found, severity in severities.items()
            if severity is not None
        }
    severity = draft.rule(UNREACHABLE).severity(HealthState.FAILED)
    if node.contact is Contact.UNSURE or node.kind is not NodeKind.RSU or node.silent_since is None or severity is None:
        return {}
    heard = f"{node.last_heard:%Y-%m-%d %H:%M:%S} UTC" if node.last_heard else "never"
    return {UNREACHABLE: _Condition(severity, f"nothing is heard of it; last word: {heard}", node.silent_since)}


def _hold(draft: Draft, node: AlarmNode, kind: str, condition: _Condition) -> None:
    """Raises what has held long enough and is not raised yet."""
    key = (kind, f"nodes/{node.node_id}")
    if key in draft.raised:
        return
    if kind == UNREACHABLE and node.node_id in draft.explained:
        return  # the area says it
    seen = min(draft.situation.pending.get(key, draft.now), draft.now)
    # silence is measured by the manager; of a check counts since when the manager knows of it
    since = condition.since if kind == UNREACHABLE else seen
    if draft.now - since < (draft.rule(kind).raise_after or NEVER):
        draft.pending[key] = seen
        return
    draft.put(
        AlarmRecord(
            alarm_id=draft.new_id(*key),
            kind=kind,
            subject=key[1],
            tenant_id=node.tenant_id,
            base_severity=condition.severity,
            severity=condition.severity,
            message=condition.message,
            begin_time=min(condition.since, draft.now),
            raise_time=draft.now,
            node_id=node.node_id,
            site_id=node.site_id,
        )
    )


def _judge(draft: Draft, node: AlarmNode, alarm: AlarmRecord, conditions: Mapping[str, _Condition]) -> None:
    """Moves an alarm of a node on."""
    alarm = _folded(draft, node, alarm)
    if node.contact is Contact.UNSURE or (node.contact is Contact.SILENT and alarm.kind != UNREACHABLE):
        draft.present[alarm.alarm_id] = alarm  # nobody knows how that is now
        return
    condition = conditions.get(alarm.kind)
    moved = alarm
    if condition is not None:
        moved = replace(
            alarm,
            base_severity=condition.severity,
            severity=_worse(condition.severity, alarm.escalation_level),
            message=condition.message,
        )
    draft.settle(alarm, moved, is_over=condition is None)


def _folded(draft: Draft, node: AlarmNode, alarm: AlarmRecord) -> AlarmRecord:
    """The alarm as a member of the area alarm that explains it, or on its own again."""
    parent_id = draft.explained.get(node.node_id, "")
    if parent_id == alarm.parent_id:
        return alarm
    parent = draft.present.get(alarm.parent_id)
    if alarm.kind == UNREACHABLE and node.contact is Contact.HEARD and parent and parent.state is AlarmState.RAISED:
        return alarm  # it is back: what nobody heard of ends as quietly
    folded = replace(alarm, parent_id=parent_id)
    if parent_id and not alarm.parent_id:
        draft.tell("alarm.folded", folded, Severity.INFO, f"explained by alarms/{parent_id}: {alarm.message}")
    elif not parent_id and node.contact is not Contact.HEARD:
        draft.tell("alarm.raised", folded, folded.severity, alarm.message)
    return folded


def _unshelved(draft: Draft, alarm: AlarmRecord) -> AlarmRecord:
    """The alarm without a shelf that is over; one that is longer than any comes from a clock that was ahead."""
    if alarm.shelve_end is None or draft.now < alarm.shelve_end <= draft.now + SHELF_END_MAX:
        return alarm
    alarm = replace(alarm, shelve_end=None)
    if not alarm.parent_id:
        draft.tell("alarm.unshelved", alarm, alarm.severity, alarm.message)
    return alarm


def _escalated(draft: Draft, alarm: AlarmRecord) -> AlarmRecord:
    """The alarm, worse if nobody has taken it on for long."""
    after = draft.policy.escalate_after
    if after <= NEVER or alarm.acknowledger or alarm.over_since is not None or not alarm.is_told:
        return alarm
    level = min(int((draft.now - alarm.raise_time) / after), Severity.CRITICAL - Severity.INFO)
    if level <= alarm.escalation_level:
        return alarm
    severity = _worse(alarm.base_severity, level)
    escalated = replace(alarm, escalation_level=level, severity=severity)
    if severity > alarm.severity:
        draft.tell("alarm.escalated", escalated, severity, f"nobody has taken it on: {alarm.message}")
    return escalated


def _worse(base: Severity, level: int) -> Severity:
    return Severity(min(base + level, Severity.CRITICAL))
