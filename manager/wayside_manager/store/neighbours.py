"""Nodes that serve artifacts to nodes near them, in SQL."""

import math
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, or_, select

from wayside_manager.core.geometry import distance_m
from wayside_manager.core.neighbours import Candidate
from wayside_manager.core.nodes import NodeKind, NodeState, UpdatePhase
from wayside_manager.store.moments import as_time_or_none
from wayside_manager.store.operator_rows import NODES, credential_record
from wayside_manager.store.part import SqlPart, reading
from wayside_manager.store.tables import credentials, node_status, nodes, sites

_US_PER_SECOND = 1_000_000
_METRES_PER_DEGREE = 110_000.0
"""Less than a degree of latitude has anywhere: the box is never too small."""
_MAX_ROWS = 200
"""Candidates that are looked at; a site has a few."""


class SqlNeighbours(SqlPart):
    """Satisfies `ports.NeighbourStore`."""

    @reading
    def find_neighbours(
        self, connection: Connection, node_id: str, version: str, *, max_distance_m: float
    ) -> tuple[Candidate, ...]:
        """See NeighbourStore."""
        places: tuple[Any, ...] = (nodes.c.tenant_id, nodes.c.site_id, sites.c.latitude_deg, sites.c.longitude_deg)
        query = select(*places).join(sites, sites.c.site_id == nodes.c.site_id).where(nodes.c.node_id == node_id)
        own = connection.execute(query).one_or_none()
        if own is None:
            return ()
        said: tuple[Any, ...] = (
            node_status.c.peer_address,
            node_status.c.last_report_us,
            node_status.c.report_period_us,
            node_status.c.update_report,
        )
        serving = (
            select(nodes.c.node_id, *places[1:], *said)
            .join(node_status, node_status.c.node_id == nodes.c.node_id)
            .join(sites, sites.c.site_id == nodes.c.site_id)
            .where(
                nodes.c.node_id != node_id,
                nodes.c.tenant_id == own.tenant_id,
                nodes.c.kind == NodeKind.RSU,
                nodes.c.state == NodeState.ENROLLED,
                node_status.c.peer_address != "",
                node_status.c.running_release == version,
                node_status.c.update_phase == UpdatePhase.COMMITTED,
                _is_about(own, max_distance_m),
            )
            .order_by(nodes.c.site_id != own.site_id, nodes.c.node_id)
            .limit(_MAX_ROWS)
        )
        found = (_candidate(row, own) for row in connection.execute(serving))
        return tuple(each for each in found if each.distance_m <= max_distance_m)

    @reading
    def may_be_served(self, connection: Connection, node_id: str, certificate_sha256: str, *, now: datetime) -> bool:
        """See NeighbourStore."""
        row = connection.execute(select(credentials).where(credentials.c.sha256 == certificate_sha256)).one_or_none()
        if row is None or not row.holder.startswith(NODES):
            return False
        credential = credential_record(row)
        wanted = {node_id, credential.holder.removeprefix(NODES)}
        states = select(nodes.c.tenant_id, nodes.c.state).where(nodes.c.node_id.in_(sorted(wanted)))
        found = connection.execute(states).all()
        is_one_tenant = len(found) == len(wanted) and len({each.tenant_id for each in found}) == 1
        is_enrolled = all(each.state == NodeState.ENROLLED for each in found)
        return is_one_tenant and is_enrolled and credential.is_confirmed and credential.is_valid(now)


def _is_about(own: Row[Any], max_distance_m: float) -> ColumnElement[bool]:
    """At the same site, or within a box around it; the box leaves out what lies across the 180th meridian."""
    is_same: ColumnElement[bool] = nodes.c.site_id == own.site_id
    if own.latitude_deg is None or own.longitude_deg is None:
        return is_same
    high_deg = max_distance_m / _METRES_PER_DEGREE
    wide_deg = high_deg / max(0.01, math.cos(math.radians(own.latitude_deg)))
    box = and_(
        sites.c.latitude_deg.between(own.latitude_deg - high_deg, own.latitude_deg + high_deg),
        sites.c.longitude_deg.between(own.longitude_deg - wide_deg, own.longitude_deg + wide_deg),
    )
    return or_(is_same, box)


def _candidate(row: Row[Any], own: Row[Any]) -> Candidate:
    ends = (own.latitude_deg, own.longitude_deg, row.latitude_deg, row.longitude_deg)
    return Candidate(
        node_id=row.node_id,
        address=row.peer_address,
        distance_m=0.0 if row.site_id == own.site_id else distance_m(*ends),
        last_report_time=as_time_or_none(row.last_report_us),
        report_period_s=row.report_period_us / _US_PER_SECOND,
        update_report=row.update_report,
    )
