"""Configuration layers, and what became of them, between records and messages.

Usage: `layer_record(message, tenant_id=admission().tenant_id, now=now)`; `layer_message(record)` back.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from google.protobuf.duration_pb2 import Duration

from wayside.errors import InvalidArgumentError
from wayside.names import config_layer_id, config_layer_name, node_name, rollout_name, tenant_name
from wayside.v1 import config_service_pb2
from wayside_manager.api import struct_values
from wayside_manager.api.node_messages import selector, selector_message, timestamp
from wayside_manager.core.configs import ConfigLayerRecord, LayerRevisionRecord, Retargeted, ValueChange

PRIORITY_MAX = 1_000  # as config_service.proto says
COMMENT_MAX_CHARS = 1_000
SHOWN_NODES_MAX = 100
"""Names of nodes an answer holds; beside them it says how many there are."""
TRIAL_MAX_CHARS = 80
TRIAL_MIN_S, TRIAL_MAX_S = 5, 86_400


def layer_record(
    message: config_service_pb2.ConfigLayer, *, tenant_id: str, now: datetime, field: str = "config_layer"
) -> ConfigLayerRecord:
    """A layer from the wire, of the tenant the gate found; the store checks its values against the nodes' schemas.

    Raises: InvalidArgumentError: name, selector, priority or a value, or it names another tenant.
    """
    if message.tenant not in {"", tenant_name(tenant_id)}:
        raise InvalidArgumentError(
            f"{field}.tenant: the layer belongs to {tenant_name(tenant_id)} and stays there; leave the field out "
            "or make another layer",
            reason="TENANT_FIXED",
        )
    if not 0 <= message.priority <= PRIORITY_MAX:
        raise InvalidArgumentError(
            f"{field}.priority: {message.priority} is not within 0 to {PRIORITY_MAX}", reason="PRIORITY_INVALID"
        )
    return ConfigLayerRecord(
        layer_id=config_layer_id(message.name, field=f"{field}.name"),
        selector=selector(message.selector, field=f"{field}.selector"),
        priority=message.priority,
        config=struct_values.mapping(message.config, field=f"{field}.config"),
        create_time=now,
        update_time=now,
        tenant_id=tenant_id,
    )


def layer_message(layer: ConfigLayerRecord) -> config_service_pb2.ConfigLayer:
    """A layer as operators see it."""
    message = _bare_layer(layer)
    message.selector.CopyFrom(selector_message(layer.selector))
    message.config.CopyFrom(struct_values.struct(layer.config))
    return message


def revision_message(record: LayerRevisionRecord) -> config_service_pb2.ConfigLayerRevision:
    """What a layer was; of one that was deleted then, no more than whose it was."""
    layer = _bare_layer(record.layer) if record.is_deletion else layer_message(record.layer)
    layer.revision = record.revision
    return config_service_pb2.ConfigLayerRevision(
        config_layer=layer,
        author=record.author,
        comment=record.comment,
        is_deletion=record.is_deletion,
        rollout=rollout_name(record.rollout_id) if record.rollout_id else "",
    )


def change_message(change: ValueChange) -> config_service_pb2.ConfigValueChange:
    """One value that differs."""
    return config_service_pb2.ConfigValueChange(
        path=change.path,
        before=struct_values.value(change.before),
        after=struct_values.value(change.after),
        layer=config_layer_name(change.layer_id) if change.layer_id else "",
    )


def rollout_of(effect: Retargeted) -> str:
    """The name of the rollout a change started; empty: none."""
    return rollout_name(effect.rollout_id) if effect.rollout_id else ""


def node_names(node_ids: Iterable[str]) -> list[str]:
    """The first names of nodes, as many as an answer holds."""
    return [node_name(each) for each in sorted(node_ids)[:SHOWN_NODES_MAX]]


def comment(text: str) -> str:
    """Why somebody changes a layer, as it came.

    Raises: InvalidArgumentError: longer than 1,000 characters.
    """
    if len(text) > COMMENT_MAX_CHARS:
        raise InvalidArgumentError(
            f"comment: {len(text)} characters are more than {COMMENT_MAX_CHARS}; be brief", reason="COMMENT_INVALID"
        )
    return text


def trial(text: str) -> str:
    """The trial a decision is about.

    Raises: InvalidArgumentError: it is empty, too long or not printable.
    """
    if not 0 < len(text) <= TRIAL_MAX_CHARS or not text.isprintable():
        raise InvalidArgumentError(
            "trial: name the trial that is under way, as the node's configuration shows it", reason="TRIAL_INVALID"
        )
    return text


def trial_timeout(message: Duration) -> timedelta:
    """How long a trial may last.

    Raises: InvalidArgumentError: not within 5 s to 24 h.
    """
    total_s = message.seconds + message.nanos / 1e9
    if not TRIAL_MIN_S <= total_s <= TRIAL_MAX_S:
        raise InvalidArgumentError(
            f"timeout: {total_s:g} s are not within {TRIAL_MIN_S} s to 24 h", reason="TIMEOUT_INVALID"
        )
    return timedelta(seconds=total_s)


def _bare_layer(layer: ConfigLayerRecord) -> config_service_pb2.ConfigLayer:
    return config_service_pb2.ConfigLayer(
        name=config_layer_name(layer.layer_id),
        priority=layer.priority,
        create_time=timestamp(layer.create_time),
        update_time=timestamp(layer.update_time),
        etag=layer.etag,
        tenant=tenant_name(layer.tenant_id),
        revision=int(layer.etag or 0),
    )
