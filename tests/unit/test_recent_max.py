"""The highest value of late."""

from hypothesis import given
from hypothesis import strategies as st

from wayside_agent.core.recent_max import WINDOW_S, RecentMax


def test_a_value_is_kept_for_a_window_and_gone_after_two() -> None:
    recent = RecentMax().after(3.0, 10.0).after(1.0, 20.0)
    assert recent.value(59.0) == 3.0
    assert recent.value(119.0) == 3.0
    assert recent.value(120.0) is None
    assert recent.after(1.0, 130.0).value(130.0) == 1.0


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 50)), max_size=20), st.floats(0, 200))
def test_it_is_the_highest_of_at_least_one_window_and_at_most_two(
    values: list[tuple[float, float]], rest_s: float
) -> None:
    recent, now_s, seen = RecentMax(), 0.0, list[tuple[float, float]]()
    for pause_s, value in values:
        now_s += pause_s
        recent = recent.after(value, now_s)
        seen.append((now_s, value))
    now_s += rest_s
    found = recent.value(now_s)
    last_window = [value for at_s, value in seen if now_s - at_s < WINDOW_S]
    two_windows = [value for at_s, value in seen if now_s - at_s <= 2 * WINDOW_S]
    assert (found or 0.0) >= max(last_window, default=0.0)
    assert found is None or found in two_windows
