"""Broadcasts in the store: who is meant, told and heard, whatever moves meanwhile, on every engine there is."""

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.contract.manager_store import START, Clock, after, batch, enrolled, health, sited
from wayside.errors import ConflictError, FailedPreconditionError, NotFoundError, ResourceExhaustedError
from wayside_manager.core.access import EVERYWHERE, NOWHERE, TenantKind, TenantRecord
from wayside_manager.core.broadcasts import (
    KEPT,
    PER_NODE_MAX_COUNT,
    BroadcastFacts,
    BroadcastKind,
    BroadcastNode,
    BroadcastRecord,
    ReceiptState,
)
from wayside_manager.core.event_filter import EventFilter
from wayside_manager.core.nodes import NodeChange, NodeKind
from wayside_manager.core.reports import Report
from wayside_manager.core.selectors import NodeSelector
from wayside_manager.core.sites import GeofenceRecord, Position
from wayside_manager.ports.store import Store
from wayside_manager.services.broadcast_sweep import BroadcastSweep
from wayside_manager.store.bus import LocalBus

HERE = NodeSelector(site_ids=("here",))
AROUND_HERE = ((26.0, 119.0), (26.0, 119.2), (26.2, 119.2), (26.2, 119.0))
_SEQUENCE = itertools.count(1)


@pytest.fixture
async def road(store: Store) -> Store:
    """Two roadside units here, one elsewhere, and a vehicle that stands here."""
    await sited(store, "here", position=Position(26.1, 119.1))
    await sited(store, "there", position=Position(26.6, 119.1))
    for node_id, site_id in (("rsu-1", "here"), ("rsu-2", "here"), ("rsu-3", "there")):
        await enrolled(store, node_id)
        await store.update_node(node_id, NodeChange(site_id=site_id), now=START)
    await enrolled(store, "obu-1", kind=NodeKind.OBU)
    await store.update_node("obu-1", NodeChange(site_id="here"), now=START)
    return store


def works(broadcast_id: str = "works", **fields: object) -> BroadcastRecord:
    made = BroadcastRecord(
        broadcast_id=broadcast_id,
        tenant_id="root",
        kind=BroadcastKind.RSI,
        selector=HERE,
        message=b"\x10",
        profile="p20",
        begin_time=None,
        end_time=after(3600),
        is_drill=False,
        note="",
        author="operators/a",
        create_time=START,
        update_time=START,
    )
    return replace(made, **fields)  # type: ignore[arg-type]  # fields of the record


async def publish(store: Store, broadcast_id: str = "works", *, etag: str = "", **fields: object) -> frozenset[str]:
    _, changed = await store.publish_broadcast(works(broadcast_id, **fields), reach=EVERYWHERE, etag=etag)
    return changed.node_ids


async def told(store: Store, node_id: str, *, at_s: float = 1.0) -> list[tuple[str, int, bool]]:
    found = await store.tell_broadcasts(node_id, now=after(at_s))
    assert found is not None
    return [(each.record.broadcast_id, each.record.revision, each.is_withdrawn) for each in found]


async def say(store: Store, node_id: str, state: ReceiptState, revision: int, reason: str = "") -> None:
    facts = BroadcastFacts("works", revision, state, reason, after(2))
    report = Report(next(_SEQUENCE), after(2), 3, b"broadcast", facts)
    await store.record_reports([batch(node_id, report, spool_id=f"spool-{node_id}", at_s=2.0)])


async def receipts(store: Store, *, only_pending: bool = False) -> dict[str, BroadcastNode]:
    page = await store.list_receipts("works", reach=EVERYWHERE, only_pending=only_pending)
    return {each.node_id: each for each in page.items}


async def test_it_is_for_the_roadside_units_of_its_area_and_nobody_else(road: Store) -> None:
    assert await publish(road, selector=NodeSelector(areas=(AROUND_HERE,))) == {"rsu-1", "rsu-2"}
    assert await told(road, "rsu-1") == [("works", 1, False)]
    assert await told(road, "rsu-3") == []
    assert await road.tell_broadcasts("obu-1", now=START) is None


async def test_an_area_without_a_roadside_unit_is_refused(road: Store) -> None:
    with pytest.raises(FailedPreconditionError, match=r"broadcast\.selector"):
        await publish(road, selector=NodeSelector(node_ids=("obu-1",)))


async def test_the_same_name_again_is_the_next_revision_for_those_it_is_for_now(road: Store) -> None:
    await publish(road)
    assert await told(road, "rsu-1") == [("works", 1, False)]
    assert await publish(road, selector=NodeSelector(node_ids=("rsu-2", "rsu-3")), etag="1") == {
        "rsu-1",
        "rsu-2",
        "rsu-3",
    }
    assert await told(road, "rsu-1") == [("works", 2, True)]
    assert await told(road, "rsu-3") == [("works", 2, False)]
    with pytest.raises(ConflictError):
        await publish(road, etag="1")


async def test_units_that_have_not_answered_are_listed_with_when_they_were_heard(road: Store) -> None:
    await publish(road)
    await told(road, "rsu-1")
    await say(road, "rsu-1", ReceiptState.ON_AIR, 1)
    counts = (await road.count_receipts(["works"], reach=EVERYWHERE))["works"]
    assert (counts.node_count, counts.pending_count, counts.taken_count) == (2, 1, 1)
    pending = await receipts(road, only_pending=True)
    assert list(pending) == ["rsu-2"]
    assert pending["rsu-2"].last_seen_time is None
    await road.record_reports([batch("rsu-2", health(1), at_s=5.0)])
    assert (await receipts(road))["rsu-2"].last_seen_time == after(5)


async def test_a_unit_is_asked_once_more_for_what_is_known_of_it_no_more(road: Store) -> None:
    await publish(road)
    await told(road, "rsu-1")
    await say(road, "rsu-1", ReceiptState.ON_AIR, 1)
    (heard,) = await road.tell_broadcasts("rsu-1", now=after(3)) or ()
    (silent,) = await road.tell_broadcasts("rsu-2", now=after(3)) or ()
    assert (heard.is_unheard, silent.is_unheard) == (False, True)


async def test_a_withdrawn_one_is_taken_back_from_all_that_were_told_until_they_say_so(road: Store) -> None:
    await publish(road)
    await told(road, "rsu-1")
    await say(road, "rsu-1", ReceiptState.ON_AIR, 1)
    _, changed = await road.withdraw_broadcast("works", author="operators/b", now=after(3))
    assert changed.node_ids == {"rsu-1"}
    assert await told(road, "rsu-1") == [("works", 2, True)]
    assert list(await receipts(road, only_pending=True)) == ["rsu-1"]
    await say(road, "rsu-1", ReceiptState.WITHDRAWN, 2)
    assert await told(road, "rsu-1") == []
    assert await receipts(road, only_pending=True) == {}
    _, again = await road.withdraw_broadcast("works", author="operators/b", now=after(4))
    assert again.node_ids == frozenset()


async def test_a_unit_that_refused_is_told_of_the_withdrawal_too_for_it_has_the_message(road: Store) -> None:
    await publish(road)
    await told(road, "rsu-1")
    await say(road, "rsu-1", ReceiptState.REFUSED, 1, "64 messages are on the air")
    _, changed = await road.withdraw_broadcast("works", author="operators/b", now=after(3))
    assert changed.node_ids == {"rsu-1"}
    assert await told(road, "rsu-1") == [("works", 2, True)]


async def test_a_unit_cannot_have_answered_what_it_was_not_told(road: Store) -> None:
    await publish(road)
    await told(road, "rsu-1")
    await say(road, "rsu-1", ReceiptState.ON_AIR, 2**60)
    await publish(road)
    assert set(await receipts(road, only_pending=True)) == {"rsu-1", "rsu-2"}


async def test_a_refusal_is_an_event_once(road: Store) -> None:
    await publish(road)
    await told(road, "rsu-1")
    for _ in range(2):
        await say(road, "rsu-1", ReceiptState.REFUSED, 1, "the settings have that crossing")
    span = await road.read_events(EventFilter(kinds=("broadcast.*",)), reach=EVERYWHERE, cursor=0, limit=10)
    assert [(each.event.kind, each.event.node_id) for each in span.records] == [
        ("broadcast.published", ""),
        ("broadcast.refused", "rsu-1"),
    ]


async def test_a_unit_that_comes_gets_it_and_one_that_leaves_gives_it_back(road: Store) -> None:
    await publish(road)
    await told(road, "rsu-1")
    sweep = BroadcastSweep(road, LocalBus(), now=Clock(after(1)))
    assert await sweep.sweep() == 0
    await road.update_node("rsu-1", NodeChange(site_id="there"), now=START)
    await road.update_node("rsu-3", NodeChange(site_id="here"), now=START)
    assert await sweep.sweep() == 2
    assert await told(road, "rsu-1") == [("works", 1, True)]
    assert await told(road, "rsu-3") == [("works", 1, False)]
    await road.update_node("rsu-1", NodeChange(site_id="here"), now=START)
    await sweep.sweep()
    assert await told(road, "rsu-1") == [("works", 1, False)]


async def test_a_unit_that_left_and_came_back_without_hearing_of_it_has_said_all_it_has_to_say(road: Store) -> None:
    await publish(road)
    await told(road, "rsu-1")
    await say(road, "rsu-1", ReceiptState.ON_AIR, 1)
    sweep = BroadcastSweep(road, LocalBus(), now=Clock(after(1)))
    for site_id in ("there", "here"):
        await road.update_node("rsu-1", NodeChange(site_id=site_id), now=START)
        await sweep.sweep()
    assert await told(road, "rsu-1") == [("works", 1, False)]
    assert list(await receipts(road, only_pending=True)) == ["rsu-2"]


async def test_a_place_that_a_live_broadcast_names_is_not_deleted(road: Store) -> None:
    fence = GeofenceRecord(
        geofence_id="town",
        tenant_id="root",
        geometry='{"type":"Polygon","coordinates":[[[119,26],[119.2,26],[119.2,26.2],[119,26.2],[119,26]]]}',
        create_time=START,
        update_time=START,
    )
    await road.apply_geofence(fence, now=START)
    await publish(road, selector=NodeSelector(geofence_ids=("town",)))
    with pytest.raises(FailedPreconditionError, match="broadcasts/works"):
        await road.delete_geofence("town")
    await BroadcastSweep(road, LocalBus(), now=Clock(after(3601))).sweep()
    await road.delete_geofence("town")


async def test_a_tenant_goes_when_its_broadcasts_are_withdrawn_which_are_then_of_the_tenant_above(road: Store) -> None:
    await road.create_tenant(TenantRecord("city", TenantKind.CITY, "root", START))
    await enrolled(road, "rsu-city", tenant_id="city")
    await publish(road, tenant_id="city", selector=NodeSelector(all_nodes=True))
    await road.update_node("rsu-city", NodeChange(tenant_id="root"), now=START)
    with pytest.raises(FailedPreconditionError, match="broadcasts that are not withdrawn"):
        await road.delete_tenant("city")
    await road.withdraw_broadcast("works", author="operators/b", now=after(3))
    await road.delete_tenant("city")
    assert (await road.get_broadcast("works")).tenant_id == "root"


async def test_a_unit_out_of_service_is_waited_for_no_more(road: Store) -> None:
    await publish(road)
    await told(road, "rsu-1")
    await road.retire_node("rsu-1", now=START)
    await BroadcastSweep(road, LocalBus(), now=Clock(after(1))).sweep()
    assert list(await receipts(road)) == ["rsu-2"]


async def test_what_has_ended_is_taken_from_units_that_have_not_said_so(road: Store) -> None:
    await publish(road)
    for node_id in ("rsu-1", "rsu-2"):
        await told(road, node_id)
    await say(road, "rsu-1", ReceiptState.ENDED, 1)
    sweep = BroadcastSweep(road, LocalBus(), now=Clock(after(3601)))
    assert await sweep.sweep() == 1
    assert await told(road, "rsu-1", at_s=3602) == []
    assert await told(road, "rsu-2", at_s=3602) == [("works", 1, True)]
    assert await sweep.sweep() == 0


async def test_one_that_was_over_long_ago_is_dropped(road: Store) -> None:
    await publish(road)
    await publish(road, "crossing", kind=BroadcastKind.MAP, end_time=None)
    late = after(3600) + KEPT + timedelta(seconds=1)
    assert await BroadcastSweep(road, LocalBus(), now=Clock(late)).prune() == 1
    with pytest.raises(NotFoundError, match="broadcast works"):
        await road.get_broadcast("works")
    assert [each.broadcast_id for each in (await road.list_broadcasts(reach=EVERYWHERE, now=late)).items] == [
        "crossing"
    ]


async def test_a_unit_has_room_for_so_many(road: Store) -> None:
    for number in range(PER_NODE_MAX_COUNT):
        await publish(road, f"works-{number}")
    with pytest.raises(ResourceExhaustedError, match="rsu-1"):
        await publish(road, "one-more")
    await publish(road, "works-0")
    assert len(await told(road, "rsu-1")) == PER_NODE_MAX_COUNT


async def test_it_reaches_only_units_of_its_tenant_and_those_below_and_is_seen_there_only(road: Store) -> None:
    await road.create_tenant(TenantRecord("city", TenantKind.CITY, "root", START))
    await enrolled(road, "rsu-city", tenant_id="city")
    everybody = NodeSelector(all_nodes=True)
    assert await publish(road, tenant_id="city", selector=everybody) == {"rsu-city"}
    assert "rsu-city" in await publish(road, "all", selector=everybody)
    assert (await road.list_broadcasts(reach=NOWHERE, now=START)).items == ()
