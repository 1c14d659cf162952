"""Walks the components of a release: stages, activates, proves, confirms them, or takes them back.

`core/components.py` decides; this file asks drivers. The plan is durable before each deed and after it, so that a crash
at any instant goes on where it was. A driver that fails is data: the plan turns round, and the update with it.
Usage: `if await steps.activate(): ...`, and False: the plan says why not.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from wayside.errors import UnavailableError, WaysideError
from wayside_agent.core.agreement import Refusal, RefusedError
from wayside_agent.core.components import (
    Act,
    Deed,
    Fitting,
    Goal,
    Part,
    Plan,
    Stage,
    gate_results,
    misfit,
    next_act,
    planned,
)
from wayside_agent.core.contents import Contents
from wayside_agent.core.gate import GateResult
from wayside_agent.ports.components import Activation, ComponentDriver, Payload
from wayside_agent.ports.errors import DeviceAbsentError, DeviceError, DeviceFaultError
from wayside_agent.services.component_versions import ComponentVersions
from wayside_agent.services.update_attempt import Attempt
from wayside_agent.services.update_world import World

logger = logging.getLogger(__name__)

TRIES, RETRY_S = 3, 10.0
"""Of one deed that the device does not do; what went wrong may pass."""
MAX_ROUNDS = 5
"""Times all that failed is tried again before another order of the manager may end it; and times that a device may
leave by itself what is to be confirmed."""

T = TypeVar("T")


class ComponentSteps:
    """The components of one unit."""

    def __init__(self, world: World, attempt: Attempt, versions: ComponentVersions) -> None:
        self._world = world
        self._attempt = attempt
        self._versions = versions

    def refusal(self, told: Contents) -> RefusedError | None:
        """Why this unit cannot take a release; `None`: it can."""
        if not told.components:  # the helper of an older installation does not say: the slot will
            return None
        fittings = {
            name: Fitting(driver.kind, driver.takes_effect is Activation.AT_BOOT)
            for name, driver in self._world.components.items()
        }
        sentence = misfit(told.components, fittings, can_restart=self._world.machine.can_restart)
        return RefusedError(Refusal.COMPONENT, sentence) if sentence else None

    @property
    def awaits_boot(self) -> bool:
        """Whether something runs only once the machine has started again."""
        plan = self._attempt.update.components
        return plan is not None and plan.awaits_boot(self._world.machine.boot_id)

    @property
    def is_begun(self) -> bool:
        """Whether activation has begun: what must hold was asked before it."""
        plan = self._attempt.update.components
        return plan is not None and plan.goal is Goal.ACTIVE

    @property
    def is_stuck(self) -> bool:
        """Whether something failed so often that nobody waits for it any more."""
        plan = self._attempt.update.components
        return plan is not None and plan.round_count >= MAX_ROUNDS

    async def stage(self, slot: str) -> bool:
        """Installs everything where it does not run. False: it is being taken back.

        Raises: WaysideError: before anything was begun.
        """
        if self._attempt.update.components is None:
            told = await self._world.slots.contents(slot)
            if refused := self.refusal(told):
                raise refused
            plan = planned(told.components)
            if not plan.parts:
                return True
            await self._attempt.save(replace(self._attempt.update, slot=slot, components=plan))
        if not self._plan.is_begun:
            await self._prepare(slot)
        return await self._walk(Goal.STAGED)

    async def activate(self) -> bool:
        """Makes everything run, on trial. False: it is being taken back."""
        return await self._walk(Goal.ACTIVE)

    async def gate(self) -> tuple[GateResult, ...]:
        """Whether what the release brings runs."""
        plan = self._attempt.update.components
        return () if plan is None else gate_results(plan, await self._versions.look())

    async def confirm(self) -> bool:
        """Ends the trials. False: something is still to be done, or all is being taken back.

        Raises: DeviceError: the machine has to start again and does not.
        """
        if not await self._walk(Goal.CONFIRMED):
            return not self._attempt.update.is_taken_back and await self._round()
        return True

    async def take_back(self, failure: str, reason: str) -> bool:
        """Makes what ran before run again. False: something is still to be done.

        Raises: DeviceError: the machine has to start again and does not.
        """
        plan = self._attempt.update.components
        if plan is None:
            return True
        if plan != (given_up := plan.given_up(failure, reason)):
            await self._keep(given_up)
        if self._plan.goal is not Goal.REVERTED:  # one is confirmed already
            return True
        is_back = await self.revert()
        if self.awaits_boot:
            await self.restart()
        return is_back or await self._round()

    async def revert(self) -> bool:
        """Asks each once to go back, newest first; True: all of them did."""
        return await self._walk(Goal.REVERTED)

    async def restart(self) -> None:
        """Starts the machine again.

        Raises: DeviceError: it stays up; the report says so.
        """
        try:
            await self._world.machine.restart()
        except DeviceError as error:
            if str(error) not in self._attempt.update.message:
                await self._attempt.tell("; ".join(filter(None, (self._plan.failure, str(error)))))
            raise

    async def _prepare(self, slot: str) -> None:
        """Finds out what is there already, and whether the rest can be installed, before anything is written."""
        plan = self._plan
        for part in plan.parts:
            driver = self._driver(part)
            if part.name in self._attempt.update.left:
                await self._tried(driver.revert)
            if await self._tried(driver.version) == part.version:
                logger.info("component %s: has %s already", part.name, part.version)
                plan = plan.present(part.name)
        for part in plan.parts:
            if part.stage is Stage.WAITING:
                await self._driver(part).precheck(self._payload(part, slot))
        names = {part.name for part in plan.parts}
        left = tuple(name for name in self._attempt.update.left if name not in names)
        await self._attempt.save(replace(self._attempt.update, components=plan.begun(), left=left))

    async def _walk(self, goal: Goal) -> bool:
        """Does what is to be done for a goal; True: everything is there."""
        if self._attempt.update.components is None:
            return True
        if self._plan.goal is not goal and not self._attempt.update.is_taken_back:
            await self._keep(self._plan.towards(goal))
        while self._plan.goal is goal and (act := next_act(self._plan)) is not None:
            if act.deed is Deed.CONFIRM and self.awaits_boot:
                await self.restart()
            await self._do(act)
        return self._plan.goal is goal and self._plan.is_done

    async def _do(self, act: Act) -> None:
        part = next(each for each in self._plan.parts if each.name == act.name)
        failure = boot_id = ""
        try:
            driver = self._driver(part)
            if act.deed is Deed.CONFIRM and await self._is_lost(part, driver):
                logger.warning("component %s: its device went back by itself; it is installed again", part.name)
                await self._keep(self._plan.lost(part.name))
                return
            if await self._deed(act.deed, part, driver) is Activation.AT_BOOT:
                boot_id = self._world.machine.boot_id
        except WaysideError as error:
            failure = str(error)
        is_known = failure and act.deed is Deed.REVERT and self._plan.round_count
        (logger.debug if is_known else logger.warning if failure else logger.info)(
            "component %s: %s%s", part.name, act.deed.lower(), f" failed: {failure}" if failure else ""
        )
        await self._keep(self._plan.after(act, failure=failure, boot_id=boot_id))

    async def _deed(self, deed: Deed, part: Part, driver: ComponentDriver) -> Activation | None:
        if deed is Deed.INSTALL:
            payload = self._payload(part, self._attempt.update.slot)
            await self._tried(lambda: driver.install(payload, _quietly))
        elif deed is Deed.ACTIVATE:
            return await self._tried(driver.activate)
        elif deed is Deed.CONFIRM:
            await self._tried(driver.confirm)
        else:
            return await driver.revert()  # once: all that failed is tried again later
        return None

    async def _is_lost(self, part: Part, driver: ComponentDriver) -> bool:
        """Whether a device has left what is to be confirmed.

        Raises: DeviceFaultError: it does so every time. DeviceError.
        """
        version = await self._tried(driver.version)
        if version != part.version and self._plan.round_count >= MAX_ROUNDS:
            raise DeviceFaultError(f"goes back to {version or 'nothing known'} by itself every time; look into its log")
        return version != part.version

    async def _round(self) -> bool:
        """Waits, so that what failed is tried again; True: often enough, and the manager wants something else."""
        plan = self._plan
        if self.is_stuck and self._attempt.wants_other:
            left = tuple(part.name for part in plan.parts if part.failure)
            await self._attempt.save(replace(self._attempt.update, left=left))
            return True
        await self._attempt.tell(f"{plan.sentence}; tried again")
        await self._world.pause(RETRY_S * 2.0 ** min(plan.round_count, MAX_ROUNDS))
        await self._keep(plan.again())
        return False

    async def _tried(self, deed: Callable[[], Awaitable[T]]) -> T:
        """What a deed gives, tried again when the device was in the way."""
        for left in reversed(range(TRIES)):
            try:
                return await deed()
            except (DeviceError, UnavailableError):
                if not left:
                    raise
            await self._world.pause(RETRY_S)
        raise AssertionError  # never reached

    def _driver(self, part: Part) -> ComponentDriver:
        driver = self._world.components.get(part.name)
        if driver is None:
            raise DeviceAbsentError("this unit's settings no longer name it; add it to [[components]]")
        return driver

    def _payload(self, part: Part, slot: str) -> Payload:
        return Payload(self._world.slots.payload(slot, part.file), part.version)

    @property
    def _plan(self) -> Plan:
        return self._attempt.update.components or Plan(())

    async def _keep(self, plan: Plan) -> None:
        """Makes a step of the plan durable; it is progress, so starts of the process are counted anew."""
        await self._attempt.save(replace(self._attempt.update, components=plan, resume_count=0))


def _quietly(_share: float) -> None:
    """Nobody is told how far a driver is: the phase says what is done."""
