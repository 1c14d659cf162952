"""Moves rollouts on: reads, plans, writes, wakes. All state is in the store, so it may be killed at any point.

Usage: one `run()` in the task group. It looks again when a rollout or a node changes, and at every tick.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from wayside.errors import ConflictError, WaysideError
from wayside_manager.core.rollout import RolloutRecord
from wayside_manager.core.rollout_plan import RolloutStep, next_step
from wayside_manager.ports.rollouts import RolloutStepStore
from wayside_manager.ports.wakeups import Bus, Subscription, Topic

logger = logging.getLogger(__name__)

TICK_S = 5.0
"""Presence changes without a word from anybody, and wake-ups may get lost."""

_REST_S = 0.1
"""Between two looks, so that thousands of reporting nodes cause ten looks a second and no more."""


class RolloutStepper:
    """The loop over all rollouts that are not settled."""

    def __init__(
        self, store: RolloutStepStore, bus: Bus, *, now: Callable[[], datetime], tick_s: float = TICK_S
    ) -> None:
        self._store = store
        self._bus = bus
        self._now = now
        self._tick_s = tick_s
        self._is_failing = False

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
            while True:
                is_woken.clear()
                await self._step_all()
                await _first(is_woken, self._tick_s)
                await asyncio.sleep(_REST_S)

    async def step_all(self) -> None:
        """Moves every rollout as far as it goes now.

        Raises: UnavailableError, ResourceExhaustedError: the store does not work now.
        """
        for rollout in await self._store.live_rollouts():
            await self._step(rollout)

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

    async def _step(self, rollout: RolloutRecord) -> None:
        now = self._now()
        step = next_step(rollout, await self._store.rollout_facts(rollout.rollout_id, now=now))
        if not step.changes(rollout):
            return
        try:
            await self._store.save_step(rollout, step, now=now)
        except ConflictError:
            # An operator's order came between; its wake-up brings us here again.
            await self._bus.publish(Topic.ROLLOUT, [rollout.rollout_id])
            return
        _log(rollout, step)
        await self._bus.publish(Topic.ROLLOUT, [rollout.rollout_id])
        told = (*step.assigned_node_ids, *step.withdrawn_node_ids)
        await self._bus.publish(Topic.DESIRED, told)
        await self._bus.publish(Topic.NODE, told)


def _log(rollout: RolloutRecord, step: RolloutStep) -> None:
    if step.state is not rollout.state:
        logger.info(
            "rollout %s of %s: %s",
            rollout.rollout_id,
            rollout.version,
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
