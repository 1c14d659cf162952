"""Repeats MAP and RSI on the air for a roadside unit, at their periods, the more urgent first, until they end.

What a platform brings is on the disk before it is acknowledged, and is on the air again after a restart. RSM is sent
once: it is old a moment later. `core.broadcasts` says what goes out; this file keeps the beat.
Usage: `await repeater.broadcast(kind, message, source="platform:city")`; `await repeater.run()` never returns.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from wayside.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidArgumentError,
    ResourceExhaustedError,
    WaysideError,
)
from wayside.v2x.codec import decode
from wayside.v2x.peek import MessageKind
from wayside.v2x.profile import Profile
from wayside.v2x.uper import DecodeError
from wayside_agent.core.broadcasts import (
    MAX_BYTES,
    Broadcast,
    BroadcastError,
    Kept,
    broadcasts_of,
    encoded,
    following,
    phases_of,
)
from wayside_agent.core.cadence import Cadence
from wayside_agent.core.signal_phases import minute_of_year
from wayside_agent.services.v2x_obu import Send

BEAT_S = 0.1
"""Every period is a multiple of it."""
IDLE_S = 1.0
"""How often it looks while there is nothing to repeat."""
MAX_COUNT = 64
RSM_AID = 3623
_COUNT_MODULUS = 128

logger = logging.getLogger(__name__)


class Shelf(Protocol):
    """Where messages of others are kept over a restart."""

    async def put(self, key: str, kept: Kept) -> None:
        """Raises: WaysideError."""

    async def remove(self, key: str) -> None:
        """Raises: WaysideError."""

    async def all(self) -> list[Kept]:
        """Raises: WaysideError."""


@dataclass(frozen=True, slots=True)
class World:
    """What speaks and knows around it."""

    shelf: Shelf
    profile: Profile
    send: Send
    utc_s: Callable[[], float | None]
    own: Sequence[Broadcast] = ()
    """What the settings say; nobody replaces it."""
    phases: Mapping[tuple[int, int], frozenset[int]] = field(default_factory=dict)
    """Phases that the unit's own SPAT speaks of, by region and id of their crossing: a MAP must have them."""
    clock_s: Callable[[], float] = time.monotonic
    pause: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)
    aids: frozenset[int] = frozenset()
    """AIDs that are sent; empty: all."""


def tell_unknown(each: Broadcast) -> None:
    """Says in the log that a code is none of those the unit can name; it is broadcast all the same."""
    if each.unknown_code:
        logger.warning("%s: code of %s is not known here; is it the one that is meant?", each.key, each.unknown_code)


class Repeater:
    """The repeated voice of one roadside unit. Satisfies `ports.platform.Broadcaster`."""

    def __init__(self, world: World) -> None:
        for each in world.own:
            tell_unknown(each)
        self._world = world
        self._on_air: dict[str, Broadcast] = {each.key: each for each in world.own}
        self._end_s: dict[str, float] = {}
        self._lock = asyncio.Lock()
        self._counts: dict[int, int] = {}
        self._has_loaded = asyncio.Event()
        self._beat = 0
        self._fault = ""

    def rates_hz(self) -> dict[int, float]:
        """Messages it should send now [1/s], by AID."""
        rates_hz: dict[int, float] = {}
        minute, utc_s = self._minute(), self._world.utc_s()
        for each in self._on_air.values():
            is_early = minute is not None and each.is_early(minute)
            if not is_early and not self._is_over(each, minute, utc_s):
                rates_hz[each.application_id] = rates_hz.get(each.application_id, 0.0) + 1 / each.period_s
        return rates_hz

    @property
    def on_air(self) -> tuple[Broadcast, ...]:
        """What is repeated."""
        return tuple(self._on_air.values())

    def picture(self) -> Mapping[str, object]:
        """What is repeated, the more urgent first, ready for JSON."""
        minute, utc_s = self._minute(), self._world.utc_s()
        ordered = sorted(self._on_air.values(), key=lambda one: -one.priority)
        return {
            "fault": self._fault,
            "messages": [self._told(each, minute, utc_s) for each in ordered if not self._is_over(each, minute, utc_s)],
        }

    def _told(self, each: Broadcast, minute: int | None, utc_s: float | None) -> Mapping[str, object]:
        end_s = self._end_s.get(each.key)
        if end_s is None and utc_s is not None and minute is not None:
            end_s = each.end_s(utc_s, minute)
        return {
            "about": each.key,
            "application_id": each.application_id,
            "period_s": each.period_s,
            "has_begun": minute is None or not each.is_early(minute),
            "ends_in_s": None if end_s is None or utc_s is None else round(end_s - utc_s),
        }

    async def broadcast(self, kind: MessageKind, message: bytes, *, source: str) -> None:
        """See `ports.platform.Broadcaster`. An event or sign that has ended takes the one before it off the air.

        Raises: InvalidArgumentError: it cannot go on the air; ResourceExhaustedError: too many, or the disk is full;
            FailedPreconditionError: it is for others to send, or its AID is not sent; AlreadyExistsError: the settings
            have that crossing; DeviceError: the radio or the disk.
        """
        if kind is MessageKind.RSM:
            await self._once(message)
            return
        if kind not in {MessageKind.MAP, MessageKind.RSI}:
            raise FailedPreconditionError(f"{kind.value} comes from this unit's own sources only")
        await self._has_loaded.wait()
        async with self._lock:
            await self._take(self._pieces(message, source), source)

    async def show(self, message: bytes, *, source: str, profile: str) -> None:
        """Repeats a message in place of what the source had; who asks keeps it over a restart, and ends it.

        Raises: InvalidArgumentError: it cannot go on the air, or is over by its own times; AlreadyExistsError: the
            settings have that crossing; ResourceExhaustedError: too many; FailedPreconditionError: its AID is not sent.
            Nothing changes then.
        """
        await self._has_loaded.wait()
        async with self._lock:
            found = self._on_air_with(message, source, profile)
            for key, each in found.items():
                if key not in self._on_air:
                    tell_unknown(each)
            self._on_air = found

    async def rehearse(self, message: bytes, *, source: str, profile: str) -> None:
        """Does what `show` does but for the air: nothing changes. Raises: as `show`."""
        await self._has_loaded.wait()
        async with self._lock:
            self._on_air_with(message, source, profile)

    def repeats(self, source: str) -> bool:
        """Whether anything of a source that was shown is left; what is over by its own time is not."""
        return any(key.startswith(f"{source}/") for key in self._on_air)

    async def hide(self, source: str) -> None:
        """Repeats nothing of a source that was shown."""
        async with self._lock:
            for key in [each for each in self._on_air if each.startswith(f"{source}/")]:
                del self._on_air[key]

    async def run(self) -> None:
        """Repeats for ever."""
        world = self._world
        await self._load()
        cadence = Cadence(BEAT_S, world.clock_s())
        while True:
            if not self._on_air:
                await world.pause(IDLE_S)
                cadence = Cadence(BEAT_S, world.clock_s())
            else:
                due_s = cadence.next_s(world.clock_s())
                await world.pause(max(0.0, due_s - world.clock_s()))
            self._tell(await self._speak())
            self._beat += 1

    def _on_air_with(self, message: bytes, source: str, profile: str) -> dict[str, Broadcast]:
        """What is on the air with a message in place of what its source has. Raises: as `show`."""
        own = self._world.profile.value
        if profile != own:
            raise InvalidArgumentError(f"profile: the unit speaks {own}, the message is of {profile}")
        pieces, minute = self._pieces(message, source), self._minute()
        left = [each for each in pieces if minute is None or not each.is_over(minute)]
        wanted = {each.key: following(each, self._on_air.get(each.key)) for each in left}
        if not wanted:
            raise InvalidArgumentError("message: every event and sign in it is over by its own time")
        others = {key: each for key, each in self._on_air.items() if not key.startswith(f"{source}/")}
        if len(others) + len(wanted) > MAX_COUNT:
            raise ResourceExhaustedError(f"{MAX_COUNT} messages are on the air; withdraw one first")
        self._check_aids(wanted.values())
        return others | wanted

    async def _take(self, pieces: Sequence[Broadcast], source: str) -> None:
        world, minute, utc_s = self._world, self._minute(), self._world.utc_s()
        over = [each for each in pieces if minute is not None and each.is_over(minute)]
        wanted = [following(each, self._on_air.get(each.key)) for each in pieces if each not in over]
        fresh = [each for each in wanted if each.key not in self._on_air]
        if len(self._on_air) + len(fresh) > MAX_COUNT:
            raise ResourceExhaustedError(f"{MAX_COUNT} messages are on the air; withdraw one first")
        self._check_aids(wanted)
        for each in over:
            await self._withdraw(each.key)
        for each in wanted:
            end_s = None if utc_s is None or minute is None else each.end_s(utc_s, minute)
            content = encoded(each, message_count=0, minute=None, profile=world.profile)
            await world.shelf.put(each.key, Kept(source, content, end_s))
            if each.key not in self._on_air:
                tell_unknown(each)
            self._put(each, end_s)

    async def _load(self) -> None:
        try:
            found = await self._world.shelf.all()
        except WaysideError as error:
            logger.warning("messages for the air cannot be read: %s", error)
            found = []
        for kept in found:
            try:
                pieces = self._pieces(kept.message, kept.source)
                if len(self._on_air) + len(pieces) > MAX_COUNT:
                    raise ResourceExhaustedError(f"{MAX_COUNT} messages are on the air")
                self._check_aids(pieces)
            except WaysideError as error:
                logger.warning("a message for the air is left out: %s", error)
                continue
            for each in pieces:
                self._put(each, kept.end_s)
        self._has_loaded.set()

    def _put(self, each: Broadcast, end_s: float | None) -> None:
        self._on_air[each.key] = each
        self._end_s.pop(each.key, None)
        if end_s is not None:
            self._end_s[each.key] = end_s

    def _pieces(self, message: bytes, source: str) -> tuple[Broadcast, ...]:
        """Raises: InvalidArgumentError, AlreadyExistsError."""
        try:
            found = broadcasts_of(decode(message, self._world.profile), self._world.profile, source=source)
        except (BroadcastError, DecodeError) as error:
            raise InvalidArgumentError(f"message: {error}") from error
        crossings = {each.crossing for each in self._world.own} - {None}
        for each in found:
            if each.crossing is None:
                continue
            region, node = each.crossing
            if each.crossing in crossings:
                raise AlreadyExistsError(f"message: the unit's settings have the MAP of crossing {region}/{node}")
            phases = phases_of([each], region, node) or frozenset()
            if missing := sorted(self._world.phases.get(each.crossing, frozenset()) - phases):
                named = ", ".join(map(str, missing))
                raise InvalidArgumentError(
                    f"message: the MAP of crossing {region}/{node} lacks phase {named}, of which the unit's SPAT speaks"
                )
        return found

    def _check_aids(self, pieces: Iterable[Broadcast]) -> None:
        """Raises: FailedPreconditionError: one would not be sent, so nobody may believe that it is."""
        for each in pieces:
            if self._world.aids and each.application_id not in self._world.aids:
                aid = each.application_id
                raise FailedPreconditionError(
                    f"message: it goes out under AID {aid}; add it to `v2x.send_aids` of the unit's settings"
                )

    async def _speak(self) -> str:
        """Says what is due; why not, in one sentence."""
        fault, minute, utc_s = "", self._minute(), self._world.utc_s()
        for each in sorted(self._on_air.values(), key=lambda one: -one.priority):
            if self._on_air.get(each.key) is not each:
                continue  # withdrawn or replaced while another was sent
            if self._is_over(each, minute, utc_s):
                fault = await self._end(each) or fault
            elif minute is not None and each.is_early(minute):
                continue
            elif self._beat % round(each.period_s / BEAT_S) == 0:
                fault = await self._say(each, minute) or fault
        return fault

    async def _say(self, each: Broadcast, minute: int | None) -> str:
        count = self._counts.get(each.application_id)
        count = secrets.randbelow(_COUNT_MODULUS) if count is None else (count + 1) % _COUNT_MODULUS
        message = encoded(each, message_count=count, minute=minute, profile=self._world.profile)
        try:
            await self._world.send(message, application_id=each.application_id)
        except WaysideError as error:  # the radio is away; sensing opens it again and says so
            return str(error)
        self._counts[each.application_id] = count
        return ""

    def _is_over(self, each: Broadcast, minute: int | None, utc_s: float | None) -> bool:
        end_s = self._end_s.get(each.key)
        if end_s is not None:
            return utc_s is not None and utc_s >= end_s
        return minute is not None and each.is_over(minute)

    async def _end(self, each: Broadcast) -> str:
        try:
            await self._withdraw(each.key)
        except WaysideError as error:  # its file is refused again after a restart, for it has ended
            return str(error)
        logger.info("%s is over and off the air", each.key)
        return ""

    async def _withdraw(self, key: str) -> None:
        self._on_air.pop(key, None)
        self._end_s.pop(key, None)
        await self._world.shelf.remove(key)

    async def _once(self, message: bytes) -> None:
        if len(message) > MAX_BYTES:
            raise InvalidArgumentError(f"message: {len(message)} bytes do not fit the air; at most {MAX_BYTES} do")
        await self._world.send(message, application_id=RSM_AID)

    def _minute(self) -> int | None:
        utc_s = self._world.utc_s()
        return None if utc_s is None else minute_of_year(datetime.fromtimestamp(utc_s, UTC))

    def _tell(self, fault: str) -> None:
        if fault != self._fault:
            if fault:
                logger.warning("MAP and RSI are not all sent: %s", fault)
            else:
                logger.info("MAP and RSI are sent")
        self._fault = fault
