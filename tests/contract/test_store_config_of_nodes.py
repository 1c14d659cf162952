"""What changes of single nodes goes out with care, too: a script that relabels a road one by one cannot darken it."""

from itertools import pairwise

import pytest

from tests.contract.manager_land import founded
from tests.contract.manager_land import layer as land_layer
from tests.contract.manager_store import START, batch, enrolled, health, layer, sited, word
from tests.contract.simulated_fleet import Fate, Fleet
from wayside_manager.core.nodes import Label, NodeChange
from wayside_manager.core.reports import ConfigOutcome
from wayside_manager.core.rollout import RolloutNodeState, RolloutPlan, RolloutState
from wayside_manager.core.selectors import NodeSelector
from wayside_manager.core.sites import CorridorRecord, CorridorSite
from wayside_manager.ports.store import Store
from wayside_manager.services.rollout_stepper import RolloutStepper
from wayside_manager.store.bus import LocalBus

SITES = tuple(f"k{number}" for number in range(1, 7))
G98 = Label("road", "g98")
ROAD = layer("road", {"report_period_s": 25}, selector=NodeSelector(labels=(G98,)), priority=1)


@pytest.fixture
async def fleet(store: Store) -> Fleet:
    """A unit at each site of a road, each told 20 s when it came."""
    fleet = Fleet(store)
    await sited(store, *SITES)
    await store.apply_layer(layer("base", {"report_period_s": 20}), now=START)
    road = CorridorRecord(
        corridor_id="g98",
        create_time=START,
        update_time=START,
        sites=tuple(CorridorSite(site_id, 1_000.0 * index) for index, site_id in enumerate(SITES)),
        max_in_flight_percent=100.0,
    )
    await store.apply_corridor(road, now=START)
    for site_id in SITES:
        await fleet.add(f"rsu-{site_id}", site_id=site_id)
    await fleet.live()
    await store.apply_layer(ROAD, now=START)
    return fleet


async def step(fleet: Fleet) -> None:
    await RolloutStepper(fleet.store, LocalBus(), now=fleet.clock, holder="a").step_all()


async def relabel(fleet: Fleet, node_id: str, *labels: Label) -> None:
    await fleet.store.update_node(node_id, NodeChange(labels=labels), now=fleet.clock())


async def in_flight(fleet: Fleet) -> list[str]:
    found = []
    for rollout_id in await fleet.store.live_rollouts():
        page = await fleet.store.list_rollout_nodes(rollout_id, states=frozenset({RolloutNodeState.IN_FLIGHT}))
        found += [node.node_id for node in page.items]
    return sorted(found)


async def test_units_relabelled_one_by_one_change_like_a_road(fleet: Fleet) -> None:
    for site_id in SITES:
        await relabel(fleet, f"rsu-{site_id}", G98)
    live = await fleet.store.live_rollouts()
    assert len(live) == len(SITES)
    causes = {(await fleet.store.get_rollout(rollout_id)).config_cause for rollout_id in live}
    assert causes == {f"nodes/rsu-{site_id}" for site_id in SITES}
    for _ in range(10):
        await step(fleet)
        flying = await in_flight(fleet)
        places = [SITES.index(node_id.removeprefix("rsu-")) for node_id in flying]
        assert all(right - left > 1 for left, right in pairwise(places)), flying
        await fleet.live()
    assert await fleet.store.live_rollouts() == ()
    assert {unit.config for unit in fleet.units.values()} == {b'{"report_period_s":25}'}


async def test_a_unit_that_waits_in_a_rollout_stays_there_and_gets_its_newest_target(fleet: Fleet) -> None:
    applied = await fleet.store.apply_layer(
        layer("base", {"report_period_s": 30}), now=START, plan=RolloutPlan(max_in_flight_count=1)
    )
    rollout_id = applied.effect.rollout_id
    await step(fleet)
    assert await in_flight(fleet) == ["rsu-k1"]
    before = await fleet.store.get_rollout(rollout_id)
    await relabel(fleet, "rsu-k3", G98)
    assert await fleet.store.live_rollouts() == (rollout_id,)
    # a step that was planned before finds another etag
    assert (await fleet.store.get_rollout(rollout_id)).etag != before.etag
    row = next(one for one in (await fleet.store.list_rollout_nodes(rollout_id)).items if one.node_id == "rsu-k3")
    desired = await fleet.store.get_desired("rsu-k3")
    assert (row.state, row.config_revision) == (RolloutNodeState.PENDING, desired.target_config_revision)
    assert desired.config_revision < desired.target_config_revision
    for _ in range(12):
        await step(fleet)
        await fleet.live()
    assert (await fleet.store.get_rollout(rollout_id)).state is RolloutState.SUCCEEDED
    assert fleet.units["rsu-k3"].config == b'{"report_period_s":25}'
    assert fleet.told["rsu-k3"][-1] == rollout_id


async def test_a_unit_under_way_is_told_its_newest_target_at_once_by_a_rollout_of_its_own(fleet: Fleet) -> None:
    fleet.units["rsu-k1"].fate = Fate.HOLD
    applied = await fleet.store.apply_layer(layer("base", {"report_period_s": 30}), now=START)
    await step(fleet)
    await fleet.live()
    await relabel(fleet, "rsu-k1", G98)
    (new_id,) = set(await fleet.store.live_rollouts()) - {applied.effect.rollout_id}
    assert (await fleet.store.get_rollout(new_id)).config_cause == "nodes/rsu-k1"
    desired = await fleet.store.get_desired("rsu-k1")
    assert (desired.config_trial, desired.config_revision) == (new_id, desired.target_config_revision)
    (row,) = (await fleet.store.list_rollout_nodes(new_id)).items
    assert row.state is RolloutNodeState.IN_FLIGHT


async def test_a_unit_without_any_configuration_is_told_its_first_at_once(store: Store) -> None:
    await store.apply_layer(ROAD, now=START)
    await enrolled(store, "rsu-1")
    await store.update_node("rsu-1", NodeChange(labels=(G98,)), now=START)
    assert (await store.get_desired("rsu-1")).config_trial == "node-1"
    assert await store.live_rollouts() == ()


async def test_a_unit_that_went_back_to_nothing_was_told_something_before(store: Store) -> None:
    fleet = Fleet(store)
    await fleet.add("rsu-1", fate=Fate.REVERT)
    await store.apply_layer(layer("base", {"report_period_s": 20}), now=START)
    for _ in range(3):
        await step(fleet)
        await fleet.live()
    assert (await store.get_desired("rsu-1")).config_revision == 0
    await store.apply_layer(ROAD, now=START)
    await store.update_node("rsu-1", NodeChange(labels=(G98,)), now=START)
    (rollout_id,) = await store.live_rollouts()
    assert (await store.get_rollout(rollout_id)).config_cause == "nodes/rsu-1"


async def test_what_a_batch_of_reports_changes_goes_out_as_one_rollout_per_tenant(store: Store) -> None:
    await settled_and_told(store)
    await store.apply_layer(
        layer("model", {"report_period_s": 9}, selector=NodeSelector(models=("m",)), priority=5), now=START
    )
    await store.record_reports([batch(node_id, health(90, model="m")) for node_id in ("haikou-1", "sanya-1")])
    made = [await store.get_rollout(rollout_id) for rollout_id in await store.live_rollouts()]
    assert {one.tenant_id: one.config_cause for one in made} == {"haikou": "nodes/-", "sanya": "nodes/-"}


async def test_a_unit_that_leaves_the_tenant_of_its_rollout_gets_one_of_its_new_tenant(store: Store) -> None:
    await settled_and_told(store)
    await store.apply_layer(land_layer("haikou", 21, tenant_id="haikou", priority=1), now=START)
    await store.apply_layer(land_layer("sanya", 22, tenant_id="sanya", priority=1), now=START)
    before = {(await store.get_rollout(rollout_id)).tenant_id: rollout_id for rollout_id in await store.live_rollouts()}
    old_id = before["haikou"]
    await store.update_node("haikou-1", NodeChange(tenant_id="sanya"), now=START)
    (new_id,) = set(await store.live_rollouts()) - set(before.values())
    assert (await store.get_rollout(new_id)).tenant_id == "sanya"
    for rollout_id, state in ((old_id, RolloutNodeState.SKIPPED), (new_id, RolloutNodeState.PENDING)):
        (row,) = (await store.list_rollout_nodes(rollout_id)).items
        assert (row.node_id, row.state) == ("haikou-1", state)


async def settled_and_told(store: Store) -> None:
    """A land whose nodes run what they were told when they came."""
    await founded(store)
    await store.apply_layer(layer("base", {"report_period_s": 20}), now=START)
    for node_id in ("haikou-1", "sanya-1"):
        await enrolled(store, node_id, tenant_id=node_id.removesuffix("-1"))
        running = b'{"report_period_s":20}'
        await store.record_reports([batch(node_id, word(1, "node-1", ConfigOutcome.APPLIED, running=running))])
