"""Wake-ups inside one process.

A listener holds a set of keys, so it is bounded by the number of things there are, however slowly it reads.
Usage: `async with bus.subscribe(Topic.NODE) as wakes: node_ids = await wakes.changed()`.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from wayside_manager.ports.wakeups import Subscription, Topic

_EVERY_KEY = ""


class _Listener:
    """Satisfies `ports.Subscription`."""

    def __init__(self) -> None:
        self._keys: set[str] = set()
        self._is_woken = asyncio.Event()

    def wake(self, key: str) -> None:
        """Notes a key."""
        self._keys.add(key)
        self._is_woken.set()

    async def changed(self) -> frozenset[str]:
        """See Subscription."""
        await self._is_woken.wait()
        self._is_woken.clear()
        keys, self._keys = frozenset(self._keys), set()
        return keys


class LocalBus:
    """Satisfies `ports.Bus`."""

    def __init__(self) -> None:
        self._listeners: dict[tuple[Topic, str], set[_Listener]] = {}

    async def publish(self, topic: Topic, keys: Iterable[str]) -> None:
        """See Bus."""
        for key in keys:
            for place in ((topic, key), (topic, _EVERY_KEY)):
                for listener in self._listeners.get(place, ()):
                    listener.wake(key)

    @asynccontextmanager
    async def subscribe(self, topic: Topic, key: str = _EVERY_KEY) -> AsyncIterator[Subscription]:
        """See Bus."""
        listener = _Listener()
        place = (topic, key)
        self._listeners.setdefault(place, set()).add(listener)
        try:
            yield listener
        finally:
            self._listeners[place].discard(listener)
            if not self._listeners[place]:
                del self._listeners[place]
