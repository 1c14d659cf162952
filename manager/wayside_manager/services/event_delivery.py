"""Serves the event sinks: each at its own place among the events, in order, at least once.

Of several managers over one database the one with the lease serves. A sink's turn is one batch: read what is behind its
cursor, hand it over, write where it stands. Turns of different sinks run side by side, so a dead one delays no other;
everything that counts is in the store, so the loop may be killed anywhere, and what was taken but not yet written down
goes out a second time.
Usage: one `run()` in the task group.
"""

import asyncio
import logging
import random
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from wayside.errors import ConflictError, WaysideError
from wayside_manager.core.event_filter import is_wanted
from wayside_manager.core.event_sinks import Attempt, Batch, Outcome, Pace, Rng, SinkRecord, after_attempt, after_retry
from wayside_manager.ports.events import DueSink, EventDeliveryStore, EventSender
from wayside_manager.ports.rollouts import Lease
from wayside_manager.ports.wakeups import Bus, Subscription, Topic

logger = logging.getLogger(__name__)

LEASE_NAME = "event-delivery"
LEASE_LIFE_S = 15.0
TICK_S = 1.0
"""Other managers write events, too, and nobody wakes us for those."""
BATCH_SIZE = 50
"""Events of one turn."""
BUSY_MAX = 48
"""Turns at a time. Of more sinks that do not answer the rest waits for half a minute at most."""
_RENEW_S = 5.0
_RELEASE_S = 1.0
_REST_S = 0.05
_NOTHING = Attempt(0)


class EventDelivery:
    """The loop over all sinks."""

    def __init__(
        self,
        store: EventDeliveryStore,
        sender: EventSender,
        bus: Bus,
        *,
        now: Callable[[], datetime],
        pace: Pace | None = None,
        rng: Rng | None = None,
        holder: str = "",
    ) -> None:
        self._store = store
        self._sender = sender
        self._bus = bus
        self._now = now
        self._pace = pace or Pace()
        self._rng = rng or random.SystemRandom()
        self._holder = holder or secrets.token_hex(8)
        self._lease: Lease | None = None
        self._take_time: datetime | None = None
        self._busy: set[str] = set()
        self._is_failing = False
        self._is_woken = asyncio.Event()

    async def run(self) -> None:
        """Serves for ever."""
        async with self._bus.subscribe(Topic.EVENT) as wakes:
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(_forward(wakes, self._is_woken), name="event-delivery-wakes")
                    while True:
                        self._is_woken.clear()
                        await self._begin(group)
                        await _first(self._is_woken, TICK_S)
                        await asyncio.sleep(_REST_S)
            finally:
                await self._release()

    async def step(self) -> int:
        """One turn of every sink that has something to do; how many had. Returns when all have ended.

        Raises: UnavailableError, ResourceExhaustedError: the store does not work now.
        """
        async with asyncio.TaskGroup() as group:
            return await self._begin_turns(group)

    async def _begin(self, group: asyncio.TaskGroup) -> None:
        try:
            await self._begin_turns(group)
        except WaysideError as error:
            if not self._is_failing:
                logger.warning("event sinks wait: %s", error)
            self._is_failing = True
        else:
            self._is_failing = False

    async def _begin_turns(self, group: asyncio.TaskGroup) -> int:
        lease = await self._leased()
        if lease is None:
            return 0
        due = await self._store.due_sinks(now=self._now(), without=tuple(self._busy))
        chosen = due[: BUSY_MAX - len(self._busy)]
        for each in chosen:
            self._busy.add(each.sink.sink_id)
            group.create_task(self._turn(each, lease), name=f"event-sink-{each.sink.sink_id}")
        return len(chosen)

    async def _turn(self, due: DueSink, lease: Lease) -> None:
        sink_id = due.sink.sink_id
        try:
            if due.letters:
                await self._retry(due, lease)
            if due.has_turn:
                await self._deliver(due.sink, lease)
            self._is_woken.set()  # there may be more for it
        except ConflictError:
            self._take_time = None  # somebody changed the sink, or has the lease: looked at again
        except WaysideError as error:
            logger.warning("event sink %s: its turn was lost: %s", sink_id, error, extra={"sink": sink_id})
        finally:
            self._busy.discard(sink_id)

    async def _retry(self, due: DueSink, lease: Lease) -> None:
        letters = due.letters[:BATCH_SIZE]
        attempt = await self._sender.send(due.sink, [letter.record for letter in letters])
        # of all of them: who cannot be reached will not take those that come after, either
        delivered, changed = after_retry(due.letters, attempt, now=self._now())
        await self._store.save_retry(due.sink, delivered, changed, lease=lease)

    async def _deliver(self, sink: SinkRecord, lease: Lease) -> None:
        span = await self._store.read_for_sink(sink, limit=BATCH_SIZE)
        zone = ZoneInfo(sink.rule.time_zone)
        wanted = tuple(record for record in span.records if is_wanted(sink.rule, record, zone))
        batch = Batch(wanted, span.cursor)
        attempt = await self._sender.send(sink, wanted) if wanted else _NOTHING
        outcome = after_attempt(sink.standing, batch, attempt, now=self._now(), pace=self._pace, rng=self._rng)
        await self._store.save_attempt(sink, outcome, lease=lease)
        _log(sink, outcome)

    async def _leased(self) -> Lease | None:
        now = self._now()
        is_fresh = self._take_time is not None and timedelta() <= now - self._take_time < timedelta(seconds=_RENEW_S)
        if self._lease is None or not is_fresh:
            self._lease = await self._store.take_lease(LEASE_NAME, self._holder, now=now, life_s=LEASE_LIFE_S)
            self._take_time = now
        return self._lease

    async def _release(self) -> None:
        """Who stops in order does not let the next one wait."""
        if self._lease is not None:
            with suppress(WaysideError, TimeoutError):
                async with asyncio.timeout(_RELEASE_S):
                    await self._store.release_lease(self._lease)


def _log(sink: SinkRecord, outcome: Outcome) -> None:
    extra = {"sink": sink.sink_id}
    if outcome.given_up is not None:
        logger.error(
            "event sink %s: event %d is a dead letter: %s",
            sink.sink_id,
            outcome.given_up.record.cursor,
            outcome.given_up.fault,
            extra=extra,
        )
    elif outcome.standing.fault and not sink.standing.fault:
        logger.warning("event sink %s does not take events: %s", sink.sink_id, outcome.standing.fault, extra=extra)
    elif sink.standing.fault and not outcome.standing.fault:
        logger.info("event sink %s takes events again", sink.sink_id, extra=extra)


async def _forward(wakes: Subscription, is_woken: asyncio.Event) -> None:
    while True:
        await wakes.changed()
        is_woken.set()


async def _first(is_woken: asyncio.Event, tick_s: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(tick_s):
            await is_woken.wait()
