"""Events over the wire: behind a cursor, as they fall, over a restart of the manager, to whom they concern."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from tests.contract.manager_store import opened
from tests.link.manager_api.conftest import SETTINGS
from tests.link.manager_api.peer import Clock, LocalManager, Peer, role
from tests.unit.event_makers import NOON, new_event
from wayside.errors import InvalidArgumentError, NotFoundError, OutOfRangeError, UnavailableError
from wayside.v1 import alarm_pb2, event_pb2, fleet_service_pb2, node_pb2
from wayside_manager.app import running
from wayside_manager.cli.initialise import initialise
from wayside_manager.settings import DataFolder

ENROLLED, REVOKED = "node.enrolled", "node.revoked"


async def listed(peer: Peer, **fields: Any) -> fleet_service_pb2.ListEventsResponse:  # noqa: ANN401  # of a message
    return await peer.call(peer.fleet.ListEvents, fleet_service_pb2.ListEventsRequest(**fields))


def watched(peer: Peer, cursor: int, **fields: Any) -> AsyncGenerator[fleet_service_pb2.WatchEventsResponse, None]:  # noqa: ANN401  # of a filter
    wanted = event_pb2.EventFilter(**fields)
    return peer.stream(peer.fleet.WatchEvents, fleet_service_pb2.WatchEventsRequest(cursor=cursor, filter=wanted))


async def revoke(peer: Peer, node_id: str) -> None:
    await peer.call(peer.fleet.RevokeNode, fleet_service_pb2.RevokeNodeRequest(name=f"nodes/{node_id}"))


def kinds(answer: fleet_service_pb2.ListEventsResponse) -> list[str]:
    return [event.kind for event in answer.events]


async def test_events_are_listed_in_either_direction_and_page_by_page(manager: LocalManager, operator: Peer) -> None:
    for node_id in ("rsu-1", "rsu-2", "rsu-3"):
        await manager.enroll(node_id)
    whole = await listed(operator)
    assert [event.node for event in whole.events] == ["nodes/rsu-1", "nodes/rsu-2", "nodes/rsu-3"]
    assert [event.cursor for event in whole.events] == [1, 2, 3]
    assert whole.next_cursor == 0
    assert (whole.events[0].kind, whole.events[0].tenant) == (ENROLLED, "tenants/root")
    assert whole.events[0].severity == alarm_pb2.SEVERITY_INFO
    assert whole.events[0].details["how"] == "new"
    first = await listed(operator, page_size=2)
    rest = await listed(operator, page_size=2, cursor=first.next_cursor)
    assert [event.cursor for event in (*first.events, *rest.events)] == [1, 2, 3]
    newest = await listed(operator, page_size=2, newest_first=True)
    older = await listed(operator, page_size=2, newest_first=True, cursor=newest.next_cursor)
    assert [event.cursor for event in (*newest.events, *older.events)] == [3, 2, 1]
    assert older.next_cursor == 0


async def test_events_are_filtered(manager: LocalManager, operator: Peer) -> None:
    for node_id in ("rsu-1", "rsu-2"):
        await manager.enroll(node_id)
    await revoke(operator, "rsu-1")
    wanted = event_pb2.EventFilter(kinds=["node.*"], min_severity=alarm_pb2.SEVERITY_WARNING)
    assert kinds(await listed(operator, filter=wanted)) == [REVOKED]
    of_two = event_pb2.EventFilter(selector=node_pb2.NodeSelector(nodes=["nodes/rsu-2"]))
    assert kinds(await listed(operator, filter=of_two)) == [ENROLLED]
    assert kinds(await listed(operator, filter=event_pb2.EventFilter(kinds=["alarm.*"]))) == []


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        pytest.param({"cursor": -1}, "cursor", id="cursor"),
        pytest.param({"page_size": -1}, "page_size", id="page size"),
        pytest.param({"filter": {"kinds": ["alarm"]}}, "filter.kinds", id="kind"),
        pytest.param({"filter": {"min_severity": 9}}, "filter.min_severity", id="severity"),
        pytest.param({"filter": {"selector": {}}}, "filter.selector", id="selector"),
    ],
)
async def test_what_cannot_be_asked_is_refused_by_name(operator: Peer, fields: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidArgumentError, match=named):
        await listed(operator, **fields)


async def test_a_cursor_of_another_manager_is_refused(operator: Peer) -> None:
    with pytest.raises(OutOfRangeError, match="ahead of the newest event"):
        await listed(operator, cursor=7)
    with pytest.raises(OutOfRangeError, match="ahead of the newest event"):
        await anext(watched(operator, 7))
    with pytest.raises(InvalidArgumentError, match="cursor"):
        await anext(watched(operator, -2))


async def test_a_watch_begins_at_the_oldest_and_goes_on_with_what_falls(manager: LocalManager, operator: Peer) -> None:
    await manager.enroll("rsu-1")
    async with aclosing(watched(operator, 0)) as answers:
        assert (await anext(answers)).event.kind == ENROLLED
        await revoke(operator, "rsu-1")
        answer = await anext(answers)
        assert (answer.event.kind, answer.cursor, answer.event.cursor) == (REVOKED, 2, 2)


async def test_a_watch_from_now_says_where_it_begins(manager: LocalManager, operator: Peer) -> None:
    await manager.enroll("rsu-1")
    async with aclosing(watched(operator, -1)) as answers:
        first = await anext(answers)
        assert (first.HasField("event"), first.cursor) == (False, 1)
        await revoke(operator, "rsu-1")
        assert (await anext(answers)).event.kind == REVOKED


async def test_who_filters_much_is_told_how_far_it_has_come(manager: LocalManager, operator: Peer) -> None:
    async with aclosing(watched(operator, 0, kinds=[REVOKED])) as answers:
        await manager.enroll("rsu-1")
        answer = await anext(answers)
        assert (answer.HasField("event"), answer.cursor) == (False, 1)
        await revoke(operator, "rsu-1")
        answer = await anext(answers)
        assert (answer.event.kind, answer.cursor) == (REVOKED, 2)


async def test_events_that_another_manager_writes_are_seen_though_nobody_wakes(
    manager: LocalManager, operator: Peer
) -> None:
    async with aclosing(watched(operator, 0)) as answers, opened(manager.folder.database_url) as other:
        await other.add_events([new_event(message="from elsewhere")], now=NOON)
        assert (await anext(answers)).event.message == "from elsewhere"


async def test_a_watch_goes_on_without_a_gap_over_a_restart_of_the_manager(tmp_path: Path) -> None:
    folder, clock = DataFolder(tmp_path / "manager"), Clock()
    await initialise(folder, SETTINGS)
    seen: list[int] = []
    # of each life one event is left for the next: it falls when nobody watches
    for node_ids, count in ((("rsu-1", "rsu-2"), 1), (("rsu-3",), 1), (("rsu-4", "rsu-5"), 3)):
        async with running(folder, SETTINGS, now=clock) as endpoints:
            manager = LocalManager(folder, endpoints, clock)
            for node_id in node_ids:
                await manager.enroll(node_id)
            async with manager.operator() as operator:
                answers = _first(watched(operator, seen[-1] if seen else 0), count)
                seen += [answer.cursor async for answer in answers]
    assert seen == [1, 2, 3, 4, 5]


async def test_a_manager_that_stops_ends_a_watch_with_unavailable(tmp_path: Path) -> None:
    folder, clock = DataFolder(tmp_path / "manager"), Clock()
    await initialise(folder, SETTINGS)
    async with running(folder, SETTINGS, now=clock) as endpoints:
        manager = LocalManager(folder, endpoints, clock)
        peer = manager.operator()
        operator = await peer.__aenter__()
        answers = watched(operator, -1)
        await anext(answers)
    with pytest.raises(UnavailableError, match="stopping"):
        await anext(answers)
    await peer.__aexit__(None, None, None)


async def test_events_are_for_whom_they_concern(manager: LocalManager, operator: Peer) -> None:
    for tenant_id in ("haikou", "sanya"):
        await operator.make_tenant(tenant_id)
        await operator.make_site(f"k-{tenant_id}", tenant=f"tenants/{tenant_id}")
        token = await operator.enrollment_token(node=f"nodes/rsu-{tenant_id}", tenant=f"tenants/{tenant_id}")
        await manager.enroll(f"rsu-{tenant_id}", token=token)
        node = node_pb2.Node(name=f"nodes/rsu-{tenant_id}", site=f"sites/k-{tenant_id}")
        request = fleet_service_pb2.UpdateNodeRequest(node=node, update_mask=FieldMask(paths=["site"]))
        await operator.call(operator.fleet.UpdateNode, request)
        await revoke(operator, f"rsu-{tenant_id}")
    whole = await operator.make_operator("ann", role("viewer", "haikou"))
    at_site = await operator.make_operator("bob", role("viewer", "haikou", sites=("k-haikou",)))
    async with manager.stranger(token=whole) as ann, manager.stranger(token=at_site) as bob:
        assert [event.node for event in (await listed(ann)).events] == ["nodes/rsu-haikou"] * 2
        # it stood nowhere when it enrolled
        assert kinds(await listed(bob)) == [REVOKED]
        answers = [answer async for answer in _first(watched(ann, 0), 3)]
        assert [answer.event.kind for answer in answers] == [ENROLLED, REVOKED, ""]
        assert answers[-1].cursor == 4  # of what is not hers she learns that there is something, no more
        hidden = event_pb2.EventFilter(selector=node_pb2.NodeSelector(sites=["sites/k-sanya"]))
        with pytest.raises(NotFoundError, match="site k-sanya does not exist"):
            await listed(ann, filter=hidden)


async def _first(
    answers: AsyncGenerator[fleet_service_pb2.WatchEventsResponse, None], count: int
) -> AsyncGenerator[fleet_service_pb2.WatchEventsResponse, None]:
    async with aclosing(answers):
        for _ in range(count):
            yield await anext(answers)
