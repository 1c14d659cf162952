"""How nodes were: reports folded into minutes and hours.

A report says how a node is until its next one, and no longer than the manager would wait for that before it calls the
node lost. So a stretch ends with the report after it, and what it adds to a minute never has to be taken back; reports
that come hours late, because the unit was cut off, go into the minutes they tell of. Both steps are added to at once:
an hour is the sum of its minutes without anybody reading these again.

    added, tail = folded(tails.get(node_id), samples)     # of one node, in the order of its spool
    rows = merged(row, added[key])
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from wayside_manager.core.node_health import HealthState
from wayside_manager.core.presence import lost_limit_s

MINUTE_S = 60
HOUR_S = 3600
STEPS_S = (MINUTE_S, HOUR_S)
AHEAD = timedelta(seconds=60)
"""So far ahead of the manager's a unit's clock may be that counts as right."""
BEHIND = timedelta(days=60)
"""Nobody catches up with reports older than this: the unit's clock is wrong."""
_UNTRUSTED_QUALITIES = frozenset({1, 5})
"""`wayside.v1.TimeQuality`: unsynchronized, and a recording's."""
_US_PER_S = 1_000_000


@dataclass(frozen=True, slots=True)
class Quantity:
    """Values of one quantity in one stretch of time."""

    low: float
    total: float
    high: float
    count: int

    @property
    def mean(self) -> float:
        """Their mean."""
        return self.total / self.count

    def with_others(self, other: "Quantity") -> "Quantity":
        """These values and others."""
        return Quantity(
            min(self.low, other.low), self.total + other.total, max(self.high, other.high), self.count + other.count
        )


@dataclass(frozen=True, slots=True)
class HealthSample:
    """What one health report says of one instant."""

    time_us: int
    """Of the instant, microseconds since 1970."""
    state: HealthState
    report_period_s: float
    quantities: Mapping[str, float] = field(default_factory=dict)
    """Finite values by name, with the unit in it: `host.temperature_celsius`."""


@dataclass(frozen=True, slots=True)
class Tail:
    """The newest sample of a node: how long it holds shows when the next one comes."""

    begin_us: int
    end_us: int
    """When it ends at the latest."""
    state: HealthState


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """How a node was in one minute or hour; durations in microseconds."""

    heard_us: int = 0
    ok_us: int = 0
    degraded_us: int = 0
    failed_us: int = 0
    report_count: int = 0
    quantities: Mapping[str, Quantity] = field(default_factory=dict)


Added = dict[tuple[int, int], HistoryRow]
"""What is added, by step [s] and begin [us since 1970]."""


def sample_time(receive_time: datetime, record_time: datetime | None, *, time_quality: int) -> datetime:
    """Of when a report tells: of when it was made, or of when it came if the unit's clock cannot be right."""
    if record_time is None or time_quality in _UNTRUSTED_QUALITIES:
        return receive_time
    return record_time if receive_time - BEHIND <= record_time <= receive_time + AHEAD else receive_time


def folded(tail: Tail | None, samples: Iterable[HealthSample]) -> tuple[Added, Tail | None]:
    """What the samples of one node add, in the order of its spool, and the stretch that is still open."""
    added: Added = {}
    for sample in samples:
        if tail is not None:
            # a sample from before the open stretch is of a clock that was set back: nothing says how long that held
            end_us = min(sample.time_us, tail.end_us) if sample.time_us >= tail.begin_us else tail.begin_us
            _add_stretch(added, tail.begin_us, end_us, tail.state)
        hold_us = round(lost_limit_s(sample.report_period_s) * _US_PER_S)
        tail = Tail(sample.time_us, sample.time_us + hold_us, sample.state)
        _add(added, sample.time_us, _counted(sample))
    return added, tail


def closed(tail: Tail) -> Added:
    """What the open stretch of a node adds that was not heard from again."""
    added: Added = {}
    _add_stretch(added, tail.begin_us, tail.end_us, tail.state)
    return added


def merged(row: HistoryRow, more: HistoryRow, *, step_s: int) -> HistoryRow:
    """Both together; no longer than the step is, whatever clocks did."""
    limit_us = step_s * _US_PER_S
    heard_us = min(row.heard_us + more.heard_us, limit_us)
    failed_us = min(row.failed_us + more.failed_us, limit_us)
    degraded_us = min(row.degraded_us + more.degraded_us, limit_us - failed_us)
    ok_us = min(row.ok_us + more.ok_us, limit_us - failed_us - degraded_us)
    quantities = dict(row.quantities)
    for name, quantity in more.quantities.items():
        quantities[name] = quantities[name].with_others(quantity) if name in quantities else quantity
    return HistoryRow(heard_us, ok_us, degraded_us, failed_us, row.report_count + more.report_count, quantities)


def _counted(sample: HealthSample) -> HistoryRow:
    values = {name: Quantity(value, value, value, 1) for name, value in sample.quantities.items()}
    return HistoryRow(report_count=1, quantities=values)


def _add_stretch(added: Added, begin_us: int, end_us: int, state: HealthState) -> None:
    step_us = MINUTE_S * _US_PER_S
    while begin_us < end_us:
        until_us = min(end_us, begin_us - begin_us % step_us + step_us)
        length_us = until_us - begin_us
        part = HistoryRow(
            heard_us=length_us,
            ok_us=length_us if state is HealthState.OK else 0,
            degraded_us=length_us if state is HealthState.DEGRADED else 0,
            failed_us=length_us if state is HealthState.FAILED else 0,
        )
        _add(added, begin_us, part)
        begin_us = until_us


def _add(added: Added, time_us: int, part: HistoryRow) -> None:
    for step_s in STEPS_S:
        key = (step_s, time_us - time_us % (step_s * _US_PER_S))
        added[key] = merged(added.get(key, HistoryRow()), part, step_s=step_s)
