"""Presence at the default rates and at the bounds."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside_manager.core.presence import Presence, next_change_s, presence

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def at_age(age_s: float, period_s: float = 30.0) -> Presence:
    return presence(NOW, NOW - timedelta(seconds=age_s), report_period_s=period_s)


def test_a_node_that_never_reported_was_never_seen() -> None:
    assert presence(NOW, None, report_period_s=30.0) is Presence.NEVER_SEEN


@pytest.mark.parametrize("age_s", [0.0, 15.0, 30.0, 33.0, 38.5])
def test_a_node_at_the_default_rate_with_jitter_is_online(age_s: float) -> None:
    assert at_age(age_s) is Presence.ONLINE


def test_a_heartbeat_of_60_s_is_not_gone_after_15_s() -> None:
    assert {at_age(age_s, 60.0) for age_s in range(61)} == {Presence.ONLINE}


@pytest.mark.parametrize(("age_s", "expected"), [(38.6, Presence.LATE), (60.0, Presence.LATE), (60.1, Presence.LOST)])
def test_silence_is_late_and_after_two_periods_lost(age_s: float, expected: Presence) -> None:
    assert at_age(age_s) is expected


def test_a_clock_set_back_makes_nobody_lost() -> None:
    assert at_age(-500.0) is Presence.ONLINE


@given(st.floats(1.0, 3600.0), st.floats(0.0, 10_000.0), st.floats(0.0, 10_000.0))
def test_more_silence_never_makes_a_node_better(period_s: float, age_s: float, more_s: float) -> None:
    order = [Presence.ONLINE, Presence.LATE, Presence.LOST]
    assert order.index(at_age(age_s + more_s, period_s)) >= order.index(at_age(age_s, period_s))


@given(st.floats(1.0, 3600.0), st.floats(0.0, 10_000.0))
def test_the_next_change_is_a_change(period_s: float, age_s: float) -> None:
    wait_s = next_change_s(age_s, report_period_s=period_s)
    if wait_s is None:
        assert at_age(age_s + 0.001, period_s) is Presence.LOST
    else:
        assert at_age(age_s + wait_s + 0.001, period_s) is not at_age(age_s, period_s)
