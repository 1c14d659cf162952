"""What the alarm engine decides on, in a few statements for all nodes: 10,000 are looked at every few seconds."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, func, select, tuple_

from wayside_manager.core.alarms import AlarmMember, AlarmNode, AlarmState, Contact, Finding, Situation, TrustEnd
from wayside_manager.core.node_health import HealthState
from wayside_manager.core.nodes import NodeKind, NodeState
from wayside_manager.core.release_trust.files import TrustRole
from wayside_manager.store.alarm_rows import member_of, records
from wayside_manager.store.moments import as_time, as_us
from wayside_manager.store.rollout_holds import lost_limit_us
from wayside_manager.store.tables import (
    alarm_members,
    alarms,
    corridor_sites,
    node_checks,
    node_status,
    nodes,
    sites,
    trust_files,
)

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
    )
    .join(node_status, node_status.c.node_id == nodes.c.node_id)
    .where(nodes.c.state == NodeState.ENROLLED)
    .order_by(nodes.c.node_id)
)
_SIGNED_BY_PEOPLE = (TrustRole.ROOT, TrustRole.TARGETS)
_KINDS = {str(kind): kind for kind in NodeKind}


def read_situation(connection: Connection, *, now: datetime, begin_time: datetime) -> Situation:
    """Everything but what the engine holds pending."""
    raised = list(connection.execute(select(alarms).where(alarms.c.state == AlarmState.RAISED)).all())
    query = select(alarm_members).join(alarms, alarms.c.alarm_id == alarm_members.c.alarm_id)
    members: dict[str, list[AlarmMember]] = {}
    for row in connection.execute(query.where(alarms.c.state == AlarmState.RAISED)).all():
        members.setdefault(row.alarm_id, []).append(member_of(row))
    found = _nodes(connection, as_us(now), as_us(begin_time))
    return Situation(
        nodes={node.node_id: node for node in found},
        alarms=tuple(records(connection, raised)),
        members={alarm_id: tuple(each) for alarm_id, each in members.items()},
        trust_ends=tuple(_trust_ends(connection)),
    )


def _trust_ends(connection: Connection) -> Iterable[TrustEnd]:
    """When the newest of each file that people sign ends; the manager renews the others by itself."""
    key = (trust_files.c.repository, trust_files.c.role)
    newest = select(*key, func.max(trust_files.c.version)).where(trust_files.c.role.in_(_SIGNED_BY_PEOPLE))
    is_newest = tuple_(*key, trust_files.c.version).in_(newest.group_by(*key))
    for repository, role, expire_us in connection.execute(select(*key, trust_files.c.expire_us).where(is_newest)):
        yield TrustEnd(repository, role, as_time(expire_us))


def _nodes(connection: Connection, now_us: int, begin_us: int) -> Iterable[AlarmNode]:
    areas, findings = _areas(connection), _findings(connection)
    # by place, not by name: that takes a third of the time
    for node_id, tenant_id, kind, site_id, last_us, period_us, lost_count in connection.execute(_NODES).all():
        contact, lost_us = _contact(last_us, period_us, now_us, begin_us)
        yield AlarmNode(
            node_id,
            tenant_id,
            _KINDS[kind],
            contact,
            None if lost_us is None else as_time(lost_us),
            None if last_us is None else as_time(last_us),
            site_id or "",
            areas.get(site_id, ()),
            findings.get(node_id, ()),
            lost_count,
        )


def _areas(connection: Connection) -> dict[str, tuple[str, ...]]:
    """What nodes of a site may have in common with others."""
    corridors: dict[str, list[str]] = {}
    for row in connection.execute(select(corridor_sites.c.site_id, corridor_sites.c.corridor_id)).all():
        corridors.setdefault(row.site_id, []).append(f"corridors/{row.corridor_id}")
    found = {}
    for site_id, backhaul, feed in connection.execute(select(sites.c.site_id, sites.c.backhaul, sites.c.power_feed)):
        causes = (f"powerFeeds/{feed}" if feed else "", f"backhauls/{backhaul}" if backhaul else "")
        found[site_id] = (*filter(None, causes), f"sites/{site_id}", *corridors.get(site_id, ()))
    return found


def _findings(connection: Connection) -> dict[str, tuple[Finding, ...]]:
    found: dict[str, list[Finding]] = {}
    for row in connection.execute(select(node_checks).where(node_checks.c.state.in_(_BAD))).all():
        finding = Finding(row.name, HealthState(row.state), as_time(row.since_us), row.reason)
        found.setdefault(row.node_id, []).append(finding)
    return {node_id: tuple(each) for node_id, each in found.items()}


def _contact(last_us: int | None, period_us: int, now_us: int, begin_us: int) -> tuple[Contact, int | None]:
    """Whether a node is heard from, and since when it is known to be lost; one that never reported is nobody's loss."""
    if last_us is None:
        return Contact.UNSURE, None
    limit_us = lost_limit_us(period_us)
    if now_us <= last_us + limit_us:
        return Contact.HEARD, None
    lost_us = max(last_us, begin_us) + limit_us
    return (Contact.SILENT, lost_us) if now_us > lost_us else (Contact.UNSURE, None)
