"""Broadcasts over real sessions: only units of the area are told, each answers, the withdrawn is gone everywhere."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from msgspec.structs import replace

from tests.link.manager_api.commands import wayside
from tests.link.manager_api.peer import Clock, LocalManager, NodeCredential, Peer, Session, role
from wayside.errors import ConflictError, FailedPreconditionError, InvalidArgumentError
from wayside.v1 import (
    access_service_pb2,
    broadcast_pb2,
    broadcast_service_pb2,
    fleet_service_pb2,
    node_pb2,
    node_service_pb2,
    site_pb2,
    site_service_pb2,
)
from wayside.v2x.codec import Profile, encode
from wayside.v2x.generated.messages import SPAT, IntersectionState, NodeReferenceID, Phase, PhaseState
from wayside.v2x.readable import readable
from wayside_demo.road_air import road_map, road_works

STATE = broadcast_pb2.BroadcastReport
WORKS = encode(("rsiFrame", road_works()), Profile.P20)
AROUND = node_pb2.Area(
    corners=[
        node_pb2.Position(latitude_degrees=latitude, longitude_degrees=longitude)
        for latitude, longitude in ((19.9, 110.2), (19.9, 110.5), (20.2, 110.5), (20.2, 110.2))
    ]
)


@pytest.fixture
async def road(operator: Peer, manager: LocalManager, rsu: NodeCredential) -> NodeCredential:
    """`rsu-1` stands in the area, `rsu-2` 50 km away; the credential of `rsu-2`."""
    other = await manager.enroll("rsu-2")
    for node_id, latitude in ((rsu.node_id, 20.03), ("rsu-2", 20.5)):
        position = node_pb2.Position(latitude_degrees=latitude, longitude_degrees=110.33)
        site = site_pb2.Site(name=f"sites/at-{node_id}", position=position)
        await operator.call(operator.site.ApplySite, site_service_pb2.ApplySiteRequest(site=site))
        node = node_pb2.Node(name=f"nodes/{node_id}", site=f"sites/at-{node_id}")
        request = fleet_service_pb2.UpdateNodeRequest(node=node, update_mask=FieldMask(paths=["site"]))
        await operator.call(operator.fleet.UpdateNode, request)
    return other


def works(clock: Clock, **fields: Any) -> broadcast_pb2.Broadcast:  # noqa: ANN401  # fields of a message
    given: dict[str, Any] = {
        "name": "broadcasts/works",
        "selector": node_pb2.NodeSelector(areas=[AROUND]),
        "message": WORKS,
        "profile": "p20",
    } | fields
    made = broadcast_pb2.Broadcast(**given)
    if "end_time" not in fields:
        made.end_time.FromDatetime(clock() + timedelta(hours=1))
    return made


async def publish(operator: Peer, broadcast: broadcast_pb2.Broadcast) -> broadcast_pb2.Broadcast:
    request = broadcast_service_pb2.PublishBroadcastRequest(broadcast=broadcast)
    return (await operator.call(operator.broadcast.PublishBroadcast, request)).broadcast


async def session_of(peer: Peer) -> Session:
    session = await Session(peer, spool_id="spool-1").opened()
    await session.until("welcome")
    return session


async def told(session: Session, *, count: int) -> list[node_service_pb2.BroadcastTarget]:
    """What a unit is told, as soon as it is so many."""
    while True:
        desired: node_service_pb2.DesiredState = await session.until("desired_state")
        assert desired.HasField("broadcasts")
        if len(desired.broadcasts.broadcasts) == count:
            return list(desired.broadcasts.broadcasts)


async def say(session: Session, sequence: int, state: int, revision: int, reason: str = "") -> None:
    word = broadcast_pb2.BroadcastReport(broadcast="broadcasts/works", revision=revision, state=state, reason=reason)  # type: ignore[arg-type]  # a number of the enum
    await session.report(sequence, broadcast=word)
    while (await session.until("ack")).sequence < sequence:
        pass


async def test_only_units_of_the_area_are_told_and_their_words_are_shown(
    operator: Peer, manager: LocalManager, rsu_peer: Peer, road: NodeCredential, clock: Clock
) -> None:
    made = await publish(operator, works(clock))
    assert (made.kind, made.counts.node_count, made.counts.pending_count) == (broadcast_pb2.Broadcast.KIND_RSI, 1, 1)
    session = await session_of(rsu_peer)
    (target,) = await told(session, count=1)
    assert (target.message, target.profile, target.end_time) == (WORKS, "p20", made.end_time)
    async with manager.node(road) as away:
        assert await told(await session_of(away), count=0) == []
    await say(session, 1, STATE.STATE_ON_AIR, 1)
    code, out, _ = await wayside(manager, "broadcasts", "show", "works", "-o", "json")
    (receipt,) = json.loads(out)["receipts"]
    assert (code, receipt["node"], receipt["report"]["state"]) == (0, "nodes/rsu-1", "STATE_ON_AIR")


async def test_withdrawing_reaches_units_that_are_connected_and_those_that_come_back(
    operator: Peer, manager: LocalManager, rsu_peer: Peer, road: NodeCredential, clock: Clock
) -> None:
    both = node_pb2.NodeSelector(nodes=["nodes/rsu-1", "nodes/rsu-2"])
    await publish(operator, works(clock, selector=both))
    session = await session_of(rsu_peer)
    await told(session, count=1)
    await say(session, 1, STATE.STATE_ON_AIR, 1)
    async with manager.node(road) as away:
        await told(await session_of(away), count=1)
    code, out, _ = await wayside(manager, "broadcasts", "withdraw", "works", "-o", "json")
    assert (code, json.loads(out)["counts"]["pending_count"]) == (0, 2)
    (target,) = await told(session, count=1)
    assert (target.is_withdrawn, target.message) == (True, b"")
    await say(session, 2, STATE.STATE_WITHDRAWN, target.revision)
    async with manager.node(road) as back:
        (target,) = await told(await session_of(back), count=1)
        assert target.is_withdrawn
    _, out, _ = await wayside(manager, "broadcasts", "show", "works", "--pending", "-o", "json")
    assert [each["node"] for each in json.loads(out)["receipts"]] == ["nodes/rsu-2"]


@pytest.mark.usefixtures("road")
async def test_a_drill_lists_who_has_answered_and_who_is_dead(
    manager: LocalManager, rsu_peer: Peer, clock: Clock, tmp_path: Path
) -> None:
    file = tmp_path / "works.json"
    file.write_bytes(msgspec.json.encode({"message": readable(("rsiFrame", road_works()))}))
    until = (clock() + timedelta(hours=1)).isoformat()
    code, _, err = await wayside(
        manager, "broadcasts", "publish", file, "--name", "works", "--kind", "rsu", "--until", until, "--drill"
    )
    assert (code, err) == (0, "")
    session = await session_of(rsu_peer)
    (target,) = await told(session, count=1)
    assert (target.is_drill, target.message) == (True, WORKS)
    await say(session, 1, STATE.STATE_DRILLED, 1)
    _, out, _ = await wayside(manager, "broadcasts", "show", "works")
    said = {line.split()[0]: line for line in out.splitlines() if line.startswith("rsu-")}
    assert "drilled" in said["rsu-1"]
    assert "nothing" in said["rsu-2"]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"message": b""}, r"broadcast\.message"),
        ({"message": b"\xff" * 20}, r"broadcast\.message"),
        ({"message": b"\0" * 20_000}, r"broadcast\.message: 20000 bytes"),
        ({"profile": "x"}, r"broadcast\.profile"),
        ({"name": "works"}, r"broadcast\.name"),
        ({"end_time": None}, r"broadcast\.end_time: an RSI must have an end"),
        ({"selector": node_pb2.NodeSelector()}, r"broadcast\.selector"),
    ],
)
@pytest.mark.usefixtures("rsu")
async def test_what_cannot_go_on_the_air_is_refused_and_the_field_named(
    operator: Peer, clock: Clock, fields: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=sentence):
        await publish(operator, works(clock, **fields))


@pytest.mark.usefixtures("rsu")
async def test_a_message_of_another_kind_is_refused(operator: Peer, clock: Clock) -> None:
    lights = IntersectionState(
        intersectionId=NodeReferenceID(id=9), status=0, phases=[Phase(id=1, phaseStates=[PhaseState(light=3)])]
    )
    message = encode(("spatFrame", SPAT(msgCnt=0, intersections=[lights])), Profile.P20)
    with pytest.raises(InvalidArgumentError, match=r"broadcast\.message: it is a SPAT"):
        await publish(operator, works(clock, message=message))


@pytest.mark.usefixtures("road")
async def test_another_message_of_the_same_name_takes_its_place_and_an_old_etag_does_not(
    operator: Peer, rsu_peer: Peer, clock: Clock
) -> None:
    first = await publish(operator, works(clock))
    second = encode(("mapFrame", road_map()), Profile.P20)
    assert (await publish(operator, works(clock, message=second, etag=first.etag))).revision == 2
    (target,) = await told(await session_of(rsu_peer), count=1)
    assert (target.revision, target.message) == (2, second)
    with pytest.raises(ConflictError):
        await publish(operator, works(clock, etag=first.etag))


@pytest.mark.usefixtures("road")
async def test_a_unit_that_still_sends_the_map_before_is_listed_with_its_revision(
    operator: Peer, manager: LocalManager, rsu_peer: Peer, clock: Clock
) -> None:
    first = encode(("mapFrame", road_map()), Profile.P20)
    await publish(operator, works(clock, message=first, end_time=None))
    session = await session_of(rsu_peer)
    await told(session, count=1)
    await say(session, 1, STATE.STATE_ON_AIR, 1)
    second = encode(("mapFrame", replace(road_map(), msgCnt=2)), Profile.P20)
    await publish(operator, works(clock, message=second, end_time=None))
    (target,) = await told(session, count=1)
    assert (target.revision, target.is_unheard) == (2, True)
    _, out, _ = await wayside(manager, "broadcasts", "show", "works", "--pending")
    (line,) = (line for line in out.splitlines() if line.startswith("rsu-1"))
    assert line.split()[1:5] == ["on-air,", "nothing", "since", "1"]


@pytest.mark.usefixtures("road")
async def test_the_policy_can_ask_a_second_person_for_many_units_and_never_for_withdrawing(
    operator: Peer, clock: Clock
) -> None:
    action = access_service_pb2.DANGEROUS_ACTION_FLEET_BROADCAST
    await operator.set_policy(four_eyes_actions=[action], max_unapproved_node_count=1)
    await publish(operator, works(clock))
    with pytest.raises(FailedPreconditionError, match="PublishBroadcast reaches 2 nodes"):
        await publish(operator, works(clock, selector=node_pb2.NodeSelector(kinds=[node_pb2.NODE_KIND_RSU])))
    request = broadcast_service_pb2.WithdrawBroadcastRequest(name="broadcasts/works")
    gone = (await operator.call(operator.broadcast.WithdrawBroadcast, request)).broadcast
    assert gone.state == broadcast_pb2.Broadcast.STATE_WITHDRAWN


@pytest.mark.usefixtures("road")
async def test_an_operator_of_a_tenant_cannot_reach_units_of_another(
    operator: Peer, manager: LocalManager, clock: Clock
) -> None:
    await operator.make_tenant("city")
    token = await operator.make_operator("of-the-city", role("operator", "city"))
    async with manager.stranger(token=token) as city:
        with pytest.raises(FailedPreconditionError, match=r"broadcast\.selector: no roadside unit"):
            await publish(city, works(clock))
