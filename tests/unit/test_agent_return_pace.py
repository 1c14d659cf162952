"""When a unit asks for a new certificate after the end of its own: enough signs, and pauses that grow."""

import random

import pytest

from wayside_agent.core.return_pace import (
    AWAY_COUNT,
    HUNG_UP_COUNT,
    MAX_PAUSE_S,
    MIN_PAUSE_S,
    UNANSWERED_MAX_PAUSE_S,
    ReturnPace,
)


def failing(*, hung_up: int = 0, away: int = 0) -> ReturnPace:
    pace = ReturnPace()
    for is_hung_up in [True] * hung_up + [False] * away:
        pace = pace.failed(hung_up=is_hung_up)
    return pace


@pytest.mark.parametrize(
    ("pace", "is_ended", "is_due"),
    [
        (failing(), True, False),
        (failing(hung_up=1), True, True),
        (failing(hung_up=HUNG_UP_COUNT - 1), False, False),
        (failing(hung_up=HUNG_UP_COUNT), False, True),
        (failing(away=AWAY_COUNT - 1), True, False),
        (failing(away=AWAY_COUNT), False, True),
    ],
    ids=["at start", "ended", "may be the network", "may be ended", "an outage", "a long one"],
)
def test_it_takes_signs_to_ask(pace: ReturnPace, is_ended: bool, is_due: bool) -> None:
    assert pace.is_due(is_ended=is_ended, mono_s=0.0) is is_due


@pytest.mark.parametrize(("is_answered", "cap_s"), [(True, MAX_PAUSE_S), (False, UNANSWERED_MAX_PAUSE_S)])
def test_pauses_are_a_minute_at_least_and_grow_to_their_cap(is_answered: bool, cap_s: float) -> None:
    rng, pace, pauses_s = random.Random(1), ReturnPace(), list[float]()  # noqa: S311  # jitter, no secret
    for _ in range(200):
        pace = pace.asked(0.0, rng, is_answered=is_answered)
        pauses_s.append(pace.next_mono_s)
    assert min(pauses_s) >= MIN_PAUSE_S
    assert pauses_s[0] <= 2 * MIN_PAUSE_S
    assert 0.9 * cap_s < max(pauses_s) <= cap_s


def test_after_an_attempt_it_takes_the_pause_and_new_signs() -> None:
    pace = failing(hung_up=HUNG_UP_COUNT).asked(0.0, random.Random(1), is_answered=True)  # noqa: S311  # jitter
    assert not pace.is_due(is_ended=True, mono_s=MAX_PAUSE_S)
    again = pace.failed(hung_up=True)
    assert not again.is_due(is_ended=True, mono_s=MIN_PAUSE_S - 1)
    assert again.is_due(is_ended=True, mono_s=MAX_PAUSE_S)
