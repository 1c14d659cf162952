"""Which nodes selectors mean now: what they say of places and groups, looked up once per transaction.

    found = resolver(connection)
    found.check(selector, field="selector", tenant_id="haikou")
    chosen = [node for node in selectables(connection) if found.selects(selector, node)]

A site is in an area when its position is inside or on the border; a site without a position is in none.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import shapely
from sqlalchemy import Column, Connection, Row, Table, select

from wayside.errors import InvalidArgumentError
from wayside_manager.core.access import Tenants
from wayside_manager.core.missing import not_there
from wayside_manager.core.selectors import (
    CorridorSection,
    Matcher,
    Membership,
    NodeSelector,
    Resolved,
    Selectable,
    names_places,
)
from wayside_manager.store.operator_rows import tenant_tree
from wayside_manager.store.selector_text import selector_of
from wayside_manager.store.tables import corridor_sites, corridors, geofences, group_nodes, groups, sites


def resolver(connection: Connection) -> "Resolver":
    """What selectors mean as of this transaction; each table is read when a selector first needs it."""
    return Resolver(connection)


@dataclass(frozen=True, slots=True)
class _Positions:
    """Sites that are on the map."""

    site_ids: tuple[str, ...]
    longitudes_deg: tuple[float, ...]
    latitudes_deg: tuple[float, ...]

    def inside(self, shape: shapely.Geometry) -> frozenset[str]:
        """Sites inside a shape or on its border."""
        if not self.site_ids:
            return frozenset()
        shapely.prepare(shape)
        hits = shapely.intersects_xy(shape, self.longitudes_deg, self.latitudes_deg)
        return frozenset(site_id for site_id, is_hit in zip(self.site_ids, hits, strict=True) if is_hit)


class Resolver:
    """Selectors against the places and groups of one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        # the selector is kept beside its matcher: an id is good as long as the thing lives
        self._matchers: dict[int, tuple[NodeSelector, Matcher]] = {}
        self._fences: dict[str, frozenset[str]] = {}

    def selects(self, selector: NodeSelector, node: Selectable) -> bool:
        """Whether a node is meant. What a selector names and is not there means nobody."""
        return self.matcher(selector).matches(node)

    def matcher(self, selector: NodeSelector) -> Matcher:
        """The selector made ready for many nodes."""
        known = self._matchers.get(id(selector))
        if known is None:
            known = self._matchers[id(selector)] = selector, Matcher(selector, self.resolved(selector))
        return known[1]

    def resolved(self, selector: NodeSelector) -> Resolved:
        """What its places and groups mean now."""
        found = [self._membership(group_id) for group_id in selector.group_ids]
        return Resolved(self.site_ids(selector), tuple(one for one in found if one is not None))

    def site_ids(self, selector: NodeSelector) -> frozenset[str]:
        """Sites that every field with places allows; nothing when it names no places."""
        allowed = []
        if selector.site_ids:
            allowed.append(frozenset(selector.site_ids))
        if selector.sections:
            allowed.append(_union(map(self._section, selector.sections)))
        if selector.geofence_ids:
            allowed.append(_union(map(self._fenced, selector.geofence_ids)))
        if selector.areas:
            allowed.append(_union(self._positions.inside(_polygon(area)) for area in selector.areas))
        return frozenset.intersection(*allowed) if allowed else frozenset()

    def sites_inside(self, shape: shapely.Geometry) -> frozenset[str]:
        """Sites inside a shape of longitudes and latitudes, or on its border."""
        return self._positions.inside(shape)

    def check(
        self,
        selector: NodeSelector,
        *,
        field: str,
        tenant_id: str = "",
        is_owner: Callable[[str], bool] | None = None,
    ) -> None:
        """Returns if everything it names is there, and every area is one; nodes, labels and versions may come later.

        With a tenant, what it names must belong to that tenant, to one above it or to one below it: of what other
        people have, nobody learns by it that it is there. `is_owner` says instead of whom it may be.
        Raises: NotFoundError: naming the first that is not there; InvalidArgumentError: an area crosses itself, or the
        stakes of a section fall.
        """
        if is_owner is None and tenant_id:
            is_owner = (self._tree.above(tenant_id) | self._tree.below(tenant_id)).__contains__
        for collection, ids, column in (
            ("sites", selector.site_ids, sites.c.site_id),
            ("corridors", tuple(section.corridor_id for section in selector.sections), corridors.c.corridor_id),
            ("groups", selector.group_ids, groups.c.group_id),
            ("geofences", selector.geofence_ids, geofences.c.geofence_id),
        ):
            if ids:
                self._check_there(collection, ids, column, is_owner)
        for section in selector.sections:
            self._check_rising(section, field)
        for index, area in enumerate(selector.areas):
            if not shapely.is_valid(_polygon(area)):
                raise InvalidArgumentError(
                    f"{field}.areas[{index}]: its border crosses or touches itself; give the corners in order",
                    reason="AREA_INVALID",
                )

    def _check_there(
        self, collection: str, ids: Iterable[str], column: Column[str], is_owner: Callable[[str], bool] | None
    ) -> None:
        table: Table = column.table
        owners = {row[0]: row[1] for row in self._connection.execute(select(column, table.c.tenant_id))}
        for thing_id in ids:
            if thing_id not in owners or (is_owner is not None and not is_owner(owners[thing_id])):
                raise not_there(collection, thing_id)

    def _check_rising(self, section: CorridorSection, field: str) -> None:
        begin_m, end_m = section.begin_stake_m, section.end_stake_m
        if begin_m is None or end_m is None or begin_m <= end_m or self._rings.get(section.corridor_id, False):
            return
        raise InvalidArgumentError(
            f"{field}.corridors: the section of {section.corridor_id} begins at {begin_m:g} m and ends before, at "
            f"{end_m:g} m; only on a ring may it",
            reason="SECTION_INVALID",
        )

    def _section(self, section: CorridorSection) -> frozenset[str]:
        begin_m, end_m = section.begin_stake_m, section.end_stake_m
        stakes = self._stakes.get(section.corridor_id, ())
        if (
            begin_m is not None
            and end_m is not None
            and begin_m > end_m
            and self._rings.get(section.corridor_id, False)
        ):
            return frozenset(site_id for site_id, stake_m in stakes if stake_m >= begin_m or stake_m <= end_m)
        return frozenset(
            site_id
            for site_id, stake_m in stakes
            if (begin_m is None or stake_m >= begin_m) and (end_m is None or stake_m <= end_m)
        )

    def _fenced(self, geofence_id: str) -> frozenset[str]:
        if geofence_id not in self._fences:
            query = select(geofences.c.geometry).where(geofences.c.geofence_id == geofence_id)
            text = self._connection.scalar(query)
            found = frozenset() if text is None else self._positions.inside(shapely.from_geojson(text))
            self._fences[geofence_id] = found
        return self._fences[geofence_id]

    def _membership(self, group_id: str) -> Membership | None:
        row = self._groups.get(group_id)
        if row is None:
            return None
        tenant_ids = self._tree.below(row.tenant_id)
        if row.selector:
            return Membership(tenant_ids, matcher=self._group_matcher(row.selector))
        query = select(group_nodes.c.node_id).where(group_nodes.c.group_id == group_id)
        return Membership(tenant_ids, node_ids=frozenset(self._connection.scalars(query)))

    def _group_matcher(self, text: str) -> Matcher:
        selector = selector_of(text)  # it names no groups, so this ends
        return Matcher(selector, Resolved(self.site_ids(selector)) if names_places(selector) else Resolved())

    @cached_property
    def _tree(self) -> Tenants:
        return tenant_tree(self._connection)

    @cached_property
    def _positions(self) -> _Positions:
        query = select(sites.c.site_id, sites.c.longitude_deg, sites.c.latitude_deg).where(
            sites.c.longitude_deg.is_not(None)
        )
        rows = [tuple(row) for row in self._connection.execute(query)]
        return _Positions(*zip(*rows, strict=True)) if rows else _Positions((), (), ())

    @cached_property
    def _rings(self) -> Mapping[str, bool]:
        return {
            row[0]: row[1] for row in self._connection.execute(select(corridors.c.corridor_id, corridors.c.is_ring))
        }

    @cached_property
    def _stakes(self) -> Mapping[str, list[tuple[str, float]]]:
        found: dict[str, list[tuple[str, float]]] = {}
        for row in self._connection.execute(select(corridor_sites).order_by(corridor_sites.c.place)):
            found.setdefault(row.corridor_id, []).append((row.site_id, row.stake_m))
        return found

    @cached_property
    def _groups(self) -> Mapping[str, Row[Any]]:
        return {row.group_id: row for row in self._connection.execute(select(groups))}


def _union(found: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*found)


def _polygon(corners: Iterable[tuple[float, float]]) -> shapely.Polygon:
    """Corners as latitude and longitude; shapes have the longitude first."""
    return shapely.Polygon([(longitude_deg, latitude_deg) for latitude_deg, longitude_deg in corners])
