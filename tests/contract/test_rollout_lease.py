"""One stepper at a time: what two managers over one database do to rollouts, and what becomes of a dead one's lease."""

import asyncio

import pytest

from tests.contract.manager_store import START, Clock, after, layer, opened
from tests.contract.simulated_fleet import Fleet
from wayside.errors import ConflictError
from wayside_manager.core.rollout import RolloutPlan, RolloutState
from wayside_manager.core.rollout_plan import next_step
from wayside_manager.ports.store import Store
from wayside_manager.services.rollout_stepper import LEASE_LIFE_S, RolloutStepper
from wayside_manager.store.bus import LocalBus
from wayside_manager.store.migrate import migrate

NODE_IDS = tuple(f"rsu-{index}" for index in range(1, 7))


async def test_a_lease_has_one_holder_until_its_life_is_over(store: Store) -> None:
    first = await store.take_lease("rollouts", "a", now=START, life_s=15.0)
    assert first is not None
    assert await store.take_lease("rollouts", "b", now=after(14.9), life_s=15.0) is None
    renewed = await store.take_lease("rollouts", "a", now=after(14.9), life_s=15.0)
    assert renewed == first
    assert await store.take_lease("rollouts", "b", now=after(29.0), life_s=15.0) is None
    second = await store.take_lease("rollouts", "b", now=after(30.0), life_s=15.0)
    assert second is not None
    assert second.fence > first.fence


async def test_a_released_lease_is_free_at_once(store: Store) -> None:
    lease = await store.take_lease("rollouts", "a", now=START, life_s=15.0)
    assert lease is not None
    await store.release_lease(lease)
    assert await store.take_lease("rollouts", "b", now=START, life_s=15.0) is not None
    await store.release_lease(lease)  # too late: it is somebody else's
    assert await store.take_lease("rollouts", "c", now=START, life_s=15.0) is None


async def test_a_clock_that_was_a_year_ahead_holds_nobody_up(store: Store) -> None:
    assert await store.take_lease("rollouts", "a", now=after(365 * 86_400.0), life_s=15.0) is not None
    assert await store.take_lease("rollouts", "b", now=START, life_s=15.0) is not None


async def test_leases_of_different_names_are_apart(store: Store) -> None:
    assert await store.take_lease("rollouts", "a", now=START, life_s=15.0) is not None
    assert await store.take_lease("something", "b", now=START, life_s=15.0) is not None


async def test_who_lost_the_lease_writes_nothing(store: Store) -> None:
    fleet = Fleet(store)
    await fleet.add("rsu-1")
    applied = await store.apply_layer(layer("base", {"report_period_s": 20}), now=START)
    lease = await store.take_lease("rollouts", "a", now=START, life_s=15.0)
    assert lease is not None
    seen = await store.rollout_situation(applied.effect.rollout_id, now=START)
    step = next_step(seen.rollout, seen.nodes, seen.facts, seen.roads, now=START)
    assert await store.take_lease("rollouts", "b", now=after(20.0), life_s=15.0) is not None
    with pytest.raises(ConflictError, match="somebody else"):
        await store.save_step(seen.rollout, step, now=after(20.0), lease=lease)
    assert (await store.get_desired("rsu-1")).config_revision == 0


async def test_the_second_manager_waits_and_goes_on_when_the_first_is_gone(store: Store) -> None:
    fleet = Fleet(store)
    await fleet.add("rsu-1")
    first = RolloutStepper(store, LocalBus(), now=fleet.clock)
    second = RolloutStepper(store, LocalBus(), now=fleet.clock)
    await store.apply_layer(layer("base", {"report_period_s": 20}), now=START)
    await first.step_all()
    assert (await store.get_desired("rsu-1")).config_revision == 1
    await fleet.live()
    await second.step_all()
    assert len(await store.live_rollouts()) == 1
    fleet.clock.time = after(LEASE_LIFE_S)
    await second.step_all()
    assert await store.live_rollouts() == ()


async def test_two_managers_at_once_tell_each_node_once(store_url: str) -> None:
    await migrate(store_url)
    clock = Clock()
    async with opened(store_url) as one, opened(store_url) as other:
        fleet = Fleet(one, clock)
        for node_id in NODE_IDS:
            await fleet.add(node_id)
        plan = RolloutPlan(max_in_flight_count=2)
        applied = await one.apply_layer(layer("base", {"report_period_s": 20}), now=START, plan=plan)
        steppers = [RolloutStepper(store, LocalBus(), now=clock) for store in (one, other)]
        for round_count in range(30):
            clock.time = after(round_count * LEASE_LIFE_S)  # each of them may have the lease by now
            async with asyncio.TaskGroup() as group:
                for stepper in steppers[:: 1 if round_count % 2 else -1]:
                    group.create_task(stepper.step_all())
            nodes = (await one.list_rollout_nodes(applied.effect.rollout_id)).items
            assert sum(node.state == "in_flight" for node in nodes) <= 2
            await fleet.live()
        assert (await one.get_rollout(applied.effect.rollout_id)).state is RolloutState.SUCCEEDED
        for node_id in NODE_IDS:
            assert (await one.get_desired(node_id)).revision == 1
