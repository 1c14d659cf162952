"""Walks the unit to the desired state: compares it with what runs, fetches and applies the difference.

The manager sends the whole desired state; a lost one costs nothing, the next carries everything. A configuration is
prepared whole, then durable, then switched to in one step that cannot fail, then reported: whatever happens in
between, the unit runs the old one or the new one and says which.

The newest word of the manager counts, even with a lower revision: one session keeps order, the agent has one at a time,
and a manager restored from a backup begins lower. For the same reason a revision is the same only with the same hash.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from random import Random
from typing import Protocol

from wayside.errors import InvalidArgumentError, NotFoundError, WaysideError
from wayside.node_config import NodeConfig
from wayside.v1 import node_pb2
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.core.backoff import delay_s
from wayside_agent.core.update import ReleaseTarget
from wayside_agent.services.config_message import decoded_config

logger = logging.getLogger(__name__)

RETRY_BASE_S = 5.0
RETRY_CAP_S = 60.0
MAX_MESSAGE_CHARS = 2000  # of a report; the manager takes 64 KiB
Outcome = node_pb2.ConfigReport.Outcome

Prepare = Callable[[NodeConfig], Awaitable[Callable[[], None]]]
"""Makes everything a configuration needs and returns the switch to it, which cannot fail.

Raises: InvalidArgumentError, NotFoundError: the unit can never run it as it is. Another WaysideError: not now.
"""


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
        prepare: Prepare,
        report: Callable[[node_pb2.ConfigReport], Awaitable[None]],
        follow_release: Callable[[ReleaseTarget | None], None],
        rng: Random,
    ) -> None:
        self._fetcher = fetcher
        self._store = store
        self._prepare = prepare
        self._report = report
        self._follow_release = follow_release
        self._rng = rng
        self._newest = wire.DesiredState()
        self._wake = asyncio.Event()
        self._settled = (0, "")  # revision and hash that were applied or refused
        self.desired_revision = 0
        self.running_revision = 0

    async def start(self) -> None:
        """Applies the stored configuration, or the defaults if it cannot run."""
        revision = 0
        try:
            revision, serialized = self._store.load()
            switch = await self._prepare(decoded_config(serialized))
        except WaysideError as error:
            logger.error("configuration %d: %s; the defaults run", revision, error)
            (await self._prepare(NodeConfig()))()
            await self._say(revision, Outcome.OUTCOME_REVERTED, str(error))
            return
        switch()
        self.running_revision = revision
        self._settled = (revision, _sha256(serialized))

    async def follow(self, state: wire.DesiredState) -> None:
        """Takes a new desired state; an older one that has not been acted on is dropped."""
        if state.revision < self.desired_revision:
            logger.warning(
                "the desired state went back from revision %d to %d; was the manager restored from a backup?",
                self.desired_revision,
                state.revision,
            )
        self._newest = state
        self.desired_revision = state.revision
        self._follow_release(_release_target(state))
        self._wake.set()

    async def run(self) -> None:
        """Walks to each desired state, and tries again while the manager is away or the disk is full."""
        failure_count = 0
        while True:
            await self._wake.wait()
            self._wake.clear()
            state = self._newest
            if not state.HasField("config") or (state.config.revision, state.config.sha256) == self._settled:
                continue
            try:
                await self._walk_to(state.config)
                failure_count = 0
            except WaysideError as error:  # not the configuration's fault
                log = logger.debug if failure_count else logger.warning
                log("configuration %d: %s; tried again", state.config.revision, error)
                await self._pause(failure_count)
                failure_count += 1

    async def _pause(self, failure_count: int) -> None:
        """Waits until the next attempt, or a new desired state."""
        pause_s = delay_s(failure_count, base_s=RETRY_BASE_S, cap_s=RETRY_CAP_S, rng=self._rng)
        try:
            async with asyncio.timeout(pause_s):
                await self._wake.wait()
        except TimeoutError:
            self._wake.set()

    async def _walk_to(self, target: wire.ConfigTarget) -> None:
        try:
            serialized = await self._fetcher.fetch_config(target.revision)
        except NotFoundError as error:  # superseded while it was on its way; the next desired state is coming
            logger.info("configuration %d: %s", target.revision, error)
            return
        try:
            _check_hash(serialized, target)
            switch = await self._prepare(decoded_config(serialized))
        except (InvalidArgumentError, NotFoundError) as error:
            logger.warning("configuration %d refused: %s", target.revision, error)
            self._settled = (target.revision, target.sha256)
            await self._say(target.revision, Outcome.OUTCOME_REJECTED, str(error))
            return
        if self._newest.config != target:
            return  # a newer one came meanwhile, and has woken the loop
        await self._store.store(target.revision, serialized)
        switch()
        self.running_revision = target.revision
        self._settled = (target.revision, target.sha256)
        logger.info("configuration %d applied", target.revision)
        await self._say(target.revision, Outcome.OUTCOME_APPLIED, "")

    async def _say(self, revision: int, outcome: node_pb2.ConfigReport.Outcome.ValueType, message: str) -> None:
        if len(message) > MAX_MESSAGE_CHARS:
            message = f"{message[:MAX_MESSAGE_CHARS]}…"
        await self._report(
            node_pb2.ConfigReport(
                revision=revision, outcome=outcome, running_revision=self.running_revision, message=message
            )
        )


def _sha256(serialized: bytes) -> str:
    return hashlib.sha256(serialized).hexdigest()


def _check_hash(serialized: bytes, target: wire.ConfigTarget) -> None:
    actual = _sha256(serialized)
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
