"""SiteService: files of places, whom selectors mean, and tracks."""

# ruff: noqa: ARG002, N802 -- gRPC fixes the names and the arguments of RPCs
import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar
from zoneinfo import ZoneInfo

from wayside.errors import InvalidArgumentError
from wayside.names import geofence_id, geofence_name, node_name
from wayside.v1 import site_service_pb2
from wayside_manager.api.identity import admission, admitted_tenant
from wayside_manager.api.node_messages import selector, timestamp
from wayside_manager.api.places.messages import moment, position, position_message
from wayside_manager.api.places.parts import PlaceCalls
from wayside_manager.api.scopes import Context
from wayside_manager.api.time_zones import checked_zone
from wayside_manager.api.wakes import wake
from wayside_manager.core.fencing import POINTS_MAX, Crossing, TrackPoint, TrackVerdict, checked_track, fence_of, judged
from wayside_manager.core.geojson import Drawn, read_places, written
from wayside_manager.core.geometry import parsed_geometry
from wayside_manager.core.missing import hidden
from wayside_manager.core.pages import Page
from wayside_manager.core.sites import GeofenceRecord, Position, SiteRecord

FENCES_MAX = 100
_PAGE_SIZE = 1_000
T = TypeVar("T")


class MapCalls(PlaceCalls):
    """Everything that is about several places at once."""

    async def ImportGeoJson(
        self, request: site_service_pb2.ImportGeoJsonRequest, context: Context
    ) -> site_service_pb2.ImportGeoJsonResponse:
        """Creates or replaces what is in a file, all or none."""
        now = self._now()
        places = [
            _admitted(place, request.tenant)
            for place in await asyncio.to_thread(read_places, request.geojson, now=now)  # it takes a while
        ]
        done = await self._store.import_places(places, now=now, is_dry=request.validate_only)
        if not request.validate_only:
            await wake(self._bus, done.effect)
        return site_service_pb2.ImportGeoJsonResponse(
            created_count=done.created_count, changed_count=done.changed_count, unchanged_count=done.unchanged_count
        )

    async def ExportGeoJson(
        self, request: site_service_pb2.ExportGeoJsonRequest, context: Context
    ) -> site_service_pb2.ExportGeoJsonResponse:
        """Everything the caller may see and a map can hold."""
        places: list[Drawn] = [site async for site in _all(self._store.list_sites)]
        places += [geofence async for geofence in _all(self._store.list_geofences)]
        places += [corridor async for corridor in _all(self._store.list_corridors)]
        return site_service_pb2.ExportGeoJsonResponse(geojson=await asyncio.to_thread(written, places))

    async def SelectNodes(
        self, request: site_service_pb2.SelectNodesRequest, context: Context
    ) -> site_service_pb2.SelectNodesResponse:
        """A page of the nodes a selector means now."""
        chosen = selector(request.selector, field="selector")
        page, total_count = await self._store.find_nodes(
            chosen, reach=admission().reach, page_size=request.page_size, page_token=request.page_token
        )
        return site_service_pb2.SelectNodesResponse(
            nodes=map(node_name, page.items), total_count=total_count, next_page_token=page.next_page_token
        )

    async def JudgeTrack(
        self, request: site_service_pb2.JudgeTrackRequest, context: Context
    ) -> site_service_pb2.JudgeTrackResponse:
        """Crossings of a track, and how far was driven where it was permitted."""
        if not 1 <= len(request.geofences) <= FENCES_MAX:
            raise InvalidArgumentError(f"geofences: name 1 to {FENCES_MAX}", reason="TRACK_INVALID")
        if len(request.points) > POINTS_MAX:  # before each is looked at
            raise InvalidArgumentError(f"points: give at most {POINTS_MAX}", reason="TRACK_INVALID")
        records = [await self._seen(name) for name in dict.fromkeys(request.geofences)]
        # a track of 100,000 points, and areas of as many corners: neither may hold up the loop
        verdict = await asyncio.to_thread(_verdict, request.points, records)
        return site_service_pb2.JudgeTrackResponse(
            crossings=map(_crossing, verdict.crossings),
            permitted_meters=verdict.permitted_m,
            other_meters=verdict.other_m,
        )

    async def _seen(self, name: str) -> GeofenceRecord:
        record: GeofenceRecord = await self._store.get_geofence(geofence_id(name, field="geofences"))
        if not admission().reach.uses_releases_of(record.tenant_id):
            raise hidden("geofences", record.geofence_id)
        return record


def _verdict(points: Iterable[site_service_pb2.TrackPoint], records: Sequence[GeofenceRecord]) -> TrackVerdict:
    track = checked_track([_point(point) for point in points])
    fences = [fence_of(record, parsed_geometry(record.geometry), ZoneInfo(record.time_zone)) for record in records]
    return judged(track, fences)


def _admitted(place: Drawn, tenant: str) -> Drawn:
    """The place in a tenant where the caller may put it.

    Raises: as `admitted_tenant`; InvalidArgumentError: its time zone is none.
    """
    zone = "" if not isinstance(place, SiteRecord | GeofenceRecord) else place.time_zone
    if zone:
        checked_zone(zone, field=f"geojson: {_word_of(place)}: time_zone")
    named = f"tenants/{place.tenant_id}" if place.tenant_id else tenant
    return replace(place, tenant_id=admitted_tenant(named))


def _word_of(place: Drawn) -> str:
    """What to call a place with a time zone in a sentence."""
    if isinstance(place, SiteRecord):
        return f"site {place.site_id}"
    return f"geofence {place.geofence_id}" if isinstance(place, GeofenceRecord) else f"corridor {place.corridor_id}"


async def _all(read: Callable[..., Awaitable[Page[T]]]) -> AsyncIterator[T]:
    token = ""
    while True:
        page = await read(reach=admission().reach, page_size=_PAGE_SIZE, page_token=token)
        for item in page.items:
            yield item
        token = page.next_page_token
        if not token:
            return


def _point(message: site_service_pb2.TrackPoint) -> TrackPoint:
    at = position(message.position, field="points.position")
    return TrackPoint(moment(message.time, field="points.time"), at.latitude_deg, at.longitude_deg)


def _crossing(crossing: Crossing) -> site_service_pb2.FenceCrossing:
    at = Position(crossing.point.latitude_deg, crossing.point.longitude_deg)
    return site_service_pb2.FenceCrossing(
        geofence=geofence_name(crossing.fence_id),
        kind=site_service_pb2.FenceCrossing.Kind.Value(f"KIND_{crossing.kind.name}"),
        time=timestamp(crossing.point.time),
        position=position_message(at),
        is_violation=crossing.is_violation,
    )
