"""The lights of a crossing as a platform of T/ITS 0117 tells them (SPAT.DOWN), where the settings say that it may.

Usage: `feed = PlatformSignal(World(4601, 9, source="platform:city", …))`; `SignalVoice` reads it,
`Mouth(repeater, feed)` is what platforms speak to.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from wayside.errors import FailedPreconditionError, InvalidArgumentError
from wayside.v2x.codec import decode
from wayside.v2x.generated.messages import Node
from wayside.v2x.peek import MessageKind
from wayside.v2x.profile import Profile
from wayside.v2x.uper import DecodeError
from wayside_agent.core.signal_conflicts import phases_in
from wayside_agent.core.signal_plan import SignalError, SignalPlan
from wayside_agent.core.signal_spat import plan_of_spat
from wayside_agent.ports.platform import Broadcaster


@dataclass(frozen=True, slots=True)
class World:
    """What a feed is told and asks."""

    region: int
    node: int
    source: str
    """Who may speak, as `ports.platform.Broadcaster` names it."""
    profile: Profile
    utc_s: Callable[[], float | None]
    crossing: Callable[[], Node | None]
    """The crossing in the MAP that is on the air; `None`: there is none."""
    has_ids: bool = False
    """The settings say which phase is which; then the platform's numbers are not those of the MAP."""


class PlatformSignal:
    """One crossing, as one platform says. Satisfies `ports.signal.SignalFeed`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._plan: SignalPlan | None = None
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Nothing is to be opened: the platform comes by its own connection."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is to be closed."""

    async def read(self) -> SignalPlan:
        """The newest word; one that nobody asked for in time is lost."""
        while (plan := self._plan) is None:
            self._news.clear()
            await self._news.wait()
        self._plan = None
        return plan

    def take(self, message: bytes, *, source: str) -> None:
        """Takes a SPAT.

        Raises: FailedPreconditionError: another speaks for this crossing; InvalidArgumentError: it makes no sense here.
        """
        world = self._world
        if source != world.source:
            raise FailedPreconditionError(
                f"SPAT of crossing {world.region}/{world.node} comes from {world.source} only"
            )
        try:
            frame = decode(message, world.profile)
            plan = plan_of_spat(frame, world.region, world.node, utc_s=world.utc_s())
        except (DecodeError, SignalError) as error:
            raise InvalidArgumentError(f"message: {error}") from error
        node = None if world.has_ids else world.crossing()
        if node is not None and (missing := sorted(plan.phases.keys() - phases_in(node))):
            named = ", ".join(map(str, missing))
            raise InvalidArgumentError(f"message: the MAP of crossing {world.region}/{world.node} has no phase {named}")
        self._plan = plan
        self._news.set()


class Mouth:
    """What platforms speak to. Satisfies `ports.platform.Broadcaster`."""

    def __init__(self, repeater: Broadcaster | None, signal: PlatformSignal) -> None:
        self._repeater = repeater
        self._signal = signal

    async def broadcast(self, kind: MessageKind, message: bytes, *, source: str) -> None:
        """See `ports.platform.Broadcaster`.

        Raises: WaysideError.
        """
        if kind is MessageKind.SPAT:
            self._signal.take(message, source=source)
        elif self._repeater is None:
            raise FailedPreconditionError(f"this unit does not broadcast {kind.value} of others")
        else:
            await self._repeater.broadcast(kind, message, source=source)
