"""Which samples leave the unit."""

from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside_agent.core.egress import MAX_SIGNALS, Batch, Column, Egress
from wayside_agent.core.readings import Reading
from wayside_agent.core.stamps import TimeQuality

MS = 1_000_000
START_NS = 1_800_000_000_000_000_000


def reading(time_ms: float, value: float = 1.0, name: str = "can.body.EEC1.EngineSpeed", unit: str = "rpm") -> Reading:
    return Reading(name, value, unit, START_NS + round(time_ms * MS), TimeQuality.GNSS)


def egress(period_s: float = 1.0, max_samples: int = 1000) -> Egress:
    return Egress(sample_period_s=period_s, max_samples=max_samples)


def values(batches: tuple[Batch, ...]) -> list[float]:
    return [value for batch in batches for column in batch.columns for value in column.values]


def test_samples_become_columns_with_time_deltas() -> None:
    pending = egress()
    pending.add([reading(5, 1.0), reading(0, 7.0, "gnss.speed", "m/s")])
    pending.add([reading(1005, 2.0), reading(1200, 8.0, "gnss.speed", "m/s")])
    assert pending.drained() == (
        Batch(
            START_NS,
            TimeQuality.GNSS,
            (
                Column("can.body.EEC1.EngineSpeed", "rpm", (5, 1000), (1.0, 2.0)),
                Column("gnss.speed", "m/s", (0, 1200), (7.0, 8.0)),
            ),
        ),
    )
    assert pending.drained() == ()


def test_an_unchanged_reading_is_sampled_once() -> None:
    pending = egress(period_s=0.01)
    for _ in range(5):
        pending.add([reading(0)])
    pending.drained()
    pending.add([reading(0)])
    assert pending.drained() == ()


def test_a_signal_is_not_sampled_more_often_than_its_period() -> None:
    pending = egress(period_s=1.0)
    for time_ms in range(0, 10_000, 10):
        pending.add([reading(time_ms, float(time_ms))])
    times_ms = values(pending.drained())
    assert len(times_ms) <= 11
    assert all(after - before >= 875 for before, after in pairwise(times_ms))


def test_a_source_that_is_a_little_early_keeps_its_rate() -> None:
    pending = egress(period_s=1.0)
    for second in range(100):
        pending.add([reading(second * 1000 + (second * 7 % 5) - 2, float(second))])
    assert len(values(pending.drained())) == 100


def test_a_gap_does_not_earn_a_burst() -> None:
    pending = egress(period_s=1.0)
    for time_ms in [0, *range(60_000, 61_500, 10)]:
        pending.add([reading(time_ms)])
    assert len(values(pending.drained())) == 3


def test_a_clock_set_back_goes_on_at_once() -> None:
    pending = egress()
    pending.add([reading(3_600_000, 1.0)])
    pending.add([reading(0, 2.0)])
    (batch,) = pending.drained()
    assert batch.base_time_ns == START_NS
    assert batch.columns[0].time_deltas_ms == (3_600_000, -3_600_000)


def test_memory_is_bounded_and_the_oldest_go() -> None:
    pending = egress(period_s=0.001, max_samples=10)
    for index in range(25):
        pending.add([reading(index * 10, float(index))])
    assert values(pending.drained()) == [float(index) for index in range(15, 25)]
    assert pending.dropped_count == 15


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_finite_number_is_refused(value: float) -> None:
    pending = egress()
    pending.add([reading(0, value)])
    assert pending.drained() == ()
    assert pending.refused_count == 1


def test_invented_signal_names_do_not_fill_the_memory() -> None:
    pending = egress(max_samples=5)
    pending.add(reading(0, name=f"feed.x.f{index}") for index in range(MAX_SIGNALS + 10))
    assert pending.refused_count == 10


def test_times_of_different_quality_go_into_different_batches() -> None:
    pending = egress()
    pending.add([reading(0), Reading("feed.a.b", 2.0, "", START_NS, TimeQuality.UNSYNCHRONIZED)])
    assert [batch.quality for batch in pending.drained()] == [TimeQuality.UNSYNCHRONIZED, TimeQuality.GNSS]


@given(st.lists(st.integers(min_value=0, max_value=10**13), min_size=1, max_size=50))
def test_deltas_add_up_to_the_times(offsets_ns: list[int]) -> None:
    pending = Egress(sample_period_s=0.0, max_samples=1000)
    for offset_ns in offsets_ns:
        pending.add([Reading("a", float(offset_ns), "", START_NS + offset_ns, TimeQuality.GNSS)])
    for batch in pending.drained():
        (column,) = batch.columns
        times_ms = list(accumulate(column.time_deltas_ms))
        assert len(times_ms) == len(column.values) == batch.sample_count
        base_ns = batch.base_time_ns - START_NS
        assert all(
            abs(base_ns + time_ms * MS - value) <= MS for time_ms, value in zip(times_ms, column.values, strict=True)
        )
