"""What is durable of the unit's configuration: what is proven, what is on trial, what was refused.

Only records and the counting of a trial's time; what happens to them is `core/config_trial.py`.
Usage: `ConfigState()` is a unit that was never told anything.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import sha256

from wayside_agent.core.gate import Vitals

SAVE_PERIOD_S = 5.0
"""The time a trial has spent is durable at least this often."""
DEFAULT_TIMEOUT_S = 120.0
MIN_TIMEOUT_S, MAX_TIMEOUT_S = 5.0, 86_400.0


class Phase(StrEnum):
    """How the newest configuration fared; the words of `ConfigReport.Outcome`, where COMMITTED is APPLIED."""

    COMMITTED = "COMMITTED"
    PROVISIONAL = "PROVISIONAL"
    REVERTED = "REVERTED"
    REJECTED = "REJECTED"


class Decision(StrEnum):
    """Who decides on a trial; the words of `ConfigTarget.Decision`, where UNSPECIFIED is GATE."""

    GATE = "GATE"
    HOLD = "HOLD"
    CONFIRM = "CONFIRM"
    CANCEL = "CANCEL"


Key = tuple[int, str, str]
"""Revision, SHA-256 and trial: a configuration is tried once per trial."""


@dataclass(frozen=True, slots=True)
class Target:
    """A configuration the manager wants the unit to run."""

    revision: int
    sha256: str
    """Of the canonical JSON, lower-case hex."""
    trial: str
    timeout_s: float = DEFAULT_TIMEOUT_S
    """How long the trial may last, from its begin."""
    decision: Decision = Decision.GATE

    @property
    def key(self) -> Key:
        """Names the attempt."""
        return self.revision, self.sha256, self.trial


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration and the trial it came by. The default is what a unit runs before it is told anything."""

    revision: int = 0
    content: bytes = b"{}"
    """Canonical JSON, as it was fetched."""
    sha256: str = sha256(b"{}").hexdigest()
    """Of the content, lower-case hex."""
    trial: str = ""

    @property
    def key(self) -> Key:
        """Names the attempt."""
        return self.revision, self.sha256, self.trial

    @property
    def actual_sha256(self) -> str:
        """Of the content as it is: another one than `sha256` when somebody changed it on the unit."""
        return sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Moment:
    """A time that nobody can set."""

    boot_id: str
    """Of the kernel's present run."""
    since_boot_s: float


@dataclass(frozen=True, slots=True)
class Trial:
    """A configuration on trial."""

    config: Config
    before: Vitals
    """What the unit was worth before the first of the trials that followed each other."""
    timeout_s: float
    decision: Decision
    counted_at: Moment
    """Until when `spent_s` counts."""
    spent_s: float = 0.0
    start_count: int = 0
    """Starts of the agent since it began."""

    @property
    def remaining_s(self) -> float:
        """Time left [s]."""
        return max(0.0, self.timeout_s - self.spent_s)

    def at(self, now: Moment) -> "Trial":
        """The trial with the time counted until now. How long the power was off, nobody knows."""
        if now.boot_id == self.counted_at.boot_id:
            passed_s = max(0.0, now.since_boot_s - self.counted_at.since_boot_s)
        else:  # what had passed before it could be saved, and what this start of the computer took
            passed_s = SAVE_PERIOD_S + now.since_boot_s
        return replace(self, spent_s=self.spent_s + passed_s, counted_at=now)


@dataclass(frozen=True, slots=True)
class Refused:
    """An attempt that is not made again, and why."""

    key: Key
    phase: Phase
    """REVERTED or REJECTED."""
    message: str


@dataclass(frozen=True, slots=True)
class ConfigState:
    """All that is durable of the unit's configuration."""

    committed: Config = field(default_factory=Config)
    """Proven: what the unit runs, or goes back to."""
    phase: Phase = Phase.COMMITTED
    trial: Trial | None = None
    """Set while PROVISIONAL."""
    refused: tuple[Refused, ...] = ()
    """Newest first. While REVERTED or REJECTED, the first says what and why."""
    before: Vitals | None = None
    """Vitals before a trial that another one supersedes."""
    message: str = ""
    """What else is to be said of a committed one."""
    is_said: bool = True
    """The report on this phase is in the spool."""

    def why_not(self, key: Key) -> Refused | None:
        """Why an attempt is not made again; `None`: nothing speaks against it."""
        return next((refused for refused in self.refused if refused.key == key), None)
