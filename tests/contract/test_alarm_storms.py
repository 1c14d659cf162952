"""Rollouts and storms: what goes to an area that is out rests until it is back, unless a person says otherwise."""

import pytest

from tests.contract.alarm_fleet import Fleet
from tests.contract.jobs_of_nodes import work
from wayside_manager.core.jobs import FleetWork, JobKind
from wayside_manager.core.rollout import RolloutOrder, RolloutPlan, RolloutSpec, RolloutState
from wayside_manager.core.rollout_plan import RolloutStep
from wayside_manager.ports.store import Store


@pytest.fixture
def fleet(store: Store) -> Fleet:
    return Fleet(store)


async def started(fleet: Fleet, rollout_id: str, *node_ids: str) -> None:
    asked = FleetWork(work(JobKind.SELF_TEST, ttl_s=3600.0), "operators/a", "monthly")
    spec = RolloutSpec(rollout_id, "", node_ids, RolloutPlan(), job=asked)
    await fleet.store.create_rollout(spec, now=fleet.clock.time)


async def rollout(fleet: Fleet, rollout_id: str = "r1") -> tuple[RolloutState, str]:
    record = await fleet.store.get_rollout(rollout_id)
    return record.state, record.storm_alarm_id


async def test_rollouts_to_an_area_rest_in_its_storm_and_go_on_by_themselves(fleet: Fleet) -> None:
    dead = await fleet.add(4, backhaul="x")
    well = await fleet.add(3, prefix="other")
    await started(fleet, "r1", *dead, *well)
    await started(fleet, "r2", *well)
    await fleet.at(30, *fleet.node_ids)
    await fleet.at(200, *well)
    (alarm,) = [each for each in await fleet.alarms() if each.is_area]
    assert await rollout(fleet) == (RolloutState.PAUSED, alarm.alarm_id)
    assert await rollout(fleet, "r2") == (RolloutState.RUNNING, "")
    await fleet.at(400, *fleet.node_ids)
    assert await rollout(fleet) == (RolloutState.RUNNING, "")


async def test_a_person_who_pauses_or_resumes_in_a_storm_has_the_last_word(fleet: Fleet) -> None:
    dead = await fleet.add(4, backhaul="x")
    await started(fleet, "r1", *dead)
    await started(fleet, "r2", *dead)
    await fleet.at(30, *dead)
    await fleet.at(200)
    await fleet.store.order_rollout("r1", RolloutOrder.PAUSE, now=fleet.clock.time)
    await fleet.store.order_rollout("r2", RolloutOrder.RESUME, now=fleet.clock.time)
    await fleet.at(230)
    assert (await rollout(fleet, "r2"))[0] is RolloutState.RUNNING
    await fleet.at(400, *dead)
    assert await rollout(fleet, "r1") == (RolloutState.PAUSED, "")
    assert await rollout(fleet, "r2") == (RolloutState.RUNNING, "")


async def test_what_two_storms_hold_back_goes_on_when_both_are_over(fleet: Fleet) -> None:
    east = await fleet.add(4, prefix="east", backhaul="east")
    west = await fleet.add(4, prefix="west", backhaul="west")
    await started(fleet, "r1", *east, *west)
    await fleet.at(30, *fleet.node_ids)
    await fleet.at(200)
    storms = {each.alarm_id for each in await fleet.alarms()}
    state, first = await rollout(fleet)
    assert (state, first in storms) == (RolloutState.PAUSED, True)
    back, away = (east, west) if "east" in (await fleet.store.get_alarm(first)).subject else (west, east)
    seen = set()
    for seconds in range(210, 400, 10):
        await fleet.at(seconds, *back)
        seen.add(await rollout(fleet))
    (second,) = storms - {first}
    assert seen == {(RolloutState.PAUSED, second)}
    await fleet.at(600, *back, *away)
    assert await rollout(fleet) == (RolloutState.RUNNING, "")


async def test_who_resumes_where_two_storms_hold_is_not_overruled_by_the_other(fleet: Fleet) -> None:
    east = await fleet.add(4, prefix="east", backhaul="east")
    west = await fleet.add(4, prefix="west", backhaul="west")
    await started(fleet, "r1", *east, *west)
    await fleet.at(30, *fleet.node_ids)
    await fleet.at(200)
    assert (await rollout(fleet))[0] is RolloutState.PAUSED
    await fleet.store.order_rollout("r1", RolloutOrder.RESUME, now=fleet.clock.time)
    await fleet.at(230)
    assert (await rollout(fleet))[0] is RolloutState.RUNNING
    for seconds in range(240, 450, 10):
        await fleet.at(seconds, *east)
        assert (await rollout(fleet))[0] is RolloutState.RUNNING
    await fleet.at(600, *fleet.node_ids)
    assert await rollout(fleet) == (RolloutState.RUNNING, "")


async def test_what_the_plan_paused_for_failures_in_a_storm_does_not_go_on_by_itself(fleet: Fleet) -> None:
    dead = await fleet.add(4, backhaul="x")
    await started(fleet, "r1", *dead)
    await fleet.at(30, *dead)
    await fleet.at(200)
    await fleet.store.order_rollout("r1", RolloutOrder.RESUME, now=fleet.clock.time)
    await fleet.at(230)
    lease = await fleet.store.take_lease("rollouts", "b", now=fleet.clock.time, life_s=15.0)
    assert lease is not None
    record = await fleet.store.get_rollout("r1")
    failed = RolloutStep(RolloutState.PAUSED, "2 of 4 nodes failed", record.waves, {})
    await fleet.store.save_step(record, failed, now=fleet.clock.time, lease=lease)
    await fleet.at(600, *dead)
    assert await rollout(fleet) == (RolloutState.PAUSED, "")
    assert (await fleet.store.get_rollout("r1")).message == "2 of 4 nodes failed"
