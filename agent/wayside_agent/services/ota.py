"""Makes the unit run the release the manager wants: fetches, installs, switches, proves, or goes back.

`core/update.py` decides; this file waits and acts. Every phase is durable before it is acted on, so that a crash at any
instant goes on where `next_step` says. A failed update is data in a report, never an end of the agent.
Usage: `ota.follow(target)` whenever the desired state changes; `await ota.run()` never returns.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from wayside.errors import (
    DeadlineExceededError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    UnavailableError,
    WaysideError,
)
from wayside_agent.core.agreement import Agreement, Refusal, RefusedError
from wayside_agent.core.fetch_choice import Way, fetch_choice, sources_of
from wayside_agent.core.gate import Outcome
from wayside_agent.core.update import (
    AT_REST,
    MAX_RESUME_COUNT,
    UNTOUCHED,
    Event,
    Phase,
    ReleaseTarget,
    Running,
    Update,
    UpdateStatus,
)
from wayside_agent.core.update_steps import Step, is_same_order, next_step, refreshed
from wayside_agent.ports.errors import RestartRequestedError
from wayside_agent.ports.hooks import Word
from wayside_agent.services.fetching import Fetching
from wayside_agent.services.staging import Staging
from wayside_agent.services.update_faults import MAX_FAULTS, pause_s
from wayside_agent.services.update_world import LOOK_PERIOD_S, STAGED_LOOK_S, World

logger = logging.getLogger(__name__)

RETRY_S = 10.0
"""After the device refused something that does not end the update, and while the manager is away."""
HOOK_RETRY_S = 30.0
"""Between two questions to a hook that says wait."""


_HOOKED = frozenset({Step.CHECK, Step.FETCH, Step.VERIFY, Step.INSTALL, Step.SWITCH})
_DELTA_FAULTS = frozenset({Refusal.DELTA, Refusal.HASH, Refusal.SIZE, Refusal.ARTIFACT_INVALID})
"""Refusals that can be the fault of the delta, not of the release."""
_REFUSABLE = frozenset({Phase.CHECKING, Phase.DOWNLOADING, Phase.VERIFYING, Phase.STAGED})
"""Phases in which a hook can still say no."""


class Ota:
    """The update of one unit."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._fetching = Fetching(
            world.source,
            world.downloads,
            places=world.places,
            max_bytes_per_s=world.max_download_bytes_per_s,
            may_download=world.may_download,
            clock=world.clock,
            pause=world.pause,
        )
        self._staging = Staging(world)
        self._hooked: Phase | None = None  # its hook let it go on, in this life
        self._update = Update()
        self._running = Running()
        self._wanted: ReleaseTarget | None = None
        self._is_resumed = False
        self._is_told = False  # before the manager's first word, what was ordered is still wanted
        self._changed = asyncio.Event()
        self._cut: asyncio.Timeout | None = None
        self._steps: dict[Step, Callable[[], Awaitable[None]]] = {
            Step.REST: self._rest,
            Step.ORDER: self._order,
            Step.ADOPT: self._adopt,
            Step.CHECK: self._check,
            Step.CHECK_AGAIN: self._check_again,
            Step.FETCH: self._fetch,
            Step.VERIFY: self._verify,
            Step.WAIT: self._wait,
            Step.INSTALL: self._install,
            Step.SWITCH: self._switch,
            Step.START_TRIAL: self._start_trial,
            Step.PROVE: self._prove,
            Step.SETTLE: self._settle,
            Step.GO_BACK: self._go_back,
            Step.NOTE_RETURN: self._note_return,
            Step.WITHDRAW: self._withdraw,
            Step.GIVE_UP: self._give_up,
        }

    def follow(self, target: ReleaseTarget | None) -> None:
        """Takes what the manager wants now; `None`: whatever runs. Only the newest counts."""
        self._wanted = target
        self._is_told = True
        self._changed.set()
        ordered = self._update.target
        is_other = target is None or ordered is None or not is_same_order(target, ordered)
        if self._cut is not None and self._cut.when() is None and is_other:
            self._cut.reschedule(asyncio.get_running_loop().time())

    async def answer(self, *, is_given: bool, who: str) -> str:
        """Takes what a person at the unit says of the update under way; durable, in one sentence.

        Raises: FailedPreconditionError: there is none. ResourceExhaustedError, DeviceFaultError.
        """
        consent = await self._staging.answer(self._update, is_given=is_given, who=who)
        logger.info("update: %s", consent.sentence)
        return consent.sentence

    def status(self) -> UpdateStatus:
        """The present state, as it would be reported."""
        return self._update.status(self._running, tuple(each.sentence for each in self._staging.found))

    @property
    def is_on_trial(self) -> bool:
        """Whether a release is on trial or about to be, or nobody knows yet: a configuration waits."""
        is_between = self._update.phase in {Phase.SWITCHING, Phase.PROVISIONAL}
        return not self._is_resumed or is_between or self._running.is_provisional

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
        self._running = await self._world.slots.running()
        await self._save(update.resumed(size_bytes))
        self._is_resumed = True
        if self._update.phase in AT_REST and not self._running.is_provisional:
            await self._say()

    async def _take_step(self) -> None:
        self._running = await self._world.slots.running()
        wanted = self._wanted if self._is_told else self._update.target
        if wanted is not None and (newer := refreshed(self._update, wanted)) != self._update:
            await self._save(newer)
        step = next_step(self._update, wanted, self._running)
        if step not in _HOOKED or await self._may_go_on():
            await self._steps[step]()

    async def _may_go_on(self) -> bool:
        """Asks the hook of the phase, once; False: it waits, or the attempt is over."""
        if self._hooked is self._update.phase:
            return True
        answer = await self._world.hooks.ask(self._update)
        if answer.word is Word.WAIT:
            await self._hold(hook=answer.message)
            await self._world.pause(HOOK_RETRY_S)
            return False
        if answer.word is Word.REFUSE and self._update.phase in _REFUSABLE:
            await self._break(FailedPreconditionError(answer.message, reason="HOOK"))
            return False
        self._hooked = self._update.phase
        self._staging.forget()
        return True

    async def _hold(self, *, hook: str = "") -> bool:
        """Looks at what must hold; says so when something else is in the way than before. True: something is."""
        before = self._staging.kinds
        found = await self._staging.look(self._update, hook=hook)
        if self._staging.kinds != before:
            for each in found:
                logger.info("update waits: %s", each.sentence)
            await self._say()
        return bool(found)

    async def _rest(self) -> None:
        await self._changed.wait()

    async def _order(self) -> None:
        self._update.after(Event.ORDERED)
        await self._enter(replace(Update(before=self._update.before), phase=Phase.CHECKING, target=self._wanted))

    async def _adopt(self) -> None:
        self._update.after(Event.PRESENT)
        present = Update(phase=Phase.COMMITTED, target=self._wanted, slot=self._running.slot)
        await self._enter(present)

    async def _check(self) -> None:
        target = self._target()
        try:
            async with self._cuttable():
                agreement = await self._world.installer.agree(target)
        except TimeoutError:  # follow() cut it; the next step withdraws it
            return
        except (UnavailableError, DeadlineExceededError):  # no fault of the release, however long it lasts
            if self._update.resume_count:
                await self._save(replace(self._update, resume_count=0))
            raise
        except WaysideError as error:
            await self._break(error)
            return
        if agreement.sha256 != target.sha256:
            refusal = RefusedError(Refusal.DISAGREEMENT, f"{target.release}: the manager announced other bytes")
            await self._break(refusal)
            return
        await self._enter(replace(self._update.after(Event.AGREED), agreement=agreement))

    async def _check_again(self) -> None:
        await self._enter(self._update.after(Event.STALE))

    async def _fetch(self) -> None:
        target = self._target()
        if self._running.spare_sha256 == target.sha256:  # a former attempt left it complete in the slot
            await self._enter(self._update.after(Event.FETCHED))
            return
        choice = fetch_choice(self._update, is_metered=self._world.is_metered(), schemes=self._world.places)
        if choice.way is Way.WAIT:
            await self._wait_for_a_way(choice.why)
            return
        if self._update.message or self._update.is_delta is not (choice.way is Way.DELTA):
            way = replace(self._update, is_delta=choice.way is Way.DELTA, message="", downloaded_bytes=0)
            await self._save(way)
        await self._fetch_ordered()

    async def _fetch_ordered(self) -> None:
        try:
            async with self._cuttable():
                await self._fetching.fetch(self._update.download, self._progress, self._sources)
        except TimeoutError:  # follow() cut it; the next step withdraws it
            return
        except UnavailableError as error:  # nobody may be asked any more: what may be fetched is looked at again
            logger.debug("update: %s", error)
            await self._world.pause(RETRY_S)
        except WaysideError as error:
            if self._update.is_delta and isinstance(error, InvalidArgumentError | NotFoundError):
                await self._without_delta(str(error))
            else:
                await self._break(error)
        else:
            size_bytes = self._update.artifact[1]
            await self._enter(replace(self._update.after(Event.FETCHED), downloaded_bytes=size_bytes))

    def _sources(self) -> tuple[str, ...]:
        """Where the artifact may be fetched from now, by the newest word of the manager."""
        target = refreshed(self._update, self._wanted).target if self._wanted else None
        return sources_of(
            target or self._target(),
            is_delta=self._update.is_delta,
            is_metered=self._world.is_metered(),
            schemes=self._world.places,
        )

    async def _wait_for_a_way(self, why: str) -> None:
        """Nothing may be fetched now: says so once, and looks again."""
        if self._update.message != why or self._update.resume_count:  # it may last for weeks, and is no trouble
            await self._save(replace(self._update, message=why, resume_count=0))
            logger.info("update waits: %s", why)
            await self._say()
        await self._world.pause(STAGED_LOOK_S)

    async def _without_delta(self, why: str) -> None:
        """Goes on without the delta, once; whether the whole is fetched, the policy says."""
        logger.warning("update: the delta is of no use (%s)", why)
        await self._world.downloads.discard()
        update = self._update if self._update.phase is Phase.DOWNLOADING else self._update.after(Event.LOST)
        await self._save(replace(update, is_delta=False, delta_problem=why, downloaded_bytes=0))
        await self._say()

    async def _progress(self, done_bytes: int, begin_bytes: int) -> None:
        update = replace(self._update, downloaded_bytes=done_bytes, resumed_from_bytes=begin_bytes)
        if done_bytes == begin_bytes:
            await self._save(update)
        self._update = update
        await self._say()

    async def _verify(self) -> None:
        agreement, path = self._agreement(), await self._artifact()
        if path is None:
            await self._enter(self._update.after(Event.LOST))
            return
        if not self._is_spare() and not self._update.is_delta:  # what a delta leads to is judged when it is applied
            try:
                await self._world.installer.verify(agreement, path)
            except UnavailableError:
                raise
            except WaysideError as error:
                await self._break(error)
                return
        await self._enter(self._update.after(Event.VERIFIED))

    async def _wait(self) -> None:
        if await self._artifact() is None:
            await self._enter(self._update.after(Event.LOST))
        elif await self._hold():
            await self._world.pause(STAGED_LOOK_S)
        elif await self._may_go_on():
            consent = self._staging.consent(self._update)
            await self._enter(replace(self._update.after(Event.READY), consent=consent))

    async def _install(self) -> None:
        path = await self._artifact()
        if path is None:
            await self._enter(self._update.after(Event.LOST))
            return
        try:
            slot = await self._world.installer.install(
                self._agreement(), path, is_delta=self._update.is_delta, progress=_quietly
            )
        except UnavailableError:
            raise
        except WaysideError as error:
            if self._update.is_delta and isinstance(error, RefusedError) and error.refusal in _DELTA_FAULTS:
                await self._without_delta(str(error))
            else:
                await self._break(error)
            return
        await self._enter(replace(self._update.after(Event.INSTALLED), slot=slot, before=self._world.vitals()))
        await self._world.downloads.discard()

    async def _switch(self) -> None:
        is_chosen = self._running.chosen_slot == self._update.slot
        if not is_chosen and await self._staging.look(self._update):  # it may have taken long to write it
            await self._enter(self._update.after(Event.HELD))
            return
        if self._world.is_config_on_trial():
            await self._world.pause(LOOK_PERIOD_S)
            return
        slot, timeout_s = self._update.slot, self._world.gate_timeout_s()
        try:
            await self._world.slots.choose(slot, gate_timeout_s=timeout_s)
        except FailedPreconditionError as error:  # the slot was emptied meanwhile
            await self._break(error)
            return
        logger.info("slot %s is chosen for a trial of %.0f s", slot, timeout_s)
        raise RestartRequestedError(f"release {self._target().release} starts from slot {slot}")

    async def _start_trial(self) -> None:
        await self._enter(self._update.after(Event.STARTED))

    async def _prove(self) -> None:
        verdict = await self._world.verdict(self._update.before, self._running.gate_timeout_s)
        seen = replace(self._update, gate=verdict.results)
        if verdict.outcome is Outcome.PASS:
            await self._save(seen)
            await self._world.slots.commit()
            return
        await self._enter(seen.after(Event.REFUSED, message="; ".join(verdict.reasons), reason="GATE"))

    async def _settle(self) -> None:
        await self._enter(self._update.after(Event.PASSED))

    async def _go_back(self) -> None:
        reason = self._update.message or "nothing is known of this trial, so it cannot be proven"
        await self._world.slots.go_back(reason)
        raise RestartRequestedError(f"the release in slot {self._running.slot} is taken back: {reason}")

    async def _note_return(self) -> None:
        update = self._update
        message = update.message or self._running.failure or "the release before runs again"
        if self._running.chosen_slot == update.slot:  # the launcher could not count it: it would start it once more
            await self._world.slots.go_back(message)
        await self._enter(update.after(Event.RETURNED, message=message, reason=update.reason or "LAUNCHER"))

    async def _withdraw(self) -> None:
        if self._update.phase is Phase.SWITCHING:
            await self._world.slots.go_back("the manager withdrew the release before it started")
        await self._world.downloads.discard()
        await self._enter(self._update.after(Event.WITHDRAWN, message="the manager withdrew the release"))

    async def _give_up(self) -> None:
        phase = self._update.phase
        if phase is Phase.SWITCHING:
            await self._world.slots.go_back("the launcher never started it")
        sentence = f"given up: {MAX_RESUME_COUNT} starts without progress while {phase}"
        await self._break(FailedPreconditionError(sentence, reason="GIVEN_UP"))

    async def _break(self, error: WaysideError) -> None:
        """The attempt failed, and the release before runs on; a fault that may pass is waited out first."""
        wait_s = pause_s(error, self._update.fault_count)
        if wait_s is not None:
            await self._wait_out(error, wait_s)
            return
        await self._world.downloads.discard()
        await self._enter(self._update.after(Event.BROKE, message=str(error), reason=error.reason))

    async def _wait_out(self, error: WaysideError, wait_s: float) -> None:
        """Says what happened and waits; the same step comes next, unless the manager wants something else meanwhile."""
        count = self._update.fault_count + 1
        message = f"{error}; tried again ({count} of {MAX_FAULTS})"
        await self._save(replace(self._update, fault_count=count, message=message))
        logger.warning("update: %s", message)
        await self._say()
        try:
            async with self._cuttable():
                await self._world.pause(wait_s)
        except TimeoutError:  # follow() cut it
            pass

    @contextlib.asynccontextmanager
    async def _cuttable(self) -> AsyncGenerator[None, None]:
        """What is done inside ends with TimeoutError as soon as the manager wants something else."""
        try:
            async with asyncio.timeout(None) as self._cut:
                yield
        finally:
            self._cut = None  # at once: nothing can be cut that is over

    def _is_spare(self) -> bool:
        """A former attempt left it complete in the slot."""
        return self._running.spare_sha256 == self._target().sha256

    async def _artifact(self) -> Path | None:
        """Where the artifact is, whole; `None`: it is not, and the slot does not hold the release either."""
        sha256, _ = self._update.artifact
        path, actual = await self._world.downloads.finish(sha256)
        return path if actual == sha256 or self._is_spare() else None

    def _agreement(self) -> Agreement:
        if self._update.agreement is None:
            raise FailedPreconditionError(f"update: nothing was agreed to be {self._update.phase} with")
        return self._update.agreement

    def _target(self) -> ReleaseTarget:
        if self._update.target is None:
            raise FailedPreconditionError(f"update: there is no release to be {self._update.phase} with")
        return self._update.target

    async def _enter(self, update: Update) -> None:
        """Goes to the next phase: durable first, then said, then acted on."""
        log = logger.warning if update.phase in {Phase.FAILED, Phase.REVERTING, Phase.ROLLED_BACK} else logger.info
        log("update: %s%s", update.phase, f": {update.message}" if update.message else "")
        if update.phase is not Phase.STAGED:
            self._staging.forget()
        self._hooked = None
        await self._save(update)
        await self._say()
        if update.phase not in UNTOUCHED:
            answer = await self._world.hooks.ask(update)
            if answer.word is not Word.GO_ON:
                logger.warning("update: %s; nothing can wait for it while %s", answer.message, update.phase)

    async def _save(self, update: Update) -> None:
        await asyncio.to_thread(self._world.store.save, update)
        self._update = update

    async def _say(self) -> None:
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


def _quietly(_share: float) -> None:
    """Writing a slot takes seconds: nobody is told how far it is."""
