"""Telemetry: samples the latest readings, keeps batches in a spool, and drains the spool to the broker.

    telemetry = Telemetry(node="nodes/rsu-1", spool=spool, readings=sensing.latest, connect=connect, rng=rng)
    telemetry.use(config.telemetry)     # at any time; an empty broker host publishes nothing
    await telemetry.run()               # never returns

A batch goes to `{topic_prefix}/{node}/telemetry`, with `node` as in `nodes/{node}`, as a zlib-compressed
`wayside.v1.TelemetryBatch`. It leaves the spool when the broker has it; a batch sent twice carries the same sequence.
New batches go ahead of older ones that wait: see `services.lanes`.
"""

import asyncio
import contextlib
import logging
import time
import zlib
from collections import deque
from collections.abc import Callable
from functools import partial
from random import Random

from google.protobuf.timestamp_pb2 import Timestamp

from wayside.errors import WaysideError, leaves
from wayside.names import node_id
from wayside.node_config import TelemetryConfig
from wayside.v1 import node_pb2, telemetry_pb2
from wayside_agent.core.backoff import delay_s
from wayside_agent.core.egress import Batch, Egress
from wayside_agent.core.gate import BrokerLink
from wayside_agent.core.readings import Reading
from wayside_agent.core.stamps import NANOSECONDS_PER_SECOND, TimeQuality
from wayside_agent.ports.spools import BuiltSpool, TelemetrySink
from wayside_agent.services.endless import follow_cancel
from wayside_agent.services.lanes import Lanes

logger = logging.getLogger(__name__)

RECONNECT_BASE_S = 1.0
RECONNECT_CAP_S = 60.0
LAST_BATCH_TIMEOUT_S = 2.0
MAX_SAMPLES = 20_000  # between two batches; 3 MB
COMPRESSION_LEVEL = 6  # made-up CAN columns shrink to 27 %; level 9 gains 0.1 % more for 2.6 times the time

_QUALITIES = {quality: node_pb2.TimeQuality.Value(f"TIME_QUALITY_{quality.name}") for quality in TimeQuality}


class _ChangedError(Exception):
    """Private: the configuration changed, begin anew."""


class Telemetry:
    """The telemetry of one unit."""

    def __init__(
        self,
        *,
        node: str,
        spool: BuiltSpool,
        readings: Callable[[], tuple[Reading, ...]],
        connect: Callable[[TelemetryConfig], TelemetrySink],
        rng: Random,
        reconnect_base_s: float = RECONNECT_BASE_S,
    ) -> None:
        """Stores values.

        Args:
            node: `nodes/{node}`.
            spool: A spool of its own.
            readings: The newest value of every signal.
            connect: A new, not yet opened connection to the broker of a configuration.
            rng: Chance for the jitter.
            reconnect_base_s: Longest wait after the first failure; doubles up to `RECONNECT_CAP_S`.
        """
        self._node = node
        self._spool = spool
        self._lanes = Lanes(spool, mono_s=time.monotonic)
        self._readings = readings
        self._connect = connect
        self._rng = rng
        self._reconnect_base_s = reconnect_base_s
        self._config = TelemetryConfig()
        self._changed = asyncio.Event()
        self._is_connected = False
        self._unkept: deque[Batch] = deque()
        self._spool_fault = ""
        self.fault = ""
        """Why the broker cannot be reached, in one sentence; empty: it can, or there is none."""
        self.samples = True
        """False: nothing is sampled, to save power; what is in the spool goes out all the same."""
        self.published_count = 0
        """Batches the broker took since the start."""
        self.lost_sample_count = 0
        """Samples since the start that found no room, in memory or in the spool."""

    def use(self, config: TelemetryConfig) -> None:
        """Works by this configuration from now on; what is in the spool goes to the new broker."""
        if config != self._config:
            self._config = config
            self._is_connected = False  # what still is, is to the broker before
            self.fault = ""
            self._changed.set()

    def broker(self) -> BrokerLink | None:
        """The connection to the broker; `None`: none is configured."""
        config = self._config
        if not config.broker_host:
            return None
        ways = (
            "in plain text" if config.broker_plaintext else "",
            f"by {config.interface}" if config.interface else "",
            f"as {config.username}" if config.username else "",
            f"with the secret {config.password_secret}" if config.password_secret else "",
        )
        address = " ".join((f"{config.broker_host}:{config.port}", *filter(None, ways)))
        fault = "" if self._is_connected else self.fault  # until the first batch is out it stays for the log
        return BrokerLink(address, is_connected=self._is_connected, fault=fault)

    def reconnect(self) -> None:
        """Begins anew: the credentials have changed. What is in the spool stays."""
        self._changed.set()

    async def run(self) -> None:
        """Samples and publishes for ever."""
        while True:
            follow_cancel()
            self._changed.clear()
            self.fault = ""
            try:
                async with asyncio.TaskGroup() as group:
                    if self._config.broker_host:
                        group.create_task(self._sample(self._config), name="telemetry-sample")
                        group.create_task(self._publish(self._config), name="telemetry-publish")
                    await self._until_changed()
            except* _ChangedError:
                logger.info("Telemetry: configuration or credentials changed")

    async def _until_changed(self) -> None:
        await self._changed.wait()
        raise _ChangedError

    async def _sample(self, config: TelemetryConfig) -> None:
        """Samples at the sample period and hands over a batch at the publish period."""
        egress = Egress(sample_period_s=config.sample_period_s, max_samples=MAX_SAMPLES)
        try:
            await self._sample_into(egress, config)
        finally:  # a new configuration or the end of the agent costs no samples
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_BATCH_TIMEOUT_S):
                    await self.keep(egress)

    async def _sample_into(self, egress: Egress, config: TelemetryConfig) -> None:
        loop = asyncio.get_running_loop()
        batch_due_s = loop.time() + config.publish_period_s
        sample_due_s = loop.time()
        while True:
            if self.samples:
                egress.add(self._readings())
            if loop.time() >= batch_due_s:
                batch_due_s = max(batch_due_s + config.publish_period_s, loop.time())
                await self.keep(egress)
            sample_due_s = max(sample_due_s + config.sample_period_s, loop.time())
            await asyncio.sleep(min(sample_due_s, batch_due_s) - loop.time())

    async def keep(self, egress: Egress) -> None:
        """Makes what was sampled durable, or counts it as lost and says so once."""
        dropped_before = egress.dropped_count
        self._unkept += egress.drained()
        while self._unkept:
            batch = self._unkept.popleft()  # the spool's from here on, even if this is cancelled
            try:
                self._lanes.appended(await self._spool.append_built(partial(self._encoded, batch)))
            except WaysideError as error:
                self.lost_sample_count += batch.sample_count
                if not self._spool_fault:
                    logger.warning("Telemetry is being lost: %s", error)
                self._spool_fault = str(error)
            else:
                if self._spool_fault:
                    logger.info("Telemetry is kept again; %d samples were lost", self.lost_sample_count)
                self._spool_fault = ""
        self.lost_sample_count += egress.dropped_count - dropped_before

    def _encoded(self, batch: Batch, sequence: int) -> bytes:
        return zlib.compress(
            telemetry_batch(
                batch, node=self._node, spool_id=self._spool.spool_id, sequence=sequence
            ).SerializeToString(),
            COMPRESSION_LEVEL,
        )

    async def _publish(self, config: TelemetryConfig) -> None:
        """Holds a connection to the broker and drains the spool into it."""
        topic = f"{config.topic_prefix}/{node_id(self._node)}/telemetry"
        self._attempt = 0
        while True:
            follow_cancel()
            try:
                async with self._connect(config) as sink:
                    await self._hold(sink, topic, config)
            except* WaysideError as group:
                if not self._changed.is_set():  # else it says nothing of the configuration that is to come
                    self._note_outage(leaves(group)[0])
            await asyncio.sleep(
                delay_s(self._attempt, base_s=self._reconnect_base_s, cap_s=RECONNECT_CAP_S, rng=self._rng)
            )
            self._attempt += 1

    def _note_outage(self, error: BaseException) -> None:
        if not self.fault:
            logger.warning("Telemetry waits in the spool: %s", error)
        self.fault = str(error)

    async def _hold(self, sink: TelemetrySink, topic: str, config: TelemetryConfig) -> None:
        """Drains the spool as long as the connection lives; an idle one that dies is noticed too."""
        self._is_connected = config is self._config
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(sink.until_lost(), name="telemetry-watch")
                # inside the block: see services/exchange.py on Python 3.11's groups
                await self._lanes.drain(sink, topic, self._taken)
        finally:
            self._is_connected = False

    def _taken(self, count: int) -> None:
        self.published_count += count
        self._attempt = 0
        if self.fault:
            logger.info("Telemetry: the broker takes batches again")
            self.fault = ""


def telemetry_batch(batch: Batch, *, node: str, spool_id: str, sequence: int) -> telemetry_pb2.TelemetryBatch:
    """The message of a batch."""
    seconds, nanos = divmod(batch.base_time_ns, NANOSECONDS_PER_SECOND)
    return telemetry_pb2.TelemetryBatch(
        node=node,
        spool_id=spool_id,
        sequence=sequence,
        base_time=Timestamp(seconds=seconds, nanos=nanos),
        time_quality=_QUALITIES[batch.quality],
        columns=[
            telemetry_pb2.TelemetryColumn(
                name=column.name,
                unit=column.unit,
                time_delta_milliseconds=column.time_deltas_ms,
                values=column.values,
            )
            for column in batch.columns
        ],
    )
