"""The box for nodes that come and go too often."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from wayside_manager.core.penalty import SCORE_MAX, Penalty, after_fault, after_session, is_boxed, score_at

START = datetime(2026, 11, 22, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def faulted(count: int, *, period_s: float = 0.0) -> Penalty:
    penalty = Penalty()
    for index in range(count):
        penalty = after_fault(penalty, after(index * period_s))
    return penalty


def test_the_first_session_of_a_calm_time_costs_nothing() -> None:
    penalty = after_session(Penalty(), START)
    assert score_at(penalty, START) == 0.0
    assert score_at(after_session(penalty, after(3600)), after(3600)) == 0.0
    assert score_at(after_session(penalty, START), START) == 1.0


def test_a_score_halves_every_quarter_of_an_hour() -> None:
    assert [score_at(faulted(4), after(minutes * 60)) for minutes in (0, 15, 30, 45)] == [4.0, 2.0, 1.0, 0.5]


def test_four_faults_at_once_put_a_node_in_the_box_until_it_has_been_calm() -> None:
    assert not is_boxed(faulted(3), START)
    assert is_boxed(faulted(4), START)
    assert is_boxed(faulted(4), after(900))
    assert not is_boxed(faulted(4), after(901))


def test_a_fault_in_the_box_begins_the_stay_anew() -> None:
    penalty = after_fault(faulted(4), after(890))
    assert is_boxed(penalty, after(890 + 900))
    assert not is_boxed(penalty, after(890 + 901))


def test_what_is_free_again_needs_the_whole_score_anew() -> None:
    assert not is_boxed(after_fault(faulted(4), after(1000)), after(1000))


def test_faults_far_apart_never_add_up() -> None:
    assert not is_boxed(faulted(50, period_s=900), after(49 * 900))


def test_a_clock_that_was_set_back_changes_nothing() -> None:
    assert score_at(faulted(4), after(-3600)) == 4.0


@given(st.lists(st.tuples(st.booleans(), st.floats(0.0, 4000.0)), max_size=60))
def test_every_box_ends_three_half_lives_after_the_last_fault(events: list[tuple[bool, float]]) -> None:
    penalty, now = Penalty(), START
    for is_session, wait_s in events:
        now += timedelta(seconds=wait_s)
        penalty = (after_session if is_session else after_fault)(penalty, now)
        assert 0.0 <= score_at(penalty, now) <= SCORE_MAX
    assert not is_boxed(penalty, now + timedelta(seconds=2701))
