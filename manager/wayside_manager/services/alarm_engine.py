"""Raises, groups and clears alarms: reads what holds, decides, writes, and has rollouts rest in a storm.

Of several managers over one database the one with the lease decides. What is pending (found, and not held long enough)
is in memory: another manager that takes over begins to count it anew.
Usage: one `run()` in the task group; tests call `step()`.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from wayside.errors import ConflictError, WaysideError
from wayside_manager.core.alarm_step import next_step
from wayside_manager.core.alarms import AlarmState, AlarmStep, Key, Situation
from wayside_manager.ports.alarms import AlarmEngineStore
from wayside_manager.ports.rollouts import Lease
from wayside_manager.ports.wakeups import Bus, Subscription, Topic

logger = logging.getLogger(__name__)

TICK_S = 5.0
LEASE_NAME = "alarms"
LEASE_LIFE_S = 15.0
_RENEW_S = 5.0
_RELEASE_S = 1.0
GAP_MAX_S = 60.0
"""Between two looks of one manager. After more, it was away itself: suspended, or its store did not take reports."""
REST_S = 1.0
"""Between two looks at least: one reads every node, and alarms need no more."""
REST_TIMES = 10.0
"""And so many times as long as a look took: 10,000 nodes wake it all the time, and looks must not take a processor."""


class AlarmEngine:
    """The loop over everything that may be wrong."""

    def __init__(
        self,
        store: AlarmEngineStore,
        bus: Bus,
        *,
        now: Callable[[], datetime],
        admit_at: Callable[[float], None] = lambda _: None,
        tick_s: float = TICK_S,
        holder: str = "",
    ) -> None:
        """Stores values.

        Args:
            store: Where alarms are.
            bus: Wakes it, and whom it changes.
            now: The manager's clock.
            admit_at: Takes how many sessions a second the policy lets in, at every look.
            tick_s: Longest time between two looks.
            holder: Name under which it leases; empty: a random one.
        """
        self._store = store
        self._bus = bus
        self._now = now
        self._admit_at = admit_at
        self._tick_s = tick_s
        self._holder = holder or secrets.token_hex(8)
        self._begin_time = self._look_time = now()
        self._pending: Mapping[Key, datetime] = {}
        self._lease: Lease | None = None
        self._take_time: datetime | None = None
        self._is_failing = False

    async def run(self) -> None:
        """Looks for ever."""
        async with self._bus.subscribe(Topic.NODE) as wakes, asyncio.TaskGroup() as group:
            is_woken = asyncio.Event()
            group.create_task(_forward(wakes, is_woken), name="alarms-wakes")
            mono_s = asyncio.get_running_loop().time
            try:
                while True:
                    is_woken.clear()
                    begin_s = mono_s()
                    await self._look()
                    await asyncio.sleep(min(self._tick_s, max(REST_S, REST_TIMES * (mono_s() - begin_s))))
                    with suppress(TimeoutError):
                        async with asyncio.timeout(self._tick_s):
                            await is_woken.wait()
            finally:
                await self._release()

    async def step(self) -> AlarmStep:
        """Looks once, and writes what changes; an empty step when another manager does it.

        Raises: UnavailableError, ResourceExhaustedError: the store does not work now.
        """
        now = self._now()
        lease = await self._leased(now)
        if lease is None:
            self._admit_at((await self._store.get_alarm_policy()).reconnects_per_s)
            self._pending, self._look_time = {}, now
            return AlarmStep()
        begin_time = self._begun(now)
        situation, policy = await self._store.alarm_situation(now=now, begin_time=begin_time)
        self._begin_time, self._look_time = begin_time, now
        self._admit_at(policy.reconnects_per_s)
        looked = replace(situation, pending=self._pending)
        # in a thread: sessions wait for this loop, and a step over 10,000 nodes takes some tens of milliseconds
        step = await asyncio.to_thread(next_step, looked, policy, now)
        storms = _storms(situation, step)
        if step.is_change or storms or any(alarm.is_storm for alarm in situation.alarms):
            try:
                rollout_ids = await self._store.save_alarm_step(step, storms=storms, now=now, lease=lease)
            except ConflictError:  # another manager has the lease now
                self._lease = None
                return AlarmStep()
            await self._bus.publish(Topic.ROLLOUT, rollout_ids)
            if step.events:
                await self._bus.publish(Topic.EVENT, [""])
        self._pending = step.pending
        return step

    def _begun(self, now: datetime) -> datetime:
        """Since when this manager has listened without a gap: who was silent before may just not have come back yet."""
        is_gap = not timedelta() <= now - self._look_time <= timedelta(seconds=GAP_MAX_S)
        return now if is_gap else self._begin_time

    async def _look(self) -> None:
        try:
            step = await self.step()
        except WaysideError as error:
            if not self._is_failing:
                logger.warning("alarms stand still: %s", error)
            self._is_failing = True
        else:
            if self._is_failing:
                logger.info("alarms go on")
            self._is_failing = False
            for event in step.events:
                logger.info("%s", event.message, extra={"event": event.kind})

    async def _leased(self, now: datetime) -> Lease | None:
        is_fresh = self._take_time is not None and timedelta() <= now - self._take_time < timedelta(seconds=_RENEW_S)
        if self._lease is None or not is_fresh:
            self._lease = await self._store.take_lease(LEASE_NAME, self._holder, now=now, life_s=LEASE_LIFE_S)
            self._take_time = now
        return self._lease

    async def _release(self) -> None:
        """Who stops in order does not let the next one wait."""
        if self._lease is not None:
            with suppress(WaysideError, TimeoutError):
                async with asyncio.timeout(_RELEASE_S):
                    await self._store.release_lease(self._lease)


def _storms(situation: Situation, step: AlarmStep) -> dict[str, Collection[str]]:
    """Nodes of the area of every storm that holds after a step, by alarm."""
    present = {alarm.alarm_id: alarm for alarm in (*situation.alarms, *step.alarms)}
    return {
        alarm_id: [node.node_id for node in situation.nodes.values() if alarm.subject in node.areas]
        for alarm_id, alarm in present.items()
        if alarm.is_storm and alarm.state is AlarmState.RAISED
    }


async def _forward(wakes: Subscription, is_woken: asyncio.Event) -> None:
    while True:
        await wakes.changed()
        is_woken.set()
