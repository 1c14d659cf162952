"""Ends jobs by time: what nobody began, what no last word came of, what nodes out of service had; drops old ones.

Of several managers over one database the one with the lease does it; each ending is written on the state it was judged
by, so a word of the node that comes first counts.
Usage: one `run()` in the task group. Tests call `sweep()` and `prune()`.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from wayside.errors import ConflictError, WaysideError
from wayside_manager.ports.jobs import JobFiles, JobSweepStore
from wayside_manager.ports.rollouts import Lease
from wayside_manager.ports.wakeups import Bus, publish_jobs

logger = logging.getLogger(__name__)

TICK_S = 5.0
LEASE_NAME = "jobs"
LEASE_LIFE_S = 15.0
KEPT = timedelta(days=90)
"""How long jobs that have ended, and their files, are kept."""
_RELEASE_S = 1.0
_PRUNE_EVERY = 120
"""Ticks, 10 min."""
_PRUNE_MAX = 100
"""Jobs per transaction."""


class JobSweep:
    """The loop over jobs that time may end."""

    def __init__(
        self,
        store: JobSweepStore,
        files: JobFiles,
        bus: Bus,
        *,
        now: Callable[[], datetime],
        tick_s: float = TICK_S,
        holder: str = "",
    ) -> None:
        self._store = store
        self._files = files
        self._bus = bus
        self._now = now
        self._tick_s = tick_s
        self._holder = holder or secrets.token_hex(8)
        self._lease: Lease | None = None
        self._is_failing = False

    async def run(self) -> None:
        """Sweeps for ever."""
        tick = 0
        try:
            while True:
                await self._tick(is_pruning=tick % _PRUNE_EVERY == 0)
                tick += 1
                await asyncio.sleep(self._tick_s)
        finally:
            await self._release()

    async def sweep(self) -> int:
        """Ends what time has ended; how many jobs, 0 as well when another manager does it.

        Raises: UnavailableError, ResourceExhaustedError: the store does not work now.
        """
        count = 0
        while await self._store.has_overdue_jobs(now=self._now()):
            now = self._now()
            self._lease = await self._store.take_lease(LEASE_NAME, self._holder, now=now, life_s=LEASE_LIFE_S)
            if self._lease is None:
                break
            try:
                changed = await self._store.end_overdue_jobs(now=now, lease=self._lease)
            except ConflictError:  # the other one goes on
                break
            count += len(changed.job_ids)
            await publish_jobs(self._bus, changed)
        return count

    async def prune(self) -> int:
        """Drops jobs that ended long ago, their files first; how many.

        Raises: UnavailableError, ResourceExhaustedError: the store does not work now.
        """
        count = 0
        while old := await self._store.old_jobs(before=self._now() - KEPT, limit=_PRUNE_MAX):
            for job_id in old:
                await self._files.delete(job_id)
            await self._store.delete_jobs(old)
            count += len(old)
        return count

    async def _tick(self, *, is_pruning: bool) -> None:
        try:
            count = await self.sweep()
            if count:
                logger.info("time ended %d jobs", count)
            if is_pruning:
                await self.prune()
        except WaysideError as error:
            if not self._is_failing:
                logger.warning("jobs are not ended by time for now: %s", error)
            self._is_failing = True
        else:
            self._is_failing = False

    async def _release(self) -> None:
        """Who stops in order does not let the next one wait."""
        if self._lease is not None:
            with suppress(WaysideError, TimeoutError):
                async with asyncio.timeout(_RELEASE_S):
                    await self._store.release_lease(self._lease)
