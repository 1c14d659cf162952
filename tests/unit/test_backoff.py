"""Waiting before trying again."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside_agent.core.backoff import delay_s, told_delay_s


class Highest:
    def random(self) -> float:
        return 1.0


def test_the_window_doubles_up_to_the_cap() -> None:
    windows = [delay_s(attempt, base_s=0.5, cap_s=5.0, rng=Highest()) for attempt in range(6)]
    assert windows == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]


@given(st.integers(min_value=0, max_value=10**9), st.randoms())
def test_the_delay_stays_inside_its_window_for_ever(attempt: int, rng: Random) -> None:
    assert 0.0 <= delay_s(attempt, base_s=0.1, cap_s=60.0, rng=rng) <= 60.0


def test_a_fleet_is_spread_over_the_whole_window() -> None:
    rng = Random(2)  # noqa: S311  # repeatable, no secrets
    delays = [delay_s(10, base_s=1.0, cap_s=60.0, rng=rng) for _ in range(1000)]
    assert min(delays) < 3.0
    assert max(delays) > 57.0
    assert 27.0 < sum(delays) / len(delays) < 33.0


@pytest.mark.parametrize(("told", "wait_s"), [("1", 0.001), ("2500", 2.5), ("600000", 600.0)])
def test_a_wait_that_the_manager_names_is_believed(told: str, wait_s: float) -> None:
    assert told_delay_s(told) == wait_s


@pytest.mark.parametrize("told", ["", "0", "-1", "600001", "9" * 50, "1.5", "1e3", " 1", "٣", "²", "soon"])
def test_a_wait_that_makes_no_sense_is_passed_over(told: str) -> None:
    assert told_delay_s(told) is None
