"""Which nodes something is for, and which nodes a list shows.

Fields are ANDed, the entries of one field ORed; all labels must be there. A layer is for every selected node that is
not retired: one that is registered or revoked finds its configuration waiting. A rollout is for those that can come
only: another would hold it up, and every later one with it. Usage: `selects(selector, node, resolved)`,
or `store.selection.resolver(connection).selects(selector, node)`, which finds out what places and groups mean.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from wayside.errors import InvalidArgumentError
from wayside_manager.core.access import ROOT_TENANT, Place
from wayside_manager.core.nodes import Label, NodeKind, NodeRecord, NodeState
from wayside_manager.core.presence import Presence

NAMES_MAX_COUNT = 10_000
AREA_MAX_COUNT = 100
AREA_MIN_CORNERS = 3
AREA_MAX_CORNERS = 1_000
STAKE_MAX_M = 10_000_000.0
"""No road is longer."""


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
    site_id: str = ""
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


@dataclass(frozen=True, slots=True)
class Membership:
    """Who is in a group."""

    tenant_ids: frozenset[str]
    """Only nodes of these belong to it: the group's tenant and those below it."""
    node_ids: frozenset[str] = frozenset()
    matcher: "Matcher | None" = None
    """`None`: exactly `node_ids`."""

    def has(self, node: Selectable) -> bool:
        """Whether a node is in it."""
        if node.tenant_id not in self.tenant_ids:
            return False
        return node.node_id in self.node_ids if self.matcher is None else self.matcher.matches(node)


@dataclass(frozen=True, slots=True)
class Resolved:
    """What the places and groups a selector names mean now; see `store.selection`."""

    site_ids: frozenset[str] = frozenset()
    """Sites that every field with places allows: sites, corridors, geofences, areas."""
    groups: tuple[Membership, ...] = ()


NOWHERE = Resolved()
"""No site, no group: a selector that names some then means nobody."""


class Matcher:
    """A selector made ready to look at many nodes."""

    __slots__ = (
        "_groups",
        "_is_for_all",
        "_kinds",
        "_labels",
        "_models",
        "_names_some",
        "_node_ids",
        "_site_ids",
        "_versions",
    )

    def __init__(self, selector: NodeSelector, resolved: Resolved = NOWHERE) -> None:
        self._is_for_all = selector.all_nodes
        self._names_some = names_some(selector)
        self._site_ids = resolved.site_ids if names_places(selector) else None
        self._groups = resolved.groups if selector.group_ids else None
        self._node_ids = frozenset(selector.node_ids)
        self._kinds = frozenset(selector.kinds)
        self._labels = frozenset(selector.labels)
        self._models = frozenset(selector.models)
        self._versions = frozenset(selector.versions)

    def matches(self, node: Selectable) -> bool:
        """Whether a node is meant. A retired node never is."""
        if node.state is NodeState.RETIRED:
            return False
        if self._is_for_all:
            return True
        return (
            self._names_some
            and (not self._kinds or node.kind in self._kinds)
            and (not self._node_ids or node.node_id in self._node_ids)
            and (not self._models or node.model in self._models)
            and (not self._versions or node.version in self._versions)
            and (not self._labels or node.labels >= self._labels)
            and (self._site_ids is None or node.site_id in self._site_ids)
            and (self._groups is None or any(group.has(node) for group in self._groups))
        )


def names_places(selector: NodeSelector) -> bool:
    """Whether it names sites, or what sites are found by."""
    return bool(selector.site_ids or selector.sections or selector.geofence_ids or selector.areas)


def names_some(selector: NodeSelector) -> bool:
    """Whether any field but `all_nodes` names something."""
    return bool(
        selector.node_ids
        or selector.kinds
        or selector.labels
        or selector.group_ids
        or selector.models
        or selector.versions
        or names_places(selector)
    )


def checked_selector(selector: NodeSelector, *, field: str) -> NodeSelector:
    """The selector itself.

    Raises: InvalidArgumentError: it names nothing, or `all_nodes` and something else, or more than is allowed, or a
    stake or a corner that is none.
    """
    if selector.all_nodes and names_some(selector):
        raise InvalidArgumentError(
            f"{field}: all_nodes excludes every other field; leave it out or the others", reason="SELECTOR_INVALID"
        )
    if not selector.all_nodes and not names_some(selector):
        raise InvalidArgumentError(
            f"{field}: names no nodes; set all_nodes, or name nodes, kinds, labels, sites, corridors, groups, models, "
            "versions, geofences or areas",
            reason="SELECTOR_INVALID",
        )
    for name, count, most in _counts(selector):
        if count > most:
            raise InvalidArgumentError(f"{field}.{name}: {count} are too many; give at most {most}")
    _check_stakes(selector, field)
    _check_corners(selector, field)
    return selector


def _counts(selector: NodeSelector) -> Iterator[tuple[str, int, int]]:
    yield "nodes", len(selector.node_ids), NAMES_MAX_COUNT
    yield "sites", len(selector.site_ids), NAMES_MAX_COUNT
    yield "corridors", len(selector.sections), NAMES_MAX_COUNT
    yield "groups", len(selector.group_ids), NAMES_MAX_COUNT
    yield "models", len(selector.models), NAMES_MAX_COUNT
    yield "versions", len(selector.versions), NAMES_MAX_COUNT
    yield "geofences", len(selector.geofence_ids), NAMES_MAX_COUNT
    yield "areas", len(selector.areas), AREA_MAX_COUNT


def _check_stakes(selector: NodeSelector, field: str) -> None:
    for section in selector.sections:
        for stake_m in (section.begin_stake_m, section.end_stake_m):
            if stake_m is not None and not 0 <= stake_m <= STAKE_MAX_M:
                raise InvalidArgumentError(
                    f"{field}.corridors: stake {stake_m} of {section.corridor_id} is not within 0 to {STAKE_MAX_M} m"
                )


def _check_corners(selector: NodeSelector, field: str) -> None:
    for index, area in enumerate(selector.areas):
        if not AREA_MIN_CORNERS <= len(area) <= AREA_MAX_CORNERS:
            raise InvalidArgumentError(
                f"{field}.areas[{index}]: {len(area)} corners; give {AREA_MIN_CORNERS} to {AREA_MAX_CORNERS}"
            )
        for latitude_deg, longitude_deg in area:
            if not (abs(latitude_deg) <= 90 and abs(longitude_deg) <= 180):  # noqa: PLR2004  # the whole earth
                raise InvalidArgumentError(
                    f"{field}.areas[{index}]: {latitude_deg}, {longitude_deg} is no latitude and longitude in degrees"
                )


def selects(selector: NodeSelector, node: Selectable, resolved: Resolved = NOWHERE) -> bool:
    """Whether a node is meant. A retired node never is. For many nodes make a `Matcher` once."""
    return Matcher(selector, resolved).matches(node)


def place_of(node: NodeRecord) -> Place:
    """Where a node is, for those who may only see some places."""
    return Place(node.tenant_id, node.site_id, frozenset(node.labels))


def passes(node_filter: NodeFilter, node: NodeRecord, node_presence: Presence) -> bool:
    """Whether a list with this filter shows a node."""
    return (
        (node.state in node_filter.states if node_filter.states else node.state is not NodeState.RETIRED)
        and (not node_filter.kinds or node.kind in node_filter.kinds)
        and (not node_filter.presences or node_presence in node_filter.presences)
        and (not node_filter.site_id or node.site_id == node_filter.site_id)
        and set(node.labels).issuperset(node_filter.labels)
    )
