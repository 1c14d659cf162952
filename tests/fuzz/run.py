"""`make fuzz`: many cases through every parser, in three ways. Ends with 1 if one broke the rules.

1. Good examples, damaged: most of the cases, at tens of thousands a second, the same ones for the same seed.
2. Hypothesis: a twentieth, and what it finds it makes small.
3. atheris, guided by coverage, if it can be had: it lives in a folder of its own, nothing else needs it.
"""

import argparse
import gc
import hashlib
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hypothesis import HealthCheck, Phase, Verbosity, given, settings

from tests.fuzz.cases import cases
from tests.fuzz.engine import HANG_S, CrashError, Mutator, Target, checked, run
from tests.fuzz.targets import BY_NAME, TARGETS

ROOT = Path(__file__).parents[2]
FOUND = ROOT / "dist" / "fuzz"
HYPOTHESIS_SHARE = 20  # one of so many cases
GROWTH_MAX_BYTES = 32 << 20  # of a process, between a tenth of the cases and all of them
ATHERIS = "atheris==3.0.0"
COVERAGE_TIMEOUT_S = 3600


@dataclass(frozen=True)
class Result:
    """What came of one parser in one way."""

    name: str
    count: int
    seconds: float
    fault: str = ""
    growth_bytes: int = 0
    note: str = ""


def main() -> int:
    """Runs the program; its exit status."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000, help="over all parsers")
    parser.add_argument("--coverage-runs", type=int, default=-1, help="over all parsers; default: a quarter of --cases")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other cases")
    parser.add_argument("--target", choices=sorted(BY_NAME), help="one parser only")
    parser.add_argument("--replay", type=Path, help="a case that was found; needs --target")
    given_arguments = parser.parse_args()
    chosen = [BY_NAME[given_arguments.target]] if given_arguments.target else list(TARGETS)
    if given_arguments.replay:
        checked(chosen[0], given_arguments.replay.read_bytes())
        return 0
    each = max(1, given_arguments.cases // len(chosen))
    sampled = max(1, each // HYPOTHESIS_SHARE)
    faults = _report("damaged examples", _parallel(partial(mutated, count=each, seed=given_arguments.seed), chosen))
    faults += _report("hypothesis", _parallel(partial(hypothesized, count=sampled, seed=given_arguments.seed), chosen))
    runs = given_arguments.coverage_runs if given_arguments.coverage_runs >= 0 else given_arguments.cases // 4
    if runs:
        faults += _guided(chosen, max(1, runs // len(chosen)))
    _say(f"{faults} crashes")
    return 1 if faults else 0


def mutated(name: str, *, count: int, seed: int) -> Result:
    """Damaged examples through one parser."""
    target = BY_NAME[name]
    source = Mutator(target, seed)
    begin_s = time.monotonic()
    try:
        run(target, source, count // 10)
        gc.collect()
        before = _resident_bytes()
        run(target, source, count - count // 10)
    except CrashError as exc:
        return Result(name, 0, time.monotonic() - begin_s, fault=_kept(exc))
    gc.collect()
    growth = _resident_bytes() - before
    fault = f"the process grew by {growth >> 20} MiB" if growth > GROWTH_MAX_BYTES else ""
    return Result(name, count, time.monotonic() - begin_s, fault=fault, growth_bytes=growth)


def hypothesized(name: str, *, count: int, seed: int) -> Result:
    """Cases of hypothesis through one parser."""
    target, ran = BY_NAME[name], 0

    @settings(
        max_examples=count,
        deadline=HANG_S * 1000,
        database=None,
        verbosity=Verbosity.quiet,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(cases(target))
    def sampled(data: bytes) -> None:
        nonlocal ran
        ran += 1
        checked(target, data)

    sampled._hypothesis_internal_use_seed = seed  # type: ignore[attr-defined]  # what @seed sets
    begin_s = time.monotonic()
    try:
        sampled()
    except CrashError as exc:
        return Result(name, ran, time.monotonic() - begin_s, fault=_kept(exc))
    return Result(name, ran, time.monotonic() - begin_s)


def guided(name: str, *, count: int, tools: str) -> Result:
    """Cases of atheris through one parser, in a process of its own: a crash of libFuzzer ends it."""
    begin_s = time.monotonic()
    with tempfile.TemporaryDirectory() as corpus:
        for index, seed in enumerate(BY_NAME[name].seeds()):
            Path(corpus, f"seed-{index}").write_bytes(seed)
        FOUND.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "tests.fuzz.coverage_guided", name, f"-runs={count}", f"-timeout={HANG_S:g}"]
        command += ["-rss_limit_mb=1024", "-max_len=20000", f"-artifact_prefix={FOUND}/", corpus]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join((tools, str(ROOT / "proto" / "asn1")))}
        ended = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, errors="replace",
            timeout=COVERAGE_TIMEOUT_S, check=False,
        )  # fmt: skip
    coverage = re.findall(r"cov: (\d+)", ended.stderr)
    note = f"{coverage[0]} → {coverage[-1]} edges" if coverage else ""
    seconds = time.monotonic() - begin_s
    if ended.returncode:
        return Result(name, 0, seconds, fault=ended.stderr.strip()[-1500:], note=note)
    return Result(name, count, seconds, note=note)


def _guided(chosen: list[Target], count: int) -> int:
    with tempfile.TemporaryDirectory() as tools:
        command = ["uv", "pip", "install", "--quiet", "--no-deps", "--target", tools, ATHERIS]
        installed = subprocess.run(command, capture_output=True, text=True, check=False)
        if installed.returncode:
            _say(f"atheris cannot be had here, and is left out: {installed.stderr.strip()[-300:]}")
            return 0
        return _report("atheris", _parallel(partial(guided, count=count, tools=tools), chosen))


def _parallel(work: partial[Result], chosen: list[Target]) -> list[Result]:
    # spawned: each starts with the memory of a fresh process
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=os.cpu_count(), mp_context=context, max_tasks_per_child=1) as pool:
        return list(pool.map(work, [target.name for target in chosen]))


def _report(title: str, results: list[Result]) -> int:
    _say(f"{title:42} {'cases':>10} {'cases/s':>9} {'grew by':>9}")
    for each in results:
        rate = each.count / each.seconds if each.seconds else 0
        growth = f"{each.growth_bytes / (1 << 20):.1f} MiB" if each.growth_bytes else ""
        _say(f"  {each.name:40} {each.count:10,} {rate:9,.0f} {growth:>9}  {each.note}".rstrip())
        if each.fault:
            _say(f"    CRASH: {each.fault}")
    _say(f"  {'all':40} {sum(each.count for each in results):10,}")
    return sum(bool(each.fault) for each in results)


def _kept(crash: CrashError) -> str:
    """Writes the case to a file; what to say of it."""
    FOUND.mkdir(parents=True, exist_ok=True)
    path = FOUND / f"crash-{hashlib.sha256(crash.data).hexdigest()[:12]}"
    path.write_bytes(crash.data)
    return f"{crash}\n    again: python -m tests.fuzz.run --target {crash.target!r} --replay {path.relative_to(ROOT)}"


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
