"""A unit that could not take a release for what passes is told again, over a real session, by the manager's clock."""

import json

from tests.link.manager_api.commands import wayside
from tests.link.manager_api.config_unit import Fate, following
from tests.link.manager_api.peer import LocalManager, Peer, release_archive
from wayside.v1 import node_service_pb2, rollout_pb2

Progress = rollout_pb2.RolloutNode
PLAN = ("--retries", "1", "--retry-base", "10m")


async def begun(manager: LocalManager, *plan: str) -> str:
    code, out, err = await wayside(manager, "rollouts", "create", "1.1.0", "--node", "rsu-1", *plan, "-o", "json")
    assert code == 0, err
    return str(json.loads(out)["name"])


def attempts(desired: list[node_service_pb2.DesiredState]) -> list[int]:
    """Of the release it was told, each once in a row."""
    found: list[int] = []
    for one in desired:
        if one.HasField("release") and found[-1:] != [one.release.attempt]:
            found.append(one.release.attempt)
    return found


async def test_a_unit_that_could_not_is_told_again_after_its_pause_and_gets_there(
    manager: LocalManager, operator: Peer
) -> None:
    await operator.publish(release_archive("1.1.0"))
    credential = await manager.enroll("rsu-1")
    async with following(manager, credential, fate=Fate.REJECT, reason="DISK_FULL") as unit:
        name = await begun(manager, *PLAN)
        # its word has come, it is called back, and waits
        await unit.until(lambda: attempts(unit.desired) and not unit.desired[-1].HasField("release"))
        node = (await operator.rollout_nodes(name))["rsu-1"]
        _, shown, _ = await wayside(manager, "rollouts", "show", name)
        _, table, _ = await wayside(manager, "rollouts", "nodes", name)
        unit.fate = Fate.APPLY
        manager.clock.push(minutes=9)
        await unit.say_health()
        await unit.told()
        early = (await operator.rollout_nodes(name))["rsu-1"]
        manager.clock.push(minutes=1)
        await unit.say_health()
        code, _, err = await wayside(manager, "rollouts", "watch", name)
        done = (await operator.rollout_nodes(name))["rsu-1"]
        _, screen, _ = await wayside(manager, "nodes", "show", "rsu-1")

    assert (node.state, node.attempt, node.waits_for) == (
        Progress.STATE_PENDING,
        1,
        rollout_pb2.RolloutWait.REASON_RETRY,
    )
    assert node.retry_time.ToDatetime() > node.tell_time.ToDatetime()
    assert "1 wait for their next try" in shown
    assert "the download is not what it should be" in table
    assert early.state == Progress.STATE_PENDING
    assert code == 0, err
    assert (done.state, done.attempt, done.update.attempt) == (Progress.STATE_SUCCEEDED, 1, 1)
    assert not done.HasField("retry_time")
    assert attempts(unit.desired) == [0, 1]
    assert "to run releases/1.1.0: succeeded after 1 try that did not succeed" in screen


async def test_a_unit_that_refused_is_not_told_again(manager: LocalManager, operator: Peer) -> None:
    await operator.publish(release_archive("1.1.0"))
    credential = await manager.enroll("rsu-1")
    async with following(manager, credential, fate=Fate.REJECT, reason="WRONG_HARDWARE") as unit:
        name = await begun(manager, *PLAN)
        code, _, err = await wayside(manager, "rollouts", "watch", name)
    assert code == 1
    assert "has failed" in err
    node = (await operator.rollout_nodes(name))["rsu-1"]
    assert (node.state, node.attempt) == (Progress.STATE_FAILED, 0)
    assert attempts(unit.desired) == [0]


async def test_a_unit_told_in_a_window_is_told_when_it_closes(manager: LocalManager, operator: Peer) -> None:
    await operator.publish(release_archive("1.1.0"))
    credential = await manager.enroll("rsu-1")
    now = manager.clock()
    begin = f"{now:%H}:00"
    async with following(manager, credential, fate=Fate.HOLD) as unit:
        await begun(manager, "--window", f"{begin}-{(now.hour + 2) % 24:02}:00")
        await unit.until(lambda: unit.release_trial)
    asked = unit.desired[-1].release.preconditions
    assert 3600 < asked.end_time.seconds - now.timestamp() <= 7200


async def test_options_of_tries_reach_the_plan_and_a_bound_has_a_sentence(
    manager: LocalManager, operator: Peer
) -> None:
    await operator.publish(release_archive("1.1.0"))
    await manager.enroll("rsu-1")
    wrong = ("rollouts", "create", "1.1.0", "--node", "rsu-1", "--retries", "2", "--retry-base", "9s")
    code, _, err = await wayside(manager, *wrong)
    name = await begun(manager, *PLAN, "--retry-gate")
    plan = (await operator.get_rollout(name)).plan

    assert code != 0
    assert "plan.retry_base: 9 s is outside 10 s to 1 d" in err
    assert (plan.retry_count, plan.retry_base.seconds, plan.retries_refused_by_gate) == (1, 600, True)
