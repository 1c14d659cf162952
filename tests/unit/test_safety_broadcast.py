"""Whether a roadside unit warns drivers right now."""

import pytest

from wayside_agent.core.safety_broadcast import HOLD_S, SafetyBroadcast

EVENT = "a road event is being broadcast"


def test_an_event_is_on_air_while_its_messages_are_sent() -> None:
    watch = SafetyBroadcast()
    assert watch.sentence({3618: 5, 3620: 9}, 0.0) == ""  # a map and a static sign are no event
    assert watch.sentence({3622: 1}, 1.0) == EVENT
    assert watch.sentence({3622: 1}, HOLD_S) == EVENT
    assert watch.sentence({3622: 1}, 1.0 + HOLD_S) == ""
    assert watch.sentence({3622: 1, 3621: 1}, 30.0) == EVENT


@pytest.mark.parametrize("aid", [3621, 3622])
def test_what_was_sent_before_the_first_look_counts(aid: int) -> None:
    watch = SafetyBroadcast()
    assert watch.sentence({aid: 700}, 50.0) == EVENT
    assert watch.sentence({aid: 700}, 50.0 + HOLD_S) == ""


def test_a_radio_that_was_opened_anew_is_no_event() -> None:
    watch = SafetyBroadcast()
    watch.sentence({3622: 7}, 0.0)
    assert watch.sentence({}, 1.0) == EVENT
    assert watch.sentence({}, HOLD_S) == ""
