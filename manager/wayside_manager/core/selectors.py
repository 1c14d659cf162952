"""Which nodes something is for, and which nodes a list shows.

Fields are ANDed, the entries of one field ORed; all labels must be there. A layer is for every selected node that is
not retired: one that is registered or revoked finds its configuration waiting. A rollout is for those that can come
only: another would hold it up, and every later one with it. Usage: `selects(selector, node)`.
"""

from dataclasses import dataclass

from wayside.errors import InvalidArgumentError
from wayside_manager.core.access import ROOT_TENANT, Place
from wayside_manager.core.nodes import Label, NodeKind, NodeRecord, NodeState
from wayside_manager.core.presence import Presence


@dataclass(frozen=True, slots=True)
class CorridorSection:
    """A corridor, or the part of it between two stakes; both ends belong to it."""

    corridor_id: str
    begin_stake_m: float | None = None
    end_stake_m: float | None = None


@dataclass(frozen=True, slots=True)
class NodeSelector:
    """Who gets a layer or a release; see `wayside.v1.NodeSelector`."""

    all_nodes: bool = False
    node_ids: tuple[str, ...] = ()
    kinds: tuple[NodeKind, ...] = ()
    labels: tuple[Label, ...] = ()
    site_ids: tuple[str, ...] = ()
    sections: tuple[CorridorSection, ...] = ()
    group_ids: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    geofence_ids: tuple[str, ...] = ()
    areas: tuple[tuple[tuple[float, float], ...], ...] = ()
    """Polygons: their corners as latitude and longitude [degree]."""


@dataclass(frozen=True, slots=True)
class NodeFilter:
    """Which nodes to list; see `wayside.v1.NodeFilter`. Empty: every node that is not retired."""

    kinds: tuple[NodeKind, ...] = ()
    presences: tuple[Presence, ...] = ()
    labels: tuple[Label, ...] = ()
    site: str = ""
    states: tuple[NodeState, ...] = ()


@dataclass(frozen=True, slots=True)
class Selectable:
    """What of a node a selector looks at."""

    node_id: str
    kind: NodeKind
    labels: frozenset[Label] = frozenset()
    state: NodeState = NodeState.ENROLLED
    tenant_id: str = ROOT_TENANT
    site_id: str = ""
    model: str = ""
    version: str = ""
    """Of the agent that runs, as the node reports it."""

    @property
    def can_come(self) -> bool:
        """Whether a unit may open a session as this node, and so run a release."""
        return self.state is NodeState.ENROLLED


def checked_selector(selector: NodeSelector, *, field: str) -> NodeSelector:
    """The selector itself.

    Raises: InvalidArgumentError: it names nothing, or `all_nodes` and something else.
    """
    names_some = bool(selector.node_ids or selector.kinds or selector.labels)
    if selector.all_nodes and names_some:
        raise InvalidArgumentError(
            f"{field}: all_nodes excludes every other field; leave it out or the others", reason="SELECTOR_INVALID"
        )
    if not selector.all_nodes and not names_some:
        raise InvalidArgumentError(
            f"{field}: names no nodes; set all_nodes, nodes, kinds or labels", reason="SELECTOR_INVALID"
        )
    return selector


def selects(selector: NodeSelector, node: Selectable) -> bool:
    """Whether a node is meant. A retired node never is."""
    if node.state is NodeState.RETIRED:
        return False
    if selector.all_nodes:
        return True
    named = bool(selector.node_ids or selector.kinds or selector.labels)
    return (
        named
        and (not selector.node_ids or node.node_id in selector.node_ids)
        and (not selector.kinds or node.kind in selector.kinds)
        and node.labels.issuperset(selector.labels)
    )


def place_of(node: NodeRecord) -> Place:
    """Where a node is, for those who may only see some places."""
    return Place(node.tenant_id, node.site, frozenset(node.labels))


def passes(node_filter: NodeFilter, node: NodeRecord, node_presence: Presence) -> bool:
    """Whether a list with this filter shows a node."""
    return (
        (node.state in node_filter.states if node_filter.states else node.state is not NodeState.RETIRED)
        and (not node_filter.kinds or node.kind in node_filter.kinds)
        and (not node_filter.presences or node_presence in node_filter.presences)
        and (not node_filter.site or node.site == node_filter.site)
        and set(node.labels).issuperset(node_filter.labels)
    )
