"""Sites between tables and records, and what putting one does.

Usage: `applied = put_site(connection, site, now=now)`; `check_site_of_node(connection, "k12", "haikou")`.
"""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from wayside_manager.core.missing import not_there
from wayside_manager.core.sites import Position, SiteKind, SiteRecord
from wayside_manager.store.operator_rows import tenant_tree
from wayside_manager.store.owned_rows import SITE, check_replaceable, find_row, noted, owned, put
from wayside_manager.store.place_effects import Applied, nodes_at

_SAID = (
    "tenant_id",
    "display_name",
    "kind",
    "latitude_deg",
    "longitude_deg",
    "time_zone",
    "variables",
    "backhaul",
    "power_feed",
    "exposure_class",
)


def put_site(connection: Connection, site: SiteRecord, *, now: datetime, etag: str = "") -> Applied:
    """Creates or replaces a site.

    Raises: ConflictError, AlreadyExistsError: as in SiteStore.
    """
    row = find_row(connection, SITE, site.site_id)
    check_replaceable(row, SITE, site.site_id, tenant_id=site.tenant_id, etag=etag)
    values = {
        "tenant_id": site.tenant_id,
        "display_name": site.display_name,
        "kind": site.kind,
        "latitude_deg": None if site.position is None else site.position.latitude_deg,
        "longitude_deg": None if site.position is None else site.position.longitude_deg,
        "time_zone": site.time_zone,
        "variables": json.dumps(dict(site.variables), sort_keys=True),
        "backhaul": site.backhaul,
        "power_feed": site.power_feed,
        "exposure_class": site.exposure_class,
    }
    before = None if row is None else site_said(row)
    if before == values:
        return Applied(SITE, site.site_id, site.tenant_id)
    put(connection, SITE, site.site_id, row, values, now=now)
    noted(connection, SITE, site.site_id, before=before, after=values, tenant_id=site.tenant_id)
    if before is None:  # nobody stands there yet
        return Applied(SITE, site.site_id, site.tenant_id, is_new=True)
    matters = ("variables", "latitude_deg", "longitude_deg")
    reached = any(before[name] != values[name] for name in matters)
    node_ids = nodes_at(connection, [site.site_id]) if reached else frozenset()
    return Applied(SITE, site.site_id, site.tenant_id, is_changed=True, node_ids=node_ids)


def site_record(row: Row[Any]) -> SiteRecord:
    """A site."""
    has_position = row.latitude_deg is not None and row.longitude_deg is not None
    return SiteRecord(
        site_id=row.site_id,
        kind=SiteKind(row.kind),
        position=Position(row.latitude_deg, row.longitude_deg) if has_position else None,
        time_zone=row.time_zone,
        variables=json.loads(row.variables),
        backhaul=row.backhaul,
        power_feed=row.power_feed,
        exposure_class=row.exposure_class,
        **owned(row),
    )


def check_site_of_node(connection: Connection, site_id: str, tenant_id: str) -> None:
    """Returns if a node of a tenant may stand at a site: it is of the tenant or of one above it.

    Raises: NotFoundError: it is not there, or of others.
    """
    row = find_row(connection, SITE, site_id)
    if row is None or tenant_id not in tenant_tree(connection).below(row.tenant_id):
        raise not_there("sites", site_id)


def site_said(row: Row[Any]) -> dict[str, Any]:
    """What is said of a site, for the audit trail."""
    return {name: getattr(row, name) for name in _SAID}
