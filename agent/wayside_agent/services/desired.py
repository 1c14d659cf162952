"""Walks the unit to the desired state: compares it with what runs, fetches the difference, and has it tried.

The manager sends the whole desired state; a lost one costs nothing, the next carries everything. A configuration is
fetched, checked and prepared whole, then tried (`services/config_trial.py`): whatever happens in between, the unit runs
the old one or the new one and says which.

The newest word of the manager counts, even with a lower revision: one session keeps order, the agent has one at a time,
and a manager restored from a backup begins lower. For the same reason a revision is the same only with the same hash.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from random import Random
from typing import Protocol

from google.protobuf.timestamp_pb2 import Timestamp

from wayside.errors import InvalidArgumentError, NotFoundError, WaysideError
from wayside.node_config import decoded
from wayside.v1 import node_service_pb2 as wire
from wayside.v1.release_pb2 import FetchPolicy as FetchPolicyWord
from wayside_agent.core.backoff import delay_s
from wayside_agent.core.config_state import Config, ConfigState, Target
from wayside_agent.core.config_trial import Event, Step, next_step
from wayside_agent.core.sources import MAX_COUNT
from wayside_agent.core.update import Delta, FetchPolicy, Preconditions, ReleaseTarget
from wayside_agent.services.config_trial import ConfigTrial
from wayside_agent.services.config_words import target_of
from wayside_agent.services.config_world import World

logger = logging.getLogger(__name__)

RETRY_BASE_S = 5.0
RETRY_CAP_S = 60.0


class ConfigFetcher(Protocol):
    """Where configurations come from."""

    async def fetch_config(self, revision: int) -> bytes:
        """A configuration, canonical JSON.

        Raises: NotFoundError: there is none of this revision any more. UnavailableError, DeadlineExceededError.
        """


class Desired:
    """Follows the desired state."""

    def __init__(
        self,
        fetcher: ConfigFetcher,
        world: World,
        *,
        follow_release: Callable[[ReleaseTarget | None], None],
        follow_jobs: Callable[[wire.DesiredState], None] = lambda _: None,
        follow_broadcasts: Callable[[wire.DesiredState], None] = lambda _: None,
        rng: Random,
    ) -> None:
        self._fetcher = fetcher
        self._world = world
        self._trial = ConfigTrial(world)
        self._follow_release = follow_release
        self._follow_jobs = follow_jobs
        self._follow_broadcasts = follow_broadcasts
        self._rng = rng
        self._target: Target | None = None
        self._warm_at_s = 0.0
        self._wake = asyncio.Event()
        self._steps: dict[Step, Callable[[Target], Awaitable[float | None]]] = {
            Step.TAKE_OVER: self._take_over,
            Step.TRY: self._try,
            Step.DROP: self._drop,
            Step.RECALL: self._recall,
            Step.GO_BACK: self._go_back,
        }
        self.desired_revision = 0

    @property
    def running(self) -> Config:
        """The configuration that runs, and its revision; 0: the defaults."""
        return self._trial.running

    @property
    def state(self) -> ConfigState:
        """What is proven, what is on trial, and what was refused."""
        return self._trial.state

    @property
    def trial(self) -> str:
        """The trial under way, as in `ConfigTarget.trial`; empty: none."""
        trial = self._trial.state.trial
        return trial.config.trial if trial else ""

    @property
    def is_on_trial(self) -> bool:
        """Whether a configuration is on trial, or about to be: a release waits."""
        return self._trial.is_on_trial

    async def start(self) -> None:
        """Runs the stored configuration, or as much of it as can run; a trial goes on."""
        await self._trial.start()

    async def follow(self, state: wire.DesiredState) -> None:
        """Takes a new desired state; an older one that has not been acted on is dropped."""
        if state.revision < self.desired_revision:
            logger.warning(
                "the desired state went back from revision %d to %d; was the manager restored from a backup?",
                self.desired_revision,
                state.revision,
            )
        self._target = target_of(state)
        self.desired_revision = state.revision
        self._follow_release(_release_target(state))
        self._follow_jobs(state)
        self._follow_broadcasts(state)
        self._wake.set()

    async def run(self) -> None:
        """Walks to each desired state, and tries again while the manager is away or the disk is full."""
        failure_count = 0
        self._warm_at_s = self._world.now().since_boot_s + self._world.warm_up_s
        while True:
            self._wake.clear()
            try:
                wait_s = await self._take_step()
                failure_count = 0
            except WaysideError as error:  # not the configuration's fault
                log = logger.debug if failure_count else logger.warning
                log("configuration %d: %s; tried again", self._target.revision if self._target else 0, error)
                wait_s = delay_s(failure_count, base_s=RETRY_BASE_S, cap_s=RETRY_CAP_S, rng=self._rng)
                failure_count += 1
            await self._pause(self._world.look_period_s if wait_s and self.is_on_trial else wait_s)

    async def _pause(self, wait_s: float | None) -> None:
        """Waits for a time (`None`: for ever), or a new desired state."""
        try:
            async with asyncio.timeout(wait_s):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _take_step(self) -> float | None:
        """Takes the next step; how long to wait before the one after it [s]. `None`: until the manager speaks."""
        is_settled = await self._trial.settle()
        target = self._target
        step = next_step(self._trial.state, target, is_whole=self._trial.is_whole)
        if step is Step.PROVE:
            await self._trial.look(target)
            return self._world.look_period_s if self.is_on_trial else 0.0
        if step is Step.REST or target is None:
            return None if is_settled else RETRY_BASE_S
        return await self._steps[step](target)

    async def _take_over(self, target: Target) -> float:
        await self._trial.take_over(target)
        logger.info("configuration %d runs already", target.revision)
        return 0.0

    async def _drop(self, target: Target) -> float:
        await self._trial.refuse(target, "cancelled by the manager before it began", event=Event.CANCELLED)
        return 0.0

    async def _recall(self, target: Target) -> float:
        await self._trial.recall(target)
        return 0.0

    async def _go_back(self, target: Target) -> float:
        await self._trial.supersede(target)
        return 0.0

    async def _try(self, target: Target) -> float | None:
        if self._must_wait():
            return self._world.look_period_s
        try:
            content = await self._fetcher.fetch_config(target.revision)
        except NotFoundError as error:  # superseded while it was on its way; the next desired state is coming
            logger.info("configuration %d: %s", target.revision, error)
            return None
        try:
            _check_hash(content, target)
            switch = await self._world.prepare(decoded(content))
        except (InvalidArgumentError, NotFoundError) as error:
            await self._trial.refuse(target, str(error))
            return 0.0
        # a newer word may have come meanwhile, and a release may have gone on trial
        if self._target == target and not self._must_wait():
            await self._trial.begin(target, content, switch)
        return 0.0

    def _must_wait(self) -> bool:
        is_warm = self._world.now().since_boot_s >= self._warm_at_s
        return not is_warm or self._world.is_release_on_trial() or self._world.is_renewing()


def _check_hash(content: bytes, target: Target) -> None:
    actual = hashlib.sha256(content).hexdigest()
    if actual != target.sha256:
        raise InvalidArgumentError(
            f"configuration {target.revision}: SHA-256 is {actual[:12]}…, the desired state says "
            f"{target.sha256[:12]}…; nothing was changed"
        )


_FETCH_POLICIES = {
    FetchPolicyWord.FETCH_POLICY_UNSPECIFIED: FetchPolicy.ANY,
    FetchPolicyWord.FETCH_POLICY_NEVER_FULL: FetchPolicy.NEVER_FULL,
    FetchPolicyWord.FETCH_POLICY_FULL_UNMETERED: FetchPolicy.FULL_UNMETERED,
}
"""A word of a newer manager counts as the strictest: it was said to save bytes."""


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
        delta=_delta(release),
        fetch_policy=_FETCH_POLICIES.get(release.fetch_policy, FetchPolicy.NEVER_FULL),
        preconditions=Preconditions(
            needs_consent=release.preconditions.needs_consent,
            begin_s=_seconds(release.preconditions.begin_time),
            end_s=_seconds(release.preconditions.end_time),
            may_interrupt_broadcast=release.preconditions.may_interrupt_broadcast,
        ),
        attempt=release.attempt,
        urls=tuple(release.urls[:MAX_COUNT]),
    )


def _delta(release: wire.ReleaseTarget) -> Delta | None:
    if not release.HasField("delta"):
        return None
    return Delta(
        release.delta.base_tree_sha256,
        release.delta.sha256,
        release.delta.size_bytes,
        tuple(release.delta.urls[:MAX_COUNT]),
    )


def _seconds(time: Timestamp) -> float | None:
    """A time [s since 1970]; `None`: it is not set."""
    return time.ToNanoseconds() / 1e9 or None
