"""The life story of one node, over gRPC and from the command line."""

import json
import re
from pathlib import Path

import pytest

from tests.link.manager_api.commands import wayside
from tests.link.manager_api.config_unit import Fate, following
from tests.link.manager_api.peer import LocalManager, Peer, Session, layer, release_archive, role
from wayside.errors import InvalidArgumentError
from wayside.v1 import config_service_pb2, node_pb2, release_pb2, rollout_pb2, rollout_service_pb2


def of_node(node_id: str, period_s: int) -> config_service_pb2.ConfigLayer:
    made = layer(f"of-{node_id}", period_s=period_s)
    made.selector.CopyFrom(node_pb2.NodeSelector(nodes=[f"nodes/{node_id}"]))
    return made


async def lived(manager: LocalManager, operator: Peer) -> tuple[str, str]:
    """rsu-1 takes a configuration, refuses the next, is labelled and retired; its rollouts, in order."""
    credential = await manager.enroll("rsu-1")
    await manager.enroll("rsu-2")
    async with following(manager, credential) as unit:
        first = (await operator.apply(of_node("rsu-1", 7))).rollout
        await operator.ended_rollout(first)
        unit.fate = Fate.REJECT
        second = (await operator.apply(of_node("rsu-1", 9))).rollout
        await operator.ended_rollout(second)
    for arguments in (("update", "rsu-1", "--label", "road=g98"), ("retire", "rsu-1", "--yes")):
        code, _, err = await wayside(manager, "nodes", *arguments)
        assert code == 0, err
    return first, second


async def test_a_node_tells_its_life_in_order_of_time(manager: LocalManager, operator: Peer) -> None:
    first, second = await lived(manager, operator)
    code, out, err = await wayside(manager, "nodes", "story", "rsu-1", "-o", "json")
    assert code == 0, err
    found = json.loads(out)
    events = found["events"]
    assert (found["node"], found["missing"]) == ("nodes/rsu-1", [])
    assert [each["time"] for each in events] == sorted(each["time"] for each in events)
    audited = [each["what"] for each in events if each["source"] == "audit"]
    assert audited[0] == "Enroll"
    assert [what for what in audited if what.endswith("Node")] == ["UpdateNode", "RetireNode"]
    assert next(each for each in events if each["what"] == "RetireNode")["by"] == "operators/admin"
    configs = [(each["what"], each["by"]) for each in events if each["source"] == "config"]
    assert configs == [(f"should run configuration {number}", "configLayers/of-rsu-1") for number in (1, 2)]
    told = {each["by"]: each["detail"] for each in events if each["what"] == "told"}
    assert told == {first: "succeeded", second: "failed: report_period_s: cannot be had"}
    code, table, err = await wayside(manager, "nodes", "story", "nodes/rsu-1")
    assert (code, err) == (0, "")
    assert "state is retired" in table


async def test_without_the_audit_trail_the_rest_is_told(manager: LocalManager, operator: Peer, tmp_path: Path) -> None:
    await manager.enroll("rsu-1")
    token = tmp_path / "token"
    token.write_text(await operator.make_operator("ann", role("viewer")))
    code, out, err = await wayside(manager, "nodes", "story", "rsu-1", token=token)
    assert code == 0, err
    assert "made known" in out
    assert "Enroll" not in out
    assert err.count("audit") == 1


async def test_rollouts_are_listed_by_node(manager: LocalManager, operator: Peer) -> None:
    first, second = await lived(manager, operator)
    await operator.apply(of_node("rsu-2", 3))
    request = rollout_service_pb2.ListRolloutsRequest(node="nodes/rsu-1", page_size=1)
    page = await operator.call(operator.rollout.ListRollouts, request)
    request.page_token = page.next_page_token
    last = await operator.call(operator.rollout.ListRollouts, request)
    assert {each.name for each in (*page.rollouts, *last.rollouts)} == {first, second}
    assert not last.next_page_token
    other = rollout_service_pb2.ListRolloutsRequest(node="nodes/rsu-2", page_token=page.next_page_token)
    with pytest.raises(InvalidArgumentError, match="page_token"):
        await operator.call(operator.rollout.ListRollouts, other)
    own = rollout_service_pb2.ListRolloutNodesRequest(name=second, node="nodes/rsu-1")
    (row,) = (await operator.call(operator.rollout.ListRolloutNodes, own)).nodes
    assert row.state == rollout_pb2.RolloutNode.STATE_FAILED
    nobody = rollout_service_pb2.ListRolloutNodesRequest(name=second, node="nodes/rsu-2")
    assert not (await operator.call(operator.rollout.ListRolloutNodes, nobody)).nodes
    with pytest.raises(InvalidArgumentError, match="node"):
        await operator.call(operator.rollout.ListRollouts, rollout_service_pb2.ListRolloutsRequest(node="rsu-1"))


async def test_the_screen_of_a_node_tells_what_was_changed_before(manager: LocalManager, operator: Peer) -> None:
    await lived(manager, operator)
    code, out, err = await wayside(manager, "nodes", "show", "rsu-1")
    assert (code, err) == (0, "")
    before = out.partition("just before:")[2]
    assert "should run configuration 2: report_period_s, by configLayers/of-rsu-1" in before
    assert before.index("should run configuration 1: ") < before.index("should run configuration 2: ")


async def test_the_screen_of_a_node_tells_which_release_it_was_told(manager: LocalManager, operator: Peer) -> None:
    await manager.enroll("rsu-1")
    await operator.publish(release_archive("1.1.0"))
    chosen = node_pb2.NodeSelector(nodes=["nodes/rsu-1"])
    request = rollout_service_pb2.CreateRolloutRequest(release="releases/1.1.0", selector=chosen)
    rollout = (await operator.call(operator.rollout.CreateRollout, request)).rollout
    code, out, err = await wayside(manager, "nodes", "show", "rsu-1")
    assert (code, err) == (0, "")
    before = out.partition("just before:")[2]
    assert re.search(rf"to run releases/1\.1\.0: (pending|in_flight).*, by {rollout.name}", before)


async def test_the_screen_of_a_node_tells_what_runs_beside_its_agent(manager: LocalManager) -> None:
    credential = await manager.enroll("rsu-1")
    word = release_pb2.UpdateReport(
        phase=release_pb2.UpdateReport.PHASE_COMMITTED,
        components=[
            release_pb2.ComponentState(name="radio", version="2.0.0"),
            release_pb2.ComponentState(name="map"),
            release_pb2.ComponentState(name="rootfs", message="RAUC is not there; start its service"),
        ],
    )
    async with manager.node(credential) as peer:
        session = await Session(peer).opened()
        await session.report(1, update=word)
        while (await session.until("ack")).sequence < 1:
            pass
    code, out, err = await wayside(manager, "nodes", "show", "rsu-1")
    assert (code, err) == (0, "")
    for name, said in (("radio", "2.0.0"), ("map", "none"), ("rootfs", "RAUC is not there; start its service")):
        assert re.search(rf"^component {name} +{said} *$", out, re.MULTILINE)


async def test_the_screen_of_a_node_tells_how_much_its_radio_heard_unverified(manager: LocalManager) -> None:
    credential = await manager.enroll("rsu-1")
    kind = node_pb2.V2X_MESSAGE_KIND_BSM
    heard = [node_pb2.V2xMessageCount(kind=kind, count=94)]
    async with following(manager, credential) as unit:
        await unit.told()
        await unit.say_health(radio=node_pb2.RadioHealth(is_open=True, received=heard, unverified_count=3))
        await unit.told()
        code, out, err = await wayside(manager, "nodes", "show", "rsu-1")
    assert (code, err) == (0, "")
    assert re.search(r"^radio +heard 94 bsm, 3 unverified *$", out, re.MULTILINE)
