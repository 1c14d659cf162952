"""Broadcasts what sensors at the road see: RSM ten times a second, of the objects that are fresh.

`core.perception` reads, places, numbers and writes; this file listens, keeps the beat and measures the way from an
object to the air. Each object is in one message of a beat, in its newest state. An empty road makes no message.
Usage: `await Perception(world).run()` never returns.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from wayside.errors import WaysideError
from wayside.v2x.profile import Profile
from wayside_agent.core.backoff import delay_s
from wayside_agent.core.cadence import Cadence
from wayside_agent.core.perception.allowance import Allowance
from wayside_agent.core.perception.document import Document, DocumentError
from wayside_agent.core.perception.place import Place
from wayside_agent.core.perception.planned import DueRate
from wayside_agent.core.perception.rsm import COUNT_MODULUS, RSM, Head, Kind, chosen
from wayside_agent.core.perception.scene import Scene, Track
from wayside_agent.core.perception.step import Step
from wayside_agent.core.perception.tally import Tally
from wayside_agent.ports.opened import Opened
from wayside_agent.services.endless import follow_cancel
from wayside_agent.services.v2x_obu import Send

PERIOD_S = 0.1
RECONNECT_BASE_S, RECONNECT_CAP_S = 0.5, 5.0
"""Short: the broker is on the unit, and the road does not wait."""
WORD_S = 60.0
"""Least time between two words of the log about refused documents."""

logger = logging.getLogger(__name__)


class Feed(Opened, Protocol):
    """Documents of sensors."""

    dropped_count: int
    """Documents that gave way to newer ones."""

    async def read(self) -> bytes:
        """The next document.

        Raises: WaysideError.
        """


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the settings allow."""

    max_documents_per_s: int = 100
    max_participants: int = 256
    silent_s: float = 2.0


@dataclass(frozen=True, slots=True)
class World:
    """What speaks, hears and knows around it."""

    feed: Feed
    read: Callable[[bytes], Document]
    scene: Scene
    profile: Profile
    unit_id: bytes
    """8 bytes."""
    place: Callable[[], Place | None]
    """Where the unit stands; `None`: not known."""
    send: Send
    utc_s: Callable[[], float | None]
    rng: Random
    bounds: Bounds = Bounds()
    kinds: Sequence[Kind] = (RSM,)
    clock_s: Callable[[], float] = time.monotonic
    pause: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)


class Perception:
    """The eyes of one roadside unit, for everybody on the air."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._allowance = Allowance(world.bounds.max_documents_per_s)
        self._counts = {each.name: secrets.randbelow(COUNT_MODULUS) for each in world.kinds}
        self._due = {each.application_id: DueRate() for each in world.kinds}
        self._step = Step(PERIOD_S)
        self._silent: frozenset[str] = frozenset()
        self._begin_s = world.clock_s()
        self._word_s = self._begin_s - WORD_S
        self.tally = Tally()
        self.fault = "the broker of the sensors has not been reached yet"
        """Why the broker is not reached, in one sentence; empty: it is."""
        self.why_silent = "it has not begun yet"
        """Why objects would not go out, in one sentence; empty: they do, or would if there were any."""

    def rates_hz(self) -> dict[int, float]:
        """Messages that were due of late [1/s], by AID: traffic says how many, see `core.perception.planned`."""
        return {aid: due.rate_hz for aid, due in self._due.items()}

    def sensor_faults(self) -> Mapping[str, str]:
        """Sensors that the settings name, each with why it is not heard; empty: it is."""
        return {name: self._sensor_fault(name) for name in self._world.scene.named}

    async def run(self) -> None:
        """Listens and speaks for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen(), name="perception-feed")
            group.create_task(self._speak_on(), name="perception-voice")

    def figures(self) -> Mapping[str, tuple[float, str]]:
        """For telemetry, with units: objects on the road, and the way from object to air of the last minute."""
        return self.tally.figures(self._world.scene, self._world.clock_s())

    def picture(self) -> Mapping[str, object]:
        """All that is known, ready for JSON."""
        world = self._world
        return {
            "why_silent": self.why_silent,
            "broker_fault": self.fault,
            **self.tally.picture(world.scene, world.clock_s(), silent=self._silent),
            "dropped_documents": world.feed.dropped_count,
        }

    async def _listen(self) -> None:
        world, attempt, is_told = self._world, 0, False
        while True:
            follow_cancel()
            try:
                async with world.feed:
                    if is_told:
                        logger.info("sensors at the road can be heard again")
                    self.fault, attempt, is_told = "", 0, False
                    while True:
                        follow_cancel()
                        self._take(await world.feed.read())
            except WaysideError as error:
                if not is_told:
                    logger.warning("sensors at the road cannot be heard: %s", error)
                self.fault, is_told = str(error), True
            await asyncio.sleep(delay_s(attempt, base_s=RECONNECT_BASE_S, cap_s=RECONNECT_CAP_S, rng=world.rng))
            attempt += 1

    def _take(self, payload: bytes) -> None:
        world, tally, now_s = self._world, self.tally, self._world.clock_s()
        if not self._allowance.takes(now_s):
            tally.flooded_count += 1
            return
        tally.document_count += 1
        try:
            document = world.read(payload)
            refusals = world.scene.take(document, utc_s=world.utc_s(), mono_s=now_s)
        except DocumentError as error:
            tally.refused_document_count += 1
            self._refuse(f"document: {error}", now_s)
            return
        self._step.heard(now_s, len(document.objects))
        if refusals:
            self._refuse(f"object: {refusals[-1].field}: {refusals[-1].reason}", now_s)

    def _refuse(self, reason: str, now_s: float) -> None:
        self.tally.newest_refusal = reason
        if now_s - self._word_s >= WORD_S:
            self._word_s = now_s
            logger.warning("what a sensor says is refused: %s", reason)

    async def _speak_on(self) -> None:
        world = self._world
        cadence = Cadence(PERIOD_S, world.clock_s())
        while True:
            due_s = cadence.next_s(world.clock_s())
            await world.pause(max(0.0, due_s - world.clock_s()))
            now_s = world.clock_s()
            self._tell_silent(now_s)
            self._tell(await self._speak(now_s))
            cadence.begin_s -= self._step.earlier_s(due_s)

    async def _speak(self, now_s: float) -> str:
        """Says what is to be said; why it cannot, in one sentence."""
        world, place, utc_s = self._world, self._world.place(), self._world.utc_s()
        tracks, why_silent = world.scene.fresh(now_s), ""
        if utc_s is None:
            why_silent = "the time is not known"
        elif place is None:
            why_silent = "where the unit stands is not known; set v2x.perception.latitude_deg and longitude_deg"
        if why_silent or place is None or utc_s is None:
            for due in self._due.values():
                due.add(0)
            return why_silent
        said = chosen(tracks, place, max_count=world.bounds.max_participants)
        for kind in world.kinds:
            self._due[kind.application_id].add(-(-len(said) // kind.max_participants))
        head = Head(place, world.unit_id, round(utc_s * 1000))
        faults = [await self._say(kind, said, head) for kind in world.kinds]
        return next(filter(None, faults), "") if said else self._unheard()

    async def _say(self, kind: Kind, tracks: Sequence[Track], head: Head) -> str:
        """Says objects by one kind of message; why it cannot."""
        world = self._world
        for message, group in kind.messages(tracks, head, self._counts[kind.name], world.profile):
            try:
                await world.send(message, application_id=kind.application_id)
            except WaysideError as error:  # the radio is away; sensing opens it again and says so
                return str(error)
            self._counts[kind.name] = (self._counts[kind.name] + 1) % COUNT_MODULUS
            self.tally.said(kind.name, group, world.clock_s())
        return ""

    def _unheard(self) -> str:
        """Why there are no objects, if nobody looks."""
        if self.fault:
            return self.fault
        known = self._world.scene.expected
        is_alone = bool(known) and self._silent.issuperset(known)
        return f"no sensor is heard ({', '.join(sorted(self._silent))})" if is_alone else ""

    def _sensor_fault(self, name: str) -> str:
        if name not in self._silent:
            return ""
        state = self._world.scene.sensors.get(name)
        why = self.fault or ("" if state is None else state.fault)
        return f"sensor {name}: {why or f'nothing for {self._world.bounds.silent_s:g} s'}"

    def _tell_silent(self, now_s: float) -> None:
        limit_s = self._world.bounds.silent_s
        is_early = now_s - self._begin_s <= limit_s
        silent = frozenset() if is_early else frozenset(self._world.scene.silent(now_s, limit_s))
        for name in sorted(silent - self._silent):
            logger.warning("sensor %s is silent, or nothing it says can be used, for %g s", name, limit_s)
        for name in sorted(self._silent - silent):
            logger.info("sensor %s is heard again", name)
        self._silent = silent

    def _tell(self, why_silent: str) -> None:
        if why_silent != self.why_silent:
            if why_silent:
                logger.warning("no RSM is sent: %s", why_silent)
            else:
                logger.info("RSM are sent")
        self.why_silent = why_silent
