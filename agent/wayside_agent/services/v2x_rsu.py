"""Broadcasts what a signal controller says: SPAT ten times a second, as long as its word is fresh and makes sense.

`core.signal_phases` makes the message and finds conflicts; this file keeps the beat. A controller that falls silent, or
lets crossing phases go at once, ends the broadcast within a second: no SPAT is better than a wrong one. The check of
the radio's rate then says so to the manager.
Usage: `await SignalVoice(world).run()` never returns.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from wayside.errors import WaysideError
from wayside.v2x.codec import encode
from wayside.v2x.profile import Profile
from wayside_agent.core.cadence import Cadence
from wayside_agent.core.signal_phases import STALE_S, Intersection, conflicts_in, spat_of
from wayside_agent.core.tscbm import SignalPlan
from wayside_agent.ports.opened import Opened
from wayside_agent.services.v2x_obu import Send

PERIOD_S = 0.1
REOPEN_S = 5.0
SPAT_AID = 3619
_COUNT_MODULUS = 128
SILENT = "the signal controller is silent"

logger = logging.getLogger(__name__)


class SignalFeed(Opened, Protocol):
    """A signal controller."""

    async def read(self) -> SignalPlan:
        """Its next word.

        Raises: DeviceError.
        """


@dataclass(frozen=True, slots=True)
class World:
    """What speaks, hears and knows around it."""

    feed: SignalFeed
    intersection: Intersection
    profile: Profile
    send: Send
    utc_s: Callable[[], float | None]
    clock_s: Callable[[], float] = time.monotonic
    pause: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)


class SignalVoice:
    """The voice of one crossing."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._plan: SignalPlan | None = None
        self._heard_s = 0.0
        self._count = secrets.randbelow(_COUNT_MODULUS)
        self._fault = ""
        self.why_silent = "it has not begun yet"
        """One sentence; empty: it speaks."""

    async def run(self) -> None:
        """Listens and speaks for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen(), name="signal-feed")
            group.create_task(self._speak_on(), name="signal-voice")

    async def _listen(self) -> None:
        world = self._world
        while True:
            try:
                async with world.feed:
                    self._fault = ""
                    while True:
                        self._plan, self._heard_s = await world.feed.read(), world.clock_s()
            except WaysideError as error:
                self._fault, self._plan = str(error), None
                await asyncio.sleep(REOPEN_S)

    async def _speak_on(self) -> None:
        world = self._world
        cadence = Cadence(PERIOD_S, world.clock_s())
        while True:
            due_s = cadence.next_s(world.clock_s())
            await world.pause(max(0.0, due_s - world.clock_s()))
            self._tell(await self._speak())

    async def _speak(self) -> str:
        """Says what is to be said; why nothing is, in one sentence."""
        world, plan, utc_s = self._world, self._plan, self._world.utc_s()
        age_s = world.clock_s() - self._heard_s
        if utc_s is None:
            return "the time is not known"
        if plan is None or (doubt := self._doubt(plan, age_s)):
            return self._fault or (SILENT if plan is None else doubt)
        now = datetime.fromtimestamp(utc_s, UTC)
        spat = spat_of(_aged(plan, age_s), world.intersection, message_count=self._count, now=now)
        if spat is None:
            return "no phase of the signal controller is one of the map's"
        try:
            await world.send(encode(("spatFrame", spat), world.profile), application_id=SPAT_AID)
        except WaysideError as error:  # the radio is away; sensing opens it again and says so
            return str(error)
        self._count = (self._count + 1) % _COUNT_MODULUS
        return ""

    def _doubt(self, plan: SignalPlan, age_s: float) -> str:
        """Why the controller's word must not be passed on; empty: it may."""
        if age_s > STALE_S:
            return SILENT
        conflicts = conflicts_in(plan, self._world.intersection)
        pairs = ", ".join(f"{one} and {other}" for one, other in conflicts)
        return f"the signal controller lets crossing phases go at once: {pairs}" if pairs else ""

    def _tell(self, why_silent: str) -> None:
        if why_silent != self.why_silent:
            if why_silent:
                logger.warning("no SPAT is sent: %s", why_silent)
            else:
                logger.info("SPAT are sent")
        self.why_silent = why_silent


def _aged(plan: SignalPlan, age_s: float) -> SignalPlan:
    """The same word a moment later: less time is left."""
    return replace(
        plan,
        phases={
            number: replace(now, min_s=_less(now.min_s, age_s), max_s=_less(now.max_s, age_s))
            for number, now in plan.phases.items()
        },
    )


def _less(time_s: float | None, age_s: float) -> float | None:
    return None if time_s is None else max(0.0, time_s - age_s)
