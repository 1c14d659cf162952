"""Notices silence: reports wake watchers by themselves, their absence does not.

Looks again when the next node is due to become late or lost, so watchers hear of it within a second. Keeps in memory
what each node's presence was at the last look; after a restart everything counts as changed once.
Usage: one `run()` in the task group.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from wayside.errors import WaysideError
from wayside_manager.core.presence import Presence, next_change_s, presence
from wayside_manager.core.reports import LastReport
from wayside_manager.ports.reports import ReportStore
from wayside_manager.ports.wakeups import Bus, Topic

logger = logging.getLogger(__name__)

SWEEP_S = 5.0
"""Longest pause. A node that now reports oftener than before is judged by its new period from the next look on."""
REST_S = 0.5
"""Shortest pause: 10,000 nodes that become late one by one cause two looks a second and no more."""


class PresenceSweep:
    """The loop over all nodes in service."""

    def __init__(self, store: ReportStore, bus: Bus, *, now: Callable[[], datetime], sweep_s: float = SWEEP_S) -> None:
        self._store = store
        self._bus = bus
        self._now = now
        self._sweep_s = sweep_s
        self._known: dict[str, Presence] = {}
        self.pause_s = sweep_s
        """Time from the last sweep to the next [s]."""
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
            await asyncio.sleep(self.pause_s)

    async def sweep(self) -> frozenset[str]:
        """Wakes watchers of the nodes whose presence changed since the last sweep; their ids.

        Raises: UnavailableError: the store does not work now.
        """
        self.pause_s = self._sweep_s  # also after a failure
        now, heard = self._now(), await self._store.last_reports()
        present = {
            node_id: presence(now, last.receive_time, report_period_s=last.report_period_s)
            for node_id, last in heard.items()
        }
        self.pause_s = max(REST_S, min([self._sweep_s, *_due_s(now, heard.values())]))
        changed = frozenset(node_id for node_id, is_now in present.items() if self._known.get(node_id) is not is_now)
        for node_id in sorted(changed):
            logger.info("node %s is %s", node_id, present[node_id], extra={"node": node_id})
        self._known = present
        await self._bus.publish(Topic.NODE, changed)
        return changed


def _due_s(now: datetime, heard: Iterable[LastReport]) -> Iterator[float]:
    """Per node that may become late or lost, the time until it does if it stays silent [s]."""
    for last in heard:
        if last.receive_time is not None:
            age_s = (now - last.receive_time).total_seconds()
            due_s = next_change_s(age_s, report_period_s=last.report_period_s)
            if due_s is not None:
                yield due_s
