"""Writes down when nodes fall silent: reports tell by themselves how a node is, their absence does not.

A node is silent once its reports are late by the limit of `core.presence`; but not for the time in which this manager
did not listen, for that is no fault of the node: after a start each has its limit anew. Several managers over one
database may run this; the first to notice writes.
Usage: one `run()` in the task group.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Protocol

from wayside.errors import WaysideError
from wayside_manager.core.presence import lost_limit_s
from wayside_manager.ports.health import HistoryStore
from wayside_manager.ports.reports import ReportStore
from wayside_manager.ports.wakeups import Bus, Topic

logger = logging.getLogger(__name__)

PERIOD_S = 5.0
_PART_COUNT = 500
"""Nodes of one transaction: when thousands fall silent at once, reports of the others go on."""


class SilenceStore(HistoryStore, ReportStore, Protocol):
    """What it needs."""


class Silences:
    """The loop over all nodes in service."""

    def __init__(
        self, store: SilenceStore, bus: Bus, *, now: Callable[[], datetime], period_s: float = PERIOD_S
    ) -> None:
        self._store = store
        self._bus = bus
        self._now = now
        self._begin_time = now()
        self._period_s = period_s
        self._known: dict[str, datetime] = {}
        """Last reports of nodes whose silence is written."""
        self._is_failing = False

    async def run(self) -> None:
        """Looks for ever."""
        while True:
            try:
                await self.step()
            except WaysideError as error:
                if not self._is_failing:
                    logger.warning("silence of nodes is not written: %s", error)
                self._is_failing = True
            else:
                self._is_failing = False
            await asyncio.sleep(self._period_s)

    async def step(self) -> frozenset[str]:
        """Writes which nodes fell silent since the last look; their ids.

        Raises: UnavailableError, ResourceExhaustedError: the store does not work now.
        """
        now = self._now()
        silent = await self._silent(now)
        fresh = {node_id: times for node_id, times in silent.items() if self._known.get(node_id) != times[0]}
        noted: frozenset[str] = frozenset()
        for part in _parts(fresh):
            new = await self._store.note_silences(part, now=now)
            self._known |= {node_id: last for node_id, (last, _) in part.items()}
            noted |= new
            if new:
                await self._bus.publish(Topic.NODE, new)
                await self._bus.publish(Topic.EVENT, [""])
        self._known = {node_id: last for node_id, last in self._known.items() if node_id in silent}
        return noted

    async def _silent(self, now: datetime) -> dict[str, tuple[datetime, datetime]]:
        """Per silent node its last report, and since when it is silent."""
        found = {}
        for node_id, last in (await self._store.last_reports()).items():
            if last.receive_time is None:
                continue  # nobody ever waited for it
            since = max(last.receive_time, self._begin_time) + timedelta(seconds=lost_limit_s(last.report_period_s))
            if since < now:
                found[node_id] = (last.receive_time, since)
        return found


def _parts(
    silent: Mapping[str, tuple[datetime, datetime]],
) -> list[dict[str, tuple[datetime, datetime]]]:
    """In short parts; at least one, because those who are out of service are looked at, too."""
    every = iter(sorted(silent.items()))
    found = []
    while part := dict(islice(every, _PART_COUNT)):
        found.append(part)
    return found or [{}]
