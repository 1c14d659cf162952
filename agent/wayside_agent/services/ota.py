"""Makes the unit run the release the manager wants: fetches, installs, switches, proves, or goes back.

`core/update.py` decides; this file waits and acts. Every phase is durable before it is acted on, so that a crash at any
instant goes on where `next_step` says. A failed update is data in a report, never an end of the agent. The steps are in
`update_fetch` (agreed, fetched, verified), here (staged, installed), and in `update_trial` (switched, proven, back).
Usage: `ota.follow(target)` whenever the desired state changes; `await ota.run()` never returns.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from wayside.errors import FailedPreconditionError, UnavailableError, WaysideError
from wayside_agent.core.update import (
    AT_REST,
    MAX_RESUME_COUNT,
    Event,
    Phase,
    ReleaseTarget,
    Update,
    UpdateStatus,
)
from wayside_agent.core.update_steps import Step, next_step, refreshed
from wayside_agent.ports.hooks import Word
from wayside_agent.services import keeping
from wayside_agent.services.component_steps import ComponentSteps
from wayside_agent.services.component_versions import ComponentVersions
from wayside_agent.services.staging import Staging
from wayside_agent.services.update_attempt import Attempt
from wayside_agent.services.update_fetch import FetchSteps
from wayside_agent.services.update_trial import TrialSteps
from wayside_agent.services.update_world import RETRY_S, STAGED_LOOK_S, World

logger = logging.getLogger(__name__)

HOOK_RETRY_S = 30.0
"""Between two questions to a hook that says wait."""
WITHDRAWN = "WITHDRAWN"

_HOOKED = frozenset({Step.CHECK, Step.FETCH, Step.VERIFY, Step.INSTALL, Step.SWITCH})
_REFUSABLE = frozenset({Phase.CHECKING, Phase.DOWNLOADING, Phase.VERIFYING, Phase.STAGED})
"""Phases in which a hook can still say no."""


class Ota:
    """The update of one unit."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._versions = ComponentVersions(world.components)
        self._staging = Staging(world)
        self._attempt = Attempt(world, self._staging, self._versions)
        self._components = ComponentSteps(world, self._attempt, self._versions)
        self._fetch = FetchSteps(world, self._attempt, self._components)
        trial = TrialSteps(world, self._attempt, self._staging, self._components)
        self._is_resumed = False
        self._changed = asyncio.Event()
        self._steps: dict[Step, Callable[[], Awaitable[None]]] = {
            Step.REST: self._rest,
            Step.ORDER: self._order,
            Step.ADOPT: self._adopt,
            Step.CHECK: self._fetch.check,
            Step.CHECK_AGAIN: self._fetch.check_again,
            Step.FETCH: self._fetch.fetch,
            Step.VERIFY: self._fetch.verify,
            Step.WAIT: self._wait,
            Step.INSTALL: self._install,
            Step.SWITCH: trial.switch,
            Step.START_TRIAL: trial.start_trial,
            Step.PROVE: trial.prove,
            Step.SETTLE: trial.settle,
            Step.GO_BACK: trial.go_back,
            Step.NOTE_RETURN: trial.note_return,
            Step.WITHDRAW: self._withdraw,
            Step.GIVE_UP: self._give_up,
            Step.TAKE_BACK: self._take_back,
        }

    def follow(self, target: ReleaseTarget | None) -> None:
        """Takes what the manager wants now; `None`: whatever runs. Only the newest counts."""
        self._attempt.follow(target)
        self._changed.set()

    async def answer(self, *, is_given: bool, who: str) -> str:
        """Takes what a person at the unit says of the update under way; durable, in one sentence.

        Raises: FailedPreconditionError: there is none. ResourceExhaustedError, DeviceFaultError.
        """
        consent = await self._staging.answer(self._attempt.update, is_given=is_given, who=who)
        logger.info("update: %s", consent.sentence)
        return consent.sentence

    def status(self) -> UpdateStatus:
        """The present state, as it would be reported."""
        return self._attempt.status()

    @property
    def is_on_trial(self) -> bool:
        """Whether a release is on trial or about to be, or nobody knows yet: a configuration waits.

        Not for a component of a committed release that cannot be confirmed: that may last for ever.
        """
        phase, running = self._attempt.update.phase, self._attempt.running
        is_settling = phase is Phase.PROVISIONAL and not self._components.is_stuck
        is_between = phase is Phase.SWITCHING or is_settling
        return not self._is_resumed or is_between or running.is_provisional

    async def run(self) -> None:
        """Walks to the wanted release for ever.

        Raises: RestartRequestedError: the process must start again; everything is durable.
        """
        next_act: Callable[[], Awaitable[None]] = self._resume
        is_out = False
        while True:
            self._changed.clear()
            try:
                await next_act()
                next_act, is_out = self._take_step, False
            except WaysideError as error:
                (logger.debug if is_out else logger.error)("update: %s; tried again", error)
                is_out = True
                await self._world.pause(RETRY_S)

    async def _resume(self) -> None:
        update = await asyncio.to_thread(self._world.store.load) or Update()
        size_bytes = update.downloaded_bytes
        if update.phase is Phase.DOWNLOADING and update.target is not None:
            size_bytes = await self._world.downloads.size(update.artifact[0])
        await self._staging.load()
        self._attempt.running = await self._world.slots.running()
        await self._attempt.save(update.resumed(size_bytes))
        self._is_resumed = True
        await keeping.settled(self._world, update)
        if update.phase in AT_REST and not self._attempt.running.is_provisional:
            await self._versions.look()
            await self._attempt.say()

    async def _take_step(self) -> None:
        attempt = self._attempt
        attempt.running = await self._world.slots.running()
        wanted = attempt.wanted
        if wanted is not None and (newer := refreshed(attempt.update, wanted)) != attempt.update:
            await attempt.save(newer)
        step = next_step(attempt.update, wanted, attempt.running)
        if step not in _HOOKED or await self._may_go_on():
            await self._steps[step]()

    async def _may_go_on(self) -> bool:
        """Asks the hook of the phase, once; False: it waits, or the attempt is over."""
        attempt = self._attempt
        if attempt.hooked is attempt.update.phase:
            return True
        answer = await self._world.hooks.ask(attempt.update)
        if answer.word is Word.WAIT:
            await self._hold(hook=answer.message)
            await self._world.pause(HOOK_RETRY_S)
            return False
        if answer.word is Word.REFUSE and attempt.update.phase in _REFUSABLE:
            await attempt.fail(FailedPreconditionError(answer.message, reason="HOOK"))
            return False
        attempt.hooked = attempt.update.phase
        self._staging.forget()
        return True

    async def _hold(self, *, hook: str = "") -> bool:
        """Looks at what must hold; says so when something else is in the way than before. True: something is."""
        before = self._staging.kinds
        found = await self._staging.look(self._attempt.update, hook=hook)
        if self._staging.kinds != before:
            for each in found:
                logger.info("update waits: %s", each.sentence)
            await self._attempt.say()
        return bool(found)

    async def _rest(self) -> None:
        await self._changed.wait()

    async def _order(self) -> None:
        before = self._attempt.update
        before.after(Event.ORDERED)
        fresh = Update(before=before.before, left=before.left)
        await self._attempt.enter(replace(fresh, phase=Phase.CHECKING, target=self._attempt.wanted))

    async def _adopt(self) -> None:
        before = self._attempt.update
        before.after(Event.PRESENT)
        slot = self._attempt.running.slot
        await self._attempt.enter(
            Update(phase=Phase.COMMITTED, target=self._attempt.wanted, slot=slot, left=before.left)
        )

    async def _wait(self) -> None:
        attempt = self._attempt
        if await attempt.artifact() is None:
            await attempt.enter(attempt.update.after(Event.LOST))
        elif await self._hold():
            await self._world.pause(STAGED_LOOK_S)
        elif await self._may_go_on():
            consent = self._staging.consent(attempt.update)
            await attempt.enter(replace(attempt.update.after(Event.READY), consent=consent))

    async def _install(self) -> None:
        """Writes the slot, then stages the components beside it."""
        attempt, path = self._attempt, await self._attempt.artifact()
        if path is None:
            await attempt.enter(attempt.update.after(Event.LOST))
            return
        try:
            slot = await self._world.installer.install(
                attempt.agreement, path, is_delta=attempt.update.is_delta, progress=_quietly
            )
            is_staged = await self._components.stage(slot)
        except UnavailableError:
            raise
        except WaysideError as error:
            await self._fetch.refused(error)
            return
        if is_staged:
            installed = replace(attempt.update.after(Event.INSTALLED), slot=slot, before=self._world.vitals())
            await attempt.enter(replace(installed, slot_before=attempt.running.slot))
            await keeping.taken(self._world, attempt.update, path)
            await self._world.downloads.discard()

    async def _withdraw(self) -> None:
        if self._attempt.update.phase is Phase.SWITCHING:
            await self._world.slots.go_back("the manager withdrew the release before it started")
        await self._attempt.leave(Event.WITHDRAWN, "the manager withdrew the release", WITHDRAWN)

    async def _give_up(self) -> None:
        phase = self._attempt.update.phase
        if phase is Phase.SWITCHING:
            await self._world.slots.go_back("the launcher never started it")
        sentence = f"given up: {MAX_RESUME_COUNT} starts without progress while {phase}"
        await self._attempt.leave(Event.BROKE, sentence, "GIVEN_UP")

    async def _take_back(self) -> None:
        """Nothing was switched to; what was done to components is undone."""
        attempt, plan = self._attempt, self._attempt.update.components
        if plan is None or not await self._components.take_back(plan.failure, plan.reason):
            return
        is_activated = attempt.update.phase is Phase.SWITCHING and plan.reason != WITHDRAWN
        event = Event.WITHDRAWN if plan.reason == WITHDRAWN else Event.RETURNED if is_activated else Event.BROKE
        await self._world.downloads.discard()
        message = (attempt.update.components or plan).sentence
        await attempt.enter(attempt.update.after(event, message=message, reason=plan.reason))


def _quietly(_share: float) -> None:
    """Writing a slot takes seconds: nobody is told how far it is."""
