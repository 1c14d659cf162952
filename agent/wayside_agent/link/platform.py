"""The wire to a platform: MQTT with QoS 1 both ways, on topics of this unit only. `ports.platform.PlatformWire`.

    async with MqttWire(broker, client_id="rsu-1-city", topics=topics.subscriptions) as wire:
        await wire.publish([("V2X/RSU/E1/HB/UP", payload)])

A lost connection is lost for good: leave the context and open a new one.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Any, Self

from wayside.errors import PermissionDeniedError, UnavailableError
from wayside_agent.link.broker import Broker
from wayside_agent.link.feed import DropOldestQueue
from wayside_agent.link.mqtt import QOS_AT_LEAST_ONCE, connected, translated
from wayside_agent.ports.platform import Packet

MAX_WAITING = 50
"""Publications that wait to be looked at."""
_FAILURE = 128
"""SUBACK of MQTT 3.1.1: from here on the broker says no."""


class MqttWire:
    """A connection to one broker."""

    def __init__(self, broker: Broker, *, client_id: str, topics: Sequence[str], max_packet_bytes: int = 0) -> None:
        """Stores values; `client_id` must be unique at the broker; `max_packet_bytes`: see `link.mqtt.connected`."""
        self._max_packet_bytes = max_packet_bytes
        self._broker = broker
        self._client_id = client_id
        self._topics = tuple(topics)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Connects and subscribes.

        Raises: UnavailableError, UnauthenticatedError, FailedPreconditionError (TLS files, password),
            PermissionDeniedError (the broker does not let the unit listen).
        """
        self._client = await self._stack.enter_async_context(
            connected(
                self._broker,
                client_id=self._client_id,
                received=DropOldestQueue,
                max_received=MAX_WAITING,
                max_packet_bytes=self._max_packet_bytes,
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

    async def publish(self, packets: Sequence[tuple[str, bytes]]) -> None:
        """See `ports.platform.PlatformWire`. While nobody receives, a lost connection is noticed by time only."""
        with translated(self._broker):
            try:
                async with asyncio.TaskGroup() as group:
                    tasks = [
                        group.create_task(self._client.publish(topic, payload, QOS_AT_LEAST_ONCE), name="mqtt-publish")
                        for topic, payload in packets
                    ]
                    for task in tasks:  # inside the block: see services/exchange.py on Python 3.11's groups
                        await task
            except BaseExceptionGroup as failed:
                raise failed.exceptions[0] from failed

    async def receive(self) -> Packet:
        """See `ports.platform.PlatformWire`."""
        with translated(self._broker):
            message = await anext(self._client.messages)
        return Packet(message.topic.value, message.payload, is_retained=message.retain)

    async def _subscribe(self) -> None:
        with translated(self._broker):
            granted: Sequence[Any] = await self._client.subscribe(
                [(topic, QOS_AT_LEAST_ONCE) for topic in self._topics]
            )
        for topic, code in zip(self._topics, granted, strict=False):
            if getattr(code, "value", code) >= _FAILURE:
                raise PermissionDeniedError(f"{self._broker}: does not let this client listen to {topic!r}")

    async def _close(self) -> None:
        with suppress(UnavailableError):
            await self._stack.aclose()
