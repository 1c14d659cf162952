"""What becomes of a sink after each attempt: nothing is skipped, nothing out of order, whatever fails."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.event_makers import NOON, event
from wayside_manager.core.event_sinks import (
    Attempt,
    Batch,
    DeadLetter,
    Pace,
    Standing,
    after_attempt,
    after_retry,
    shortened,
    wait_s,
)

PACE = Pace(attempts_max=3, base_s=60.0)
HOUR_S = 3600.0


@dataclass
class Chance:
    """Always the same."""

    value: float = 0.5

    def random(self) -> float:
        return self.value


RNG = Chance()


def batch(*cursors: int, upto: int = 0) -> Batch:
    return Batch(tuple(event(cursor) for cursor in cursors), upto or max(cursors, default=0))


def step(
    standing: Standing, given: Batch, attempt: Attempt, now: datetime = NOON
) -> tuple[Standing, DeadLetter | None]:
    outcome = after_attempt(standing, given, attempt, now=now, pace=PACE, rng=RNG)
    return outcome.standing, outcome.given_up


def test_what_was_taken_moves_the_cursor_past_what_is_not_wanted() -> None:
    assert step(Standing(3), batch(5, 6, upto=9), Attempt(2)) == (Standing(9), None)


def test_when_nothing_is_wanted_the_cursor_moves_and_the_fault_stays_told() -> None:
    standing, _ = step(Standing(3, fault="it answered 500"), batch(upto=9), Attempt(0))
    assert standing == Standing(9, fault="it answered 500")


def test_what_was_taken_before_a_fault_does_not_go_out_again() -> None:
    standing, given_up = step(Standing(4), batch(5, 6, 7), Attempt(1, "it answered 503"))
    assert (standing.cursor, standing.attempt_count, standing.fault) == (5, 1, "it answered 503")
    assert given_up is None
    assert standing.retry_time is not None
    assert timedelta(seconds=48) <= standing.retry_time - NOON <= timedelta(seconds=72)


def test_after_so_many_attempts_the_event_is_given_up_and_the_next_one_has_its_turn() -> None:
    standing, given_up = Standing(4), None
    for _ in range(PACE.attempts_max):
        assert given_up is None
        standing, given_up = step(standing, batch(5, 6), Attempt(0, "it answered 503"))
    assert given_up == DeadLetter(event(5), "it answered 503", 3, NOON)
    assert standing == Standing(5, fault="it answered 503")


def test_an_event_that_was_refused_is_given_up_at_once() -> None:
    standing, given_up = step(Standing(4), batch(5, 6, 7), Attempt(1, "it answered 422", is_refused=True))
    assert given_up is not None
    assert (given_up.record.cursor, given_up.attempt_count, standing.cursor) == (6, 1, 6)


def test_when_time_ran_out_the_rest_comes_at_once() -> None:
    assert step(Standing(4), batch(5, 6, 7, upto=9), Attempt(2)) == (Standing(6), None)


def test_twelve_attempts_take_about_a_day() -> None:
    pace = Pace()
    waits_s = [
        wait_s(count, pace, Chance(seed / 1000)) for seed in range(0, 1000, 20) for count in range(1, pace.attempts_max)
    ]
    assert 20 * HOUR_S < sum(waits_s) / 50 < 30 * HOUR_S


@given(count=st.integers(1, 10_000), seed=st.integers(0, 999))
def test_a_wait_is_never_longer_than_ten_hours(count: int, seed: int) -> None:
    assert 0 < wait_s(count, Pace(), Chance(seed / 1000)) < 10 * HOUR_S


@pytest.mark.parametrize("said", ["a\r\nb", "a\x00b", "a\u2028b", "  a \t b "])
def test_a_fault_is_one_printable_line(said: str) -> None:
    assert shortened(said) == "a b"


def test_a_fault_is_bounded() -> None:
    assert len(shortened("x" * 10_000)) == 300


def test_dead_letters_that_are_delivered_go_and_the_one_that_fails_stays_with_the_rest() -> None:
    letters = [DeadLetter(event(cursor), "old", 3, NOON, is_retried=True) for cursor in (1, 2, 3)]
    later = NOON + timedelta(hours=1)
    delivered, changed = after_retry(letters, Attempt(1, "gone"), now=later)
    assert delivered == (1,)
    assert changed == (
        DeadLetter(event(2), "gone", 4, later, is_retried=False),
        DeadLetter(event(3), "old", 3, NOON, is_retried=False),
    )


def test_a_refused_dead_letter_does_not_keep_the_others_from_their_try() -> None:
    letters = [DeadLetter(event(cursor), "old", 3, NOON, is_retried=True) for cursor in (1, 2)]
    delivered, changed = after_retry(letters, Attempt(0, "no", is_refused=True), now=NOON)
    assert delivered == ()
    assert changed == (DeadLetter(event(1), "no", 4, NOON, is_retried=False),)


@dataclass
class Life:
    """A sink that lives through attempts, and its receiver."""

    received: list[int] = field(default_factory=list)
    dead: list[int] = field(default_factory=list)
    standing: Standing = field(default_factory=Standing)
    now: datetime = NOON

    def turn(self, wanted: list[int], newest: int, *, taken: int, fails: bool, refuses: bool, is_lost: bool) -> None:
        """One turn; `is_lost`: the manager ends before it is written down."""
        left = [cursor for cursor in wanted if cursor > self.standing.cursor][:5]
        upto = left[-1] if len(left) == 5 else newest
        self.received += left[:taken]
        attempt = Attempt(min(taken, len(left)), "broken" if fails and taken < len(left) else "", refuses)
        given = Batch(tuple(map(event, left)), upto)
        outcome = after_attempt(self.standing, given, attempt, now=self.now, pace=PACE, rng=RNG)
        if is_lost:
            return
        assert outcome.standing.cursor >= self.standing.cursor
        self.standing = outcome.standing
        if outcome.given_up is not None:
            self.dead.append(outcome.given_up.record.cursor)


TURNS = st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.booleans(), st.booleans()), max_size=60)


@given(wanted=st.sets(st.integers(1, 40)), turns=TURNS)
def test_no_event_is_skipped_or_sent_out_of_order_whatever_fails(
    wanted: set[int], turns: list[tuple[int, bool, bool, bool]]
) -> None:
    order, life = sorted(wanted), Life()
    for taken, fails, refuses, is_lost in turns:
        life.turn(order, 40, taken=taken, fails=fails, refuses=refuses, is_lost=is_lost)
    for _ in order:  # then everything works
        life.turn(order, 40, taken=5, fails=False, refuses=False, is_lost=False)
    # each is delivered or a dead letter, and both for one only if what was taken was not written down in time
    assert set(life.received) | set(life.dead) == wanted
    assert life.dead == sorted(set(life.dead))
    firsts = list(dict.fromkeys(life.received))
    assert firsts == sorted(firsts)
    for before, after in zip(life.received, life.received[1:], strict=False):
        # a step back only repeats what came in between; it never jumps over anything
        assert after <= before or not [each for each in order if before < each < after and each not in life.dead]
