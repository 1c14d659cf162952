"""The order in which the components of a release are replaced, and what is left of it after whatever happened.

    plan = planned(manifest.components)                  # dependencies first; the agent's own slot is not in it
    while (act := next_act(plan)) is not None:           # Act("radio", Deed.INSTALL), ...
        plan = plan.after(act, failure="")               # or failure="the radio is silent; ..."
    plan = plan.towards(Goal.ACTIVE)                     # once all are staged, and the unit may be interrupted

All are staged before the first is activated. One that fails takes back those before it, newest first. Once one is
confirmed there is no way back: what fails then stays as it is, is said, and is tried again when the plan is taken up.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from wayside.errors import FailedPreconditionError
from wayside.release_manifest import Component, in_order

SLOT_DRIVER = "slot"


class Stage(StrEnum):
    """Where a component stands."""

    WAITING = "WAITING"
    STAGED = "STAGED"
    ACTIVE = "ACTIVE"  # on trial
    CONFIRMED = "CONFIRMED"
    REVERTED = "REVERTED"  # or never begun


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
TOWARDS: dict[Goal, tuple[Deed, Stage]] = {
    _G.STAGED: (_D.INSTALL, _S.WAITING),
    _G.ACTIVE: (_D.ACTIVATE, _S.STAGED),
    _G.CONFIRMED: (_D.CONFIRM, _S.ACTIVE),
}
"""What is done for a goal, and to those that stand where."""
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

    @property
    def is_done(self) -> bool:
        """Whether every component is where it shall be."""
        return next_act(self) is None and not self.failures

    @property
    def failures(self) -> tuple[str, ...]:
        """What could not be done although there was no other way."""
        return tuple(f"component {part.name}: {part.failure}" for part in self.parts if part.failure)

    def towards(self, goal: Goal, *, failure: str = "") -> "Plan":
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
        return _taken_back(self, failure) if goal is Goal.REVERTED else replace(self, goal=goal)

    def again(self) -> "Plan":
        """The same, with what failed to be tried once more."""
        return replace(self, parts=tuple(replace(part, failure="") for part in self.parts))

    def after(self, act: Act, *, failure: str = "") -> "Plan":
        """The plan after a deed; `failure` says why it failed.

        Raises: FailedPreconditionError: the deed cannot happen now.
        """
        part = next((each for each in self.parts if each.name == act.name), None)
        following = NEXT.get((part.stage, act.deed)) if part else None
        if part is None or following is None:
            raise FailedPreconditionError(f"component {act.name}: {act.deed} cannot happen now", reason="TRANSITION")
        if not failure:
            return self._with(replace(part, stage=following, failure=""))
        is_way_back = any(each.stage is Stage.CONFIRMED for each in self.parts) or self.goal is Goal.REVERTED
        if is_way_back:
            return self._with(replace(part, failure=failure))
        return _taken_back(self, f"component {part.name}: {failure}")

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
    deed, stage = TOWARDS[plan.goal]
    waiting = next((part for part in plan.parts if part.stage is stage and not part.failure), None)
    return Act(waiting.name, deed) if waiting else None


def _taken_back(plan: Plan, failure: str) -> Plan:
    """The plan on its way back. Drivers work one after the other, so of those that wait only the first was begun."""
    waiting = [part.name for part in plan.parts if part.stage is Stage.WAITING]
    untouched = waiting[1:]
    parts = tuple(replace(part, stage=Stage.REVERTED) if part.name in untouched else part for part in plan.parts)
    return replace(plan, parts=parts, goal=Goal.REVERTED, failure=failure)


def _can_revert(part: Part) -> bool:
    return (part.stage, Deed.REVERT) in NEXT and not part.failure
