"""Broadcasts what a signal controller says: SPAT ten times a second, as long as its word is fresh and makes sense.

`core.signal_phases` makes the message and finds conflicts, `core.signal_conflicts` reads them off the MAP on the air;
this file keeps the beat. A controller that falls silent, or lets crossing phases go at once, ends the broadcast within
a second: no SPAT is better than a wrong one. The checks `signal.feed` and `radio.rate` say so to the manager.
Usage: `await SignalVoice(world).run()` never returns.
"""

import asyncio
import logging
import math
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from wayside.errors import WaysideError
from wayside.v2x.codec import encode
from wayside.v2x.generated.messages import Node
from wayside.v2x.profile import Profile
from wayside_agent.core.cadence import Cadence
from wayside_agent.core.health_samples import SignalSample
from wayside_agent.core.signal_conflicts import Pair, conflicting, phases_in
from wayside_agent.core.signal_phases import STALE_S, Intersection, conflicts_in, spat_of, unknown_in
from wayside_agent.core.signal_plan import SignalPlan
from wayside_agent.ports.signal import SignalFeed
from wayside_agent.services.v2x_obu import Send

PERIOD_S = 0.1
REOPEN_S = 5.0
SPAT_AID = 3619
_COUNT_MODULUS = 128
FIRST_WORD_S = 5.0
"""So long after the start a controller that has not spoken yet is not called silent by its check."""
CONFLICT_HOLD_S = 60.0
"""So long a conflict is told after it was seen: one that lasts a moment is as bad."""
SILENT = "the signal controller is silent"
NO_PHASE = "no phase of the signal controller is one of the map's"

logger = logging.getLogger(__name__)


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
    crossing: Callable[[], Node | None] = lambda: None
    """The crossing in the MAP that is on the air; `None`: there is none."""
    silence_s: float = STALE_S
    """Without a word for so long, nothing is said any more."""


class SignalVoice:
    """The voice of one crossing."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._plan: SignalPlan | None = None
        self._begun_s = world.clock_s()
        self._heard_s: float | None = None
        """When the newest word was made; `None`: there never was one."""
        self._conflict = ("", -math.inf)
        """The newest, and when it was seen."""
        self._map = _Map()
        self._count = secrets.randbelow(_COUNT_MODULUS)
        self._fault = ""
        self.why_silent = "it has not begun yet"
        """One sentence; empty: it speaks."""
        self.sample = SignalSample()
        """What the check of the feed looks at."""

    @property
    def feed(self) -> SignalFeed:
        """Who tells the lights."""
        return self._world.feed

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
                        plan = await world.feed.read()
                        self._plan, self._heard_s = plan, world.clock_s() - plan.age_s
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
        world, utc_s = self._world, self._world.utc_s()
        self._map.follow(world.crossing())
        plan, self.sample = self._judged()
        if utc_s is None:
            return "the time is not known"
        if plan is None:
            return self.sample.fault
        now = datetime.fromtimestamp(utc_s, UTC)
        spat = spat_of(plan, world.intersection, message_count=self._count, now=now, known=self._map.phases)
        if spat is None:
            return NO_PHASE
        try:
            await world.send(encode(("spatFrame", spat), world.profile), application_id=SPAT_AID)
        except WaysideError as error:  # the radio is away; sensing opens it again and says so
            return str(error)
        self._count = (self._count + 1) % _COUNT_MODULUS
        return ""

    def _judged(self) -> tuple[SignalPlan | None, SignalSample]:
        """The word as it is now, and what a check has to know; `None`: it must not be passed on."""
        world, heard_s = self._world, self._heard_s
        age_s = world.clock_s() - (self._begun_s if heard_s is None else heard_s)
        plan = self._plan
        if plan is None or age_s > world.silence_s:
            is_early = heard_s is None and not self._fault and age_s <= FIRST_WORD_S
            return None, SignalSample(fault=self._fault or SILENT, is_known=not is_early)
        if pairs := conflicts_in(plan, world.intersection, self._map.conflicts):
            named = ", ".join(f"{one} and {other}" for one, other in pairs)
            self._conflict = f"the signal controller lets crossing phases go at once: {named}", world.clock_s()
            return None, SignalSample(fault=self._conflict[0])
        words, seen_s = self._conflict
        if world.clock_s() - seen_s < CONFLICT_HOLD_S:
            return plan.aged(age_s), SignalSample(fault=f"{words}; seen within the last minute")
        return plan.aged(age_s), self._doubted(plan)

    def _doubted(self, plan: SignalPlan) -> SignalSample:
        where = f"{self._world.intersection.region}/{self._world.intersection.node}"
        if self._map.phases is None:
            return SignalSample(doubt=f"no MAP of crossing {where} is on the air here")
        missing = unknown_in(plan, self._world.intersection, self._map.phases)
        if not missing:
            return SignalSample()
        named = ", ".join(map(str, missing))
        words = f"the MAP of crossing {where} has no phase {named}, which the controller tells of"
        if all(self._world.intersection.phase_id(number) in {*missing, None} for number in plan.phases):
            return SignalSample(fault=words)
        return SignalSample(doubt=words)

    def _tell(self, why_silent: str) -> None:
        if why_silent != self.why_silent:
            if why_silent:
                logger.warning("no SPAT is sent: %s", why_silent)
            else:
                logger.info("SPAT are sent")
        self.why_silent = why_silent


class _Map:
    """What the MAP on the air says of the crossing, read off once."""

    def __init__(self) -> None:
        self._node: Node | None = None
        self.phases: frozenset[int] | None = None
        """`None`: there is no MAP."""
        self.conflicts: frozenset[Pair] = frozenset()

    def follow(self, node: Node | None) -> None:
        """Takes the present one."""
        if node is not self._node:
            self._node = node
            self.phases = None if node is None else phases_in(node)
            self.conflicts = frozenset() if node is None else conflicting(node)
