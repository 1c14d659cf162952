"""Speaks for a vehicle: a BSM ten times a second, as long as it knows where and when it is.

`core.speaking` decides what is said; this file keeps the beat and says, once, why it falls silent.
Usage: `await Voice(world).run()` never returns.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from wayside.errors import WaysideError
from wayside.v2x.profile import Profile
from wayside_agent.core.bsm import encoded_bsm
from wayside_agent.core.cadence import Cadence
from wayside_agent.core.fix import Fix
from wayside_agent.core.speaking import Said, Signal, Speaker

PERIOD_S = 0.1

logger = logging.getLogger(__name__)


class Send(Protocol):
    """The radio's way out."""

    async def __call__(self, payload: bytes, *, application_id: int) -> None:
        """Raises: DeviceError."""


@dataclass(frozen=True, slots=True)
class World:
    """What speaks, hears and knows around it."""

    speaker: Speaker
    profile: Profile
    send: Send
    fix: Callable[[], tuple[Fix | None, float]]
    """The newest epoch and its age [s]."""
    values: Callable[[], Mapping[Signal, float]]
    utc_s: Callable[[], float | None]
    doubt: Callable[[], str] = str
    """Why the position cannot be true; empty: it can."""
    id_period_s: float = 300.0
    """Between two temporary ids."""
    id_changes: Callable[[bytes], Awaitable[None]] | None = None
    """Told of a new temporary id before anything is said under it; in bounded time, and never raises."""
    clock_s: Callable[[], float] = time.monotonic
    pause: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)


class Voice:
    """The voice of one vehicle."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.why_silent = "it has not begun yet"
        """One sentence; empty: it speaks."""

    def ids(self) -> tuple[bytes, ...]:
        """The temporary ids it speaks under: the present one, and the one before, which is still on the air."""
        return self._world.speaker.ids

    async def run(self) -> None:
        """Speaks for ever."""
        world = self._world
        cadence = Cadence(PERIOD_S, world.clock_s())
        id_since_s = world.clock_s()
        while True:
            due_s = cadence.next_s(world.clock_s())
            await world.pause(max(0.0, due_s - world.clock_s()))
            now_s = world.clock_s()
            if now_s - id_since_s >= world.id_period_s:
                world.speaker.change_id()
                id_since_s = now_s
                if world.id_changes is not None:
                    await world.id_changes(world.speaker.id)
                    now_s = world.clock_s()
            await self._speak(now_s)

    async def _speak(self, now_s: float) -> None:
        world = self._world
        fix, age_s = world.fix()
        said = world.speaker.say(
            fix, fix_age_s=age_s, values=world.values(), utc_s=world.utc_s(), now_s=now_s, doubt=world.doubt()
        )
        if said.bsm is None:
            self._tell(said)
            return
        try:
            await world.send(encoded_bsm(said.bsm, world.profile), application_id=said.application_id)
        except WaysideError as error:  # a value that no message can carry, or the radio is away: sensing opens it again
            self._tell(Said(why_silent=str(error)))
        else:
            self._tell(said)

    def _tell(self, said: Said) -> None:
        """Logs when it falls silent for another reason, and when it speaks again."""
        if _plain(said.why_silent) != _plain(self.why_silent):
            if said.why_silent:
                logger.warning("no BSM is sent: %s", said.why_silent)
            else:
                logger.info("BSM are sent")
        self.why_silent = said.why_silent


def _plain(sentence: str) -> str:
    """Without numbers, which change all the time."""
    return "".join(letter for letter in sentence if not letter.isdigit())
