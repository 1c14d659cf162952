"""How well the manager is reached, with injected time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside_agent.core.reach import BUCKET_S, DAY_S, Reach


def test_before_any_time_has_passed_nothing_is_known() -> None:
    reach = Reach(mono_s=100.0)
    assert reach.ratio(100.0) is None
    assert reach.acknowledge_s is None
    assert reach.broken_per_hour(100.0) == 0.0


def test_the_share_counts_from_the_start_and_goes_on_while_the_session_lives() -> None:
    reach = Reach(mono_s=0.0)
    reach.began(100.0)
    assert reach.ratio(200.0) == pytest.approx(0.5)
    reach.broke(300.0)
    assert reach.ratio(400.0) == pytest.approx(0.5)


def test_an_outage_of_a_day_leaves_nothing_and_a_day_of_sessions_leaves_no_outage() -> None:
    reach = Reach(mono_s=0.0)
    reach.began(0.0)
    reach.broke(1000.0)
    assert reach.ratio(1000.0 + DAY_S + BUCKET_S) == 0.0
    reach.began(3 * DAY_S)
    assert reach.ratio(4 * DAY_S + BUCKET_S) == pytest.approx(1.0)


def test_only_what_broke_counts_as_broken_and_only_for_an_hour() -> None:
    reach = Reach(mono_s=0.0)
    for at_s in (0.0, 10.0, 20.0):
        reach.began(at_s)
        reach.broke(at_s + 5)
    reach.began(30.0)
    reach.ended(40.0)
    assert (reach.session_count, reach.broken_session_count) == (4, 3)
    assert reach.broken_per_hour(60.0) == 3.0
    assert reach.broken_per_hour(3606.0) == 2.0
    assert reach.broken_per_hour(7200.0) == 0.0


def test_the_time_to_an_acknowledgement_is_that_of_one_report_at_a_time() -> None:
    reach = Reach(mono_s=0.0)
    reach.began(0.0)
    reach.sent(7, 1.0)
    reach.sent(8, 2.0)
    reach.acknowledged(6, 3.0)
    assert reach.acknowledge_s is None
    reach.acknowledged(8, 4.5)
    assert reach.acknowledge_s == pytest.approx(3.5)
    reach.sent(9, 10.0)
    reach.acknowledged(9, 10.2)
    assert reach.acknowledge_s == pytest.approx(0.2)


def test_a_report_sent_in_a_session_before_times_nothing() -> None:
    reach = Reach(mono_s=0.0)
    reach.began(0.0)
    reach.sent(7, 1.0)
    reach.broke(2.0)
    reach.began(5000.0)
    reach.acknowledged(7, 5001.0)
    assert reach.acknowledge_s is None


@given(st.lists(st.tuples(st.floats(0, 50_000), st.floats(0, 50_000)), max_size=30), st.floats(0, 2 * DAY_S))
def test_the_share_is_a_share_and_never_costs_more_than_a_day_of_buckets(
    lives: list[tuple[float, float]], rest_s: float
) -> None:
    reach, now_s = Reach(mono_s=0.0), 0.0
    for pause_s, life_s in lives:
        now_s += pause_s
        reach.began(now_s)
        now_s += life_s
        reach.broke(now_s)
    now_s += rest_s
    ratio = reach.ratio(now_s)
    assert ratio is None or 0.0 <= ratio <= 1.0
    assert len(reach._reached_s) <= DAY_S / BUCKET_S
