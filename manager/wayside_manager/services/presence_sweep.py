"""Notices silence: reports wake watchers by themselves, their absence does not.

Keeps in memory what each node's presence was at the last look; after a restart everything counts as changed once.
Usage: one `run()` in the task group.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from wayside.errors import WaysideError
from wayside_manager.core.presence import Presence, presence
from wayside_manager.ports import Bus, ReportStore, Topic

logger = logging.getLogger(__name__)

SWEEP_S = 5.0
"""Far below the shortest silence that counts at the default period (38.5 s)."""


class PresenceSweep:
    """The loop over all nodes in service."""

    def __init__(self, store: ReportStore, bus: Bus, *, now: Callable[[], datetime], sweep_s: float = SWEEP_S) -> None:
        self._store = store
        self._bus = bus
        self._now = now
        self._sweep_s = sweep_s
        self._known: dict[str, Presence] = {}
        self._is_failing = False

    async def run(self) -> None:
        """Sweeps for ever."""
        while True:
            try:
                await self.sweep()
            except WaysideError as error:
                if not self._is_failing:
                    logger.warning("presence is not judged: %s", error)
                self._is_failing = True
            else:
                self._is_failing = False
            await asyncio.sleep(self._sweep_s)

    async def sweep(self) -> frozenset[str]:
        """Wakes watchers of the nodes whose presence changed since the last sweep; their ids.

        Raises: UnavailableError: the store does not work now.
        """
        now = self._now()
        present = {
            node_id: presence(now, last.receive_time, report_period_s=last.report_period_s)
            for node_id, last in (await self._store.last_reports()).items()
        }
        changed = frozenset(node_id for node_id, is_now in present.items() if self._known.get(node_id) is not is_now)
        for node_id in sorted(changed):
            logger.info("node %s is %s", node_id, present[node_id], extra={"node": node_id})
        self._known = present
        await self._bus.publish(Topic.NODE, changed)
        return changed
