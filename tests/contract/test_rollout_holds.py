"""The rules of corridors over several rollouts: who was told and left without a word holds its site for all of them."""

import pytest

from tests.contract.manager_store import START, after, batch, layer, release, sited, update
from tests.contract.simulated_fleet import Fate, Fleet
from wayside_manager.core.nodes import UpdatePhase
from wayside_manager.core.rollout import RolloutOrder, RolloutPlan, RolloutSpec, Window
from wayside_manager.core.selectors import NodeSelector
from wayside_manager.core.sites import CorridorRecord, CorridorSite
from wayside_manager.ports.store import Store
from wayside_manager.services.rollout_stepper import RolloutStepper
from wayside_manager.store.bus import LocalBus

SILENT_S = 600.0
"""Twenty report periods: nobody hears it."""


@pytest.fixture
async def fleet(store: Store) -> Fleet:
    """Two nodes at neighbouring sites of a road."""
    await sited(store, "k1", "k2")
    sites = (CorridorSite("k1", 0.0), CorridorSite("k2", 500.0))
    road = CorridorRecord(
        corridor_id="g98", create_time=START, update_time=START, sites=sites, max_in_flight_percent=100.0
    )
    await store.apply_corridor(road, now=START)
    fleet = Fleet(store)
    await fleet.add("rsu-1", site_id="k1", fate=Fate.DEAF)
    await fleet.add("rsu-2", site_id="k2")
    return fleet


async def change(fleet: Fleet, node_id: str, period_s: int, plan: RolloutPlan | None = None) -> str:
    chosen = layer(f"of-{node_id}", {"report_period_s": period_s}, selector=NodeSelector(node_ids=(node_id,)))
    return (await fleet.store.apply_layer(chosen, now=fleet.clock(), plan=plan)).effect.rollout_id


async def step(fleet: Fleet) -> None:
    await RolloutStepper(fleet.store, LocalBus(), now=fleet.clock, holder="a").step_all()


async def state_of(fleet: Fleet, rollout_id: str) -> str:
    return str((await fleet.store.list_rollout_nodes(rollout_id)).items[0].state)


async def at(fleet: Fleet, seconds: float) -> None:
    """Lets time pass, and everybody who speaks speak."""
    fleet.clock.time = after(seconds)
    await fleet.live()
    await step(fleet)


async def test_who_was_given_up_unheard_holds_its_site_for_other_rollouts(fleet: Fleet) -> None:
    lost_id = await change(fleet, "rsu-1", 20)
    await step(fleet)
    await at(fleet, SILENT_S)
    await fleet.store.order_rollout(lost_id, RolloutOrder.ABORT, now=fleet.clock())
    await step(fleet)
    assert await state_of(fleet, lost_id) == "expired"
    other_id = await change(fleet, "rsu-2", 20)
    await at(fleet, SILENT_S + 1.0)
    assert await state_of(fleet, other_id) == "pending"
    fleet.units["rsu-1"].fate = Fate.APPLY
    await at(fleet, SILENT_S + 2.0)
    assert await state_of(fleet, other_id) == "in_flight"


async def test_a_site_is_held_for_a_day_after_the_end_at_most(fleet: Fleet) -> None:
    lost_id = await change(fleet, "rsu-1", 20)
    await step(fleet)
    await fleet.store.order_rollout(lost_id, RolloutOrder.ABORT, now=START)
    await step(fleet)
    other_id = await change(fleet, "rsu-2", 20)
    await at(fleet, 86_000.0)
    assert await state_of(fleet, other_id) == "pending"
    await at(fleet, 86_401.0)
    assert await state_of(fleet, other_id) == "in_flight"


async def test_who_is_between_holds_its_site_though_its_rollout_gave_it_up(fleet: Fleet) -> None:
    fleet.units["rsu-1"].fate = Fate.HOLD
    lost_id = await change(fleet, "rsu-1", 20, RolloutPlan(node_timeout_s=100.0))
    await step(fleet)
    await at(fleet, 1.0)
    await at(fleet, 102.0)
    assert await state_of(fleet, lost_id) == "failed"
    other_id = await change(fleet, "rsu-2", 20)
    await at(fleet, 103.0)
    assert await state_of(fleet, other_id) == "pending"
    fleet.units["rsu-1"].fate = Fate.REVERT
    await at(fleet, 104.0)
    assert await state_of(fleet, other_id) == "in_flight"


async def test_who_was_called_back_and_taken_over_unheard_holds_its_site(fleet: Fleet) -> None:
    noon = RolloutPlan(windows=(Window(begin_minute=12 * 60, duration_s=SILENT_S),))
    await change(fleet, "rsu-1", 20, noon)
    await step(fleet)
    await at(fleet, SILENT_S)
    taken_id = await change(fleet, "rsu-1", 30)
    other_id = await change(fleet, "rsu-2", 20)
    await at(fleet, SILENT_S + 1.0)
    assert (await state_of(fleet, taken_id), await state_of(fleet, other_id)) == ("pending", "pending")


async def test_a_later_word_frees_a_site_whatever_comes_after(fleet: Fleet) -> None:
    lost_id = await change(fleet, "rsu-1", 20)
    await step(fleet)
    await fleet.store.order_rollout(lost_id, RolloutOrder.ABORT, now=START)
    await step(fleet)
    fleet.units["rsu-1"].fate = Fate.APPLY
    later_id = await change(fleet, "rsu-1", 30)
    for second in range(3):
        await at(fleet, 1.0 + second)
    assert await state_of(fleet, later_id) == "succeeded"
    fleet.units["rsu-1"].fate = Fate.DEAF
    other_id = await change(fleet, "rsu-2", 20)
    await at(fleet, SILENT_S)
    assert await state_of(fleet, other_id) == "in_flight"


async def test_a_release_given_up_while_it_switches_holds_its_site_for_configurations(fleet: Fleet) -> None:
    await fleet.store.add_release(release("1.1.0"))
    plan = RolloutPlan(node_timeout_s=10.0)
    await fleet.store.create_rollout(RolloutSpec("r1", "1.1.0", ("rsu-1",), plan), now=START)
    await step(fleet)
    word = update(10, "r1", UpdatePhase.SWITCHING, release="1.1.0")
    await fleet.store.record_reports([batch("rsu-1", word)])
    await at(fleet, 11.0)
    assert await state_of(fleet, "r1") == "failed"
    other_id = await change(fleet, "rsu-2", 20)
    await at(fleet, 12.0)
    assert await state_of(fleet, other_id) == "pending"


async def test_a_retired_node_holds_nothing(fleet: Fleet) -> None:
    await change(fleet, "rsu-1", 20)
    await step(fleet)
    await fleet.store.retire_node("rsu-1", now=START)
    other_id = await change(fleet, "rsu-2", 20)
    await at(fleet, SILENT_S)
    await step(fleet)
    assert await state_of(fleet, other_id) == "in_flight"
