"""Sites in SQL, and with them corridors, groups, geofences and imports."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from wayside_manager.core.access import EVERYWHERE, Reach
from wayside_manager.core.nodes import NodeState
from wayside_manager.core.pages import Page, checked_page_size, position
from wayside_manager.core.pages import page_token as next_token
from wayside_manager.core.selectors import NodeSelector
from wayside_manager.core.sites import SiteRecord
from wayside_manager.store.corridors import SqlCorridors
from wayside_manager.store.geofences import SqlGeofences
from wayside_manager.store.groups import SqlGroups
from wayside_manager.store.node_rows import parts, selectables
from wayside_manager.store.owned_rows import (
    SITE,
    check_unnamed,
    in_use,
    listed,
    noted,
    remove,
    the_row,
)
from wayside_manager.store.part import changed, check_etag, reading, writing
from wayside_manager.store.place_effects import altered
from wayside_manager.store.place_import import SqlPlaceImport
from wayside_manager.store.reaches import covers_node
from wayside_manager.store.selection import resolver
from wayside_manager.store.selector_text import selector_text
from wayside_manager.store.site_rows import put_site, site_record, site_said
from wayside_manager.store.tables import corridor_sites, nodes


class SqlSites(SqlCorridors, SqlGroups, SqlGeofences, SqlPlaceImport):
    """Satisfies `ports.SiteStore`."""

    @writing
    def apply_site(self, connection: Connection, site: SiteRecord, *, now: datetime, etag: str = "") -> SiteRecord:
        """See SiteStore."""
        applied = put_site(connection, site, now=now, etag=etag)
        effect = altered(connection, (applied,), now=now)
        return replace(site_record(the_row(connection, SITE, site.site_id)), effect=effect)

    @reading
    def get_site(self, connection: Connection, site_id: str, *, reach: Reach = EVERYWHERE) -> SiteRecord:
        """See SiteStore."""
        site = site_record(the_row(connection, SITE, site_id))
        return replace(site, node_count=_node_counts(connection, [site_id], reach).get(site_id, 0))

    @reading
    def list_sites(
        self, connection: Connection, *, reach: Reach, page_size: int = 0, page_token: str = ""
    ) -> Page[SiteRecord]:
        """See SiteStore."""
        page = listed(connection, SITE, reach=reach, page_size=page_size, page_token=page_token, record=site_record)
        counts = _node_counts(connection, [site.site_id for site in page.items], reach)
        items = tuple(replace(site, node_count=counts.get(site.site_id, 0)) for site in page.items)
        return Page(items, page.next_page_token)

    @writing
    def delete_site(self, connection: Connection, site_id: str, *, etag: str = "") -> None:
        """See SiteStore."""
        row = the_row(connection, SITE, site_id)
        check_etag(etag, row.revision, f"site {site_id}")
        _check_unused(connection, site_id)
        _let_go(connection, site_id)
        remove(connection, SITE, site_id)
        noted(connection, SITE, site_id, before=site_said(row), after=None, tenant_id=row.tenant_id)

    @reading
    def find_nodes(
        self,
        connection: Connection,
        selector: NodeSelector,
        *,
        reach: Reach,
        page_size: int = 0,
        page_token: str = "",
    ) -> tuple[Page[str], int]:
        """See SiteStore."""
        size, question = checked_page_size(page_size), f"find_nodes|{selector_text(selector)}"
        after = position(page_token, question)
        found = resolver(connection)
        found.check(selector, field="selector", is_owner=lambda tenant_id: _is_of(reach, tenant_id))
        matches = found.matcher(selector).matches
        chosen = [node.node_id for node in selectables(connection, where=(covers_node(reach),)) if matches(node)]
        rest = chosen if after is None else [node_id for node_id in chosen if node_id > str(after[0])]
        token = next_token(question, (rest[size - 1],)) if len(rest) > size else ""
        return Page(tuple(rest[:size]), token), len(chosen)


def _is_of(reach: Reach, tenant_id: str) -> bool:
    return reach.uses_releases_of(tenant_id) or any(tenant_id in scope.tenant_ids for scope in reach.scopes)


def _node_counts(connection: Connection, site_ids: Iterable[str], reach: Reach) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in parts(site_ids):
        query = (
            select(nodes.c.site_id, func.count())
            .where(nodes.c.site_id.in_(part), nodes.c.state != NodeState.RETIRED, covers_node(reach))
            .group_by(nodes.c.site_id)
        )
        found |= {site_id: count for site_id, count in connection.execute(query) if site_id}
    return found


def _check_unused(connection: Connection, site_id: str) -> None:
    at_it = select(nodes.c.node_id).where(nodes.c.site_id == site_id, nodes.c.state != NodeState.RETIRED)
    node_id = connection.scalar(at_it.order_by(nodes.c.node_id).limit(1))
    if node_id is not None:
        raise in_use(SITE, site_id, f"nodes/{node_id}")
    on_it = select(corridor_sites.c.corridor_id).where(corridor_sites.c.site_id == site_id)
    corridor_id = connection.scalar(on_it.order_by(corridor_sites.c.corridor_id).limit(1))
    if corridor_id is not None:
        raise in_use(SITE, site_id, f"corridors/{corridor_id}")
    check_unnamed(connection, SITE, site_id)


def _let_go(connection: Connection, site_id: str) -> None:
    """Retired nodes stay as they are, but cannot stand where nothing is."""
    for node_id in connection.scalars(select(nodes.c.node_id).where(nodes.c.site_id == site_id)).all():
        changed(connection, f"nodes/{node_id}", before={"site": site_id}, after={"site": ""})
    connection.execute(update(nodes).where(nodes.c.site_id == site_id).values(site_id=None))
