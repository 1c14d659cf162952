"""Warns the driver: takes what the radio hears, looks ten times a second, and tells the display what begins and ends.

Receiving only puts messages into short queues, one of each kind, whose oldest give way; they are decoded at the next
look, so a flood costs bounded time. What a warning is, `core.warnings` decides.
Usage: `sensing.message_taps.append(warnings.take)`; `await warnings.run()` never returns.
"""

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from wayside.v2x.codec import DecodeError, decode
from wayside.v2x.peek import MessageKind, Peek
from wayside.v2x.profile import Profile
from wayside_agent.core.cadence import Cadence
from wayside_agent.core.heard.grid import distance_m
from wayside_agent.core.heard.plausibility import place_of
from wayside_agent.core.v2x import ReceivedMessage
from wayside_agent.core.warnings.judge import Judge, findings
from wayside_agent.core.warnings.model import Change, Finding, Heard, Kind
from wayside_agent.core.warnings.movers import RANGE_M, Own
from wayside_agent.core.warnings.picture import Picture

PERIOD_S = 0.1
QUEUES = {
    MessageKind.BSM: 512,
    MessageKind.MAP: 4,
    MessageKind.SPAT: 8,
    MessageKind.RSM: 16,
    MessageKind.RSI: 16,
}
"""Messages of a kind that one look takes; 512 BSM cost 15 ms."""
APPLICATION_IDS = {
    MessageKind.BSM: frozenset({111, 112, 113, 114}),
    MessageKind.MAP: frozenset({3618}),
    MessageKind.SPAT: frozenset({3619}),
    MessageKind.RSI: frozenset({3620, 3621, 3622}),
    MessageKind.RSM: frozenset({3623}),
}
"""AIDs that may carry a kind: the C-V2X interoperability tests of 2020. A radio that gives none is believed."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class World:
    """What warns, and what it knows of its vehicle."""

    own: Callable[[], Own | None]
    """The vehicle now; `None`: where it is and goes is not known."""
    own_ids: Callable[[], Collection[bytes]]
    """Temporary ids it speaks under, the ones just left, too."""
    profile: Profile
    utc_s: Callable[[], float | None]
    show: Callable[[Sequence[Change], Sequence[Finding]], None]
    """Takes what changes, and all that holds then."""
    wanted: frozenset[Kind] = frozenset(Kind)
    mono_s: Callable[[], float] = time.monotonic
    pause: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)


@dataclass(frozen=True, slots=True)
class _Waiting:
    message: ReceivedMessage
    seen: Peek
    heard: Heard
    utc_s: float | None


class Warnings:
    """The warnings of one vehicle."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._picture = Picture()
        self._judge = Judge()
        self._queues: dict[MessageKind, deque[_Waiting]] = {kind: deque(maxlen=size) for kind, size in QUEUES.items()}
        self._own: Own | None = None
        self._utc_offset_s: float | None = None
        self.left_out: Counter[str] = Counter()
        """Messages that were not looked at, by why."""
        self.begun: Counter[Kind] = Counter()

    def take(self, message: ReceivedMessage, seen: Peek | None) -> None:
        """Takes a message; cheap, for every one passes here."""
        own, queue = self._own, None if seen is None else self._queues.get(seen.kind)
        if own is None or seen is None or queue is None:
            return
        if message.application_id is not None and message.application_id not in APPLICATION_IDS[seen.kind]:
            self.left_out["application id"] += 1
            return
        if seen.kind is MessageKind.BSM:
            place = place_of(seen)
            if place is None or distance_m(*own.place, *place) > RANGE_M:
                self.left_out["far away"] += 1
                return
        if len(queue) == queue.maxlen:
            self.left_out["too many"] += 1
        now_s = self._world.mono_s()
        utc_s = None if self._utc_offset_s is None else now_s + self._utc_offset_s
        queue.append(_Waiting(message, seen, Heard(now_s, message.time_ns), utc_s))

    async def run(self) -> None:
        """Looks for ever."""
        world = self._world
        cadence = Cadence(PERIOD_S, world.mono_s())
        while True:
            self.look()
            await world.pause(max(0.0, cadence.next_s(world.mono_s()) - world.mono_s()))

    def look(self) -> None:
        """Looks once: decodes what waits, asks the rules, shows what changes."""
        world = self._world
        own, utc_s, now_s = world.own(), world.utc_s(), world.mono_s()
        if (own is None) != (self._own is None):
            logger.info("drivers are %s", "not warned: place or heading is not known" if own is None else "warned")
        self._own = own
        self._utc_offset_s = None if utc_s is None else utc_s - now_s
        if own is None:
            for queue in self._queues.values():
                queue.clear()
            found: tuple[Finding, ...] = ()
        else:
            self._decode(own)
            found = findings(self._picture.scene(own, now_s, utc_s), world.wanted)
        changes = self._judge.step(found, now_s)
        self.begun.update(each.finding.kind for each in changes if each.action == "begin")
        world.show(changes, self._judge.active)

    def _decode(self, own: Own) -> None:
        own_ids = self._world.own_ids()
        for queue in self._queues.values():
            while queue:
                each = queue.popleft()
                if each.seen.id is not None and each.seen.id in own_ids:
                    self.left_out["our own"] += 1
                    continue
                try:
                    frame = decode(each.message.payload, self._world.profile)
                except DecodeError:
                    self.left_out["unreadable"] += 1
                    continue
                self._picture.take(frame, each.heard, own=own, utc_s=each.utc_s, seen=each.seen)

    def picture(self) -> Mapping[str, object]:
        """What holds, and what was counted, ready for JSON."""
        doubts = self._picture.movers.doubts + self._picture.doubts
        return {
            "is_warning": self._own is not None,
            "active": [each.kind.value for each in self._judge.active],
            "begun_count": {kind.value: count for kind, count in self.begun.items()},
            "movers": len(self._picture.movers),
            "left_out_count": dict(self.left_out),
            "implausible_count": {str(reason): count for reason, count in doubts.items()},
        }
