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

from wayside_agent.core.update import Phase
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
LONGEST_S = 900.0
"""A fault lasts up to so long; a manager that restarts is back in ten seconds."""


class Campaign:
    """Runs in one folder, one after the other."""

    def __init__(self, folder: Path) -> None:
        """Makes the units before their updates, and counts the steps of every phase."""
        self._folder = folder
        self._steps: dict[tuple[Start, Worth], dict[Phase, int]] = {}
        for start in Start:
            prepare(folder / start, start)
        for start, worth in product(Start, Worth):
            outcome = self.run_fate(Fate(seed=0, start=start, worth=worth))
            if outcome.problems:
                raise AssertionError(f"without any fault: {outcome}")
            self._steps[start, worth] = outcome.steps

    def fate(self, seed: int) -> Fate:
        """What happens in run `seed`; consecutive seeds walk through the matrix."""
        rng = Random(seed)  # noqa: S311  # repeatable
        phase, kind = MATRIX[seed % len(MATRIX)]
        start = rng.choice(list(Start))
        worths = [worth for worth in Worth if phase in self._steps[start, worth]]
        worth = Worth.GOOD if Worth.GOOD in worths and rng.random() < 0.6 else rng.choice(worths)  # noqa: PLR2004
        strikes = [self._strike(rng, start, worth, phase, kind)]
        while rng.random() < MORE_STRIKES:
            phases = [each for each in PHASES if each in self._steps[start, worth]]
            strikes.append(self._strike(rng, start, worth, rng.choice(phases), rng.choice(list(Kind))))
        return Fate(seed, start, worth, rng.choice((0.0, 0.0, rng.uniform(1, 60))), tuple(strikes))

    def run(self, seed: int) -> Outcome:
        """One run."""
        return self.run_fate(self.fate(seed))

    def run_fate(self, fate: Fate) -> Outcome:
        """One run with a fate of one's own."""
        root = self._folder / "run"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(self._folder / fate.start, root)
        return Unit(root, fate).live()

    def _strike(self, rng: Random, start: Start, worth: Worth, phase: Phase, kind: Kind) -> Strike:
        step = rng.randint(1, self._steps[start, worth][phase])
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
    struck: Counter[tuple[Phase, Kind]] = field(default_factory=Counter)
    ends: Counter[tuple[Phase, Phase]] = field(default_factory=Counter)
    """By the phase the first fault struck in, and how the update ended."""
    defects: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Counts one run."""
        self.runs += 1
        self.starts += outcome.starts
        self.struck.update((strike.phase, strike.kind) for strike in outcome.struck)
        if outcome.struck and outcome.phase:
            self.ends[outcome.struck[0].phase, outcome.phase] += 1
        if outcome.problems:
            self.defects.append(outcome)

    def join(self, other: "Tally") -> None:
        """Counts what another process did."""
        self.runs += other.runs
        self.starts += other.starts
        self.struck.update(other.struck)
        self.ends.update(other.ends)
        self.defects.extend(other.defects)
