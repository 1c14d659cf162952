"""MQTT 3.1.1, or 5, through aiomqtt. Every aiomqtt and TLS error ends here and leaves as one of ours.

    async with MqttPublisher(Broker("broker.example", 8883, tls=MqttTls(ca_file)), client_id="rsu-1") as sink:
        await sink.publish("wayside/v1/rsu-1/telemetry", [payload])

A lost connection is lost for good: leave the context and open a new one.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from types import TracebackType
from typing import Self

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from wayside.errors import UnauthenticatedError, UnavailableError, WaysideError
from wayside_agent.link.broker import Broker, prepared

WINDOW_COUNT = 20  # measured-agent.md (h): halves the cost of a publish; a wider one gains little
QOS_AT_LEAST_ONCE = 1

_REFUSED_CODES = frozenset({134, 135})  # paho's names for CONNACK 4 (bad credentials) and 5 (not authorised)

library_logger = logging.getLogger(f"{__name__}.library")
library_logger.setLevel(logging.ERROR)  # the caller logs outages, once; the library would at every packet


@asynccontextmanager
async def connected(
    broker: Broker,
    *,
    client_id: str,
    received: type[asyncio.Queue[aiomqtt.Message]] | None = None,
    max_received: int = 1,
    max_packet_bytes: int = 0,
) -> AsyncIterator[aiomqtt.Client]:
    """A connection; what breaks it inside the block leaves the block as our error.

    Args:
        broker: Where to connect.
        client_id: 1 to 65535 bytes, unique at the broker: a second client with the same id throws the first one out.
        received: Queue of received messages, with its rule for full.
        max_received: Length of that queue.
        max_packet_bytes: Longest packet the broker may send, which only MQTT 5 can tell it; 0: MQTT 3.1.1, no bound.

    Raises: UnavailableError, UnauthenticatedError, FailedPreconditionError (TLS files, password).
    """
    context, password, address = await asyncio.to_thread(prepared, broker)
    client = aiomqtt.Client(
        broker.host,
        broker.port,
        username=broker.username or None,
        password=password,
        bind_address=address,
        identifier=client_id,
        protocol=aiomqtt.ProtocolVersion.V5 if max_packet_bytes else aiomqtt.ProtocolVersion.V311,
        clean_session=None if max_packet_bytes else True,
        properties=_bound(max_packet_bytes) if max_packet_bytes else None,
        keepalive=broker.keepalive_s,
        timeout=broker.timeout_s,
        tls_context=context,
        queue_type=received,
        max_queued_incoming_messages=max_received,
        max_inflight_messages=WINDOW_COUNT,
        max_concurrent_outgoing_calls=WINDOW_COUNT,
        logger=library_logger,
    )
    client.pending_calls_threshold = WINDOW_COUNT  # aiomqtt warns above 10 at every call: more than the call costs
    with translated(broker):
        async with AsyncExitStack() as stack:
            try:
                # No timeout around it: aiomqtt bounds each step itself, and cancelled it would leave its socket open.
                await stack.enter_async_context(client)
            except ValueError as exc:  # paho and the resolver say so of a host or port that cannot be one
                raise UnavailableError(f"{broker}: cannot be a broker ({exc}); correct host and port") from exc
            yield client


def _bound(max_packet_bytes: int) -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # of paho
    properties.MaximumPacketSize = max_packet_bytes
    return properties


@contextmanager
def translated(broker: Broker) -> Iterator[None]:
    """A block whose MQTT errors leave as UnavailableError or UnauthenticatedError."""
    try:
        yield
    except aiomqtt.MqttError as exc:
        raise _translated(broker, exc) from exc


class MqttPublisher:
    """`ports.TelemetrySink` on a broker, with QoS 1 and a bounded window."""

    def __init__(self, broker: Broker, *, client_id: str) -> None:
        """Stores values; `client_id` must be unique at the broker."""
        self._broker = broker
        self._client_id = client_id
        self._stack = AsyncExitStack()
        self._client: aiomqtt.Client | None = None

    async def __aenter__(self) -> Self:
        """Connects.

        Raises: UnavailableError, UnauthenticatedError, FailedPreconditionError (TLS files, password).
        """
        self._client = await self._stack.enter_async_context(connected(self._broker, client_id=self._client_id))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnects; a broker that is gone is no error here."""
        self._client = None
        try:
            await self._stack.aclose()
        except UnavailableError:
            library_logger.debug("%s: gone before goodbye", self._broker)

    async def publish(self, topic: str, payloads: Sequence[bytes]) -> None:
        """Delivers payloads in their order, each at least once; returns when the broker holds them all.

        Raises: UnavailableError: any of them may or may not have arrived; open a new connection and send all again.
        """
        client = self._client
        if client is None:
            raise UnavailableError(f"{self._broker}: not connected; open the publisher first")
        try:
            async with asyncio.TaskGroup() as group:
                watch = group.create_task(_until_lost(client), name="mqtt-watch")
                async with asyncio.TaskGroup() as deliveries:
                    tasks = [
                        deliveries.create_task(client.publish(topic, payload, QOS_AT_LEAST_ONCE), name="mqtt-publish")
                        for payload in payloads
                    ]
                    for task in tasks:  # inside the block: see services/exchange.py on Python 3.11's groups
                        await task
                watch.cancel()
        except BaseExceptionGroup as group_error:
            raise self._first_error(group_error) from group_error

    async def until_lost(self) -> None:
        """Waits until the connection is lost.

        Raises: UnavailableError: it is.
        """
        client = self._client
        if client is None:
            raise UnavailableError(f"{self._broker}: not connected; open the publisher first")
        with translated(self._broker):
            await _until_lost(client)

    def _first_error(self, group: BaseExceptionGroup[BaseException]) -> BaseException:
        """Our error when only the connection is to blame; else the group itself: a bug."""
        expected, rest = group.split(aiomqtt.MqttError)
        if rest is not None or expected is None:
            return group
        first: BaseException = expected
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        return _translated(self._broker, first)


async def _until_lost(client: aiomqtt.Client) -> None:
    """Raises MqttError as soon as the connection is lost; without it a publish would wait for its whole timeout."""
    async for _ in client.messages:
        pass  # a publisher subscribes to nothing


def _translated(broker: Broker, error: BaseException) -> WaysideError:
    code = getattr(error, "rc", None)
    if isinstance(code, ReasonCode) and code.value in _REFUSED_CODES:
        return UnauthenticatedError(
            f"{broker}: does not let this client in ({code}); check its certificate, name and password"
        )
    cause: object = error.__cause__ or error
    if isinstance(cause, aiomqtt.MqttCodeError) and not isinstance(code, ReasonCode):
        cause = "the connection was lost"  # paho only says "unspecified error"
    return UnavailableError(f"{broker}: {cause}; retrying by itself")
