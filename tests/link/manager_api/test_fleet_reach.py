"""Nodes, layers, releases and rollouts over real TLS, by callers who may see or do something in some places only."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from tests.link.manager_api.peer import LocalManager, Peer, Session, layer, release_archive, role
from wayside.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from wayside.v1 import (
    config_service_pb2,
    fleet_service_pb2,
    node_pb2,
    release_service_pb2,
    rollout_pb2,
    rollout_service_pb2,
)

VERSION = "1.1.0"


@pytest.fixture
async def land(manager: LocalManager, operator: Peer) -> Peer:
    """Two cities with a node each, `haikou-1` and `sanya-1`; the admin."""
    for tenant_id in ("haikou", "sanya"):
        await operator.make_tenant(tenant_id)
        token = await operator.enrollment_token(tenant=f"tenants/{tenant_id}")
        await manager.enroll(f"{tenant_id}-1", token=token)
    return operator


@pytest.fixture
async def haikou(manager: LocalManager, land: Peer) -> AsyncIterator[Peer]:
    """Somebody who may configure, publish and roll out in the first city."""
    token = await land.make_operator("ann", role("operator", "haikou"), role("release-manager", "haikou"))
    async with manager.stranger(token=token) as peer:
        yield peer


@pytest.fixture
async def at_k12(manager: LocalManager, land: Peer) -> AsyncIterator[Peer]:
    """Somebody who may change what stands at K12."""
    for site_id in ("k12", "k13"):
        await land.make_site(site_id, tenant="tenants/haikou")
    await update(land, "haikou-1", site="sites/k12")
    token = await land.make_operator("bob", role("operator", "haikou", sites=("k12",)))
    async with manager.stranger(token=token) as peer:
        yield peer


async def update(peer: Peer, node_id: str, **fields: Any) -> node_pb2.Node:  # noqa: ANN401  # fields of a message
    node = node_pb2.Node(name=f"nodes/{node_id}", **fields)
    request = fleet_service_pb2.UpdateNodeRequest(node=node, update_mask=FieldMask(paths=fields))
    return (await peer.call(peer.fleet.UpdateNode, request)).node


async def listed(peer: Peer) -> list[str]:
    answer = await peer.call(peer.fleet.ListNodes, fleet_service_pb2.ListNodesRequest())
    return [node.name for node in answer.nodes]


async def roll_out(peer: Peer, *node_ids: str) -> rollout_pb2.Rollout:
    chosen = node_pb2.NodeSelector(all_nodes=not node_ids, nodes=[f"nodes/{node_id}" for node_id in node_ids])
    request = rollout_service_pb2.CreateRolloutRequest(release=f"releases/{VERSION}", selector=chosen)
    return (await peer.call(peer.rollout.CreateRollout, request)).rollout


async def revoke(peer: Peer, node_id: str) -> node_pb2.Node:
    return (await peer.call(peer.fleet.RevokeNode, fleet_service_pb2.RevokeNodeRequest(name=f"nodes/{node_id}"))).node


async def test_a_node_says_whose_it_is_and_when_its_certificate_ends(land: Peer, haikou: Peer) -> None:
    node = await haikou.get_node("haikou-1")
    assert node.tenant == "tenants/haikou"
    assert node.certificate_expire_time.seconds > node.create_time.seconds
    assert (await listed(haikou), await listed(land)) == (["nodes/haikou-1"], ["nodes/haikou-1", "nodes/sanya-1"])


async def test_a_watcher_is_told_nothing_of_a_node_that_went_out_of_its_reach(
    manager: LocalManager, land: Peer, at_k12: Peer
) -> None:
    await manager.enroll("haikou-2", token=await land.enrollment_token(tenant="tenants/haikou"))
    await update(land, "haikou-2", site="sites/k12")
    watch = at_k12.stream(at_k12.fleet.WatchNodes, fleet_service_pb2.WatchNodesRequest())
    assert [(await anext(watch)).node.name for _ in range(2)] == ["nodes/haikou-1", "nodes/haikou-2"]
    await update(land, "haikou-1", site="sites/k13", display_name="elsewhere")
    await update(land, "haikou-2", display_name="still here")  # is sent after whatever is sent of the other
    assert (await anext(watch)).node.display_name == "still here"
    await update(land, "haikou-1", site="sites/k12", display_name="back")
    assert (await anext(watch)).node.display_name == "back"
    await watch.aclose()


async def test_a_watcher_of_one_city_hears_nothing_of_the_other(land: Peer, haikou: Peer) -> None:
    watch = haikou.stream(haikou.fleet.WatchNodes, fleet_service_pb2.WatchNodesRequest())
    await anext(watch)
    await update(land, "sanya-1", display_name="theirs")
    for name in ("first", "second"):  # the second is sent after whatever came together with the first
        await update(land, "haikou-1", display_name=name)
        assert (await anext(watch)).node.display_name == name
    await watch.aclose()


async def test_nobody_puts_a_node_where_they_could_not_change_it(at_k12: Peer) -> None:
    assert (await update(at_k12, "haikou-1", display_name="gantry")).display_name == "gantry"
    with pytest.raises(PermissionDeniedError) as caught:
        await update(at_k12, "haikou-1", site="sites/k13")
    assert caught.value.reason == "OUT_OF_REACH"
    assert (await at_k12.get_node("haikou-1")).site == "sites/k12"


async def test_a_node_moves_to_a_tenant_of_the_mover_only(land: Peer, haikou: Peer) -> None:
    with pytest.raises(NotFoundError):
        await update(haikou, "haikou-1", tenant="tenants/sanya")
    with pytest.raises(NotFoundError):
        await update(land, "haikou-1", tenant="tenants/atlantis")
    with pytest.raises(InvalidArgumentError, match=r"node\.tenant"):
        await update(land, "haikou-1", tenant="")
    assert (await update(land, "haikou-1", tenant="tenants/sanya")).tenant == "tenants/sanya"
    assert await listed(haikou) == []


async def test_a_revoked_node_is_out_and_stays_in_the_list(manager: LocalManager, operator: Peer) -> None:
    stolen = await manager.enroll("rsu-1")
    async with manager.node(stolen) as unit:
        session = await Session(unit).opened()
        await session.report(1)
        await session.until("ack")
        assert (await revoke(operator, "rsu-1")).state == node_pb2.Node.STATE_REVOKED
        assert isinstance(await session.ended(), PermissionDeniedError | UnauthenticatedError)
    async with manager.node(stolen) as unit:
        session = await Session(unit).opened()
        assert isinstance(await session.ended(), PermissionDeniedError | UnauthenticatedError)
    assert (await revoke(operator, "rsu-1")).state == node_pb2.Node.STATE_REVOKED
    assert not (await operator.get_node("rsu-1")).HasField("certificate_expire_time")
    assert await listed(operator) == ["nodes/rsu-1"]


async def test_a_retired_node_is_not_revoked(operator: Peer, manager: LocalManager) -> None:
    await manager.enroll("rsu-1")
    await operator.call(operator.fleet.RetireNode, fleet_service_pb2.RetireNodeRequest(name="nodes/rsu-1"))
    with pytest.raises(FailedPreconditionError):
        await revoke(operator, "rsu-1")


async def test_a_layer_belongs_to_its_makers_tenant_and_stays_there(land: Peer, haikou: Peer) -> None:
    made = await haikou.apply(layer("city"))
    assert made.config_layer.tenant == "tenants/haikou"
    assert list(made.changed_nodes) == ["nodes/haikou-1"]
    moved = layer("city")
    moved.tenant = "tenants/root"
    with pytest.raises(InvalidArgumentError, match="stays there"):
        await land.apply(moved)


async def test_layers_of_others_are_neither_listed_nor_replaced(land: Peer, haikou: Peer) -> None:
    theirs = layer("theirs")
    theirs.tenant = "tenants/sanya"
    await land.apply(theirs)
    mine = layer("theirs", period_s=9)
    mine.tenant = "tenants/haikou"
    with pytest.raises(AlreadyExistsError) as caught:
        await haikou.apply(mine)
    assert "sanya" not in caught.value.message
    assert (await land.apply(theirs)).config_layer.config == theirs.config
    shown = await haikou.call(haikou.config.ListConfigLayers, config_service_pb2.ListConfigLayersRequest())
    assert list(shown.config_layers) == []


async def test_a_release_from_above_is_rolled_out_to_ones_own_nodes(land: Peer, haikou: Peer) -> None:
    published = (await land.publish(release_archive(VERSION), tenant="tenants/root")).release
    assert published.tenant == "tenants/root"
    with pytest.raises(FailedPreconditionError, match="sanya-1 is not in service"):
        await roll_out(haikou, "haikou-1", "sanya-1")
    rollout = await roll_out(haikou)
    nodes = await haikou.rollout_nodes(rollout.name)
    assert (rollout.tenant, list(nodes)) == ("tenants/haikou", ["haikou-1"])


async def test_a_release_of_a_city_stays_there(land: Peer, haikou: Peer) -> None:
    await land.publish(release_archive(VERSION), tenant="tenants/sanya")
    shown = await haikou.call(haikou.release.ListReleases, release_service_pb2.ListReleasesRequest())
    assert list(shown.releases) == []
    with pytest.raises(NotFoundError):
        await roll_out(haikou)
    with pytest.raises(AlreadyExistsError, match="the version is taken"):
        await haikou.publish(release_archive(VERSION))
    with pytest.raises(NotFoundError):
        await haikou.publish(release_archive("1.2.0"), version="1.2.0", tenant="tenants/sanya")
