"""ReleaseService: releases and their rollouts."""

# ruff: noqa: ARG002, N802 -- gRPC fixes the names and the arguments of RPCs
import asyncio
import secrets
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Protocol

from wayside.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError, WaysideError
from wayside.names import release_version, rollout_id
from wayside.v1 import release_service_pb2, release_service_pb2_grpc
from wayside_manager.api.calls import Calls
from wayside_manager.api.identity import admission, admitted_tenant
from wayside_manager.api.node_messages import selector
from wayside_manager.api.release_archive import check_archive
from wayside_manager.api.release_messages import release_message, rollout_message
from wayside_manager.api.release_upload import check_spec, content, drained
from wayside_manager.api.scopes import EOF, Context, received, send
from wayside_manager.core.releases import ReleaseRecord, release_taken
from wayside_manager.core.rollout import ENDED, RolloutOrder, RolloutRecord, RolloutSpec
from wayside_manager.core.selectors import NodeSelector
from wayside_manager.ports.nodes import NodeStore
from wayside_manager.ports.releases import ArtifactStore, ReleaseStore
from wayside_manager.ports.rollouts import RolloutStore
from wayside_manager.ports.wakeups import Bus, Topic

COUNT_MAX = 100_000
LOOK_AGAIN_S = 30.0  # a lost wake-up costs a watcher at most this


class ReleaseServiceStore(ReleaseStore, RolloutStore, NodeStore, Protocol):
    """What releases need of the store."""


class ReleaseService(release_service_pb2_grpc.ReleaseServiceServicer):
    """Releases and rollouts."""

    def __init__(
        self,
        store: ReleaseServiceStore,
        artifacts: ArtifactStore,
        bus: Bus,
        calls: Calls,
        *,
        now: Callable[[], datetime],
        artifact_max_bytes: int,
    ) -> None:
        self._store = store
        self._artifacts = artifacts
        self._bus = bus
        self._calls = calls
        self._now = now
        self._artifact_max_bytes = artifact_max_bytes

    async def CreateRelease(
        self, request_iterator: object, context: Context
    ) -> release_service_pb2.CreateReleaseResponse:
        """Publishes a release; the bytes go straight to the artifact store."""
        first = await received(context)
        if first is EOF or first.WhichOneof("message") != "spec":
            raise InvalidArgumentError("the first message of an upload is a spec", reason="SPEC_MISSING")
        spec = first.spec
        try:
            tenant_id = admitted_tenant(spec.tenant, field="spec.tenant")
            check_spec(spec, max_bytes=self._artifact_max_bytes)
            await self._check_free(spec.version)
            await self._artifacts.write(
                content(context),
                sha256=spec.sha256,
                size_bytes=spec.size_bytes,
                inspect=partial(check_archive, version=spec.version),
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
                tenant_id=tenant_id,
            )
        )
        return release_service_pb2.CreateReleaseResponse(release=release_message(release))

    async def GetRelease(
        self, request: release_service_pb2.GetReleaseRequest, context: Context
    ) -> release_service_pb2.GetReleaseResponse:
        """One release."""
        release = await self._store.get_release(release_version(request.name))
        return release_service_pb2.GetReleaseResponse(release=release_message(release))

    async def ListReleases(
        self, request: release_service_pb2.ListReleasesRequest, context: Context
    ) -> release_service_pb2.ListReleasesResponse:
        """A page of releases."""
        page = await self._store.list_releases(
            reach=admission().reach, page_size=request.page_size, page_token=request.page_token
        )
        return release_service_pb2.ListReleasesResponse(
            releases=map(release_message, page.items), next_page_token=page.next_page_token
        )

    async def CreateRollout(
        self, request: release_service_pb2.CreateRolloutRequest, context: Context
    ) -> release_service_pb2.CreateRolloutResponse:
        """Starts a rollout for the nodes the selector names now."""
        version = release_version(request.release, field="release")
        spec = RolloutSpec(
            rollout_id=f"r{secrets.token_hex(5)}",
            version=version,
            node_ids=await self._selected(selector(request.selector, field="selector")),
            max_in_flight_count=_count(request.max_in_flight_count, "max_in_flight_count"),
            max_failure_count=_count(request.max_failure_count, "max_failure_count"),
            request_id=_request_id(request.request_id),
            tenant_id=admission().tenant_id,
        )
        rollout = await self._store.create_rollout(spec, now=self._now())
        await self._bus.publish(Topic.ROLLOUT, (rollout.rollout_id,))
        return release_service_pb2.CreateRolloutResponse(rollout=rollout_message(rollout))

    async def GetRollout(
        self, request: release_service_pb2.GetRolloutRequest, context: Context
    ) -> release_service_pb2.GetRolloutResponse:
        """One rollout."""
        rollout = await self._store.get_rollout(rollout_id(request.name))
        return release_service_pb2.GetRolloutResponse(rollout=rollout_message(rollout))

    async def ListRollouts(
        self, request: release_service_pb2.ListRolloutsRequest, context: Context
    ) -> release_service_pb2.ListRolloutsResponse:
        """A page of rollouts."""
        page = await self._store.list_rollouts(
            reach=admission().reach, page_size=request.page_size, page_token=request.page_token
        )
        return release_service_pb2.ListRolloutsResponse(
            rollouts=map(rollout_message, page.items), next_page_token=page.next_page_token
        )

    async def WatchRollout(  # type: ignore[override]  # writes by itself, so that `endable` sees every wait
        self, request: release_service_pb2.WatchRolloutRequest, context: Context
    ) -> None:
        """The rollout now and whenever it changes, until it ends."""
        watched_id = rollout_id(request.name)
        async with self._calls.endable(context), self._bus.subscribe(Topic.ROLLOUT, watched_id) as subscription:
            sent = None
            while sent is None or sent.state not in ENDED:
                rollout = await self._store.get_rollout(watched_id)
                if rollout != sent:
                    await send(context, release_service_pb2.WatchRolloutResponse(rollout=rollout_message(rollout)))
                    sent = rollout
                    continue  # wake-ups coalesce, and one may have come while we wrote
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_AGAIN_S):
                        await subscription.changed()

    async def PauseRollout(
        self, request: release_service_pb2.PauseRolloutRequest, context: Context
    ) -> release_service_pb2.PauseRolloutResponse:
        """Hands out nothing new until resumed."""
        rollout = await self._ordered(request.name, RolloutOrder.PAUSE)
        return release_service_pb2.PauseRolloutResponse(rollout=rollout_message(rollout))

    async def ResumeRollout(
        self, request: release_service_pb2.ResumeRolloutRequest, context: Context
    ) -> release_service_pb2.ResumeRolloutResponse:
        """Goes on handing out."""
        rollout = await self._ordered(request.name, RolloutOrder.RESUME)
        return release_service_pb2.ResumeRolloutResponse(rollout=rollout_message(rollout))

    async def AbortRollout(
        self, request: release_service_pb2.AbortRolloutRequest, context: Context
    ) -> release_service_pb2.AbortRolloutResponse:
        """Ends a rollout."""
        rollout = await self._ordered(request.name, RolloutOrder.ABORT)
        return release_service_pb2.AbortRolloutResponse(rollout=rollout_message(rollout))

    async def _ordered(self, name: str, order: RolloutOrder) -> RolloutRecord:
        rollout = await self._store.order_rollout(rollout_id(name), order, now=self._now())
        await self._bus.publish(Topic.ROLLOUT, (rollout.rollout_id,))
        return rollout

    async def _selected(self, chosen: NodeSelector) -> tuple[str, ...]:
        """The nodes a rollout is for; those of others, or out of the caller's reach, are as if they were not there."""
        select = partial(self._store.select_nodes, reach=admission().reach, tenant_id=admission().tenant_id)
        if chosen.node_ids:  # a node asked for by name must not be left out silently
            there = await select(NodeSelector(node_ids=chosen.node_ids))
            missing = sorted(set(chosen.node_ids).difference(there))
            if missing:
                raise FailedPreconditionError(
                    f"selector.nodes: {missing[0]} is not in service; leave it out or enrol it", reason="NODE_NOT_FOUND"
                )
        return await select(chosen)

    async def _check_free(self, version: str) -> None:
        """Raises early, before the bytes come; the store has the last word, in the same sentence."""
        with suppress(NotFoundError):
            await self._store.get_release(version)
            raise release_taken(version)


def _count(value: int, field: str) -> int:
    if not 0 <= value <= COUNT_MAX:
        raise InvalidArgumentError(f"{field}: {value} is not within 0 to {COUNT_MAX}")
    return value or 1


def _request_id(value: str) -> str:
    try:
        return str(uuid.UUID(value)) if value else ""
    except ValueError as exc:
        raise InvalidArgumentError(f"request_id: {value[:80]!r} is no UUID; leave it empty or give one") from exc
