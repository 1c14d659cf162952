"""How much of a backlog goes out at once."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside_agent.core.part_size import FIRST_BYTES, LEAST_BYTES, MOST_BYTES, PartSize


@dataclass(frozen=True)
class Record:
    payload: bytes


def records(*lengths: int) -> tuple[Record, ...]:
    return tuple(Record(bytes(length)) for length in lengths)


def test_a_part_is_as_many_records_as_fit() -> None:
    assert len(PartSize(1000).part(records(400, 400, 200, 1))) == 3


def test_a_record_longer_than_a_part_goes_alone() -> None:
    assert len(PartSize(1000).part(records(5000, 1))) == 1
    assert len(PartSize(1000).part(())) == 0


def test_a_line_that_takes_longer_than_a_second_gets_what_it_carries_in_one() -> None:
    assert PartSize(8000).after(records(8000), 4.0) == PartSize(2000)


def test_a_quick_line_gets_twice_as_much() -> None:
    assert PartSize(8000).after(records(8000), 0.1) == PartSize(16000)


@pytest.mark.parametrize(("length", "elapsed_s"), [(100, 0.1), (8000, 0.8)], ids=["part not full", "about a second"])
def test_what_proves_nothing_changes_nothing(length: int, elapsed_s: float) -> None:
    assert PartSize(8000).after(records(length), elapsed_s) == PartSize(8000)


@given(
    st.lists(st.integers(1, 20_000), min_size=1, max_size=200),
    st.floats(100.0, 1e9),
    st.floats(0.0, 0.9),
)
def test_on_any_steady_line_parts_come_to_take_less_than_two_seconds(
    lengths: list[int], bytes_per_s: float, delay_s: float
) -> None:
    size, backlog = PartSize(), records(*lengths * 20)
    while backlog:
        before, part = size, size.part(backlog)
        sent_bytes = sum(len(record.payload) for record in part)
        elapsed_s = delay_s + sent_bytes / bytes_per_s
        size, backlog = size.after(part, elapsed_s), backlog[len(part) :]
        assert LEAST_BYTES <= size.size_bytes <= MOST_BYTES
        # the first part feels its way, and a single record cannot be cut
        assert elapsed_s <= 2.0 or len(part) == 1 or before.size_bytes <= max(FIRST_BYTES, LEAST_BYTES)
