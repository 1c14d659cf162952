"""Rollouts of releases, with the loop that moves them, on every engine there is."""

import asyncio

import pytest

from tests.contract.manager_store import START, Clock, after, batch, enrolled, health, opened, release, update
from wayside.errors import AlreadyExistsError, ConflictError, FailedPreconditionError, NotFoundError
from wayside_manager.core.access import EVERYWHERE
from wayside_manager.core.nodes import Label, NodeChange, ReleaseAssignment, UpdatePhase
from wayside_manager.core.rollout import RolloutNodeState, RolloutOrder, RolloutPlan, RolloutSpec, RolloutState, Wave
from wayside_manager.core.rollout_plan import next_step
from wayside_manager.core.selectors import NodeSelector
from wayside_manager.ports.store import Store
from wayside_manager.ports.wakeups import Topic
from wayside_manager.services.rollout_stepper import RolloutStepper
from wayside_manager.store.bus import LocalBus

NODE_IDS = ("rsu-1", "rsu-2", "rsu-3")


@pytest.fixture
async def fleet(store: Store) -> Store:
    """Three nodes that were heard just now, and releases 1.1.0 and 1.2.0."""
    for node_id in NODE_IDS:
        await enrolled(store, node_id)
        await store.record_reports([batch(node_id, health(1))])
    await store.add_release(release("1.1.0"))
    await store.add_release(release("1.2.0", at_s=1.0))
    return store


def spec(rollout_id: str = "r1", version: str = "1.1.0", *, max_in_flight_count: int = 1) -> RolloutSpec:
    return RolloutSpec(rollout_id, version, NODE_IDS, RolloutPlan(max_in_flight_count=max_in_flight_count))


async def step(store: Store) -> None:
    await RolloutStepper(store, LocalBus(), now=Clock(), holder="a").step_all()


async def say(store: Store, node_id: str, phase: UpdatePhase, *, running: str = "", rollout_id: str = "r1") -> None:
    acknowledged = await store.acknowledged_sequence(node_id, "spool-a")
    word = update(acknowledged + 1, rollout_id, phase, release="1.1.0", running=running)
    await store.record_reports([batch(node_id, word)])


async def state_of(store: Store, rollout_id: str = "r1") -> tuple[str, ...]:
    nodes = (await store.list_rollout_nodes(rollout_id)).items
    return tuple(str(node.state) for node in sorted(nodes, key=lambda node: node.node_id))


async def test_a_release_is_published_once(fleet: Store) -> None:
    with pytest.raises(AlreadyExistsError):
        await fleet.add_release(release("1.1.0"))
    assert [record.version for record in (await fleet.list_releases(reach=EVERYWHERE)).items] == ["1.2.0", "1.1.0"]
    with pytest.raises(NotFoundError):
        await fleet.get_release("9.9.9")


async def test_a_rollout_goes_from_node_to_node(fleet: Store) -> None:
    await fleet.create_rollout(spec(), now=START)
    for node_id in NODE_IDS:
        await step(fleet)
        assert (await fleet.get_desired(node_id)).release == ReleaseAssignment(
            "1.1.0", release("1.1.0").sha256, 10, "r1"
        )
        assert (await state_of(fleet)).count("in_flight") == 1
        await say(fleet, node_id, UpdatePhase.COMMITTED, running="1.1.0")
    await step(fleet)
    rollout = await fleet.get_rollout("r1")
    assert rollout.state is RolloutState.SUCCEEDED
    assert (await fleet.list_rollout_nodes("r1")).items[0].report == b"update committed"
    assert await fleet.live_rollouts() == ()


async def test_a_step_with_nothing_to_do_writes_nothing(fleet: Store) -> None:
    await fleet.create_rollout(spec(), now=START)
    await step(fleet)
    before, desired = await fleet.get_rollout("r1"), await fleet.get_desired("rsu-1")
    await step(fleet)
    assert (await fleet.get_rollout("r1"), await fleet.get_desired("rsu-1")) == (before, desired)


async def test_a_failed_node_ends_the_rollout_and_keeps_what_it_had(fleet: Store) -> None:
    await fleet.create_rollout(spec(max_in_flight_count=2), now=START)
    await step(fleet)
    await say(fleet, "rsu-1", UpdatePhase.ROLLED_BACK)
    await step(fleet)
    rollout = await fleet.get_rollout("r1")
    assert rollout.state is RolloutState.FAILED
    assert "rsu-1" in rollout.message
    assert await state_of(fleet) == ("failed", "expired", "expired")
    for node_id in NODE_IDS:
        assert (await fleet.get_desired(node_id)).release is None
    assert (await fleet.get_desired("rsu-3")).revision == 0


async def test_abort_calls_back_who_has_not_switched(fleet: Store) -> None:
    await fleet.create_rollout(spec(max_in_flight_count=2), now=START)
    await step(fleet)
    await say(fleet, "rsu-1", UpdatePhase.DOWNLOADING)
    await say(fleet, "rsu-2", UpdatePhase.PROVISIONAL)
    await fleet.order_rollout("r1", RolloutOrder.ABORT, now=START)
    await step(fleet)
    assert await state_of(fleet) == ("expired", "in_flight", "expired")
    assert (await fleet.get_desired("rsu-1")).release is None
    assert (await fleet.get_desired("rsu-2")).release is not None
    await say(fleet, "rsu-2", UpdatePhase.COMMITTED, running="1.1.0")
    await step(fleet)
    assert await state_of(fleet) == ("expired", "succeeded", "expired")
    assert (await fleet.get_rollout("r1")).state is RolloutState.ABORTED


async def test_a_node_that_fails_a_later_release_is_told_its_earlier_one(fleet: Store) -> None:
    await fleet.create_rollout(spec(max_in_flight_count=3), now=START)
    await step(fleet)
    for node_id in NODE_IDS:
        await say(fleet, node_id, UpdatePhase.COMMITTED, running="1.1.0")
    await step(fleet)
    await fleet.create_rollout(spec("r2", "1.2.0", max_in_flight_count=3), now=START)
    await step(fleet)
    await say(fleet, "rsu-1", UpdatePhase.ROLLED_BACK, running="1.1.0", rollout_id="r2")
    await step(fleet)
    assigned = (await fleet.get_desired("rsu-1")).release
    assert assigned is not None
    assert (assigned.version, assigned.rollout_id) == ("1.1.0", "r1")


async def test_a_paused_rollout_hands_out_nothing_new(fleet: Store) -> None:
    await fleet.create_rollout(spec(), now=START)
    await step(fleet)
    await fleet.order_rollout("r1", RolloutOrder.PAUSE, now=START)
    await say(fleet, "rsu-1", UpdatePhase.COMMITTED, running="1.1.0")
    await step(fleet)
    assert await state_of(fleet) == ("succeeded", "pending", "pending")
    await fleet.order_rollout("r1", RolloutOrder.RESUME, now=START)
    await step(fleet)
    assert await state_of(fleet) == ("succeeded", "in_flight", "pending")


async def test_a_node_that_is_not_heard_waits_and_takes_no_place(fleet: Store) -> None:
    await fleet.record_reports([batch("rsu-2", health(2), at_s=300.0)])
    await fleet.create_rollout(spec(), now=START)
    await RolloutStepper(fleet, LocalBus(), now=lambda: after(300.0), holder="a").step_all()
    assert await state_of(fleet) == ("pending", "in_flight", "pending")


async def test_a_retired_node_drops_out(fleet: Store) -> None:
    await fleet.create_rollout(spec(), now=START)
    await fleet.retire_node("rsu-1", now=START)
    await step(fleet)
    assert await state_of(fleet) == (RolloutNodeState.SKIPPED, "in_flight", "pending")


async def test_a_stopped_manager_goes_on_where_it_was(fleet: Store, store_url: str) -> None:
    await fleet.create_rollout(spec(), now=START)
    await step(fleet)
    await say(fleet, "rsu-1", UpdatePhase.COMMITTED, running="1.1.0")
    async with opened(store_url) as reopened:
        await step(reopened)
        assert await state_of(reopened) == ("succeeded", "in_flight", "pending")


async def test_a_step_planned_on_an_older_state_is_refused_whole(fleet: Store) -> None:
    rollout = await fleet.create_rollout(spec(), now=START)
    seen = await fleet.rollout_situation("r1", now=START)
    planned = next_step(rollout, seen.nodes, seen.facts, seen.roads, now=START)
    lease = await fleet.take_lease("rollouts", "a", now=START, life_s=15.0)
    assert lease is not None
    await fleet.order_rollout("r1", RolloutOrder.ABORT, now=START)
    with pytest.raises(ConflictError):
        await fleet.save_step(rollout, planned, now=START, lease=lease)
    assert (await fleet.get_desired("rsu-1")).release is None


async def test_a_retried_create_returns_the_same_rollout(fleet: Store) -> None:
    first = RolloutSpec("r1", "1.1.0", NODE_IDS, request_id="0b1f")
    retried = RolloutSpec("r2", "1.1.0", NODE_IDS, request_id="0b1f")
    assert await fleet.create_rollout(first, now=START) == await fleet.create_rollout(retried, now=after(5))


async def test_two_live_rollouts_never_pull_at_one_node(fleet: Store) -> None:
    await fleet.create_rollout(spec(), now=START)
    with pytest.raises(FailedPreconditionError, match="rollout r1"):
        await fleet.create_rollout(spec("r2", "1.2.0"), now=START)
    await fleet.order_rollout("r1", RolloutOrder.ABORT, now=START)
    await fleet.create_rollout(spec("r2", "1.2.0"), now=after(1))
    assert [rollout.rollout_id for rollout in (await fleet.list_rollouts(reach=EVERYWHERE)).items] == ["r2", "r1"]


async def test_a_rollout_of_nothing_to_nobody_is_refused(fleet: Store) -> None:
    with pytest.raises(NotFoundError):
        await fleet.create_rollout(spec(version="9.9.9"), now=START)
    with pytest.raises(NotFoundError):
        await fleet.create_rollout(RolloutSpec("r1", "1.1.0", ("rsu-9",)), now=START)
    with pytest.raises(FailedPreconditionError):
        await fleet.create_rollout(RolloutSpec("r1", "1.1.0", ()), now=START)


async def test_an_ended_rollout_takes_no_orders(fleet: Store) -> None:
    await fleet.create_rollout(spec(), now=START)
    await fleet.order_rollout("r1", RolloutOrder.ABORT, now=START)
    again = await fleet.order_rollout("r1", RolloutOrder.ABORT, now=after(1))
    assert again.update_time == START
    with pytest.raises(FailedPreconditionError):
        await fleet.order_rollout("r1", RolloutOrder.RESUME, now=START)


async def test_the_loop_moves_when_a_node_speaks(fleet: Store) -> None:
    bus = LocalBus()
    stepper = RolloutStepper(fleet, bus, now=Clock(), tick_s=3600.0)
    async with bus.subscribe(Topic.DESIRED) as told, asyncio.timeout(20), asyncio.TaskGroup() as group:
        running = group.create_task(stepper.run())
        await fleet.create_rollout(spec(), now=START)
        await bus.publish(Topic.ROLLOUT, ["r1"])
        for node_id in NODE_IDS:
            assert await told.changed() == {node_id}
            await say(fleet, node_id, UpdatePhase.COMMITTED, running="1.1.0")
            await bus.publish(Topic.NODE, [node_id])
        running.cancel()


async def test_the_next_wave_waits_for_the_gate_of_the_one_before(fleet: Store) -> None:
    plan = RolloutPlan(waves=(Wave(count=1, observation_s=30.0), Wave(count=2)))
    await fleet.create_rollout(RolloutSpec("r1", "1.1.0", NODE_IDS, plan), now=START)
    await step(fleet)
    assert await state_of(fleet) == ("in_flight", "pending", "pending")
    await say(fleet, "rsu-1", UpdatePhase.COMMITTED, running="1.1.0")
    await step(fleet)
    assert await state_of(fleet) == ("succeeded", "pending", "pending")
    await RolloutStepper(fleet, LocalBus(), now=lambda: after(31.0), holder="a").step_all()
    assert await state_of(fleet) == ("succeeded", "in_flight", "in_flight")
    assert await fleet.count_rollout_nodes(["r1"]) == {"r1": {(0, "succeeded"): 1, (1, "in_flight"): 2}}


async def test_pages_of_nodes_come_by_wave_then_id(fleet: Store) -> None:
    plan = RolloutPlan(waves=(Wave(labels=(Label("first", "yes"),)),))
    await fleet.update_node("rsu-3", NodeChange(labels=(Label("first", "yes"),)), now=START)
    await fleet.create_rollout(RolloutSpec("r1", "1.1.0", NODE_IDS, plan), now=START)
    first = await fleet.list_rollout_nodes("r1", page_size=2)
    rest = await fleet.list_rollout_nodes("r1", page_size=2, page_token=first.next_page_token)
    assert [(node.node_id, node.wave) for node in (*first.items, *rest.items)] == [
        ("rsu-3", 0),
        ("rsu-1", 1),
        ("rsu-2", 1),
    ]
    pending = await fleet.list_rollout_nodes("r1", states=frozenset({RolloutNodeState.SUCCEEDED}))
    assert pending.items == ()


async def test_a_retry_is_for_those_who_did_not_succeed(fleet: Store) -> None:
    await fleet.create_rollout(spec(max_in_flight_count=3), now=START)
    with pytest.raises(FailedPreconditionError, match="has not ended"):
        await fleet.retry_rollout("r1", "r2", now=START)
    await step(fleet)
    await say(fleet, "rsu-1", UpdatePhase.COMMITTED, running="1.1.0")
    await say(fleet, "rsu-2", UpdatePhase.ROLLED_BACK)
    await step(fleet)
    retried = await fleet.retry_rollout("r1", "r2", now=after(1), request_id="5f")
    assert (retried.retry_of, retried.version) == ("r1", "1.1.0")
    assert [node.node_id for node in (await fleet.list_rollout_nodes("r2")).items] == ["rsu-2", "rsu-3"]
    assert await fleet.retry_rollout("r1", "r3", now=after(2), request_id="5f") == retried


async def test_new_nodes_join_a_dynamic_rollout(fleet: Store) -> None:
    plan = RolloutPlan(waves=(Wave(count=2),), is_dynamic=True, max_in_flight_count=1)
    everyone = NodeSelector(all_nodes=True)
    await fleet.create_rollout(RolloutSpec("r1", "1.1.0", ("rsu-1", "rsu-2"), plan, everyone), now=START)
    await step(fleet)
    nodes = (await fleet.list_rollout_nodes("r1")).items
    assert [(node.node_id, node.wave, node.state) for node in nodes] == [
        ("rsu-1", 0, "in_flight"),
        ("rsu-2", 0, "pending"),
        ("rsu-3", 0, "pending"),
    ]


async def test_who_is_no_longer_selected_leaves_a_dynamic_rollout(fleet: Store) -> None:
    plan = RolloutPlan(is_dynamic=True, max_in_flight_count=1)
    chosen = NodeSelector(labels=(Label("road", "g98"),))
    for node_id in NODE_IDS:
        await fleet.update_node(node_id, NodeChange(labels=(Label("road", "g98"),)), now=START)
    await fleet.create_rollout(RolloutSpec("r1", "1.1.0", NODE_IDS, plan, chosen), now=START)
    await step(fleet)
    for node_id in NODE_IDS[:2]:
        await fleet.update_node(node_id, NodeChange(labels=()), now=START)
    await step(fleet)
    assert await state_of(fleet) == ("in_flight", "skipped", "pending")
