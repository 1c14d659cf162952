"""How much is kept of what nodes were asked to run."""

from tests.contract.manager_store import START, after, enrolled, layer
from tests.contract.simulated_fleet import Fate, Fleet
from wayside_manager.core.rollout import RolloutOrder
from wayside_manager.ports.store import Store
from wayside_manager.services.rollout_stepper import RolloutStepper
from wayside_manager.store.bus import LocalBus
from wayside_manager.store.config_retention import KEPT_COUNT


async def all_revisions(store: Store, node_id: str) -> list[int]:
    page = await store.list_node_configs(node_id, page_size=1000)
    return [record.revision for record, _ in page.items]


async def change(store: Store, count: int, *, first: int = 0) -> None:
    for index in range(first, first + count):
        value = 1 + index % 3000
        await store.apply_layer(layer("base", {"report_period_s": value}), now=after(index))


async def test_a_node_keeps_its_newest_configurations_and_what_it_is_told(store: Store) -> None:
    await enrolled(store, "rsu-1")
    await change(store, KEPT_COUNT + 20)
    told = (await store.get_desired("rsu-1")).config_revision
    newest = KEPT_COUNT + 20
    kept = list(range(newest, newest - KEPT_COUNT, -1))
    assert await all_revisions(store, "rsu-1") == kept + ([told] if told and told not in kept else [])
    await store.prune_config_contents()
    assert (await store.get_node_config("rsu-1", revision=newest)).content == b'{"report_period_s":%d}' % newest


async def test_what_a_rollout_would_go_back_to_stays(store: Store) -> None:
    fleet = Fleet(store)
    await fleet.add("rsu-1")
    stepper = RolloutStepper(store, LocalBus(), now=fleet.clock, holder="a")
    await change(store, 1)
    for _ in range(3):
        await stepper.step_all()
        await fleet.live()
    fleet.units["rsu-1"].fate = Fate.DEAF
    await change(store, 1, first=1)
    await stepper.step_all()
    await change(store, KEPT_COUNT + 5, first=2)
    last = (await store.list_layer_revisions("base")).items[0].rollout_id
    await store.order_rollout(last, RolloutOrder.ABORT, now=START)
    await stepper.step_all()
    desired = await store.get_desired("rsu-1")
    assert (desired.config_trial, desired.config_revision) == (f"back-{last}", 1)
    assert (await store.get_node_config("rsu-1", revision=1)).content == b'{"report_period_s":1}'
