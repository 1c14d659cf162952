"""SiteService: geofences."""

# ruff: noqa: ARG002, N802 -- gRPC fixes the names and the arguments of RPCs
import asyncio
from functools import partial

from wayside.names import geofence_id
from wayside.v1 import site_service_pb2
from wayside_manager.api.identity import admission
from wayside_manager.api.places.messages import geofence_message, geofence_record
from wayside_manager.api.places.parts import PlaceCalls
from wayside_manager.api.scopes import Context
from wayside_manager.api.wakes import wake


class GeofenceCalls(PlaceCalls):
    """Geofences."""

    async def ApplyGeofence(
        self, request: site_service_pb2.ApplyGeofenceRequest, context: Context
    ) -> site_service_pb2.ApplyGeofenceResponse:
        """Creates a geofence or replaces it."""
        now = self._now()
        read = partial(geofence_record, request.geofence, tenant_id=admission().tenant_id, now=now)
        record = await asyncio.to_thread(read)  # it may have 100,000 corners
        applied = await self._store.apply_geofence(record, now=now, etag=request.geofence.etag)
        await wake(self._bus, applied.effect)
        return site_service_pb2.ApplyGeofenceResponse(geofence=geofence_message(applied))

    async def GetGeofence(
        self, request: site_service_pb2.GetGeofenceRequest, context: Context
    ) -> site_service_pb2.GetGeofenceResponse:
        """One geofence."""
        geofence = await self._store.get_geofence(geofence_id(request.name))
        return site_service_pb2.GetGeofenceResponse(geofence=geofence_message(geofence))

    async def ListGeofences(
        self, request: site_service_pb2.ListGeofencesRequest, context: Context
    ) -> site_service_pb2.ListGeofencesResponse:
        """A page of geofences."""
        page = await self._store.list_geofences(
            reach=admission().reach, page_size=request.page_size, page_token=request.page_token
        )
        return site_service_pb2.ListGeofencesResponse(
            geofences=map(geofence_message, page.items), next_page_token=page.next_page_token
        )

    async def DeleteGeofence(
        self, request: site_service_pb2.DeleteGeofenceRequest, context: Context
    ) -> site_service_pb2.DeleteGeofenceResponse:
        """Deletes a geofence that nothing names."""
        await self._store.delete_geofence(geofence_id(request.name), etag=request.etag)
        return site_service_pb2.DeleteGeofenceResponse()
