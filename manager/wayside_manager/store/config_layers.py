"""Single layers: finding them, what is said of them for the audit trail, and whether one makes sense by itself.

Usage: `check_layer(connection, layer)` before it is written or previewed.
"""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from wayside.errors import AlreadyExistsError, InvalidArgumentError
from wayside.node_config import canonical
from wayside_manager.core.config_checks import problems
from wayside_manager.core.config_schemas import own_schema
from wayside_manager.core.configs import ConfigLayerRecord, ConfigMapping
from wayside_manager.core.merge import merged
from wayside_manager.core.missing import not_there
from wayside_manager.core.selectors import checked_selector
from wayside_manager.store.config_history import owner_of
from wayside_manager.store.config_making import schemas_of
from wayside_manager.store.config_rows import layer_record
from wayside_manager.store.selection import resolver
from wayside_manager.store.selector_text import selector_text
from wayside_manager.store.tables import config_layers

PRIORITY_MAX = 1_000
"""As in config_service.proto."""


def find_layer(connection: Connection, layer_id: str) -> ConfigLayerRecord | None:
    """One layer, or `None`."""
    row = connection.execute(select(config_layers).where(config_layers.c.layer_id == layer_id)).one_or_none()
    return None if row is None else layer_record(row)


def the_layer(connection: Connection, layer_id: str) -> ConfigLayerRecord:
    """One layer.

    Raises: NotFoundError.
    """
    layer = find_layer(connection, layer_id)
    if layer is None:
        raise not_there("configLayers", layer_id)
    return layer


def said_of(layer: ConfigLayerRecord) -> dict[str, object]:
    """What operators say of a layer; two with the same are the same."""
    return {
        "tenant": layer.tenant_id,
        "priority": layer.priority,
        "selector": selector_text(layer.selector),
        "config": canonical(layer.config).decode(),  # as text: true is not 1 there, but 5.0 is 5
    }


def check_owner(connection: Connection, layer: ConfigLayerRecord) -> None:
    """Returns if the name is free or the tenant's; it stays so when the layer is deleted: its history is there.

    Raises: AlreadyExistsError.
    """
    if owner_of(connection, layer.layer_id) not in {None, layer.tenant_id}:
        # whose it is is not said: the caller may not see it
        raise AlreadyExistsError(
            f"layer {layer.layer_id}: the name is taken; choose another, or leave the layer's tenant as it is",
            reason="LAYER_EXISTS",
        )


def check_layer(connection: Connection, layer: ConfigLayerRecord) -> None:
    """Returns if a layer makes sense by itself, whomever it reaches.

    A value that no schema there is would allow is refused at once, not only when it comes to reach a node.
    Raises: as `check_form`; InvalidArgumentError: its configuration.
    """
    check_form(connection, layer)
    found, _ = layer_problems(connection, layer)
    if found:
        raise InvalidArgumentError("; ".join(f"config.{problem}" for problem in found), reason="CONFIG_INVALID")


def check_form(connection: Connection, layer: ConfigLayerRecord) -> None:
    """Returns if a layer is well formed, whatever values it sets.

    Raises: InvalidArgumentError: its selector or priority; NotFoundError: its selector names what is not there.
    """
    checked_selector(layer.selector, field="selector")
    if not 0 <= layer.priority <= PRIORITY_MAX:
        raise InvalidArgumentError(
            f"priority: {layer.priority} is outside 0 to {PRIORITY_MAX}", reason="PRIORITY_INVALID"
        )
    resolver(connection).check(layer.selector, field="selector", tenant_id=layer.tenant_id)


def layer_problems(connection: Connection, layer: ConfigLayerRecord) -> tuple[tuple[str, ...], str]:
    """What no schema there is would allow in a layer by itself, and the version of the mildest; empty: nothing."""
    # what is left without references to variables; of others it is known only per node
    config = _without_references(merged([layer.config]))
    schemas = schemas_of(connection)
    named = [schema for version in layer.selector.versions if (schema := schemas.find(version))]
    every = [own_schema(), *(schema for version in schemas.versions if (schema := schemas.find(version)))]
    return min(((problems(config, schema), schema.version) for schema in named or every), key=lambda one: len(one[0]))


def _without_references(value: ConfigMapping) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, part in value.items():
        if isinstance(part, Mapping):
            kept[name] = _without_references(part)
        elif "${" not in json.dumps(part):
            kept[name] = part
    return kept
