"""Releases on the wire. Usage: `release_message(record)`."""

from wayside.names import release_name, tenant_name
from wayside.v1 import release_pb2
from wayside_manager.api.node_messages import timestamp
from wayside_manager.core.releases import ReleaseRecord


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
        has_config_schema=release.has_config_schema,
    )
