"""Which samples leave the unit, and in what shape: per-signal sample period, columns, bounded memory.

    egress = Egress(sample_period_s=1.0, max_samples=20_000)
    egress.add(readings)          # as often as one likes
    batches = egress.drained()    # columns since the last call, one batch per time quality

A reading that has not changed its time since the last call is the same measurement and is not sampled again.
"""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from wayside_agent.core.readings import Reading
from wayside_agent.core.stamps import NANOSECONDS_PER_SECOND, TimeQuality

NANOSECONDS_PER_MILLISECOND = 1_000_000
MAX_SIGNALS = 10_000  # signal names come from the field too: a sensor that invents names must not fill the memory

SLACK_DIVISOR = 8  # a sample may be early by this part of its period; on average the period holds


@dataclass(frozen=True, slots=True)
class Column:
    """Samples of one signal; both tuples have the same length, at least 1."""

    name: str
    unit: str
    time_deltas_ms: tuple[int, ...]
    """Time of each sample after the one before; of the first, after the base time. Negative when a clock stepped."""
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Samples of many signals whose times are equally good."""

    base_time_ns: int
    """Time of the earliest sample, UTC nanoseconds since 1970."""
    quality: TimeQuality
    columns: tuple[Column, ...]
    """Sorted by name, then unit."""

    @property
    def sample_count(self) -> int:
        """Samples of all columns."""
        return sum(len(column.values) for column in self.columns)


@dataclass(slots=True)
class _Pace:
    """When a signal was sampled, and when it may be sampled again [ns]."""

    sampled_ns: int
    due_ns: int


class Egress:
    """Samples that wait for the next batch. At most `max_samples`: then the oldest go, and are counted."""

    def __init__(self, *, sample_period_s: float, max_samples: int) -> None:
        self._period_ns = round(sample_period_s * NANOSECONDS_PER_SECOND)
        self._samples: deque[Reading] = deque(maxlen=max_samples)
        self._paces: dict[str, _Pace] = {}
        self.dropped_count = 0
        """Samples that gave way to newer ones since the start."""
        self.refused_count = 0
        """Readings since the start that were no finite number, or of too many signals."""

    def add(self, readings: Iterable[Reading]) -> None:
        """Samples what is new and due."""
        for reading in readings:
            if self._is_new_and_due(reading):
                self.dropped_count += len(self._samples) == self._samples.maxlen
                self._samples.append(reading)

    def drained(self) -> tuple[Batch, ...]:
        """Everything sampled since the last call, best time quality last; empty: nothing."""
        samples, by_quality = tuple(self._samples), dict[TimeQuality, list[Reading]]()
        self._samples.clear()
        for sample in samples:
            by_quality.setdefault(sample.quality, []).append(sample)
        return tuple(_batch(quality, by_quality[quality]) for quality in TimeQuality if quality in by_quality)

    def _is_new_and_due(self, reading: Reading) -> bool:
        pace = self._paces.get(reading.name)
        if pace is not None and reading.time_ns == pace.sampled_ns:
            return False
        if not math.isfinite(reading.value) or (pace is None and len(self._paces) >= MAX_SIGNALS):
            self.refused_count += 1
            return False
        if pace is None or reading.time_ns < pace.sampled_ns:  # the first one, or a clock was set back
            self._paces[reading.name] = _Pace(reading.time_ns, reading.time_ns + self._period_ns)
            return True
        # A 1 Hz source that is 1 ms early now and then must keep its 1 Hz: some slack, and a grid that holds the rate.
        if reading.time_ns < pace.due_ns - self._period_ns // SLACK_DIVISOR:
            return False
        next_ns = pace.due_ns + self._period_ns
        pace.due_ns = next_ns if reading.time_ns < next_ns else reading.time_ns + self._period_ns
        pace.sampled_ns = reading.time_ns
        return True


def _batch(quality: TimeQuality, samples: Sequence[Reading]) -> Batch:
    base_ns = min(sample.time_ns for sample in samples)
    by_signal: dict[tuple[str, str], list[Reading]] = {}
    for sample in samples:
        by_signal.setdefault((sample.name, sample.unit), []).append(sample)
    columns = tuple(_column(name, unit, base_ns, by_signal[name, unit]) for name, unit in sorted(by_signal))
    return Batch(base_ns, quality, columns)


def _column(name: str, unit: str, base_ns: int, samples: Sequence[Reading]) -> Column:
    # whole milliseconds from the base first, so that rounding does not add up along the column
    times_ms = [0, *((sample.time_ns - base_ns) // NANOSECONDS_PER_MILLISECOND for sample in samples)]
    deltas_ms = tuple(after - before for before, after in pairwise(times_ms))
    return Column(name, unit, deltas_ms, tuple(sample.value for sample in samples))
