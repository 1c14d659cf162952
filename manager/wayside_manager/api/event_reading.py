"""ListEvents and WatchEvents: events behind a cursor, and each as it falls.

Nothing is left out: what is sent is read in order of cursors from where the caller is, and a cursor is only sent when
everything up to it has been looked at. Wake-ups only make it quick.
Usage: `reading = EventReading(store, bus, calls)`; `await reading.listed(request)`.
"""

import asyncio
from contextlib import suppress

from wayside.errors import InvalidArgumentError
from wayside.v1 import fleet_service_pb2
from wayside_manager.api.calls import Calls
from wayside_manager.api.event_messages import event_filter, event_message
from wayside_manager.api.identity import admission
from wayside_manager.api.scopes import Context, send
from wayside_manager.core.pages import checked_page_size
from wayside_manager.ports.events import EventStore
from wayside_manager.ports.wakeups import Bus, Subscription, Topic

LOOK_AGAIN_S = 1.0
"""Managers over the same database write events, too, and wake nobody here."""
PACE_S = 0.05
"""Least time between two looks of one watcher: when events come thick, they are sent several at a time."""
WATCH_SIZE = 200
LOOKS_MAX = 25
"""Stretches one list looks at: half a million events, some hundred milliseconds."""
_FROM_NOW = -1


class EventReading:
    """Events, for FleetService."""

    def __init__(self, store: EventStore, bus: Bus, calls: Calls) -> None:
        self._store = store
        self._bus = bus
        self._calls = calls

    async def listed(self, request: fleet_service_pb2.ListEventsRequest) -> fleet_service_pb2.ListEventsResponse:
        """See FleetService.ListEvents."""
        if request.cursor < 0:
            raise InvalidArgumentError("cursor: give 0 or more", reason="CURSOR_INVALID")
        size, wanted = checked_page_size(request.page_size), event_filter(request.filter, field="filter")
        reach, cursor = admission().reach, request.cursor
        await self._store.check_event_filter(wanted, reach=reach)
        answer = fleet_service_pb2.ListEventsResponse()
        for _ in range(LOOKS_MAX):
            span = await self._store.read_events(
                wanted,
                reach=reach,
                cursor=cursor,
                limit=size - len(answer.events),
                newest_first=request.newest_first,
            )
            answer.events.extend(map(event_message, span.records))
            cursor = span.cursor
            if span.is_end:
                return answer
            if len(answer.events) >= size:
                break
        answer.next_cursor = cursor
        return answer

    async def watch(self, request: fleet_service_pb2.WatchEventsRequest, context: Context) -> None:
        """See FleetService.WatchEvents."""
        if request.cursor < _FROM_NOW:
            raise InvalidArgumentError(
                "cursor: give that of the last event, 0 for the oldest there is, or -1 for now", reason="CURSOR_INVALID"
            )
        wanted, reach = event_filter(request.filter, field="filter"), admission().reach
        async with self._calls.endable(context), self._bus.subscribe(Topic.EVENT) as wakes:
            await self._store.check_event_filter(wanted, reach=reach)
            cursor = request.cursor
            if cursor == _FROM_NOW:
                cursor = await self._store.newest_cursor()
                # from here on it can go on after a break, even if nothing falls before
                await send(context, fleet_service_pb2.WatchEventsResponse(cursor=cursor))
            while True:
                span = await self._store.read_events(wanted, reach=reach, cursor=cursor, limit=WATCH_SIZE)
                for record in span.records:
                    cursor = record.cursor
                    event = event_message(record)
                    await send(context, fleet_service_pb2.WatchEventsResponse(event=event, cursor=cursor))
                if span.cursor > cursor:
                    cursor = span.cursor
                    await send(context, fleet_service_pb2.WatchEventsResponse(cursor=cursor))
                if span.is_end:
                    await _wait(wakes)
                await asyncio.sleep(PACE_S if span.is_end else 0)


async def _wait(wakes: Subscription) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(LOOK_AGAIN_S):
            await wakes.changed()
