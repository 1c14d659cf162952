"""Documents of roadside sensors at the unit's own MQTT broker. What they look like: `core.perception.document`.

    async with PerceptionFeed(broker, client_id="rsu-1-perception", topics=("wayside/perception/+",)) as feed:
        payload = await feed.read()

**Tested with:** mosquitto 2.0.
**Source:** MQTT 5 (OASIS): QoS 0, for a new document is worth more than an old one; a packet that is too long stays
with the broker.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Any, Self

import aiomqtt

from wayside.errors import PermissionDeniedError, UnavailableError
from wayside_agent.core.perception.document import MAX_BYTES
from wayside_agent.link.broker import Broker
from wayside_agent.link.feed import DropOldestQueue
from wayside_agent.link.mqtt import connected, translated

MAX_WAITING = 32
"""Documents that wait to be looked into; then the oldest give way."""
MAX_PACKET_BYTES = MAX_BYTES + 4096
"""With topic and head."""
_FAILURE = 128
"""SUBACK: from here on the broker says no."""


class PerceptionFeed:
    """A subscription at one broker."""

    def __init__(self, broker: Broker, *, client_id: str, topics: Sequence[str]) -> None:
        """Stores values; `client_id` must be unique at the broker."""
        self._broker = broker
        self._client_id = client_id
        self._topics = tuple(topics)
        self._stack = AsyncExitStack()
        self.dropped_count = 0
        """Documents that gave way to newer ones before they were looked into."""

    async def __aenter__(self) -> Self:
        """Connects and subscribes.

        Raises: UnavailableError, UnauthenticatedError, FailedPreconditionError (password), PermissionDeniedError (the
            broker does not let the unit listen).
        """
        self._client = await self._stack.enter_async_context(
            connected(
                self._broker,
                client_id=self._client_id,
                received=self._counting_queue(),
                max_received=MAX_WAITING,
                max_packet_bytes=MAX_PACKET_BYTES,
            )
        )
        try:
            await self._subscribe()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnects; a broker that is gone is no error here."""
        await self._close()

    async def read(self) -> bytes:
        """The next document.

        Raises: UnavailableError: the connection is lost.
        """
        with translated(self._broker):
            message = await anext(self._client.messages)
        return message.payload

    def _counting_queue(self) -> type[asyncio.Queue[aiomqtt.Message]]:
        feed = self

        class Queue(DropOldestQueue):
            """Tells what it drops."""

            def put_nowait(self, item: aiomqtt.Message) -> None:
                feed.dropped_count += self.full()
                super().put_nowait(item)

        return Queue

    async def _subscribe(self) -> None:
        with translated(self._broker):
            try:
                granted: Sequence[Any] = await self._client.subscribe([(topic, 0) for topic in self._topics])
            except ValueError as error:  # paho says so of a filter that cannot be one
                raise PermissionDeniedError(f"{self._broker}: {', '.join(self._topics)}: {error}") from error
        for topic, code in zip(self._topics, granted, strict=False):
            if getattr(code, "value", code) >= _FAILURE:
                raise PermissionDeniedError(f"{self._broker}: does not let this client listen to {topic!r}")

    async def _close(self) -> None:
        with suppress(UnavailableError):
            await self._stack.aclose()
