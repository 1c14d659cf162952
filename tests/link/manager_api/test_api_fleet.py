"""FleetService and ConfigService over real TLS."""

from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask

from tests.link.manager_api.peer import LocalManager, Peer, Session, layer
from wayside.errors import ConflictError, FailedPreconditionError, InvalidArgumentError, NotFoundError
from wayside.v1 import config_service_pb2, fleet_service_pb2, node_pb2


async def update(peer: Peer, node: node_pb2.Node, *paths: str) -> node_pb2.Node:
    request = fleet_service_pb2.UpdateNodeRequest(node=node, update_mask=FieldMask(paths=paths))
    return (await peer.call(peer.fleet.UpdateNode, request)).node


async def list_nodes(peer: Peer, **fields: Any) -> fleet_service_pb2.ListNodesResponse:  # noqa: ANN401  # fields of a message
    return await peer.call(peer.fleet.ListNodes, fleet_service_pb2.ListNodesRequest(**fields))


async def retire(peer: Peer, etag: str = "") -> node_pb2.Node:
    request = fleet_service_pb2.RetireNodeRequest(name="nodes/rsu-1", etag=etag)
    return (await peer.call(peer.fleet.RetireNode, request)).node


async def test_an_unknown_node_is_not_found_and_a_malformed_name_refused(operator: Peer) -> None:
    with pytest.raises(NotFoundError):
        await operator.get_node("ghost")
    with pytest.raises(InvalidArgumentError):
        await operator.get_node("No Name")


@pytest.mark.usefixtures("rsu")
async def test_an_update_changes_what_the_mask_names(operator: Peer) -> None:
    node = node_pb2.Node(
        name="nodes/rsu-1",
        display_name="North gantry",
        site="sites/k12",
        labels=[node_pb2.Label(key="road", value="G98")],
    )
    await operator.make_site("k12")
    changed = await update(operator, node, "site", "labels")
    assert (changed.site, changed.display_name, changed.labels[0].value) == ("sites/k12", "", "G98")


@pytest.mark.parametrize("paths", [(), ("esn",), ("site", "state")])
@pytest.mark.usefixtures("rsu")
async def test_an_update_of_other_fields_is_refused(operator: Peer, paths: tuple[str, ...]) -> None:
    with pytest.raises(InvalidArgumentError):
        await update(operator, node_pb2.Node(name="nodes/rsu-1"), *paths)


@pytest.mark.parametrize(
    "labels",
    [[("Road", "x")], [("", "x")], [("a", "x" * 64)], [("a", "1"), ("a", "2")], [(f"k{n}", "") for n in range(65)]],
    ids=["upper case", "empty", "long value", "twice", "too many"],
)
@pytest.mark.usefixtures("rsu")
async def test_malformed_labels_are_refused(operator: Peer, labels: list[tuple[str, str]]) -> None:
    node = node_pb2.Node(name="nodes/rsu-1", labels=[node_pb2.Label(key=key, value=value) for key, value in labels])
    with pytest.raises(InvalidArgumentError):
        await update(operator, node, "labels")


@pytest.mark.usefixtures("rsu")
async def test_a_wrong_etag_is_a_conflict(operator: Peer) -> None:
    with pytest.raises(ConflictError):
        await update(operator, node_pb2.Node(name="nodes/rsu-1", etag="stale", site="sites/x"), "site")
    with pytest.raises(ConflictError):
        await retire(operator, etag="stale")
    present = (await operator.get_node("rsu-1")).etag
    renamed = node_pb2.Node(name="nodes/rsu-1", etag=present, display_name="x")
    assert (await update(operator, renamed, "display_name")).etag != present


@pytest.mark.usefixtures("rsu")
async def test_a_retired_node_takes_no_update_and_leaves_the_list(operator: Peer) -> None:
    assert (await retire(operator)).state == node_pb2.Node.STATE_RETIRED
    await retire(operator)
    with pytest.raises(FailedPreconditionError):
        await update(operator, node_pb2.Node(name="nodes/rsu-1", site="sites/x"), "site")
    assert list((await list_nodes(operator)).nodes) == []
    retired = fleet_service_pb2.NodeFilter(states=[node_pb2.Node.STATE_RETIRED])
    assert len((await list_nodes(operator, filter=retired)).nodes) == 1


async def test_pages_follow_each_other(manager: LocalManager, operator: Peer) -> None:
    token = await operator.enrollment_token(max_use_count=5)
    for number in range(5):
        await manager.enroll(f"rsu-{number}", token=token)

    names, page_token = [], ""
    while True:
        page = await list_nodes(operator, page_size=2, page_token=page_token)
        names += [node.name for node in page.nodes]
        assert len(page.nodes) <= 2
        page_token = page.next_page_token
        if not page_token:
            break

    assert names == [f"nodes/rsu-{number}" for number in range(5)]


async def test_a_page_token_is_good_for_its_own_filter_only(manager: LocalManager, operator: Peer) -> None:
    token = await operator.enrollment_token(max_use_count=2)
    for number in range(2):
        await manager.enroll(f"rsu-{number}", token=token)
    page_token = (await list_nodes(operator, page_size=1)).next_page_token
    other = fleet_service_pb2.NodeFilter(site="sites/x")
    for fields in ({"page_size": -1}, {"page_token": "x"}, {"page_token": page_token, "filter": other}):
        with pytest.raises(InvalidArgumentError):
            await list_nodes(operator, **fields)


async def test_a_filter_with_an_unknown_value_is_refused(operator: Peer) -> None:
    with pytest.raises(InvalidArgumentError):
        await list_nodes(operator, filter=fleet_service_pb2.NodeFilter(kinds=[node_pb2.NodeKind.ValueType(99)]))


async def test_a_watcher_sees_nodes_now_and_when_they_change(
    manager: LocalManager, operator: Peer, rsu_peer: Peer
) -> None:
    obus = fleet_service_pb2.NodeFilter(kinds=[node_pb2.NODE_KIND_OBU])
    watch = operator.stream(operator.fleet.WatchNodes, fleet_service_pb2.WatchNodesRequest())
    obu_watch = operator.stream(operator.fleet.WatchNodes, fleet_service_pb2.WatchNodesRequest(filter=obus))
    first = (await anext(watch)).node
    session = await Session(rsu_peer).opened()
    await session.report(1)
    second = (await anext(watch)).node
    while not second.HasField("last_report_time"):
        second = (await anext(watch)).node
    await manager.enroll("obu-1", kind="OBU")
    obu = (await anext(obu_watch)).node

    assert (first.name, first.presence) == ("nodes/rsu-1", node_pb2.PRESENCE_NEVER_SEEN)
    assert (second.name, second.presence) == ("nodes/rsu-1", node_pb2.PRESENCE_ONLINE)
    assert obu.name == "nodes/obu-1"
    await watch.aclose()
    await obu_watch.aclose()


@pytest.mark.parametrize(
    "fields",
    [
        {"ttl": Duration(seconds=0)},
        {"ttl": Duration(seconds=31 * 86_400)},
        {"max_use_count": -1},
        {"max_use_count": 10_001},
        {"node": "rsu-1"},
        {"kind": 7},
    ],
)
async def test_a_token_out_of_bounds_is_refused(operator: Peer, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError):
        await operator.enrollment_token(**fields)


@pytest.mark.usefixtures("rsu")
async def test_layers_make_the_configuration_of_a_node(operator: Peer) -> None:
    first = await operator.apply(layer("base", period_s=5))
    await operator.apply(layer("special", period_s=9, priority=20))
    request = config_service_pb2.GetNodeConfigRequest(node="nodes/rsu-1")
    merged = await operator.call(operator.config.GetNodeConfig, request)
    listed = await operator.call(operator.config.ListConfigLayers, config_service_pb2.ListConfigLayersRequest())

    assert list(first.changed_nodes) == ["nodes/rsu-1"]
    assert (merged.revision, merged.config["report_period_s"]) == (2, 9)
    assert [one.name for one in listed.config_layers] == ["configLayers/base", "configLayers/special"]

    delete = config_service_pb2.DeleteConfigLayerRequest(name="configLayers/special")
    await operator.call(operator.config.DeleteConfigLayer, delete)
    back = await operator.call(operator.config.GetNodeConfig, request)
    assert (back.revision, back.config["report_period_s"]) == (3, 5)
    with pytest.raises(NotFoundError):
        await operator.call(operator.config.DeleteConfigLayer, delete)


async def test_a_malformed_layer_is_refused(operator: Peer) -> None:
    nobody = config_service_pb2.ConfigLayer(name="configLayers/x")
    for wrong in (nobody, layer(period_s=0), layer(period_s=7200), layer(priority=1001), layer("Not A Label")):
        with pytest.raises(InvalidArgumentError):
            await operator.apply(wrong)


async def test_a_layer_with_a_stale_etag_is_a_conflict(operator: Peer) -> None:
    present = (await operator.apply(layer())).config_layer
    await operator.apply(layer(period_s=6))
    stale = layer(period_s=8)
    stale.etag = present.etag
    with pytest.raises(ConflictError):
        await operator.apply(stale)
