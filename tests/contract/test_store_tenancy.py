"""Layers, releases and rollouts stay within their tenants, and give nothing of others away."""

import pytest

from tests.contract.manager_land import layer, release, rolled_out, settled
from tests.contract.manager_store import START, Clock
from wayside.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
)
from wayside_manager.core.nodes import NodeChange
from wayside_manager.core.rollout import RolloutNodeState, RolloutOrder, RolloutSpec
from wayside_manager.ports.store import Store
from wayside_manager.services.rollout_stepper import RolloutStepper
from wayside_manager.store.bus import LocalBus


@pytest.fixture
async def fleet(store: Store) -> Store:
    """A node per tenant."""
    await settled(store)
    return store


async def period_of(store: Store, node_id: str) -> bytes:
    return (await store.node_config_state(node_id)).config.content


async def test_a_layer_reaches_its_tenant_and_those_below_it_only(fleet: Store) -> None:
    applied = await fleet.apply_layer(layer("base", 5, tenant_id="hainan"), now=START)
    assert applied.effect.changed_node_ids == ("haikou-1", "hainan-1", "sanya-1")
    assert applied.layer.tenant_id == "hainan"
    deleted = await fleet.delete_layer("base", now=START)
    assert deleted.effect.changed_node_ids == ("haikou-1", "hainan-1", "sanya-1")
    assert (await fleet.get_desired("yunnan-1")).revision == 0


async def test_layers_of_a_city_and_its_province_merge_by_priority(fleet: Store) -> None:
    await fleet.apply_layer(layer("city", 7, tenant_id="haikou", priority=1), now=START)
    await fleet.apply_layer(layer("province", 5, tenant_id="hainan", priority=2), now=START)
    assert await period_of(fleet, "haikou-1") == await period_of(fleet, "sanya-1") != b"{}"


async def test_a_node_that_moves_gets_the_configuration_of_where_it_is(fleet: Store) -> None:
    await fleet.apply_layer(layer("north", 5, tenant_id="haikou"), now=START)
    await fleet.apply_layer(layer("south", 9, tenant_id="sanya"), now=START)
    moved = await fleet.update_node("haikou-1", NodeChange(tenant_id="sanya"), now=START)
    assert (moved.tenant_id, moved.desired.config_revision) == ("sanya", 2)
    assert await period_of(fleet, "haikou-1") == await period_of(fleet, "sanya-1")


async def test_a_node_cannot_move_to_nobody(fleet: Store) -> None:
    with pytest.raises(InvalidArgumentError, match="no tenant atlantis"):
        await fleet.update_node("haikou-1", NodeChange(tenant_id="atlantis"), now=START)
    assert (await fleet.get_node("haikou-1")).tenant_id == "haikou"


async def test_a_layer_never_changes_hands(fleet: Store) -> None:
    await fleet.apply_layer(layer("base", 5, tenant_id="yunnan"), now=START)
    with pytest.raises(AlreadyExistsError) as caught:
        await fleet.apply_layer(layer("base", 9, tenant_id="haikou"), now=START)
    assert "yunnan" not in caught.value.message
    assert (await fleet.get_layer("base")).tenant_id == "yunnan"


async def test_a_version_of_somebody_else_is_taken_and_not_said_whose(fleet: Store) -> None:
    await fleet.add_release(release("1.1.0", tenant_id="yunnan"))
    with pytest.raises(AlreadyExistsError) as caught:
        await fleet.add_release(release("1.1.0", tenant_id="haikou"))
    assert "yunnan" not in caught.value.message


@pytest.mark.parametrize(
    ("owner", "is_usable"), [("root", True), ("hainan", True), ("haikou", False), ("yunnan", False)]
)
async def test_a_rollout_takes_releases_of_its_tenant_and_of_those_above(
    fleet: Store, owner: str, *, is_usable: bool
) -> None:
    await fleet.add_release(release("1.1.0", tenant_id=owner))
    if is_usable:
        await rolled_out(fleet, "hainan", "haikou-1")
        assert (await fleet.get_rollout("r1")).tenant_id == "hainan"
        return
    with pytest.raises(NotFoundError) as hidden:
        await rolled_out(fleet, "hainan", "haikou-1")
    with pytest.raises(NotFoundError) as missing:
        await rolled_out(fleet, "hainan", "haikou-1", version="9.9.9")
    assert hidden.value.message.replace("1.1.0", "9.9.9") == missing.value.message


async def test_a_rollout_takes_no_node_of_another_tenant(fleet: Store) -> None:
    await fleet.add_release(release("1.1.0"))
    with pytest.raises(NotFoundError) as hidden:
        await rolled_out(fleet, "hainan", "haikou-1", "yunnan-1")
    with pytest.raises(NotFoundError) as missing:
        await rolled_out(fleet, "hainan", "haikou-1", "nobody-1")
    assert hidden.value.message.replace("yunnan", "nobody") == missing.value.message


async def test_a_request_id_of_another_tenant_gives_no_rollout_away(fleet: Store) -> None:
    await fleet.add_release(release("1.1.0"))
    theirs = RolloutSpec("r1", "1.1.0", ("yunnan-1",), request_id="0b1f", tenant_id="yunnan")
    await fleet.create_rollout(theirs, now=START)
    mine = RolloutSpec("r2", "1.1.0", ("haikou-1",), request_id="0b1f", tenant_id="haikou")
    with pytest.raises(AlreadyExistsError) as caught:
        await fleet.create_rollout(mine, now=START)
    assert "r1" not in caught.value.message


async def test_a_rollout_from_above_is_not_named_to_those_below(fleet: Store) -> None:
    await fleet.add_release(release("1.1.0"))
    await rolled_out(fleet, "root", "haikou-1")
    with pytest.raises(FailedPreconditionError, match="a rollout of another tenant") as caught:
        await rolled_out(fleet, "haikou", "haikou-1", name="r2")
    assert "r1" not in caught.value.message
    with pytest.raises(FailedPreconditionError, match="rollout r1"):
        await rolled_out(fleet, "root", "haikou-1", name="r3")


async def test_a_node_that_leaves_the_rollouts_tenant_drops_out(fleet: Store) -> None:
    await fleet.add_release(release("1.1.0"))
    await rolled_out(fleet, "hainan", "haikou-1", "hainan-1", "sanya-1")
    await fleet.update_node("haikou-1", NodeChange(tenant_id="yunnan"), now=START)
    await fleet.update_node("hainan-1", NodeChange(tenant_id="sanya"), now=START)
    await fleet.revoke_node("sanya-1", now=START)
    await RolloutStepper(fleet, LocalBus(), now=Clock(), holder="a").step_all()
    states = [node.state for node in (await fleet.list_rollout_nodes("r1")).items]
    assert states == [RolloutNodeState.SKIPPED, RolloutNodeState.PENDING, RolloutNodeState.SKIPPED]


async def test_an_order_to_a_rollout_keeps_its_tenant(fleet: Store) -> None:
    await fleet.add_release(release("1.1.0"))
    await rolled_out(fleet, "hainan", "haikou-1")
    assert (await fleet.order_rollout("r1", RolloutOrder.PAUSE, now=START)).tenant_id == "hainan"
