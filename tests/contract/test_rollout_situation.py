"""What the planner is told of nodes: who is alike shares it."""

import pytest

from tests.contract.manager_store import START, layer, release, sited
from tests.contract.simulated_fleet import Fleet
from wayside_manager.core.rollout import RolloutSpec
from wayside_manager.core.selectors import NodeSelector
from wayside_manager.ports.store import Store
from wayside_manager.services.rollout_stepper import RolloutStepper
from wayside_manager.store.bus import LocalBus

NODE_IDS = ("rsu-1", "rsu-2", "rsu-3")


@pytest.fixture
async def fleet(store: Store) -> Fleet:
    """Three nodes at one site."""
    await sited(store, "k1")
    fleet = Fleet(store)
    for node_id in NODE_IDS:
        await fleet.add(node_id, site_id="k1")
    return fleet


async def change(fleet: Fleet, *node_ids: str) -> str:
    chosen = layer(f"of-{node_ids[0]}", {"report_period_s": 20}, selector=NodeSelector(node_ids=node_ids))
    return (await fleet.store.apply_layer(chosen, now=fleet.clock())).effect.rollout_id


async def step(fleet: Fleet) -> None:
    await RolloutStepper(fleet.store, LocalBus(), now=fleet.clock, holder="a").step_all()


async def test_nodes_of_a_site_share_facts_and_one_in_flight_elsewhere_has_its_own(fleet: Fleet) -> None:
    await fleet.store.add_release(release("1.1.0"))
    await change(fleet, "rsu-1")
    await step(fleet)
    await fleet.store.create_rollout(RolloutSpec("r1", "1.1.0", NODE_IDS), now=START)
    facts = (await fleet.store.rollout_situation("r1", now=fleet.clock())).facts
    assert [facts[node_id].is_busy for node_id in NODE_IDS] == [True, False, False]
    assert [facts[node_id].site_id for node_id in NODE_IDS] == ["k1", "k1", "k1"]
    assert facts["rsu-2"] is facts["rsu-3"]
