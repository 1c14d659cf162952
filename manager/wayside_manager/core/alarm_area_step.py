"""Area alarms, one step on: who came back, who joined, what is over, and which areas fell silent now.

Usage: `move_areas(draft)`; then `draft.explained` says which silent nodes an area alarm speaks for.
"""

from dataclasses import replace

from wayside_manager.core.access import ROOT_TENANT
from wayside_manager.core.alarm_areas import Area, common_causes, rank
from wayside_manager.core.alarm_draft import Draft
from wayside_manager.core.alarms import (
    AREA_POWER,
    AREA_UNREACHABLE,
    AlarmMember,
    AlarmNode,
    AlarmPolicy,
    AlarmRecord,
    AlarmState,
    Contact,
)
from wayside_manager.core.events import Severity
from wayside_manager.core.node_health import HealthState
from wayside_manager.core.nodes import NodeKind

_CALM = 0.5
"""A storm ends when less than so much of the share that makes one is missing: it does not begin and end by turns."""
_OVER = 0.1
"""And the alarm at less than so much: at 50 %, one member in twenty. Those are told one by one then."""


def move_areas(draft: Draft) -> None:
    """Moves area alarms on, and raises those that are new."""
    alarms = [alarm for alarm in draft.present.values() if alarm.is_area]
    alarms.sort(key=lambda alarm: (rank(alarm.subject), alarm.raise_time, alarm.alarm_id))
    for alarm in alarms:
        _return(draft, alarm)
    silent = [node for node in draft.nodes.values() if node.kind is NodeKind.RSU and node.contact is Contact.SILENT]
    for alarm in alarms:
        _join(draft, alarm, silent)
    for alarm in alarms:
        _move(draft, alarm)
    for area in common_causes(draft.nodes.values(), draft.policy, draft.now, taken=draft.explained):
        _take(draft, area)


def _return(draft: Draft, alarm: AlarmRecord) -> None:
    """Notes which members are back; the alarm speaks for the others."""
    held = draft.members[alarm.alarm_id]
    for node_id, member in held.items():
        if member.return_time is None:
            node = draft.nodes.get(node_id)
            if node is None or node.contact is Contact.HEARD:
                held[node_id] = replace(member, return_time=draft.now)
            else:
                draft.explained[node_id] = alarm.alarm_id


def _join(draft: Draft, alarm: AlarmRecord, silent: list[AlarmNode]) -> None:
    """Takes in nodes of the area that fell silent while its alarm holds, and members that are gone again."""
    held = draft.members[alarm.alarm_id]
    for node in silent:
        member = held.get(node.node_id)
        is_late = (
            alarm.subject in node.areas and node.silent_since is not None and node.silent_since >= alarm.begin_time
        )
        # whose alarm it is sees its members, and only they hear of it
        is_seen = alarm.tenant_id in {node.tenant_id, ROOT_TENANT}
        if node.node_id in draft.explained or not is_seen or not (member or is_late):
            continue  # another one has it, or it has nothing to do with this one
        held[node.node_id] = replace(member, return_time=None) if member else _member(node, draft)
        draft.explained[node.node_id] = alarm.alarm_id


def _move(draft: Draft, alarm: AlarmRecord) -> None:
    held = draft.members[alarm.alarm_id].values()
    missing = [member.node_id for member in held if member.return_time is None]
    moved = replace(
        alarm,
        member_count=len(held),
        recovered_count=len(held) - len(missing),
        is_storm=_is_storm(alarm, len(missing), len(held), draft.policy),
        message=_words(alarm.kind, alarm.subject, len(held), len(held) - len(missing)),
    )
    draft.settle(alarm, moved, is_over=_is_over(len(missing), len(held), draft.policy))
    if draft.present[alarm.alarm_id].state is AlarmState.CLEARED:
        for node_id in missing:
            del draft.explained[node_id]
    if alarm.is_storm and not moved.is_storm:
        draft.tell("alarm.calmed", moved, Severity.INFO, f"{moved.message}; rollouts may go on")


def _is_storm(alarm: AlarmRecord, missing_count: int, count: int, policy: AlarmPolicy) -> bool:
    share = policy.storm_percent * (_CALM if alarm.is_storm else 1.0)
    return missing_count >= policy.storm_min_count and 100.0 * missing_count >= share * count


def _is_over(missing_count: int, count: int, policy: AlarmPolicy) -> bool:
    return missing_count < policy.storm_min_count or 100.0 * missing_count < _OVER * policy.storm_percent * count


def _take(draft: Draft, area: Area) -> None:
    """Raises the alarm of an area that fell silent."""
    lost = [draft.nodes[node_id] for node_id in area.node_ids]
    is_power = 2 * sum(node.is_on_battery for node in lost) > len(lost)
    kind = AREA_POWER if is_power else AREA_UNREACHABLE
    severity = draft.rule(kind).severity(HealthState.FAILED)
    if severity is None or any((each, area.name) in draft.raised for each in (AREA_POWER, AREA_UNREACHABLE)):
        return
    tenants, sites = {node.tenant_id for node in lost}, {node.site_id for node in lost}
    alarm = AlarmRecord(
        alarm_id=draft.new_id(kind, area.name),
        kind=kind,
        subject=area.name,
        tenant_id=tenants.pop() if len(tenants) == 1 else ROOT_TENANT,
        base_severity=severity,
        severity=severity,
        message=_words(kind, area.name, len(lost), 0),
        begin_time=area.begin_time,
        raise_time=draft.now,
        site_id=sites.pop() if len(sites) == 1 else "",
        is_storm=True,
        member_count=len(lost),
    )
    draft.put(alarm)
    draft.members[alarm.alarm_id] = {node.node_id: _member(node, draft) for node in lost}
    draft.explained |= dict.fromkeys(area.node_ids, alarm.alarm_id)


def _member(node: AlarmNode, draft: Draft) -> AlarmMember:
    return AlarmMember(
        node.node_id, node.site_id, node.last_heard or draft.now, lost_report_count=node.lost_report_count
    )


def _words(kind: str, area: str, count: int, back: int) -> str:
    why = "the supply is gone" if kind == AREA_POWER else "silent at about once"
    returned = f", {back} are back" if back else ""
    return f"{count} nodes of {area}: {why}{returned}"
