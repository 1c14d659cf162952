"""Devices that play what a test writes down for each opening."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Generic, Self, TypeVar

from wayside.errors import UnavailableError
from wayside_agent.core.fix import Fix, GnssCounters
from wayside_agent.core.frames import BusCounters, FrameBatch
from wayside_agent.core.readings import Reading
from wayside_agent.core.v2x import RadioCounters, ReceivedMessage
from wayside_agent.ports.errors import DeviceAbsentError

Item = TypeVar("Item")
Counts = TypeVar("Counts")


class Script(Generic[Item, Counts]):
    """A device that plays one list of items and errors per opening, then is silent; it counts from each opening."""

    def __init__(
        self, counts: Counts, count: Callable[[Counts], Counts], *openings: Sequence[Item | BaseException]
    ) -> None:
        self._zero = self._counts = counts
        self._count = count
        self._openings = [list(opening) for opening in openings]
        self._items: list[Item | BaseException] = []
        self.opening_count = 0
        self.silent = asyncio.Event()

    async def __aenter__(self) -> Self:
        self.opening_count += 1
        self._items = self._openings.pop(0) if self._openings else []
        self._counts = self._zero
        if self._items and isinstance(self._items[0], DeviceAbsentError):
            raise self._items[0]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    async def read(self) -> Item:
        if not self._items:
            self.silent.set()
            await asyncio.Event().wait()
        item = self._items.pop(0)
        if isinstance(item, BaseException):
            raise item
        self._counts = self._count(self._counts)
        return item

    async def send(self, payload: bytes, *, application_id: int) -> None:
        raise NotImplementedError

    def counters(self) -> Counts:
        return self._counts


def bus(*openings: Sequence[FrameBatch | BaseException]) -> Script[FrameBatch, BusCounters]:
    return Script(BusCounters(), lambda c: replace(c, frame_count=c.frame_count + 1), *openings)


def receiver(*openings: Sequence[Fix | BaseException]) -> Script[Fix, GnssCounters]:
    return Script(GnssCounters(), lambda c: replace(c, sentence_count=c.sentence_count + 3), *openings)


def radio(*openings: Sequence[ReceivedMessage | BaseException]) -> Script[ReceivedMessage, RadioCounters]:
    return Script(RadioCounters(), lambda c: replace(c, malformed_count=c.malformed_count + 2), *openings)


class Feed:
    """A sensor feed that is lost after each message."""

    def __init__(self, *openings: Sequence[Reading]) -> None:
        self._openings = list(openings)
        self._left: list[Reading] = []
        self.silent = asyncio.Event()
        self._accepted = 0

    async def __aenter__(self) -> Self:
        self._left = list(self._openings.pop(0)) if self._openings else []
        self._accepted = 0
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    async def read(self) -> Sequence[Reading]:
        if not self._left:
            if not self._openings:
                self.silent.set()
                await asyncio.Event().wait()
            raise UnavailableError("the broker is gone")
        self._accepted += 1
        return [self._left.pop(0)]

    def counters(self) -> tuple[int, int]:
        return self._accepted, 2
