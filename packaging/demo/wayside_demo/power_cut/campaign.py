"""Many runs: every persisted phase against every fault, the rest by chance, repeatable by one number.

campaign = Campaign(folder)             # makes the units before their updates, and counts the steps of each phase
outcome = campaign.run(seed)            # always the same for the same seed
"""

import logging
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from wayside_agent.core.update import FetchPolicy, Phase
from wayside_demo.power_cut.fate import Fate, Kind, Start, Strike, Worth
from wayside_demo.power_cut.striking import Outcome
from wayside_demo.power_cut.unit import Unit, prepare

PHASES = (
    Phase.IDLE,
    Phase.CHECKING,
    Phase.DOWNLOADING,
    Phase.VERIFYING,
    Phase.STAGED,
    Phase.INSTALLING,
    Phase.SWITCHING,
    Phase.PROVISIONAL,
    Phase.REVERTING,
)
"""Everything that is ever persisted; IDLE stands for all that are at rest."""
HELPED = (Phase.CHECKING, Phase.VERIFYING, Phase.INSTALLING)
"""Phases in which a helper is at work."""
MATRIX = tuple((phase, kind) for phase, kind in product(PHASES, Kind) if kind is not Kind.HELPER or phase in HELPED)
MORE_STRIKES = 0.3
"""Chance of one more fault in the same run."""
DELTAS = 0.6
"""Share of updates by delta, of those from a release."""
POLICIES = (FetchPolicy.ANY, FetchPolicy.NEVER_FULL)
LONGEST_S = 900.0
"""A fault lasts up to so long; a manager that restarts is back in ten seconds."""


class Campaign:
    """Runs in one folder, one after the other."""

    def __init__(self, folder: Path) -> None:
        """Makes the units before their updates, and counts the steps of every phase."""
        self._folder = folder
        self._steps: dict[tuple[Start, Worth, bool], dict[Phase, int]] = {}
        for start in Start:
            prepare(folder / start, start)
        for start, worth, is_delta in product(Start, Worth, (False, True)):
            if is_delta and start is Start.FACTORY:  # nothing leads from there
                continue
            policy = FetchPolicy.NEVER_FULL if is_delta else FetchPolicy.ANY
            outcome = self.run_fate(Fate(0, start, worth, is_delta=is_delta, policy=policy))
            if outcome.problems or outcome.is_by_delta is not is_delta:
                raise AssertionError(f"without any fault: {outcome}")
            self._steps[start, worth, is_delta] = outcome.steps

    def fate(self, seed: int) -> Fate:
        """What happens in run `seed`; consecutive seeds walk through the matrix."""
        rng = Random(seed)  # noqa: S311  # repeatable
        phase, kind = MATRIX[seed % len(MATRIX)]
        start = rng.choice(list(Start))
        is_delta = start is Start.RELEASE and rng.random() < DELTAS
        steps = {worth: self._steps[start, worth, is_delta] for worth in Worth}
        worths = [worth for worth in Worth if phase in steps[worth]]
        worth = Worth.GOOD if Worth.GOOD in worths and rng.random() < 0.6 else rng.choice(worths)  # noqa: PLR2004
        strikes = [_strike(rng, steps[worth], phase, kind)]
        while rng.random() < MORE_STRIKES:
            phases = [each for each in PHASES if each in steps[worth]]
            strikes.append(_strike(rng, steps[worth], rng.choice(phases), rng.choice(list(Kind))))
        wait_s = rng.choice((0.0, 0.0, rng.uniform(1, 60)))
        policy = rng.choice(POLICIES) if is_delta else FetchPolicy.ANY
        return Fate(seed, start, worth, wait_s, tuple(strikes), is_delta, policy)

    def run(self, seed: int) -> Outcome:
        """One run."""
        return self.run_fate(self.fate(seed))

    def run_fate(self, fate: Fate) -> Outcome:
        """One run with a fate of one's own."""
        root = self._folder / "run"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(self._folder / fate.start, root)
        return Unit(root, fate).live()


def _strike(rng: Random, steps: dict[Phase, int], phase: Phase, kind: Kind) -> Strike:
    step = rng.randint(1, steps[phase])
    lengths_s = (10.0,) if kind is Kind.MANAGER else (5.0, 60.0, LONGEST_S)
    return Strike(kind, phase, step, rng.choice(lengths_s) * rng.random())


@contextmanager
def quick_folder() -> Iterator[Path]:
    """A folder in memory where the system has one: what is durable is decided here, not there. The agent is quiet."""
    memory = Path("/dev/shm")  # noqa: S108  # only whoever runs it reads it
    logger = logging.getLogger("wayside_agent")
    level = logger.level
    logger.setLevel(logging.CRITICAL)  # thousands of faults are thousands of warnings
    try:
        with TemporaryDirectory(prefix="power-cut-", dir=memory if os.access(memory, os.W_OK) else None) as folder:
            yield Path(folder)
    finally:
        logger.setLevel(level)


@dataclass(slots=True)
class Tally:
    """What many runs came to."""

    runs: int = 0
    starts: int = 0
    by_delta: int = 0
    """Of the updates under test; what it was that was fetched last."""
    struck: Counter[tuple[Phase, Kind]] = field(default_factory=Counter)
    ends: Counter[tuple[Phase, Phase]] = field(default_factory=Counter)
    """By the phase the first fault struck in, and how the update ended."""
    defects: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Counts one run."""
        self.runs += 1
        self.starts += outcome.starts
        self.by_delta += outcome.is_by_delta
        self.struck.update((strike.phase, strike.kind) for strike in outcome.struck)
        if outcome.struck and outcome.phase:
            self.ends[outcome.struck[0].phase, outcome.phase] += 1
        if outcome.problems:
            self.defects.append(outcome)

    def join(self, other: "Tally") -> None:
        """Counts what another process did."""
        self.runs += other.runs
        self.starts += other.starts
        self.by_delta += other.by_delta
        self.struck.update(other.struck)
        self.ends.update(other.ends)
        self.defects.extend(other.defects)
