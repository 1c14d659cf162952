"""Releases and rollouts on the wire. Usage: `release_message(record)`, `rollout_message(record)`."""

from wayside.names import node_name, release_name, rollout_name, tenant_name
from wayside.v1 import release_pb2
from wayside_manager.api.node_messages import timestamp
from wayside_manager.core.releases import ReleaseRecord
from wayside_manager.core.rollout import RolloutNodeRecord, RolloutNodeState, RolloutRecord


def release_message(release: ReleaseRecord) -> release_pb2.Release:
    """A release as operators see it."""
    return release_pb2.Release(
        name=release_name(release.version),
        version=release.version,
        sha256=release.sha256,
        size_bytes=release.size_bytes,
        notes=release.notes,
        state=release_pb2.Release.State.Value(f"STATE_{release.state.name}"),
        create_time=timestamp(release.create_time),
        etag=release.etag,
        tenant=tenant_name(release.tenant_id),
    )


def rollout_message(rollout: RolloutRecord) -> release_pb2.Rollout:
    """A rollout with its nodes."""
    return release_pb2.Rollout(
        name=rollout_name(rollout.rollout_id),
        release=release_name(rollout.version),
        max_in_flight_count=rollout.max_in_flight_count,
        max_failure_count=rollout.max_failure_count,
        state=release_pb2.Rollout.State.Value(f"STATE_{rollout.state.name}"),
        nodes=[_node_message(node) for node in rollout.nodes],
        create_time=timestamp(rollout.create_time),
        update_time=timestamp(rollout.update_time),
        etag=rollout.etag,
        message=rollout.message,
        tenant=tenant_name(rollout.tenant_id),
    )


def _node_message(node: RolloutNodeRecord) -> release_pb2.RolloutNode:
    # a node retired, revoked or moved meanwhile did not get the release: on the wire that is FAILED
    state = RolloutNodeState.FAILED if node.state is RolloutNodeState.SKIPPED else node.state
    message = release_pb2.RolloutNode(
        node=node_name(node.node_id), state=release_pb2.RolloutNode.State.Value(f"STATE_{state.name}")
    )
    if node.update_report:
        message.update.CopyFrom(release_pb2.UpdateReport.FromString(node.update_report))
    return message
