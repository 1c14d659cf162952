"""BroadcastService: see `broadcast_service.proto`."""

# ruff: noqa: ARG002, N802 -- gRPC fixes the names and the arguments of RPCs
from collections.abc import Callable
from datetime import datetime

from wayside.names import broadcast_id
from wayside.v1 import broadcast_pb2, broadcast_service_pb2, broadcast_service_pb2_grpc
from wayside_manager.api.broadcast_messages import broadcast_message, published, receipt_message
from wayside_manager.api.identity import admission
from wayside_manager.api.scopes import Context
from wayside_manager.core.broadcasts import BroadcastCounts, BroadcastRecord
from wayside_manager.ports.broadcasts import BroadcastStore
from wayside_manager.ports.wakeups import Bus, publish_broadcasts


class BroadcastService(broadcast_service_pb2_grpc.BroadcastServiceServicer):
    """MAP and RSI by area and time."""

    def __init__(self, store: BroadcastStore, bus: Bus, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._bus = bus
        self._now = now

    async def PublishBroadcast(
        self, request: broadcast_service_pb2.PublishBroadcastRequest, context: Context
    ) -> broadcast_service_pb2.PublishBroadcastResponse:
        """Publishes a message, or another in its place."""
        wanted = published(
            request.broadcast, tenant_id=admission().tenant_id, author=admission().holder, now=self._now()
        )
        record, changed = await self._store.publish_broadcast(
            wanted, reach=admission().reach, etag=request.broadcast.etag
        )
        await publish_broadcasts(self._bus, changed)
        return broadcast_service_pb2.PublishBroadcastResponse(broadcast=await self._shown(record))

    async def GetBroadcast(
        self, request: broadcast_service_pb2.GetBroadcastRequest, context: Context
    ) -> broadcast_service_pb2.GetBroadcastResponse:
        """One broadcast."""
        record = await self._store.get_broadcast(broadcast_id(request.name))
        return broadcast_service_pb2.GetBroadcastResponse(broadcast=await self._shown(record))

    async def ListBroadcasts(
        self, request: broadcast_service_pb2.ListBroadcastsRequest, context: Context
    ) -> broadcast_service_pb2.ListBroadcastsResponse:
        """A page of broadcasts."""
        now, reach = self._now(), admission().reach
        page = await self._store.list_broadcasts(
            reach=reach,
            now=now,
            include_over=request.include_over,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        counts = await self._store.count_receipts([each.broadcast_id for each in page.items], reach=reach)
        return broadcast_service_pb2.ListBroadcastsResponse(
            broadcasts=[
                broadcast_message(each, counts.get(each.broadcast_id, BroadcastCounts()), now=now)
                for each in page.items
            ],
            next_page_token=page.next_page_token,
        )

    async def ListBroadcastReceipts(
        self, request: broadcast_service_pb2.ListBroadcastReceiptsRequest, context: Context
    ) -> broadcast_service_pb2.ListBroadcastReceiptsResponse:
        """What units said, and which said nothing."""
        record = await self._store.get_broadcast(broadcast_id(request.broadcast, field="broadcast"))
        page = await self._store.list_receipts(
            record.broadcast_id,
            reach=admission().reach,
            only_pending=request.only_pending,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return broadcast_service_pb2.ListBroadcastReceiptsResponse(
            receipts=[receipt_message(each, record.revision) for each in page.items],
            next_page_token=page.next_page_token,
        )

    async def WithdrawBroadcast(
        self, request: broadcast_service_pb2.WithdrawBroadcastRequest, context: Context
    ) -> broadcast_service_pb2.WithdrawBroadcastResponse:
        """Takes it off the air everywhere."""
        record, changed = await self._store.withdraw_broadcast(
            broadcast_id(request.name), author=admission().holder, now=self._now()
        )
        await publish_broadcasts(self._bus, changed)
        return broadcast_service_pb2.WithdrawBroadcastResponse(broadcast=await self._shown(record))

    async def _shown(self, record: BroadcastRecord) -> broadcast_pb2.Broadcast:
        counts = await self._store.count_receipts([record.broadcast_id], reach=admission().reach)
        return broadcast_message(record, counts[record.broadcast_id], now=self._now())
