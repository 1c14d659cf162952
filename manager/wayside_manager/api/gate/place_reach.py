"""Whom a change of a place may reach, for the rule that what reaches many needs a second person.

Counted is whoever is there before or after, whether a layer asks for it or not; a place that is new reaches nobody,
because nothing names it yet. Usage: `await PlaceReach(store, now).selectors("ApplySite", request)`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import shapely

from wayside.errors import NotFoundError
from wayside.names import site_id
from wayside.v1 import site_pb2
from wayside_manager.api.places.messages import corridor_record, geofence_record, group_record
from wayside_manager.core.access import ROOT_TENANT
from wayside_manager.core.geojson import read_places
from wayside_manager.core.geometry import parsed_geometry
from wayside_manager.core.selectors import NodeSelector
from wayside_manager.core.sites import CorridorRecord, GeofenceRecord, GroupRecord, SiteRecord
from wayside_manager.ports.sites import Place, SiteStore

_NOBODY: tuple[NodeSelector, ...] = ()


@dataclass(frozen=True, slots=True)
class PlaceReach:
    """Whom changes of places reach."""

    store: SiteStore
    now: Callable[[], datetime]

    async def selectors(self, verb: str, message: Any) -> Sequence[NodeSelector] | None:  # noqa: ANN401  # any request
        """Whom a call reaches; `None`: it is not about places.

        Raises: InvalidArgumentError: the request is malformed.
        """
        if verb == "ImportGeoJson":
            return _NOBODY if message.validate_only else await self._of_file(message.geojson)
        count = _COUNTS.get(verb)
        return None if count is None else await count(self, message)

    async def of_site(self, message: Any) -> tuple[NodeSelector, ...]:  # noqa: ANN401
        """Who stands there."""
        return (NodeSelector(site_ids=(site_id(message.site.name, field="site.name"),)),)

    async def of_corridor(self, message: Any) -> tuple[NodeSelector, ...]:  # noqa: ANN401
        """Who stands along it."""
        return await self._of(corridor_record(message.corridor, tenant_id=_owner(message.corridor), now=self.now()))

    async def of_group(self, message: Any) -> tuple[NodeSelector, ...]:  # noqa: ANN401
        """Who is in it."""
        return await self._of(group_record(message.group, tenant_id=_owner(message.group), now=self.now()))

    async def of_geofence(self, message: Any) -> tuple[NodeSelector, ...]:  # noqa: ANN401
        """Who is inside."""
        read = partial(geofence_record, message.geofence, tenant_id=_owner(message.geofence), now=self.now())
        return await self._of(await asyncio.to_thread(read))  # it may have 100,000 corners

    async def of_nobody(self, _message: Any) -> tuple[NodeSelector, ...]:  # noqa: ANN401
        """What is deleted is named by nothing and has nobody."""
        return _NOBODY

    async def _of_file(self, data: bytes) -> tuple[NodeSelector, ...]:
        places = await asyncio.to_thread(read_places, data, now=self.now())
        site_ids = tuple(place.site_id for place in places if isinstance(place, SiteRecord))
        found = (NodeSelector(site_ids=site_ids),) if site_ids else _NOBODY
        for place in places:
            if not isinstance(place, SiteRecord):
                found += await self._of(place)
        return found

    async def _of(self, place: Place) -> tuple[NodeSelector, ...]:
        try:
            if isinstance(place, CorridorRecord):
                present = await self.store.get_corridor(place.corridor_id)
                sites = dict.fromkeys(site.site_id for site in (*present.sites, *place.sites))
                return (NodeSelector(site_ids=tuple(sites)),) if sites else _NOBODY
            if isinstance(place, GeofenceRecord):
                await self.store.get_geofence(place.geofence_id)
                return NodeSelector(geofence_ids=(place.geofence_id,)), NodeSelector(
                    areas=await asyncio.to_thread(_outlines, place.geometry)
                )
            if isinstance(place, GroupRecord):
                await self.store.get_group(place.group_id)
                after = place.selector or NodeSelector(node_ids=place.node_ids)
                return NodeSelector(group_ids=(place.group_id,)), after
        except NotFoundError:
            pass
        return _NOBODY


_COUNTS: Mapping[str, Callable[[PlaceReach, Any], Awaitable[tuple[NodeSelector, ...]]]] = {
    "ApplySite": PlaceReach.of_site,
    "ApplyCorridor": PlaceReach.of_corridor,
    "ApplyGroup": PlaceReach.of_group,
    "ApplyGeofence": PlaceReach.of_geofence,
    "DeleteSite": PlaceReach.of_nobody,
    "DeleteCorridor": PlaceReach.of_nobody,
    "DeleteGroup": PlaceReach.of_nobody,
    "DeleteGeofence": PlaceReach.of_nobody,
}


def _owner(message: site_pb2.Corridor | site_pb2.Group | site_pb2.Geofence) -> str:
    """Whose it is does not matter here; what the message says of it is judged where it is applied."""
    return message.tenant.removeprefix("tenants/") or ROOT_TENANT


def _outlines(geometry: str) -> tuple[tuple[tuple[float, float], ...], ...]:
    """The outer borders; holes are counted as inside."""
    shape = parsed_geometry(geometry)
    polygons = [shape] if isinstance(shape, shapely.Polygon) else list(shape.geoms)
    return tuple(tuple((y, x) for x, y, *_ in polygon.exterior.coords) for polygon in polygons)
