"""Keeps what nodes sent and what happened bounded: drops what is older than its age, a few rows at a time.

Configurations that nobody needs go, too.
Usage: one `run()` in the task group.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from wayside.errors import WaysideError
from wayside_manager.ports.alarms import AlarmStore
from wayside_manager.ports.events import EventStore
from wayside_manager.ports.reports import ReportStore

logger = logging.getLogger(__name__)

HISTORY_DAYS = 7.0
"""100 nodes at 30 s make 2 million rows, some 700 MB, in a week."""
EVENTS_DAYS = 90.0
PERIOD_S = 600.0
_PART_COUNT = 1_000
"""Rows per transaction, so that reports wait a few milliseconds at most."""


class RetentionStore(ReportStore, EventStore, AlarmStore, Protocol):
    """What is needed of the store."""


class Retention:
    """The loop over old history."""

    def __init__(
        self,
        store: RetentionStore,
        *,
        now: Callable[[], datetime],
        history_days: float = HISTORY_DAYS,
        events_days: float = EVENTS_DAYS,
        period_s: float = PERIOD_S,
    ) -> None:
        self._store = store
        self._now = now
        self._history = timedelta(days=history_days)
        self._events = timedelta(days=events_days)
        self._period_s = period_s

    async def run(self) -> None:
        """Prunes for ever."""
        while True:
            try:
                dropped_count = await self.prune()
                event_count = await self.prune_events()
                alarm_count = await self.prune_alarms()
            except WaysideError as error:
                logger.warning("old reports, events and alarms stay for now: %s", error)
            else:
                if dropped_count:
                    logger.info("dropped %d old reports", dropped_count)
                if event_count:
                    logger.info("dropped %d old events", event_count)
                if alarm_count:
                    logger.info("dropped %d old alarms", alarm_count)
            await asyncio.sleep(self._period_s)

    async def prune(self) -> int:
        """Drops every report older than the history; how many it dropped.

        Raises: UnavailableError, ResourceExhaustedError: the store does not work now.
        """
        before, dropped_count = self._now() - self._history, 0
        while True:
            count = await self._store.prune_reports(before, max_count=_PART_COUNT)
            dropped_count += count
            if count < _PART_COUNT:
                await self._store.prune_config_contents()
                return dropped_count

    async def prune_events(self) -> int:
        """Drops every event older than its age; how many it dropped.

        Raises: UnavailableError, ResourceExhaustedError: the store does not work now.
        """
        now, dropped_count = self._now(), 0
        while count := await self._store.drop_events(now - self._events, now=now, max_count=_PART_COUNT):
            dropped_count += count
        return dropped_count

    async def prune_alarms(self) -> int:
        """Drops every alarm that has been over for as long as events are kept; how many it dropped.

        Raises: UnavailableError, ResourceExhaustedError: the store does not work now.
        """
        before, dropped_count = self._now() - self._events, 0
        while count := await self._store.drop_alarms(before, max_count=_PART_COUNT):
            dropped_count += count
        return dropped_count
