"""What a unit finds out about itself: checks, each with a state, a reason and since when it is so. Unknown is never ok.

A *finding* is what one look says; a *check* is a finding that remembers since when. Limits have hysteresis, so that a
value that trembles around one does not make its check tremble.

    limit = Limit(degraded_above=75.0, failed_above=85.0, margin=3.0)
    found = limited("environment.temperature", 76.0, limit, before=State.OK, unit="degree Celsius", what="the cabinet")
    checks = Checks().after((found,), utc_s=1_790_000_000.0)
    checks.worst is State.DEGRADED

Source: architecture ("health"), ADR 0019. Times are seconds since 1970, UTC.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

REASON_MAX_CHARS = 200
COUNT_MAX = 100
"""Checks of one unit; a report carries no more."""


class State(StrEnum):
    """How something is; names as in `wayside.v1.HealthState`."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"
    UNKNOWN = "unknown"


RANK = {State.OK: 0, State.UNKNOWN: 1, State.DEGRADED: 2, State.FAILED: 3}
"""How bad a state is; of several checks the worst counts."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look says of one thing."""

    name: str
    """Dotted, such as `can.body.state`; docs/health.md lists them."""
    state: State
    reason: str = ""
    """Why it is not ok, in one sentence; empty when ok."""
    value: float | None = None
    """What was measured; `None`: nothing that is a number."""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A finding, and since when its state is so."""

    finding: Finding
    since_s: float

    @property
    def state(self) -> State:
        """How it is."""
        return self.finding.state


@dataclass(frozen=True, slots=True)
class Checks:
    """All checks of a unit; changing one makes another `Checks`."""

    by_name: Mapping[str, Check] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Check]:
        """Each check in order of the names."""
        return iter([self.by_name[name] for name in sorted(self.by_name)])

    @property
    def worst(self) -> State:
        """The worst state; UNKNOWN when nothing is checked."""
        return max((check.state for check in self.by_name.values()), key=RANK.__getitem__, default=State.UNKNOWN)

    def state(self, name: str) -> State:
        """The state of a check; UNKNOWN when it was never looked at."""
        check = self.by_name.get(name)
        return State.UNKNOWN if check is None else check.state

    def after(self, findings: Iterable[Finding], utc_s: float) -> "Checks":
        """The checks after a look at everything; what it does not name is no check of this unit any more."""
        checks: dict[str, Check] = {}
        for found in findings:
            before = self.by_name.get(found.name)
            since_s = before.since_s if before is not None and before.state is found.state else utc_s
            if len(checks) < COUNT_MAX:
                checks[found.name] = Check(replace(found, reason=found.reason[:REASON_MAX_CHARS]), since_s)
        return Checks(checks)

    def changed(self, before: "Checks") -> frozenset[str]:
        """Names of checks whose state is another one than before, and of those that came or went."""
        names = self.by_name.keys() | before.by_name.keys()
        return frozenset(name for name in names if _state(self, name) is not _state(before, name))


@dataclass(frozen=True, slots=True)
class Limit:
    """Where a value becomes worse, and by how much it must be better again. `None`: no such limit."""

    degraded_above: float | None = None
    failed_above: float | None = None
    degraded_below: float | None = None
    failed_below: float | None = None
    margin: float = 0.0
    """At least 0, in the unit of the value: a state is left only when the value is this far inside its limit."""

    def state(self, value: float, before: State) -> State:
        """The state of a value, seen the state before."""
        held = self.margin if before is State.FAILED else 0.0
        if self._is_beyond(value, self.failed_above, self.failed_below, held):
            return State.FAILED
        held = self.margin if before in {State.DEGRADED, State.FAILED} else 0.0
        if self._is_beyond(value, self.degraded_above, self.degraded_below, held):
            return State.DEGRADED
        return State.OK

    def passed(self, state: State, value: float) -> str:
        """Which limit a value of this state passes, for a sentence: `above 75`."""
        above = self.failed_above if state is State.FAILED else self.degraded_above
        below = self.failed_below if state is State.FAILED else self.degraded_below
        if above is None and below is None:
            return ""
        is_low = above is None or (below is not None and abs(value - below) < abs(value - above))
        return f"below {below:g}" if is_low else f"above {above:g}"

    @staticmethod
    def _is_beyond(value: float, above: float | None, below: float | None, held: float) -> bool:
        return (above is not None and value > above - held) or (below is not None and value < below + held)


def limited(  # each is one word of the finding
    name: str, value: float | None, limit: Limit, *, before: State, what: str, unit: str = ""
) -> Finding:
    """The finding for a value that has limits; `what` begins the sentence: `the cabinet`.

    `None` and what is not finite is unknown.
    """
    if value is None or not math.isfinite(value):  # every comparison with NaN is false, which would be ok
        return Finding(name, State.UNKNOWN, f"{what} cannot be read", unit=unit)
    state = limit.state(value, before)
    if state is State.OK:
        return Finding(name, state, value=value, unit=unit)
    shown = f"{value:.4g} {unit}".rstrip()
    passed = limit.passed(state, value)
    is_past = state is limit.state(value, State.OK)
    reason = f"{what}: {shown} is {passed}" if is_past else f"{what}: {shown} is not yet back from {passed}"
    return Finding(name, state, reason, value, unit)


def flagged(name: str, is_wrong: bool | None, reason: str, *, state: State = State.FAILED) -> Finding:  # is the value
    """The finding for something that is wrong or not; `None`: nobody can tell."""
    if is_wrong is None:
        return Finding(name, State.UNKNOWN, "nothing tells")
    return Finding(name, state, reason) if is_wrong else Finding(name, State.OK)


def _state(checks: Checks, name: str) -> State | None:
    check = checks.by_name.get(name)
    return None if check is None else check.state
