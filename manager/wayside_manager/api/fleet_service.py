"""FleetService: nodes, for operators and integrators."""

# ruff: noqa: ARG002, N802 -- gRPC fixes the names and the arguments of RPCs
import secrets
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Protocol

from wayside.errors import InvalidArgumentError
from wayside.names import node_id
from wayside.v1 import fleet_service_pb2, fleet_service_pb2_grpc
from wayside_manager.api.calls import Calls
from wayside_manager.api.identity import token_hash
from wayside_manager.api.node_messages import (
    labels,
    node_filter,
    node_message,
    optional_kind,
    presence_at,
    timestamp,
)
from wayside_manager.api.scopes import Context, send
from wayside_manager.core.enrollment import TokenRecord
from wayside_manager.core.nodes import NodeChange, NodeRecord
from wayside_manager.core.selectors import NodeFilter, passes
from wayside_manager.ports.enrollment import EnrollmentStore
from wayside_manager.ports.nodes import NodeStore
from wayside_manager.ports.wakeups import Bus, Topic

TTL_DEFAULT = timedelta(hours=1)  # this and the next two: as fleet_service.proto says
TTL_MAX = timedelta(days=30)
USE_COUNT_MAX = 10_000
TEXT_MAX_CHARS = 200  # display name, site: a line on a screen
ENROLLMENT_TOKEN_PREFIX = "wse_"  # noqa: S105  # makes a leaked token findable
WATCH_PAGE_SIZE = 500


class FleetStore(NodeStore, EnrollmentStore, Protocol):
    """What the fleet needs of the store."""


class FleetService(fleet_service_pb2_grpc.FleetServiceServicer):
    """The operators' view of nodes."""

    def __init__(self, store: FleetStore, bus: Bus, calls: Calls, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._bus = bus
        self._calls = calls
        self._now = now

    async def GetNode(
        self, request: fleet_service_pb2.GetNodeRequest, context: Context
    ) -> fleet_service_pb2.GetNodeResponse:
        """One node."""
        node = await self._store.get_node(node_id(request.name))
        return fleet_service_pb2.GetNodeResponse(node=node_message(node, now=self._now()))

    async def ListNodes(
        self, request: fleet_service_pb2.ListNodesRequest, context: Context
    ) -> fleet_service_pb2.ListNodesResponse:
        """A page of nodes."""
        now = self._now()
        page = await self._store.list_nodes(
            node_filter(request.filter), now=now, page_size=request.page_size, page_token=request.page_token
        )
        return fleet_service_pb2.ListNodesResponse(
            nodes=[node_message(node, now=now) for node in page.items], next_page_token=page.next_page_token
        )

    async def UpdateNode(
        self, request: fleet_service_pb2.UpdateNodeRequest, context: Context
    ) -> fleet_service_pb2.UpdateNodeResponse:
        """Changes display name, site or labels."""
        changed_id = node_id(request.node.name, field="node.name")
        change = _change(request)
        node = await self._store.update_node(changed_id, change, now=self._now(), etag=request.node.etag)
        await self._wake(node)
        return fleet_service_pb2.UpdateNodeResponse(node=node_message(node, now=self._now()))

    async def RetireNode(
        self, request: fleet_service_pb2.RetireNodeRequest, context: Context
    ) -> fleet_service_pb2.RetireNodeResponse:
        """Takes a node out of service; the wake-up ends its session."""
        node = await self._store.retire_node(node_id(request.name), now=self._now(), etag=request.etag)
        await self._wake(node)
        return fleet_service_pb2.RetireNodeResponse(node=node_message(node, now=self._now()))

    async def WatchNodes(  # type: ignore[override]  # writes by itself, so that `endable` sees every wait
        self, request: fleet_service_pb2.WatchNodesRequest, context: Context
    ) -> None:
        """Nodes now, then each that changes."""
        chosen = node_filter(request.filter)
        async with self._calls.endable(context), self._bus.subscribe(Topic.NODE) as subscription:
            shown: set[str] = set()
            async for node in self._all(chosen):
                shown.add(node.node_id)
                await send(context, self._seen(node))
            while True:
                for changed_id in sorted(await subscription.changed()):
                    node = await self._store.get_node(changed_id)
                    passing = passes(chosen, node, presence_at(node, self._now()))
                    if passing or changed_id in shown:  # one that passes no more is sent a last time
                        await send(context, self._seen(node))
                    (shown.add if passing else shown.discard)(changed_id)

    async def CreateEnrollmentToken(
        self, request: fleet_service_pb2.CreateEnrollmentTokenRequest, context: Context
    ) -> fleet_service_pb2.CreateEnrollmentTokenResponse:
        """A token with which units can enrol."""
        now = self._now()
        token = ENROLLMENT_TOKEN_PREFIX + secrets.token_urlsafe(32)
        if not 0 <= request.max_use_count <= USE_COUNT_MAX:
            raise InvalidArgumentError(f"max_use_count: {request.max_use_count} is not within 0 to {USE_COUNT_MAX}")
        record = TokenRecord(
            sha256=token_hash(token),
            create_time=now,
            expire_time=now + _ttl(request),
            remaining_use_count=request.max_use_count or 1,
            node_id=node_id(request.node, field="node") if request.node else "",
            kind=optional_kind(request.kind, field="kind"),
        )
        await self._store.add_token(record)
        return fleet_service_pb2.CreateEnrollmentTokenResponse(token=token, expire_time=timestamp(record.expire_time))

    async def _wake(self, node: NodeRecord) -> None:
        await self._bus.publish(Topic.DESIRED, (node.node_id,))
        await self._bus.publish(Topic.NODE, (node.node_id,))

    async def _all(self, chosen: NodeFilter) -> AsyncIterator[NodeRecord]:
        token = ""
        while True:
            page = await self._store.list_nodes(chosen, now=self._now(), page_size=WATCH_PAGE_SIZE, page_token=token)
            for node in page.items:
                yield node
            token = page.next_page_token
            if not token:
                return

    def _seen(self, node: NodeRecord) -> fleet_service_pb2.WatchNodesResponse:
        return fleet_service_pb2.WatchNodesResponse(node=node_message(node, now=self._now()))


def _change(request: fleet_service_pb2.UpdateNodeRequest) -> NodeChange:
    paths = set(request.update_mask.paths)
    unknown = sorted(paths - {"display_name", "site", "labels"})
    if unknown or not paths:
        named = unknown[0][:80] if unknown else "nothing"
        raise InvalidArgumentError(f"update_mask: names {named!r}; name display_name, site or labels")
    return NodeChange(
        display_name=_text(request.node.display_name, "node.display_name") if "display_name" in paths else None,
        site=_text(request.node.site, "node.site") if "site" in paths else None,
        labels=labels(request.node.labels, field="node.labels") if "labels" in paths else None,
    )


def _text(value: str, field: str) -> str:
    if len(value) > TEXT_MAX_CHARS or not value.isprintable():
        raise InvalidArgumentError(f"{field}: give at most {TEXT_MAX_CHARS} printable characters on one line")
    return value


def _ttl(request: fleet_service_pb2.CreateEnrollmentTokenRequest) -> timedelta:
    if not request.HasField("ttl"):
        return TTL_DEFAULT
    seconds = request.ttl.seconds + request.ttl.nanos / 1e9
    if not 1 <= seconds <= TTL_MAX.total_seconds():
        raise InvalidArgumentError(f"ttl: {seconds} s is not within 1 s to {TTL_MAX.days} days")
    return timedelta(seconds=seconds)
