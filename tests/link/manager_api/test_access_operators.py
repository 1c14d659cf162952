"""Operators and tenants over real TLS: who may make whom, and that nobody gives what they do not have."""

import pytest

from tests.link.manager_api.peer import LocalManager, Peer, role
from tests.link.manager_api.people import (
    PASSWORD,
    api_token,
    as_operator,
    caller,
    make_operator,
    make_tenant,
    sign_in,
    update,
)
from wayside.errors import (
    AlreadyExistsError,
    ConflictError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
    WaysideError,
)
from wayside.v1 import access_service_pb2 as access
from wayside.v1 import node_pb2


async def get(peer: Peer, operator_id: str) -> access.Operator:
    request = access.GetOperatorRequest(name=f"operators/{operator_id}")
    return (await peer.call(peer.access.GetOperator, request)).operator


async def listed(peer: Peer) -> list[str]:
    answer = await peer.call(peer.access.ListOperators, access.ListOperatorsRequest())
    return [operator.name.removeprefix("operators/") for operator in answer.operators]


async def tenants(peer: Peer) -> list[str]:
    answer = await peer.call(peer.access.ListTenants, access.ListTenantsRequest())
    return [tenant.name.removeprefix("tenants/") for tenant in answer.tenants]


def unknown_role() -> access.Binding:
    return access.Binding.FromString(access.Binding(tenant="tenants/root").SerializeToString() + b"\x08\x63")


def unknown_kind() -> access.Tenant:
    tenant = access.Tenant(name="tenants/new", parent="tenants/root")
    return access.Tenant.FromString(tenant.SerializeToString() + b"\x18\x63")


async def test_the_first_operator_is_an_admin_of_the_root(operator: Peer) -> None:
    found = await caller(operator)

    assert found.operator.name == "operators/admin"
    assert list(found.bindings) == list(found.operator.bindings) == [role("admin")]
    assert found.credential.kind == access.Credential.KIND_API_TOKEN
    assert 399 < (found.credential.expire_time.seconds - found.credential.create_time.seconds) / 86_400 <= 400


async def test_an_operator_is_made_and_comes_back_whole(operator: Peer) -> None:
    await make_tenant(operator, "haikou")
    wanted = access.Operator(
        name="operators/ann",
        display_name="Ann",
        oidc_subject="ann@city",
        bindings=[
            access.Binding(
                role=access.ROLE_OPERATOR,
                tenant="tenants/haikou",
                sites=["K12"],
                labels=[node_pb2.Label(key="road", value="G98")],
            )
        ],
    )
    request = access.CreateOperatorRequest(operator=wanted, password=PASSWORD)

    made = (await operator.call(operator.access.CreateOperator, request)).operator

    assert made == await get(operator, "ann")
    assert (made.display_name, made.oidc_subject, made.has_password) == ("Ann", "ann@city", True)
    assert list(made.bindings) == list(wanted.bindings)
    with pytest.raises(AlreadyExistsError):
        await operator.call(operator.access.CreateOperator, request)


@pytest.mark.parametrize(
    "wrong",
    [
        access.Operator(name="ann"),
        access.Operator(name="operators/Ann"),
        access.Operator(name="operators/a/b"),
        access.Operator(name="operators/ann", display_name="x" * 201),
        access.Operator(name="operators/ann", display_name="a\nb"),
        access.Operator(name="operators/ann", oidc_subject="x" * 256),
        access.Operator(name="operators/ann", bindings=[access.Binding(tenant="tenants/root")]),
        access.Operator(name="operators/ann", bindings=[unknown_role()]),
        access.Operator(name="operators/ann", bindings=[access.Binding(role=access.ROLE_VIEWER)]),
        access.Operator(name="operators/ann", bindings=[role("viewer", "nowhere")]),
        access.Operator(name="operators/ann", bindings=[role("viewer", sites=("",))]),
        access.Operator(name="operators/ann", bindings=[role("viewer", sites=(f"K{number}",)) for number in range(65)]),
    ],
    ids=str,
)
async def test_a_malformed_operator_is_refused(operator: Peer, wrong: access.Operator) -> None:
    with pytest.raises(InvalidArgumentError):
        await operator.call(operator.access.CreateOperator, access.CreateOperatorRequest(operator=wrong))
    assert await listed(operator) == ["admin"]


async def test_nobody_hands_out_more_than_they_have(manager: LocalManager, operator: Peer) -> None:
    await make_tenant(operator, "hainan")
    await make_tenant(operator, "haikou", "hainan")
    await make_tenant(operator, "other")
    async with as_operator(manager, "ann", role("admin", "hainan"), role("release-manager")) as ann:
        await make_operator(ann, "bob", role("admin", "haikou"))
        for bindings in (
            [role("viewer")],
            [role("admin")],
            # a role she has there, but nothing that lets her give it away
            [role("release-manager")],
            [role("viewer", "haikou"), role("admin")],
            [],  # nobody of no tenant: at the root
        ):
            with pytest.raises(PermissionDeniedError):
                await make_operator(ann, "cas", *bindings)
        assert await listed(ann) == ["bob"]
        assert await tenants(ann) == ["haikou", "hainan", "other", "root"]  # by the release manager's role


async def test_a_tenant_one_cannot_see_is_as_if_it_were_not_there(manager: LocalManager, operator: Peer) -> None:
    await make_tenant(operator, "hainan")
    await make_tenant(operator, "other")
    await make_operator(operator, "cas", role("viewer", "other"))
    async with as_operator(manager, "ann", role("admin", "hainan")) as ann:
        answers = []
        for tenant_id in ("other", "nowhere"):
            with pytest.raises(InvalidArgumentError) as caught:
                await make_operator(ann, "bob", role("viewer", tenant_id))
            answers.append(str(caught.value).replace(tenant_id, "x"))
        assert answers[0] == answers[1]
        assert await tenants(ann) == ["hainan"]
        assert await listed(ann) == ["ann"]
        hidden = []
        for operator_id in ("cas", "nobody"):
            with pytest.raises(NotFoundError) as missed:
                await get(ann, operator_id)
            hidden.append(str(missed.value).replace(operator_id, "x"))
        assert hidden[0] == hidden[1]


async def test_an_admin_of_some_nodes_makes_nobody(manager: LocalManager, operator: Peer) -> None:
    await make_tenant(operator, "hainan")
    async with as_operator(manager, "ann", role("admin", "hainan", sites=("K12",))) as ann:
        with pytest.raises(PermissionDeniedError):
            await make_operator(ann, "bob", role("admin", "hainan", sites=("K12",)))
        assert await listed(ann) == []


async def test_an_operator_with_more_than_the_caller_is_not_changed(manager: LocalManager, operator: Peer) -> None:
    await make_tenant(operator, "hainan")
    await make_operator(operator, "bob", role("viewer", "hainan"), role("auditor"))
    async with as_operator(manager, "ann", role("admin", "hainan"), role("viewer")) as ann:
        for attempt in (
            update(ann, "bob", "disabled"),
            update(ann, "bob", "bindings", bindings=(role("viewer", "hainan"),)),
            update(ann, "admin", "disabled"),
        ):
            with pytest.raises((PermissionDeniedError, NotFoundError)):
                await attempt
        for attempt_token in ("bob", "admin"):
            with pytest.raises((PermissionDeniedError, NotFoundError)):
                await api_token(ann, attempt_token)


async def test_an_admin_raises_neither_themselves_nor_others_above_themselves(
    manager: LocalManager, operator: Peer
) -> None:
    await make_tenant(operator, "hainan")
    async with as_operator(manager, "ann", role("admin", "hainan")) as ann:
        await make_operator(ann, "bob", role("viewer", "hainan"))
        for operator_id in ("ann", "bob"):
            with pytest.raises(InvalidArgumentError, match="no tenant root"):
                await update(ann, operator_id, "bindings", bindings=(role("admin"),))
        raised = await update(ann, "bob", "bindings", bindings=(role("admin", "hainan"),))
        assert list(raised.bindings) == [role("admin", "hainan")]


async def test_an_operator_is_changed_field_by_field_and_only_as_it_was_seen(operator: Peer) -> None:
    made = await make_operator(operator, "ann", role("viewer"))
    changed = await update(operator, "ann", "display_name", etag=made.etag, display_name="Ann")

    assert (changed.display_name, list(changed.bindings)) == ("Ann", [role("viewer")])
    with pytest.raises(ConflictError):
        await update(operator, "ann", "display_name", etag=made.etag)
    for paths in ((), ("name",), ("has_password",), ("display_name", "etag")):
        with pytest.raises(InvalidArgumentError, match="update_mask"):
            await update(operator, "ann", *paths)


async def test_the_last_admin_of_the_root_stays(operator: Peer) -> None:
    with pytest.raises(FailedPreconditionError, match="last admin"):
        await update(operator, "admin", "disabled")
    with pytest.raises(FailedPreconditionError, match="last admin"):
        await update(operator, "admin", "bindings", bindings=(role("viewer"),))


async def test_nothing_opens_for_a_disabled_operator(manager: LocalManager, operator: Peer) -> None:
    async with as_operator(manager, "ann", role("viewer"), password=PASSWORD) as ann, manager.stranger() as stranger:
        session = await sign_in(stranger, "ann")
        await update(operator, "ann", "disabled")
        with pytest.raises(UnauthenticatedError):
            await caller(ann)
        async with manager.stranger(token=session.token) as signed_in:
            with pytest.raises(UnauthenticatedError):
                await caller(signed_in)
        with pytest.raises(UnauthenticatedError):
            await sign_in(stranger, "ann")


async def test_everybody_may_look_at_themselves_and_only_readers_of_operators_at_others(
    manager: LocalManager, operator: Peer
) -> None:
    await make_operator(operator, "bob", role("viewer"))
    async with as_operator(manager, "ann", role("viewer")) as ann:
        assert (await get(ann, "ann")).name == "operators/ann"
        with pytest.raises(PermissionDeniedError):
            await get(ann, "bob")
        with pytest.raises(PermissionDeniedError):
            await listed(ann)
    async with as_operator(manager, "eve", role("auditor")) as eve:
        assert await listed(eve) == ["admin", "ann", "bob", "eve"]


async def test_tenants_are_made_listed_and_deleted(operator: Peer) -> None:
    made = await make_tenant(operator, "hainan")
    await make_tenant(operator, "haikou", "hainan")

    assert await tenants(operator) == ["haikou", "hainan", "root"]
    assert (made.kind, made.parent) == (access.Tenant.KIND_CITY, "tenants/root")
    with pytest.raises(AlreadyExistsError):
        await make_tenant(operator, "hainan")
    for tenant_id, error in (("hainan", FailedPreconditionError), ("root", FailedPreconditionError)):
        with pytest.raises(error):
            await operator.call(operator.access.DeleteTenant, access.DeleteTenantRequest(name=f"tenants/{tenant_id}"))
    await operator.call(operator.access.DeleteTenant, access.DeleteTenantRequest(name="tenants/haikou"))
    with pytest.raises(NotFoundError):
        await operator.call(operator.access.DeleteTenant, access.DeleteTenantRequest(name="tenants/haikou"))


@pytest.mark.parametrize(
    "wrong",
    [
        access.Tenant(name="tenants/new", parent="tenants/root"),
        unknown_kind(),
        access.Tenant(name="tenants/New", kind=access.Tenant.KIND_CITY, parent="tenants/root"),
        access.Tenant(name="tenants/new", kind=access.Tenant.KIND_CITY),
        access.Tenant(name="tenants/new", kind=access.Tenant.KIND_CITY, parent="tenants/nowhere"),
    ],
    ids=str,
)
async def test_a_malformed_tenant_is_refused(operator: Peer, wrong: access.Tenant) -> None:
    with pytest.raises(WaysideError) as caught:
        await operator.call(operator.access.CreateTenant, access.CreateTenantRequest(tenant=wrong))
    assert isinstance(caught.value, InvalidArgumentError | NotFoundError)


async def test_an_admin_makes_tenants_below_their_own_only(manager: LocalManager, operator: Peer) -> None:
    await make_tenant(operator, "hainan")
    async with as_operator(manager, "ann", role("admin", "hainan")) as ann:
        await make_tenant(ann, "haikou", "hainan")
        with pytest.raises(NotFoundError):
            await make_tenant(ann, "guangdong")
        assert await tenants(ann) == ["haikou", "hainan"]
