"""History: what reports add to minutes and hours, in whatever order and however late they come."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.health_makers import DEGRADED, FAILED, OK, UNKNOWN
from wayside_manager.core.history import (
    HOUR_S,
    MINUTE_S,
    Added,
    HealthSample,
    HistoryRow,
    closed,
    folded,
    merged,
    sample_time,
)
from wayside_manager.core.node_health import HealthState

S = 1_000_000
HOUR = 3600 * S
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def sample(at_s: float, state: HealthState = OK, *, period_s: float = 30.0, **quantities: float) -> HealthSample:
    named = {name.replace("__", "."): value for name, value in quantities.items()}
    return HealthSample(HOUR + round(at_s * S), state, period_s, named)


def row(added: Added, minute: int, *, step_s: int = MINUTE_S) -> HistoryRow:
    return added.get((step_s, HOUR + minute * step_s * S), HistoryRow())


def test_a_report_holds_until_the_next_one() -> None:
    added, tail = folded(None, [sample(0), sample(20, FAILED), sample(50, DEGRADED), sample(60)])
    assert row(added, 0) == HistoryRow(60 * S, 20 * S, 10 * S, 30 * S, 3)
    assert row(added, 1) == HistoryRow(report_count=1)
    assert tail is not None
    assert (tail.begin_us, tail.state) == (HOUR + 60 * S, OK)


def test_a_report_holds_no_longer_than_the_node_counts_as_heard_from() -> None:
    added, _ = folded(None, [sample(0), sample(600)])
    assert sum(row(added, minute).heard_us for minute in range(11)) == 60 * S
    assert row(added, 5) == HistoryRow()


def test_a_stretch_over_a_full_minute_is_in_both_and_once_in_the_hour() -> None:
    added, tail = folded(None, [sample(45), sample(75, UNKNOWN)])
    assert tail is not None
    assert (row(added, 0).ok_us, row(added, 1).ok_us) == (15 * S, 15 * S)
    assert row(added, 0, step_s=HOUR_S).ok_us == 30 * S
    assert closed(tail)[MINUTE_S, HOUR + 60 * S] == HistoryRow(heard_us=45 * S)


def test_folding_in_parts_gives_the_same_as_at_once() -> None:
    samples = [sample(7.0 * index, FAILED if index % 3 else OK, host__cpu_ratio=index) for index in range(40)]
    whole, _ = folded(None, samples)
    sums: Added = {}
    tail = None
    for start in range(0, 40, 7):
        added, tail = folded(tail, samples[start : start + 7])
        for key, more in added.items():
            sums[key] = merged(sums.get(key, HistoryRow()), more, step_s=key[0])
    assert sums == whole


def test_quantities_keep_lowest_mean_and_highest() -> None:
    added, _ = folded(None, [sample(at, host__cpu_ratio=value) for at, value in ((0, 0.5), (10, 0.1), (20, 0.9))])
    found = row(added, 0).quantities["host.cpu_ratio"]
    assert (found.low, found.high, found.count) == (0.1, 0.9, 3)
    assert found.mean == pytest.approx(0.5)


def test_a_clock_that_is_set_back_takes_nothing_away_and_adds_nothing_twice() -> None:
    added, tail = folded(None, [sample(3000), sample(0), sample(30)])
    assert tail is not None
    assert row(added, 0, step_s=HOUR_S) == HistoryRow(30 * S, 30 * S, report_count=3)


@given(
    st.lists(
        st.tuples(st.integers(0, 7200), st.sampled_from(HealthState), st.sampled_from([1.0, 30.0, 3600.0])),
        max_size=50,
    )
)
def test_no_minute_is_longer_than_a_minute_and_hours_are_the_sum_of_their_minutes(
    said: list[tuple[int, HealthState, float]],
) -> None:
    ordered = sorted(said, key=lambda one: one[0])
    added, _ = folded(None, [sample(at, state, period_s=period_s) for at, state, period_s in ordered])
    for (step_s, _), one in added.items():
        assert 0 <= one.ok_us + one.degraded_us + one.failed_us <= one.heard_us <= step_s * S
    hours = [key for key in added if key[0] == HOUR_S]
    for step_s, begin_us in hours:
        inside = [one for (step, at_us), one in added.items() if step == MINUTE_S and 0 <= at_us - begin_us < HOUR]
        assert added[step_s, begin_us].heard_us == sum(one.heard_us for one in inside)
        assert added[step_s, begin_us].report_count == sum(one.report_count for one in inside)


@pytest.mark.parametrize(
    ("behind", "quality", "is_trusted"),
    [
        (timedelta(hours=24), 4, True),
        (timedelta(seconds=-59), 3, True),
        (timedelta(minutes=-2), 4, False),
        (timedelta(days=61), 4, False),
        (timedelta(hours=1), 1, False),
        (timedelta(hours=1), 5, False),
    ],
    ids=["late", "a-little-ahead", "far-ahead", "years-ago", "never-set", "of-a-recording"],
)
def test_a_report_is_of_when_it_was_made_unless_that_cannot_be(
    behind: timedelta, quality: int, is_trusted: bool
) -> None:
    made = NOON - behind
    assert sample_time(NOON, made, time_quality=quality) == (made if is_trusted else NOON)
