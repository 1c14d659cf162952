"""Every fault in every phase of an update, by chance: the old or the new release runs, and the unit says which.

    make bench NAME=power-cut               # 6,000 runs; exit status 1 and their seeds if one ends badly
    SEED=1603 make bench NAME=power-cut     # that run alone, with everything the unit says

Each run goes on until the update has ended, then through one more update without faults: what cannot be updated any
more is stuck. What counts as bad: `wayside_demo/power_cut/unit.py`.
"""

import logging
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from bench._harness import Report
from wayside_agent.core.update import Phase
from wayside_demo.power_cut.campaign import MATRIX, PHASES, Campaign, Tally, quick_folder
from wayside_demo.power_cut.fate import Kind

RUNS = 6_000
SHARE = 500
"""Runs that one process does before it says how it went."""
BAD = {
    "brick": "bricks",
    "stuck": "stuck",
    "crash": "crashes",
    "lie": "lies",
    "lost": "good releases lost to one fault",
    "cost": "wholes fetched in the place of a delta",
}
"""How what is found begins, and what it is counted as."""


def main() -> None:
    """Runs the campaign, or the one run that `SEED` names."""
    if os.environ.get("SEED"):
        _repeat(int(os.environ["SEED"]))
        return
    tally, begin_s = Tally(), time.perf_counter()
    with ProcessPoolExecutor() as processes:
        for done in processes.map(_share, range(0, RUNS, SHARE)):
            tally.join(done)
            print(f"{tally.runs:,} of {RUNS:,} runs, {len(tally.defects)} ended badly", file=sys.stderr, flush=True)
            for each in done.defects:
                print(f"  SEED={each.fate.seed}: {'; '.join(each.problems)}", file=sys.stderr, flush=True)
    _print(tally, time.perf_counter() - begin_s)
    for each in tally.defects:
        print(f"SEED={each.fate.seed} make bench NAME=power-cut   # {'; '.join(each.problems)}")
    if tally.defects:
        sys.exit(1)


def _share(begin: int) -> Tally:
    tally = Tally()
    with quick_folder() as folder:
        campaign = Campaign(folder)
        for seed in range(begin, begin + SHARE):
            tally.add(campaign.run(seed))
    return tally


def _repeat(seed: int) -> None:
    with quick_folder() as folder:
        campaign = Campaign(folder)
        logging.basicConfig(format="%(message)s")
        logging.getLogger("wayside_agent").setLevel(logging.INFO)
        outcome = campaign.run(seed)
    print(outcome.fate)
    print(f"ended {outcome.phase} after {outcome.starts} starts: {outcome.message or 'nothing to say'}")
    if outcome.problems:
        sys.exit("; ".join(outcome.problems))


def _print(tally: Tally, took_s: float) -> None:
    report = Report("power-cut")
    report.add("runs", tally.runs, digits=0)
    report.add("starts of the unit", tally.starts, digits=0)
    report.add("updates by delta", tally.by_delta, digits=0)
    report.add("faults", sum(tally.struck.values()), digits=0)
    for kind in Kind:
        report.add(f"  {kind}", sum(count for (_, each), count in tally.struck.items() if each is kind), digits=0)
    report.add(f"faults in a phase, of {len(MATRIX)}: struck", len(tally.struck), digits=0)
    begins = Counter(problem.split(":")[0] for each in tally.defects for problem in each.problems)
    for word, name in BAD.items():
        report.add(name, begins[word], digits=0)
    for phase in PHASES:
        ends = {end: count for (struck, end), count in tally.ends.items() if struck is phase}
        for name, end in (("new", Phase.COMMITTED), ("reverts", Phase.ROLLED_BACK), ("old", Phase.FAILED)):
            report.add(f"struck while {phase}: {name}", ends.get(end, 0), digits=0)
    report.add("runs a minute", tally.runs / took_s * 60, digits=0)
    report.print()
