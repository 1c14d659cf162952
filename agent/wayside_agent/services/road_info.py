"""Keeps on the air what the manager wants there: MAP and RSI of its area, from their begin to their end.

The manager names everything; what is missing is taken off. All of it is on the disk before it is acknowledged, so after
a restart it is on the air again before the manager is reached, and ends by itself. Each change is reported durably.
Usage: `info.follow(desired_state)`; `await info.run()` never returns.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from wayside.errors import WaysideError
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.core.road_info import MAX_COUNT, Held, Standing, State, next_s, standing
from wayside_agent.core.trusted_time import Estimate
from wayside_agent.services import road_info_words
from wayside_agent.services.road_info_words import Targets

RETRY_S = 5.0
"""After a disk that took nothing, and while nobody knows the time."""
LOOK_S = 60.0
"""At the latest, for a clock may be set, and what was refused may have room."""
_OVER = "every event and sign in it is over by its own time"

logger = logging.getLogger(__name__)


class Voice(Protocol):
    """What repeats on the air."""

    async def show(self, message: bytes, *, source: str, profile: str) -> None:
        """Repeats a message in place of what the source had.

        Raises: InvalidArgumentError, AlreadyExistsError, ResourceExhaustedError: it cannot be repeated.
        """

    async def rehearse(self, message: bytes, *, source: str, profile: str) -> None:
        """Finds what `show` would find, and changes nothing. Raises: as `show`."""

    async def hide(self, source: str) -> None:
        """Repeats nothing of the source any more."""

    def repeats(self, source: str) -> bool:
        """Whether anything of the source is left; what is over by its own time is not."""


class Shelf(Protocol):
    """Where it is kept over a restart."""

    async def save(self, held: tuple[Held, ...]) -> None:
        """Raises: WaysideError: what was kept before stands."""

    async def load(self) -> tuple[Held, ...]:
        """Nothing if the disk has damaged it. Raises: WaysideError."""


@dataclass(frozen=True, slots=True)
class World:
    """What is around it."""

    shelf: Shelf
    voice: Voice | None
    """`None`: the unit has no radio."""
    time: Callable[[], Estimate]
    submit: Callable[[wire.Report], Awaitable[int]]
    """0: the disk did not take the report."""


class RoadInfo:
    """The manager's messages on the air of one roadside unit."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._held: dict[str, Held] = {}
        self._shown: dict[str, Held] = {}
        """By name, the wish that is repeated or, of a drill, would be."""
        self._refused: dict[str, tuple[Held, Standing]] = {}
        """By name, the wish that is not, and why; tried again when there may be room."""
        self._targets: Targets | None = None
        self._unsaid: dict[str, tuple[int, Standing]] = {}
        """Words on what is not held."""
        self._answered: dict[str, tuple[int, Standing]] = {}
        self._unheard: set[str] = set()
        """Of which the manager had no word when it spoke last; once is enough."""
        self._wake = asyncio.Event()

    def follow(self, state: wire.DesiredState) -> None:
        """Takes what the manager wants; one that does not say changes nothing."""
        found = road_info_words.targets(state)
        if found is not None:
            self._targets = found
            self._wake.set()

    async def run(self) -> None:
        """Keeps the air as it should be, for ever."""
        await self._load()
        while True:
            self._wake.clear()
            try:
                wait_s = await self._step()
            except WaysideError as error:  # the disk refuses; what was on the air stays there
                logger.warning("what the manager wants on the air is not kept, and tried again: %s", error)
                wait_s = RETRY_S
            try:
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()
            except TimeoutError:
                if wait_s is not None and wait_s > RETRY_S:
                    self._refused.clear()

    async def _load(self) -> None:
        try:
            self._held = {each.name: each for each in await self._world.shelf.load()}
        except WaysideError as error:
            logger.warning("what the manager wanted on the air cannot be read, and comes with its next word: %s", error)

    async def _step(self) -> float | None:
        """One look at everything; how long until the next [s], `None`: until the manager speaks.

        Raises: WaysideError: the disk refuses.
        """
        if self._targets is not None:
            await self._take(self._targets)
            self._targets = None
        now = self._world.time()
        is_exact = now.error_s is not None
        await self._pass(now.utc_s, is_exact=is_exact)
        is_said = await self._say(now.utc_s, is_exact=is_exact)
        is_said = await self._answer(now.utc_s if is_exact else None) and is_said
        if not self._held and is_said:
            return None
        if not is_exact or not is_said:
            return RETRY_S
        edges = [wait_s for each in self._held.values() if (wait_s := next_s(each, now.utc_s)) is not None]
        return min([*edges, LOOK_S])

    async def _take(self, targets: Targets) -> None:
        """Makes the disk hold what is wanted, then takes the rest off the air."""
        kept = self._kept(targets)
        if kept != self._held:
            await self._world.shelf.save(tuple(kept.values()))
        gone = [each for name, each in self._held.items() if name not in kept]
        self._held = kept
        for each in gone:
            await self._hide(each)
            if each.said not in {State.ENDED, State.REFUSED}:
                self._unsaid[each.name] = each.revision, Standing(State.WITHDRAWN)
                logger.info("%s is withdrawn and off the air", each.name)
        for name in kept:
            self._unsaid.pop(name, None)
        for name, revision in targets.withdrawn.items():
            self._owe(name, revision, Standing(State.WITHDRAWN))
        for name, (revision, why) in targets.malformed.items():
            self._owe(name, revision, Standing(State.REFUSED, why))
        self._unheard = targets.unheard
        asked = targets.withdrawn.keys() | targets.malformed.keys()
        self._answered = {name: word for name, word in self._answered.items() if name in asked}

    def _kept(self, targets: Targets) -> dict[str, Held]:
        kept: dict[str, Held] = {}
        for name, wanted in list(targets.wanted.items())[:MAX_COUNT]:
            there = self._held.get(name)
            kept[name] = there if there is not None and there.wish == wanted else wanted
            if name in targets.unheard - self._unheard:  # its word was lost on the way, or forgotten there
                kept[name] = msgspec.structs.replace(kept[name], said="")
        return kept

    def _owe(self, name: str, revision: int, word: Standing) -> None:
        if self._answered.get(name) != (revision, word):
            self._unsaid[name] = revision, word

    async def _pass(self, now_s: float, *, is_exact: bool) -> None:
        """Notes what has begun and ended, durable before it shows: it counts also when the clock is lost."""
        moved = {}
        for name, held in self._held.items():
            state = standing(held, now_s, is_exact=is_exact).state
            has_begun = held.has_begun or state is State.ON_AIR
            reason = _OVER if state is State.ON_AIR and self._is_over(held) else held.end_reason
            moved[name] = msgspec.structs.replace(
                held, has_begun=has_begun, has_ended=state is State.ENDED or bool(reason), end_reason=reason
            )
        await self._become(moved)

    def _is_over(self, held: Held) -> bool:
        """Whether it was shown, and nothing of it is left."""
        voice = self._world.voice
        return voice is not None and self._shown.get(held.name) == held.wish and not voice.repeats(held.source)

    async def _say(self, now_s: float, *, is_exact: bool) -> bool:
        """Makes the air as it should be, and says what has changed; a word that is lost with the power comes again.

        Whether everything is said.
        """
        moved, is_said = {}, True
        for name, held in self._held.items():
            found = await self._show(held, standing(held, now_s, is_exact=is_exact))
            moved[name] = held
            if (held.said, held.said_reason) == found:
                continue
            word = road_info_words.report(name, held.revision, found, now_s if is_exact else None)
            if not await self._world.submit(word):
                is_said = False
                continue
            logger.info("%s: %s", name, found.state, extra={"reason": found.reason})
            moved[name] = msgspec.structs.replace(held, said=found.state, said_reason=found.reason)
        await self._become(moved)
        return is_said

    async def _become(self, moved: dict[str, Held]) -> None:
        """Raises: WaysideError: the disk refuses, and nothing has changed."""
        if moved != self._held:
            await self._world.shelf.save(tuple(moved.values()))
            self._held = moved

    async def _show(self, held: Held, due: Standing) -> Standing:
        """Has a message repeated or rehearsed, once for each wish, or repeated no more; how that went."""
        if due.state not in {State.ON_AIR, State.DRILLED}:
            await self._hide(held)
            return due
        wish, voice = held.wish, self._world.voice
        if voice is None:
            return Standing(State.REFUSED, "this unit has no radio")
        if self._shown.get(held.name) == wish:
            return due
        before, why = self._refused.get(held.name, (None, due))
        if before == wish:
            return why
        try:
            if held.is_drill:
                await self._hide(held)  # what was not a drill before
                await voice.rehearse(held.message, source=held.source, profile=held.profile)
            else:
                await voice.show(held.message, source=held.source, profile=held.profile)
        except WaysideError as error:
            await self._hide(held)  # of a wish before, nothing stays either
            refusal = Standing(State.REFUSED, str(error))
            self._refused[held.name] = wish, refusal
            return refusal
        self._shown[held.name] = wish
        return due

    async def _hide(self, held: Held) -> None:
        self._refused.pop(held.name, None)
        if self._shown.pop(held.name, None) is not None and self._world.voice is not None:
            await self._world.voice.hide(held.source)
            self._refused.clear()  # there is room

    async def _answer(self, utc_s: float | None) -> bool:
        """Says what was not said; whether everything is."""
        for name, (revision, word) in tuple(self._unsaid.items()):
            if not await self._world.submit(road_info_words.report(name, revision, word, utc_s)):
                return False
            self._answered[name] = revision, word
            del self._unsaid[name]
        return True
