"""How a node is: the worst of what it found on itself, and of whether it is heard from.

The unit judges its checks; the manager judges only whether it hears of the node. A node that is not heard from is
unknown, whatever it said last, and so is one that makes no checks: unknown is never ok.
Usage: `overall(checks, Presence.ONLINE).state`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wayside_manager.core.presence import Presence

PRESENCE_CHECK = "node.presence"
"""The one check that the manager makes itself."""
SILENT = "silent"
"""A stretch of time in which a node was not heard from; the others are called after health states."""


class HealthState(StrEnum):
    """How something is; names as in `wayside.v1.HealthState`."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"
    UNKNOWN = "unknown"


RANK = {HealthState.OK: 0, HealthState.UNKNOWN: 1, HealthState.DEGRADED: 2, HealthState.FAILED: 3}
"""Worse is higher: what is known to be wrong comes before what nobody knows, and that before what is well."""


@dataclass(frozen=True, slots=True)
class CheckFacts:
    """One check, as a unit reports it. Bounds are those of `api.health_messages`."""

    name: str
    """`can.body.state`, 1 to 80 characters of a-z, 0-9, `.`, `_` and `-`."""
    state: HealthState
    reason: str = ""
    """Empty when ok."""
    since_time: datetime | None = None
    """By the unit's clock. `None`: it does not say, or says something impossible."""
    value: float | None = None
    """Finite."""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """How a node is, and what decides it."""

    state: HealthState
    cause: str
    """Name of the check that decides; empty when ok, and for a node that makes no checks."""
    reason: str
    """One sentence; empty when ok."""


_OK = Judgement(HealthState.OK, "", "")
_NO_CHECKS = Judgement(HealthState.UNKNOWN, "", "the unit reports no checks")


def worst_first(checks: Iterable[CheckFacts]) -> tuple[CheckFacts, ...]:
    """Checks that are not ok, worst first, then by name."""
    bad = [check for check in checks if check.state is not HealthState.OK]
    return tuple(sorted(bad, key=lambda check: (-RANK[check.state], check.name)))


def judged(checks: Iterable[CheckFacts]) -> Judgement:
    """The worst of the checks of a unit that is heard from."""
    every = tuple(checks)
    if not every:
        return _NO_CHECKS
    bad = worst_first(every)
    return Judgement(bad[0].state, bad[0].name, bad[0].reason) if bad else _OK


def is_silent(present: Presence) -> bool:
    """Whether a node is not heard from. One that is merely late is still what it said last."""
    return present in {Presence.LOST, Presence.NEVER_SEEN}


def overall(checks: Iterable[CheckFacts], present: Presence) -> Judgement:
    """The worst of the checks and of whether the node is heard from."""
    if present is Presence.NEVER_SEEN:
        return Judgement(HealthState.UNKNOWN, PRESENCE_CHECK, "the node was never heard from")
    if present is Presence.LOST:
        return Judgement(HealthState.UNKNOWN, PRESENCE_CHECK, "the node is not heard from")
    return judged(checks)
