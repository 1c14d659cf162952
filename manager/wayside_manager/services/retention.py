"""Keeps what nodes sent bounded: drops history older than its age, a few rows at a time, and unused configurations.

Usage: one `run()` in the task group.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from wayside.errors import WaysideError
from wayside_manager.ports.reports import ReportStore

logger = logging.getLogger(__name__)

HISTORY_DAYS = 7.0
"""100 nodes at 30 s make 2 million rows, some 700 MB, in a week."""
PERIOD_S = 600.0
_PART_COUNT = 1_000
"""Rows per transaction, so that reports wait a few milliseconds at most."""


class Retention:
    """The loop over old history."""

    def __init__(
        self,
        store: ReportStore,
        *,
        now: Callable[[], datetime],
        history_days: float = HISTORY_DAYS,
        period_s: float = PERIOD_S,
    ) -> None:
        self._store = store
        self._now = now
        self._history = timedelta(days=history_days)
        self._period_s = period_s

    async def run(self) -> None:
        """Prunes for ever."""
        while True:
            try:
                dropped_count = await self.prune()
            except WaysideError as error:
                logger.warning("old reports stay for now: %s", error)
            else:
                if dropped_count:
                    logger.info("dropped %d old reports", dropped_count)
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
