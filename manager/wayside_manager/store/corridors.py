"""Corridors in SQL."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from wayside_manager.core.access import Reach
from wayside_manager.core.pages import Page
from wayside_manager.core.site_checks import checked_corridor_sites, checked_percent
from wayside_manager.core.sites import CorridorRecord, CorridorSite
from wayside_manager.store.operator_rows import tenant_tree
from wayside_manager.store.owned_rows import (
    CORRIDOR,
    check_owners,
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
from wayside_manager.store.tables import corridor_sites, sites


class SqlCorridors(SqlPart):
    """The corridors' share of `ports.SiteStore`."""

    @writing
    def apply_corridor(
        self, connection: Connection, corridor: CorridorRecord, *, now: datetime, etag: str = ""
    ) -> CorridorRecord:
        """See SiteStore."""
        effect = altered(connection, (put_corridor(connection, corridor, now=now, etag=etag),), now=now)
        return replace(_the_corridor(connection, corridor.corridor_id), effect=effect)

    @reading
    def get_corridor(self, connection: Connection, corridor_id: str) -> CorridorRecord:
        """See SiteStore."""
        return _the_corridor(connection, corridor_id)

    @reading
    def list_corridors(
        self, connection: Connection, *, reach: Reach, page_size: int = 0, page_token: str = ""
    ) -> Page[CorridorRecord]:
        """See SiteStore."""
        return listed(
            connection,
            CORRIDOR,
            reach=reach,
            page_size=page_size,
            page_token=page_token,
            record=lambda row: corridor_record(row, corridor_sites_of(connection, row.corridor_id)),
        )

    @writing
    def delete_corridor(self, connection: Connection, corridor_id: str, *, etag: str = "") -> None:
        """See SiteStore."""
        row = removable(connection, CORRIDOR, corridor_id, etag=etag)
        before = _said_of(row, corridor_sites_of(connection, corridor_id))
        connection.execute(delete(corridor_sites).where(corridor_sites.c.corridor_id == corridor_id))
        remove(connection, CORRIDOR, corridor_id)
        noted(connection, CORRIDOR, corridor_id, before=before, after=None, tenant_id=row.tenant_id)


def put_corridor(connection: Connection, corridor: CorridorRecord, *, now: datetime, etag: str = "") -> Applied:
    """Creates or replaces a corridor.

    Raises: ConflictError, AlreadyExistsError, InvalidArgumentError, NotFoundError: as in SiteStore.
    """
    corridor_id, tenant_id = corridor.corridor_id, corridor.tenant_id
    row = find_row(connection, CORRIDOR, corridor_id)
    check_replaceable(row, CORRIDOR, corridor_id, tenant_id=tenant_id, etag=etag)
    wanted = checked_corridor_sites(corridor.sites, field="corridor.sites")
    _check_there(connection, wanted, tenant_id)
    values = {
        "tenant_id": tenant_id,
        "display_name": corridor.display_name,
        "is_ring": corridor.is_ring,
        "max_in_flight_percent": checked_percent(
            corridor.max_in_flight_percent, field="corridor.max_in_flight_percent"
        ),
    }
    present = corridor_sites_of(connection, corridor_id)
    before = None if row is None else _said_of(row, present)
    after = values | {"sites": _said_sites(wanted)}
    if before == after:
        return Applied(CORRIDOR, corridor_id, tenant_id)
    put(connection, CORRIDOR, corridor_id, row, values, now=now)
    _put_sites(connection, corridor_id, wanted)
    noted(connection, CORRIDOR, corridor_id, before=before, after=after, tenant_id=tenant_id)
    if row is None:  # nothing names it yet
        return Applied(CORRIDOR, corridor_id, tenant_id, is_new=True)
    moved = set(present) ^ set(wanted) if row.is_ring == corridor.is_ring else set(present) | set(wanted)
    node_ids = nodes_at(connection, sorted({site.site_id for site in moved}))
    return Applied(CORRIDOR, corridor_id, tenant_id, is_changed=True, node_ids=node_ids)


def corridor_record(row: Row[Any], own: tuple[CorridorSite, ...]) -> CorridorRecord:
    """A corridor."""
    return CorridorRecord(
        corridor_id=row.corridor_id,
        sites=own,
        is_ring=row.is_ring,
        max_in_flight_percent=row.max_in_flight_percent,
        **owned(row),
    )


def corridor_sites_of(connection: Connection, corridor_id: str) -> tuple[CorridorSite, ...]:
    """The sites of a corridor in their order."""
    query = (
        select(corridor_sites.c.site_id, corridor_sites.c.stake_m)
        .where(corridor_sites.c.corridor_id == corridor_id)
        .order_by(corridor_sites.c.place)
    )
    return tuple(CorridorSite(site_id, stake_m) for site_id, stake_m in connection.execute(query))


def _the_corridor(connection: Connection, corridor_id: str) -> CorridorRecord:
    return corridor_record(the_row(connection, CORRIDOR, corridor_id), corridor_sites_of(connection, corridor_id))


def _check_there(connection: Connection, wanted: tuple[CorridorSite, ...], tenant_id: str) -> None:
    """A road crosses tenants, but only those above and below its owner."""
    tree = tenant_tree(connection)
    about = tree.above(tenant_id) | tree.below(tenant_id)
    check_owners(connection, "sites", sites.c.site_id, (site.site_id for site in wanted), owners=about)


def _put_sites(connection: Connection, corridor_id: str, wanted: tuple[CorridorSite, ...]) -> None:
    connection.execute(delete(corridor_sites).where(corridor_sites.c.corridor_id == corridor_id))
    rows = [
        {"corridor_id": corridor_id, "place": place, "site_id": site.site_id, "stake_m": site.stake_m}
        for place, site in enumerate(wanted)
    ]
    if rows:
        connection.execute(insert(corridor_sites), rows)


def _said_of(row: Row[Any], own: tuple[CorridorSite, ...]) -> dict[str, Any]:
    names = ("tenant_id", "display_name", "is_ring", "max_in_flight_percent")
    return {name: getattr(row, name) for name in names} | {"sites": _said_sites(own)}


def _said_sites(own: tuple[CorridorSite, ...]) -> list[tuple[str, float]]:
    return [(site.site_id, site.stake_m) for site in own]
