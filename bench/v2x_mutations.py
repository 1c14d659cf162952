"""A million damaged V2X messages: what ours says of each, and what asn1tools and pycrate say; `CASES=1000` for less.

Every task is one oracle and one profile, with the frame or a type of phase 2. Fails if there is a kind of difference
that nobody has explained.
"""

import os
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from random import Random
from sys import path as import_path

from bench._harness import Report

CASES = int(os.environ.get("CASES", "1000000"))
SEED = int(os.environ.get("SEED", "1"))
SHARE = 10_000
"""Damaged messages of one task."""
POOL = 400
"""Whole ones they are made from; other ones in each task."""


def main() -> None:
    """Runs the benchmark."""
    from wayside.v2x.phase2 import NUMBERS  # here: the list of benchmarks must not load the codec
    from wayside.v2x.profile import Profile

    report, counts = Report("v2x-mutations"), Counter[tuple[str, str]]()
    kinds = (None, *NUMBERS.values())
    tasks = [(name, profile.value, kind) for name in ("pycrate", "asn1tools") for profile in Profile for kind in kinds]
    share = min(SHARE, max(1, CASES // len(tasks)))
    work = [(*task, SEED + number, share) for number in range(-(-CASES // len(tasks) // share)) for task in tasks]
    start = time.perf_counter()
    with ProcessPoolExecutor(initializer=os.nice, initargs=(19,)) as workers:
        for (name, *_), found in zip(work, workers.map(_judged, work), strict=True):
            counts.update({(name, words): number for words, number in found.items()})
    for (name, words), number in sorted(counts.items(), key=lambda row: (row[0][0], -row[1])):
        report.add(f"{name}: {words}", number, digits=0)
    report.add("damaged messages", sum(counts.values()), digits=0)
    report.add("duration, s", time.perf_counter() - start, digits=0)
    report.print()
    assert not any("NOT EXPLAINED" in words for _, words in counts), "a difference that nobody has explained; see above"


def _judged(task: tuple[str, str, int | None, int, int]) -> Counter[str]:
    import_path.append(str(Path(__file__).parents[1] / "proto" / "asn1"))
    from tests import v2x_oracles, v2x_values  # here: in the process that needs them
    from wayside.v2x.profile import Profile

    name, profile_name, number, seed, count = task
    profile, random = Profile(profile_name), Random(seed)  # noqa: S311  # repeatable, no secrets
    oracle, found = v2x_oracles.ORACLES[name](profile, number), Counter[str]()
    messages = v2x_values.phase2_pool(profile, number, seed, POOL) if number else v2x_oracles.pool(profile, seed, POOL)
    for _ in range(count):
        data = v2x_oracles.mutated(messages, random)
        words = v2x_oracles.verdict(data, oracle)
        if not v2x_oracles.is_explained(words, name):
            print(f"NOT EXPLAINED: {name}, {profile}: {words}: {data.hex()}", flush=True)
            words = f"NOT EXPLAINED: {words}"
        found[words] += 1
    return found


if __name__ == "__main__":
    main()
