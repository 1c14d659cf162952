"""The attempt under way: what is durable of it, what the manager wants, and who is told.

Every phase is durable before it is said, and said before it is acted on.
Usage: `await attempt.enter(attempt.update.after(Event.FETCHED))`.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

from wayside.errors import FailedPreconditionError, WaysideError
from wayside_agent.core.agreement import Agreement
from wayside_agent.core.update import (
    AT_REST,
    UNTOUCHED,
    Event,
    Phase,
    ReleaseTarget,
    Running,
    Update,
    UpdateStatus,
)
from wayside_agent.core.update_steps import is_same_order
from wayside_agent.ports.hooks import Word
from wayside_agent.services import keeping
from wayside_agent.services.component_versions import ComponentVersions
from wayside_agent.services.staging import Staging
from wayside_agent.services.update_faults import MAX_FAULTS, pause_s
from wayside_agent.services.update_world import World

logger = logging.getLogger(__name__)


class Attempt:
    """One unit's update, whatever it is at."""

    def __init__(self, world: World, staging: Staging, versions: ComponentVersions) -> None:
        self._world = world
        self._staging = staging
        self._versions = versions
        self._cut: asyncio.Timeout | None = None
        self.update = Update()
        self.running = Running()
        self.told: ReleaseTarget | None = None
        self.is_told = False  # before the manager's first word, what was ordered is still wanted
        self.hooked: Phase | None = None
        """Phase whose hook let it go on, in this life."""

    @property
    def wanted(self) -> ReleaseTarget | None:
        """What the manager wants; `None`: whatever runs."""
        return self.told if self.is_told else self.update.target

    @property
    def wants_other(self) -> bool:
        """Whether the manager no longer wants what was ordered."""
        wanted, ordered = self.wanted, self.update.target
        return wanted is None or ordered is None or not is_same_order(wanted, ordered)

    @property
    def target(self) -> ReleaseTarget:
        """What was ordered.

        Raises: FailedPreconditionError: nothing.
        """
        if self.update.target is None:
            raise FailedPreconditionError(f"update: there is no release to be {self.update.phase} with")
        return self.update.target

    @property
    def agreement(self) -> Agreement:
        """What both repositories said.

        Raises: FailedPreconditionError: nothing.
        """
        if self.update.agreement is None:
            raise FailedPreconditionError(f"update: nothing was agreed to be {self.update.phase} with")
        return self.update.agreement

    @property
    def is_spare(self) -> bool:
        """A former attempt left it complete in the slot."""
        return self.running.spare_sha256 == self.target.sha256

    def follow(self, target: ReleaseTarget | None) -> None:
        """Takes what the manager wants now, and cuts off what is done for something else."""
        self.told, self.is_told = target, True
        if self._cut is not None and self._cut.when() is None and self.wants_other:
            self._cut.reschedule(asyncio.get_running_loop().time())

    @contextlib.asynccontextmanager
    async def cuttable(self) -> AsyncGenerator[None, None]:
        """What is done inside ends with TimeoutError as soon as the manager wants something else."""
        try:
            async with asyncio.timeout(None) as self._cut:
                yield
        finally:
            self._cut = None  # at once: nothing can be cut that is over

    async def artifact(self) -> Path | None:
        """Where the artifact is, whole; `None`: it is not, and the slot does not hold the release either."""
        sha256, _ = self.update.artifact
        path, actual = await self._world.downloads.finish(sha256)
        return path if actual == sha256 or self.is_spare else None

    def status(self) -> UpdateStatus:
        """The present state, as it would be reported."""
        blockers = tuple(each.sentence for each in self._staging.found)
        return self.update.status(self.running, blockers, self._versions.found)

    async def enter(self, update: Update) -> None:
        """Goes to the next phase: durable first, then said, then acted on."""
        log = logger.warning if update.phase in {Phase.FAILED, Phase.REVERTING, Phase.ROLLED_BACK} else logger.info
        log("update: %s%s", update.phase, f": {update.message}" if update.message else "")
        if update.phase is not Phase.STAGED:
            self._staging.forget()
        self.hooked = None
        await self.save(update)
        if update.phase in AT_REST:
            await self._versions.look()
            await keeping.settled(self._world, update)
        await self.say()
        if update.phase not in UNTOUCHED:
            answer = await self._world.hooks.ask(update)
            if answer.word is not Word.GO_ON:
                logger.warning("update: %s; nothing can wait for it while %s", answer.message, update.phase)

    async def fail(self, error: WaysideError) -> None:
        """The attempt failed, and the release before runs on; a fault that may pass is waited out first.

        Components that were begun are taken back before it has.
        """
        wait_s = pause_s(error, self.update.fault_count)
        if wait_s is not None:
            await self._wait_out(error, wait_s)
            return
        await self.leave(Event.BROKE, str(error), error.reason)

    async def leave(self, event: Event, message: str, reason: str) -> None:
        """Ends the attempt before anything was switched to; what was begun of components is taken back first.

        What was fetched of a release that is withdrawn stays for the next order: windows close, and rollouts try again.
        """
        plan = self.update.components
        if plan is not None and not plan.given_up(message, reason).is_done:
            await self.save(replace(self.update, components=plan.given_up(message, reason)))
            return
        if event is not Event.WITHDRAWN:
            await self._world.downloads.discard()
        await self.enter(self.update.after(event, message=message, reason=reason))

    async def _wait_out(self, error: WaysideError, wait_s: float) -> None:
        """Says what happened and waits; the same step comes next, unless the manager wants something else meanwhile."""
        count = self.update.fault_count + 1
        message = f"{error}; tried again ({count} of {MAX_FAULTS})"
        await self.save(replace(self.update, fault_count=count, message=message))
        logger.warning("update: %s", message)
        await self.say()
        await self.wait(wait_s)

    async def wait(self, wait_s: float) -> None:
        """Waits, but not once the manager wants something else."""
        with contextlib.suppress(TimeoutError):  # follow() cut it
            async with self.cuttable():
                await self._world.pause(wait_s)

    async def save(self, update: Update) -> None:
        """Makes it durable."""
        await asyncio.to_thread(self._world.store.save, update)
        self.update = update

    async def tell(self, message: str) -> None:
        """Says what is in the way, once."""
        if message != self.update.message:
            logger.warning("update: %s", message)
            await self.save(replace(self.update, message=message))
            await self.say()

    async def say(self) -> None:
        """Tells people at the unit, then the manager; a word that fails must never undo an update."""
        status = self.status()
        if self._world.notice is not None:
            try:
                await self._world.notice(status)
            except WaysideError as error:
                logger.warning("update: nobody at the unit was told (%s)", error)
        try:
            await self._world.report(status)
        except WaysideError as error:
            logger.warning("update: its report was not accepted (%s); it is repeated at the next start", error)
