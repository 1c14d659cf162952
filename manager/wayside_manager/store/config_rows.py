"""Layers, and everything of nodes that makes their configurations, between tables and records.

Usage: `for node in config_nodes(connection, where=(covers_node(reach),)): node.selectable, node.desired`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, select

from wayside_manager.core.configs import ConfigLayerRecord
from wayside_manager.core.merge import in_order
from wayside_manager.core.nodes import ConfigDecision, DesiredRecord, NodeKind, NodeState, NodeStatus
from wayside_manager.core.selectors import Selectable
from wayside_manager.core.variables import VariableValue, known_variables, origin_of
from wayside_manager.store.moments import as_time, as_time_or_none
from wayside_manager.store.node_rows import labels_of, parts
from wayside_manager.store.selector_text import selector_of
from wayside_manager.store.tables import config_contents, config_layers, node_desired, node_status, nodes, sites

_NODES = (
    select(
        nodes.c.node_id,
        nodes.c.kind,
        nodes.c.state,
        nodes.c.tenant_id,
        nodes.c.site_id,
        nodes.c.esn,
        nodes.c.variables,
        sites.c.variables.label("site_variables"),
        node_status.c.model,
        node_status.c.running_release,
        node_status.c.running_version,
        node_status.c.running_config_sha256,
        node_status.c.config_outcome,
        node_status.c.config_trial.label("said_trial"),
        node_status.c.config_since_us,
        node_desired.c.revision,
        node_desired.c.config_revision,
        node_desired.c.config_sha256,
        node_desired.c.target_config_revision,
        node_desired.c.target_config_sha256,
        node_desired.c.config_problem,
        node_desired.c.config_trial,
        node_desired.c.config_decision,
    )
    .join(node_status, node_status.c.node_id == nodes.c.node_id)
    .join(node_desired, node_desired.c.node_id == nodes.c.node_id)
    .outerjoin(sites, sites.c.site_id == nodes.c.site_id)
    .where(nodes.c.state != NodeState.RETIRED)
    .order_by(nodes.c.node_id)
)


@dataclass(frozen=True, slots=True)
class ConfigNode:
    """What of a node makes its configuration, and where it stands."""

    selectable: Selectable
    esn: str
    own_variables: Mapping[str, VariableValue]
    site_variables: Mapping[str, VariableValue]
    desired: DesiredRecord
    """Without the release."""
    status: NodeStatus
    """Only what it runs, and its newest word on that."""

    @property
    def node_id(self) -> str:
        """Its id."""
        return self.selectable.node_id

    @property
    def variables(self) -> dict[str, VariableValue]:
        """Every variable its configuration may refer to."""
        return known_variables(
            node_id=self.node_id,
            esn=self.esn,
            kind=self.selectable.kind,
            site_id=self.selectable.site_id,
            own=self.own_variables,
            of_site=self.site_variables,
        )

    def variable_origins(self, name: str) -> str:
        """Where a variable comes from: `nodes/rsu-1`, `sites/k12`; empty: it is not there."""
        return origin_of(
            name,
            node_id=self.node_id,
            site_id=self.selectable.site_id,
            own=self.own_variables,
            of_site=self.site_variables,
        )


def config_nodes(
    connection: Connection, node_ids: Iterable[str] | None = None, *, where: Sequence[ColumnElement[bool]] = ()
) -> list[ConfigNode]:
    """These or all nodes that are not retired, in order of ids; `where` are conditions on `nodes`."""
    wanted = None if node_ids is None else sorted(set(node_ids))
    labels = labels_of(connection, wanted, where=where)
    query: Select[Any] = _NODES.where(*where)
    rows: list[Row[Any]] = []
    for part in parts(wanted) if wanted is not None else [None]:
        rows += connection.execute(query if part is None else query.where(nodes.c.node_id.in_(part))).all()
    return [_node(row, frozenset(labels.get(row.node_id, ()))) for row in rows]


def _node(row: Row[Any], labels: frozenset[Any]) -> ConfigNode:
    return ConfigNode(
        Selectable(
            row.node_id,
            NodeKind(row.kind),
            labels,
            NodeState(row.state),
            row.tenant_id,
            row.site_id or "",
            row.model,
            row.running_version,
        ),
        row.esn,
        _mapping(row.variables),
        _mapping(row.site_variables or "{}"),
        DesiredRecord(
            row.node_id,
            row.revision,
            row.config_revision,
            row.config_sha256,
            target_config_revision=row.target_config_revision,
            target_config_sha256=row.target_config_sha256,
            config_problem=row.config_problem,
            config_trial=row.config_trial,
            config_decision=ConfigDecision(row.config_decision),
        ),
        NodeStatus(
            running_release=row.running_release,
            running_version=row.running_version,
            running_config_sha256=row.running_config_sha256,
            config_outcome=row.config_outcome,
            config_trial=row.said_trial,
            config_since_time=as_time_or_none(row.config_since_us),
        ),
    )


@lru_cache(maxsize=4096)  # mostly the same few
def _mapping(text: str) -> Mapping[str, VariableValue]:
    found: dict[str, VariableValue] = json.loads(text)
    return found


def layer_record(row: Row[Any]) -> ConfigLayerRecord:
    """One layer."""
    return ConfigLayerRecord(
        layer_id=row.layer_id,
        selector=selector_of(row.selector),
        priority=row.priority,
        config=json.loads(row.config),
        create_time=as_time(row.create_us),
        update_time=as_time(row.update_us),
        etag=str(row.revision),
        tenant_id=row.tenant_id,
    )


def every_layer(connection: Connection) -> tuple[ConfigLayerRecord, ...]:
    """The layers there are, the one that has the last word last."""
    return in_order(layer_record(row) for row in connection.execute(select(config_layers)))


def contents(connection: Connection, hashes: Iterable[str]) -> dict[str, bytes]:
    """Canonical JSON by its hash; those that are not known are left out."""
    found: dict[str, bytes] = {}
    for part in parts(sorted(set(hashes) - {""})):
        rows = connection.execute(select(config_contents).where(config_contents.c.sha256.in_(part)))
        found |= {row.sha256: row.content for row in rows}
    return found
