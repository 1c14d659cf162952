"""Configuration layers between records and messages.

Usage: `layer_record(message, tenant_id=admission().tenant_id, now=now)`; `layer_message(record)` back.
"""

from datetime import datetime

from google.protobuf.json_format import MessageToDict, ParseDict

from wayside.errors import InvalidArgumentError
from wayside.names import config_layer_id, config_layer_name, tenant_name
from wayside.v1 import config_service_pb2, node_pb2
from wayside_manager.api.node_messages import selector, selector_message, timestamp
from wayside_manager.core.configs import ConfigLayerRecord

PRIORITY_MAX = 1_000  # as config_service.proto says


def layer_record(message: config_service_pb2.ConfigLayer, *, tenant_id: str, now: datetime) -> ConfigLayerRecord:
    """A layer from the wire, of the tenant the gate found; the store checks the ranges of its values.

    Raises: InvalidArgumentError: name, selector or priority, or it names another tenant.
    """
    if message.tenant not in {"", tenant_name(tenant_id)}:
        raise InvalidArgumentError(
            f"config_layer.tenant: the layer belongs to {tenant_name(tenant_id)} and stays there; leave the field out "
            "or make another layer",
            reason="TENANT_FIXED",
        )
    if not 0 <= message.priority <= PRIORITY_MAX:
        raise InvalidArgumentError(f"config_layer.priority: {message.priority} is not within 0 to {PRIORITY_MAX}")
    return ConfigLayerRecord(
        layer_id=config_layer_id(message.name, field="config_layer.name"),
        selector=selector(message.selector, field="config_layer.selector"),
        priority=message.priority,
        config=_config_mapping(message.config),
        create_time=now,
        update_time=now,
        tenant_id=tenant_id,
    )


def layer_message(layer: ConfigLayerRecord) -> config_service_pb2.ConfigLayer:
    """A layer as operators see it."""
    return config_service_pb2.ConfigLayer(
        name=config_layer_name(layer.layer_id),
        selector=selector_message(layer.selector),
        priority=layer.priority,
        config=ParseDict(dict(layer.config), node_pb2.NodeConfig()),
        create_time=timestamp(layer.create_time),
        update_time=timestamp(layer.update_time),
        etag=layer.etag,
        tenant=tenant_name(layer.tenant_id),
    )


def _config_mapping(config: node_pb2.NodeConfig) -> dict[str, object]:
    try:
        mapping: dict[str, object] = MessageToDict(config, preserving_proto_field_name=True)
    except ValueError as exc:  # a duration whose seconds and nanos disagree or are out of range has no JSON form
        raise InvalidArgumentError(f"config_layer.config: a duration is malformed: {exc}") from exc
    return mapping
