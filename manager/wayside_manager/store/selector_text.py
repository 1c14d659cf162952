"""Selectors as the database keeps them.

Usage: `selector_of(selector_text(selector)) == selector`.
"""

import json

from wayside_manager.core.nodes import Label, NodeKind
from wayside_manager.core.selectors import CorridorSection, NodeSelector


def selector_text(selector: NodeSelector) -> str:
    """A selector as the database keeps it: what it does not name is left out."""
    said: dict[str, object] = {
        "all_nodes": selector.all_nodes,
        "node_ids": selector.node_ids,
        "kinds": selector.kinds,
        "labels": [(label.key, label.value) for label in selector.labels],
        "site_ids": selector.site_ids,
        "sections": [(one.corridor_id, one.begin_stake_m, one.end_stake_m) for one in selector.sections],
        "group_ids": selector.group_ids,
        "models": selector.models,
        "versions": selector.versions,
        "geofence_ids": selector.geofence_ids,
        "areas": selector.areas,
    }
    return json.dumps({name: value for name, value in said.items() if value})


def selector_of(text: str) -> NodeSelector:
    """The selector in such a text."""
    said = json.loads(text)

    def texts(name: str) -> tuple[str, ...]:
        return tuple(said.get(name, ()))

    return NodeSelector(
        all_nodes=said.get("all_nodes", False),
        node_ids=texts("node_ids"),
        kinds=tuple(map(NodeKind, texts("kinds"))),
        labels=tuple(Label(key, value) for key, value in said.get("labels", ())),
        site_ids=texts("site_ids"),
        sections=tuple(CorridorSection(*section) for section in said.get("sections", ())),
        group_ids=texts("group_ids"),
        models=texts("models"),
        versions=texts("versions"),
        geofence_ids=texts("geofence_ids"),
        areas=tuple(tuple((corner[0], corner[1]) for corner in area) for area in said.get("areas", ())),
    )
