"""SiteService: groups."""

# ruff: noqa: ARG002, N802 -- gRPC fixes the names and the arguments of RPCs
from wayside.names import group_id
from wayside.v1 import site_service_pb2
from wayside_manager.api.identity import admission
from wayside_manager.api.places.messages import group_message, group_record
from wayside_manager.api.places.parts import PlaceCalls
from wayside_manager.api.scopes import Context
from wayside_manager.api.wakes import wake


class GroupCalls(PlaceCalls):
    """Groups."""

    async def ApplyGroup(
        self, request: site_service_pb2.ApplyGroupRequest, context: Context
    ) -> site_service_pb2.ApplyGroupResponse:
        """Creates a group or replaces it."""
        now = self._now()
        record = group_record(request.group, tenant_id=admission().tenant_id, now=now)
        applied = await self._store.apply_group(record, now=now, etag=request.group.etag)
        await wake(self._bus, applied.effect)
        applied = await self._store.get_group(applied.group_id, reach=admission().reach)
        return site_service_pb2.ApplyGroupResponse(group=group_message(applied))

    async def GetGroup(
        self, request: site_service_pb2.GetGroupRequest, context: Context
    ) -> site_service_pb2.GetGroupResponse:
        """One group."""
        group = await self._store.get_group(group_id(request.name), reach=admission().reach)
        return site_service_pb2.GetGroupResponse(group=group_message(group))

    async def ListGroups(
        self, request: site_service_pb2.ListGroupsRequest, context: Context
    ) -> site_service_pb2.ListGroupsResponse:
        """A page of groups."""
        page = await self._store.list_groups(
            reach=admission().reach, page_size=request.page_size, page_token=request.page_token
        )
        return site_service_pb2.ListGroupsResponse(
            groups=map(group_message, page.items), next_page_token=page.next_page_token
        )

    async def DeleteGroup(
        self, request: site_service_pb2.DeleteGroupRequest, context: Context
    ) -> site_service_pb2.DeleteGroupResponse:
        """Deletes a group that nothing names."""
        await self._store.delete_group(group_id(request.name), etag=request.etag)
        return site_service_pb2.DeleteGroupResponse()
