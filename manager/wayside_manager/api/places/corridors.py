"""SiteService: corridors."""

# ruff: noqa: ARG002, N802 -- gRPC fixes the names and the arguments of RPCs
from wayside.names import corridor_id
from wayside.v1 import site_service_pb2
from wayside_manager.api.identity import admission
from wayside_manager.api.places.messages import corridor_message, corridor_record
from wayside_manager.api.places.parts import PlaceCalls
from wayside_manager.api.scopes import Context
from wayside_manager.api.wakes import wake


class CorridorCalls(PlaceCalls):
    """Corridors."""

    async def ApplyCorridor(
        self, request: site_service_pb2.ApplyCorridorRequest, context: Context
    ) -> site_service_pb2.ApplyCorridorResponse:
        """Creates a corridor or replaces it."""
        now = self._now()
        record = corridor_record(request.corridor, tenant_id=admission().tenant_id, now=now)
        applied = await self._store.apply_corridor(record, now=now, etag=request.corridor.etag)
        await wake(self._bus, applied.effect)
        return site_service_pb2.ApplyCorridorResponse(corridor=corridor_message(applied))

    async def GetCorridor(
        self, request: site_service_pb2.GetCorridorRequest, context: Context
    ) -> site_service_pb2.GetCorridorResponse:
        """One corridor."""
        corridor = await self._store.get_corridor(corridor_id(request.name))
        return site_service_pb2.GetCorridorResponse(corridor=corridor_message(corridor))

    async def ListCorridors(
        self, request: site_service_pb2.ListCorridorsRequest, context: Context
    ) -> site_service_pb2.ListCorridorsResponse:
        """A page of corridors."""
        page = await self._store.list_corridors(
            reach=admission().reach, page_size=request.page_size, page_token=request.page_token
        )
        return site_service_pb2.ListCorridorsResponse(
            corridors=map(corridor_message, page.items), next_page_token=page.next_page_token
        )

    async def DeleteCorridor(
        self, request: site_service_pb2.DeleteCorridorRequest, context: Context
    ) -> site_service_pb2.DeleteCorridorResponse:
        """Deletes a corridor that nothing names."""
        await self._store.delete_corridor(corridor_id(request.name), etag=request.etag)
        return site_service_pb2.DeleteCorridorResponse()
