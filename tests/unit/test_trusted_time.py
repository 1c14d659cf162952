"""The ladder of time: who is believed, and that the floor never gives way."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside_agent.core.trusted_time import MAX_CONTRADICTION_S, TimeReading, TimeSource, TrustedTime

NOW_S = 1_790_000_000.0
FLOOR_S = NOW_S - 86_400
WEEKS_1024_S = 1024 * 7 * 86_400.0
GNSS, MANAGER, CLOCK, FLOOR = TimeSource.GNSS, TimeSource.MANAGER, TimeSource.CLOCK, TimeSource.FLOOR


def heard(*said: tuple[TimeSource, float], floor_s: float = FLOOR_S) -> TrustedTime:
    time = TrustedTime(floor_s, 0.0)
    for source, utc_s in said:
        time = time.after(TimeReading(source, utc_s, 100.0))
    return time


@pytest.mark.parametrize(
    ("said", "source", "utc_s"),
    [
        ([], FLOOR, FLOOR_S + 100),
        ([(CLOCK, NOW_S)], CLOCK, NOW_S),
        ([(CLOCK, 0.0)], FLOOR, FLOOR_S + 100),  # 1970
        ([(CLOCK, NOW_S), (MANAGER, NOW_S + 9)], MANAGER, NOW_S + 9),
        ([(CLOCK, NOW_S + 4e8), (MANAGER, NOW_S)], MANAGER, NOW_S),  # 2040
        ([(CLOCK, NOW_S), (MANAGER, NOW_S), (GNSS, NOW_S + 5)], GNSS, NOW_S + 5),
        ([(GNSS, NOW_S + 5), (CLOCK, NOW_S)], GNSS, NOW_S + 5),
        ([(GNSS, NOW_S - WEEKS_1024_S)], FLOOR, FLOOR_S + 100),  # the receiver's week rolled over
        ([(GNSS, NOW_S + WEEKS_1024_S), (MANAGER, NOW_S)], MANAGER, NOW_S),  # the same, the other way
        ([(MANAGER, NOW_S), (GNSS, NOW_S + 3600)], MANAGER, NOW_S),  # spoofed
        ([(GNSS, NOW_S + 3600), (CLOCK, NOW_S)], GNSS, NOW_S + 3600),  # nobody vouches
        ([(MANAGER, FLOOR_S - 3600)], FLOOR, FLOOR_S + 100),
        ([(MANAGER, NOW_S), (MANAGER, NOW_S + 30)], MANAGER, NOW_S + 30),
    ],
)
def test_the_best_source_that_is_not_contradicted_is_believed(
    said: list[tuple[TimeSource, float]], source: TimeSource, utc_s: float
) -> None:
    estimate = heard(*said).estimate(100.0)
    assert estimate.source is source
    assert estimate.utc_s == pytest.approx(utc_s, abs=1)


def test_a_contradiction_is_told_with_its_size() -> None:
    time = heard((MANAGER, NOW_S), (GNSS, NOW_S - 7200), floor_s=NOW_S - 86_400)
    assert time.contradiction_s(GNSS, 100.0) == pytest.approx(-7200, abs=1)
    assert time.contradiction_s(MANAGER, 100.0) == 0
    assert time.contradiction_s(CLOCK, 100.0) == 0


def test_a_reading_is_carried_on_and_an_old_one_gives_way_to_a_fresh_one() -> None:
    time = heard((GNSS, NOW_S))
    assert time.estimate(100.0 + 3600).utc_s == pytest.approx(NOW_S + 3600)
    days_s = 10 * 86_400.0
    later = time.after(TimeReading(MANAGER, NOW_S + days_s, 100.0 + days_s))
    assert later.estimate(100.0 + days_s).source is MANAGER


def test_only_the_manager_moves_the_floor() -> None:
    assert heard((GNSS, NOW_S + 1e9), (CLOCK, NOW_S + 1e9)).floor_at_s(100.0) == pytest.approx(FLOOR_S + 100, abs=1)
    assert heard((MANAGER, NOW_S)).floor_at_s(100.0) == NOW_S
    assert heard((MANAGER, NOW_S), (MANAGER, NOW_S - 1e9)).floor_at_s(100.0) == NOW_S


steps = st.lists(
    st.tuples(
        st.sampled_from((GNSS, MANAGER, CLOCK)),
        st.floats(0, 4e9),
        st.floats(0, 1e7),
    ),
    max_size=20,
)


@given(steps)
def test_the_floor_never_falls_and_no_estimate_lies_before_it(said: list[tuple[TimeSource, float, float]]) -> None:
    time, mono_s, floor_s = TrustedTime(FLOOR_S, 0.0), 0.0, FLOOR_S
    for source, utc_s, pause_s in said:
        mono_s += pause_s
        time = time.after(TimeReading(source, utc_s, mono_s))
        estimate = time.estimate(mono_s)
        assert time.floor_at_s(mono_s) >= floor_s
        floor_s = time.floor_at_s(mono_s)
        assert estimate.utc_s >= floor_s
        assert math.isfinite(estimate.utc_s)
        assert (estimate.error_s is None) == (estimate.source is FLOOR)


@given(steps, st.floats(0, 4e9))
def test_no_receiver_and_no_clock_moves_the_time_far_from_the_managers(
    said: list[tuple[TimeSource, float, float]], utc_s: float
) -> None:
    time = TrustedTime(FLOOR_S, 0.0).after(TimeReading(MANAGER, max(utc_s, FLOOR_S), 0.0))
    for source, other_s, _ in said:
        if source is not MANAGER:
            time = time.after(TimeReading(source, other_s, 0.0))
    assert abs(time.estimate(0.0).utc_s - max(utc_s, FLOOR_S)) <= MAX_CONTRADICTION_S + 60
