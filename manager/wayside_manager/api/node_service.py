"""NodeService: what nodes call. The caller is the node its certificate names."""

# ruff: noqa: ARG002, N802 -- gRPC fixes the names and the arguments of RPCs
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from wayside.errors import InvalidArgumentError, NotFoundError, OutOfRangeError, PermissionDeniedError
from wayside.names import release_version
from wayside.v1 import node_service_pb2, node_service_pb2_grpc
from wayside_manager.api.identity import admission, calling_node_id
from wayside_manager.api.job_uploads import JobUploads
from wayside_manager.api.neighbours import Neighbours
from wayside_manager.api.node_messages import timestamp
from wayside_manager.api.release_trust_messages import metadata_message
from wayside_manager.api.scopes import Context
from wayside_manager.api.session import Session, SessionStore
from wayside_manager.api.sessions import Sessions, said_hello
from wayside_manager.api.shell_bridge import ShellBridge
from wayside_manager.api.trust_messages import NodeTrust
from wayside_manager.core.artifact_places import ArtifactPlaces
from wayside_manager.core.credentials import CredentialRecord
from wayside_manager.ports.certificates import NodeCertifier
from wayside_manager.ports.config import ConfigStore
from wayside_manager.ports.release_trust import NodeQuestion, ReleaseSigner
from wayside_manager.ports.releases import ArtifactStore, ReleaseStore
from wayside_manager.ports.reports import ReportSink

CHUNK_BYTES = 1 << 20  # 789 MB/s per core over mTLS, 2.8 times 64 KiB chunks (measured-manager.md)
MIN_CHUNK_BYTES = 1 << 16  # a unit that asks for less would make the manager work for each byte

OLD_LASTS = timedelta(seconds=60)  # as node_service.proto says: what runs on the older certificate finds the newer
RENEW_PAUSE = timedelta(minutes=5)
RENEWALS_PER_LIFE_MAX = 6  # where certificates live for minutes


@dataclass(frozen=True, slots=True)
class ReleaseSource:
    """What nodes fetch of releases."""

    artifacts: ArtifactStore
    signer: ReleaseSigner
    places: ArtifactPlaces
    neighbours: Neighbours


class NodeServiceStore(SessionStore, ConfigStore, ReleaseStore, Protocol):
    """What the device plane reads of the store."""


class NodeService(node_service_pb2_grpc.NodeServiceServicer):
    """The device plane."""

    def __init__(
        self,
        store: NodeServiceStore,
        releases: ReleaseSource,
        sink: ReportSink,
        sessions: Sessions,
        certifier: NodeCertifier,
        *,
        uploads: JobUploads,
        shells: ShellBridge,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._artifacts, self._signer, self._places = releases.artifacts, releases.signer, releases.places
        self._neighbours = releases.neighbours
        self._sink = sink
        self._sessions = sessions
        self._certifier = certifier
        self._uploads = uploads
        self._shells = shells
        self._now = now

    async def Session(self, request_iterator: object, context: Context) -> None:  # type: ignore[override]  # writes itself
        """Follows one node until it leaves."""
        credential = _confirmed_certificate()
        self._sessions.admit(context)
        hello = await said_hello(context)
        trust = NodeTrust(self._certifier, credential, now=self._now)
        session = Session(
            admission(),
            context,
            self._store,
            self._sink,
            trust,
            places=self._places,
            neighbours=self._neighbours,
            now=self._now,
        )
        session.instance_id = hello.instance_id
        async with self._sessions.entered(session):
            await session.run(hello)

    async def FetchArtifact(
        self, request: node_service_pb2.FetchArtifactRequest, context: Context
    ) -> AsyncIterator[node_service_pb2.FetchArtifactResponse]:
        """The bytes of the release the node should run."""
        _confirmed_certificate()
        node = await self._store.get_node(calling_node_id())
        release = await self._store.get_release(release_version(request.release, field="release"))
        if node.desired.release is None or node.desired.release.version != release.version:
            raise PermissionDeniedError(
                f"node {node.node_id} should not run {release.version}; wait for a desired state that names it",
                reason="RELEASE_NOT_DESIRED",
            )
        sha256, size_bytes = release.sha256, release.size_bytes
        if request.delta_sha256:
            delta = await self._store.delta_to(release.version, request.delta_sha256)
            if delta is None:
                raise PermissionDeniedError(
                    f"delta_sha256: {request.delta_sha256[:80]!r} does not lead to {release.version}; "
                    "wait for a desired state that names one, or fetch the whole",
                    reason="DELTA_NOT_DESIRED",
                )
            sha256, size_bytes = delta.sha256, delta.size_bytes
        if not 0 <= request.offset_bytes <= size_bytes:
            raise OutOfRangeError(
                f"offset_bytes: {request.offset_bytes} is not within 0 to {size_bytes}", reason="OFFSET"
            )
        offset = request.offset_bytes
        chunk_bytes = min(CHUNK_BYTES, max(MIN_CHUNK_BYTES, request.max_chunk_bytes or CHUNK_BYTES))
        async for read in self._artifacts.read(sha256, offset_bytes=offset, chunk_bytes=CHUNK_BYTES):
            for begin in range(0, len(read), chunk_bytes):  # the disk is asked less often than the unit
                content = read[begin : begin + chunk_bytes]
                yield node_service_pb2.FetchArtifactResponse(offset_bytes=offset, content=content)
                offset += len(content)

    async def CheckPeer(
        self, request: node_service_pb2.CheckPeerRequest, context: Context
    ) -> node_service_pb2.CheckPeerResponse:
        """Whether somebody may have artifacts from the node."""
        _confirmed_certificate()
        await self._neighbours.check(calling_node_id(), request.certificate_sha256)
        return node_service_pb2.CheckPeerResponse()

    async def FetchTrust(
        self, request: node_service_pb2.FetchTrustRequest, context: Context
    ) -> node_service_pb2.FetchTrustResponse:
        """What is signed of releases, and what the node is directed to."""
        _confirmed_certificate()
        for field in ("image_root_version", "director_root_version"):
            if getattr(request, field) < 0:
                raise InvalidArgumentError(f"{field}: {getattr(request, field)} is negative")
        question = NodeQuestion(calling_node_id(), request.image_root_version, request.director_root_version)
        return metadata_message(await self._signer.metadata(question))

    async def FetchConfig(
        self, request: node_service_pb2.FetchConfigRequest, context: Context
    ) -> node_service_pb2.FetchConfigResponse:
        """One configuration of the node."""
        _confirmed_certificate()
        if request.revision < 0:
            raise InvalidArgumentError(f"revision: {request.revision} is negative")
        if request.revision == 0:  # to the store, 0 is the present one
            raise NotFoundError("revision: 0 is the agent's defaults; there is nothing to fetch", reason="NO_REVISION")
        config = await self._store.get_node_config(calling_node_id(), revision=request.revision)
        return node_service_pb2.FetchConfigResponse(revision=config.revision, config=config.content)

    async def GetAuthorities(
        self, request: node_service_pb2.GetAuthoritiesRequest, context: Context
    ) -> node_service_pb2.GetAuthoritiesResponse:
        """Whom a node must trust."""
        _confirmed_certificate()
        return node_service_pb2.GetAuthoritiesResponse(authorities_pem=self._certifier.authorities_pem)

    async def RenewCertificate(
        self, request: node_service_pb2.RenewCertificateRequest, context: Context
    ) -> node_service_pb2.RenewCertificateResponse:
        """The next certificate; the present one stays valid until the next is confirmed."""
        if _confirmed_certificate().revoke_time is not None:
            raise PermissionDeniedError(
                "the certificate of this connection is on its way out; renew with the newer one",
                reason="CERTIFICATE_REPLACED",
            )
        node_id, now = calling_node_id(), self._now()
        node = await self._store.get_node(node_id)
        issued = self._certifier.issue(
            node_id, request.certificate_request_pem, kind=node.kind, now=now, is_confirmed=False
        )
        pause = min(RENEW_PAUSE, self._certifier.life / RENEWALS_PER_LIFE_MAX)
        await self._store.add_next_certificate(node_id, issued.record, not_after_another_since=now - pause)
        return node_service_pb2.RenewCertificateResponse(
            certificate_pem=issued.pem,
            authorities_pem=self._certifier.authorities_pem,
            expire_time=timestamp(issued.record.expire_time) if issued.record.expire_time else None,
        )

    async def ConfirmCertificate(
        self, request: node_service_pb2.ConfirmCertificateRequest, context: Context
    ) -> node_service_pb2.ConfirmCertificateResponse:
        """The certificate of this connection becomes the node's only one."""
        now = self._now()
        record = await self._store.confirm_certificate(_certificate().sha256, now=now, old_until=now + OLD_LASTS)
        return node_service_pb2.ConfirmCertificateResponse(
            expire_time=timestamp(record.expire_time) if record.expire_time else None
        )

    async def UploadJobArtifact(self, request_iterator: object, context: Context) -> None:  # type: ignore[override]  # as Session
        """Takes a file that a job of the node brings."""
        _confirmed_certificate()
        await self._uploads.take(calling_node_id(), context)

    async def OpenShell(self, request_iterator: object, context: Context) -> None:  # type: ignore[override]  # as Session
        """Connects a shell that a job of the node opened."""
        _confirmed_certificate()
        await self._shells.serve_unit(calling_node_id(), context)


def _certificate() -> CredentialRecord:
    credential = admission().credential
    if credential is None:
        raise PermissionDeniedError("only a node may do this, with its client certificate", reason="NOT_A_NODE")
    return credential


def _confirmed_certificate() -> CredentialRecord:
    """The certificate of this connection.

    Raises: PermissionDeniedError: the node has not confirmed it yet, so it opens nothing else.
    """
    calling_node_id()
    credential = _certificate()
    if not credential.is_confirmed:
        raise PermissionDeniedError(
            "the certificate of this connection is not confirmed; call ConfirmCertificate with it first",
            reason="CERTIFICATE_UNCONFIRMED",
        )
    return credential
