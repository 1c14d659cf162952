"""The health gate: no worse than before, for long enough, in time."""

import pytest

from wayside_agent.core.gate import SETTLE_S, BrokerLink, BusRate, Gate, Outcome, Vitals, complaints, results, settle_s
from wayside_agent.core.sending import SendRate

GOOD = Vitals(
    manager_reached=True,
    buses=(BusRate("body", 480.0), BusRate("spare", 0.0)),
    fix_dimension=3,
    radio_messages_per_s=12.5,
)
DEAF = Vitals(manager_reached=True, buses=GOOD.buses, fix_dimension=3, radio_messages_per_s=0.0)


def test_a_release_as_good_as_before_passes_after_the_settling_time() -> None:
    gate, verdict = Gate(GOOD, timeout_s=120.0).seen(GOOD, 1.0)
    assert verdict.outcome is Outcome.WAIT
    gate, verdict = gate.seen(GOOD, 1.0 + SETTLE_S - 0.1)
    assert verdict.outcome is Outcome.WAIT
    _, verdict = gate.seen(GOOD, 1.0 + SETTLE_S)
    assert verdict.outcome is Outcome.PASS


def test_a_relapse_starts_the_settling_time_anew() -> None:
    gate, _ = Gate(GOOD, timeout_s=120.0).seen(GOOD, 1.0)
    gate, _ = gate.seen(DEAF, 3.0)
    gate, _ = gate.seen(GOOD, 4.0)
    _, verdict = gate.seen(GOOD, 1.0 + SETTLE_S)
    assert verdict.outcome is Outcome.WAIT


def test_a_deaf_radio_waits_and_then_fails_with_figures() -> None:
    gate, verdict = Gate(GOOD, timeout_s=20.0).seen(DEAF, 19.9)
    assert verdict.outcome is Outcome.WAIT
    _, verdict = gate.seen(DEAF, 20.0)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.reasons == ("radio: heard 0.0 messages/s, before the change 12.5",)


def test_good_too_late_fails_and_says_for_how_long_it_was_good() -> None:
    gate, _ = Gate(GOOD, timeout_s=20.0).seen(GOOD, 18.0)
    _, verdict = gate.seen(GOOD, 20.0)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.reasons == ("the vitals were good for 2.0 s only",)


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (
            Vitals(buses=GOOD.buses, fix_dimension=3, radio_messages_per_s=12.5),
            "manager: not reached since the change",
        ),
        (
            Vitals(manager_reached=True, fix_dimension=3, radio_messages_per_s=12.5),
            "CAN bus body: 0.0 frames/s, before the change 480.0",
        ),
        (
            Vitals(manager_reached=True, buses=GOOD.buses, radio_messages_per_s=12.5),
            "gnss: no fix, before the change 3D",
        ),
    ],
)
def test_each_vital_is_named_when_it_is_worse(now: Vitals, reason: str) -> None:
    assert complaints(GOOD, now) == (reason,)


def test_what_was_not_there_before_is_not_asked_for() -> None:
    assert complaints(Vitals(manager_reached=True), Vitals(manager_reached=True)) == ()


def test_the_manager_is_asked_for_even_if_it_was_away() -> None:
    assert complaints(Vitals(), Vitals()) == ("manager: not reached since the change",)


def test_less_traffic_is_no_fault() -> None:
    quieter = Vitals(manager_reached=True, buses=(BusRate("body", 60.0),), fix_dimension=2, radio_messages_per_s=1.3)
    assert complaints(GOOD, quieter) == ()


def test_a_short_gate_settles_in_a_quarter_of_its_time() -> None:
    assert settle_s(8.0) == 2.0


HERE = BrokerLink("mqtt:8883", is_connected=True)
AWAY = BrokerLink("mqtt:8883", fault="refused")
ELSEWHERE = BrokerLink("other:8883", fault="refused")


@pytest.mark.parametrize(
    ("before", "now", "reasons"),
    [
        (None, None, ()),
        (HERE, HERE, ()),
        (AWAY, HERE, ()),
        (HERE, None, ()),
        (AWAY, AWAY, ()),
        (None, AWAY, ("telemetry: not connected to mqtt:8883 since it was configured (refused)",)),
        (HERE, AWAY, ("telemetry: not connected to mqtt:8883, before the change it was (refused)",)),
        (HERE, ELSEWHERE, ("telemetry: not connected to other:8883 since it was configured (refused)",)),
        (AWAY, ELSEWHERE, ("telemetry: not connected to other:8883 since it was configured (refused)",)),
        (HERE, BrokerLink("mqtt:8883"), ("telemetry: not connected to mqtt:8883, before the change it was",)),
    ],
)
def test_a_broker_must_be_reached_if_it_was_or_is_another(
    before: BrokerLink | None, now: BrokerLink | None, reasons: tuple[str, ...]
) -> None:
    assert complaints(Vitals(broker=before), Vitals(manager_reached=True, broker=now)) == reasons


@pytest.mark.parametrize(
    ("before", "now", "check"),
    [
        (Vitals(True, sent_messages_per_s=10.0), Vitals(True, sent_messages_per_s=4.0), "sent"),
        (Vitals(True), Vitals(True, sending=(SendRate(3619, 1.0, 10.0), SendRate(3623, 160.0, 160.0))), "sent.3619"),
        (Vitals(True), Vitals(True, sending=(SendRate(None, 1.0, 10.0),)), "sent"),
        (Vitals(True, neighbour_count=9), Vitals(True, neighbour_count=2), "neighbours"),
        (Vitals(True, (BusRate("body", 9.0),)), Vitals(True, (BusRate("body", 9.0, 5.0),)), "errors.body"),
    ],
)
def test_what_was_not_asked_before_is_data_and_in_the_way(before: Vitals, now: Vitals, check: str) -> None:
    (failed,) = (each for each in results(before, now) if not each.passed)
    assert failed.check == check
    assert complaints(before, now) == (failed.message,)
    assert all(each.passed for each in results(before, before))


def test_a_verdict_carries_every_question_passed_or_not() -> None:
    _, verdict = Gate(GOOD, timeout_s=20.0).seen(DEAF, 20.0)
    assert {each.check: each.passed for each in verdict.results} == {
        "process": True,
        "manager": True,
        "can.body": True,
        "gnss": True,
        "radio": False,
    }
