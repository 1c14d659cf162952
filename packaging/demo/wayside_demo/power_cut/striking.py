"""Counts the steps of a disk in each persisted phase, and strikes where fate wants it."""

import errno
from dataclasses import dataclass, field

from wayside_agent.core.update import AT_REST, Phase
from wayside_demo.power_cut.disk import EndedError
from wayside_demo.power_cut.fate import Fate, Kind, Strike
from wayside_demo.power_cut.manager import HelperKilledError, Surroundings

TAKES_SPACE = frozenset({"write", "create", "mkdir"})
PAST_S, FUTURE_S = 0.0, 2_208_988_800.0
"""1970, and 2040: behind what 32 bits can count."""


@dataclass(slots=True)
class Outcome:
    """What became of a run."""

    fate: Fate
    phase: Phase | None = None
    """How the update under test ended; `None`: it did not."""
    message: str = ""
    is_by_delta: bool = False
    """What it fetched last was a delta."""
    struck: list[Strike] = field(default_factory=list)
    """What has struck; a strike whose step never came did not."""
    starts: int = 0
    problems: list[str] = field(default_factory=list)
    """Sentences that begin with brick, stuck, crash, lie, lost (a good release, to one harmless fault) or cost (a whole
    in the place of a delta)."""
    steps: dict[Phase, int] = field(default_factory=dict)
    """Most steps of the disk while a phase was persisted."""


class Striking:
    """The faults of one run."""

    def __init__(self, fate: Fate, around: Surroundings, outcome: Outcome) -> None:
        self._around, self._outcome = around, outcome
        self._left = list(fate.strikes)
        self._step = 0
        self.phase = Phase.IDLE
        """What is persisted; IDLE for all that are at rest."""
        self.is_power_off = self._is_ended = False

    def over(self) -> None:
        """Nothing strikes any more, and what has is over."""
        self._left = []
        self._around.recover()

    def restarted(self) -> None:
        """A new process begins."""
        self.is_power_off = self._is_ended = False

    def entered(self, phase: Phase) -> None:
        """Takes the phase that is persisted now."""
        now = Phase.IDLE if phase in AT_REST else phase
        if now is not self.phase:
            self.phase, self._step = now, 0

    def at_step(self, operation: str) -> None:
        """Takes one more step.

        Raises: EndedError: the process ends here. OSError. HelperKilledError.
        """
        if self._is_ended:  # what closes its files on the way out is no process any more
            raise EndedError
        self._step += 1
        self._outcome.steps[self.phase] = max(self._outcome.steps.get(self.phase, 0), self._step)
        for strike in [each for each in self._left if self._is_due(each)]:
            self._left.remove(strike)
            self._outcome.struck.append(strike)
            self._strike(strike)
        if self._around.is_full and operation in TAKES_SPACE:
            raise OSError(errno.ENOSPC, "No space left on device")

    def _is_due(self, strike: Strike) -> bool:
        is_there = self._around.is_helper_at_work or strike.kind is not Kind.HELPER
        return is_there and strike.phase is self.phase and strike.step <= self._step

    def _strike(self, strike: Strike) -> None:
        around, end_s = self._around, self._around.now_s + strike.length_s
        match strike.kind:
            case Kind.KILL | Kind.POWER:
                self._is_ended = True
                self.is_power_off = strike.kind is Kind.POWER
                raise EndedError
            case Kind.HELPER:
                raise HelperKilledError
            case Kind.ERROR:
                raise OSError(errno.EIO, "Input/output error")
            case Kind.FULL:
                around.full_until_s = end_s
            case Kind.NETWORK | Kind.MANAGER:
                around.away_until_s = end_s
            case Kind.PAST | Kind.FUTURE | Kind.NO_TIME:
                around.wrong_until_s = end_s
                around.wrong_utc_s = {Kind.PAST: PAST_S, Kind.FUTURE: FUTURE_S}.get(strike.kind)
