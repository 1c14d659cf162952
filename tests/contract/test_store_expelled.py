"""Nodes that are put out: revoked or retired; and what of all changes the audit trail is told."""

from dataclasses import replace

import pytest

from tests.contract.manager_land import layer, release, settled, whole
from tests.contract.manager_store import START, after, certificate, sited
from wayside.errors import (
    ConflictError,
    FailedPreconditionError,
)
from wayside_manager.core.access import EVERYWHERE
from wayside_manager.core.audit import CallRecord, facts
from wayside_manager.core.enrollment import TokenRecord
from wayside_manager.core.nodes import NodeChange, NodeState
from wayside_manager.core.rollout import RolloutOrder, RolloutSpec
from wayside_manager.core.selectors import NodeFilter, NodeSelector
from wayside_manager.ports.audit import CALL
from wayside_manager.ports.store import Store

EVERY = NodeSelector(all_nodes=True)


@pytest.fixture
async def fleet(store: Store) -> Store:
    """A node per tenant."""
    await settled(store)
    return store


async def test_a_revoked_node_is_configured_but_not_updated(fleet: Store) -> None:
    await fleet.revoke_node("haikou-1", now=START)
    assert await fleet.select_nodes(EVERY, reach=EVERYWHERE, tenant_id="haikou") == ()
    applied = await fleet.apply_layer(layer("base", 5, tenant_id="haikou"), now=START)
    assert applied.effect.changed_node_ids == ("haikou-1",)


@pytest.mark.parametrize("state", [NodeState.REVOKED, NodeState.RETIRED])
async def test_who_is_put_out_keeps_no_credential(fleet: Store, state: NodeState) -> None:
    before = await fleet.get_node("haikou-1")
    assert before.certificate_expire_time is not None
    expel = fleet.revoke_node if state is NodeState.REVOKED else fleet.retire_node
    with pytest.raises(ConflictError):
        await expel("haikou-1", now=after(5), etag="stale")
    node = await expel("haikou-1", now=after(5), etag=before.etag)
    assert (node.state, node.certificate_expire_time) == (state, None)
    assert [one.revoke_time for one in await fleet.list_credentials("nodes/haikou-1")] == [after(5)]
    assert await expel("haikou-1", now=after(9)) == node


async def test_a_token_made_before_lets_nobody_in_as_a_revoked_node(fleet: Store) -> None:
    bound = TokenRecord("ab" * 32, START, after(3600), 1, node_id="haikou-1", tenant_id="haikou")
    free = TokenRecord("cd" * 32, START, after(3600), 1, tenant_id="haikou")
    await fleet.add_token(bound)
    await fleet.add_token(free)
    await fleet.revoke_node("haikou-1", now=after(5))
    left = await fleet.list_tokens(reach=EVERYWHERE, now=after(6))
    assert [token.token_id for token in left.items] == [free.token_id]


async def test_a_retired_node_is_not_revoked_and_a_revoked_one_can_be_retired(fleet: Store) -> None:
    await fleet.revoke_node("haikou-1", now=START)
    assert (await fleet.retire_node("haikou-1", now=START)).state is NodeState.RETIRED
    with pytest.raises(FailedPreconditionError):
        await fleet.revoke_node("haikou-1", now=START)


async def test_a_revoked_node_is_listed_and_a_retired_one_is_not(fleet: Store) -> None:
    await fleet.revoke_node("haikou-1", now=START)
    await fleet.retire_node("sanya-1", now=START)
    page = await fleet.list_nodes(NodeFilter(), reach=whole("hainan"), now=START)
    assert [node.node_id for node in page.items] == ["haikou-1", "hainan-1"]


async def test_a_certificates_end_is_that_of_the_newest_proven_one(fleet: Store) -> None:
    first = (await fleet.get_node("haikou-1")).certificate_expire_time
    following = certificate("haikou-1", name="next", at_s=3600.0)
    await fleet.add_credential(replace(following, is_confirmed=False, sha256="0" * 64))
    assert (await fleet.get_node("haikou-1")).certificate_expire_time == first
    await fleet.add_credential(following)
    assert (await fleet.get_node("haikou-1")).certificate_expire_time == following.expire_time != first


async def test_what_operators_change_is_noted_for_the_audit_trail(fleet: Store) -> None:
    await sited(fleet, "k12")
    calls = (
        fleet.update_node("haikou-1", NodeChange(site_id="k12"), now=START),
        fleet.revoke_node("haikou-1", now=START),
        fleet.retire_node("haikou-1", now=START),
        fleet.apply_layer(layer("base", 5, tenant_id="sanya"), now=START),
        fleet.apply_layer(layer("base", 9, tenant_id="sanya"), now=START),
        fleet.delete_layer("base", now=START),
        fleet.add_release(release("1.1.0")),
        fleet.create_rollout(RolloutSpec("r1", "1.1.0", ("sanya-1",), tenant_id="sanya"), now=START),
        fleet.order_rollout("r1", RolloutOrder.ABORT, now=START),
    )
    for call in calls:
        reset = CALL.set(CallRecord("operators/ann", "/wayside.v1.Any/Call", START))
        await call
        CALL.reset(reset)
    noted = [facts(entry) for entry in await fleet.read_chain(1, max_count=100)]
    credentials = [f"credentials/{one.credential_id}" for one in await fleet.list_credentials("nodes/haikou-1")]
    named = [[change.resource for change in each.changes] for each in noted]
    # a change of a layer starts a rollout, whose name is drawn
    assert all(names[1].startswith("rollouts/c") for names in named[3:6])
    assert [names[:1] if names[0] == "configLayers/base" else names for names in named] == [
        ["nodes/haikou-1"],
        [*credentials, "nodes/haikou-1"],  # taking a credential back is a change of its own
        ["nodes/haikou-1"],
        *[["configLayers/base"]] * 3,
        ["releases/1.1.0"],
        *[["rollouts/r1"]] * 2,
    ]
    made, replaced, deleted = (each.changes[0] for each in noted[3:6])
    assert (made.before_sha256, made.after_sha256, deleted.after_sha256) == ("", replaced.before_sha256, "")


async def test_what_stays_the_same_is_not_noted(fleet: Store) -> None:
    await fleet.revoke_node("haikou-1", now=START)
    reset = CALL.set(CallRecord("operators/ann", "/wayside.v1.FleetService/RevokeNode", START))
    await fleet.revoke_node("haikou-1", now=after(5))
    CALL.reset(reset)
    (entry,) = await fleet.read_chain(1, max_count=10)
    assert facts(entry).changes == []
