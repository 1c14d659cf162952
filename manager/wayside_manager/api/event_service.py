"""EventService: where events go by themselves.

Usage: `EventService(store, senders, bus, now=now)`.
"""

# ruff: noqa: ARG002, N802 -- gRPC fixes the names and the arguments of RPCs
import asyncio
from collections.abc import Callable
from datetime import datetime

from wayside.errors import UnavailableError
from wayside.names import event_sink_id, event_sink_name
from wayside.v1 import event_service_pb2, event_service_pb2_grpc
from wayside_manager.api.event_messages import letter_message, sink_message, sink_record
from wayside_manager.api.identity import admission
from wayside_manager.api.scopes import Context
from wayside_manager.core.event_sinks import SinkRecord, shortened
from wayside_manager.core.events import EventRecord, NewEvent
from wayside_manager.ports.events import EventSender, EventSinkStore
from wayside_manager.ports.wakeups import Bus, Topic

TEST_KIND = "sink.test"


class EventService(event_service_pb2_grpc.EventServiceServicer):
    """The operators' view of event sinks."""

    def __init__(self, store: EventSinkStore, sender: EventSender, bus: Bus, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._sender = sender
        self._bus = bus
        self._now = now

    async def ApplyEventSink(
        self, request: event_service_pb2.ApplyEventSinkRequest, context: Context
    ) -> event_service_pb2.ApplyEventSinkResponse:
        """Makes a sink or changes it."""
        now = self._now()
        sink = sink_record(request.event_sink, tenant_id=admission().tenant_id, now=now)
        await asyncio.to_thread(self._sender.check_secrets, sink)
        applied = await self._store.apply_sink(sink, now=now, etag=request.event_sink.etag)
        await self._wake()
        return event_service_pb2.ApplyEventSinkResponse(event_sink=sink_message(applied))

    async def GetEventSink(
        self, request: event_service_pb2.GetEventSinkRequest, context: Context
    ) -> event_service_pb2.GetEventSinkResponse:
        """One sink."""
        sink = await self._store.get_sink(event_sink_id(request.name))
        return event_service_pb2.GetEventSinkResponse(event_sink=sink_message(sink))

    async def ListEventSinks(
        self, request: event_service_pb2.ListEventSinksRequest, context: Context
    ) -> event_service_pb2.ListEventSinksResponse:
        """A page of sinks."""
        page = await self._store.list_sinks(
            reach=admission().reach, page_size=request.page_size, page_token=request.page_token
        )
        return event_service_pb2.ListEventSinksResponse(
            event_sinks=map(sink_message, page.items), next_page_token=page.next_page_token
        )

    async def DeleteEventSink(
        self, request: event_service_pb2.DeleteEventSinkRequest, context: Context
    ) -> event_service_pb2.DeleteEventSinkResponse:
        """Deletes a sink and its dead letters."""
        await self._store.delete_sink(event_sink_id(request.name), etag=request.etag)
        return event_service_pb2.DeleteEventSinkResponse()

    async def TestEventSink(
        self, request: event_service_pb2.TestEventSinkRequest, context: Context
    ) -> event_service_pb2.TestEventSinkResponse:
        """Sends a made-up event, whatever the sink's filter, windows and standing."""
        sink = await self._store.get_sink(event_sink_id(request.name))
        attempt = await self._sender.send(sink, [_made_up(sink, self._now())])
        if attempt.taken_count == 0:
            raise UnavailableError(
                f"event sink {sink.sink_id} did not take the event: {shortened(attempt.fault)}; check where it goes, "
                "then try again",
                reason="SINK_UNAVAILABLE",
            )
        return event_service_pb2.TestEventSinkResponse()

    async def ListDeadLetters(
        self, request: event_service_pb2.ListDeadLettersRequest, context: Context
    ) -> event_service_pb2.ListDeadLettersResponse:
        """A page of dead letters."""
        page = await self._store.list_dead_letters(
            event_sink_id(request.event_sink, field="event_sink"),
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return event_service_pb2.ListDeadLettersResponse(
            dead_letters=map(letter_message, page.items), next_page_token=page.next_page_token
        )

    async def RetryDeadLetters(
        self, request: event_service_pb2.RetryDeadLettersRequest, context: Context
    ) -> event_service_pb2.RetryDeadLettersResponse:
        """Has dead letters tried again."""
        count = await self._store.retry_dead_letters(event_sink_id(request.event_sink, field="event_sink"))
        await self._wake()
        return event_service_pb2.RetryDeadLettersResponse(retried_count=count)

    async def _wake(self) -> None:
        """The one who serves the sinks looks at them now."""
        await self._bus.publish(Topic.EVENT, [""])


def _made_up(sink: SinkRecord, now: datetime) -> EventRecord:
    event = NewEvent(
        kind=TEST_KIND,
        time=now,
        subject=event_sink_name(sink.sink_id),
        message=f"a test of event sink {sink.sink_id}: nothing has happened",
        tenant_id=sink.tenant_id,
    )
    return EventRecord(0, now, event)
