"""Four eyes over a real manager: a dangerous call waits for somebody else, and is then made once."""

import shlex
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.link.manager_api.commands import wayside
from tests.link.manager_api.peer import LocalManager, Peer, role
from wayside.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    WaysideError,
)
from wayside.v1 import access_service_pb2, approval_service_pb2, audit_service_pb2

Approval = approval_service_pb2.Approval
ROLES = access_service_pb2.DANGEROUS_ACTION_ROLES
POLICY = access_service_pb2.DANGEROUS_ACTION_POLICY


def wish(tenant_id: str = "haikou") -> access_service_pb2.CreateTenantRequest:
    """A dangerous call, if the policy says so."""
    made = access_service_pb2.Tenant(
        name=f"tenants/{tenant_id}", parent="tenants/root", kind=access_service_pb2.Tenant.KIND_CITY
    )
    return access_service_pb2.CreateTenantRequest(tenant=made)


async def refused(peer: Peer, request: access_service_pb2.CreateTenantRequest, **headers: str) -> WaysideError:
    with pytest.raises(WaysideError) as caught:
        await peer.call(peer.access.CreateTenant, request, **headers)
    return caught.value


async def asked(peer: Peer, tenant_id: str = "haikou") -> str:
    """The name of the approval a dangerous call opens."""
    error = await refused(peer, wish(tenant_id))
    assert isinstance(error, FailedPreconditionError)
    assert error.reason == "APPROVAL_REQUIRED"
    return error.metadata["approval"]


async def got(peer: Peer, name: str) -> Approval:
    return (await peer.call(peer.approval.GetApproval, approval_service_pb2.GetApprovalRequest(name=name))).approval


async def tenants(peer: Peer) -> set[str]:
    answer = await peer.call(peer.access.ListTenants, access_service_pb2.ListTenantsRequest())
    return {tenant.name for tenant in answer.tenants}


@pytest.fixture
async def bob_token(operator: Peer) -> str:
    """Somebody who decides; then the policy asks for four eyes."""
    token = await operator.make_operator("bob", role("approver"))
    await operator.set_policy(four_eyes_actions=[ROLES, POLICY])
    return token


@pytest.fixture
async def bob(manager: LocalManager, bob_token: str) -> AsyncIterator[Peer]:
    async with manager.stranger(token=bob_token) as peer:
        yield peer


async def test_a_granted_call_is_made_once(operator: Peer, bob: Peer) -> None:
    name = await asked(operator)
    assert await tenants(operator) == {"tenants/root"}
    waiting = await got(bob, name)
    assert waiting.state == Approval.STATE_PENDING
    assert waiting.method == "/wayside.v1.AccessService/CreateTenant"
    assert "tenants/haikou" in waiting.request_json
    decided = await bob.decide(name)
    assert (decided.state, decided.decider) == (Approval.STATE_GRANTED, "operators/bob")
    await operator.call(operator.access.CreateTenant, wish(), wayside_approval=name)
    assert "tenants/haikou" in await tenants(operator)
    assert (await got(bob, name)).state == Approval.STATE_USED
    error = await refused(operator, wish(), wayside_approval=name)
    assert error.reason == "APPROVAL_NOT_GRANTED"


async def test_the_entry_of_the_change_names_the_approval(operator: Peer, bob: Peer) -> None:
    name = await asked(operator)
    await bob.decide(name)
    await operator.call(operator.access.CreateTenant, wish(), wayside_approval=name)
    request = audit_service_pb2.ListAuditEntriesRequest(
        filter=audit_service_pb2.AuditFilter(outcomes=[audit_service_pb2.AuditEntry.OUTCOME_DONE])
    )
    entries = (await operator.call(operator.audit.ListAuditEntries, request)).entries
    assert [(entry.action.rpartition("/")[2], entry.approval) for entry in entries[:2]] == [
        ("CreateTenant", name),
        ("DecideApproval", ""),
    ]


async def test_asking_again_names_the_same_approval(operator: Peer, bob: Peer) -> None:
    name = await asked(operator)
    assert await asked(operator) == name
    await bob.decide(name, granted=False)
    assert await asked(operator) != name


async def test_a_call_that_was_not_granted_is_not_made(operator: Peer, bob: Peer) -> None:
    name = await asked(operator)
    assert (await refused(operator, wish(), wayside_approval=name)).reason == "APPROVAL_NOT_GRANTED"
    await bob.decide(name, granted=False)
    assert (await refused(operator, wish(), wayside_approval=name)).reason == "APPROVAL_NOT_GRANTED"
    assert await tenants(operator) == {"tenants/root"}


async def test_an_approval_is_for_the_very_call(operator: Peer, bob: Peer) -> None:
    name = await asked(operator)
    await bob.decide(name)
    assert (await refused(operator, wish("sanya"), wayside_approval=name)).reason == "APPROVAL_OTHER"
    assert await tenants(operator) == {"tenants/root"}
    assert (await got(bob, name)).state == Approval.STATE_GRANTED


async def test_an_approval_is_for_who_asked(manager: LocalManager, operator: Peer) -> None:
    token = await operator.make_operator("carol", role("admin"))
    await operator.set_policy(four_eyes_actions=[ROLES])
    async with manager.stranger(token=token) as carol:
        name = await asked(operator)
        await carol.decide(name)
        error = await refused(carol, wish(), wayside_approval=name)
        assert isinstance(error, PermissionDeniedError | NotFoundError)
        assert await tenants(operator) == {"tenants/root"}


async def test_who_asked_cannot_decide_with_any_credential(manager: LocalManager, operator: Peer, bob: Peer) -> None:
    name = await asked(operator)
    caller = await operator.call(operator.access.GetCaller, access_service_pb2.GetCallerRequest())
    own_id = caller.operator.name.removeprefix("operators/")
    async with manager.stranger(token=await operator.api_token(own_id)) as again:
        for peer in (operator, again):
            with pytest.raises(PermissionDeniedError) as caught:
                await peer.decide(name)
            assert caught.value.reason == "SAME_PERSON"
    assert (await got(bob, name)).state == Approval.STATE_PENDING


async def test_only_who_may_decide_decides(manager: LocalManager, operator: Peer) -> None:
    token = await operator.make_operator("vic", role("viewer"))
    await operator.set_policy(four_eyes_actions=[ROLES])
    name = await asked(operator)
    async with manager.stranger(token=token) as vic:
        assert (await got(vic, name)).state == Approval.STATE_PENDING
        with pytest.raises(PermissionDeniedError):
            await vic.decide(name)


async def test_approvals_of_others_tenants_are_not_there(manager: LocalManager, operator: Peer) -> None:
    await operator.make_tenant("sanya")
    token = await operator.make_operator("sam", role("approver", "sanya"))
    await operator.set_policy(four_eyes_actions=[ROLES])
    name = await asked(operator)
    async with manager.stranger(token=token) as sam:
        for missing in (name, "approvals/none"):
            with pytest.raises(NotFoundError):
                await got(sam, missing)
            with pytest.raises(NotFoundError):
                await sam.decide(missing)
        answer = await sam.call(sam.approval.ListApprovals, approval_service_pb2.ListApprovalsRequest())
        assert list(answer.approvals) == []


async def test_an_approval_ends(manager: LocalManager, operator: Peer, bob: Peer) -> None:
    waiting, granted = await asked(operator, "haikou"), await asked(operator, "sanya")
    await bob.decide(granted)
    manager.clock.push(hours=24)
    assert (await got(bob, waiting)).state == Approval.STATE_EXPIRED
    with pytest.raises(FailedPreconditionError):
        await bob.decide(waiting)
    assert (await refused(operator, wish("sanya"), wayside_approval=granted)).reason == "APPROVAL_NOT_GRANTED"


async def test_the_policy_itself_needs_a_second_person_when_it_says_so(operator: Peer, bob: Peer) -> None:
    request = access_service_pb2.UpdateAccessPolicyRequest()  # nothing would need one any more
    with pytest.raises(FailedPreconditionError) as caught:
        await operator.call(operator.access.UpdateAccessPolicy, request)
    name = caught.value.metadata["approval"]
    await bob.decide(name)
    await operator.call(operator.access.UpdateAccessPolicy, request, wayside_approval=name)
    await operator.call(operator.access.CreateTenant, wish())


async def test_a_note_is_bounded(operator: Peer, bob: Peer) -> None:
    request = approval_service_pb2.DecideApprovalRequest(name=await asked(operator), note="x" * 201)
    with pytest.raises(InvalidArgumentError):
        await bob.call(bob.approval.DecideApproval, request)


async def test_the_command_line_says_what_to_repeat_and_that_works(
    manager: LocalManager, operator: Peer, bob_token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token_file = tmp_path / "bob"
    token_file.write_text(bob_token)
    command = ["policy", "set", "--no-four-eyes", "--max-nodes", "5"]
    monkeypatch.setattr(sys, "argv", ["wayside", *command])
    code, _, err = await wayside(manager, *command)
    assert code == 1
    repeated = shlex.split(err.partition("repeat: ")[2])
    assert repeated[:2] == ["wayside", "--approval"]
    assert repeated[3:] == command
    name = repeated[2]
    code, out, _ = await wayside(manager, "approvals", "list", "--state", "pending", token=token_file)
    assert name.removeprefix("approvals/") in out
    code, _, err = await wayside(manager, "approvals", "grant", name)
    assert (code, "you asked for it" in err) == (5, True)
    code, out, _ = await wayside(manager, "approvals", "grant", name, "--note", "seen it", token=token_file)
    assert (code, "granted" in out) == (0, True)
    code, out, err = await wayside(manager, *repeated[1:])
    assert (code, err) == (0, "")
    assert "nothing" in out
    code, out, _ = await wayside(manager, "approvals", "show", name)
    assert (code, "used" in out) == (0, True)
    await operator.call(operator.access.CreateTenant, wish())


async def test_the_command_line_denies(manager: LocalManager, operator: Peer, bob_token: str, tmp_path: Path) -> None:
    token_file = tmp_path / "bob"
    token_file.write_text(bob_token)
    name = await asked(operator)
    code, out, _ = await wayside(manager, "approvals", "deny", name, token=token_file)
    assert (code, "denied" in out) == (0, True)
    assert (await refused(operator, wish(), wayside_approval=name)).reason == "APPROVAL_NOT_GRANTED"
