"""Small rules of the manager: reports received, page tokens."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside.errors import InvalidArgumentError
from wayside_manager.core.pages import checked_page_size, page_token, position
from wayside_manager.core.reports import ConfigFacts, Report, received


def reports(sequences: Iterable[int]) -> list[Report]:
    return [Report(sequence, None, 0, b"", ConfigFacts(0)) for sequence in sequences]


@given(st.lists(st.integers(1, 30), max_size=40), st.integers(0, 20))
def test_every_number_is_stored_lost_or_acknowledged_before(sequences: list[int], acknowledged: int) -> None:
    new = received(acknowledged, reports(sequences))
    stored = [report.sequence for report in new.fresh]
    assert stored == sorted({sequence for sequence in sequences if sequence > acknowledged})
    assert new.acknowledged_sequence == max([acknowledged, *sequences])
    assert new.acknowledged_sequence == acknowledged + len(stored) + new.lost_count


@given(st.lists(st.integers(1, 30)), st.integers(0, 20))
def test_receiving_the_same_twice_adds_nothing(sequences: list[int], acknowledged: int) -> None:
    first = received(acknowledged, reports(sequences))
    again = received(first.acknowledged_sequence, reports(sequences))
    assert (again.fresh, again.lost_count) == ((), 0)


# a sort key has some 150 characters, most of them plain: those that JSON escapes take up to 16 of a token's 1,000
SORT_KEYS = st.text(st.characters(codec="ascii", min_codepoint=0x20, max_codepoint=0x7E), max_size=150) | st.text(
    max_size=50
)


@given(st.text(), SORT_KEYS)
def test_a_page_token_continues_its_own_question(question: str, last: str) -> None:
    token = page_token(question, (last, 7))
    assert position(token, question, types=(str, int)) == (last, 7)
    with pytest.raises(InvalidArgumentError):
        position(token, question + "x", types=(str, int))


@given(st.text(min_size=1))
def test_any_other_text_is_no_page_token(text: str) -> None:
    with pytest.raises(InvalidArgumentError, match="page_token"):
        position(text, "nodes")


@pytest.mark.parametrize(("asked", "given_size"), [(0, 100), (7, 7), (1000, 1000), (5000, 1000)])
def test_page_sizes_have_a_default_and_a_cap(asked: int, given_size: int) -> None:
    assert checked_page_size(asked) == given_size


def test_a_negative_page_size_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="page_size: -1"):
        checked_page_size(-1)
