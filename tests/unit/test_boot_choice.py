"""Which software starts, and what `boot.json` says."""

import contextlib
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside_agent.core.boot_choice import BootChoice, ChoiceDamagedError, Trial, decoded, encoded, started

BOTH = ("a", "b")
TRIAL = BootChoice(active="a", trial=Trial("b", 2, 20.0), bootable=BOTH)


def test_an_empty_choice_starts_the_factory_software() -> None:
    assert started(BootChoice(), ())[1].slot == ""


def test_a_trial_loses_a_try_before_it_starts() -> None:
    choice, start = started(TRIAL, BOTH)
    assert (start.slot, start.gate_timeout_s) == ("b", 20.0)
    assert choice.trial == Trial("b", 1, 20.0)


def test_a_trial_without_tries_goes_back_and_leaves_the_reason() -> None:
    choice, _ = started(TRIAL, BOTH)
    choice, _ = started(choice, BOTH)
    choice, start = started(choice, BOTH)
    assert (start.slot, start.gate_timeout_s) == ("a", 0.0)
    assert (choice.trial, choice.failed_slot) == (None, "b")
    assert "without passing its health gate" in choice.failure


def test_a_trial_of_an_incomplete_slot_is_not_started() -> None:
    choice, start = started(TRIAL, ("a",))
    assert start.slot == "a"
    assert choice.failed_slot == "b"


def test_a_chosen_slot_that_is_not_complete_leaves_the_factory_software() -> None:
    _, start = started(BootChoice(active="a", bootable=("a",)), ())
    assert start.slot == ""
    assert "the factory software runs" in start.message


slots = st.sampled_from(["", "a", "b"])
choices = st.builds(
    BootChoice,
    active=slots,
    trial=st.none() | st.builds(Trial, st.sampled_from(BOTH), st.integers(0, 5), st.floats(1, 3600)),
    bootable=st.lists(st.sampled_from(BOTH), unique=True).map(tuple),
    failed_slot=slots,
    failure=st.text(),
)


@given(choices)
def test_a_choice_survives_writing_and_reading(choice: BootChoice) -> None:
    assert decoded(encoded(choice)) == choice


@given(choices, st.lists(st.sampled_from(BOTH), unique=True))
def test_what_starts_is_always_whole_or_the_factory_software(choice: BootChoice, complete: list[str]) -> None:
    _, start = started(choice, complete)
    assert start.slot == "" or (start.slot in complete and start.slot in choice.bootable)


@given(choices)
def test_a_trial_ends_whatever_happens(choice: BootChoice) -> None:
    for _ in range(7):
        choice, start = started(choice, BOTH)
    assert start.gate_timeout_s == 0.0


@given(choices, st.data())
def test_a_flipped_bit_is_noticed(choice: BootChoice, data: st.DataObject) -> None:
    content = bytearray(encoded(choice))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    with contextlib.suppress(ChoiceDamagedError):
        assert decoded(bytes(content)) == choice  # white space between the fields means nothing


def test_a_field_of_a_later_release_is_passed_over() -> None:
    body = {"active": "a", "bootable": ["a"], "from_the_future": 1}
    check = zlib.crc32(json.dumps(body, sort_keys=True, separators=(",", ":")).encode())
    content = json.dumps({"format": 1, "crc32": check, "choice": body}).encode()
    assert decoded(content) == BootChoice(active="a", bootable=("a",))


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'{"format": 2}', b'{"format": 1, "choice": {}}', b"\xff"]
)
def test_what_is_no_choice_is_refused(content: bytes) -> None:
    with pytest.raises(ChoiceDamagedError):
        decoded(content)
