"""Moves rollouts on: reads, plans, writes, wakes. All state is in the store, so it may be killed at any point.

Of several managers over one database the one with the lease steps, and the others wait for it to end; a step is written
only under the present lease and on the state it was planned on, so no wave is issued twice.
Usage: one `run()` in the task group. It looks again when a rollout or a node changes, and at every tick.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from wayside.errors import ConflictError, WaysideError
from wayside_manager.core.rollout import RolloutRecord
from wayside_manager.core.rollout_plan import RolloutStep, next_step
from wayside_manager.ports.rollouts import Lease, RolloutStepStore
from wayside_manager.ports.wakeups import Bus, Subscription, Topic, publish_jobs

logger = logging.getLogger(__name__)

TICK_S = 5.0
"""Presence changes without a word from anybody, windows open, deadlines come, and wake-ups may get lost."""
LEASE_NAME = "rollouts"
LEASE_LIFE_S = 15.0
"""Another manager goes on at most so long after the holder's end."""
_RENEW_S = 5.0
"""Least time between two renewals: each is a commit."""
_RELEASE_S = 1.0
_REST_S = 0.1
"""Between two looks, so that thousands of reporting nodes cause ten looks a second and no more."""


class RolloutStepper:
    """The loop over all rollouts that are not settled."""

    def __init__(
        self,
        store: RolloutStepStore,
        bus: Bus,
        *,
        now: Callable[[], datetime],
        tick_s: float = TICK_S,
        holder: str = "",
    ) -> None:
        self._store = store
        self._bus = bus
        self._now = now
        self._tick_s = tick_s
        self._holder = holder or secrets.token_hex(8)
        self._lease: Lease | None = None
        self._take_time: datetime | None = None
        self._is_failing = False
        self._is_waiting = False

    async def run(self) -> None:
        """Steps for ever."""
        async with (
            self._bus.subscribe(Topic.ROLLOUT) as rollout_wakes,
            self._bus.subscribe(Topic.NODE) as node_wakes,
            asyncio.TaskGroup() as group,
        ):
            is_woken = asyncio.Event()
            for name, wakes in (("rollouts", rollout_wakes), ("nodes", node_wakes)):
                group.create_task(_forward(wakes, is_woken), name=f"rollout-stepper-{name}")
            try:
                while True:
                    is_woken.clear()
                    await self._step_all()
                    await _first(is_woken, self._tick_s)
                    await asyncio.sleep(_REST_S)
            finally:
                await self._release()

    async def step_all(self) -> None:
        """Moves every rollout as far as it goes now; nothing when another manager does.

        Raises: UnavailableError, ResourceExhaustedError: the store does not work now.
        """
        live = await self._store.live_rollouts()
        for rollout_id in live:
            lease = await self._leased()
            if lease is None:
                return
            await self._step(rollout_id, lease)

    async def _step_all(self) -> None:
        try:
            await self.step_all()
        except WaysideError as error:
            if not self._is_failing:
                logger.warning("rollouts stand still: %s", error)
            self._is_failing = True
        else:
            if self._is_failing:
                logger.info("rollouts go on")
            self._is_failing = False

    async def _release(self) -> None:
        """Who stops in order does not let the next one wait."""
        if self._lease is not None:
            with suppress(WaysideError, TimeoutError):
                async with asyncio.timeout(_RELEASE_S):
                    await self._store.release_lease(self._lease)

    async def _leased(self) -> Lease | None:
        now = self._now()
        is_fresh = self._take_time is not None and timedelta() <= now - self._take_time < timedelta(seconds=_RENEW_S)
        if self._lease is not None and is_fresh:
            return self._lease
        self._lease = await self._store.take_lease(LEASE_NAME, self._holder, now=now, life_s=LEASE_LIFE_S)
        self._take_time = now
        if self._lease is None and not self._is_waiting:
            logger.info("rollouts: another manager over this database moves them; waiting for its end")
        self._is_waiting = self._lease is None
        return self._lease

    async def _step(self, rollout_id: str, lease: Lease) -> None:
        now = self._now()
        situation = await self._store.rollout_situation(rollout_id, now=now)
        rollout = situation.rollout
        # in a thread: sessions wait for this loop, and a step of 10,000 nodes takes some tens of milliseconds
        step = await asyncio.to_thread(next_step, rollout, situation.nodes, situation.facts, situation.roads, now=now)
        if not (situation.joined or step.changes(rollout)):
            return
        try:
            jobs = await self._store.save_step(rollout, step, now=now, lease=lease, joined=situation.joined)
        except ConflictError:
            # An operator's order, a newer change or another manager came between; what they did is looked at next.
            self._lease = None
            await self._bus.publish(Topic.ROLLOUT, [rollout_id])
            return
        _log(rollout, step)
        await self._bus.publish(Topic.ROLLOUT, [rollout_id])
        told = (*step.assigned_node_ids, *step.withdrawn_node_ids)
        await self._bus.publish(Topic.DESIRED, told)
        await self._bus.publish(Topic.NODE, told)
        await publish_jobs(self._bus, jobs)
        if step.state is not rollout.state:
            await self._bus.publish(Topic.EVENT, [""])


def _log(rollout: RolloutRecord, step: RolloutStep) -> None:
    if step.state is not rollout.state:
        logger.info(
            "rollout %s of %s: %s",
            rollout.rollout_id,
            rollout.what,
            f"{step.state}: {step.message}" if step.message else step.state,
            extra={"rollout": rollout.rollout_id, "release": rollout.version},
        )


async def _forward(wakes: Subscription, is_woken: asyncio.Event) -> None:
    while True:
        await wakes.changed()
        is_woken.set()


async def _first(is_woken: asyncio.Event, tick_s: float) -> None:
    try:
        async with asyncio.timeout(tick_s):
            await is_woken.wait()
    except TimeoutError:
        pass  # a tick
