"""What is sent of what is planned, AID by AID."""

import pytest

from wayside_agent.core.sending import SendRate, send_rates, worst


def test_each_application_is_looked_at_alone() -> None:
    rates = send_rates({3618: 1.0, 3619: 10.0, 3623: 0.0}, {3619: 2.0, 3623: 160.0, 3621: 4.0})
    assert rates == (SendRate(3618, 0.0, 1.0), SendRate(3619, 2.0, 10.0)), "what nobody planned is not looked at"
    least = worst(rates)
    assert least is not None
    assert (least.what, least.ratio) == ("MAP (AID 3618)", 0.0)
    assert worst(()) is None


def test_a_vehicle_with_an_event_says_its_bsm_under_another_aid() -> None:
    assert send_rates({111: 10.0}, {111: 6.0, 112: 4.0}) == (SendRate(111, 10.0, 10.0),)


@pytest.mark.parametrize(
    ("sent_hz", "planned_hz", "ratio"),
    [(0.8, 1.0, 1.0), (0.6, 1.0, 0.6), (0.0, 0.2, 1.0), (9.8, 10.0, 1.0), (9.0, 10.0, 0.9), (20.0, 10.0, 1.0)],
)
def test_a_message_more_or_less_in_the_window_says_nothing(sent_hz: float, planned_hz: float, ratio: float) -> None:
    assert SendRate(3618, sent_hz, planned_hz).ratio == pytest.approx(ratio)


def test_a_radio_that_does_not_tell_them_apart_is_judged_by_all() -> None:
    assert SendRate(None, 4.0, 11.0).what == "messages"
    assert SendRate(4000, 4.0, 11.0).what == "messages (AID 4000)"
