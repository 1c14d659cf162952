"""What operators see of nodes' configurations: previews, origins, drift and where a node stands.

Usage: `preview_message(await store.preview_config(...))`.
"""

import json

from wayside.names import config_layer_name, node_name
from wayside.v1 import config_service_pb2, node_pb2
from wayside_manager.api import struct_values
from wayside_manager.api.config_messages import change_message, node_names
from wayside_manager.api.node_messages import timestamp
from wayside_manager.core.configs import (
    ConfigPreview,
    Drift,
    Explanation,
    NodeConfigRecord,
    NodeConfigState,
    Opinion,
    Origin,
    ValueChange,
)

SHOWN_GROUPS_MAX = 200


def preview_message(preview: ConfigPreview) -> config_service_pb2.PreviewConfigResponse:
    """What would change; the counts are of all groups, those shown the largest."""
    return config_service_pb2.PreviewConfigResponse(
        node_count=preview.node_count,
        changed_node_count=sum(len(group.node_ids) for group in preview.changes),
        refused_node_count=sum(len(group.node_ids) for group in preview.refusals),
        changes=[
            config_service_pb2.ConfigChangeGroup(
                values=map(change_message, group.values),
                node_count=len(group.node_ids),
                nodes=node_names(group.node_ids),
            )
            for group in preview.changes[:SHOWN_GROUPS_MAX]
        ],
        refusals=[
            config_service_pb2.ConfigRefusalGroup(
                problems=group.problems,
                node_count=len(group.node_ids),
                nodes=node_names(group.node_ids),
                version=group.version,
            )
            for group in preview.refusals[:SHOWN_GROUPS_MAX]
        ],
    )


def state_message(state: NodeConfigState) -> config_service_pb2.GetNodeConfigResponse:
    """A configuration of a node, and where the node stands."""
    content = json.loads(state.config.content) if state.config.content else {}
    message = config_service_pb2.GetNodeConfigResponse(
        config=struct_values.struct(content),
        revision=state.config.revision,
        target_revision=state.target_revision,
        told_revision=state.told_revision,
        running_revision=state.running_revision,
        trial=state.trial,
        problem=state.problem,
        schema_version=state.schema_version,
    )
    if state.report:
        message.report.CopyFrom(node_pb2.ConfigReport.FromString(state.report))
    return message


def node_revision_message(
    item: tuple[NodeConfigRecord, tuple[ValueChange, ...]],
) -> config_service_pb2.NodeConfigRevision:
    """One configuration of a node, and what differs from the one before it."""
    record, changes = item
    message = config_service_pb2.NodeConfigRevision(
        revision=record.revision, sha256=record.sha256, changes=map(change_message, changes), cause=record.cause
    )
    if record.create_time is not None:
        message.create_time.CopyFrom(timestamp(record.create_time))
    return message


def explanation_message(explanation: Explanation) -> config_service_pb2.ExplainNodeConfigResponse:
    """Where values come from."""
    return config_service_pb2.ExplainNodeConfigResponse(
        origins=map(_origin, explanation.origins), schema_version=explanation.schema_version
    )


def drift_message(drift: Drift) -> config_service_pb2.ConfigDrift:
    """How one node differs from what it should run."""
    message = config_service_pb2.ConfigDrift(
        node=node_name(drift.node_id),
        cause=config_service_pb2.ConfigDrift.Cause.Value(f"CAUSE_{drift.cause.name}"),
        values=map(change_message, drift.values),
        message=drift.message,
    )
    if drift.since_time is not None:
        message.since_time.CopyFrom(timestamp(drift.since_time))
    return message


def _origin(origin: Origin) -> config_service_pb2.ConfigOrigin:
    return config_service_pb2.ConfigOrigin(
        path=origin.path,
        value=struct_values.value(origin.value),
        opinions=map(_opinion, origin.opinions),
        default_value=struct_values.value(origin.default),
        running_value=struct_values.value(origin.running),
    )


def _opinion(opinion: Opinion) -> config_service_pb2.ConfigOpinion:
    return config_service_pb2.ConfigOpinion(
        layer=config_layer_name(opinion.layer_id),
        priority=opinion.priority,
        value=struct_values.value(opinion.value),
        variables=opinion.variables,
    )
