"""SiteService: sites."""

# ruff: noqa: ARG002, N802 -- gRPC fixes the names and the arguments of RPCs
from wayside.names import site_id
from wayside.v1 import site_service_pb2
from wayside_manager.api.identity import admission
from wayside_manager.api.places.messages import site_message, site_record
from wayside_manager.api.places.parts import PlaceCalls
from wayside_manager.api.scopes import Context
from wayside_manager.api.wakes import wake


class SiteCalls(PlaceCalls):
    """Sites."""

    async def ApplySite(
        self, request: site_service_pb2.ApplySiteRequest, context: Context
    ) -> site_service_pb2.ApplySiteResponse:
        """Creates a site or replaces it."""
        now = self._now()
        record = site_record(request.site, tenant_id=admission().tenant_id, now=now)
        applied = await self._store.apply_site(record, now=now, etag=request.site.etag)
        await wake(self._bus, applied.effect)
        applied = await self._store.get_site(applied.site_id, reach=admission().reach)
        return site_service_pb2.ApplySiteResponse(site=site_message(applied))

    async def GetSite(
        self, request: site_service_pb2.GetSiteRequest, context: Context
    ) -> site_service_pb2.GetSiteResponse:
        """One site."""
        site = await self._store.get_site(site_id(request.name), reach=admission().reach)
        return site_service_pb2.GetSiteResponse(site=site_message(site))

    async def ListSites(
        self, request: site_service_pb2.ListSitesRequest, context: Context
    ) -> site_service_pb2.ListSitesResponse:
        """A page of sites."""
        page = await self._store.list_sites(
            reach=admission().reach, page_size=request.page_size, page_token=request.page_token
        )
        return site_service_pb2.ListSitesResponse(
            sites=map(site_message, page.items), next_page_token=page.next_page_token
        )

    async def DeleteSite(
        self, request: site_service_pb2.DeleteSiteRequest, context: Context
    ) -> site_service_pb2.DeleteSiteResponse:
        """Deletes a site that nothing names."""
        await self._store.delete_site(site_id(request.name), etag=request.etag)
        return site_service_pb2.DeleteSiteResponse()
