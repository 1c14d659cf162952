"""RolloutService over real TLS, with units that follow it."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import pytest

from tests.link.manager_api.config_unit import Fate, FollowingUnit, following
from tests.link.manager_api.peer import LocalManager, Peer, layer, release_archive, role
from wayside.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError, PermissionDeniedError
from wayside.v1 import node_pb2, release_pb2, rollout_pb2, rollout_service_pb2

ARCHIVE = release_archive("1.1.0")
State, Progress = rollout_pb2.Rollout, rollout_pb2.RolloutNode


async def create(peer: Peer, node_ids: Iterable[str] = ("rsu-1",), **fields: Any) -> rollout_pb2.Rollout:  # noqa: ANN401  # fields of a message
    chosen = node_pb2.NodeSelector(nodes=[f"nodes/{node_id}" for node_id in node_ids])
    given: dict[str, Any] = {"release": "releases/1.1.0", "selector": chosen} | fields
    return (await peer.call(peer.rollout.CreateRollout, rollout_service_pb2.CreateRolloutRequest(**given))).rollout


async def retry(peer: Peer, name: str) -> rollout_pb2.Rollout:
    request = rollout_service_pb2.RetryRolloutRequest(name=name)
    return (await peer.call(peer.rollout.RetryRollout, request)).rollout


async def abort(peer: Peer, name: str) -> rollout_pb2.Rollout:
    request = rollout_service_pb2.AbortRolloutRequest(name=name)
    return (await peer.call(peer.rollout.AbortRollout, request)).rollout


def counts(rollout: rollout_pb2.Rollout) -> dict[int, int]:
    return {one.state: one.node_count for one in rollout.counts}


async def settled(peer: Peer, name: str) -> dict[str, rollout_pb2.RolloutNode]:
    """The nodes when none of them is under way any more; of an ended rollout no watcher hears that."""
    async with asyncio.timeout(10):
        while True:
            nodes = await peer.rollout_nodes(name)
            if all(node.state not in {Progress.STATE_PENDING, Progress.STATE_IN_FLIGHT} for node in nodes.values()):
                return nodes


@asynccontextmanager
async def units(manager: LocalManager, fates: dict[str, Fate]) -> AsyncIterator[dict[str, FollowingUnit]]:
    """Units that are there while inside."""
    async with AsyncExitStack() as stack:
        yield {
            node_id: await stack.enter_async_context(following(manager, await manager.enroll(node_id), fate=fate))
            for node_id, fate in fates.items()
        }


@pytest.mark.usefixtures("rsu")
async def test_a_rollout_of_an_unknown_release_or_node_is_refused(operator: Peer) -> None:
    with pytest.raises(NotFoundError):
        await create(operator)
    await operator.publish(ARCHIVE)
    with pytest.raises(FailedPreconditionError):
        await create(operator, ["ghost"])
    for wrong in (
        {"selector": node_pb2.NodeSelector()},
        {"plan": rollout_pb2.RolloutPlan(max_in_flight_count=-1)},
        {"plan": rollout_pb2.RolloutPlan(time_zone="Nowhere")},
        {"request_id": "x"},
    ):
        with pytest.raises(InvalidArgumentError):
            await create(operator, **wrong)


@pytest.mark.usefixtures("rsu")
async def test_a_repeated_create_gives_the_same_rollout(operator: Peer) -> None:
    await operator.publish(ARCHIVE)
    request_id = str(uuid.uuid4())
    first, second = await create(operator, request_id=request_id), await create(operator, request_id=request_id)
    assert first.name == second.name
    with pytest.raises(FailedPreconditionError):  # the node is in a live rollout
        await create(operator)


@pytest.mark.usefixtures("rsu")
async def test_a_rollout_shows_its_plan_its_waves_and_what_its_nodes_wait_for(operator: Peer) -> None:
    await operator.publish(ARCHIVE)
    plan = rollout_pb2.RolloutPlan(
        waves=[rollout_pb2.RolloutWave(count=1)], max_failure_count=2, time_zone="Asia/Shanghai"
    )

    made = await create(operator, plan=plan)
    shown = await operator.get_rollout(made.name)

    assert (shown.release, shown.config_cause, shown.node_count) == ("releases/1.1.0", "", 1)
    assert (shown.plan.max_failure_count, shown.plan.time_zone, shown.plan.waves[0].count) == (2, "Asia/Shanghai", 1)
    assert shown.plan.node_timeout.seconds == 3600  # defaults are shown as they count
    assert shown.deadline_time.seconds - shown.create_time.seconds == 14 * 86_400
    assert [wave.node_count for wave in shown.waves] == [1]
    assert counts(shown) == {Progress.STATE_PENDING: 1}
    assert [(wait.reason, wait.node_count) for wait in shown.waits] == [(rollout_pb2.RolloutWait.REASON_AWAY, 1)]
    node = (await operator.rollout_nodes(made.name))["rsu-1"]
    assert (node.wave, node.waits_for) == (1, rollout_pb2.RolloutWait.REASON_AWAY)


@pytest.mark.usefixtures("rsu")
async def test_orders_move_a_rollout_and_an_ended_one_takes_none(operator: Peer) -> None:
    await operator.publish(ARCHIVE)
    name = (await create(operator)).name
    rollout = operator.rollout
    orders: Any = (  # each RPC has its own types
        (rollout.PauseRollout, rollout_service_pb2.PauseRolloutRequest, State.STATE_PAUSED),
        (rollout.ResumeRollout, rollout_service_pb2.ResumeRolloutRequest, State.STATE_RUNNING),
        (rollout.AbortRollout, rollout_service_pb2.AbortRolloutRequest, State.STATE_ABORTED),
        (rollout.AbortRollout, rollout_service_pb2.AbortRolloutRequest, State.STATE_ABORTED),
    )
    for rpc, request, state in orders:
        assert (await operator.call(rpc, request(name=name))).rollout.state == state
    with pytest.raises(FailedPreconditionError):
        await operator.call(rollout.PauseRollout, rollout_service_pb2.PauseRolloutRequest(name=name))
    with pytest.raises(NotFoundError):
        await operator.get_rollout("rollouts/none")
    listed = await operator.call(rollout.ListRollouts, rollout_service_pb2.ListRolloutsRequest())
    assert [(one.name, len(one.waits)) for one in listed.rollouts] == [(name, 0)]


async def test_a_watcher_follows_a_rollout_until_it_ends(operator: Peer, manager: LocalManager) -> None:
    await operator.publish(ARCHIVE)
    async with units(manager, {"rsu-1": Fate.APPLY}):
        name = (await create(operator)).name
        ended = await operator.ended_rollout(name)
    node = (await operator.rollout_nodes(name))["rsu-1"]

    assert (ended.state, counts(ended)) == (State.STATE_SUCCEEDED, {Progress.STATE_SUCCEEDED: 1})
    assert ended.waves[0].HasField("pass_time")
    assert node.update.phase == release_pb2.UpdateReport.PHASE_COMMITTED
    assert node.HasField("tell_time")


async def test_the_next_wave_waits_until_the_one_before_it_is_proven(operator: Peer, manager: LocalManager) -> None:
    await operator.publish(ARCHIVE)
    plan = rollout_pb2.RolloutPlan(waves=[rollout_pb2.RolloutWave(count=1), rollout_pb2.RolloutWave(percent=100)])
    names = ["rsu-1", "rsu-2", "rsu-3"]
    async with units(manager, dict.fromkeys(names, Fate.HOLD)) as found:
        name = (await create(operator, names, plan=plan)).name
        await found["rsu-1"].until(lambda: found["rsu-1"].release_trial)
        await found["rsu-1"].told()
        halfway = await operator.rollout_nodes(name)
        await found["rsu-1"].keep()
        for node_id in names[1:]:
            await found[node_id].until(partial(getattr, found[node_id], "release_trial"))
            await found[node_id].keep()
        ended = await operator.ended_rollout(name)

    assert halfway["rsu-1"].state == Progress.STATE_IN_FLIGHT
    assert {(node.state, node.waits_for) for node in list(halfway.values())[1:]} == {
        (Progress.STATE_PENDING, rollout_pb2.RolloutWait.REASON_WAVE)
    }
    assert [(wave.node_count, wave.succeeded_count) for wave in ended.waves] == [(1, 1), (2, 2)]


async def test_a_failed_rollout_says_why_and_is_retried_with_who_is_left(operator: Peer, manager: LocalManager) -> None:
    await operator.publish(ARCHIVE)
    whole = rollout_pb2.RolloutWave(percent=100, min_success_percent=100)
    plan = rollout_pb2.RolloutPlan(waves=[whole], max_failure_count=5)
    async with units(manager, {"rsu-1": Fate.APPLY, "rsu-2": Fate.REVERT}) as found:
        first = (await create(operator, found, plan=plan)).name
        with pytest.raises(FailedPreconditionError, match="has not ended"):
            await retry(operator, first)
        failed = await operator.ended_rollout(first)
        found["rsu-2"].fate = Fate.APPLY
        again = await retry(operator, first)
        ended = await operator.ended_rollout(again.name)

    nodes = await operator.rollout_nodes(first)
    assert failed.state == State.STATE_FAILED
    assert failed.message
    assert (nodes["rsu-2"].state, nodes["rsu-2"].update.message) == (
        Progress.STATE_FAILED,
        "the health gate did not pass",
    )
    assert (again.retry_of, again.node_count, again.plan) == (first, 1, failed.plan)
    assert ended.state == State.STATE_SUCCEEDED
    with pytest.raises(FailedPreconditionError):  # all its nodes succeeded
        await retry(operator, again.name)


async def test_nodes_of_a_rollout_come_page_by_page_and_by_state(operator: Peer, manager: LocalManager) -> None:
    await operator.publish(ARCHIVE)
    names = [f"rsu-{number}" for number in range(1, 6)]
    for node_id in names:
        await manager.enroll(node_id)
    name = (await create(operator, names)).name

    found, token = [], ""
    for _ in range(3):
        request = rollout_service_pb2.ListRolloutNodesRequest(name=name, page_size=2, page_token=token)
        answer = await operator.call(operator.rollout.ListRolloutNodes, request)
        found += [node.node for node in answer.nodes]
        token = answer.next_page_token
    failed = rollout_service_pb2.ListRolloutNodesRequest(name=name, states=[Progress.STATE_FAILED])
    none = await operator.call(operator.rollout.ListRolloutNodes, failed)

    assert (found, token) == ([f"nodes/{node_id}" for node_id in names], "")
    assert list(none.nodes) == []
    for wrong in ({"page_size": -1}, {"page_token": "x"}, {"states": [0]}, {"states": [99]}):
        request = rollout_service_pb2.ListRolloutNodesRequest(**{"name": name} | wrong)
        with pytest.raises(InvalidArgumentError):
            await operator.call(operator.rollout.ListRolloutNodes, request)


@pytest.mark.parametrize(
    ("fate", "state", "outcome"),
    [
        (Fate.APPLY, Progress.STATE_SUCCEEDED, node_pb2.ConfigReport.OUTCOME_APPLIED),
        (Fate.REVERT, Progress.STATE_FAILED, node_pb2.ConfigReport.OUTCOME_REVERTED),
        (Fate.REJECT, Progress.STATE_FAILED, node_pb2.ConfigReport.OUTCOME_REJECTED),
    ],
)
async def test_a_change_of_configuration_is_a_rollout_that_tells_how_it_went(
    operator: Peer, manager: LocalManager, fate: Fate, state: int, outcome: int
) -> None:
    async with units(manager, {"rsu-1": fate}) as found:
        applied = await operator.apply(layer(period_s=7))
        ended = await operator.ended_rollout(applied.rollout)
        await found["rsu-1"].told()
    node = (await operator.rollout_nodes(applied.rollout))["rsu-1"]

    assert (ended.release, ended.config_cause) == ("", "configLayers/base")
    assert (node.state, node.config.outcome) == (state, outcome)
    assert (ended.state == State.STATE_SUCCEEDED) is (fate is Fate.APPLY)


async def test_an_aborted_rollout_lets_who_is_on_trial_finish_and_tells_nobody_else(
    operator: Peer, manager: LocalManager
) -> None:
    plan = rollout_pb2.RolloutPlan(max_in_flight_count=1)
    async with units(manager, {"rsu-1": Fate.HOLD, "rsu-2": Fate.HOLD}) as found:
        applied = await operator.apply(layer(period_s=7), plan=plan)
        on_trial = found["rsu-1"]
        await on_trial.until(lambda: on_trial.trial)
        await on_trial.told()
        aborted = await abort(operator, applied.rollout)
        await on_trial.keep()
        nodes = await settled(operator, applied.rollout)

    assert aborted.state == State.STATE_ABORTED
    assert nodes["rsu-1"].state == Progress.STATE_SUCCEEDED
    assert nodes["rsu-2"].state == Progress.STATE_EXPIRED
    assert found["rsu-2"].trial is None


@pytest.mark.usefixtures("rsu")
async def test_a_dynamic_rollout_and_a_retry_are_for_who_may_touch_the_whole_tenant(
    operator: Peer, manager: LocalManager
) -> None:
    await operator.publish(ARCHIVE)
    await operator.make_site("k12")
    token = await operator.make_operator("ann", role("release-manager", sites=("k12",)))
    dynamic = rollout_pb2.RolloutPlan(is_dynamic=True)
    everything = node_pb2.NodeSelector(all_nodes=True)
    made = await create(operator, plan=dynamic, selector=everything)
    await abort(operator, made.name)
    async with manager.stranger(token=token) as ann:
        with pytest.raises(PermissionDeniedError, match="for the whole of a tenant"):
            await create(ann, plan=dynamic, selector=everything)
        with pytest.raises(NotFoundError, match="tenant root does not exist"):
            await create(ann, plan=dynamic, selector=everything, tenant="tenants/root")
        with pytest.raises(NotFoundError, match=made.name.removeprefix("rollouts/")):
            await retry(ann, made.name)
