"""The bridge of an RSU to one platform of T/ITS 0117: says who and how it is, brings samples up, answers commands.

Offline is normal: of each thing the newest waits, bounded, and nothing waits for a platform. A message is acknowledged
by the platform where the standard says so, or sent again; a command is done once and answered as often as it comes.
Usage: `sensing.message_taps.append(bridge.heard)`; `run()` for ever.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial

from wayside.errors import WaysideError
from wayside.v2x.peek import MessageKind, Peek
from wayside_agent.core.backoff import delay_s
from wayside_agent.core.health_samples import PlatformSample
from wayside_agent.core.heard.sampler import Sampler
from wayside_agent.core.platform.codec import FrameOut
from wayside_agent.core.platform.outbox import Letter, Outbox
from wayside_agent.core.platform.subject import ACKNOWLEDGED, UP_OF_KIND
from wayside_agent.core.v2x import ReceivedMessage
from wayside_agent.ports.platform import PlatformWire
from wayside_agent.services.endless import endless, follow_cancel
from wayside_agent.services.platform_beats import LOOK_S, Beats
from wayside_agent.services.platform_ear import Ear
from wayside_agent.services.platform_orders import Orders
from wayside_agent.services.platform_words import Words
from wayside_agent.services.platform_world import Counts, Manner, Origin, Plan, World

RECONNECT_BASE_S = 1.0
RECONNECT_CAP_S = 60.0
STEADY_S = 10.0
"""A connection that breaks sooner was none: the next waits longer."""
MAX_WAITING = 200
"""V2X messages of one kind."""
BATCH_COUNT = 20
GATHER_S = 0.05
"""What comes within it goes in one batch."""

logger = logging.getLogger(__name__)


class Bridge:
    """To one platform."""

    def __init__(self, plan: Plan, world: World) -> None:
        self._plan = plan
        self._world = world
        samplers = {kind: Sampler(rule) for kind, rule in plan.rules.items()}
        self._manner = Manner(plan.heartbeat_s, plan.running_s, samplers=samplers)
        self._words = Words(plan, world, self._manner)
        self._outbox = Outbox(ack_timeout_s=plan.ack_timeout_s, rng=world.rng)
        self.counts = Counts()
        self._ear = Ear(plan, world, Orders(plan, world, self._manner), self._words, self._outbox, self.counts)
        self._beats = Beats(plan, world, self._manner, self._words, self._outbox)
        self._frames: dict[MessageKind, deque[FrameOut]] = {kind: deque() for kind in plan.rules}
        self._news = asyncio.Event()
        self.is_reached = False
        self.fault = ""
        """Why the platform is not reached, in one sentence; empty: it is, or was not tried yet."""
        self._lost_s = world.mono_s()

    @property
    def sample(self) -> PlatformSample:
        """What its check looks at."""
        away_s = None if self.is_reached else self._world.mono_s() - self._lost_s
        return PlatformSample(self._plan.label, away_s, self._plan.ttl_s, self.fault)

    def heard(self, message: ReceivedMessage, seen: Peek | None) -> None:
        """Takes a message from the air; cheap, for every one passes here."""
        self._offer(message, seen, Origin.HEARD)

    def said(self, message: ReceivedMessage, seen: Peek | None) -> None:
        """Takes a message the unit itself has sent."""
        self._offer(message, seen, Origin.OWN)

    def picture(self) -> Mapping[str, object]:
        """All that is known, ready for JSON."""
        return {
            **{f"{name}_count": value for name, value in asdict(self.counts).items()},
            "unsent_count": self._outbox.dropped_count,
            "unacknowledged_count": self._outbox.unacknowledged_count,
            "heartbeat_seconds": self._manner.heartbeat_s,
            "is_reached": self.is_reached,
            "fault": self.fault,
        }

    def figures(self) -> Mapping[str, tuple[float, str]]:
        """For telemetry, with units: whether the platform is reached, and counts since the start."""
        counts = {
            "commands": self.counts.commands,
            "refused": self.counts.refused,
            "foreign": self.counts.foreign,
            "dropped": self.counts.dropped,
            "unacknowledged": self._outbox.unacknowledged_count,
        }
        name = f"v2x.platform.{self._plan.label}"
        found = {f"{name}.{what}_count": (float(value), "") for what, value in counts.items()}
        return {f"{name}.reached": (float(self.is_reached), ""), **found}

    async def run(self) -> None:
        """Keeps the bridge up for ever."""
        attempt = 0
        while True:
            follow_cancel()
            begun_s = self._world.mono_s()
            try:
                async with self._world.connect() as wire:
                    self._is_back()
                    await self._converse(wire)
            except WaysideError as error:
                if self.is_reached:
                    self.is_reached, self._lost_s = False, self._world.mono_s()
                if not self.fault:
                    logger.warning("Platform %s is not reached: %s", self._plan.label, error)
                self.fault = str(error)
                if self._world.mono_s() - begun_s >= STEADY_S:
                    attempt = 0
                pause_s = delay_s(attempt, base_s=RECONNECT_BASE_S, cap_s=RECONNECT_CAP_S, rng=self._world.rng)
                await asyncio.sleep(pause_s)
                attempt += 1

    def _offer(self, message: ReceivedMessage, seen: Peek | None, origin: Origin) -> None:
        sampler = self._manner.samplers.get(message.kind)
        if sampler is None or seen is None or self._plan.origins[message.kind] not in {origin, Origin.BOTH}:
            return
        if not sampler.takes(seen, message.application_id, self._world.mono_s()):
            return
        waiting = self._frames[message.kind]
        if len(waiting) >= MAX_WAITING:
            waiting.popleft()
            self.counts.dropped += 1
        waiting.append(FrameOut(message))
        self._news.set()

    def _is_back(self) -> None:
        logger.info("Platform %s is reached", self._plan.label)
        self.is_reached, self.fault = True, ""
        self._beats.begin_anew()

    async def _converse(self, wire: PlatformWire) -> None:
        """Speaks and listens until the connection is lost.

        Raises: UnavailableError: it is. An exception group: a bug.
        """
        try:
            async with asyncio.TaskGroup() as group:
                label = self._plan.label
                group.create_task(endless("listening", partial(self._listen, wire)), name=f"platform-{label}-listening")
                group.create_task(endless("speaking", partial(self._speak, wire)), name=f"platform-{label}-speaking")
        except BaseExceptionGroup as failed:
            expected, rest = failed.split(WaysideError)
            if rest is not None or expected is None:
                raise
            raise _first(expected) from failed

    async def _listen(self, wire: PlatformWire) -> None:
        while True:
            follow_cancel()
            await self._ear.take(await wire.receive())
            self._news.set()

    async def _speak(self, wire: PlatformWire) -> None:
        while True:
            follow_cancel()
            self._news.clear()
            self._beats.remember()
            letters = self._letters()
            if letters:
                await self._publish(wire, letters)
                continue
            wait_s = min(self._beats.next_s() - self._world.mono_s(), LOOK_S)
            try:
                async with asyncio.timeout(max(0.0, wait_s)):
                    await self._news.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(GATHER_S)

    async def _publish(self, wire: PlatformWire, letters: list[Letter]) -> None:
        try:
            await wire.publish([(self._plan.topics.of(each.subject), each.payload) for each in letters])
        except BaseException:
            for each in reversed(letters):
                self._outbox.put_back(each)
            raise
        self.counts.sent += len(letters)
        for each in letters:
            self._outbox.sent(each, self._world.mono_s())

    def _letters(self) -> list[Letter]:
        """What goes out now."""
        found: list[Letter] = []
        while len(found) < BATCH_COUNT:
            letter = self._outbox.take()
            if letter is None and not self._pack():
                break
            if letter is not None:
                found.append(letter)
        return found

    def _pack(self) -> bool:
        """Puts V2X messages that wait into the outbox; False: there are none."""
        for kind, waiting in self._frames.items():
            if not waiting:
                continue
            subject, codec = UP_OF_KIND[kind], self._plan.codec
            frames = [waiting.popleft() for _ in range(min(BATCH_COUNT, len(waiting)))]
            is_acknowledged = subject in ACKNOWLEDGED and codec.carries_sequence(subject)
            sequence = self._words.next_sequence()
            head = self._words.head(sequence=sequence if is_acknowledged else None)
            for index, payload in enumerate(codec.frames(subject, head, frames)):
                key = f"{sequence}.{index}"
                self._outbox.put(Letter(subject, payload, key, sequence if is_acknowledged else None))
            return True
        return False


def _first(group: BaseExceptionGroup[WaysideError]) -> BaseException:
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
