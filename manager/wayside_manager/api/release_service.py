"""ReleaseService: see `release_service.proto`."""

# ruff: noqa: ARG002, N802 -- gRPC fixes the names and the arguments of RPCs
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Protocol

from wayside.errors import InvalidArgumentError, NotFoundError, WaysideError
from wayside.names import release_version
from wayside.v1 import release_service_pb2, release_service_pb2_grpc
from wayside_manager.api.identity import admission, admitted_tenant
from wayside_manager.api.release_judge import ReleaseJudge
from wayside_manager.api.release_messages import release_message
from wayside_manager.api.release_trust_messages import trust_message
from wayside_manager.api.release_upload import check_spec, content, drained
from wayside_manager.api.scopes import EOF, Context, received
from wayside_manager.core.deltas import DeltaRecord
from wayside_manager.core.release_trust.updating import Brought, updated_trust
from wayside_manager.core.releases import ReleaseRecord, release_taken
from wayside_manager.ports.deltas import DeltaStore
from wayside_manager.ports.release_trust import ReleaseSigner, ReleaseTrustStore
from wayside_manager.ports.releases import ArtifactStore, ReleaseStore


class ReleaseServiceStore(ReleaseStore, ReleaseTrustStore, DeltaStore, Protocol):
    """What the service needs of the store."""


class ReleaseService(release_service_pb2_grpc.ReleaseServiceServicer):
    """Releases of the agent's software."""

    def __init__(
        self,
        store: ReleaseServiceStore,
        artifacts: ArtifactStore,
        signer: ReleaseSigner,
        *,
        now: Callable[[], datetime],
        artifact_max_bytes: int,
    ) -> None:
        self._store = store
        self._artifacts = artifacts
        self._signer = signer
        self._now = now
        self._artifact_max_bytes = artifact_max_bytes

    async def CreateRelease(
        self, request_iterator: object, context: Context
    ) -> release_service_pb2.CreateReleaseResponse:
        """Publishes a release; the bytes go straight to the artifact store."""
        first = await received(context)
        if first is EOF or first.WhichOneof("message") != "spec":
            raise InvalidArgumentError("the first message of an upload is a spec", reason="SPEC_MISSING")
        spec, judge = first.spec, ReleaseJudge(first.spec, self._now())
        try:
            tenant_id = admitted_tenant(spec.tenant, field="spec.tenant")
            check_spec(spec, max_bytes=self._artifact_max_bytes)
            await self._check_free(spec.version)
            judge.look(await self._store.get_trust(), await self._store.releases_in_use(tenant_id))
            await self._artifacts.write(
                content(context), sha256=spec.sha256, size_bytes=spec.size_bytes, inspect=judge.inspect
            )
        except WaysideError:
            await drained(context)
            raise
        release = await self._store.add_release(
            ReleaseRecord(
                version=spec.version,
                sha256=spec.sha256,
                size_bytes=spec.size_bytes,
                notes=spec.notes,
                create_time=self._now(),
                config_schema=judge.archive.config_schema,
                tenant_id=tenant_id,
                manifest=judge.archive.manifest,
            ),
            decide=judge.decide,
        )
        return release_service_pb2.CreateReleaseResponse(release=release_message(release))

    async def GetRelease(
        self, request: release_service_pb2.GetReleaseRequest, context: Context
    ) -> release_service_pb2.GetReleaseResponse:
        """One release."""
        release = await self._store.get_release(release_version(request.name))
        deltas = await self._store.list_deltas([release.version])
        return release_service_pb2.GetReleaseResponse(release=release_message(release, deltas))

    async def ListReleases(
        self, request: release_service_pb2.ListReleasesRequest, context: Context
    ) -> release_service_pb2.ListReleasesResponse:
        """A page of releases."""
        page = await self._store.list_releases(
            reach=admission().reach, page_size=request.page_size, page_token=request.page_token
        )
        deltas: dict[str, list[DeltaRecord]] = {release.version: [] for release in page.items}
        for delta in await self._store.list_deltas(deltas):
            deltas[delta.version].append(delta)
        return release_service_pb2.ListReleasesResponse(
            releases=(release_message(release, deltas[release.version]) for release in page.items),
            next_page_token=page.next_page_token,
        )

    async def RetireRelease(
        self, request: release_service_pb2.RetireReleaseRequest, context: Context
    ) -> release_service_pb2.RetireReleaseResponse:
        """Takes a release out of use."""
        release = await self._store.retire_release(release_version(request.name), etag=request.etag)
        return release_service_pb2.RetireReleaseResponse(release=release_message(release))

    async def GetReleaseTrust(
        self, request: release_service_pb2.GetReleaseTrustRequest, context: Context
    ) -> release_service_pb2.GetReleaseTrustResponse:
        """The roots of trust."""
        message = trust_message(await self._store.get_trust(), self._signer.public_key_pem)
        return release_service_pb2.GetReleaseTrustResponse(trust=message)

    async def UpdateReleaseTrust(
        self, request: release_service_pb2.UpdateReleaseTrustRequest, context: Context
    ) -> release_service_pb2.UpdateReleaseTrustResponse:
        """Takes roots that follow those there are."""
        brought, now = Brought(request.image_roots, request.director_roots, request.image_targets), self._now()
        trust = await self._store.update_trust(
            lambda held: updated_trust(held, brought, manager_key_id=self._signer.key_id, now=now)
        )
        message = trust_message(trust, self._signer.public_key_pem)
        return release_service_pb2.UpdateReleaseTrustResponse(trust=message)

    async def _check_free(self, version: str) -> None:
        """Raises early, before the bytes come; the store has the last word, in the same sentence."""
        with suppress(NotFoundError):
            await self._store.get_release(version)
            raise release_taken(version)
