"""NodeService.Session over real TLS."""

import asyncio
import shutil
from typing import Any

import msgspec
import pytest

from tests.link.manager_api.conftest import SETTINGS
from tests.link.manager_api.peer import LocalManager, NodeCredential, Peer, Session, layer, release_archive
from wayside.errors import ConflictError, InvalidArgumentError, PermissionDeniedError, UnavailableError, WaysideError
from wayside.v1 import fleet_service_pb2, node_pb2, node_service_pb2, release_pb2, rollout_service_pb2
from wayside_manager.app import running
from wayside_manager.settings import DataFolder


async def test_a_session_begins_with_a_welcome_and_the_whole_desired_state(operator: Peer, rsu_peer: Peer) -> None:
    await operator.apply(layer())
    session = await Session(rsu_peer).opened()

    welcome = (await session.next()).welcome
    await session.report(1)  # nobody is told anything new before it is heard
    desired = await session.until("desired_state")
    while not desired.config.revision:
        desired = await session.until("desired_state")

    assert welcome.acknowledged_sequence == 0
    assert welcome.HasField("server_time")
    assert desired.config.revision == 1
    assert len(desired.config.sha256) == 64


async def test_a_change_reaches_an_open_session(operator: Peer, rsu_peer: Peer) -> None:
    session = await Session(rsu_peer).opened()
    first = await session.until("desired_state")
    await session.report(1)
    await session.until("ack")

    await operator.apply(layer(period_s=7))
    second = await session.until("desired_state")

    assert second.revision > first.revision
    answer = await rsu_peer.call(
        rsu_peer.node.FetchConfig, node_service_pb2.FetchConfigRequest(revision=second.config.revision)
    )
    assert answer.config == b'{"report_period_s":7}'


async def test_an_acknowledged_report_is_in_the_database(operator: Peer, rsu_peer: Peer) -> None:
    session = await Session(rsu_peer).opened()

    await session.report(1)
    ack = await session.until("ack")

    assert ack.sequence == 1
    node = await operator.get_node("rsu-1")
    assert node.health.agent_version == "1.0.0"
    assert node.presence == node_pb2.PRESENCE_ONLINE
    assert node.HasField("last_report_time")


async def test_a_repeated_report_is_acknowledged_and_stored_once(operator: Peer, rsu_peer: Peer) -> None:
    session = await Session(rsu_peer).opened()
    for sequence in (1, 2, 3):
        await session.report(sequence)
    while (await session.until("ack")).sequence < 3:
        pass
    await session.call.done_writing()
    with pytest.raises(UnavailableError, match="OK"):  # no failure: the node left
        await session.next()

    again = await Session(rsu_peer).opened()
    welcome = await again.until("welcome")
    await again.report(2)
    ack = await again.until("ack")

    assert (welcome.acknowledged_sequence, ack.sequence) == (3, 3)
    assert (await operator.get_node("rsu-1")).lost_report_count == 0


async def test_a_gap_counts_as_lost(operator: Peer, rsu_peer: Peer) -> None:
    session = await Session(rsu_peer).opened()
    await session.report(1)
    await session.until("ack")

    await session.report(5)
    while (await session.until("ack")).sequence < 5:
        pass

    assert (await operator.get_node("rsu-1")).lost_report_count == 3


async def test_a_thousand_reports_at_once_are_all_acknowledged(rsu_peer: Peer) -> None:
    session = await Session(rsu_peer).opened()
    for sequence in range(1, 1001):
        await session.report(sequence)
    while (await session.until("ack")).sequence < 1000:
        pass


async def test_the_newer_session_of_a_node_wins(rsu_peer: Peer) -> None:
    older = await Session(rsu_peer).opened()
    await older.until("desired_state")

    newer = await Session(rsu_peer).opened()
    await newer.until("desired_state")

    error = await older.ended()
    assert isinstance(error, ConflictError)
    assert error.reason == "SESSION_REPLACED"
    await newer.report(1)
    assert (await newer.until("ack")).sequence == 1


async def test_retiring_a_node_ends_its_session_and_opens_no_other(operator: Peer, rsu_peer: Peer) -> None:
    session = await Session(rsu_peer).opened()
    await session.until("desired_state")

    await operator.call(operator.fleet.RetireNode, fleet_service_pb2.RetireNodeRequest(name="nodes/rsu-1"))

    ended = await session.ended()
    refused = await (await Session(rsu_peer).opened()).ended()
    assert isinstance(ended, PermissionDeniedError)
    assert isinstance(refused, PermissionDeniedError)
    assert (ended.reason, refused.reason) == ("NODE_RETIRED", "NODE_RETIRED")


async def test_a_session_without_a_hello_is_refused(rsu_peer: Peer) -> None:
    session = Session(rsu_peer)
    await session.report(1)

    error = await session.ended()

    assert isinstance(error, InvalidArgumentError)
    assert error.reason == "HELLO_MISSING"


async def test_a_hello_without_a_spool_is_refused(rsu_peer: Peer) -> None:
    error = await (await Session(rsu_peer, spool_id="").opened()).ended()

    assert isinstance(error, InvalidArgumentError)


@pytest.mark.parametrize(
    ("sequence", "body"),
    [
        (0, {}),
        (1, {"config": None}),
        (1, {"health": node_pb2.HealthReport(release="1.0.0")}),
        (1, {"update": release_pb2.UpdateReport()}),
        (1, {"health": node_pb2.HealthReport(agent_version="x" * 70_000)}),
    ],
    ids=["no sequence", "no body", "release without collection", "no phase", "too large"],
)
async def test_a_malformed_report_is_refused_and_not_stored(
    operator: Peer, rsu_peer: Peer, sequence: int, body: dict[str, Any]
) -> None:
    session = await Session(rsu_peer).opened()
    await session.report(sequence, **body)

    error = await session.ended()

    assert isinstance(error, InvalidArgumentError)
    assert not (await operator.get_node("rsu-1")).HasField("last_report_time")


async def test_a_manager_that_stops_says_so_to_nodes_and_watchers(manager: LocalManager, rsu: NodeCredential) -> None:
    settings = msgspec.structs.replace(SETTINGS, stop_grace_s=5.0)  # a busy machine needs a moment to say why
    folder = DataFolder(shutil.copytree(manager.folder.path, manager.folder.path.with_name("second")))
    async with running(folder, settings, now=manager.clock) as endpoints:
        second = LocalManager(folder, endpoints, manager.clock)
        node, operator = second.node(rsu), second.operator()
        node_peer, operator_peer = await node.__aenter__(), await operator.__aenter__()
        session = await Session(node_peer).opened()
        await session.until("desired_state")
        watch = operator_peer.stream(operator_peer.fleet.WatchNodes, fleet_service_pb2.WatchNodesRequest())
        await anext(watch)

    error = await session.ended()
    assert isinstance(error, UnavailableError)
    assert error.reason == "STOPPING"
    with pytest.raises(UnavailableError, match="the manager is stopping"):
        await anext(watch)
    await node.__aexit__(None, None, None)
    await operator.__aexit__(None, None, None)


async def test_a_node_fetches_its_release_from_any_offset(operator: Peer, rsu_peer: Peer) -> None:
    archive = release_archive("1.1.0", payload=bytes(3 << 20))
    archive += bytes((3 << 20) - len(archive))  # tar ends with zeros anyway; the size now takes three chunks
    session = await Session(rsu_peer).opened()
    await session.report(1)  # only nodes that are heard from get their turn
    await session.until("ack")
    await operator.publish(archive)
    await operator.call(operator.rollout.CreateRollout, _rollout())
    desired = await session.until("desired_state")
    while not desired.HasField("release"):
        desired = await session.until("desired_state")

    async def fetched(offset: int) -> list[node_service_pb2.FetchArtifactResponse]:
        request = node_service_pb2.FetchArtifactRequest(release=desired.release.release, offset_bytes=offset)
        return [part async for part in rsu_peer.stream(rsu_peer.node.FetchArtifact, request)]

    whole, rest = await fetched(0), await fetched(1_500_000)
    assert b"".join(part.content for part in whole) == archive
    assert b"".join(part.content for part in rest) == archive[1_500_000:]
    assert [part.offset_bytes for part in whole] == [0, 1 << 20, 2 << 20]
    assert await fetched(len(archive)) == []
    assert desired.release.size_bytes == len(archive)


def _rollout() -> rollout_service_pb2.CreateRolloutRequest:
    return rollout_service_pb2.CreateRolloutRequest(
        release="releases/1.1.0", selector=node_pb2.NodeSelector(nodes=["nodes/rsu-1"])
    )


async def test_many_sessions_of_one_node_leave_one_and_no_failure(
    rsu_peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    sessions = [await Session(rsu_peer).opened() for _ in range(20)]  # the manager may take them in any order

    async with asyncio.TaskGroup() as group:
        ends = {group.create_task(session.ended()) for session in sessions}
        ended: set[asyncio.Task[WaysideError]] = set()
        while len(ended) < 19:
            done, ends = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            ended |= done
        for survivor in ends:
            survivor.cancel()

    assert {end.result().reason for end in ended} == {"SESSION_REPLACED"}
    assert "failed" not in caplog.text


async def test_a_node_that_vanishes_leaves_no_failure_in_the_log(
    manager: LocalManager, operator: Peer, rsu: NodeCredential, caplog: pytest.LogCaptureFixture
) -> None:
    async with manager.node(rsu) as peer:
        session = await Session(peer).opened()
        await session.report(1)
        session.call.cancel()
    async with manager.node(rsu) as peer:
        again = await Session(peer).opened()
        await again.report(2)
        await again.until("ack")
        await operator.apply(layer())
        await again.until("desired_state")

    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
