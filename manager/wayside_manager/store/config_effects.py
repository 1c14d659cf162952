"""What layers, labels and enrolments do to nodes' configurations, inside the transaction that changes them.

A node gets a new revision only when the bytes differ. A node that no layer reaches any more gets the empty
configuration, the agent's defaults; one that was never reached keeps revision 0. A layer reaches nodes of its own
tenant and of those below it only.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from wayside.errors import InvalidArgumentError
from wayside_manager.core.access import Tenants
from wayside_manager.core.config_checks import problems
from wayside_manager.core.configs import ConfigLayerRecord
from wayside_manager.core.merge import in_order, merged, reaching
from wayside_manager.core.nodes import Label, NodeKind, NodeState
from wayside_manager.core.selectors import NodeSelector, Selectable
from wayside_manager.store.moments import as_time, as_us
from wayside_manager.store.node_rows import parts, selectables
from wayside_manager.store.operator_rows import tenant_tree
from wayside_manager.store.part import ConfigSerializer
from wayside_manager.store.tables import config_layers, node_configs, node_desired, nodes


def layer_record(row: Row[Any]) -> ConfigLayerRecord:
    """One layer."""
    selector = json.loads(row.selector)
    return ConfigLayerRecord(
        layer_id=row.layer_id,
        selector=NodeSelector(
            all_nodes=selector["all_nodes"],
            node_ids=tuple(selector["node_ids"]),
            kinds=tuple(NodeKind(kind) for kind in selector["kinds"]),
            labels=tuple(Label(key, value) for key, value in selector["labels"]),
        ),
        priority=row.priority,
        config=json.loads(row.config),
        create_time=as_time(row.create_us),
        update_time=as_time(row.update_us),
        etag=str(row.revision),
        tenant_id=row.tenant_id,
    )


def selector_text(selector: NodeSelector) -> str:
    """A selector as the database keeps it."""
    return json.dumps(
        {
            "all_nodes": selector.all_nodes,
            "node_ids": selector.node_ids,
            "kinds": selector.kinds,
            "labels": [(label.key, label.value) for label in selector.labels],
        }
    )


def refresh_configs(
    connection: Connection,
    serialize: ConfigSerializer,
    *,
    now: datetime,
    node_ids: Iterable[str] | None = None,
    tenant_id: str = "",
) -> tuple[str, ...]:
    """Gives these, or all, nodes the configuration the layers say; sorted ids of those that changed.

    Retired ones keep what they have. `tenant_id`: only nodes of this tenant and those below it.
    Raises: InvalidArgumentError: a merged configuration is out of bounds.
    """
    tree = tenant_tree(connection)
    where = (nodes.c.tenant_id.in_(sorted(tree.below(tenant_id))),) if tenant_id else ()
    layers = _OfTenants(tree, in_order(layer_record(row) for row in connection.execute(select(config_layers))))
    there = selectables(connection, node_ids, where=where)
    chosen = [node for node in there if node.state is not NodeState.RETIRED]
    present = _present(connection, [node.node_id for node in chosen])
    contents = _Contents(serialize)
    changes = []
    for node in chosen:
        reached_by = reaching(layers.of(node.tenant_id), node)
        desired = present[node.node_id]
        if not reached_by and desired.config_revision == 0:
            continue
        content, sha256 = contents.of(reached_by, node)
        if sha256 != desired.config_sha256:
            changes.append((desired, content, sha256))
    _write(connection, changes, as_us(now))
    return tuple(desired.node_id for desired, _, _ in changes)


class _OfTenants:
    """Layers by the tenants whose nodes they may reach."""

    def __init__(self, tree: Tenants, layers: tuple[ConfigLayerRecord, ...]) -> None:
        self._tree = tree
        self._layers = layers
        self._known: dict[str, tuple[ConfigLayerRecord, ...]] = {}

    def of(self, tenant_id: str) -> tuple[ConfigLayerRecord, ...]:
        """Those of the tenant and of the ones above it, in their order."""
        if tenant_id not in self._known:
            line = self._tree.above(tenant_id) | {tenant_id}
            self._known[tenant_id] = tuple(layer for layer in self._layers if layer.tenant_id in line)
        return self._known[tenant_id]


class _Contents:
    """Serialized configurations; nodes reached by the same layers share one."""

    def __init__(self, serialize: ConfigSerializer) -> None:
        self._serialize = serialize
        self._known: dict[tuple[str, ...], tuple[bytes, str]] = {}

    def of(self, layers: tuple[ConfigLayerRecord, ...], node: Selectable) -> tuple[bytes, str]:
        """Content and SHA-256."""
        key = tuple(layer.layer_id for layer in layers)
        if key not in self._known:
            config = merged(layer.config for layer in layers)
            found = problems(config)
            if found:
                raise InvalidArgumentError(f"config of {node.node_id}: {found[0]}", reason="CONFIG_INVALID")
            content = self._serialize(config)
            self._known[key] = content, hashlib.sha256(content).hexdigest()
        return self._known[key]


def _present(connection: Connection, node_ids: list[str]) -> dict[str, Row[Any]]:
    found = {}
    for part in parts(node_ids):
        for row in connection.execute(select(node_desired).where(node_desired.c.node_id.in_(part))):
            found[row.node_id] = row
    return found


def _write(connection: Connection, changes: list[tuple[Row[Any], bytes, str]], now_us: int) -> None:
    rows = [
        {
            "node_id": desired.node_id,
            "revision": desired.config_revision + 1,
            "sha256": sha256,
            "content": content,
            "create_us": now_us,
        }
        for desired, content, sha256 in changes
    ]
    if not rows:
        return
    connection.execute(insert(node_configs), rows)
    statement = (
        update(node_desired)
        .where(node_desired.c.node_id == bindparam("of_node"))
        .values(
            revision=node_desired.c.revision + 1,
            config_revision=bindparam("to_revision"),
            config_sha256=bindparam("to_sha256"),
        )
    )
    connection.execute(
        statement,
        [{"of_node": row["node_id"], "to_revision": row["revision"], "to_sha256": row["sha256"]} for row in rows],
    )
