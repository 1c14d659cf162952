"""The order in which the components of a release are replaced, and what is left of it after whatever happened.

    plan = planned(manifest.components)                  # dependencies first; the agent's own slot is not in it
    while (act := next_act(plan)) is not None:           # Act("radio", Deed.INSTALL), ...
        plan = plan.after(act, failure="")               # or failure="the radio is silent; ..."
    plan = plan.towards(Goal.ACTIVE)                     # once all are staged, and the unit may be interrupted

All are staged before the first is activated. One that fails takes back those before it, newest first. Once one is
confirmed there is no way back: what fails then stays as it is, is said, and is tried again when the plan is taken up;
one that its device has left again by itself is installed once more. One that runs already is not touched.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from wayside.errors import FailedPreconditionError
from wayside.release_manifest import Component, in_order
from wayside_agent.core.gate import GateResult

SLOT_DRIVER = "slot"
REASON = "COMPONENT"
"""Why an update failed, for programs: a part of it could not be installed, activated or confirmed."""


class Stage(StrEnum):
    """Where a component stands."""

    WAITING = "WAITING"
    STAGED = "STAGED"
    ACTIVE = "ACTIVE"  # on trial
    CONFIRMED = "CONFIRMED"
    REVERTED = "REVERTED"  # or never begun
    PRESENT = "PRESENT"  # it ran before; nothing is done to it


class Deed(StrEnum):
    """What a driver does to a component; names of the methods of `ports.components`."""

    INSTALL = "INSTALL"
    ACTIVATE = "ACTIVATE"
    CONFIRM = "CONFIRM"
    REVERT = "REVERT"


class Goal(StrEnum):
    """Where all of them shall get."""

    STAGED = "STAGED"
    ACTIVE = "ACTIVE"
    CONFIRMED = "CONFIRMED"
    REVERTED = "REVERTED"


_S, _D, _G = Stage, Deed, Goal
NEXT: dict[tuple[Stage, Deed], Stage] = {
    (_S.WAITING,  _D.INSTALL):  _S.STAGED,
    (_S.STAGED,   _D.ACTIVATE): _S.ACTIVE,
    (_S.ACTIVE,   _D.CONFIRM):  _S.CONFIRMED,
    (_S.WAITING,  _D.REVERT):   _S.REVERTED,  # it may have been half written
    (_S.STAGED,   _D.REVERT):   _S.REVERTED,  # it may have been activated, and the power cut before it was noted
    (_S.ACTIVE,   _D.REVERT):   _S.REVERTED,
}  # fmt: skip
TOWARDS: dict[Goal, dict[Stage, Deed]] = {
    _G.STAGED: {_S.WAITING: _D.INSTALL},
    _G.ACTIVE: {_S.STAGED: _D.ACTIVATE},
    _G.CONFIRMED: {_S.WAITING: _D.INSTALL, _S.STAGED: _D.ACTIVATE, _S.ACTIVE: _D.CONFIRM},
}
"""What is done for a goal, to those that stand where."""
FOLLOWING: dict[Goal, frozenset[Goal]] = {
    _G.STAGED: frozenset({_G.ACTIVE, _G.REVERTED}),
    _G.ACTIVE: frozenset({_G.CONFIRMED, _G.REVERTED}),
    _G.CONFIRMED: frozenset(),
    _G.REVERTED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Part:
    """One component on its way."""

    name: str
    kind: str
    """Driver that the release names."""
    version: str
    file: str
    """`payload/...`, in the slot of the release."""
    stage: Stage = Stage.WAITING
    failure: str = ""
    """Why its newest deed failed; empty: it did not."""
    boot_id: str = ""
    """Start of the machine in which a deed was done that takes effect at the next one; empty: there is none."""


@dataclass(frozen=True, slots=True)
class Fitting:
    """How one component is built into a unit."""

    kind: str
    """Driver that a release must name."""
    is_at_boot: bool = False
    """What is activated runs once the machine was started again."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a component says of itself now."""

    name: str
    version: str = ""
    """That runs; empty: none, or nobody knows."""
    fault: str = ""
    """Why nobody knows, in one sentence."""


@dataclass(frozen=True, slots=True)
class Act:
    """What to do next."""

    name: str
    deed: Deed


@dataclass(frozen=True, slots=True)
class Plan:
    """The components of one release, in their order, as it is persisted."""

    parts: tuple[Part, ...]
    goal: Goal = Goal.STAGED
    failure: str = ""
    """Why it is taken back."""
    reason: str = ""
    """The same, for programs."""
    round_count: int = 0
    """Times that what failed, or was left by its device, was tried once more."""
    is_begun: bool = False
    """A driver may have written something."""

    @property
    def is_done(self) -> bool:
        """Whether every component is where it shall be."""
        return next_act(self) is None and not self.failures

    @property
    def sentence(self) -> str:
        """Why it is taken back, and what could not be."""
        return "; ".join((self.failure, *self.failures) if self.failure else self.failures)

    @property
    def failures(self) -> tuple[str, ...]:
        """What could not be done although there was no other way."""
        return tuple(f"component {part.name}: {part.failure}" for part in self.parts if part.failure)

    def awaits_boot(self, boot_id: str) -> bool:
        """Whether the machine must be started again; `boot_id` names its present start."""
        return any(part.boot_id == boot_id for part in self.parts if part.boot_id)

    def towards(self, goal: Goal, *, failure: str = "", reason: str = "") -> "Plan":
        """The same components on their way to another goal.

        Raises: FailedPreconditionError: they are not where they must be first, or there is no way back.
        """
        if goal is self.goal:
            return self
        is_early = goal is not Goal.REVERTED and not self.is_done
        if is_early or goal not in FOLLOWING[self.goal]:
            raise FailedPreconditionError(
                f"components: cannot get from {self.goal} to {goal} now; take them back, or wait", reason="TRANSITION"
            )
        return _taken_back(self, failure, reason) if goal is Goal.REVERTED else replace(self, goal=goal)

    def given_up(self, failure: str, reason: str) -> "Plan":
        """The same on the way back, if there is one: nothing of it is confirmed yet."""
        has_way_back = self.goal is not Goal.REVERTED and not self._has_confirmed
        return _taken_back(self, failure, reason) if has_way_back else self

    def again(self) -> "Plan":
        """The same, with what failed to be tried once more."""
        parts = tuple(replace(part, failure="") for part in self.parts)
        return replace(self, parts=parts, round_count=self.round_count + 1)

    def present(self, name: str) -> "Plan":
        """The same, with a component that waits and runs already."""
        return self._moved(name, Stage.WAITING, Stage.PRESENT)

    def lost(self, name: str) -> "Plan":
        """The same, with a component on trial that its device has left again by itself, to be installed once more."""
        return replace(self._moved(name, Stage.ACTIVE, Stage.WAITING), round_count=self.round_count + 1)

    def begun(self) -> "Plan":
        """The same, from where on drivers write."""
        return replace(self, is_begun=True)

    def after(self, act: Act, *, failure: str = "", boot_id: str = "") -> "Plan":
        """The plan after a deed.

        Args:
            act: What was done.
            failure: Why it failed; empty: it did not.
            boot_id: Present start of the machine, if the deed takes effect at the next one.

        Raises: FailedPreconditionError: the deed cannot happen now.
        """
        part = next((each for each in self.parts if each.name == act.name), None)
        following = NEXT.get((part.stage, act.deed)) if part else None
        if part is None or following is None:
            raise FailedPreconditionError(f"component {act.name}: {act.deed} cannot happen now", reason="TRANSITION")
        if not failure:
            return self._with(replace(part, stage=following, failure="", boot_id=boot_id))
        if self._has_confirmed or self.goal is Goal.REVERTED:
            return self._with(replace(part, failure=failure))
        return _taken_back(self.begun(), f"component {part.name}: {failure}", REASON)

    @property
    def _has_confirmed(self) -> bool:
        return any(each.stage is Stage.CONFIRMED for each in self.parts)

    def _moved(self, name: str, before: Stage, after: Stage) -> "Plan":
        found = next((each for each in self.parts if each.name == name and each.stage is before), None)
        return self if found is None else self._with(replace(found, stage=after))

    def _with(self, part: Part) -> "Plan":
        return replace(self, parts=tuple(part if each.name == part.name else each for each in self.parts))


def planned(components: tuple[Component, ...]) -> Plan:
    """A plan for everything that is not the agent's own slot.

    Raises: InvalidArgumentError: as `in_order`.
    """
    others = (each for each in in_order(components) if each.driver != SLOT_DRIVER)
    return Plan(tuple(Part(each.name, each.driver, each.version, each.file) for each in others))


def next_act(plan: Plan) -> Act | None:
    """What to do next; `None`: nothing more for this goal, or what is left failed."""
    if plan.goal is Goal.REVERTED:
        part = next((each for each in reversed(plan.parts) if _can_revert(each)), None)
        return Act(part.name, Deed.REVERT) if part else None
    deeds = TOWARDS[plan.goal]
    part = next((each for each in plan.parts if each.stage in deeds and not each.failure), None)
    return Act(part.name, deeds[part.stage]) if part else None


def misfit(components: tuple[Component, ...], fittings: Mapping[str, Fitting], *, can_restart: bool) -> str:
    """Why a unit with these parts cannot take a release, in one sentence; empty: it can.

    Args:
        components: Of the release.
        fittings: Parts of the unit by name.
        can_restart: The machine can be told to start again.
    """
    if all(each.driver != SLOT_DRIVER for each in components):
        return "it does not bring the agent, whose release names what a unit runs; build it with the agent"
    others = (each for each in components if each.driver != SLOT_DRIVER)
    sentences = (_misfit(each, fittings.get(each.name), can_restart=can_restart) for each in others)
    return next((each for each in sentences if each), "")


def gate_results(plan: Plan, found: Mapping[str, Found]) -> tuple[GateResult, ...]:
    """One question of the gate for each component: does what the release brings run?"""
    return tuple(_gate_result(part, found.get(part.name, Found(part.name))) for part in plan.parts)


def _gate_result(part: Part, found: Found) -> GateResult:
    is_there = not found.fault and found.version == part.version
    runs = found.fault or f"{found.version or 'nothing known'} runs, the release brings {part.version}"
    message = "" if is_there else f"component {part.name}: {runs}"
    return GateResult(f"component.{part.name}", is_there, 1.0, float(is_there), message=message)


def _misfit(component: Component, fitting: Fitting | None, *, can_restart: bool) -> str:
    name = f"component {component.name}"
    if fitting is None:
        return f"{name}: this unit has none of that name; name it in [[components]] of its settings"
    if fitting.kind != component.driver:
        return (
            f"{name}: the release brings it for {component.driver!r}, this unit's driver takes {fitting.kind!r}; "
            "correct its [[components]], or build the release for it"
        )
    if fitting.is_at_boot and not can_restart:
        return f"{name}: it runs only once the machine starts again; set update.reboot_command in the unit's settings"
    return "" if component.file else f"{name}: the release names no file for it; build it again"


def _taken_back(plan: Plan, failure: str, reason: str) -> Plan:
    """The plan on its way back. Drivers work one after the other, so of those that wait only the first was begun."""
    waiting = [part.name for part in plan.parts if part.stage is Stage.WAITING]
    untouched = waiting[1:] if plan.is_begun else waiting
    parts = tuple(replace(part, stage=Stage.REVERTED) if part.name in untouched else part for part in plan.parts)
    return replace(plan, parts=parts, goal=Goal.REVERTED, failure=failure, reason=reason, round_count=0)


def _can_revert(part: Part) -> bool:
    return (part.stage, Deed.REVERT) in NEXT and not part.failure
