"""Configuration layers in SQL."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, tuple_, update

from wayside.errors import InvalidArgumentError, NotFoundError
from wayside_manager.core.config_checks import problems
from wayside_manager.core.configs import AppliedLayer, ConfigLayerRecord, NodeConfigRecord
from wayside_manager.core.pages import Page, checked_page_size, position
from wayside_manager.core.selectors import checked_selector
from wayside_manager.store.config_effects import layer_record, refresh_configs, selector_text
from wayside_manager.store.moments import as_us
from wayside_manager.store.node_rows import node_not_found
from wayside_manager.store.part import SqlPart, check_etag, page, reading, writing
from wayside_manager.store.tables import config_layers, node_configs, node_desired

_EMPTY = NodeConfigRecord("", 0, "", b"")


class SqlConfigs(SqlPart):
    """Satisfies `ports.ConfigStore`."""

    @writing
    def apply_layer(
        self, connection: Connection, layer: ConfigLayerRecord, *, now: datetime, etag: str = ""
    ) -> AppliedLayer:
        """See ConfigStore."""
        _check(layer)
        _put(connection, layer, as_us(now), etag)
        changed = refresh_configs(connection, self._serialize_config, now=now)
        return AppliedLayer(layer_record(_the_row(connection, layer.layer_id)), changed)

    @reading
    def get_layer(self, connection: Connection, layer_id: str) -> ConfigLayerRecord:
        """See ConfigStore."""
        return layer_record(_the_row(connection, layer_id))

    @reading
    def list_layers(
        self, connection: Connection, *, page_size: int = 0, page_token: str = ""
    ) -> Page[ConfigLayerRecord]:
        """See ConfigStore."""
        size, question = checked_page_size(page_size), "config_layers"
        key = (config_layers.c.priority, config_layers.c.layer_id)
        query = select(config_layers).order_by(*key).limit(size + 1)
        after = position(page_token, question, types=(int, str))
        if after is not None:
            query = query.where(tuple_(*key) > tuple_(*after))
        rows = connection.execute(query).all()
        return page(rows, size, question, key=("priority", "layer_id"), record=layer_record)

    @writing
    def delete_layer(self, connection: Connection, layer_id: str, *, now: datetime, etag: str = "") -> tuple[str, ...]:
        """See ConfigStore."""
        row = _the_row(connection, layer_id)
        check_etag(etag, row.revision, f"layer {layer_id}")
        connection.execute(delete(config_layers).where(config_layers.c.layer_id == layer_id))
        return refresh_configs(connection, self._serialize_config, now=now)

    @reading
    def get_node_config(self, connection: Connection, node_id: str, *, revision: int = 0) -> NodeConfigRecord:
        """See ConfigStore."""
        wanted = select(node_desired.c.config_revision).where(node_desired.c.node_id == node_id)
        newest = connection.scalar(wanted)
        if newest is None:
            raise node_not_found(node_id)
        if not (revision or newest):
            return replace(_EMPTY, node_id=node_id)
        query = select(node_configs).where(
            node_configs.c.node_id == node_id, node_configs.c.revision == (revision or newest)
        )
        row = connection.execute(query).one_or_none()
        if row is None:
            raise NotFoundError(
                f"node {node_id} has no configuration {revision}; its newest is {newest}", reason="CONFIG_NOT_FOUND"
            )
        return NodeConfigRecord(row.node_id, row.revision, row.sha256, row.content)


def _check(layer: ConfigLayerRecord) -> None:
    checked_selector(layer.selector, field="selector")
    if not 0 <= layer.priority <= 1000:  # noqa: PLR2004  # as in config_service.proto
        raise InvalidArgumentError(f"priority: {layer.priority} is outside 0 to 1000", reason="PRIORITY_INVALID")
    found = problems(layer.config)
    if found:
        raise InvalidArgumentError("; ".join(f"config.{problem}" for problem in found), reason="CONFIG_INVALID")


def _the_row(connection: Connection, layer_id: str) -> Row[Any]:
    row = _find_row(connection, layer_id)
    if row is None:
        raise NotFoundError(
            f"layer {layer_id} does not exist; list the layers to see which do", reason="LAYER_NOT_FOUND"
        )
    return row


def _find_row(connection: Connection, layer_id: str) -> Row[Any] | None:
    return connection.execute(select(config_layers).where(config_layers.c.layer_id == layer_id)).one_or_none()


def _put(connection: Connection, layer: ConfigLayerRecord, now_us: int, etag: str) -> None:
    row = _find_row(connection, layer.layer_id)
    check_etag(etag, 0 if row is None else row.revision, f"layer {layer.layer_id}")
    values = {
        "selector": selector_text(layer.selector),
        "priority": layer.priority,
        "config": json.dumps(layer.config, sort_keys=True),
        "update_us": now_us,
    }
    if row is None:
        connection.execute(
            insert(config_layers), values | {"layer_id": layer.layer_id, "create_us": now_us, "revision": 1}
        )
    else:
        connection.execute(
            update(config_layers)
            .where(config_layers.c.layer_id == layer.layer_id)
            .values(values | {"revision": row.revision + 1})
        )
