"""Notices what another manager over the same database tells nodes, and wakes their sessions here.

The database is the messenger. A node's revision only counts up, so the sum of all says cheaply whether there is news.
Usage: one `DesiredLook(store, bus).run()` in the task group.
"""

import asyncio
import logging
from collections.abc import Mapping

from wayside.errors import WaysideError
from wayside_manager.ports.nodes import DesiredStore
from wayside_manager.ports.wakeups import Bus, Topic

logger = logging.getLogger(__name__)

LOOK_S = 1.0


class DesiredLook:
    """Looks for revisions that have changed."""

    def __init__(self, store: DesiredStore, bus: Bus, *, look_s: float = LOOK_S) -> None:
        self._store = store
        self._bus = bus
        self._look_s = look_s
        self._sum = -1
        self._known: Mapping[str, int] = {}
        self._is_failing = False

    async def run(self) -> None:
        """Looks again and again. Never returns."""
        while True:
            try:
                await self.look()
                self._is_failing = False
            except WaysideError as error:  # the database is away; what has changed meanwhile is found afterwards
                if not self._is_failing:
                    logger.warning("cannot look for what other managers tell nodes: %s", error)
                self._is_failing = True
            await asyncio.sleep(self._look_s)

    async def look(self) -> None:
        """Wakes the nodes that were told something since the last look; the first only notes what stands.

        Raises: UnavailableError: the database.
        """
        total = await self._store.sum_desired()
        if total == self._sum:
            return
        present = await self._store.desired_revisions()
        if self._sum >= 0:
            changed = [node_id for node_id, revision in present.items() if self._known.get(node_id) != revision]
            await self._bus.publish(Topic.DESIRED, changed)
        # of before the read: what came between is looked at again
        self._sum, self._known = total, present
