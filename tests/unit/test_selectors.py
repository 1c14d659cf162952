"""Which nodes a selector means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside.errors import InvalidArgumentError
from wayside_manager.core.nodes import Label, NodeKind, NodeState
from wayside_manager.core.selectors import (
    CorridorSection,
    Membership,
    NodeSelector,
    Resolved,
    Selectable,
    checked_selector,
    selects,
)

G98 = Label("corridor", "g98")
LEFT = Label("side", "left")
NODE = Selectable("rsu-1", NodeKind.RSU, frozenset({G98, LEFT}))


@pytest.mark.parametrize(
    "selector",
    [
        NodeSelector(all_nodes=True),
        NodeSelector(node_ids=("rsu-9", "rsu-1")),
        NodeSelector(kinds=(NodeKind.OBU, NodeKind.RSU)),
        NodeSelector(labels=(G98, LEFT)),
        NodeSelector(node_ids=("rsu-1",), kinds=(NodeKind.RSU,), labels=(G98,)),
    ],
)
def test_a_node_that_fits_every_field_is_meant(selector: NodeSelector) -> None:
    assert selects(selector, NODE)


@pytest.mark.parametrize(
    "selector",
    [
        NodeSelector(),
        NodeSelector(node_ids=("rsu-9",)),
        NodeSelector(node_ids=("rsu-1",), kinds=(NodeKind.OBU,)),
        NodeSelector(labels=(G98, Label("side", "right"))),
    ],
)
def test_one_field_that_does_not_fit_is_enough(selector: NodeSelector) -> None:
    assert not selects(selector, NODE)


def test_a_retired_node_is_never_meant() -> None:
    assert not selects(NodeSelector(all_nodes=True), Selectable("rsu-1", NodeKind.RSU, state=NodeState.RETIRED))


@pytest.mark.parametrize("state", [NodeState.REGISTERED, NodeState.REVOKED])
def test_a_node_whose_unit_cannot_come_now_is_meant_but_not_for_a_rollout(state: NodeState) -> None:
    node = Selectable("rsu-1", NodeKind.RSU, state=state)
    assert selects(NodeSelector(all_nodes=True), node)
    assert not node.can_come
    assert NODE.can_come


@pytest.mark.parametrize("selector", [NodeSelector(), NodeSelector(all_nodes=True, kinds=(NodeKind.RSU,))])
def test_a_selector_that_says_nothing_or_too_much_is_refused(selector: NodeSelector) -> None:
    with pytest.raises(InvalidArgumentError, match="selector"):
        checked_selector(selector, field="selector")


AT_K12 = Resolved(site_ids=frozenset({"k12"}))
AT = Selectable("rsu-1", NodeKind.RSU, site_id="k12", model="WS-200", version="1.2.0")


@pytest.mark.parametrize(
    ("selector", "resolved", "is_meant"),
    [
        (NodeSelector(site_ids=("k12",)), AT_K12, True),
        (NodeSelector(sections=(CorridorSection("g98"),)), AT_K12, True),
        (NodeSelector(geofence_ids=("town",)), Resolved(), False),
        (NodeSelector(site_ids=("k12",)), Resolved(), False),  # nobody has looked up what it means
        (NodeSelector(models=("WS-200",)), Resolved(), True),
        (NodeSelector(models=("WS-100",)), Resolved(), False),
        (NodeSelector(versions=("1.1.0", "1.2.0")), Resolved(), True),
        (NodeSelector(models=("WS-200",), versions=("1.1.0",)), Resolved(), False),
        (
            NodeSelector(group_ids=("a",)),
            Resolved(groups=(Membership(frozenset({"root"}), frozenset({"rsu-1"})),)),
            True,
        ),
        (NodeSelector(group_ids=("a",)), Resolved(groups=(Membership(frozenset({"x"}), frozenset({"rsu-1"})),)), False),
    ],
)
def test_places_groups_models_and_versions_count(
    selector: NodeSelector, resolved: Resolved, is_meant: bool
) -> None:  # from the table
    assert selects(selector, AT, resolved) is is_meant


def test_a_node_without_a_site_is_at_none() -> None:
    assert not selects(NodeSelector(site_ids=("k12",)), NODE, AT_K12)


@pytest.mark.parametrize(
    "selector",
    [
        NodeSelector(areas=(((0.0, 0.0), (0.0, 1.0)),)),
        NodeSelector(areas=(((0.0, 0.0), (0.0, 1.0), (91.0, 0.0)),)),
        NodeSelector(areas=(((0.0, 0.0), (0.0, 1.0), (float("nan"), 0.0)),)),
        NodeSelector(areas=(((0.0, 0.0), (0.0, 1.0), (1.0, 0.0)),) * 101),
        NodeSelector(node_ids=("rsu-1",) * 10_001),
        NodeSelector(sections=(CorridorSection("g98", float("nan"), None),)),
        NodeSelector(all_nodes=True, site_ids=("k12",)),
    ],
)
def test_what_is_out_of_bounds_is_refused(selector: NodeSelector) -> None:
    with pytest.raises(InvalidArgumentError, match="selector"):
        checked_selector(selector, field="selector")


words = st.sampled_from(["a", "b", "c"])
some = st.lists(words, max_size=2, unique=True).map(tuple)
selectors = st.builds(
    NodeSelector,
    node_ids=some,
    kinds=st.lists(st.sampled_from(NodeKind), max_size=2, unique=True).map(tuple),
    site_ids=some,
    models=some,
    versions=some,
)
nodes = st.builds(Selectable, node_id=words, kind=st.sampled_from(NodeKind), site_id=words, model=words, version=words)


@given(selector=selectors, node=nodes)
def test_every_field_that_names_something_must_name_the_node(selector: NodeSelector, node: Selectable) -> None:
    fields = (
        (selector.node_ids, node.node_id),
        (selector.kinds, node.kind),
        (selector.site_ids, node.site_id),
        (selector.models, node.model),
        (selector.versions, node.version),
    )
    expected = any(named for named, _ in fields) and all(value in named for named, value in fields if named)
    assert selects(selector, node, Resolved(site_ids=frozenset(selector.site_ids))) is expected
