"""What a signal controller says of its phases, whatever language it speaks: the port of its drivers has this.

plan = SignalPlan({2: PhaseNow(Light.GREEN, min_s=3.9, max_s=15.9)})
plan.aged(0.2)          # the same word a moment later
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum


class SignalError(ValueError):
    """What a signal controller, or somebody who speaks for it, says makes no sense."""


class Light(StrEnum):
    """What a phase shows. `GREEN`: which kind of green, the controller does not say."""

    DARK = "DARK"
    RED = "RED"
    YELLOW = "YELLOW"
    GREEN = "GREEN"
    PERMISSIVE_GREEN = "PERMISSIVE_GREEN"
    """Must give way, as the sender says."""
    FLASHING_RED = "FLASHING_RED"
    FLASHING_YELLOW = "FLASHING_YELLOW"
    FLASHING_GREEN = "FLASHING_GREEN"


@dataclass(frozen=True, slots=True)
class PhaseNow:
    """One phase of a controller."""

    light: Light
    min_s: float | None = None
    """Time to the change at the soonest; `None`: not known."""
    max_s: float | None = None
    """At the latest; `None`: not known."""


@dataclass(frozen=True, slots=True)
class SignalPlan:
    """All phases of a controller at one moment."""

    phases: Mapping[int, PhaseNow]
    """By the controller's number; those that show nothing are not there."""
    sequence: int | None = None
    """0 to 255, rising; `None`: it does not count."""
    day_s: float | None = None
    """The controller's clock: time since its midnight; `None`: it does not say."""
    status: int | None = None
    """IntersectionStatusObject of who speaks for the controller; `None`: nobody says, what shows decides."""
    age_s: float = 0.0
    """How old the word was when it came."""

    def aged(self, age_s: float) -> "SignalPlan":
        """The same word a moment later: less time is left."""
        return replace(
            self,
            phases={
                number: replace(now, min_s=_less(now.min_s, age_s), max_s=_less(now.max_s, age_s))
                for number, now in self.phases.items()
            },
        )


def _less(time_s: float | None, age_s: float) -> float | None:
    return None if time_s is None else max(0.0, time_s - age_s)
