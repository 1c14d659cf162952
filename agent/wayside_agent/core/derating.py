"""What to do without when it is too hot or the supply is gone: a pure machine that sheds one load at a time.

    machine = Machine(plan)
    machine = machine.after(Present(cabinet_celsius=71.0), mono_s=10.0)
    machine.shed                # ("telemetry",) once a rule has held for its time

A rule *calls* when all it says has been so for its `hold_s`, and until it has not been so for as long; temperatures
and charges must be inside their limits by a margin to be not so. What cannot be read changes nothing: a rule that calls
goes on calling, one that does not stays still. As long as fewer loads are shed than the calling rules want, the next
one of the order goes, `settle_s` after the one before; when more are, the last one comes back, in the same time.

Loads are those a unit can do without. Broadcast, safety messages and recording are none: nothing here can stop them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

BATTERY_MARGIN = 0.05
"""By how much the charge must be above its limit again."""


@dataclass(frozen=True, slots=True)
class Present:
    """What is measured. `None`: cannot be read."""

    cabinet_celsius: float | None = None
    processor_celsius: float | None = None
    on_battery: bool | None = None
    battery_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """When to shed; what is given must all be so."""

    above_celsius: float | None = None
    below_celsius: float | None = None
    of_processor: bool = False
    """Else the cabinet's temperature counts."""
    margin_celsius: float = 5.0
    on_battery: bool = False
    battery_below: float = 0.0
    """0: whatever the charge."""
    hold_s: float = 30.0
    load_count: int = 0
    """At most so many loads; 0: all."""

    def is_so(self, present: Present, *, calls: bool) -> bool | None:
        """Whether its condition holds; with its margins if it calls. `None`: cannot be told."""
        celsius = present.processor_celsius if self.of_processor else present.cabinet_celsius
        margin = self.margin_celsius if calls else 0.0
        parts: list[bool | None] = []
        if self.above_celsius is not None:
            parts.append(None if celsius is None else celsius > self.above_celsius - margin)
        if self.below_celsius is not None:
            parts.append(None if celsius is None else celsius < self.below_celsius + margin)
        if self.on_battery:
            parts.append(present.on_battery)
        if self.battery_below:
            below, charge = self.battery_below + (BATTERY_MARGIN if calls else 0.0), present.battery_ratio
            parts.append(None if charge is None else charge < below)
        if not parts or False in parts:
            return False
        return None if None in parts else True


@dataclass(frozen=True, slots=True)
class Plan:
    """What is declared."""

    order: tuple[str, ...] = ()
    rules: Mapping[str, Rule] = field(default_factory=dict)
    settle_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Call:
    """One rule, as it stands."""

    calls: bool = False
    turning_mono_s: float | None = None
    """Since then its condition says otherwise; `None`: it does not."""

    def after(self, is_so: bool | None, mono_s: float, hold_s: float) -> "Call":
        """The same after one more look."""
        if is_so is None or is_so is self.calls:
            return replace(self, turning_mono_s=None)
        since_s = mono_s if self.turning_mono_s is None else self.turning_mono_s
        return Call(is_so) if mono_s - since_s >= hold_s else replace(self, turning_mono_s=since_s)


@dataclass(frozen=True, slots=True)
class Machine:
    """The loads of one unit."""

    plan: Plan = Plan()
    shed: tuple[str, ...] = ()
    """In the order they were shed."""
    calls: Mapping[str, Call] = field(default_factory=dict)
    moved_mono_s: float | None = None
    """When a load was shed or came back last."""

    @property
    def causes(self) -> tuple[str, ...]:
        """Names of the rules that call."""
        return tuple(sorted(name for name, call in self.calls.items() if call.calls))

    def under(self, plan: Plan) -> "Machine":
        """The same under another plan. What it does not name comes back at once; a rule that is as it was goes on."""
        if plan == self.plan:
            return self
        kept = {name: call for name, call in self.calls.items() if plan.rules.get(name) == self.plan.rules[name]}
        return Machine(plan, tuple(load for load in plan.order if load in self.shed), kept, self.moved_mono_s)

    def after(self, present: Present, mono_s: float) -> "Machine":
        """The machine after one look; at most one load is shed or comes back."""
        calls = {name: self._call(name, rule, present, mono_s) for name, rule in self.plan.rules.items()}
        looked = replace(self, calls=calls)
        wanted = max((self._count(rule) for name, rule in self.plan.rules.items() if calls[name].calls), default=0)
        if wanted == len(self.shed) or not self._is_settled(mono_s):
            return looked
        if wanted < len(self.shed):
            return replace(looked, shed=self.shed[:-1], moved_mono_s=mono_s)
        following = next(load for load in self.plan.order if load not in self.shed)
        return replace(looked, shed=(*self.shed, following), moved_mono_s=mono_s)

    def _call(self, name: str, rule: Rule, present: Present, mono_s: float) -> Call:
        before = self.calls.get(name, Call())
        return before.after(rule.is_so(present, calls=before.calls), mono_s, rule.hold_s)

    def _count(self, rule: Rule) -> int:
        return min(rule.load_count or len(self.plan.order), len(self.plan.order))

    def _is_settled(self, mono_s: float) -> bool:
        return self.moved_mono_s is None or mono_s - self.moved_mono_s >= self.plan.settle_s
