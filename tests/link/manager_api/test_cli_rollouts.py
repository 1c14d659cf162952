"""`wayside rollouts` against a manager in this process, with units that follow."""

import json
from pathlib import Path

from tests.link.manager_api.commands import wayside
from tests.link.manager_api.config_unit import Fate, following
from tests.link.manager_api.peer import LocalManager, Peer, layer, release_archive


async def test_a_rollout_is_shown_wave_by_wave_with_what_its_nodes_wait_for(
    manager: LocalManager, operator: Peer, tmp_path: Path
) -> None:
    await operator.publish(release_archive("1.1.0"))
    for node_id in ("rsu-1", "rsu-2", "rsu-3"):
        await manager.enroll(node_id)
    plan = tmp_path / "plan.toml"
    plan.write_text('max_failure_count = 2\nwindows = ["01:00-04:00"]\ntime_zone = "Asia/Shanghai"\n')
    how = ("--plan", plan, "--wave", "1", "--wave", "rest", "--observe", "10m", "-o", "json")

    code, out, err = await wayside(manager, "rollouts", "create", "1.1.0", "--kind", "rsu", *how)
    assert code == 0, err
    made = json.loads(out)
    _, shown, _ = await wayside(manager, "rollouts", "show", made["name"])
    _, listed, _ = await wayside(manager, "rollouts", "list")
    _, nodes, _ = await wayside(manager, "rollouts", "nodes", made["name"], "--state", "pending")
    _, none, _ = await wayside(manager, "rollouts", "nodes", made["name"], "--state", "failed", "-o", "json")

    assert (made["plan"]["max_failure_count"], made["plan"]["time_zone"]) == (2, "Asia/Shanghai")
    assert [wave["node_count"] for wave in made["waves"]] == [1, 2]
    assert "WAVE" in shown
    assert "3 pending" in shown
    assert "1 wait for being heard from again" in shown
    assert "2 wait for their wave to begin" in shown
    assert "release 1.1.0" in listed
    assert [line.split()[:3] for line in nodes.splitlines()[1:]] == [
        ["rsu-1", "1", "pending"],
        ["rsu-2", "2", "pending"],
        ["rsu-3", "2", "pending"],
    ]
    assert json.loads(none) == {"nodes": []}


async def test_a_failed_rollout_of_configuration_is_watched_to_its_end_and_retried(
    manager: LocalManager, operator: Peer
) -> None:
    credential = await manager.enroll("rsu-1")
    async with following(manager, credential, fate=Fate.REVERT) as unit:
        name = (await operator.apply(layer(period_s=7))).rollout
        code, out, err = await wayside(manager, "rollouts", "watch", name)
        unit.fate = Fate.APPLY
        retried, made, why = await wayside(manager, "rollouts", "retry", name, "-o", "json")
        assert retried == 0, why
        again = json.loads(made)
        ended, lines, _ = await wayside(manager, "rollouts", "watch", again["name"], "-o", "json")

    assert (code, ended) == (1, 0)
    assert "has failed" in err
    assert "the health gate did not pass" in out  # the node says why
    assert (again["retry_of"], again["config_cause"]) == (name, "configLayers/base")
    assert json.loads(lines.splitlines()[-1])["state"] == "STATE_SUCCEEDED"


async def test_a_wrong_plan_is_told_by_its_option(manager: LocalManager) -> None:
    for option, value in (("--wave", "some"), ("--window", "at night"), ("--deadline", "soon")):
        code, _, err = await wayside(manager, "rollouts", "create", "1.1.0", "--all", option, value)
        assert (code, err.count("\n")) == (2, 1), err
        assert option in err


async def test_one_order_stops_every_rollout_under_way(manager: LocalManager, operator: Peer) -> None:
    await operator.publish(release_archive("1.1.0"))
    for node_id in ("rsu-1", "rsu-2"):
        await manager.enroll(node_id)
        await wayside(manager, "rollouts", "create", "1.1.0", "--node", node_id)

    _, paused, _ = await wayside(manager, "rollouts", "pause", "--all", "-o", "json")
    again = await wayside(manager, "rollouts", "pause", "--all")
    _, aborted, _ = await wayside(manager, "rollouts", "abort", "--all")
    _, none, _ = await wayside(manager, "rollouts", "abort", "--all", "-o", "json")

    assert [rollout["state"] for rollout in json.loads(paused)["rollouts"]] == ["STATE_PAUSED"] * 2
    assert again[:2] == (0, "paused 0 rollouts\n")
    assert aborted.endswith("aborted 2 rollouts\n")
    assert json.loads(none) == {"rollouts": [], "refused": []}


async def test_who_may_only_look_hears_what_goes_on(manager: LocalManager, operator: Peer, tmp_path: Path) -> None:
    await operator.publish(release_archive("1.1.0"))
    await manager.enroll("rsu-1")
    _, made, _ = await wayside(manager, "rollouts", "create", "1.1.0", "--all", "-o", "json")
    await wayside(manager, "users", "create", "vera", "--binding", "viewer@root")
    _, issued, _ = await wayside(manager, "users", "token", "vera", "-o", "json")
    token = tmp_path / "token"
    token.write_text(json.loads(issued)["token"])
    token.chmod(0o600)

    code, out, err = await wayside(manager, "rollouts", "abort", "--all", token=token)

    assert (code, out) == (5, "aborted 0 rollouts\n")
    assert f"1 go on, because you may not steer them: {json.loads(made)['name'].removeprefix('rollouts/')}" in err


async def test_an_order_names_one_rollout_or_all(manager: LocalManager) -> None:
    for arguments in (("abort",), ("abort", "r1", "--all"), ("pause",)):
        code, _, err = await wayside(manager, "rollouts", *arguments)
        assert (code, err) == (2, "error: give a rollout, as listed, or --all\n")
