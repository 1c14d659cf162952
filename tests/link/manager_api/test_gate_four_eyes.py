"""Dangerous calls wait for a second person, over real TLS."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.link.manager_api.peer import Clock, LocalManager, Peer, layer, release_archive, role
from wayside.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    WaysideError,
)
from wayside.v1 import (
    access_service_pb2,
    approval_service_pb2,
    config_service_pb2,
    fleet_service_pb2,
    node_pb2,
    rollout_service_pb2,
)

ROLES, RETIRE = access_service_pb2.DANGEROUS_ACTION_ROLES, access_service_pb2.DANGEROUS_ACTION_RETIRE
FLEET_CONFIG = access_service_pb2.DANGEROUS_ACTION_FLEET_CONFIG
WITH_PASSWORD = access_service_pb2.CreateOperatorRequest(
    operator=access_service_pb2.Operator(name="operators/newcomer"), password="a long enough password"
)


@pytest.fixture
async def approver(manager: LocalManager, operator: Peer) -> AsyncIterator[Peer]:
    token = await operator.make_operator("second", role("admin"))
    async with manager.stranger(token=token) as peer:
        yield peer


async def refused(peer: Peer, rpc: Any, request: object, **headers: str) -> WaysideError:  # noqa: ANN401  # any call
    with pytest.raises(WaysideError) as caught:
        await peer.call(rpc, request, **headers)
    return caught.value


async def approval_for(peer: Peer, rpc: Any, request: object) -> str:  # noqa: ANN401  # any call
    """The approval a call opens."""
    error = await refused(peer, rpc, request)
    assert isinstance(error, FailedPreconditionError), error
    assert error.reason == "APPROVAL_REQUIRED"
    return error.metadata["approval"]


async def test_a_dangerous_call_waits_and_goes_through_once_somebody_else_agreed(
    operator: Peer, approver: Peer
) -> None:
    await operator.set_policy(four_eyes_actions=[ROLES])
    create = operator.access.CreateOperator
    approval = await approval_for(operator, create, WITH_PASSWORD)
    assert (await approver.decide(approval)).state == approval_service_pb2.Approval.STATE_GRANTED
    made = await operator.call(create, WITH_PASSWORD, wayside_approval=approval)
    again = await refused(operator, create, WITH_PASSWORD, wayside_approval=approval)
    assert made.operator.name == "operators/newcomer"
    assert again.reason == "APPROVAL_NOT_GRANTED"


async def test_what_the_second_person_reads_holds_no_password(operator: Peer, approver: Peer) -> None:
    await operator.set_policy(four_eyes_actions=[ROLES])
    approval = await approval_for(operator, operator.access.CreateOperator, WITH_PASSWORD)
    request = approval_service_pb2.GetApprovalRequest(name=approval)
    shown = (await approver.call(approver.approval.GetApproval, request)).approval
    assert json.loads(shown.request_json) == {"operator": {"name": "operators/newcomer"}}
    assert shown.summary == "CreateOperator needs a second person (policy: roles)"
    assert (shown.requester, shown.method) == ("operators/admin", "/wayside.v1.AccessService/CreateOperator")
    assert "long enough" not in str(shown)


async def test_the_same_call_made_twice_opens_one_approval(operator: Peer) -> None:
    await operator.set_policy(four_eyes_actions=[ROLES])
    create = operator.access.CreateOperator
    assert await approval_for(operator, create, WITH_PASSWORD) == await approval_for(operator, create, WITH_PASSWORD)


async def test_nobody_agrees_with_themselves_by_whatever_credential(manager: LocalManager, operator: Peer) -> None:
    await operator.set_policy(four_eyes_actions=[ROLES])
    approval = await approval_for(operator, operator.access.CreateOperator, WITH_PASSWORD)
    async with manager.stranger(token=await operator.api_token("admin")) as same_person:
        with pytest.raises(PermissionDeniedError) as caught:
            await same_person.decide(approval)
    assert caught.value.reason == "SAME_PERSON"


async def test_an_approval_is_for_the_very_call_and_caller_it_was_opened_for(operator: Peer, approver: Peer) -> None:
    await operator.set_policy(four_eyes_actions=[ROLES])
    create = operator.access.CreateOperator
    approval = await approval_for(operator, create, WITH_PASSWORD)
    await approver.decide(approval)
    other = access_service_pb2.CreateOperatorRequest(
        operator=access_service_pb2.Operator(name="operators/newcomer", bindings=[role("admin")])
    )
    changed = await refused(operator, create, other, wayside_approval=approval)
    stolen = await refused(approver, approver.access.CreateOperator, WITH_PASSWORD, wayside_approval=approval)
    invented = await refused(operator, create, WITH_PASSWORD, wayside_approval="approvals/0000")
    malformed = await refused(operator, create, WITH_PASSWORD, wayside_approval="../x")
    assert (type(changed), changed.reason) == (PermissionDeniedError, "APPROVAL_OTHER")
    assert type(stolen) is type(invented) is NotFoundError
    assert isinstance(malformed, InvalidArgumentError)


async def test_an_approval_that_waits_was_denied_or_is_over_opens_nothing(
    operator: Peer, approver: Peer, clock: Clock
) -> None:
    await operator.set_policy(four_eyes_actions=[ROLES])
    create = operator.access.CreateOperator
    approval = await approval_for(operator, create, WITH_PASSWORD)
    waiting = await refused(operator, create, WITH_PASSWORD, wayside_approval=approval)
    await approver.decide(approval, granted=False)
    denied = await refused(operator, create, WITH_PASSWORD, wayside_approval=approval)
    newer = await approval_for(operator, create, WITH_PASSWORD)
    await approver.decide(newer)
    clock.push(hours=25)
    over = await refused(operator, create, WITH_PASSWORD, wayside_approval=newer)
    assert newer != approval
    for error in (waiting, denied, over):
        assert (type(error), error.reason) == (FailedPreconditionError, "APPROVAL_NOT_GRANTED")


async def test_the_policy_itself_needs_a_second_person_when_it_says_so(operator: Peer, approver: Peer) -> None:
    await operator.set_policy(four_eyes_actions=[access_service_pb2.DANGEROUS_ACTION_POLICY])
    weaker = access_service_pb2.UpdateAccessPolicyRequest(policy=access_service_pb2.AccessPolicy())
    approval = await approval_for(operator, operator.access.UpdateAccessPolicy, weaker)
    await approver.decide(approval)
    await operator.call(operator.access.UpdateAccessPolicy, weaker, wayside_approval=approval)
    await operator.set_policy()  # now nobody is asked any more


async def test_without_the_policy_nobody_is_asked_and_a_header_changes_nothing(operator: Peer) -> None:
    made = await operator.call(operator.access.CreateOperator, WITH_PASSWORD, wayside_approval="approvals/none")
    assert made.operator.name == "operators/newcomer"


async def test_a_role_is_asked_for_before_a_second_person(manager: LocalManager, operator: Peer) -> None:
    await operator.set_policy(four_eyes_actions=[ROLES])
    token = await operator_without_asking(operator)
    async with manager.stranger(token=token) as viewer:
        error = await refused(viewer, viewer.access.CreateOperator, WITH_PASSWORD)
    assert error.reason == "ROLE_MISSING"


async def operator_without_asking(operator: Peer) -> str:
    await operator.set_policy()
    token = await operator.make_operator("vera", role("viewer"))
    await operator.set_policy(four_eyes_actions=[ROLES])
    return token


async def test_configuration_is_dangerous_from_a_number_of_nodes_on(manager: LocalManager, operator: Peer) -> None:
    for number in range(3):
        await manager.enroll(f"rsu-{number}")
    await operator.set_policy(four_eyes_actions=[FLEET_CONFIG], max_unapproved_node_count=2)
    few, every = layer("few"), layer("every")
    few.selector.CopyFrom(node_pb2.NodeSelector(nodes=["nodes/rsu-0", "nodes/rsu-1"]))
    await operator.apply(few)
    request = config_service_pb2.ApplyConfigLayerRequest(config_layer=every)
    error = await refused(operator, operator.config.ApplyConfigLayer, request)
    assert error.reason == "APPROVAL_REQUIRED"
    assert "reaches 3 nodes" in error.message


async def test_nodes_a_layer_leaves_count_like_those_it_reaches(manager: LocalManager, operator: Peer) -> None:
    for number in range(3):
        await manager.enroll(f"rsu-{number}")
    await operator.apply(layer("every"))
    await operator.set_policy(four_eyes_actions=[FLEET_CONFIG], max_unapproved_node_count=2)
    narrower = layer("every")
    narrower.selector.CopyFrom(node_pb2.NodeSelector(nodes=["nodes/rsu-0"]))
    request = config_service_pb2.ApplyConfigLayerRequest(config_layer=narrower)
    shrunk = await refused(operator, operator.config.ApplyConfigLayer, request)
    delete = config_service_pb2.DeleteConfigLayerRequest(name="configLayers/every")
    deleted = await refused(operator, operator.config.DeleteConfigLayer, delete)
    assert shrunk.reason == deleted.reason == "APPROVAL_REQUIRED"


async def test_going_back_to_a_wide_revision_needs_a_second_person_who_sees_which(
    manager: LocalManager, operator: Peer
) -> None:
    for number in range(3):
        await manager.enroll(f"rsu-{number}")
    narrow = layer("every")
    narrow.selector.CopyFrom(node_pb2.NodeSelector(nodes=["nodes/rsu-0"]))
    await operator.apply(layer("every"))
    await operator.apply(narrow)
    await operator.set_policy(four_eyes_actions=[FLEET_CONFIG], max_unapproved_node_count=2)
    request = config_service_pb2.RollbackConfigLayerRequest(name="configLayers/every")
    unnamed = await refused(operator, operator.config.RollbackConfigLayer, request)
    request.revision = 1
    named = await refused(operator, operator.config.RollbackConfigLayer, request)
    assert (unnamed.reason, named.reason) == ("REVISION_REQUIRED", "APPROVAL_REQUIRED")
    assert "RollbackConfigLayer reaches 3 nodes" in named.message


async def test_nodes_of_other_tenants_do_not_make_a_layer_dangerous(manager: LocalManager, operator: Peer) -> None:
    await operator.make_tenant("east")
    await manager.enroll("rsu-0")
    await operator.set_policy(four_eyes_actions=[FLEET_CONFIG])
    own = layer("own")
    own.tenant = "tenants/east"
    await operator.apply(own)


async def test_retiring_always_needs_a_second_person_of_the_nodes_tenant(manager: LocalManager, operator: Peer) -> None:
    await operator.make_tenant("east")
    await operator.make_tenant("west")
    await manager.enroll("rsu-1", token=await operator.enrollment_token(tenant="tenants/east"))
    tokens = [await operator.make_operator(f"in-{where}", role("approver", where)) for where in ("east", "west")]
    await operator.set_policy(four_eyes_actions=[RETIRE])
    request = fleet_service_pb2.RetireNodeRequest(name="nodes/rsu-1")
    approval = await approval_for(operator, operator.fleet.RetireNode, request)
    async with manager.stranger(token=tokens[1]) as west, manager.stranger(token=tokens[0]) as east:
        with pytest.raises(NotFoundError):
            await west.decide(approval)
        await east.decide(approval)
    retired = await operator.call(operator.fleet.RetireNode, request, wayside_approval=approval)
    assert retired.node.state == node_pb2.Node.STATE_RETIRED


async def test_a_release_to_many_nodes_waits_for_a_second_person_and_to_few_for_none(
    manager: LocalManager, operator: Peer, approver: Peer
) -> None:
    await operator.publish(release_archive("1.1.0"))
    for number in range(3):
        await manager.enroll(f"rsu-{number}")
    rollout = access_service_pb2.DANGEROUS_ACTION_FLEET_ROLLOUT
    await operator.set_policy(four_eyes_actions=[rollout], max_unapproved_node_count=2)
    many = rollout_service_pb2.CreateRolloutRequest(
        release="releases/1.1.0", selector=node_pb2.NodeSelector(all_nodes=True)
    )
    few = rollout_service_pb2.CreateRolloutRequest(
        release="releases/1.1.0", selector=node_pb2.NodeSelector(nodes=["nodes/rsu-0"])
    )
    approval = await approval_for(operator, operator.rollout.CreateRollout, many)
    none = await operator.call(operator.rollout.ListRollouts, rollout_service_pb2.ListRolloutsRequest())
    await approver.decide(approval)
    made = (await operator.call(operator.rollout.CreateRollout, many, wayside_approval=approval)).rollout
    await operator.call(operator.rollout.AbortRollout, rollout_service_pb2.AbortRolloutRequest(name=made.name))

    assert not none.rollouts
    assert made.node_count == 3
    assert (await operator.call(operator.rollout.CreateRollout, few)).rollout.node_count == 1


async def test_trying_a_rollout_again_counts_the_nodes_it_did_not_reach(manager: LocalManager, operator: Peer) -> None:
    await operator.publish(release_archive("1.1.0"))
    for number in range(3):
        await manager.enroll(f"rsu-{number}")
    request = rollout_service_pb2.CreateRolloutRequest(
        release="releases/1.1.0", selector=node_pb2.NodeSelector(all_nodes=True)
    )
    name = (await operator.call(operator.rollout.CreateRollout, request)).rollout.name
    await operator.call(operator.rollout.AbortRollout, rollout_service_pb2.AbortRolloutRequest(name=name))
    rollout = access_service_pb2.DANGEROUS_ACTION_FLEET_ROLLOUT
    again = rollout_service_pb2.RetryRolloutRequest(name=name)

    await operator.set_policy(four_eyes_actions=[rollout], max_unapproved_node_count=2)
    error = await refused(operator, operator.rollout.RetryRollout, again)
    present = await operator.call(operator.access.GetAccessPolicy, access_service_pb2.GetAccessPolicyRequest())
    await operator.set_policy(four_eyes_actions=[rollout], max_unapproved_node_count=3, etag=present.policy.etag)
    retried = (await operator.call(operator.rollout.RetryRollout, again)).rollout

    assert (error.reason, error.message.partition(" and")[0]) == ("APPROVAL_REQUIRED", "RetryRollout reaches 3 nodes")
    assert (retried.retry_of, retried.node_count) == (name, 3)
