"""The rule language: kinds, windows, and their bounds."""

from zoneinfo import ZoneInfo

import pytest

from tests.unit.event_makers import event
from wayside.errors import InvalidArgumentError
from wayside_manager.core.event_filter import (
    KINDS_MAX,
    WINDOWS_MAX,
    EventRule,
    checked_kinds,
    checked_windows,
    is_wanted,
    prefix_of,
)
from wayside_manager.core.rollout import Window

HAIKOU = ZoneInfo("Asia/Shanghai")  # 20:00 when it is noon in UTC
NIGHT = Window(frozenset({1}), 22 * 60, 8 * 3600.0)


def test_without_windows_every_moment_counts() -> None:
    assert is_wanted(EventRule(), event(1), HAIKOU)


@pytest.mark.parametrize(
    ("after_s", "is_in"),
    [
        pytest.param(2 * 3600 - 1, False, id="before it begins"),
        pytest.param(2 * 3600, True, id="as it begins"),
        pytest.param(10 * 3600 - 1, True, id="on the next day"),
        pytest.param(10 * 3600, False, id="at its end"),
        pytest.param(26 * 3600, False, id="another evening"),
    ],
)
def test_a_window_is_in_local_time_and_by_when_it_was_written(after_s: float, is_in: bool) -> None:
    assert is_wanted(EventRule(windows=(NIGHT,)), event(1, after_s=after_s), HAIKOU) == is_in


def test_a_star_stands_for_all_that_begin_so() -> None:
    assert prefix_of("alarm.*") == "alarm."
    assert prefix_of("alarm.raised") == ""


def test_kinds_are_sorted_and_each_there_once() -> None:
    assert checked_kinds(["job.ended", "alarm.*", "job.ended"], field="f") == ("alarm.*", "job.ended")


@pytest.mark.parametrize(
    "kind", ["", "*", "alarm", "alarm.", ".raised", "Alarm.raised", "a.b.c", "alarm.r*", "a.%", "a.b\n"]
)
def test_what_is_no_kind_is_refused(kind: str) -> None:
    with pytest.raises(InvalidArgumentError, match=r"filter\.kinds"):
        checked_kinds([kind], field="filter.kinds")


def test_too_many_kinds_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="at most 100"):
        checked_kinds(["alarm.raised"] * (KINDS_MAX + 1), field="filter.kinds")


@pytest.mark.parametrize(
    "window",
    [
        pytest.param(Window(frozenset({0})), id="weekday 0"),
        pytest.param(Window(frozenset({8})), id="weekday 8"),
        pytest.param(Window(begin_minute=-1), id="before the day"),
        pytest.param(Window(begin_minute=1440), id="after the day"),
        pytest.param(Window(duration_s=59.9), id="too short"),
        pytest.param(Window(duration_s=86_400.1), id="too long"),
        pytest.param(Window(duration_s=float("nan")), id="no number"),
    ],
)
def test_a_window_out_of_bounds_is_refused(window: Window) -> None:
    with pytest.raises(InvalidArgumentError, match=r"windows\[1\]"):
        checked_windows([NIGHT, window], field="windows")


def test_too_many_windows_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="at most 20"):
        checked_windows([NIGHT] * (WINDOWS_MAX + 1), field="windows")
