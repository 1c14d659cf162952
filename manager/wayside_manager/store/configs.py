"""Configuration layers in SQL."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, tuple_, update

from wayside.errors import AlreadyExistsError, InvalidArgumentError, NotFoundError
from wayside_manager.core.access import Reach
from wayside_manager.core.config_checks import problems
from wayside_manager.core.configs import AppliedLayer, ConfigLayerRecord, NodeConfigRecord
from wayside_manager.core.missing import not_there
from wayside_manager.core.pages import Page, checked_page_size, position
from wayside_manager.core.selectors import checked_selector
from wayside_manager.store.config_effects import layer_record, refresh_configs, selector_text
from wayside_manager.store.moments import as_us
from wayside_manager.store.node_rows import node_not_found
from wayside_manager.store.part import SqlPart, changed, check_etag, page, reading, writing
from wayside_manager.store.reaches import covers_whole
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
        present = _find_row(connection, layer.layer_id)
        _put(connection, layer, present, as_us(now), etag)
        applied = layer_record(_the_row(connection, layer.layer_id))
        _note(connection, None if present is None else layer_record(present), applied)
        node_ids = refresh_configs(connection, self._serialize_config, now=now, tenant_id=applied.tenant_id)
        return AppliedLayer(applied, node_ids)

    @reading
    def get_layer(self, connection: Connection, layer_id: str) -> ConfigLayerRecord:
        """See ConfigStore."""
        return layer_record(_the_row(connection, layer_id))

    @reading
    def list_layers(
        self, connection: Connection, *, reach: Reach, page_size: int = 0, page_token: str = ""
    ) -> Page[ConfigLayerRecord]:
        """See ConfigStore."""
        size, question = checked_page_size(page_size), "config_layers"
        key = (config_layers.c.priority, config_layers.c.layer_id)
        is_seen = covers_whole(config_layers.c.tenant_id, reach)
        query = select(config_layers).where(is_seen).order_by(*key).limit(size + 1)
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
        _note(connection, layer_record(row), None)
        return refresh_configs(connection, self._serialize_config, now=now, tenant_id=row.tenant_id)

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
        raise not_there("configLayers", layer_id)
    return row


def _find_row(connection: Connection, layer_id: str) -> Row[Any] | None:
    return connection.execute(select(config_layers).where(config_layers.c.layer_id == layer_id)).one_or_none()


def _note(connection: Connection, before: ConfigLayerRecord | None, after: ConfigLayerRecord | None) -> None:
    layer = after or before
    if layer is not None:
        name = f"configLayers/{layer.layer_id}"
        changed(connection, name, before=_said_of(before), after=_said_of(after), tenant_id=layer.tenant_id)


def _said_of(layer: ConfigLayerRecord | None) -> dict[str, object] | None:
    if layer is None:
        return None
    return {
        "tenant": layer.tenant_id,
        "priority": layer.priority,
        "selector": selector_text(layer.selector),
        "config": layer.config,
    }


def _put(connection: Connection, layer: ConfigLayerRecord, row: Row[Any] | None, now_us: int, etag: str) -> None:
    if row is not None and row.tenant_id != layer.tenant_id:
        # whose it is is not said: the caller may not see it
        raise AlreadyExistsError(
            f"layer {layer.layer_id}: the name is taken; choose another, or leave the layer's tenant as it is",
            reason="LAYER_EXISTS",
        )
    check_etag(etag, 0 if row is None else row.revision, f"layer {layer.layer_id}")
    values = {
        "selector": selector_text(layer.selector),
        "priority": layer.priority,
        "config": json.dumps(layer.config, sort_keys=True),
        "update_us": now_us,
    }
    if row is None:
        connection.execute(
            insert(config_layers),
            values | {"layer_id": layer.layer_id, "tenant_id": layer.tenant_id, "create_us": now_us, "revision": 1},
        )
    else:
        connection.execute(
            update(config_layers)
            .where(config_layers.c.layer_id == layer.layer_id)
            .values(values | {"revision": row.revision + 1})
        )
