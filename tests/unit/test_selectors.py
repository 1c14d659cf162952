"""Which nodes a selector means."""

import pytest

from wayside.errors import InvalidArgumentError
from wayside_manager.core.nodes import Label, NodeKind, NodeState
from wayside_manager.core.selectors import NodeSelector, Selectable, checked_selector, selects

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
