"""Keeps broadcasts with their areas: units that came get them, units that left and ends that came take them away.

Each look is one transaction that finds the same whoever does it, so several managers over one database need no order.
Usage: one `run()` in the task group. Tests call `sweep()`.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from wayside.errors import WaysideError
from wayside_manager.core.broadcasts import KEPT
from wayside_manager.ports.broadcasts import BroadcastSweepStore
from wayside_manager.ports.wakeups import Bus, publish_broadcasts

logger = logging.getLogger(__name__)

TICK_S = 15.0
_PRUNE_EVERY = 40
"""Ticks, 10 min."""
_PRUNE_MAX = 100
"""Broadcasts per transaction."""


class BroadcastSweep:
    """The loop over broadcasts that time or a move may change."""

    def __init__(
        self, store: BroadcastSweepStore, bus: Bus, *, now: Callable[[], datetime], tick_s: float = TICK_S
    ) -> None:
        self._store = store
        self._bus = bus
        self._now = now
        self._tick_s = tick_s
        self._is_failing = False

    async def run(self) -> None:
        """Sweeps for ever."""
        tick = 0
        while True:
            await self._tick(is_pruning=tick % _PRUNE_EVERY == 0)
            tick += 1
            await asyncio.sleep(self._tick_s)

    async def sweep(self) -> int:
        """Tells units what they should have now; how many.

        Raises: UnavailableError, ResourceExhaustedError: the store does not work now.
        """
        changed = await self._store.match_broadcasts(now=self._now())
        await publish_broadcasts(self._bus, changed)
        return len(changed.node_ids)

    async def prune(self) -> int:
        """Drops broadcasts that were over long ago; how many.

        Raises: UnavailableError, ResourceExhaustedError: the store does not work now.
        """
        before, count = self._now() - KEPT, 0
        while dropped := await self._store.drop_broadcasts(before, max_count=_PRUNE_MAX):
            count += dropped
        return count

    async def _tick(self, *, is_pruning: bool) -> None:
        try:
            await self.sweep()
            if is_pruning:
                await self.prune()
        except WaysideError as error:
            if not self._is_failing:
                logger.warning("broadcasts do not follow their areas for now: %s", error)
            self._is_failing = True
        else:
            self._is_failing = False
