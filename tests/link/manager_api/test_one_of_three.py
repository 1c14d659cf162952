"""One of three nodes that is unreachable or talks nonsense never blanks the other two.

A peer asks its units one after the other, and one that does not answer costs the whole round. Here nobody asks: each
node speaks for itself, so this holds by construction; these tests keep it so.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import grpc.aio
import pytest

from tests.link.manager_api.peer import Clock, LocalManager, Peer, Session
from wayside.errors import WaysideError
from wayside.v1 import (
    fleet_service_pb2,
    health_pb2,
    health_service_pb2,
    node_pb2,
    node_service_pb2,
)

OK, UNKNOWN = health_pb2.HEALTH_STATE_OK, health_pb2.HEALTH_STATE_UNKNOWN
ROUNDS = 8
Bad = Callable[[Peer], Awaitable[None]]


async def opens_and_says_nothing(peer: Peer) -> None:
    await Session(peer).opened()
    await asyncio.Event().wait()


async def says_no_hello(peer: Peer) -> None:
    peer.node.Session(None)
    await asyncio.Event().wait()


async def comes_and_goes(peer: Peer) -> None:
    while True:
        session = await Session(peer).opened()
        await session.next()
        session.call.cancel()


async def speaks_garbage(peer: Peer) -> None:
    call: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = peer.channel.stream_stream(
        "/wayside.v1.NodeService/Session"
    )
    while True:
        stream = call()
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            for _ in range(20):
                await stream.write(b"\xff\xff\xff no message" * 100)
        await stream.code()


async def says_what_is_refused(peer: Peer) -> None:
    while True:
        session = await Session(peer).opened()
        with suppress(WaysideError):
            await session.report(1, health=node_pb2.HealthReport(config_revision=-1))
        await session.ended()


async def shows_what_is_refused(peer: Peer) -> None:
    while True:
        session = await Session(peer).opened()
        live = node_service_pb2.Report(config=node_pb2.ConfigReport())
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            await session.call.write(node_service_pb2.SessionRequest(live=live))
        await session.ended()


async def floods_and_never_listens(peer: Peer) -> None:
    session = await Session(peer).opened()
    sequence = 0
    while True:
        sequence += 1
        await session.report(sequence, health=node_pb2.HealthReport(agent_version="1.0.0", model="m" * 80))


async def never_comes(_peer: Peer) -> None:
    await asyncio.Event().wait()


def healthy(version: str) -> node_pb2.HealthReport:
    report = node_pb2.HealthReport(agent_version=version, checks=[health_pb2.HealthCheck(name="gnss.fix", state=OK)])
    report.report_period.seconds = 30
    return report


@pytest.mark.parametrize(
    "bad",
    [
        never_comes,
        opens_and_says_nothing,
        says_no_hello,
        comes_and_goes,
        speaks_garbage,
        says_what_is_refused,
        shows_what_is_refused,
        floods_and_never_listens,
    ],
)
async def test_reports_health_and_watches_of_two_go_on_whatever_the_third_does(
    manager: LocalManager, operator: Peer, clock: Clock, bad: Bad
) -> None:
    credentials = [await manager.enroll(f"rsu-{number}") for number in (1, 2, 3)]
    async with (
        asyncio.timeout(30),
        manager.node(credentials[0]) as bad_peer,
        manager.node(credentials[1]) as second,
        manager.node(credentials[2]) as third,
        asyncio.TaskGroup() as group,
    ):
        nuisance = group.create_task(_lasting(bad, bad_peer))
        watched = group.create_task(_seen(operator, {"nodes/rsu-2", "nodes/rsu-3"}, f"v{ROUNDS}"))
        sessions = {"rsu-2": await Session(second).opened(), "rsu-3": await Session(third).opened()}
        for number in range(1, ROUNDS + 1):
            clock.push(seconds=30)
            for node_id, session in sessions.items():
                await session.report(number, health=healthy(f"v{number}"))
                while (await session.until("ack")).sequence < number:
                    pass
                assert (await operator.get_node(node_id)).health.agent_version == f"v{number}"
        await watched
        answer = await operator.call(operator.health.ListNodeHealth, health_service_pb2.ListNodeHealthRequest())
        states = {one.node: one.state for one in answer.health}
        assert (states["nodes/rsu-2"], states["nodes/rsu-3"]) == (OK, OK)
        assert states["nodes/rsu-1"] == UNKNOWN  # never green for want of knowledge
        nuisance.cancel()
    nodes = (await operator.call(operator.fleet.ListNodes, fleet_service_pb2.ListNodesRequest())).nodes
    assert [node.name for node in nodes] == ["nodes/rsu-1", "nodes/rsu-2", "nodes/rsu-3"]
    assert all(node.presence == node_pb2.PRESENCE_ONLINE for node in nodes[1:])


async def _lasting(bad: Bad, peer: Peer) -> None:
    """Does it until it is cancelled; what its own end looks like does not matter."""
    with suppress(WaysideError, grpc.aio.AioRpcError, asyncio.InvalidStateError):
        await bad(peer)


async def _seen(operator: Peer, names: set[str], version: str) -> None:
    """Watches until each of the nodes was seen with a version."""
    async for change in operator.stream(operator.fleet.WatchNodes, fleet_service_pb2.WatchNodesRequest()):
        if change.node.health.agent_version == version:
            names.discard(change.node.name)
        if not names:
            return
