"""Local sensors over the unit's own MQTT broker: `ports.SensorFeed`. What a message looks like: `core/feed.py`.

**Tested with:** mosquitto 2.0.
**Source:** MQTT 3.1.1 (OASIS), QoS 0: the newest value counts, an old one is worth nothing.
"""

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Annotated, Self

import aiomqtt
import msgspec
from msgspec import Meta

from wayside.errors import UnavailableError, WaysideError
from wayside_agent.core.feed import FeedError, readings
from wayside_agent.core.readings import Reading
from wayside_agent.core.stamps import TimeQuality
from wayside_agent.link.broker import Broker, MqttTls
from wayside_agent.link.mqtt import connected, translated
from wayside_agent.ports.errors import DeviceAbsentError

MAX_TRACKED_NAMES = 1000  # a sensor that invents names must not fill the memory of those who keep the latest values

logger = logging.getLogger(__name__)


class MqttFeed:
    """Subscribes to the sensors of the unit."""

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Where the sensors publish."""

        host: Annotated[str, Meta(min_length=1, description="Host name or address of the unit's broker.")] = "127.0.0.1"
        port: Annotated[int, Meta(ge=0, le=65535, description="TCP port; 0: 1883, with TLS 8883.")] = 0
        topic_filter: Annotated[
            str, Meta(min_length=1, description="MQTT topic filter; the last level of a topic names the sensor.")
        ] = "wayside/sensors/+"
        tls: Annotated[bool, Meta(description="Speak TLS.")] = False
        ca_file: Annotated[str, Meta(description="PEM file of the broker's authority; empty: the system's.")] = ""
        certificate_file: Annotated[str, Meta(description="PEM file of the client's certificate; empty: none.")] = ""
        key_file: Annotated[str, Meta(description="PEM file of its key.")] = ""
        time_quality: Annotated[
            TimeQuality,
            Meta(description="How good the times are: of the sensors where they send one, else of the unit."),
        ] = TimeQuality.UNSYNCHRONIZED
        queue_size: Annotated[
            int, Meta(ge=1, le=100_000, description="Messages that may wait; then the oldest are dropped.")
        ] = 1000

    def __init__(self, options: Options) -> None:
        """Stores values."""
        self._options = options
        self._broker = _broker(options)
        self._stack = AsyncExitStack()
        self._names: set[str] = set()
        self._accepted_count = 0
        self._refused_count = 0
        self._is_refusing = False

    async def __aenter__(self) -> Self:
        """Connects and subscribes.

        Raises: DeviceAbsentError: there is no such broker, or it does not let us in.
        """
        options = self._options
        try:
            self._client = await self._stack.enter_async_context(
                connected(
                    self._broker,
                    client_id=f"wayside-feed-{uuid.uuid4().hex[:12]}",
                    received=DropOldestQueue,
                    max_received=options.queue_size,
                )
            )
            await self._client.subscribe(options.topic_filter)
        except (WaysideError, aiomqtt.MqttError, ValueError) as exc:
            await self._close()
            raise DeviceAbsentError(f"sensor feed {options.topic_filter!r}: {exc}") from exc
        self._accepted_count = self._refused_count = 0
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnects."""
        await self._close()

    async def read(self) -> Sequence[Reading]:
        """The values of the next message that has any. What is malformed is counted and passed over.

        Raises: UnavailableError: the broker is gone.
        """
        while True:
            with translated(self._broker):
                message = await anext(self._client.messages)
            if found := self._readings(message):
                return found

    def counters(self) -> tuple[int, int]:
        """Messages accepted and refused since opening."""
        return self._accepted_count, self._refused_count

    def _readings(self, message: aiomqtt.Message) -> tuple[Reading, ...]:
        quality = self._options.time_quality
        try:
            found = readings(message.topic.value, message.payload, received_ns=time.time_ns(), quality=quality)
            self._track(found)
        except FeedError as error:
            self._refused_count += 1
            if not self._is_refusing:  # once per series of bad messages
                logger.warning("Sensor message on %s refused: %s", message.topic, error)
            self._is_refusing = True
            return ()
        self._is_refusing = False
        self._accepted_count += 1
        return found

    def _track(self, found: Sequence[Reading]) -> None:
        names = self._names.union(reading.name for reading in found)
        if len(names) > MAX_TRACKED_NAMES:
            raise FeedError(f"it would make more than {MAX_TRACKED_NAMES} signals; use fewer field and sensor names")
        self._names = names

    async def _close(self) -> None:
        with contextlib.suppress(UnavailableError):
            await self._stack.aclose()


class DropOldestQueue(asyncio.Queue[aiomqtt.Message]):
    """A bounded queue whose oldest message gives way."""

    def put_nowait(self, item: aiomqtt.Message) -> None:
        """Adds a message, at the cost of the oldest when there is no room."""
        if self.full():
            self.get_nowait()
        super().put_nowait(item)


def _broker(options: MqttFeed.Options) -> Broker:
    if not options.tls:
        return Broker(options.host, options.port or 1883)
    paths = [Path(name) if name else None for name in (options.ca_file, options.certificate_file, options.key_file)]
    return Broker(options.host, options.port or 8883, tls=MqttTls(*paths))
