"""Makes the unit run the release the manager wants: fetches, installs, switches, proves, or goes back.

`core/update.py` decides; this file waits and acts. Every phase is durable before it is acted on, so that a crash at any
instant goes on where `next_step` says. A failed update is data in a report, never an end of the agent.
Usage: `ota.follow(target)` whenever the desired state changes; `await ota.run()` never returns.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from wayside.errors import FailedPreconditionError, WaysideError
from wayside_agent.core.gate import Outcome
from wayside_agent.core.update import (
    AT_REST,
    MAX_RESUME_COUNT,
    Event,
    Phase,
    ReleaseTarget,
    Running,
    Step,
    Update,
    UpdateStatus,
    next_step,
)
from wayside_agent.ports.errors import RestartRequestedError
from wayside_agent.services.fetching import Fetching
from wayside_agent.services.update_world import LOOK_PERIOD_S, World

logger = logging.getLogger(__name__)

RETRY_S = 10.0
"""After the device refused something that does not end the update."""


class Ota:
    """The update of one unit."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._fetching = Fetching(
            world.source,
            world.downloads,
            max_bytes_per_s=world.max_download_bytes_per_s,
            may_download=world.may_download,
            clock=world.clock,
            pause=world.pause,
        )
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
            Step.FETCH: self._fetch,
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
        if self._cut is not None and self._cut.when() is None and target != self._update.target:
            self._cut.reschedule(asyncio.get_running_loop().time())

    def status(self) -> UpdateStatus:
        """The present state, as it would be reported."""
        return self._update.status(self._running)

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
            size_bytes = await self._world.downloads.size(update.target.sha256)
        self._running = await self._world.slots.running()
        await self._save(update.resumed(size_bytes))
        self._is_resumed = True
        if self._update.phase in AT_REST and not self._running.is_provisional:
            await self._say()

    async def _take_step(self) -> None:
        self._running = await self._world.slots.running()
        wanted = self._wanted if self._is_told else self._update.target
        await self._steps[next_step(self._update, wanted, self._running)]()

    async def _rest(self) -> None:
        await self._changed.wait()

    async def _order(self) -> None:
        ordered = self._update.after(Event.ORDERED)
        await self._enter(replace(ordered, target=self._wanted, slot="", downloaded_bytes=0, resumed_from_bytes=0))

    async def _adopt(self) -> None:
        await self._enter(replace(self._update.after(Event.PRESENT), target=self._wanted, slot=self._running.slot))

    async def _fetch(self) -> None:
        target = self._target()
        if self._running.spare_sha256 == target.sha256:  # a former attempt left it complete in the slot
            await self._enter(self._update.after(Event.FETCHED))
            return
        try:
            async with asyncio.timeout(None) as self._cut:
                await self._fetching.fetch(target, self._progress)
        except TimeoutError:  # follow() cut it; the next step withdraws it
            return
        except WaysideError as error:
            await self._enter(self._update.after(Event.BROKE, message=str(error)))
        else:
            await self._enter(replace(self._update.after(Event.FETCHED), downloaded_bytes=target.size_bytes))
        finally:
            self._cut = None

    async def _progress(self, done_bytes: int, begin_bytes: int) -> None:
        update = replace(self._update, downloaded_bytes=done_bytes, resumed_from_bytes=begin_bytes)
        if done_bytes == begin_bytes:
            await self._save(update)
        self._update = update
        await self._say()

    async def _install(self) -> None:
        target = self._target()
        try:
            path, actual = await self._world.downloads.finish(target.sha256)
            if target.sha256 not in {actual, self._running.spare_sha256}:
                await self._enter(self._update.after(Event.LOST))
                return
            slot = await self._world.slots.install(path, target)
        except WaysideError as error:
            await self._world.downloads.discard()
            await self._enter(self._update.after(Event.BROKE, message=str(error)))
            return
        await self._enter(replace(self._update.after(Event.INSTALLED), slot=slot, before=self._world.vitals()))
        await self._world.downloads.discard()

    async def _switch(self) -> None:
        if self._world.is_config_on_trial():
            await self._world.pause(LOOK_PERIOD_S)
            return
        slot, timeout_s = self._update.slot, self._world.gate_timeout_s()
        try:
            await self._world.slots.choose(slot, gate_timeout_s=timeout_s)
        except FailedPreconditionError as error:  # the slot was emptied meanwhile
            await self._enter(self._update.after(Event.BROKE, message=str(error)))
            return
        logger.info("slot %s is chosen for a trial of %.0f s", slot, timeout_s)
        raise RestartRequestedError(f"release {self._target().release} starts from slot {slot}")

    async def _start_trial(self) -> None:
        await self._enter(self._update.after(Event.STARTED))

    async def _prove(self) -> None:
        verdict = await self._world.verdict(self._update.before, self._running.gate_timeout_s)
        if verdict.outcome is Outcome.PASS:
            await self._world.slots.commit()
            return
        # said by the software before, once it runs again: until then it is not true
        await self._enter(self._update.after(Event.REFUSED, message="; ".join(verdict.reasons)), is_said=False)

    async def _settle(self) -> None:
        await self._enter(self._update.after(Event.PASSED))

    async def _go_back(self) -> None:
        reason = self._update.message or "nothing is known of this trial, so it cannot be proven"
        await self._world.slots.go_back(reason)
        raise RestartRequestedError(f"the release in slot {self._running.slot} is taken back: {reason}")

    async def _note_return(self) -> None:
        await self._enter(
            self._update.after(Event.RETURNED, message=self._running.failure or "the release before runs again")
        )

    async def _withdraw(self) -> None:
        if self._update.phase is Phase.SWITCHING:
            await self._world.slots.go_back("the manager withdrew the release before it started")
        await self._world.downloads.discard()
        await self._enter(self._update.after(Event.WITHDRAWN, message="the manager withdrew the release"))

    async def _give_up(self) -> None:
        phase = self._update.phase
        if phase is Phase.SWITCHING:
            await self._world.slots.go_back("the launcher never started it")
        await self._world.downloads.discard()
        await self._enter(
            self._update.after(
                Event.BROKE, message=f"given up: {MAX_RESUME_COUNT} starts without progress while {phase}"
            )
        )

    def _target(self) -> ReleaseTarget:
        if self._update.target is None:
            raise FailedPreconditionError(f"update: there is no release to be {self._update.phase} with")
        return self._update.target

    async def _enter(self, update: Update, *, is_said: bool = True) -> None:
        """Goes to the next phase: durable first, then said, then acted on."""
        log = logger.warning if update.phase in {Phase.FAILED, Phase.ROLLED_BACK} else logger.info
        log("update: %s%s", update.phase, f": {update.message}" if update.message else "")
        await self._save(update)
        if is_said:
            await self._say()

    async def _save(self, update: Update) -> None:
        await asyncio.to_thread(self._world.store.save, update)
        self._update = update

    async def _say(self) -> None:
        try:
            await self._world.report(self.status())
        except WaysideError as error:  # a report that fails must never undo an update
            logger.warning("update: its report was not accepted (%s); it is repeated at the next start", error)
