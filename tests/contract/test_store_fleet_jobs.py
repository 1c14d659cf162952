"""Fleet jobs are rollouts: a turn makes a job, the job's state is the node's word, a turn taken back cancels it."""

from datetime import timedelta

import pytest

from tests.contract.jobs_of_nodes import job, lease, say, work
from tests.contract.manager_store import START, Clock, after, batch, enrolled, health, opened, release, sited
from wayside.errors import FailedPreconditionError
from wayside_manager.core.access import EVERYWHERE
from wayside_manager.core.jobs import FleetWork, JobKind, JobRecord, JobState
from wayside_manager.core.nodes import NodeChange
from wayside_manager.core.rollout import RolloutOrder, RolloutPlan, RolloutSpec, RolloutState, Wave, Window
from wayside_manager.core.selectors import NodeSelector
from wayside_manager.ports.store import Store
from wayside_manager.services.rollout_stepper import RolloutStepper
from wayside_manager.store.bus import LocalBus

NODE_IDS = ("rsu-1", "rsu-2", "rsu-3")


@pytest.fixture
async def fleet(store: Store) -> Store:
    """Three nodes that were heard just now, at sites of their own."""
    await sited(store, "k1", "k2", "k3")
    for number, node_id in enumerate(NODE_IDS, start=1):
        await enrolled(store, node_id)
        await store.update_node(node_id, NodeChange(site_id=f"k{number}"), now=START)
        await store.record_reports([batch(node_id, health(1))])
    return store


async def started(store: Store, plan: RolloutPlan | None = None, *, kind: JobKind = JobKind.SELF_TEST) -> None:
    asked = FleetWork(work(kind, ttl_s=3600.0), "operators/a", "monthly")
    spec = RolloutSpec("r1", "", NODE_IDS, plan or RolloutPlan(), job=asked)
    await store.create_rollout(spec, now=START)


async def step(store: Store, *, at_s: float = 0.0) -> None:
    for node_id in NODE_IDS:  # they are heard from
        sequence = await store.acknowledged_sequence(node_id, "spool-a") + 1
        await store.record_reports([batch(node_id, health(sequence), at_s=at_s)])
    await RolloutStepper(store, LocalBus(), now=Clock(after(at_s)), holder="a").step_all()


async def jobs_of(store: Store, node_id: str = "") -> list[JobRecord]:
    found = (await store.list_jobs(reach=EVERYWHERE, rollout_id="r1", node_id=node_id)).items
    return sorted(found, key=lambda each: (each.create_time, each.node_id))


async def answer(store: Store, node_id: str, *states: str, at_s: float = 0.0) -> None:
    """The node says so of its newest job."""
    newest = (await jobs_of(store, node_id))[-1]
    await store.tell_jobs(node_id, now=after(at_s))
    await say(store, node_id, newest.job_id, *states, at_s=at_s)


async def states(store: Store) -> list[str]:
    return [str(node.state) for node in sorted((await store.list_rollout_nodes("r1")).items, key=lambda n: n.node_id)]


async def test_a_fleet_job_goes_from_wave_to_wave_with_a_job_for_each_turn(fleet: Store) -> None:
    await started(fleet, RolloutPlan(waves=(Wave(count=1),)))
    await step(fleet)
    assert [each.node_id for each in await jobs_of(fleet)] == ["rsu-1"]
    made = (await jobs_of(fleet))[0]
    assert (made.requester, made.note, made.work.kind) == ("operators/a", "monthly", JobKind.SELF_TEST)
    await answer(fleet, "rsu-1", "running")
    await step(fleet, at_s=1)
    assert await states(fleet) == ["in_flight", "pending", "pending"]
    await answer(fleet, "rsu-1", "succeeded")
    await step(fleet, at_s=2)
    assert [each.node_id for each in await jobs_of(fleet)] == list(NODE_IDS)
    for node_id in NODE_IDS[1:]:
        await answer(fleet, node_id, "running", "succeeded")
    await step(fleet, at_s=3)
    assert await states(fleet) == ["succeeded"] * 3
    assert (await fleet.get_rollout("r1")).state is RolloutState.SUCCEEDED


@pytest.mark.parametrize("outcome", ["failed", "refused", "expired", "cancelled"])
async def test_any_other_outcome_fails_the_node_and_says_why(fleet: Store, outcome: str) -> None:
    await started(fleet, RolloutPlan(max_in_flight_count=1))
    await step(fleet)
    await answer(fleet, "rsu-1", outcome)
    await step(fleet, at_s=1)
    rollout = await fleet.get_rollout("r1")
    node = (await fleet.list_rollout_nodes("r1", node_id="rsu-1")).items[0]
    assert (rollout.state, str(node.state)) == (RolloutState.FAILED, "failed")
    assert f": {outcome}" in node.message
    assert rollout.message == "1 of 1 nodes told could not run job self_test: rsu-1"


async def test_aborting_cancels_the_jobs_that_are_under_way_and_makes_no_more(fleet: Store) -> None:
    await started(fleet, RolloutPlan(max_in_flight_count=2))
    await step(fleet)
    await answer(fleet, "rsu-1", "running")
    await fleet.order_rollout("r1", RolloutOrder.ABORT, now=after(1))
    assert [(each.state, each.is_cancelling) for each in await jobs_of(fleet)] == [
        (JobState.RUNNING, True),
        (JobState.CANCELLED, False),
    ]
    await answer(fleet, "rsu-1", "cancelled", at_s=2)
    await step(fleet, at_s=2)
    assert len(await jobs_of(fleet)) == 2
    assert await fleet.live_rollouts() == ()


async def test_a_node_whose_window_closes_is_called_back_and_gets_a_job_of_its_own_next_time(fleet: Store) -> None:
    minute = START.hour * 60 + START.minute
    await started(fleet, RolloutPlan(windows=(Window(begin_minute=minute, duration_s=600.0),), max_in_flight_count=1))
    await step(fleet)
    first = (await jobs_of(fleet))[0]
    await fleet.tell_jobs("rsu-1", now=after(1))
    await step(fleet, at_s=601)
    assert await states(fleet) == ["pending"] * 3
    assert (await fleet.get_job(first.job_id)).is_cancelling
    day_s = 86_400.0
    await step(fleet, at_s=day_s)
    assert [each.node_id for each in await jobs_of(fleet)] == ["rsu-1"], "its old job has not ended; it waits for that"
    await say(fleet, "rsu-1", first.job_id, "cancelled", at_s=day_s)
    await step(fleet, at_s=day_s + 1)
    second = (await jobs_of(fleet, "rsu-1"))[-1]
    assert second.job_id != first.job_id
    await say(fleet, "rsu-1", first.job_id, "failed", at_s=day_s + 2)
    await step(fleet, at_s=day_s + 2)
    assert (await states(fleet))[0] == "in_flight", "what is said of the job before is no word of this turn"


async def test_a_job_that_was_done_before_it_could_be_called_back_counts(fleet: Store) -> None:
    minute = START.hour * 60 + START.minute
    await started(fleet, RolloutPlan(windows=(Window(begin_minute=minute, duration_s=600.0),), max_in_flight_count=1))
    await step(fleet)
    await fleet.tell_jobs("rsu-1", now=after(1))
    await step(fleet, at_s=601)
    await answer(fleet, "rsu-1", "succeeded", at_s=602)
    await step(fleet, at_s=603)
    assert (await states(fleet))[0] == "succeeded"
    assert len(await jobs_of(fleet)) == 1


async def test_a_lost_job_fails_its_node_when_the_plans_patience_is_over(fleet: Store) -> None:
    await started(fleet, RolloutPlan(max_in_flight_count=1, node_timeout_s=6_000.0))
    await step(fleet)
    await fleet.tell_jobs("rsu-1", now=after(1))
    await fleet.end_overdue_jobs(now=after(5_000), lease=await lease(fleet, at_s=5_000))
    assert [each.state for each in await jobs_of(fleet)] == [JobState.LOST]
    await step(fleet, at_s=5_001)
    assert (await states(fleet))[0] == "in_flight"
    await step(fleet, at_s=6_001)
    assert (await states(fleet))[0] == "failed"


async def test_retrying_asks_the_nodes_that_did_not_succeed_for_the_same_work(fleet: Store) -> None:
    await started(fleet, RolloutPlan(max_failure_count=9))
    await step(fleet)
    await answer(fleet, "rsu-1", "failed")
    for node_id in NODE_IDS[1:]:
        await answer(fleet, node_id, "succeeded")
    await step(fleet, at_s=1)
    again = await fleet.retry_rollout("r1", "r2", now=after(2))
    assert again.job == (await fleet.get_rollout("r1")).job
    await step(fleet, at_s=3)
    found = (await fleet.list_jobs(reach=EVERYWHERE, rollout_id="r2")).items
    assert [each.node_id for each in found] == ["rsu-1"]


async def test_a_fleet_job_comes_beside_a_rollout_and_waits_until_the_node_is_free(fleet: Store) -> None:
    await fleet.add_release(release("1.1.0"))
    await fleet.create_rollout(RolloutSpec("r0", "1.1.0", ("rsu-1",)), now=START)
    await step(fleet)
    await started(fleet)
    await step(fleet, at_s=1)
    assert [each.node_id for each in await jobs_of(fleet)] == ["rsu-2", "rsu-3"]
    with pytest.raises(FailedPreconditionError, match="no node"):
        await fleet.create_rollout(RolloutSpec("r3", "", (), job=FleetWork(work())), now=START + timedelta(seconds=1))


async def test_a_node_that_is_told_to_reboot_is_in_flight_for_every_rollout(fleet: Store) -> None:
    await job(fleet, "alone", "rsu-1", kind=JobKind.REBOOT)
    await job(fleet, "harmless", "rsu-2", kind=JobKind.DEBUG_BUNDLE)
    for node_id in NODE_IDS:
        await fleet.tell_jobs(node_id, now=START)
    await started(fleet)
    await step(fleet)
    assert [each.node_id for each in await jobs_of(fleet)] == ["rsu-2", "rsu-3"]
    await say(fleet, "rsu-1", "alone", "succeeded", at_s=1)
    await step(fleet, at_s=2)
    assert len(await jobs_of(fleet)) == 3


async def test_a_dynamic_fleet_job_takes_in_who_comes_later(fleet: Store) -> None:
    asked = FleetWork(work())
    plan, everybody = RolloutPlan(is_dynamic=True), NodeSelector(all_nodes=True)
    await fleet.create_rollout(RolloutSpec("r1", "", ("rsu-1",), plan, everybody, job=asked), now=START)
    await step(fleet)
    assert [each.node_id for each in await jobs_of(fleet)] == list(NODE_IDS)


async def test_a_manager_that_dies_in_the_middle_gives_nobody_a_second_job(fleet: Store, store_url: str) -> None:
    await started(fleet)
    await step(fleet)
    async with opened(store_url) as restarted:
        await step(restarted, at_s=1)
        for node_id in NODE_IDS:
            await answer(restarted, node_id, "running", "succeeded")
        await step(restarted, at_s=2)
    assert [each.state for each in await jobs_of(fleet)] == [JobState.SUCCEEDED] * 3
    assert (await fleet.get_rollout("r1")).state is RolloutState.SUCCEEDED


async def test_stopping_everything_aborts_fleet_jobs_and_their_jobs(fleet: Store) -> None:
    await started(fleet, RolloutPlan(max_in_flight_count=1))
    await step(fleet)
    stopped = await fleet.stop_everything(reach=EVERYWHERE, actor="operators/a", reason="smoke", now=after(1))
    assert (stopped.rollout_ids, stopped.job_count, stopped.told_node_ids) == (("r1",), 1, frozenset({"rsu-1"}))
    await step(fleet, at_s=2)
    assert [each.state for each in await jobs_of(fleet)] == [JobState.CANCELLED]
    assert (await fleet.get_rollout("r1")).message == "operators/a stopped everything: smoke"
    assert await fleet.live_rollouts() == ()
