"""Operators who want to be more than they are, over real TLS."""

from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from tests.link.manager_api.peer import LocalManager, Peer, csr, role
from tests.link.manager_api.people import api_token, as_operator, make_operator, make_tenant
from wayside.errors import AlreadyExistsError, InvalidArgumentError, NotFoundError, PermissionDeniedError, WaysideError
from wayside.v1 import (
    access_service_pb2,
    approval_service_pb2,
    audit_service_pb2,
    fleet_service_pb2,
    node_pb2,
)
from wayside_manager.services.authority import key_pem, new_key

ROLES = access_service_pb2.DANGEROUS_ACTION_ROLES


async def change(peer: Peer, node: node_pb2.Node, *paths: str) -> node_pb2.Node:
    request = fleet_service_pb2.UpdateNodeRequest(node=node, update_mask=FieldMask(paths=paths))
    return (await peer.call(peer.fleet.UpdateNode, request)).node


@pytest.fixture
async def node_of_haikou(manager: LocalManager, operator: Peer) -> str:
    for tenant_id in ("haikou", "sanya"):
        await make_tenant(operator, tenant_id)
    token = await operator.enrollment_token(tenant="tenants/haikou")
    await manager.enroll("haikou-1", token=token)
    return "nodes/haikou-1"


async def test_nobody_widens_their_own_rights_by_a_site_or_a_label(
    manager: LocalManager, operator: Peer, node_of_haikou: str
) -> None:
    mine = node_pb2.Label(key="mine", value="yes")
    bindings = (
        role("operator", "haikou"),
        role("admin", "haikou", sites=("k12",)),
        access_service_pb2.Binding(role=access_service_pb2.ROLE_ADMIN, tenant="tenants/haikou", labels=[mine]),
    )
    for site_id in ("k12", "k13"):
        await operator.make_site(site_id, tenant="tenants/haikou")
    async with as_operator(manager, "ann", *bindings) as ann:
        only = (role("operator", "haikou"),)
        narrowed = (await api_token(ann, bindings=only)).token
        async with manager.stranger(token=narrowed) as program:
            for peer in (ann, program):
                for node, path in (
                    (node_pb2.Node(name=node_of_haikou, site="sites/k12"), "site"),
                    (node_pb2.Node(name=node_of_haikou, labels=[mine]), "labels"),
                ):
                    with pytest.raises(PermissionDeniedError) as caught:
                        await change(peer, node, path)
                    assert caught.value.reason == "MORE_THAN_OWN"
        assert (await change(ann, node_pb2.Node(name=node_of_haikou, site="sites/k13"), "site")).site == "sites/k13"
    await change(operator, node_pb2.Node(name=node_of_haikou, site="sites/k12"), "site")


async def test_nobody_takes_a_node_to_where_they_are_more(manager: LocalManager, node_of_haikou: str) -> None:
    async with as_operator(manager, "ann", role("operator", "haikou"), role("admin", "sanya")) as ann:
        with pytest.raises(PermissionDeniedError) as caught:
            await change(ann, node_pb2.Node(name=node_of_haikou, tenant="tenants/sanya"), "tenant")
    assert caught.value.reason == "MORE_THAN_OWN"


async def test_a_token_does_not_live_on_in_a_certificate_it_had_issued(manager: LocalManager, operator: Peer) -> None:
    short, key = await api_token(operator, ttl_s=3600), new_key()
    async with manager.stranger(token=short.token) as program:
        request = access_service_pb2.IssueOperatorCertificateRequest(certificate_request_pem=csr(key))
        issued = await program.call(program.access.IssueOperatorCertificate, request)
    async with manager.certified(issued.certificate_pem, key_pem(key)) as certified:
        again = await api_token(certified, ttl_s=86_400)
    assert again.credential.expire_time == short.credential.expire_time


async def approval_of(peer: Peer, rpc: Any, request: object) -> str:  # noqa: ANN401  # any call
    with pytest.raises(WaysideError) as caught:
        await peer.call(rpc, request)
    assert caught.value.reason == "APPROVAL_REQUIRED"
    return caught.value.metadata["approval"]


async def tenant_of(peer: Peer, approval: str) -> str:
    request = approval_service_pb2.GetApprovalRequest(name=approval)
    return (await peer.call(peer.approval.GetApproval, request)).approval.tenant


@pytest.mark.usefixtures("node_of_haikou")
async def test_approvers_of_a_tenant_are_not_asked_about_roles_above_it(operator: Peer) -> None:
    await make_operator(operator, "ann", role("viewer", "haikou"))
    await make_operator(operator, "bob", role("viewer", "haikou"), role("admin"))
    await operator.set_policy(four_eyes_actions=[ROLES])
    asked = {}
    for operator_id, binding in (("ann", role("admin")), ("bob", role("viewer", "haikou"))):
        changed = access_service_pb2.Operator(name=f"operators/{operator_id}", bindings=[binding])
        request = access_service_pb2.UpdateOperatorRequest(operator=changed, update_mask=FieldMask(paths=["bindings"]))
        approval = await approval_of(operator, operator.access.UpdateOperator, request)
        asked[operator_id] = await tenant_of(operator, approval)
    changed = access_service_pb2.Operator(name="operators/ann", bindings=[role("operator", "haikou")])
    request = access_service_pb2.UpdateOperatorRequest(operator=changed, update_mask=FieldMask(paths=["bindings"]))
    asked["within"] = await tenant_of(operator, await approval_of(operator, operator.access.UpdateOperator, request))
    assert asked == {"ann": "tenants/root", "bob": "tenants/root", "within": "tenants/haikou"}


async def test_an_admin_cannot_make_the_second_person_of_somebody_else(operator: Peer) -> None:
    await make_operator(operator, "second", role("admin"))
    await operator.set_policy(four_eyes_actions=[ROLES])
    token = access_service_pb2.CreateApiTokenRequest(operator="operators/second")
    password = access_service_pb2.SetPasswordRequest(operator="operators/second", new_password="correct horse battery")
    certificate = access_service_pb2.IssueOperatorCertificateRequest(
        operator="operators/second", certificate_request_pem=csr(new_key())
    )
    access = operator.access
    for rpc, request in (
        (access.CreateApiToken, token),
        (access.SetPassword, password),
        (access.IssueOperatorCertificate, certificate),
    ):
        approval = await approval_of(operator, rpc, request)
        shown = await operator.call(
            operator.approval.GetApproval, approval_service_pb2.GetApprovalRequest(name=approval)
        )
        assert "horse" not in shown.approval.request_json
    assert (await api_token(operator)).token  # one's own are nobody else's business


@pytest.mark.usefixtures("node_of_haikou")
async def test_a_tenant_made_anew_under_an_old_name_shows_nobody_the_old_ones_trail(
    manager: LocalManager, operator: Peer
) -> None:
    await make_tenant(operator, "k12-operator", "haikou")
    await operator.enrollment_token(tenant="tenants/k12-operator")
    request = access_service_pb2.DeleteTenantRequest(name="tenants/k12-operator")
    await operator.call(operator.access.DeleteTenant, request)
    async with as_operator(manager, "ann", role("admin", "sanya")) as ann:
        with pytest.raises(AlreadyExistsError) as caught:
            await make_tenant(ann, "k12-operator", "sanya")
        listed = await ann.call(ann.audit.ListAuditEntries, audit_service_pb2.ListAuditEntriesRequest())
    assert caught.value.reason == "TENANT_EXISTS"
    assert all(entry.tenant != "tenants/k12-operator" for entry in listed.entries)


async def test_a_note_on_an_approval_is_one_printable_line(manager: LocalManager, operator: Peer) -> None:
    await operator.set_policy(four_eyes_actions=[access_service_pb2.DANGEROUS_ACTION_POLICY])
    request = access_service_pb2.UpdateAccessPolicyRequest(policy=access_service_pb2.AccessPolicy())
    approval = await approval_of(operator, operator.access.UpdateAccessPolicy, request)
    async with as_operator(manager, "second", role("approver")) as second:
        decision = approval_service_pb2.DecideApprovalRequest(name=approval, granted=False, note="\x1b[2Jok\n")
        with pytest.raises(InvalidArgumentError, match="note"):
            await second.call(second.approval.DecideApproval, decision)


async def test_one_operator_opens_a_bounded_number_of_approvals(operator: Peer) -> None:
    await operator.set_policy(four_eyes_actions=[ROLES])
    reasons = []
    for number in range(101):
        newcomer = access_service_pb2.Operator(name=f"operators/newcomer-{number}")
        request = access_service_pb2.CreateOperatorRequest(operator=newcomer)
        with pytest.raises(WaysideError) as caught:
            await operator.call(operator.access.CreateOperator, request)
        reasons.append(caught.value.reason)
    assert reasons == ["APPROVAL_REQUIRED"] * 100 + ["APPROVALS_TOO_MANY"]


async def test_a_role_of_another_tenant_is_not_needed_to_see_that_nothing_is_there(
    manager: LocalManager, node_of_haikou: str
) -> None:
    async with as_operator(manager, "ann", role("admin", "sanya")) as ann:
        with pytest.raises(NotFoundError):
            await change(ann, node_pb2.Node(name=node_of_haikou, site="sites/k12"), "site")
