"""AccessService: tenants, and the policy of dangerous actions."""

# ruff: noqa: ARG002, N802 -- gRPC fixes the names and the arguments of RPCs
from wayside.names import tenant_id
from wayside.v1 import access_service_pb2
from wayside_manager.api.access.messages import checked_text, tenant_kind, tenant_message
from wayside_manager.api.access.parts import AccessCalls
from wayside_manager.api.access.policy import get_access_policy, update_access_policy
from wayside_manager.api.identity import admission
from wayside_manager.api.scopes import Context
from wayside_manager.core.access import TenantRecord


class TenantCalls(AccessCalls):
    """Tenants and policy."""

    async def CreateTenant(
        self, request: access_service_pb2.CreateTenantRequest, context: Context
    ) -> access_service_pb2.CreateTenantResponse:
        """Makes a tenant."""
        asked = request.tenant
        made = TenantRecord(
            tenant_id=tenant_id(asked.name, field="tenant.name"),
            kind=tenant_kind(asked.kind, field="tenant.kind"),
            parent_id=tenant_id(asked.parent, field="tenant.parent"),
            create_time=self._now(),
            display_name=checked_text(asked.display_name, field="tenant.display_name"),
        )
        kept = await self._store.create_tenant(made)
        return access_service_pb2.CreateTenantResponse(tenant=tenant_message(kept))

    async def ListTenants(
        self, request: access_service_pb2.ListTenantsRequest, context: Context
    ) -> access_service_pb2.ListTenantsResponse:
        """The tenants the caller has a role in, for all of it or for some nodes, and those below."""
        visible = frozenset().union(*(scope.tenant_ids for scope in admission().reach.scopes))
        found = await self._store.list_tenants()
        return access_service_pb2.ListTenantsResponse(
            tenants=[tenant_message(tenant) for tenant in found if tenant.tenant_id in visible]
        )

    async def DeleteTenant(
        self, request: access_service_pb2.DeleteTenantRequest, context: Context
    ) -> access_service_pb2.DeleteTenantResponse:
        """Deletes a tenant that owns nothing."""
        await self._store.delete_tenant(tenant_id(request.name))
        return access_service_pb2.DeleteTenantResponse()

    async def GetAccessPolicy(
        self, request: access_service_pb2.GetAccessPolicyRequest, context: Context
    ) -> access_service_pb2.GetAccessPolicyResponse:
        """The policy."""
        return await get_access_policy(self._store)

    async def UpdateAccessPolicy(
        self, request: access_service_pb2.UpdateAccessPolicyRequest, context: Context
    ) -> access_service_pb2.UpdateAccessPolicyResponse:
        """Replaces the policy."""
        return await update_access_policy(self._store, request, now=self._now())
