"""Configuration layers and what they do to nodes, on every engine there is."""

import hashlib

import pytest

from tests.contract.manager_store import START, batch, enrolled, health, layer
from wayside.errors import ConflictError, InvalidArgumentError, NotFoundError
from wayside.v1 import node_pb2
from wayside_manager.core.access import EVERYWHERE
from wayside_manager.core.nodes import Label, NodeChange, NodeKind, reconciling
from wayside_manager.core.selectors import NodeSelector
from wayside_manager.ports.store import Store

OBUS = NodeSelector(kinds=(NodeKind.OBU,))


async def config_of(store: Store, node_id: str) -> node_pb2.NodeConfig:
    record = await store.get_node_config(node_id)
    assert record.sha256 == hashlib.sha256(record.content).hexdigest()
    return node_pb2.NodeConfig.FromString(record.content)


async def test_a_layer_reaches_the_nodes_it_selects(store: Store) -> None:
    await enrolled(store, "rsu-1")
    await enrolled(store, "obu-1", kind=NodeKind.OBU)
    applied = await store.apply_layer(layer("fast", {"report_period": "5s"}, selector=OBUS), now=START)
    assert applied.changed_node_ids == ("obu-1",)
    assert (await config_of(store, "obu-1")).report_period.seconds == 5
    assert (await store.get_node_config("rsu-1")).revision == 0
    desired = await store.get_desired("obu-1")
    assert (desired.revision, desired.config_revision) == (1, 1)


async def test_the_same_layer_again_changes_no_node(store: Store) -> None:
    await enrolled(store, "rsu-1")
    first = await store.apply_layer(layer("base", {"report_period": "5s"}), now=START)
    again = await store.apply_layer(layer("base", {"report_period": "5s"}, priority=7), now=START)
    assert again.changed_node_ids == ()
    assert again.layer.etag != first.layer.etag
    assert (await store.get_desired("rsu-1")).revision == 1


async def test_a_higher_layer_wins_and_its_end_brings_the_lower_back(store: Store) -> None:
    await enrolled(store, "rsu-1")
    low = layer("low", {"report_period": "5s", "telemetry": {"broker_host": "broker.example"}}, priority=1)
    await store.apply_layer(low, now=START)
    await store.apply_layer(layer("high", {"report_period": "9s"}, priority=2), now=START)
    config = await config_of(store, "rsu-1")
    assert (config.report_period.seconds, config.telemetry.broker_host) == (9, "broker.example")
    assert await store.delete_layer("high", now=START) == ("rsu-1",)
    assert (await config_of(store, "rsu-1")).report_period.seconds == 5
    assert (await store.get_desired("rsu-1")).config_revision == 3


async def test_without_its_last_layer_a_node_returns_to_its_defaults(store: Store) -> None:
    await enrolled(store, "rsu-1")
    await store.apply_layer(layer("only", {"report_period": "5s"}), now=START)
    await store.delete_layer("only", now=START)
    record = await store.get_node_config("rsu-1")
    assert (record.revision, record.content) == (2, b"")


async def test_older_revisions_can_still_be_fetched(store: Store) -> None:
    await enrolled(store, "rsu-1")
    await store.apply_layer(layer("base", {"report_period": "5s"}), now=START)
    await store.apply_layer(layer("base", {"report_period": "6s"}), now=START)
    old = await store.get_node_config("rsu-1", revision=1)
    assert node_pb2.NodeConfig.FromString(old.content).report_period.seconds == 5
    with pytest.raises(NotFoundError):
        await store.get_node_config("rsu-1", revision=3)


async def test_a_new_node_has_its_configuration_at_once(store: Store) -> None:
    await store.apply_layer(layer("base", {"report_period": "5s"}), now=START)
    node = await enrolled(store, "rsu-1")
    assert node.desired.config_revision == 1
    assert reconciling(node)
    await store.record_reports([batch("rsu-1", health(1, revision=1))])
    assert not reconciling(await store.get_node("rsu-1"))


async def test_new_labels_choose_other_layers(store: Store) -> None:
    await enrolled(store, "rsu-1")
    mine = NodeSelector(labels=(Label("corridor", "g98"),))
    await store.apply_layer(layer("g98", {"report_period": "5s"}, selector=mine), now=START)
    assert (await store.get_desired("rsu-1")).config_revision == 0
    node = await store.update_node("rsu-1", NodeChange(labels=(Label("corridor", "g98"),)), now=START)
    assert node.desired.config_revision == 1


async def test_a_retired_node_gets_nothing_more(store: Store) -> None:
    await enrolled(store, "rsu-1")
    await store.retire_node("rsu-1", now=START)
    applied = await store.apply_layer(layer("base", {"report_period": "5s"}), now=START)
    assert applied.changed_node_ids == ()


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"report_period": "0.5s"}, r"config\.report_period: 0\.5 s is outside 1 s to 3600 s"),
        ({"telemetry": {"broker_port": 70000}}, r"config\.telemetry\.broker_port: 70000 is outside 1 to 65535"),
    ],
)
async def test_a_layer_out_of_bounds_leaves_everything_as_it_was(
    store: Store, config: dict[str, object], said: str
) -> None:
    await enrolled(store, "rsu-1")
    with pytest.raises(InvalidArgumentError, match=said):
        await store.apply_layer(layer("base", config), now=START)
    with pytest.raises(NotFoundError):
        await store.get_layer("base")
    assert (await store.get_desired("rsu-1")).revision == 0


async def test_a_selector_that_names_nothing_is_refused(store: Store) -> None:
    with pytest.raises(InvalidArgumentError, match="selector"):
        await store.apply_layer(layer("base", {}, selector=NodeSelector()), now=START)


async def test_a_stale_etag_guards_a_layer(store: Store) -> None:
    applied = await store.apply_layer(layer("base", {}), now=START)
    await store.apply_layer(layer("base", {"report_period": "5s"}), now=START, etag=applied.layer.etag)
    with pytest.raises(ConflictError):
        await store.apply_layer(layer("base", {}), now=START, etag=applied.layer.etag)
    with pytest.raises(ConflictError):
        await store.delete_layer("base", now=START, etag=applied.layer.etag)
    assert (await store.get_layer("base")).config == {"report_period": "5s"}


async def test_layers_are_listed_in_the_order_they_merge(store: Store) -> None:
    for layer_id, priority in (("b", 10), ("a", 10), ("z", 2)):
        await store.apply_layer(layer(layer_id, {}, priority=priority), now=START)
    first = await store.list_layers(reach=EVERYWHERE, page_size=2)
    second = await store.list_layers(reach=EVERYWHERE, page_size=2, page_token=first.next_page_token)
    assert [record.layer_id for record in (*first.items, *second.items)] == ["z", "a", "b"]
