"""Geofences in SQL."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import shapely
from sqlalchemy import Connection, Row

from wayside_manager.core.access import Reach
from wayside_manager.core.pages import Page
from wayside_manager.core.sites import GeofenceKind, GeofenceRecord, WeeklyHours
from wayside_manager.store.moments import as_time_or_none, as_us_or_none
from wayside_manager.store.owned_rows import (
    GEOFENCE,
    check_replaceable,
    find_row,
    listed,
    noted,
    owned,
    put,
    removable,
    remove,
    the_row,
)
from wayside_manager.store.part import SqlPart, reading, writing
from wayside_manager.store.place_effects import Applied, altered, nodes_at
from wayside_manager.store.selection import resolver


class SqlGeofences(SqlPart):
    """The geofences' share of `ports.SiteStore`."""

    @writing
    def apply_geofence(
        self, connection: Connection, geofence: GeofenceRecord, *, now: datetime, etag: str = ""
    ) -> GeofenceRecord:
        """See SiteStore."""
        effect = altered(connection, (put_geofence(connection, geofence, now=now, etag=etag),), now=now)
        return replace(geofence_record(the_row(connection, GEOFENCE, geofence.geofence_id)), effect=effect)

    @reading
    def get_geofence(self, connection: Connection, geofence_id: str) -> GeofenceRecord:
        """See SiteStore."""
        return geofence_record(the_row(connection, GEOFENCE, geofence_id))

    @reading
    def list_geofences(
        self, connection: Connection, *, reach: Reach, page_size: int = 0, page_token: str = ""
    ) -> Page[GeofenceRecord]:
        """See SiteStore."""
        return listed(
            connection, GEOFENCE, reach=reach, page_size=page_size, page_token=page_token, record=geofence_record
        )

    @writing
    def delete_geofence(self, connection: Connection, geofence_id: str, *, etag: str = "") -> None:
        """See SiteStore."""
        row = removable(connection, GEOFENCE, geofence_id, etag=etag)
        remove(connection, GEOFENCE, geofence_id)
        noted(connection, GEOFENCE, geofence_id, before=_said_of(row), after=None, tenant_id=row.tenant_id)


def put_geofence(connection: Connection, geofence: GeofenceRecord, *, now: datetime, etag: str = "") -> Applied:
    """Creates or replaces a geofence; its geometry is a valid one, as `core.geojson` checks.

    Raises: ConflictError, AlreadyExistsError: as in SiteStore.
    """
    geofence_id, tenant_id = geofence.geofence_id, geofence.tenant_id
    row = find_row(connection, GEOFENCE, geofence_id)
    check_replaceable(row, GEOFENCE, geofence_id, tenant_id=tenant_id, etag=etag)
    values = {
        "tenant_id": tenant_id,
        "display_name": geofence.display_name,
        "kind": geofence.kind,
        "geometry": geofence.geometry,
        "rule": _rule_text(geofence),
    }
    before = None if row is None else _said_of(row)
    if before == values:
        return Applied(GEOFENCE, geofence_id, tenant_id)
    put(connection, GEOFENCE, geofence_id, row, values, now=now)
    noted(connection, GEOFENCE, geofence_id, before=before, after=values, tenant_id=tenant_id)
    if row is None:  # nothing names it yet
        return Applied(GEOFENCE, geofence_id, tenant_id, is_new=True)
    node_ids: frozenset[str] = frozenset()
    if row.geometry != geofence.geometry:
        found = resolver(connection)
        inside = (found.sites_inside(shapely.from_geojson(text)) for text in (row.geometry, geofence.geometry))
        node_ids = nodes_at(connection, sorted(next(inside) ^ next(inside)))
    return Applied(GEOFENCE, geofence_id, tenant_id, is_changed=True, node_ids=node_ids)


def geofence_record(row: Row[Any]) -> GeofenceRecord:
    """A geofence."""
    rule = json.loads(row.rule)
    return GeofenceRecord(
        geofence_id=row.geofence_id,
        kind=GeofenceKind(row.kind),
        geometry=row.geometry,
        hours=tuple(WeeklyHours(frozenset(days), begin, end) for days, begin, end in rule["hours"]),
        time_zone=rule["time_zone"],
        licence=rule["licence"],
        begin_time=as_time_or_none(rule["begin_us"]),
        expire_time=as_time_or_none(rule["expire_us"]),
        hysteresis_m=rule["hysteresis_m"],
        **owned(row),
    )


def _rule_text(geofence: GeofenceRecord) -> str:
    return json.dumps(
        {
            "hours": [(sorted(hours.weekdays), hours.begin_minute, hours.end_minute) for hours in geofence.hours],
            "time_zone": geofence.time_zone,
            "licence": geofence.licence,
            "begin_us": as_us_or_none(geofence.begin_time),
            "expire_us": as_us_or_none(geofence.expire_time),
            "hysteresis_m": geofence.hysteresis_m,
        }
    )


def _said_of(row: Row[Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("tenant_id", "display_name", "kind", "geometry", "rule")}
