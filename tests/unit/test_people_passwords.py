"""What may be a password, and how long one waits who tries many."""

import pytest

from wayside.errors import InvalidArgumentError, ResourceExhaustedError
from wayside_manager.core.passwords import MAX_CHARS, checked_password
from wayside_manager.core.sign_in import PaceLimits, SignInPace

OFFICE, HOME, STRANGER = "192.0.2.1", "192.0.2.2", "198.51.100.7"


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "高速公路旁边的四个词语真的好",
        "Tr0ub4dor&3xyz",
        "x7" * 3 + "kq9!mz",
        "p" + "aeiou-mno" * 28,
    ],
)
def test_a_password_of_twelve_or_more_characters_may_be_anything(password: str) -> None:
    assert checked_password(password, operator_id="ann") == password


@pytest.mark.parametrize("password", ["", "short", "elevenchars", "x" * (MAX_CHARS + 1), "ab cd ef gh " * 30])
def test_a_password_that_is_too_short_or_too_long_is_refused(password: str) -> None:
    with pytest.raises(InvalidArgumentError, match="12 to 256"):
        checked_password(password, operator_id="ann")


@pytest.mark.parametrize(
    "password",
    ["annikaannika1", "Annika.Annika", "aaaaaaaaaaaa", "abababababab", "secretsecret", "123456789012", "abcdefghijklm"],
)
def test_a_password_anybody_would_try_first_is_refused(password: str) -> None:
    with pytest.raises(InvalidArgumentError, match="mostly your name"):
        checked_password(password, operator_id="annika")


def test_a_password_is_the_same_however_the_keyboard_composes_it() -> None:
    composed, decomposed = "caf\u00e9 au lait noir", "cafe\u0301 au lait noir"
    assert checked_password(composed, operator_id="ann") == checked_password(decomposed, operator_id="ann")


def fail(pace: SignInPace, source: str, now_s: float, *, count: int = 1, name: str = "ann") -> None:
    for _ in range(count):
        pace.check_in(name, source, now_s)


def wait_s(pace: SignInPace, source: str, now_s: float, name: str = "ann") -> bool:
    """Whether an attempt would be delayed."""
    try:
        pace.check_in(name, source, now_s)
    except ResourceExhaustedError:
        return True
    return False


def test_four_failures_cost_no_delay_and_the_fifth_does() -> None:
    pace = SignInPace()
    fail(pace, STRANGER, 0, count=5)
    assert wait_s(pace, STRANGER, 4.9)
    assert not wait_s(pace, STRANGER, 5.0)


def test_the_delay_doubles_up_to_a_quarter_of_an_hour() -> None:
    pace, now_s, delays = SignInPace(), 0.0, []
    fail(pace, STRANGER, now_s, count=4)
    for _ in range(12):
        fail(pace, STRANGER, now_s)
        delay_s = next(step for step in range(1, 1000) if not_delayed(pace, now_s + step))
        delays.append(delay_s)
        now_s += delay_s
    assert delays == [5, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900, 900]


def not_delayed(pace: SignInPace, now_s: float) -> bool:
    return now_s >= pace._strangers["ann"].until_s


def test_a_delay_says_how_long_it_is_and_does_not_grow_by_asking() -> None:
    pace = SignInPace()
    fail(pace, STRANGER, 0, count=5)
    for _ in range(1000):
        with pytest.raises(ResourceExhaustedError, match="wait 4 s"):
            pace.check_in("ann", STRANGER, 1)
    assert not wait_s(pace, STRANGER, 5)


def test_many_addresses_are_delayed_like_one() -> None:
    pace = SignInPace()
    for number in range(5):
        fail(pace, f"198.51.100.{number}", 0)
    assert wait_s(pace, "203.0.113.9", 1)


def test_strangers_do_not_keep_the_owner_out_of_an_address_it_has_signed_in_from() -> None:
    pace = SignInPace()
    fail(pace, OFFICE, 0)
    pace.succeeded("ann", OFFICE)
    fail(pace, STRANGER, 1, count=5)

    assert wait_s(pace, STRANGER, 2)
    assert wait_s(pace, HOME, 2)
    assert not wait_s(pace, OFFICE, 2)


def test_success_at_a_known_address_gives_strangers_no_new_guesses() -> None:
    pace = SignInPace()
    fail(pace, OFFICE, 0)
    pace.succeeded("ann", OFFICE)
    fail(pace, STRANGER, 1, count=5)
    fail(pace, OFFICE, 2)
    pace.succeeded("ann", OFFICE)
    assert wait_s(pace, STRANGER, 3)


def test_a_known_address_is_delayed_for_its_own_failures() -> None:
    pace = SignInPace()
    pace.succeeded("ann", OFFICE)
    fail(pace, OFFICE, 0, count=5)
    assert wait_s(pace, OFFICE, 1)
    assert not wait_s(pace, STRANGER, 1)


def test_an_address_known_for_one_name_is_a_stranger_to_another() -> None:
    pace = SignInPace()
    pace.succeeded("ann", OFFICE)
    fail(pace, STRANGER, 0, count=5, name="bob")
    assert wait_s(pace, OFFICE, 1, "bob")


def test_success_begins_the_count_anew() -> None:
    pace = SignInPace()
    fail(pace, HOME, 0, count=4)
    pace.succeeded("ann", HOME)
    fail(pace, HOME, 0, count=4)
    assert not wait_s(pace, HOME, 0)


def test_failures_are_forgotten_after_an_hour_of_quiet() -> None:
    pace = SignInPace()
    fail(pace, STRANGER, 0, count=5)
    fail(pace, STRANGER, 5 + 3600, count=4)
    assert not wait_s(pace, STRANGER, 5 + 3600)


def test_made_up_names_take_a_bounded_memory_and_none_of_what_is_known() -> None:
    pace = SignInPace(PaceLimits(names=10))
    pace.succeeded("ann", OFFICE)
    for number in range(100):
        fail(pace, STRANGER, 0, name=f"name-{number}")
    assert len(pace._strangers) == 10
    fail(pace, STRANGER, 0, count=5)
    assert not wait_s(pace, OFFICE, 1)
