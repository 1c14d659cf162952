"""The first half of an update: what is agreed on, fetched and verified. Nothing that runs is touched.

Usage: `await FetchSteps(world, attempt, components).check()`; each method takes one step.
"""

import logging
from dataclasses import replace
from functools import partial

from wayside.errors import (
    DeadlineExceededError,
    InvalidArgumentError,
    NotFoundError,
    UnavailableError,
    WaysideError,
)
from wayside_agent.core.agreement import Refusal, RefusedError
from wayside_agent.core.contents import Contents
from wayside_agent.core.fetch_choice import Way, fetch_choice, sources_of
from wayside_agent.core.update import Event, Phase
from wayside_agent.core.update_steps import refreshed
from wayside_agent.services import keeping
from wayside_agent.services.component_steps import ComponentSteps
from wayside_agent.services.fetching import Fetching
from wayside_agent.services.update_attempt import Attempt
from wayside_agent.services.update_world import RETRY_S, STAGED_LOOK_S, World

logger = logging.getLogger(__name__)

_DELTA_FAULTS = frozenset({Refusal.DELTA, Refusal.HASH, Refusal.SIZE, Refusal.ARTIFACT_INVALID})
"""Refusals that can be the fault of the delta, not of the release."""


class FetchSteps:
    """From an order to a release that is verified."""

    def __init__(self, world: World, attempt: Attempt, components: ComponentSteps) -> None:
        self._world = world
        self._attempt = attempt
        self._components = components
        self._fetching = Fetching(
            world.source,
            world.downloads,
            places=world.places,
            max_bytes_per_s=world.max_download_bytes_per_s,
            may_download=world.may_download,
            make_room=partial(keeping.room_for, world),
            clock=world.clock,
            pause=world.pause,
        )

    async def check(self) -> None:
        """Asks both repositories."""
        attempt, target = self._attempt, self._attempt.target
        try:
            async with attempt.cuttable():
                agreement = await self._world.installer.agree(target)
        except TimeoutError:  # follow() cut it; the next step withdraws it
            return
        except (UnavailableError, DeadlineExceededError):  # no fault of the release, however long it lasts
            if attempt.update.resume_count:
                await attempt.save(replace(attempt.update, resume_count=0))
            raise
        except WaysideError as error:
            await attempt.fail(error)
            return
        if agreement.sha256 != target.sha256:
            refusal = RefusedError(Refusal.DISAGREEMENT, f"{target.release}: the manager announced other bytes")
            await attempt.fail(refusal)
            return
        await attempt.enter(replace(attempt.update.after(Event.AGREED), agreement=agreement))

    async def check_again(self) -> None:
        """Nobody knows what was agreed."""
        await self._attempt.enter(self._attempt.update.after(Event.STALE))

    async def fetch(self) -> None:
        """Fetches the artifact, whole or as a delta, or waits for a way that is allowed."""
        attempt = self._attempt
        if attempt.is_spare:
            await attempt.enter(attempt.update.after(Event.FETCHED))
            return
        choice = fetch_choice(attempt.update, is_metered=self._world.is_metered(), schemes=self._world.places)
        if choice.way is Way.WAIT:
            await self._wait_for_a_way(choice.why)
            return
        if attempt.update.message or attempt.update.is_delta is not (choice.way is Way.DELTA):
            way = replace(attempt.update, is_delta=choice.way is Way.DELTA, message="", downloaded_bytes=0)
            await attempt.save(way)
        await self._fetch_ordered()

    async def verify(self) -> None:
        """Holds what was fetched against what was agreed, and against this unit."""
        attempt, path = self._attempt, await self._attempt.artifact()
        if path is None:
            await attempt.enter(attempt.update.after(Event.LOST))
            return
        try:
            if attempt.is_spare:
                told = await self._world.slots.contents(attempt.running.spare_slot)
            else:
                told = await self._world.installer.verify(attempt.agreement, path, is_delta=attempt.update.is_delta)
        except UnavailableError:
            raise
        except WaysideError as error:
            await self.refused(error)
            return
        await self._take(told)

    async def refused(self, error: WaysideError) -> None:
        """The artifact is no good: goes on without the delta, if that can be why."""
        if self._attempt.update.is_delta and isinstance(error, RefusedError) and error.refusal in _DELTA_FAULTS:
            await self._without_delta(str(error))
        else:
            await self._attempt.fail(error)

    async def _take(self, told: Contents) -> None:
        refusal = self._components.refusal(told)
        if refusal is not None:
            await self._attempt.fail(refusal)
            return
        await self._attempt.enter(replace(self._attempt.update.after(Event.VERIFIED), notices=told.notices))

    async def _fetch_ordered(self) -> None:
        attempt = self._attempt
        try:
            async with attempt.cuttable():
                await self._fetching.fetch(attempt.update.download, self._progress, self._sources)
        except TimeoutError:  # follow() cut it; the next step withdraws it
            return
        except UnavailableError as error:  # nobody may be asked any more: what may be fetched is looked at again
            logger.debug("update: %s", error)
            await self._world.pause(RETRY_S)
        except WaysideError as error:
            if attempt.update.is_delta and isinstance(error, InvalidArgumentError | NotFoundError):
                await self._without_delta(str(error))
            else:
                await attempt.fail(error)
        else:
            size_bytes = attempt.update.artifact[1]
            await attempt.enter(replace(attempt.update.after(Event.FETCHED), downloaded_bytes=size_bytes))

    def _sources(self) -> tuple[str, ...]:
        """Where the artifact may be fetched from now, by the newest word of the manager."""
        told, update = self._attempt.told, self._attempt.update
        target = refreshed(update, told).target if told else None
        return sources_of(
            target or self._attempt.target,
            is_delta=update.is_delta,
            is_metered=self._world.is_metered(),
            schemes=self._world.places,
        )

    async def _wait_for_a_way(self, why: str) -> None:
        """Nothing may be fetched now: says so once, and looks again."""
        attempt = self._attempt
        if attempt.update.message != why or attempt.update.resume_count:  # it may last for weeks, and is no trouble
            await attempt.save(replace(attempt.update, message=why, resume_count=0))
            logger.info("update waits: %s", why)
            await attempt.say()
        await self._world.pause(STAGED_LOOK_S)

    async def _without_delta(self, why: str) -> None:
        """Goes on without the delta, once; whether the whole is fetched, the policy says."""
        logger.warning("update: the delta is of no use (%s)", why)
        await self._world.downloads.discard()
        before = self._attempt.update
        update = before if before.phase is Phase.DOWNLOADING else before.after(Event.LOST)
        await self._attempt.save(replace(update, is_delta=False, delta_problem=why, downloaded_bytes=0))
        await self._attempt.say()

    async def _progress(self, done_bytes: int, begin_bytes: int) -> None:
        update = replace(self._attempt.update, downloaded_bytes=done_bytes, resumed_from_bytes=begin_bytes)
        if done_bytes == begin_bytes:
            await self._attempt.save(update)
        self._attempt.update = update
        await self._attempt.say()
