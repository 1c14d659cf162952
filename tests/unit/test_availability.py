"""Availability, failures, MTBF and MTTR out of stretches, by group."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside_manager.core.availability import Stretch, availability

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
END = BEGIN + timedelta(hours=100)


def line(node_id: str, *states: tuple[str, float], start_h: float = 0.0) -> list[Stretch]:
    """Stretches of these lengths [h] one after the other; the last goes on."""
    found, at = [], BEGIN + timedelta(hours=start_h)
    for index, (state, length_h) in enumerate(states):
        end = at + timedelta(hours=length_h)
        found.append(Stretch(node_id, state, at, None if index == len(states) - 1 else end))
        at = end
    return found


def hours(length: timedelta | None) -> float | None:
    return None if length is None else length / timedelta(hours=1)


def test_availability_mtbf_and_mttr_of_one_node() -> None:
    own = line("n1", ("ok", 40), ("failed", 2), ("ok", 30), ("silent", 4), ("degraded", 24))
    (found,) = availability(own, {"n1": "a"}, begin=BEGIN, end=END)
    assert (found.group, found.node_count, found.failure_count) == ("a", 1, 2)
    assert found.ratio == pytest.approx(0.94)
    assert (hours(found.service), hours(found.mtbf), hours(found.mttr)) == (100, 47, 3)


def test_failed_and_then_silent_is_one_failure() -> None:
    own = line("n1", ("ok", 10), ("failed", 1), ("silent", 1), ("failed", 1), ("unknown", 87))
    (found,) = availability(own, {"n1": ""}, begin=BEGIN, end=END)
    assert (found.failure_count, hours(found.mttr)) == (1, 3)


def test_a_failure_that_goes_on_counts_and_has_no_repair() -> None:
    (found,) = availability(line("n1", ("ok", 50), ("silent", 50)), {"n1": ""}, begin=BEGIN, end=END)
    assert (found.failure_count, hours(found.mtbf), found.mttr) == (1, 50, None)


def test_a_failure_from_before_the_span_is_time_down_and_no_failure_of_the_span() -> None:
    own = line("n1", ("ok", 10), ("failed", 20), ("ok", 90), start_h=-20)
    (found,) = availability(own, {"n1": ""}, begin=BEGIN, end=END)
    assert (found.failure_count, hours(found.available), found.mttr) == (0, 90, None)


def test_a_node_that_was_never_in_service_has_no_ratio() -> None:
    (found,) = availability([], {"n1": ""}, begin=BEGIN, end=END)
    assert (found.node_count, found.ratio, found.mtbf) == (1, None, None)


def test_groups_come_in_order_and_add_up_their_nodes() -> None:
    own = line("n1", ("ok", 100)) + line("n2", ("ok", 50), ("failed", 50)) + line("n3", ("failed", 100))
    found = availability(own, {"n1": "b", "n2": "b", "n3": "a"}, begin=BEGIN, end=END)
    assert [(one.group, one.node_count, one.ratio) for one in found] == [("a", 1, 0.0), ("b", 2, 0.75)]


@given(st.lists(st.tuples(st.sampled_from(["ok", "degraded", "failed", "unknown", "silent"]), st.floats(0, 60))))
def test_available_time_is_never_more_than_the_service_nor_that_than_the_span(said: list[tuple[str, float]]) -> None:
    (found,) = availability(line("n1", *said, start_h=-20), {"n1": ""}, begin=BEGIN, end=END)
    assert timedelta() <= found.available <= found.service <= END - BEGIN
    assert found.repaired_count <= found.failure_count
