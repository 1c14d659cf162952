"""Runs configurations on trial: durable first, then switched to, then reported, then proven or taken back.

`core/config_trial.py` decides; this file saves, switches and says. A trial under way is looked at twice a second. It
needs neither the manager nor room on the disk to be taken back in time: what cannot be saved is only never committed.
Usage: `await trial.start()` once, then what `next_step` says; `await trial.settle()` before each step.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from wayside.errors import InvalidArgumentError, WaysideError
from wayside.node_config import decoded
from wayside_agent.core import config_trial as rules
from wayside_agent.core.config_state import SAVE_PERIOD_S, Config, ConfigState, Decision, Target
from wayside_agent.core.config_trial import Event
from wayside_agent.core.gate import Gate, Vitals
from wayside_agent.services.config_recovery import changed_by_hand, recovered
from wayside_agent.services.config_words import left_out_report, state_report
from wayside_agent.services.config_world import LOOK_PERIOD_S, World

logger = logging.getLogger(__name__)

REPORT_TIMEOUT_S = 10.0
"""For a disk that hangs: the trial must end in time without it."""


class ConfigTrial:
    """The configuration of one unit: what is proven, what runs, and what is on trial."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._gate = Gate(Vitals(), 0.0)
        self._way_back: Callable[[], None] = _nothing
        self._provisional: Callable[[], None] = _nothing
        self._committed = Config()
        self._saved_at_s = 0.0
        self._evidence = 0  # sequence of the first report since the switch: the manager was reached with it
        self._is_saved = True
        self._is_beginning = False
        self._fault = ""
        self._left_out: tuple[str, ...] = ()
        self._withdrawals = rules.Withdrawals()
        self.state = ConfigState()
        self.running = Config()
        """What runs; its content differs from what is proven where that cannot run as it is."""

    @property
    def is_on_trial(self) -> bool:
        """Whether a configuration is on trial, or about to be."""
        return self._is_beginning or self.state.trial is not None

    @property
    def is_whole(self) -> bool:
        """Whether what is proven runs as it is, or would after going back."""
        return not self._left_out

    async def start(self) -> None:
        """Runs what is stored: what is proven, or what is on trial if its time and its starts are not used up."""
        try:
            self.state = self._world.store.load() or ConfigState()
        except WaysideError as error:
            self._left_out = (str(error),)
        found = await recovered(self.state.committed, self._world.prepare)
        self._left_out += found.left_out
        self._way_back, self._committed = found.switch, found.running
        if self.state.trial is None:
            self._run_committed()
        else:
            await self._resume()
        if self._left_out:
            logger.error("configuration %d: %s", self.state.committed.revision, "; ".join(self._left_out))
            await self._world.report(left_out_report(self.state, self._committed, self._left_out, self.running))

    async def _resume(self) -> None:
        """Counts this start, durably, then goes on with the trial, or takes it back."""
        self.state, end = rules.started(self.state, self._world.now())
        try:
            await self._save(self.state)  # without a durable count a bad configuration would start for ever
            if end is None and self.state.trial is not None:
                config = self.state.trial.config
                if changed := changed_by_hand(config):
                    raise InvalidArgumentError("; ".join(changed))
                self._try(config, await self._world.prepare(decoded(config.content)))
        except WaysideError as error:
            end = end or (Event.BROKE, f"the agent cannot start with it: {error}")
        if end is not None:
            await self._go_back(*end)

    async def settle(self) -> bool:
        """Makes durable and says what could not be before; whether there is nothing left to say.

        Raises: ResourceExhaustedError, DeviceFaultError: the disk takes nothing.
        """
        if not self._is_saved:
            await self._save(self.state)
        if self.state.is_said:
            return True
        try:
            async with asyncio.timeout(REPORT_TIMEOUT_S):
                sequence = await self._world.report(state_report(self.state, self.running))
        except TimeoutError:
            return False
        if not sequence:
            return False
        self._evidence = self._evidence or sequence
        self.state = replace(self.state, is_said=True)
        if self.state.trial is None:
            self._is_saved = False  # if it cannot be, it is tried again without saying it twice
            await self._save(self.state)
        return True

    async def begin(self, target: Target, content: bytes, switch: Callable[[], None]) -> None:
        """Puts a prepared configuration on trial.

        Raises: ResourceExhaustedError, DeviceFaultError: it could not be made durable; nothing has changed.
        """
        self._is_beginning = True  # before anything is awaited: a release must not begin its own meanwhile
        try:
            now, vitals = self._world.now(), self._world.vitals()
            state = rules.tried(self.state, target, content, before=vitals, now=now)
            await self._save(state)
            self.state = state
        finally:
            self._is_beginning = False
        logger.info("configuration %d runs on trial for %.0f s", target.revision, target.timeout_s)
        self._try(Config(target.revision, content, target.sha256, target.trial), switch)

    def _try(self, config: Config, switch: Callable[[], None]) -> None:
        if self.state.trial is not None:
            self._gate = Gate(self.state.trial.before, self.state.trial.timeout_s)
        self._evidence = 0
        self._provisional = switch
        switch()
        self.running = config

    async def look(self, target: Target | None) -> None:
        """Looks once at the trial under way, and ends it if it is proven, decided on or out of time.

        Raises: ResourceExhaustedError, DeviceFaultError: it is proven, but cannot be made durable.
        """
        if target is not None:
            await self._hear(target)
        now = self._world.now()
        trial = self.state.trial
        if trial is None:
            return
        trial = trial.at(now)
        self.state = replace(self.state, trial=trial)
        vitals = self._world.vitals()
        is_reached = bool(self._evidence) and self._world.is_acknowledged(self._evidence)
        vitals = replace(vitals, manager_reached=vitals.manager_reached and is_reached)
        self._gate, verdict = replace(self._gate, timeout_s=trial.timeout_s).seen(vitals, trial.spent_s)
        end = rules.judged(trial, verdict, is_reached=vitals.manager_reached)
        if end is None:
            # one look and the writing itself happen before the next save
            if now.since_boot_s - self._saved_at_s >= SAVE_PERIOD_S - 2 * LOOK_PERIOD_S:
                await self._save_if_possible(self.state)
        elif end[0] in {Event.PASSED, Event.CONFIRMED}:
            await self._commit_in_time(end[0], trial.remaining_s)
        else:
            await self._go_back(*end)

    async def _hear(self, target: Target) -> None:
        state = rules.told(self.state, target)
        if state == self.state or await self._save_if_possible(state) or target.decision is Decision.CANCEL:
            self.state = state

    async def _commit_in_time(self, event: Event, remaining_s: float) -> None:
        try:
            await self._commit(event)
        except WaysideError as error:
            if remaining_s:
                raise
            await self._go_back(Event.TIMED_OUT, f"it is proven, but cannot be made durable: {error}")

    async def _commit(self, event: Event) -> None:
        state = rules.proven(self.state, event)
        await self._save(state)
        self.state = state
        self._way_back, self._committed, self._left_out = self._provisional, self.running, ()
        logger.info("configuration %d is committed", self.running.revision)

    async def _go_back(self, event: Event, message: str) -> None:
        """Switches back first, whatever the disk says: the old one is safe at any time."""
        state = rules.went_back(self.state, event, message)
        self._run_committed()
        logger.warning("configuration %d is taken back: %s", state.refused[0].key[0], message)
        await self._settle_on(state)

    async def supersede(self, target: Target) -> None:
        """Takes back what is on trial, because the manager wants another one."""
        if await self._ended_as_withdrawn_too_often():
            return
        self._run_committed()
        await self._settle_on(rules.superseded(self.state, target))

    async def _ended_as_withdrawn_too_often(self) -> bool:
        if message := self._withdrawals.one_more(rules.subject(self.state)):
            await self._go_back(Event.BROKE, message)
        return bool(message)

    async def take_over(self, target: Target) -> None:
        """Takes over revision and trial of a configuration whose content is proven; it ends any trial of another."""
        if self.state.trial is not None:
            if await self._ended_as_withdrawn_too_often():
                return
            self._run_committed()
        await self._settle_on(rules.taken_over(self.state, target))
        self._committed = self.running = self.state.committed

    async def recall(self, target: Target) -> None:
        """Says once more what became of an attempt that is not made again."""
        await self._settle_on(rules.recalled(self.state, target))

    async def refuse(self, target: Target, message: str, *, event: Event = Event.REFUSED) -> None:
        """Remembers that a configuration will not run in this trial, and why."""
        logger.warning("configuration %d refused: %s", target.revision, message)
        await self._settle_on(rules.refused(self.state, target, message, event=event))

    def _run_committed(self) -> None:
        self._way_back()
        self.running = self._committed

    async def _settle_on(self, state: ConfigState) -> None:
        """Goes on with a state; where the disk takes nothing, `settle` makes it durable later."""
        self.state, self._is_saved = state, False
        await self._save_if_possible(state)

    async def _save(self, state: ConfigState) -> None:
        await self._world.store.save(state)
        self._saved_at_s = self._world.now().since_boot_s
        self._is_saved, self._fault = True, ""

    async def _save_if_possible(self, state: ConfigState) -> bool:
        try:
            await self._save(state)
        except WaysideError as error:
            if not self._fault:
                logger.error("configuration: its state cannot be saved (%s); tried again", error)
            self._fault = str(error)
            return False
        return True


def _nothing() -> None:
    """Switches to what runs already."""
