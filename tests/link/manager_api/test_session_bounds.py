"""What a session may have waiting."""

from tests.link.manager_api.peer import Peer, Session
from wayside.v1 import node_pb2


async def test_reports_that_fill_more_than_may_wait_are_all_acknowledged(rsu_peer: Peer) -> None:
    session = await Session(rsu_peer).opened()
    software = "1.0.0"
    buses = [node_pb2.CanBusHealth(name="x" * 60_000)]
    for sequence in range(1, 41):  # 2.4 MB; 1 MiB may wait
        await session.report(sequence, health=node_pb2.HealthReport(agent_version=software, can_buses=buses))
    while (await session.until("ack")).sequence < 40:
        pass
