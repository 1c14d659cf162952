"""What the alarm engine decides on, in a few statements for all nodes: 10,000 are looked at every few seconds."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from wayside_manager.core.alarms import AlarmNode, AlarmState, Contact, Finding, Situation
from wayside_manager.core.node_health import HealthState
from wayside_manager.core.nodes import NodeKind, NodeState
from wayside_manager.core.presence import lost_limit_s
from wayside_manager.store.alarm_rows import member_of, records
from wayside_manager.store.moments import as_time, as_us
from wayside_manager.store.tables import alarm_members, alarms, corridor_sites, node_checks, node_status, nodes, sites

_US_PER_S = 1_000_000
_BAD = (HealthState.FAILED, HealthState.DEGRADED)
_NODES = (
    select(
        nodes.c.node_id,
        nodes.c.tenant_id,
        nodes.c.kind,
        nodes.c.site_id,
        node_status.c.last_report_us,
        node_status.c.report_period_us,
        node_status.c.lost_report_count,
        sites.c.backhaul,
        sites.c.power_feed,
    )
    .join(node_status, node_status.c.node_id == nodes.c.node_id)
    .outerjoin(sites, sites.c.site_id == nodes.c.site_id)
    .where(nodes.c.state == NodeState.ENROLLED)
    .order_by(nodes.c.node_id)
)


def read_situation(connection: Connection, *, now: datetime, begin_time: datetime) -> Situation:
    """Everything but what the engine holds pending."""
    findings = _findings(connection)
    corridors: dict[str, list[str]] = {}
    for row in connection.execute(select(corridor_sites.c.site_id, corridor_sites.c.corridor_id)):
        corridors.setdefault(row.site_id, []).append(f"corridors/{row.corridor_id}")
    now_us, begin_us = as_us(now), as_us(begin_time)
    node_rows: Sequence[Any] = connection.execute(_NODES).all()
    found = {
        row.node_id: _node(row, corridors.get(row.site_id or "", ()), findings.get(row.node_id, ()), now_us, begin_us)
        for row in node_rows
    }
    open_rows = list(connection.execute(select(alarms).where(alarms.c.state == AlarmState.RAISED)).all())
    area_ids = [row.alarm_id for row in open_rows if not row.node_id]
    query = select(alarm_members).join(alarms, alarms.c.alarm_id == alarm_members.c.alarm_id)
    members: dict[str, list[Any]] = {alarm_id: [] for alarm_id in area_ids}
    member_rows: Sequence[Any] = connection.execute(query.where(alarms.c.state == AlarmState.RAISED)).all()
    for each in member_rows:
        members.setdefault(each.alarm_id, []).append(member_of(each))
    return Situation(
        nodes=found,
        alarms=tuple(records(connection, open_rows)),
        members={alarm_id: tuple(rows) for alarm_id, rows in members.items()},
    )


def _findings(connection: Connection) -> dict[str, tuple[Finding, ...]]:
    found: dict[str, list[Finding]] = {}
    for row in connection.execute(select(node_checks).where(node_checks.c.state.in_(_BAD))):
        finding = Finding(row.name, HealthState(row.state), as_time(row.since_us), row.reason)
        found.setdefault(row.node_id, []).append(finding)
    return {node_id: tuple(each) for node_id, each in found.items()}


def _node(
    row: Row[Any], corridors: Iterable[str], findings: tuple[Finding, ...], now_us: int, begin_us: int
) -> AlarmNode:
    contact, lost_us = _contact(row.last_report_us, row.report_period_us, now_us, begin_us)
    own = (
        f"powerFeeds/{row.power_feed}" if row.power_feed else "",
        f"backhauls/{row.backhaul}" if row.backhaul else "",
        f"sites/{row.site_id}" if row.site_id else "",
    )
    return AlarmNode(
        node_id=row.node_id,
        tenant_id=row.tenant_id,
        kind=NodeKind(row.kind),
        contact=contact,
        silent_since=None if lost_us is None else as_time(lost_us),
        last_heard=None if row.last_report_us is None else as_time(row.last_report_us),
        site_id=row.site_id or "",
        areas=(*filter(None, own), *corridors),
        findings=findings,
        lost_report_count=row.lost_report_count,
    )


def _contact(last_us: int | None, period_us: int, now_us: int, begin_us: int) -> tuple[Contact, int | None]:
    """Whether a node is heard from, and since when it is known to be lost; one that never reported is nobody's loss."""
    if last_us is None:
        return Contact.UNSURE, None
    limit_us = int(lost_limit_s(period_us / _US_PER_S) * _US_PER_S)
    if now_us <= last_us + limit_us:
        return Contact.HEARD, None
    lost_us = max(last_us, begin_us) + limit_us
    return (Contact.SILENT, lost_us) if now_us > lost_us else (Contact.UNSURE, None)
