"""What a session may have waiting."""

import asyncio

import grpc.aio
import pytest

from tests.link.manager_api.peer import LocalManager, NodeCredential, Peer, Session
from wayside.v1 import node_pb2
from wayside_manager.api.calls import OPEN_MAX_COUNTS
from wayside_manager.core.policy import Caller


async def test_one_node_holds_a_bounded_number_of_streams_and_its_neighbour_is_served(
    manager: LocalManager, rsu: NodeCredential
) -> None:
    async with manager.node(rsu) as peer, manager.node(await manager.enroll("rsu-2")) as neighbour:
        calls = [peer.node.Session() for _ in range(OPEN_MAX_COUNTS[Caller.NODE])]
        async with asyncio.timeout(10):
            for call in calls:
                await call.initial_metadata()  # it is let in, and waits for a hello
            surplus = peer.node.Session()
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await surplus.read()
            await Session(neighbour).opened()
            for call in calls:
                call.cancel()
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_reports_that_fill_more_than_may_wait_are_all_acknowledged(rsu_peer: Peer) -> None:
    session = await Session(rsu_peer).opened()
    software = "1.0.0"
    buses = [node_pb2.CanBusHealth(name="x" * 60_000)]
    for sequence in range(1, 41):  # 2.4 MB; 1 MiB may wait
        await session.report(sequence, health=node_pb2.HealthReport(agent_version=software, can_buses=buses))
    while (await session.until("ack")).sequence < 40:
        pass
