"""FleetService: nodes and events, for operators and integrators."""

# ruff: noqa: ARG002, N802 -- gRPC fixes the names and the arguments of RPCs
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from wayside.errors import InvalidArgumentError, PermissionDeniedError
from wayside.names import node_id, site_id
from wayside.v1 import fleet_service_pb2, fleet_service_pb2_grpc
from wayside_manager.api.calls import Calls
from wayside_manager.api.event_reading import EventReading
from wayside_manager.api.identity import admission, admitted_tenant
from wayside_manager.api.node_messages import labels, node_filter, node_message, presence_at
from wayside_manager.api.place_messages import variables
from wayside_manager.api.scopes import Context, send
from wayside_manager.core.access import Reach
from wayside_manager.core.missing import hidden
from wayside_manager.core.nodes import NodeChange, NodeRecord
from wayside_manager.core.rights import gains
from wayside_manager.core.selectors import NodeFilter, passes, place_of
from wayside_manager.ports.events import EventStore
from wayside_manager.ports.nodes import NodeStore
from wayside_manager.ports.wakeups import Bus, Topic

TEXT_MAX_CHARS = 200  # display name: a line on a screen
WATCH_PAGE_SIZE = 500


class FleetStore(NodeStore, EventStore, Protocol):
    """What is needed of the store."""


class FleetService(fleet_service_pb2_grpc.FleetServiceServicer):
    """The operators' view of nodes."""

    def __init__(self, store: FleetStore, bus: Bus, calls: Calls, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._bus = bus
        self._calls = calls
        self._now = now
        self._events = EventReading(store, bus, calls)

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
            node_filter(request.filter),
            reach=admission().reach,
            now=now,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return fleet_service_pb2.ListNodesResponse(
            nodes=[node_message(node, now=now) for node in page.items], next_page_token=page.next_page_token
        )

    async def UpdateNode(
        self, request: fleet_service_pb2.UpdateNodeRequest, context: Context
    ) -> fleet_service_pb2.UpdateNodeResponse:
        """Changes display name, site, labels, tenant or variables."""
        changed_id = node_id(request.node.name, field="node.name")
        change = _change(request)
        present = await self._store.get_node(changed_id)
        _check_stays(present, change)
        # what was looked at above is what is changed: it may have gone to somebody else meanwhile
        etag = request.node.etag or present.etag
        node = await self._store.update_node(changed_id, change, now=self._now(), etag=etag)
        await self._wake(node)
        return fleet_service_pb2.UpdateNodeResponse(node=node_message(node, now=self._now()))

    async def RetireNode(
        self, request: fleet_service_pb2.RetireNodeRequest, context: Context
    ) -> fleet_service_pb2.RetireNodeResponse:
        """Takes a node out of service; the wake-up ends its session."""
        node = await self._store.retire_node(node_id(request.name), now=self._now(), etag=request.etag)
        await self._wake(node)
        return fleet_service_pb2.RetireNodeResponse(node=node_message(node, now=self._now()))

    async def RevokeNode(
        self, request: fleet_service_pb2.RevokeNodeRequest, context: Context
    ) -> fleet_service_pb2.RevokeNodeResponse:
        """Takes the certificates of a node back; the wake-up ends its session."""
        node = await self._store.revoke_node(node_id(request.name), now=self._now(), etag=request.etag)
        await self._wake(node)
        return fleet_service_pb2.RevokeNodeResponse(node=node_message(node, now=self._now()))

    async def WatchNodes(  # type: ignore[override]  # writes by itself, so that `endable` sees every wait
        self, request: fleet_service_pb2.WatchNodesRequest, context: Context
    ) -> None:
        """Nodes now, then each that changes."""
        chosen, reach = node_filter(request.filter), admission().reach
        async with self._calls.endable(context), self._bus.subscribe(Topic.NODE) as subscription:
            shown: set[str] = set()
            async for node in self._all(chosen, reach):
                shown.add(node.node_id)
                await send(context, self._seen(node))
            while True:
                for changed_id in sorted(await subscription.changed()):
                    node = await self._store.get_node(changed_id)
                    if not reach.covers(place_of(node)):  # what became of it elsewhere is not this caller's to know
                        shown.discard(changed_id)
                        continue
                    passing = passes(chosen, node, presence_at(node, self._now()))
                    if passing or changed_id in shown:  # one that passes no more is sent a last time
                        await send(context, self._seen(node))
                    (shown.add if passing else shown.discard)(changed_id)

    async def ListEvents(
        self, request: fleet_service_pb2.ListEventsRequest, context: Context
    ) -> fleet_service_pb2.ListEventsResponse:
        """Events behind a cursor."""
        return await self._events.listed(request)

    async def WatchEvents(  # type: ignore[override]  # writes by itself, so that `endable` sees every wait
        self, request: fleet_service_pb2.WatchEventsRequest, context: Context
    ) -> None:
        """Events behind a cursor, then each as it falls."""
        await self._events.watch(request, context)

    async def _wake(self, node: NodeRecord) -> None:
        await self._bus.publish(Topic.DESIRED, (node.node_id,))
        await self._bus.publish(Topic.NODE, (node.node_id,))
        await self._bus.publish(Topic.EVENT, [""])

    async def _all(self, chosen: NodeFilter, reach: Reach) -> AsyncIterator[NodeRecord]:
        token = ""
        while True:
            page = await self._store.list_nodes(
                chosen, reach=reach, now=self._now(), page_size=WATCH_PAGE_SIZE, page_token=token
            )
            for node in page.items:
                yield node
            token = page.next_page_token
            if not token:
                return

    def _seen(self, node: NodeRecord) -> fleet_service_pb2.WatchNodesResponse:
        return fleet_service_pb2.WatchNodesResponse(node=node_message(node, now=self._now()))


def _change(request: fleet_service_pb2.UpdateNodeRequest) -> NodeChange:
    paths = set(request.update_mask.paths)
    unknown = sorted(paths - {"display_name", "site", "labels", "tenant", "variables"})
    if unknown or not paths:
        named = unknown[0][:80] if unknown else "nothing"
        raise InvalidArgumentError(
            f"update_mask: names {named!r}; name display_name, site, labels, tenant or variables"
        )
    return NodeChange(
        display_name=_text(request.node.display_name, "node.display_name") if "display_name" in paths else None,
        site_id=_new_site(request.node.site) if "site" in paths else None,
        variables=variables(request.node.variables, field="node.variables") if "variables" in paths else None,
        labels=labels(request.node.labels, field="node.labels") if "labels" in paths else None,
        tenant_id=_new_tenant(request.node.tenant) if "tenant" in paths else None,
    )


def _new_tenant(name: str) -> str:
    if not name:
        raise InvalidArgumentError("node.tenant: say which; a node always belongs to a tenant")
    return admitted_tenant(name, field="node.tenant")


def _new_site(name: str) -> str:
    """Empty: it stands nowhere in particular."""
    return site_id(name, field="node.site") if name else ""


def _check_stays(node: NodeRecord, change: NodeChange) -> None:
    """Nobody may put a node where they may not change it: among other people's, where other layers reach it.

    Nor where they may do more with it than they may now, with whatever credential they have.
    """
    caller = admission()
    after = replace(
        node,
        tenant_id=node.tenant_id if change.tenant_id is None else change.tenant_id,
        site_id=node.site_id if change.site_id is None else change.site_id,
        labels=node.labels if change.labels is None else change.labels,
    )
    if not caller.reach.covers(place_of(node)):  # it has gone since the gate looked
        raise hidden("nodes", node.node_id)
    if not caller.reach.covers(place_of(after)):
        raise PermissionDeniedError(
            f"node {node.node_id}: with this tenant, site and labels you could not change it any more; ask an admin",
            reason="OUT_OF_REACH",
        )
    held = caller.operator.bindings if caller.operator is not None else caller.bindings
    if gains(held, caller.tenants, before=place_of(node), after=place_of(after)):
        raise PermissionDeniedError(
            f"node {node.node_id}: with this tenant, site and labels you could do more with it than now; ask an admin",
            reason="MORE_THAN_OWN",
        )


def _text(value: str, field: str) -> str:
    if len(value) > TEXT_MAX_CHARS or not value.isprintable():
        raise InvalidArgumentError(f"{field}: give at most {TEXT_MAX_CHARS} printable characters on one line")
    return value
