"""Alarms between tables and records, and the policy as the JSON of one column."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select

from wayside_manager.core.alarm_rules import AlarmRule
from wayside_manager.core.alarms import AlarmMember, AlarmPolicy, AlarmRecord, AlarmState
from wayside_manager.core.events import Severity
from wayside_manager.store.moments import as_time, as_time_or_none, as_us, as_us_or_none
from wayside_manager.store.node_rows import parts
from wayside_manager.store.tables import alarm_members, alarm_policy, alarms

POLICY = 1


def alarm_record(row: Row[Any], counts: Mapping[str, tuple[int, int]]) -> AlarmRecord:
    """An alarm; `counts` has the members of area alarms, all and those that are back."""
    member_count, recovered_count = counts.get(row.alarm_id, (1, 0)) if not row.node_id else (1, 0)
    return AlarmRecord(
        alarm_id=row.alarm_id,
        kind=row.kind,
        subject=row.subject,
        tenant_id=row.tenant_id,
        base_severity=Severity(row.base_severity),
        severity=Severity(row.severity),
        message=row.message,
        begin_time=as_time(row.begin_us),
        raise_time=as_time(row.raise_us),
        node_id=row.node_id,
        site_id=row.site_id,
        state=AlarmState(row.state),
        clear_time=as_time_or_none(row.clear_us),
        over_since=as_time_or_none(row.over_us),
        occurrence_count=row.occurrence_count,
        acknowledger=row.acknowledger,
        acknowledge_time=as_time_or_none(row.acknowledge_us),
        note=row.note,
        shelve_end=as_time_or_none(row.shelve_end_us),
        escalation_level=row.escalation_level,
        parent_id=row.parent_id,
        is_storm=row.is_storm,
        etag=str(row.revision),
        member_count=member_count,
        recovered_count=recovered_count,
    )


def engine_columns(alarm: AlarmRecord) -> dict[str, Any]:
    """The columns the engine decides on; what people say of an alarm is not among them."""
    return {
        "severity": int(alarm.severity),
        "base_severity": int(alarm.base_severity),
        "state": alarm.state,
        "message": alarm.message,
        "clear_us": as_us_or_none(alarm.clear_time),
        "over_us": as_us_or_none(alarm.over_since),
        "occurrence_count": alarm.occurrence_count,
        "escalation_level": alarm.escalation_level,
        "parent_id": alarm.parent_id,
        "is_storm": alarm.is_storm,
    }


def new_columns(alarm: AlarmRecord) -> dict[str, Any]:
    """All columns of an alarm that is raised."""
    return engine_columns(alarm) | {
        "alarm_id": alarm.alarm_id,
        "tenant_id": alarm.tenant_id,
        "kind": alarm.kind,
        "subject": alarm.subject,
        "node_id": alarm.node_id,
        "site_id": alarm.site_id,
        "begin_us": as_us(alarm.begin_time),
        "raise_us": as_us(alarm.raise_time),
        "acknowledger": "",
        "acknowledge_us": None,
        "note": "",
        "shelve_end_us": None,
        "revision": 1,
    }


def member_of(row: Row[Any]) -> AlarmMember:
    """One node of an area alarm."""
    lost_time, return_time = as_time(row.lost_us), as_time_or_none(row.return_us)
    return AlarmMember(row.node_id, row.site_id, lost_time, return_time, row.lost_report_count)


def member_counts(connection: Connection, alarm_ids: list[str]) -> dict[str, tuple[int, int]]:
    """Members of area alarms: all, and those that are back."""
    found: dict[str, tuple[int, int]] = {}
    for part in parts(alarm_ids):
        query = (
            select(alarm_members.c.alarm_id, func.count(), func.count(alarm_members.c.return_us))
            .where(alarm_members.c.alarm_id.in_(part))
            .group_by(alarm_members.c.alarm_id)
        )
        found |= {alarm_id: (count, back) for alarm_id, count, back in connection.execute(query).all()}
    return found


def records(connection: Connection, rows: list[Row[Any]]) -> list[AlarmRecord]:
    """Alarms with the counts of their members."""
    counts = member_counts(connection, [row.alarm_id for row in rows if not row.node_id])
    return [alarm_record(row, counts) for row in rows]


def find_alarm(connection: Connection, alarm_id: str) -> AlarmRecord | None:
    """One alarm; `None`: there is none."""
    row = connection.execute(select(alarms).where(alarms.c.alarm_id == alarm_id)).one_or_none()
    return None if row is None else records(connection, [row])[0]


def policy_of(connection: Connection) -> AlarmPolicy:
    """The policy; its defaults as long as nobody has set it."""
    row = connection.execute(select(alarm_policy).where(alarm_policy.c.policy_id == POLICY)).one_or_none()
    if row is None:
        return AlarmPolicy(etag="0")
    fields = json.loads(row.policy)
    return AlarmPolicy(
        rules={kind: _rule(each) for kind, each in fields["rules"].items()},
        storm_percent=fields["storm_percent"],
        storm_min_count=fields["storm_min_count"],
        storm_window=timedelta(seconds=fields["storm_window_s"]),
        escalate_after=timedelta(seconds=fields["escalate_after_s"]),
        reconnects_per_s=fields["reconnects_per_s"],
        etag=str(row.revision),
    )


def policy_fields(policy: AlarmPolicy) -> dict[str, Any]:
    """The policy as JSON keeps it."""
    return {
        "rules": {kind: _rule_fields(rule) for kind, rule in sorted(policy.rules.items())},
        "storm_percent": policy.storm_percent,
        "storm_min_count": policy.storm_min_count,
        "storm_window_s": policy.storm_window.total_seconds(),
        "escalate_after_s": policy.escalate_after.total_seconds(),
        "reconnects_per_s": policy.reconnects_per_s,
    }


def _rule(fields: Mapping[str, Any]) -> AlarmRule:
    return AlarmRule(
        Severity(fields["failed"]) if fields["failed"] else None,
        Severity(fields["degraded"]) if fields["degraded"] else None,
        None if fields["raise_after_s"] is None else timedelta(seconds=fields["raise_after_s"]),
        None if fields["clear_after_s"] is None else timedelta(seconds=fields["clear_after_s"]),
        fields["is_silenced"],
    )


def _rule_fields(rule: AlarmRule) -> dict[str, Any]:
    return {
        "failed": int(rule.failed or 0),
        "degraded": int(rule.degraded or 0),
        "raise_after_s": None if rule.raise_after is None else rule.raise_after.total_seconds(),
        "clear_after_s": None if rule.clear_after is None else rule.clear_after.total_seconds(),
        "is_silenced": rule.is_silenced,
    }
