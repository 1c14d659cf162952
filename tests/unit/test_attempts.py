"""Login back-off: who keeps failing is refused, longer each time, and forgiven when it keeps quiet."""

import ipaddress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside_manager.core.attempts import (
    KNOCKS_PER_S,
    UNCOUNTED,
    UNHEARD_MAX,
    UNHEARD_S,
    Attempts,
    Knocks,
    Limits,
    source_of,
)

LIMITS = Limits(
    failures=3,
    window_s=3.0,
    base_s=1.0,
    cap_s=8.0,
    connections=4,
    unproven=3,
    unproven_on_trial=1,
    handshakes_per_s=2.0,
    handshakes_burst=5,
    sources=10,
)
A = "10.0.0.5"


def failed(attempts: Attempts, count: int, now_s: float, source: str = A) -> list[float]:
    return [attempts.failed(source, now_s) for _ in range(count)]


def connects(attempts: Attempts, now_s: float, *, open_count: int = 0, unproven_count: int = 0) -> bool:
    return attempts.may_connect(A, now_s, open_count=open_count, unproven_count=unproven_count)


def test_the_failure_that_fills_the_bucket_begins_the_refusal_and_the_stragglers_do_not() -> None:
    attempts = Attempts(LIMITS)
    assert failed(attempts, 5, 100.0) == [0.0, 0.0, 1.0, 0.0, 0.0]
    assert attempts.refused_s(A, 100.25) == 0.75
    assert attempts.refused_s(A, 101.0) == 0.0


def test_failures_a_little_apart_fill_the_bucket_as_those_at_once_do() -> None:
    attempts = Attempts(LIMITS)
    assert [attempts.failed(A, 100.0 + 0.01 * number) for number in range(3)] == [0.0, 0.0, 1.0]


def test_failures_spread_over_time_are_forgotten() -> None:
    attempts = Attempts(LIMITS)
    assert [attempts.failed(A, second * 1.01) for second in range(1000)] == [0.0] * 1000


def test_the_first_failure_after_a_refusal_begins_the_next_twice_as_long_up_to_the_cap() -> None:
    attempts, now_s, seen = Attempts(LIMITS), 0.0, []
    failed(attempts, 2, now_s)
    for _ in range(6):
        seen.append(attempts.failed(A, now_s))
        now_s += seen[-1]
    assert seen == [1.0, 2.0, 4.0, 8.0, 8.0, 8.0]


def test_quiet_forgives_one_doubling_after_another() -> None:
    attempts = Attempts(LIMITS)
    failed(attempts, 3, 0.0)
    attempts.failed(A, 1.0)  # refused until 3 s
    assert failed(attempts, 3, 3.0 + 8.0) == [0.0, 0.0, 2.0]  # one of two forgotten
    assert failed(attempts, 3, 13.0 + 16.0) == [0.0, 0.0, 1.0]  # both


def test_one_source_does_not_answer_for_another() -> None:
    attempts = Attempts(LIMITS)
    failed(attempts, 3, 0.0)
    assert attempts.refused_s("10.0.0.6", 0.5) == 0.0
    assert connects(attempts, 0.5) is False
    assert attempts.may_connect("10.0.0.6", 0.5, open_count=0, unproven_count=0) is True


def test_connections_at_once_are_bounded() -> None:
    attempts = Attempts(LIMITS)
    assert connects(attempts, 0.0, open_count=3)
    assert not connects(attempts, 0.0, open_count=4)


def test_connections_that_have_not_logged_in_are_bounded_more_tightly() -> None:
    attempts = Attempts(LIMITS)
    assert connects(attempts, 0.0, open_count=3, unproven_count=2)
    assert not connects(attempts, 0.0, open_count=3, unproven_count=3)


def test_handshakes_come_in_a_burst_and_then_at_a_rate_and_who_logs_in_gives_its_place_back() -> None:
    attempts = Attempts(LIMITS)
    assert [attempts.may_shake_hands(A, 0.0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert [attempts.may_shake_hands(A, 1.0) for _ in range(4)] == [True, True, False, False]
    attempts.proven(A, 1.0)
    assert [attempts.may_shake_hands(A, 1.0) for _ in range(2)] == [True, False]


def test_after_a_refusal_few_unproven_connections_are_let_in() -> None:
    attempts = Attempts(LIMITS)
    failed(attempts, 3, 0.0)
    assert connects(attempts, 1.0, open_count=1, unproven_count=0)
    assert not connects(attempts, 1.0, open_count=1, unproven_count=1)
    assert connects(attempts, 1.0 + 8.0, open_count=1, unproven_count=1), "forgiven"


def test_who_has_not_logged_in_sends_a_burst_and_then_at_a_rate() -> None:
    attempts = Attempts(Limits(bytes_per_s=100.0, bytes_burst=1_000))
    assert attempts.may_send(A, 0.0) == 1_000
    attempts.sent(A, 1_000, 0.0)
    assert [attempts.may_send(A, now_s) for now_s in (0.0, 0.5, 2.0, 60.0)] == [0, 50, 200, 1_000]


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("10.0.0.5", "10.0.0.5"),
        ("::ffff:10.0.0.5", "10.0.0.5"),
        ("2001:db8:0:1::5", "2001:db8:0:1::/64"),
        ("2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:1::/64"),
        ("2001:db8:0:2::5", "2001:db8:0:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
    ],
)
def test_an_address_is_counted_under_its_household(address: str, source: str) -> None:
    assert source_of(address) == source


Step = st.tuples(st.sampled_from(["a", "b", "c"]), st.booleans(), st.floats(min_value=0.0, max_value=20.0))


@given(st.lists(Step, max_size=200))
def test_whatever_happens_a_refusal_is_bounded_and_needs_that_many_failures(
    steps: list[tuple[str, bool, float]],
) -> None:
    attempts, now_s = Attempts(LIMITS), 0.0
    counts = dict.fromkeys("abc", 0)
    for source, does_fail, pause_s in steps:
        now_s += pause_s
        if does_fail:
            counts[source] += 1
            begun_s = attempts.failed(source, now_s)
            assert begun_s in {0.0, 1.0, 2.0, 4.0, 8.0}
            assert begun_s == 0.0 or counts[source] >= LIMITS.failures
        else:
            attempts.may_connect(source, now_s, open_count=0, unproven_count=0)
        assert 0.0 <= attempts.refused_s(source, now_s) <= LIMITS.cap_s
    for source in "abc":
        assert attempts.may_connect(source, now_s + LIMITS.cap_s + 1.0, open_count=0, unproven_count=0)


@given(st.lists(st.integers(min_value=0, max_value=1000), max_size=300))
def test_memory_is_bounded_and_the_source_seen_longest_ago_goes_first(sources: list[int]) -> None:
    attempts = Attempts(LIMITS)
    for number, source in enumerate(sources):
        attempts.failed(str(source), number * 0.001)
        assert len(attempts) <= LIMITS.sources


def test_a_source_that_keeps_failing_is_not_forgotten_for_the_sake_of_others() -> None:
    attempts = Attempts(LIMITS)
    failed(attempts, 2, 0.0)
    for number in range(9):
        attempts.failed(f"other-{number}", 0.0)
    assert attempts.failed(A, 0.0) == 1.0
    for number in range(9):
        attempts.failed(f"more-{number}", 0.0)
    assert attempts.refused_s(A, 0.0) == 1.0


def test_who_knocks_too_often_in_a_second_is_not_heard_for_a_while() -> None:
    knocks = Knocks()
    assert [knocks.knocked(A, 5.5) for _ in range(KNOCKS_PER_S + 1)] == [False] * (KNOCKS_PER_S - 1) + [True, False]
    assert knocks.unheard == (A,)
    assert not knocks.forgiven(5.4 + UNHEARD_S)
    assert knocks.forgiven(5.5 + UNHEARD_S)
    assert not knocks.unheard


def test_who_knocks_less_often_is_refused_as_often_as_it_likes() -> None:
    knocks = Knocks()
    assert not any(knocks.knocked(A, knock / (KNOCKS_PER_S - 2)) for knock in range(5_000))


def test_the_unheard_are_bounded() -> None:
    knocks = Knocks()
    for source in range(2 * UNHEARD_MAX):
        for _ in range(KNOCKS_PER_S):
            knocks.knocked(str(source), 5.0)
    assert len(knocks.unheard) == UNHEARD_MAX


@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3", "fd00::7", "fd00::7%eth0"])
def test_an_unlimited_address_is_not_counted(address: str) -> None:
    networks = tuple(map(ipaddress.ip_network, ("10.1.0.0/16", "fd00::/64")))
    attempts = Attempts(replace(LIMITS, unlimited=networks))
    source = attempts.source(address)
    assert source == UNCOUNTED
    assert failed(attempts, 100, 0.0, source) == [0.0] * 100
    assert attempts.may_connect(source, 0.0, open_count=1_000, unproven_count=1_000)
    assert all(attempts.may_shake_hands(source, 0.0) for _ in range(100))
    attempts.proven(source, 0.0)
    attempts.sent(source, 1 << 40, 0.0)
    assert attempts.may_send(source, 0.0) > LIMITS.bytes_burst
    assert len(attempts) == 0


@pytest.mark.parametrize("address", ["10.2.0.1", "fd00:0:0:1::7"])
def test_addresses_beside_the_unlimited_ones_are_counted(address: str) -> None:
    networks = tuple(map(ipaddress.ip_network, ("10.1.0.0/16", "fd00::/64")))
    assert Attempts(replace(LIMITS, unlimited=networks)).source(address) == source_of(address)
