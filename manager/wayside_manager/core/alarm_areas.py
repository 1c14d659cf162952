"""Which nodes fell silent for one reason: a supply, a line, a site or a corridor of which many went at about once.

    for area in common_causes(nodes, policy, now): area.name, area.node_ids

Only roadside units count: a vehicle behind a mountain is no outage. A cause is preferred to a place: when a line
explains at least four fifths of what a corridor would, it is the line.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from wayside_manager.core.alarms import AlarmNode, AlarmPolicy, Contact
from wayside_manager.core.nodes import NodeKind

ORDER = ("powerFeeds", "backhauls", "sites", "corridors")
"""Collections of areas, from causes to places."""
_NEARLY = 0.8


@dataclass(frozen=True, slots=True)
class Area:
    """Nodes with a cause in common."""

    name: str
    """`backhauls/x`, ..."""
    node_ids: tuple[str, ...]
    """Those that fell silent, in order of their names."""
    begin_time: datetime
    """When the first of them was last heard from."""


def common_causes(
    nodes: Iterable[AlarmNode], policy: AlarmPolicy, now: datetime, *, taken: Collection[str] = ()
) -> list[Area]:
    """The areas that explain who fell silent within the window, a node in one at most; `taken` are explained."""
    rsus = [node for node in nodes if node.kind is NodeKind.RSU]
    fresh = {
        node.node_id: node
        for node in rsus
        if node.node_id not in taken
        and node.silent_since is not None
        and now - node.silent_since <= policy.storm_window
    }
    # whose silence nobody can judge yet counts as there: a manager that has just begun would else see outages
    present = _counts(node for node in rsus if node.contact is not Contact.SILENT and node.last_heard is not None)
    found: list[Area] = []
    while len(fresh) >= policy.storm_min_count:
        area = _best(fresh, present, policy)
        if area is None:
            break
        found.append(area)
        for node_id in area.node_ids:
            del fresh[node_id]
    return found


def rank(area: str) -> int:
    """Place of its collection among causes and places."""
    return ORDER.index(area.partition("/")[0])


def _best(fresh: Mapping[str, AlarmNode], present: Mapping[str, int], policy: AlarmPolicy) -> Area | None:
    gone: dict[str, list[str]] = {}
    for node in fresh.values():
        for area in node.areas:
            gone.setdefault(area, []).append(node.node_id)
    counts = {
        area: len(node_ids)
        for area, node_ids in gone.items()
        if len(node_ids) >= policy.storm_min_count
        and 100.0 * len(node_ids) >= policy.storm_percent * (len(node_ids) + present.get(area, 0))
    }
    if not counts:
        return None
    most = max(counts.values())
    name = min(
        (area for area in counts if counts[area] >= _NEARLY * most), key=lambda area: (rank(area), -counts[area], area)
    )
    node_ids = tuple(sorted(gone[name]))
    heard = [fresh[node_id].last_heard or fresh[node_id].silent_since for node_id in node_ids]
    return Area(name, node_ids, min(time for time in heard if time is not None))


def _counts(nodes: Iterable[AlarmNode]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for node in nodes:
        for area in node.areas:
            counts[area] = counts.get(area, 0) + 1
    return counts
