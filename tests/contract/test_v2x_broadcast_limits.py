"""What is withdrawn is off the air at once."""

from pathlib import Path
from typing import Any

from wayside.v2x.codec import Profile
from wayside.v2x.readable import parsed
from wayside_agent.core.broadcasts import broadcasts_of
from wayside_agent.drivers.broadcast_files import BroadcastFiles
from wayside_agent.services.v2x_broadcast import Repeater, World


def crossing(node: int) -> dict[str, Any]:
    link = {"upstreamNodeId": {"id": 8}, "linkWidth_m": 7.0, "lanes": [{"laneID": 1}]}
    place = {"lat_deg": 31.2, "long_deg": 121.4}
    return {"mapFrame": {"msgCnt": 1, "nodes": [{"id": {"id": node}, "refPos": place, "inLinks": [link]}]}}


async def test_what_is_withdrawn_while_another_is_sent_is_not_sent_any_more(tmp_path: Path) -> None:
    own = [piece for node in (1, 2) for piece in broadcasts_of(parsed(crossing(node)), Profile.P20, source="x")]
    sent: list[bytes] = []

    async def send(payload: bytes, *, application_id: int) -> None:
        assert application_id == 3618
        sent.append(payload)
        await repeater._withdraw(own[1].key)

    repeater = Repeater(World(BroadcastFiles(tmp_path), Profile.P20, send, lambda: None, own))
    await repeater._speak()
    assert len(sent) == 1
