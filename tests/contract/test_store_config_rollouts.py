"""Rollouts of configuration over a simulated fleet: told in turn, heard, withdrawn, retried, taken over."""

import asyncio
from datetime import timedelta

import pytest

from tests.contract.manager_store import START, after, layer
from tests.contract.simulated_fleet import Fate, Fleet
from wayside_manager.core.access import EVERYWHERE
from wayside_manager.core.configs import DriftCause
from wayside_manager.core.nodes import ConfigDecision, Label, NodeChange
from wayside_manager.core.reports import ReportBatch
from wayside_manager.core.rollout import RolloutOrder, RolloutPlan, RolloutState, Wave
from wayside_manager.core.selectors import NodeSelector
from wayside_manager.ports.store import Store
from wayside_manager.services.report_writer import RETURN_TIME, ReportWriter
from wayside_manager.services.rollout_stepper import RolloutStepper
from wayside_manager.store.bus import LocalBus

NODE_IDS = ("rsu-1", "rsu-2", "rsu-3")
ONE_BY_ONE = RolloutPlan(max_in_flight_count=1)


@pytest.fixture
async def fleet(store: Store) -> Fleet:
    """Three nodes that were heard just now."""
    fleet = Fleet(store)
    for node_id in NODE_IDS:
        await fleet.add(node_id)
    return fleet


async def change(fleet: Fleet, period_s: int, plan: RolloutPlan = ONE_BY_ONE) -> str:
    applied = await fleet.store.apply_layer(layer("base", {"report_period_s": period_s}), now=fleet.clock(), plan=plan)
    return applied.effect.rollout_id


async def step(fleet: Fleet) -> None:
    await RolloutStepper(fleet.store, LocalBus(), now=fleet.clock, holder="a").step_all()


async def states(fleet: Fleet, rollout_id: str) -> tuple[str, ...]:
    nodes = (await fleet.store.list_rollout_nodes(rollout_id)).items
    return tuple(str(node.state) for node in nodes)


async def ended(fleet: Fleet, rollout_id: str) -> RolloutState:
    for _ in range(20):
        await step(fleet)
        await fleet.live()
        state = (await fleet.store.get_rollout(rollout_id)).state
        if state not in {RolloutState.RUNNING, RolloutState.PAUSED}:
            return state
    raise AssertionError("the rollout does not end")


async def causes(fleet: Fleet) -> dict[str, DriftCause]:
    """Per node that drifts why."""
    page = await fleet.store.list_drift(reach=EVERYWHERE, selector=NodeSelector(all_nodes=True))
    return {drift.node_id: drift.cause for drift in page.items}


async def test_a_change_of_a_layer_goes_from_node_to_node(fleet: Fleet) -> None:
    rollout_id = await change(fleet, 20)
    assert (await fleet.store.get_desired("rsu-1")).config_revision == 0
    await step(fleet)
    desired = await fleet.store.get_desired("rsu-1")
    assert (desired.config_trial, desired.config_revision) == (rollout_id, desired.target_config_revision)
    assert await states(fleet, rollout_id) == ("in_flight", "pending", "pending")
    assert await ended(fleet, rollout_id) is RolloutState.SUCCEEDED
    assert {unit.config for unit in fleet.units.values()} == {b'{"report_period_s":20}'}
    assert fleet.told == {node_id: [rollout_id] for node_id in NODE_IDS}
    assert await fleet.store.live_rollouts() == ()


async def test_a_unit_that_goes_back_stops_the_rollout_and_the_others_keep_what_they_run(fleet: Fleet) -> None:
    assert await ended(fleet, await change(fleet, 20)) is RolloutState.SUCCEEDED
    fleet.units["rsu-1"].fate = Fate.REVERT
    rollout_id = await change(fleet, 30)
    assert await ended(fleet, rollout_id) is RolloutState.FAILED
    assert await states(fleet, rollout_id) == ("failed", "expired", "expired")
    await fleet.live()
    assert {unit.config for unit in fleet.units.values()} == {b'{"report_period_s":20}'}
    node = await fleet.store.get_node("rsu-1")
    assert (node.status.config_outcome, node.desired.config_trial) == ("applied", f"back-{rollout_id}")
    assert node.status.running_config_sha256 == node.desired.config_sha256 != node.desired.target_config_sha256
    assert await causes(fleet) == {
        "rsu-1": DriftCause.REVERTED,
        "rsu-2": DriftCause.WAITING,
        "rsu-3": DriftCause.WAITING,
    }
    await fleet.store.retry_rollout(rollout_id, "again", now=fleet.clock())
    assert set((await causes(fleet)).values()) == {DriftCause.WAITING}  # its turn comes


async def test_abort_calls_back_who_has_not_switched(fleet: Fleet) -> None:
    fleet.units["rsu-2"].fate = Fate.HOLD
    fleet.units["rsu-1"].fate = Fate.DEAF
    rollout_id = await change(fleet, 20, RolloutPlan(max_in_flight_count=2))
    await step(fleet)
    await fleet.live()
    await fleet.store.order_rollout(rollout_id, RolloutOrder.ABORT, now=START)
    await step(fleet)
    assert await states(fleet, rollout_id) == ("expired", "in_flight", "expired")
    assert (await fleet.store.get_desired("rsu-1")).config_revision == 0
    fleet.units["rsu-2"].fate = Fate.APPLY
    await fleet.live()
    await step(fleet)
    assert await states(fleet, rollout_id) == ("expired", "succeeded", "expired")


async def test_a_plan_that_needs_confirmation_says_so_to_the_unit(fleet: Fleet) -> None:
    await change(fleet, 20, RolloutPlan(max_in_flight_count=1, needs_confirmation=True, trial_timeout_s=600.0))
    await step(fleet)
    desired = await fleet.store.get_desired("rsu-1")
    assert (desired.config_decision, desired.config_trial_timeout_s) == (ConfigDecision.HOLD, 600.0)


async def test_a_retry_is_for_those_who_run_something_else(fleet: Fleet) -> None:
    fleet.units["rsu-2"].fate = Fate.REVERT
    failed_id = await change(fleet, 20)
    assert await ended(fleet, failed_id) is RolloutState.FAILED
    fleet.units["rsu-2"].fate = Fate.APPLY
    retried = await fleet.store.retry_rollout(failed_id, "again", now=START)
    assert (retried.retry_of, retried.config_cause) == (failed_id, "configLayers/base")
    assert [node.node_id for node in (await fleet.store.list_rollout_nodes("again")).items] == ["rsu-2", "rsu-3"]
    assert await ended(fleet, "again") is RolloutState.SUCCEEDED


async def test_a_unit_that_is_revoked_is_told_at_once_and_leaves_the_rollout(fleet: Fleet) -> None:
    rollout_id = await change(fleet, 20)
    await fleet.store.revoke_node("rsu-2", now=START)
    road = layer("road", {"report_period_s": 25}, selector=NodeSelector(labels=(Label("road", "g98"),)), priority=1)
    await fleet.store.apply_layer(road, now=START)
    await fleet.store.update_node("rsu-2", NodeChange(labels=(Label("road", "g98"),)), now=START)
    desired = await fleet.store.get_desired("rsu-2")
    assert desired.config_trial == f"node-{desired.target_config_revision}"
    assert await states(fleet, rollout_id) == ("pending", "skipped", "pending")


TAKEN_OVER = {
    "pending": (Fate.APPLY, 0, ["new"]),
    "told, silent": (Fate.DEAF, 1, ["new"]),
    "on trial": (Fate.HOLD, 1, ["old", "new"]),
    "succeeded": (Fate.APPLY, 1, ["old", "new"]),
    "rolled back": (Fate.REVERT, 1, ["old", "new"]),
    "refused": (Fate.REJECT, 1, ["old", "new"]),
}


@pytest.mark.parametrize("case", TAKEN_OVER)
async def test_a_newer_change_takes_a_node_over_in_every_state(fleet: Fleet, case: str) -> None:
    fate, live_count, expected = TAKEN_OVER[case]
    patient = RolloutPlan(max_in_flight_count=1, max_failure_count=3)
    old_id = await change(fleet, 20, patient)
    unit = fleet.units["rsu-1"]
    unit.fate = fate
    for _ in range(live_count):
        await step(fleet)
        await fleet.live()
    new_id = await change(fleet, 30, patient)
    unit.fate = Fate.APPLY
    assert await ended(fleet, new_id) is RolloutState.SUCCEEDED
    assert unit.config == b'{"report_period_s":30}'
    names = {old_id: "old", new_id: "new"}
    assert [names[trial] for trial in fleet.told["rsu-1"]] == expected
    await step(fleet)
    assert await fleet.store.live_rollouts() == ()


async def test_a_change_back_leaves_nobody_to_tell_who_was_not_told(fleet: Fleet) -> None:
    assert await ended(fleet, await change(fleet, 20)) is RolloutState.SUCCEEDED
    changed_id = await change(fleet, 30)
    await step(fleet)
    back_id = await change(fleet, 20)
    assert await states(fleet, changed_id) == ("skipped", "skipped", "skipped")
    assert await states(fleet, back_id) == ("in_flight",)
    assert await ended(fleet, back_id) is RolloutState.SUCCEEDED


async def test_the_gate_of_a_wave_holds_for_configurations_too(fleet: Fleet) -> None:
    rollout_id = await change(fleet, 20, RolloutPlan(waves=(Wave(count=1, observation_s=60.0),)))
    await step(fleet)
    await fleet.live()
    await step(fleet)
    assert await states(fleet, rollout_id) == ("succeeded", "pending", "pending")
    fleet.clock.time = after(61.0)
    await fleet.live()
    await step(fleet)
    assert await states(fleet, rollout_id) == ("succeeded", "in_flight", "in_flight")


async def test_who_is_silent_for_too_long_has_failed_and_is_called_back(fleet: Fleet) -> None:
    fleet.units["rsu-1"].fate = Fate.DEAF
    rollout_id = await change(fleet, 20, RolloutPlan(max_in_flight_count=1, node_timeout_s=100.0))
    await step(fleet)
    fleet.clock.time = after(101.0)
    await step(fleet)
    assert (await states(fleet, rollout_id))[0] == "failed"
    assert (await fleet.store.list_rollout_nodes(rollout_id)).items[0].message.startswith("no word for")
    assert (await fleet.store.get_rollout(rollout_id)).state is RolloutState.FAILED
    assert (await fleet.store.get_desired("rsu-1")).config_trial == f"back-{rollout_id}"


async def test_every_rollout_ends_by_its_deadline(fleet: Fleet) -> None:
    for unit in fleet.units.values():
        unit.fate = Fate.DEAF
    rollout_id = await change(fleet, 20, RolloutPlan(deadline_s=1000.0))
    await step(fleet)
    fleet.clock.time = after(1000.0)
    await step(fleet)
    assert (await fleet.store.get_rollout(rollout_id)).state is RolloutState.FAILED
    assert set(await states(fleet, rollout_id)) <= {"expired", "failed"}
    assert await fleet.store.live_rollouts() == ()


async def test_a_unit_that_comes_and_goes_is_in_the_penalty_box(fleet: Fleet) -> None:
    for _ in range(5):
        await fleet.store.record_reports([ReportBatch("rsu-1", "", (), START, is_opening=True)])
    rollout_id = await change(fleet, 20)
    await step(fleet)
    assert await states(fleet, rollout_id) == ("pending", "in_flight", "pending")
    assert (await fleet.store.rollout_situation(rollout_id, now=START)).facts["rsu-1"].is_penalised


async def test_who_comes_back_to_a_manager_that_was_away_is_not_held_for_restless(fleet: Fleet) -> None:
    writer = ReportWriter(fleet.store, LocalBus(), now=fleet.clock)
    rollout_id = await change(fleet, 20)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(writer.run())
        for wait, is_penalised in ((timedelta(), False), (RETURN_TIME, True)):
            fleet.clock.time += wait
            for _ in range(6):
                await writer.note_opened("rsu-1")
            await writer.submit("rsu-1", "spool", ())
            situation = await fleet.store.rollout_situation(rollout_id, now=fleet.clock.time)
            assert situation.facts["rsu-1"].is_penalised is is_penalised
        task.cancel()
