"""Nodes, filters and pages, on every engine there is."""

import pytest

from tests.contract.manager_store import START, after, batch, enrolled, health, sited
from wayside.errors import (
    ConflictError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
)
from wayside_manager.core.access import EVERYWHERE
from wayside_manager.core.nodes import Label, NodeChange, NodeKind, NodeState
from wayside_manager.core.presence import Presence, presence
from wayside_manager.core.selectors import NodeFilter, NodeSelector
from wayside_manager.ports.store import Store


async def test_a_stale_etag_changes_nothing(store: Store) -> None:
    node = await enrolled(store, "rsu-1")
    await sited(store, "g98-k12", "other")
    await store.update_node("rsu-1", NodeChange(site_id="g98-k12"), now=START, etag=node.etag)
    with pytest.raises(ConflictError):
        await store.update_node("rsu-1", NodeChange(site_id="other"), now=START, etag=node.etag)
    assert (await store.get_node("rsu-1")).site_id == "g98-k12"


async def test_an_update_leaves_what_it_does_not_name(store: Store) -> None:
    await enrolled(store, "rsu-1", labels={"corridor": "g98"})
    await store.update_node("rsu-1", NodeChange(display_name="Gantry 12"), now=after(5))
    node = await store.get_node("rsu-1")
    assert (node.display_name, node.labels) == ("Gantry 12", (Label("corridor", "g98"),))
    assert node.update_time == after(5)


async def test_retiring_twice_is_the_same_as_once(store: Store) -> None:
    await enrolled(store, "rsu-1")
    first = await store.retire_node("rsu-1", now=START)
    assert await store.retire_node("rsu-1", now=after(9)) == first
    with pytest.raises(FailedPreconditionError):
        await store.update_node("rsu-1", NodeChange(site_id="x"), now=START)


async def test_what_is_not_there_is_not_found(store: Store) -> None:
    with pytest.raises(NotFoundError, match="node rsu-9"):
        await store.get_node("rsu-9")
    with pytest.raises(NotFoundError):
        await store.retire_node("rsu-9", now=START)
    with pytest.raises(NotFoundError):
        await store.get_desired("rsu-9")


async def test_pages_hold_every_node_once_in_order(store: Store) -> None:
    for index in (3, 1, 5, 2, 4):
        await enrolled(store, f"rsu-{index}")
    seen, token_text = [], ""
    while True:
        found = await store.list_nodes(NodeFilter(), reach=EVERYWHERE, now=START, page_size=2, page_token=token_text)
        seen += [node.node_id for node in found.items]
        token_text = found.next_page_token
        if not token_text:
            break
    assert seen == ["rsu-1", "rsu-2", "rsu-3", "rsu-4", "rsu-5"]


async def test_a_page_token_of_another_filter_is_refused(store: Store) -> None:
    for index in range(3):
        await enrolled(store, f"rsu-{index}")
    found = await store.list_nodes(NodeFilter(), reach=EVERYWHERE, now=START, page_size=1)
    for node_filter, token_text in ((NodeFilter(site_id="x"), found.next_page_token), (NodeFilter(), "bogus")):
        with pytest.raises(InvalidArgumentError, match="page_token"):
            await store.list_nodes(node_filter, reach=EVERYWHERE, now=START, page_token=token_text)


async def test_a_filter_needs_every_label_and_one_of_the_kinds(store: Store) -> None:
    await enrolled(store, "rsu-1", labels={"corridor": "g98", "side": "left"})
    await enrolled(store, "rsu-2", labels={"corridor": "g98"})
    await enrolled(store, "obu-1", kind=NodeKind.OBU, labels={"corridor": "g98", "side": "left"})
    wanted = NodeFilter(kinds=(NodeKind.RSU,), labels=(Label("corridor", "g98"), Label("side", "left")))
    assert [node.node_id for node in (await store.list_nodes(wanted, reach=EVERYWHERE, now=START)).items] == ["rsu-1"]


async def test_retired_nodes_show_only_when_asked_for(store: Store) -> None:
    await enrolled(store, "rsu-1")
    await store.retire_node("rsu-1", now=START)
    assert not (await store.list_nodes(NodeFilter(), reach=EVERYWHERE, now=START)).items
    assert (
        len((await store.list_nodes(NodeFilter(states=(NodeState.RETIRED,)), reach=EVERYWHERE, now=START)).items) == 1
    )


async def test_the_presence_filter_agrees_with_the_rule(store: Store) -> None:
    periods = {"a": 1.0, "b": 1.3, "c": 30.0, "d": 3600.0}
    for node_id, period_s in periods.items():
        await enrolled(store, node_id)
        await store.record_reports([batch(node_id, health(1, period_s=period_s))])
    await enrolled(store, "never")
    for age_s in (0.0, 2.25, 2.26, 2.625, 2.63, 38.5, 38.6, 60.0, 60.1, 4501.0, 4501.1, 7200.0, 7201.0):
        for wanted in Presence:
            found = await store.list_nodes(NodeFilter(presences=(wanted,)), reach=EVERYWHERE, now=after(age_s))
            ruled = {n for n, p in periods.items() if presence(after(age_s), START, report_period_s=p) is wanted}
            ruled |= {"never"} if wanted is Presence.NEVER_SEEN else set()
            assert {node.node_id for node in found.items} == ruled, (age_s, wanted)


async def test_selecting_names_nodes_in_service_only(store: Store) -> None:
    for node_id in ("rsu-1", "rsu-2", "rsu-3"):
        await enrolled(store, node_id)
    await store.retire_node("rsu-2", now=START)
    named = NodeSelector(node_ids=("rsu-3", "rsu-2", "rsu-9"))
    assert await store.select_nodes(NodeSelector(all_nodes=True), reach=EVERYWHERE, tenant_id="root") == (
        "rsu-1",
        "rsu-3",
    )
    assert await store.select_nodes(named, reach=EVERYWHERE, tenant_id="root") == ("rsu-3",)
