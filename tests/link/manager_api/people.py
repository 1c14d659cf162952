"""Operators of a running manager, for tests: made by the admin, and what they then come with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from tests.link.manager_api.peer import LocalManager, Peer
from wayside.v1 import access_service_pb2 as access

PASSWORD = "correct horse battery"


async def make_tenant(admin: Peer, tenant_id: str, parent: str = "root") -> access.Tenant:
    tenant = access.Tenant(name=f"tenants/{tenant_id}", kind=access.Tenant.KIND_CITY, parent=f"tenants/{parent}")
    request = access.CreateTenantRequest(tenant=tenant)
    return (await admin.call(admin.access.CreateTenant, request)).tenant


async def make_operator(
    admin: Peer, operator_id: str, *bindings: access.Binding, password: str = "", subject: str = ""
) -> access.Operator:
    operator = access.Operator(name=f"operators/{operator_id}", bindings=bindings, oidc_subject=subject)
    request = access.CreateOperatorRequest(operator=operator, password=password)
    return (await admin.call(admin.access.CreateOperator, request)).operator


async def api_token(
    peer: Peer, operator_id: str = "", *, ttl_s: int = 0, bindings: tuple[access.Binding, ...] = ()
) -> access.CreateApiTokenResponse:
    """A token; without an operator, the caller's own."""
    name = f"operators/{operator_id}" if operator_id else ""
    request = access.CreateApiTokenRequest(operator=name, bindings=bindings)
    if ttl_s:
        request.ttl.seconds = ttl_s
    return await peer.call(peer.access.CreateApiToken, request)


async def sign_in(peer: Peer, operator_id: str, password: str = PASSWORD) -> access.SignInResponse:
    request = access.SignInRequest(operator=f"operators/{operator_id}", password=password)
    return await peer.call(peer.access.SignIn, request)


async def caller(peer: Peer) -> access.GetCallerResponse:
    return await peer.call(peer.access.GetCaller, access.GetCallerRequest())


async def set_password(peer: Peer, new: str, *, present: str = "", operator_id: str = "") -> None:
    name = f"operators/{operator_id}" if operator_id else ""
    request = access.SetPasswordRequest(operator=name, present_password=present, new_password=new)
    await peer.call(peer.access.SetPassword, request)


async def update(
    peer: Peer,
    operator_id: str,
    *paths: str,
    etag: str = "",
    bindings: tuple[access.Binding, ...] = (),
    display_name: str = "",
) -> access.Operator:
    """Changes an operator; `disabled` among the paths disables it."""
    operator = access.Operator(
        name=f"operators/{operator_id}",
        etag=etag,
        bindings=bindings,
        disabled="disabled" in paths,
        display_name=display_name,
    )
    request = access.UpdateOperatorRequest(operator=operator)
    request.update_mask.paths.extend(paths)
    return (await peer.call(peer.access.UpdateOperator, request)).operator


@asynccontextmanager
async def as_operator(
    manager: LocalManager, operator_id: str, *bindings: access.Binding, password: str = ""
) -> AsyncIterator[Peer]:
    """A new operator with an API token."""
    async with manager.operator() as admin:
        await make_operator(admin, operator_id, *bindings, password=password)
        token = (await api_token(admin, operator_id)).token
    async with manager.stranger(token=token) as peer:
        yield peer


def time_of(stamp: Timestamp) -> datetime:
    """A protobuf time."""
    return stamp.ToDatetime(tzinfo=UTC)
