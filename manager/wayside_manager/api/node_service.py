"""NodeService: what nodes call. The caller is the node its certificate names."""

# ruff: noqa: ARG002, N802 -- gRPC fixes the names and the arguments of RPCs
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Protocol

from wayside.errors import InvalidArgumentError, NotFoundError, OutOfRangeError, PermissionDeniedError
from wayside.names import release_version
from wayside.v1 import node_service_pb2, node_service_pb2_grpc
from wayside_manager.api.identity import calling_node_id
from wayside_manager.api.scopes import Context
from wayside_manager.api.session import Session, Sessions, SessionStore, said_hello
from wayside_manager.ports.config import ConfigStore
from wayside_manager.ports.releases import ArtifactStore, ReleaseStore
from wayside_manager.ports.reports import ReportSink

CHUNK_BYTES = 1 << 20  # 789 MB/s per core over mTLS, 2.8 times 64 KiB chunks (measured-manager.md)


class NodeServiceStore(SessionStore, ConfigStore, ReleaseStore, Protocol):
    """What the device plane reads of the store."""


class NodeService(node_service_pb2_grpc.NodeServiceServicer):
    """The device plane."""

    def __init__(
        self,
        store: NodeServiceStore,
        artifacts: ArtifactStore,
        sink: ReportSink,
        sessions: Sessions,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._artifacts = artifacts
        self._sink = sink
        self._sessions = sessions
        self._now = now

    async def Session(self, request_iterator: object, context: Context) -> None:  # type: ignore[override]  # writes itself
        """Follows one node until it leaves."""
        node_id = calling_node_id()
        hello = await said_hello(context)
        session = Session(node_id, context, self._store, self._sink)
        async with self._sessions.entered(session):
            await session.run(hello, self._now())

    async def FetchArtifact(
        self, request: node_service_pb2.FetchArtifactRequest, context: Context
    ) -> AsyncIterator[node_service_pb2.FetchArtifactResponse]:
        """The bytes of the release the node should run."""
        node = await self._store.get_node(calling_node_id())
        release = await self._store.get_release(release_version(request.release, field="release"))
        if node.desired.release is None or node.desired.release.version != release.version:
            raise PermissionDeniedError(
                f"node {node.node_id} should not run {release.version}; wait for a desired state that names it",
                reason="RELEASE_NOT_DESIRED",
            )
        if not 0 <= request.offset_bytes <= release.size_bytes:
            raise OutOfRangeError(
                f"offset_bytes: {request.offset_bytes} is not within 0 to {release.size_bytes}", reason="OFFSET"
            )
        offset = request.offset_bytes
        async for content in self._artifacts.read(release.sha256, offset_bytes=offset, chunk_bytes=CHUNK_BYTES):
            yield node_service_pb2.FetchArtifactResponse(offset_bytes=offset, content=content)
            offset += len(content)

    async def FetchConfig(
        self, request: node_service_pb2.FetchConfigRequest, context: Context
    ) -> node_service_pb2.FetchConfigResponse:
        """One configuration of the node."""
        if request.revision < 0:
            raise InvalidArgumentError(f"revision: {request.revision} is negative")
        if request.revision == 0:  # to the store, 0 is the present one
            raise NotFoundError("revision: 0 is the agent's defaults; there is nothing to fetch", reason="NO_REVISION")
        config = await self._store.get_node_config(calling_node_id(), revision=request.revision)
        return node_service_pb2.FetchConfigResponse(revision=config.revision, config=config.content)
