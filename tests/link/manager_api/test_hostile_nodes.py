"""Units with a good certificate that want to harm the manager, over real TLS."""

import asyncio

import pytest

from tests.link.manager_api.peer import Peer, Session
from wayside.errors import InvalidArgumentError
from wayside.v1 import node_service_pb2
from wayside_manager.api.session import STRAY_PROBES_MAX


async def test_answers_nobody_asked_for_end_a_session_after_some(rsu_peer: Peer) -> None:
    session = await Session(rsu_peer).opened()
    stray = node_service_pb2.SessionRequest(probe=node_service_pb2.SessionProbe(nonce="nobody asked"))
    for _ in range(STRAY_PROBES_MAX):
        await session.call.write(stray)
    await session.report(1)
    async with asyncio.timeout(10):
        assert (await session.until("ack")).sequence == 1  # some may come too late
        await session.call.write(stray)
        with pytest.raises(InvalidArgumentError):
            await session.until("never")
