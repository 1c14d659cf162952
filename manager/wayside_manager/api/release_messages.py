"""Releases on the wire. Usage: `release_message(record)`."""

from collections.abc import Iterable
from datetime import datetime

from google.protobuf.duration_pb2 import Duration

from wayside.names import release_name, tenant_name
from wayside.release_manifest import Manifest, Notice
from wayside.v1 import node_service_pb2, release_pb2
from wayside_manager.api.node_messages import timestamp
from wayside_manager.core.artifact_places import ArtifactPlaces
from wayside_manager.core.deltas import DeltaRecord
from wayside_manager.core.releases import ReleaseRecord


def release_message(release: ReleaseRecord, deltas: Iterable[DeltaRecord] = ()) -> release_pb2.Release:
    """A release as operators see it."""
    message = release_pb2.Release(
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
        deltas=map(delta_message, deltas),
    )
    if release.manifest is not None:
        message.MergeFrom(_described(release.manifest))
    return message


def delta_message(delta: DeltaRecord) -> release_pb2.ReleaseDelta:
    """A delta as operators see it."""
    return release_pb2.ReleaseDelta(
        base=release_name(delta.base_version),
        state=release_pb2.ReleaseDelta.State.Value(f"STATE_{delta.state.name}"),
        size_bytes=delta.size_bytes,
        sha256=delta.sha256,
        message=delta.message,
    )


def delta_offer(delta: DeltaRecord) -> node_service_pb2.DeltaOffer:
    """A delta as a node is told it."""
    return node_service_pb2.DeltaOffer(
        base_tree_sha256=delta.base_tree_sha256, sha256=delta.sha256, size_bytes=delta.size_bytes
    )


def tell_places(target: node_service_pb2.ReleaseTarget, places: ArtifactPlaces, node_id: str, *, now: datetime) -> None:
    """Adds where else the node may fetch the whole and the delta it is told."""
    target.urls.extend(places.urls(target.sha256, node_id, now))
    if target.HasField("delta"):
        target.delta.urls.extend(places.urls(target.delta.sha256, node_id, now))


def _described(manifest: Manifest) -> release_pb2.Release:
    """The fields that the release says of itself."""
    components = (
        release_pb2.ReleaseComponent(
            name=each.name, version=each.version, file=each.file, size_bytes=each.size_bytes, driver=each.driver
        )
        for each in manifest.components
    )
    return release_pb2.Release(
        counter=manifest.counter,
        hardware_ids=manifest.hardware_ids,
        components=components,
        requires=manifest.requires,
        notices={language: _notice(notice) for language, notice in manifest.notices.items()},
        tree_sha256=manifest.tree_sha256,
        downgrade_from_counter=manifest.downgrade_from_counter,
        return_to_counter=manifest.return_to_counter,
    )


def _notice(notice: Notice) -> release_pb2.ReleaseNotice:
    duration = Duration()
    duration.FromNanoseconds(int(notice.duration_s * 1e9))
    return release_pb2.ReleaseNotice(
        purpose=notice.purpose,
        changes=notice.changes,
        duration=duration,
        unavailable=notice.unavailable,
        safety=notice.safety,
    )
