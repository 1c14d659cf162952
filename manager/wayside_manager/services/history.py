"""Folds reports into minutes and hours, and drops what is older than its class is kept.

Of several managers over one database the one with the lease folds. How far it is stands in the store and is written
with what it adds, so it may be killed at any point and counts nothing twice; only the stretches that are open then are
looked up again among the newest reports.
Usage: one `run()` in the task group.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from wayside.errors import ConflictError, WaysideError
from wayside_manager.core.history import HOUR_S, MINUTE_S, Added, HealthSample, HistoryRow, Tail, closed, folded, merged
from wayside_manager.ports.health import HistoryStore, RawHealth
from wayside_manager.ports.rollouts import Lease

logger = logging.getLogger(__name__)

LEASE_NAME = "history"
LEASE_LIFE_S = 60.0
PERIOD_S = 15.0
LAG = timedelta(seconds=30)
"""Reports are written a little after they came; what came within this may not be in the database yet."""
LOOK_BACK = timedelta(minutes=10)
"""Of reports that are looked at again after a start, for the stretches they left open."""
PART_COUNT = 500
"""Reports of one transaction: reports that come meanwhile wait some 50 ms."""
_LOOK_BACK_COUNT = 1_000_000
_PRUNE_COUNT = 2_000
_PRUNE_EVERY = timedelta(minutes=10)
_RELEASE_S = 1.0
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
Decode = Callable[[RawHealth], HealthSample | None]
"""Reads a report; `None`: it says nothing that counts."""


@dataclass(frozen=True, slots=True)
class _Open:
    """The open stretch of a node."""

    tail: Tail
    due_time: datetime
    """When its next report is overdue, by the manager's clock: old ones come long after they were made."""


@dataclass(frozen=True, slots=True)
class Kept:
    """How long the classes of history are kept."""

    minutes: timedelta = timedelta(days=14)
    hours: timedelta = timedelta(days=3 * 365)


class History:
    """The loop."""

    def __init__(
        self,
        store: HistoryStore,
        decode: Decode,
        *,
        now: Callable[[], datetime],
        kept: Kept | None = None,
        holder: str = "",
        part_count: int = PART_COUNT,
    ) -> None:
        self._store = store
        self._decode = decode
        self._now = now
        self._kept = kept or Kept()
        self._holder = holder or secrets.token_hex(8)
        self._part_count = part_count
        self._lease: Lease | None = None
        self._tails: dict[str, _Open] | None = None
        """Open stretches by node. `None`: they are not looked up yet."""
        self._prune_time: datetime | None = None
        self._is_failing = False

    async def run(self) -> None:
        """Folds for ever."""
        try:
            while True:
                try:
                    await self.step()
                except WaysideError as error:
                    if not self._is_failing:
                        logger.warning("history is not made: %s", error)
                    self._is_failing = True
                else:
                    self._is_failing = False
                await asyncio.sleep(PERIOD_S)
        finally:
            if self._lease is not None:
                with suppress(WaysideError, TimeoutError):
                    async with asyncio.timeout(_RELEASE_S):
                        await self._store.release_lease(self._lease)

    async def step(self) -> int:
        """Folds everything that came until a moment ago; how many reports. Nothing when another manager does.

        Raises: UnavailableError, ResourceExhaustedError: the store does not work now.
        """
        count, is_done = 0, False
        while not is_done:
            now = self._now()
            lease = await self._store.take_lease(LEASE_NAME, self._holder, now=now, life_s=LEASE_LIFE_S)
            if lease is None or (self._lease is not None and lease.fence != self._lease.fence):
                self._tails = None  # another one went on meanwhile
            self._lease = lease
            if lease is None:
                return count
            try:
                folded_count, is_done = await self._fold(lease, until=now - LAG)
            except ConflictError:
                self._tails = None
                return count
            count += folded_count
        await self._prune(self._now())
        return count

    async def _fold(self, lease: Lease, *, until: datetime) -> tuple[int, bool]:
        through = await self._store.history_through()
        if self._tails is None:
            self._tails = {}
            if through is not None:
                await self._look_back(through)
        after = _EVER if through is None else through
        if after > until + LAG:  # the clock was ahead: what comes from now on is new, whatever it said then
            await self._store.add_history({}, through=until + LAG, lease=lease)
            self._tails = {}
            return 0, True
        if after >= until:
            return 0, True
        found, through = await self._store.raw_health(after, until, max_count=self._part_count)
        tails = dict(self._tails)
        added = await asyncio.to_thread(self._added, found)
        is_done = through >= until
        if is_done:
            self._close(added, until)
        try:
            await self._store.add_history(added, through=through, lease=lease)
        except WaysideError:
            self._tails = tails  # none of it is written
            raise
        return len(found), is_done

    async def _look_back(self, through: datetime) -> None:
        """Finds the stretches that are open as far as everything is folded."""
        before, _ = await self._store.raw_health(through - LOOK_BACK, through, max_count=_LOOK_BACK_COUNT)
        await asyncio.to_thread(self._added, before)
        tails = self._tails or {}
        self._tails = {node_id: each for node_id, each in tails.items() if each.due_time >= through}

    def _added(self, found: Sequence[RawHealth]) -> dict[str, Added]:
        """What reports add; moves the open stretches on."""
        samples: dict[str, list[HealthSample]] = {}
        received: dict[str, datetime] = {}
        for raw in found:
            sample = self._decode(raw)
            if sample is not None:
                samples.setdefault(raw.node_id, []).append(sample)
                received[raw.node_id] = raw.receive_time
        tails = self._tails or {}
        added = {}
        for node_id, own in samples.items():
            before = tails.get(node_id)
            added[node_id], tail = folded(before.tail if before else None, own)
            if tail is not None:
                tails[node_id] = _Open(tail, received[node_id] + timedelta(microseconds=tail.end_us - tail.begin_us))
        self._tails = tails
        return added

    def _close(self, added: dict[str, Added], until: datetime) -> None:
        """Adds the stretches of nodes that have not reported again by the end of what they said."""
        tails = self._tails or {}
        for node_id in [node_id for node_id, each in tails.items() if each.due_time < until]:
            own = added.setdefault(node_id, {})
            for key, more in closed(tails.pop(node_id).tail).items():
                own[key] = merged(own.get(key, HistoryRow()), more, step_s=key[0])

    async def _prune(self, now: datetime) -> None:
        if self._prune_time is not None and timedelta() <= now - self._prune_time < _PRUNE_EVERY:
            return
        before = {MINUTE_S: now - self._kept.minutes, HOUR_S: now - self._kept.hours}
        while await self._store.prune_history(before, max_count=_PRUNE_COUNT) == _PRUNE_COUNT:
            pass
        self._prune_time = now
