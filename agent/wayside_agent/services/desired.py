"""Walks the unit to the desired state: compares it with what runs, fetches and applies the difference.

The manager sends the whole desired state; a lost one costs nothing, the next carries everything. A configuration is
checked whole before anything changes, and is durable before it is reported as applied.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from google.protobuf.message import DecodeError

from wayside.errors import InvalidArgumentError, NotFoundError, WaysideError
from wayside.v1 import node_pb2
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.core.desired import CanBusConfig, NodeConfig, TelemetryConfig, UpdateConfig
from wayside_agent.core.update import ReleaseTarget

logger = logging.getLogger(__name__)

RETRY_S = 5.0
Outcome = node_pb2.ConfigReport.Outcome


class ConfigFetcher(Protocol):
    """Where configurations come from."""

    async def fetch_config(self, revision: int) -> bytes:
        """A serialized NodeConfig."""


class ConfigStore(Protocol):
    """Where the running configuration is kept."""

    def load(self) -> tuple[int, bytes]:
        """Revision and serialized NodeConfig; (0, b"") before the first."""

    async def store(self, revision: int, config: bytes) -> None:
        """Makes it durable."""


class Desired:
    """Follows the desired state."""

    def __init__(
        self,
        fetcher: ConfigFetcher,
        store: ConfigStore,
        *,
        apply: Callable[[NodeConfig], Awaitable[None]],
        report: Callable[[node_pb2.ConfigReport], Awaitable[None]],
        follow_release: Callable[[ReleaseTarget | None], None],
    ) -> None:
        self._fetcher = fetcher
        self._store = store
        self._apply = apply
        self._report = report
        self._follow_release = follow_release
        self._newest: wire.DesiredState | None = None
        self._wake = asyncio.Event()
        self._settled_revision = 0
        self.desired_revision = 0
        self.running_revision = 0

    async def start(self) -> NodeConfig:
        """Applies the stored configuration, or the defaults if it no longer fits, and returns what runs."""
        revision, serialized = self._store.load()
        try:
            config = decoded_config(serialized)
            await self._apply(config)
        except WaysideError as error:
            logger.error("configuration %d: %s; the defaults run", revision, error)
            config = NodeConfig()
            await self._apply(config)
            await self._say(revision, Outcome.OUTCOME_REVERTED, str(error))
            return config
        self.running_revision = self._settled_revision = revision
        return config

    async def follow(self, state: wire.DesiredState) -> None:
        """Takes a new desired state; an older one that has not been acted on is dropped."""
        self._newest = state
        self.desired_revision = state.revision
        self._follow_release(_release_target(state))
        self._wake.set()

    async def run(self) -> None:
        """Walks to each desired state, and tries again while the manager is away."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            state = self._newest
            if state is None or not state.HasField("config") or state.config.revision == self._settled_revision:
                continue
            try:
                await self._walk_to(state.config)
            except WaysideError as error:  # the manager is away, or the disk is full: not the configuration's fault
                logger.warning("configuration %d: %s; tried again", state.config.revision, error)
                await asyncio.sleep(RETRY_S)
                self._wake.set()

    async def _walk_to(self, target: wire.ConfigTarget) -> None:
        try:
            serialized = await self._fetcher.fetch_config(target.revision)
        except NotFoundError as error:  # superseded while it was on its way; the next desired state is coming
            logger.info("configuration %d: %s", target.revision, error)
            return
        try:
            _check_hash(serialized, target)
            await self._apply(decoded_config(serialized))
        except WaysideError as error:
            logger.warning("configuration %d refused: %s", target.revision, error)
            self._settled_revision = target.revision
            await self._say(target.revision, Outcome.OUTCOME_REJECTED, str(error))
            return
        await self._store.store(target.revision, serialized)
        self.running_revision = self._settled_revision = target.revision
        logger.info("configuration %d applied", target.revision)
        await self._say(target.revision, Outcome.OUTCOME_APPLIED, "")

    async def _say(self, revision: int, outcome: node_pb2.ConfigReport.Outcome.ValueType, message: str) -> None:
        await self._report(
            node_pb2.ConfigReport(
                revision=revision, outcome=outcome, running_revision=self.running_revision, message=message
            )
        )


def decoded_config(serialized: bytes) -> NodeConfig:
    """The configuration in a serialized NodeConfig; absent fields take the agent's defaults.

    Raises: InvalidArgumentError: no NodeConfig.
    """
    message = node_pb2.NodeConfig()
    try:
        message.ParseFromString(serialized)
    except DecodeError as error:
        raise InvalidArgumentError("configuration: the bytes are no NodeConfig; send it again") from error
    default = NodeConfig()
    return NodeConfig(
        report_period_s=_seconds(message, "report_period", default.report_period_s),
        can_buses=tuple(
            CanBusConfig(name=bus.name, database_name=bus.database_name, signal_names=tuple(bus.signal_names))
            for bus in message.can.buses
        ),
        telemetry=_telemetry(message.telemetry, default.telemetry),
        update=UpdateConfig(
            max_download_bytes_per_s=message.update.max_download_bytes_per_second,
            health_gate_timeout_s=_seconds(message.update, "health_gate_timeout", default.update.health_gate_timeout_s),
        ),
    )


def _telemetry(message: node_pb2.TelemetryConfig, default: TelemetryConfig) -> TelemetryConfig:
    return TelemetryConfig(
        broker_host=message.broker_host,
        broker_port=message.broker_port,
        broker_plaintext=message.broker_plaintext,
        topic_prefix=message.topic_prefix or default.topic_prefix,
        publish_period_s=_seconds(message, "publish_period", default.publish_period_s),
        sample_period_s=_seconds(message, "sample_period", default.sample_period_s),
    )


def _seconds(
    message: node_pb2.NodeConfig | node_pb2.TelemetryConfig | node_pb2.UpdateConfig, field: str, default_s: float
) -> float:
    if not message.HasField(field):  # type: ignore[arg-type]  # the stubs want a literal
        return default_s
    seconds: float = getattr(message, field).ToNanoseconds() / 1e9
    return seconds


def _check_hash(serialized: bytes, target: wire.ConfigTarget) -> None:
    actual = hashlib.sha256(serialized).hexdigest()
    if actual != target.sha256:
        raise InvalidArgumentError(
            f"configuration {target.revision}: SHA-256 is {actual[:12]}…, the desired state says "
            f"{target.sha256[:12]}…; nothing was changed"
        )


def _release_target(state: wire.DesiredState) -> ReleaseTarget | None:
    if not state.HasField("release"):
        return None
    release = state.release
    return ReleaseTarget(
        release=release.release,
        version=release.version,
        sha256=release.sha256,
        size_bytes=release.size_bytes,
        rollout=release.rollout,
    )
