"""What happens to one unit in one run: where it starts, what the release is worth, and what strikes it when."""

from dataclasses import dataclass
from enum import StrEnum

from wayside_agent.core.update import FetchPolicy, Phase


class Start(StrEnum):
    """What runs before the update."""

    FACTORY = "factory"
    RELEASE = "release"


class Worth(StrEnum):
    """What the new release is worth."""

    GOOD = "good"
    DEAF = "deaf"  # the gate refuses it
    CRASHING = "crashing"  # it ends at once, at every start
    LATE = "late"  # it ends in the midst of its trial


class Kind(StrEnum):
    """What strikes."""

    KILL = "kill -9"
    HELPER = "kill -9 of the helper"
    POWER = "power cut"
    FULL = "disk full"
    ERROR = "disk error"
    PAST = "clock to 1970"
    FUTURE = "clock past 2038"
    NO_TIME = "no time known"
    NETWORK = "network loss"
    MANAGER = "manager restart"


@dataclass(frozen=True, slots=True)
class Strike:
    """One fault."""

    kind: Kind
    phase: Phase
    """While this is what was persisted."""
    step: int
    """Before which step of the disk in that phase, from 1."""
    length_s: float = 0.0
    """How long it lasts, of those that last."""


@dataclass(frozen=True, slots=True)
class Fate:
    """One run."""

    seed: int
    start: Start = Start.RELEASE
    worth: Worth = Worth.GOOD
    wait_s: float = 0.0
    """How long a precondition is in the way."""
    strikes: tuple[Strike, ...] = ()
    is_delta: bool = False
    """The manager has deltas between all releases."""
    policy: FetchPolicy = FetchPolicy.ANY
