"""The second half of an update: the switch, the trial of what was switched to, and the way back.

The slot of the agent is switched last and proven with everything else new; it is what commits all of it, or is left.
Usage: `await TrialSteps(world, attempt, staging, components).switch()`; each method takes one step.
"""

import logging
from dataclasses import replace

from wayside.errors import FailedPreconditionError
from wayside_agent.core.gate import Outcome
from wayside_agent.core.update import Event, Phase
from wayside_agent.ports.errors import DeviceError, RestartRequestedError
from wayside_agent.services.component_steps import ComponentSteps
from wayside_agent.services.staging import Staging
from wayside_agent.services.update_attempt import Attempt
from wayside_agent.services.update_faults import pause_s
from wayside_agent.services.update_world import LOOK_PERIOD_S, World

logger = logging.getLogger(__name__)


class TrialSteps:
    """From an installed release to one that is committed, or gone again."""

    def __init__(self, world: World, attempt: Attempt, staging: Staging, components: ComponentSteps) -> None:
        self._world = world
        self._attempt = attempt
        self._staging = staging
        self._components = components

    async def switch(self) -> None:
        """Activates the components, chooses the slot and ends, to be started from it.

        Raises: RestartRequestedError.
        """
        attempt = self._attempt
        is_decided = attempt.running.chosen_slot == attempt.update.slot or self._components.is_begun
        if not is_decided and await self._staging.look(attempt.update):  # it may have taken long to write it
            await attempt.enter(attempt.update.after(Event.HELD))
            return
        if self._world.is_config_on_trial():
            await self._world.pause(LOOK_PERIOD_S)
            return
        if not await self._components.activate():  # the next step takes it back
            return
        slot, timeout_s = attempt.update.slot, self._world.gate_timeout_s()
        try:
            await self._world.slots.choose(slot, gate_timeout_s=timeout_s)
        except FailedPreconditionError as error:  # the slot was emptied meanwhile
            await attempt.fail(error)
            return
        logger.info("slot %s is chosen for a trial of %.0f s", slot, timeout_s)
        try:
            await self._start_again(f"release {attempt.target.release} starts from slot {slot}")
        except DeviceError as error:
            await self._stays_up(error)

    async def start_trial(self) -> None:
        """The new release runs; the machine too must have started since, if a component needs that."""
        if self._components.awaits_boot:
            await self._components.restart()
        await self._attempt.enter(self._attempt.update.after(Event.STARTED))

    async def prove(self) -> None:
        """Lets the gate decide; what it passes is chosen for good, at this instant."""
        attempt = self._attempt
        verdict = await self._world.verdict(attempt.update.before, attempt.running.gate_timeout_s)
        components = await self._components.gate()
        reasons = () if verdict.outcome is Outcome.PASS else verdict.reasons
        reasons += tuple(each.message for each in components if not each.passed)
        seen = replace(attempt.update, gate=(*verdict.results, *components))
        if not reasons:
            await attempt.save(seen)
            await self._world.slots.commit()
            return
        attempt.update = seen
        await self._refuse("; ".join(reasons), "GATE")

    async def settle(self) -> None:
        """Confirms the components of a release that is chosen for good."""
        attempt = self._attempt
        if await self._components.confirm():
            plan = attempt.update.components
            message, reason = (plan.sentence, plan.reason) if plan and plan.failures else ("", "")
            await attempt.enter(attempt.update.after(Event.PASSED, message=message, reason=reason))
        elif attempt.update.is_taken_back and attempt.update.components is not None:
            plan = attempt.update.components
            await self._refuse(plan.failure, plan.reason)

    async def go_back(self) -> None:
        """Takes the components back, newest first, then leaves the slot, and ends.

        Raises: RestartRequestedError.
        """
        attempt = self._attempt
        reason = attempt.update.message or "nothing is known of this trial, so it cannot be proven"
        if attempt.update.phase is Phase.REVERTING:
            await self._components.revert()
        is_committed = not attempt.running.is_provisional  # a component could not be confirmed
        await self._world.slots.go_back(reason, to=attempt.update.slot_before if is_committed else None)
        await self._start_again(f"the release in slot {attempt.running.slot} is taken back: {reason}")

    async def note_return(self) -> None:
        """The release before runs again; all of the unit must be as before it is said."""
        attempt, update = self._attempt, self._attempt.update
        message = update.message or attempt.running.failure or "the release before runs again"
        if attempt.running.chosen_slot == update.slot:  # the launcher could not count it: it would start it once more
            await self._world.slots.go_back(message)
        if not await self._components.take_back(message, update.reason or "LAUNCHER"):
            return
        plan = attempt.update.components
        message = plan.sentence if plan and attempt.update.is_taken_back else message
        reason = plan.reason if plan and attempt.update.is_taken_back else update.reason or "LAUNCHER"
        await attempt.enter(attempt.update.after(Event.RETURNED, message=message, reason=reason))

    async def _stays_up(self, error: DeviceError) -> None:
        """The machine did not start again: it is told to a few times, then what was activated is taken back."""
        if pause_s(error, self._attempt.update.fault_count) is None:
            await self._world.slots.go_back(str(error))
        await self._attempt.fail(error)

    async def _refuse(self, message: str, reason: str) -> None:
        """What runs is no good: all of it goes back."""
        update = self._attempt.update
        plan = update.components.given_up(message, reason) if update.components else None
        await self._attempt.enter(replace(update.after(Event.REFUSED, message=message, reason=reason), components=plan))

    async def _start_again(self, why: str) -> None:
        """Ends this process, or the computer, if a component needs that.

        Raises: RestartRequestedError. DeviceError: the machine does not start again.
        """
        if self._components.awaits_boot:
            logger.info("the machine starts again: %s", why)
            await self._components.restart()
        raise RestartRequestedError(why)
