"""What every benchmark shares: the reference loop, a readable table, and one JSON object as the last line.

    report = Report("spool")
    report.add("append 32, records/s", 58_000, digits=0)
    report.add_ratio("append 32: spool / sqlite", 1.7)
    report.print()

A figure depends on the machine; a ratio of two figures of one run hardly does. `reference_loop_ns` is the time of one
`x += i & 7`: the goals in the documentation are for a core that takes 40 ns.
"""

import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field

REFERENCE_ITERATIONS = 200_000
REFERENCE_RUNS = 5


def reference_loop_ns(clock_ns: Callable[[], int] = time.perf_counter_ns, *, runs: int = REFERENCE_RUNS) -> float:
    """Nanoseconds of one `x += i & 7` in this interpreter, the best of a few runs."""
    return min(_reference_run_ns(clock_ns) for _ in range(runs))


def _reference_run_ns(clock_ns: Callable[[], int]) -> float:
    x = 0
    start = clock_ns()
    for i in range(REFERENCE_ITERATIONS):
        x += i & 7
    elapsed_ns = clock_ns() - start
    assert x
    return elapsed_ns / REFERENCE_ITERATIONS


@dataclass
class Report:
    """Figures and ratios of one benchmark."""

    name: str
    figures: dict[str, float] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)
    _digits: dict[str, int] = field(default_factory=dict)

    def add(self, figure: str, value: float, *, digits: int = 2) -> None:
        """Adds a figure; its name carries the unit."""
        self.figures[figure] = round(value, digits + 3)
        self._digits[figure] = digits

    def add_ratio(self, ratio: str, value: float) -> None:
        """Adds a ratio of two figures of this run."""
        self.ratios[ratio] = round(value, 4)

    def print(self) -> None:
        """Prints the table and, as the last line, the JSON object."""
        self.add("reference loop, ns", reference_loop_ns(), digits=1)
        width = max(map(len, [*self.figures, *self.ratios]))
        print(f"\n{self.name} on {_host()}\n")
        for figure, value in self.figures.items():
            print(f"  {figure:<{width}}  {value:>14,.{self._digits[figure]}f}")
        print()
        for ratio, value in self.ratios.items():
            print(f"  {ratio:<{width}}  {value:>14,.2f} x")
        print()
        print(json.dumps({"name": self.name, "host": _host(), "figures": self.figures, "ratios": self.ratios}))


def _host() -> str:
    return f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
