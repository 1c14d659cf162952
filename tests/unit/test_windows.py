"""Maintenance windows and weekly hours, by local clocks that jump."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside_manager.core.rollout import Window
from wayside_manager.core.sites import WeeklyHours
from wayside_manager.core.windows import holds, is_open, open_until

SHANGHAI = ZoneInfo("Asia/Shanghai")  # UTC+8, no summer time
BERLIN = ZoneInfo("Europe/Berlin")  # 2026-03-29 02:00 becomes 03:00; 2026-10-25 03:00 becomes 02:00
HOUR_S = 3600.0
SUNDAY = frozenset({7})


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


NIGHT = Window(begin_minute=60, duration_s=4 * HOUR_S)  # 01:00 to 05:00
LATE = Window(SUNDAY, begin_minute=23 * 60, duration_s=3 * HOUR_S)  # Sunday 23:00 to Monday 02:00
GAP = Window(begin_minute=150, duration_s=HOUR_S)  # 02:30
ALL_DAY = Window(SUNDAY, begin_minute=23 * 60 + 59, duration_s=24 * HOUR_S)

IN_WINDOW: list[tuple[str, Window, ZoneInfo, str, bool]] = [
    ("Shanghai, before", NIGHT, SHANGHAI, "2026-11-21 16:59:59", False),
    ("Shanghai, first instant", NIGHT, SHANGHAI, "2026-11-21 17:00", True),
    ("Shanghai, last second", NIGHT, SHANGHAI, "2026-11-21 20:59:59", True),
    ("Shanghai, end", NIGHT, SHANGHAI, "2026-11-21 21:00", False),
    ("Sunday night, Sunday", LATE, SHANGHAI, "2026-11-22 15:00", True),
    ("Sunday night, Monday", LATE, SHANGHAI, "2026-11-22 17:59:59", True),
    ("Sunday night is over", LATE, SHANGHAI, "2026-11-22 18:00", False),
    ("Saturday night is another", LATE, SHANGHAI, "2026-11-21 15:00", False),
    # 01:00 to 05:00 is 4 h by the clock that runs through: it ends at 06:00 in spring, at 04:00 in autumn
    ("spring, 05:30 local", NIGHT, BERLIN, "2026-03-29 03:30", True),
    ("spring, 06:00 local", NIGHT, BERLIN, "2026-03-29 04:00", False),
    ("autumn, 03:59 local", NIGHT, BERLIN, "2026-10-25 02:59", True),
    ("autumn, 04:00 local", NIGHT, BERLIN, "2026-10-25 03:00", False),
    # 02:30 is skipped in spring: as if the clock had not been put forward yet
    ("gap, before", GAP, BERLIN, "2026-03-29 01:29:59", False),
    ("gap, begin", GAP, BERLIN, "2026-03-29 01:30", True),
    ("gap, end", GAP, BERLIN, "2026-03-29 02:30", False),
    # 02:30 comes twice in autumn: the first counts
    ("fold, first 02:30", GAP, BERLIN, "2026-10-25 00:30", True),
    ("fold, second 02:30", GAP, BERLIN, "2026-10-25 01:30", False),
    # Saturday 2026-03-28 has no such window; Sunday 23:59 summer time runs until Monday 23:59
    ("24 h, begin", ALL_DAY, BERLIN, "2026-03-29 21:59", True),
    ("24 h, last second", ALL_DAY, BERLIN, "2026-03-30 21:58:59", True),
    ("24 h, over", ALL_DAY, BERLIN, "2026-03-30 21:59", False),
    # begins on Saturday 23:59 before a day of 23 h, so it ends on Monday 00:59
    ("24 h over a short day", Window(frozenset({6}), 1439, 24 * HOUR_S), BERLIN, "2026-03-29 22:58", True),
    ("24 h over a short day, over", Window(frozenset({6}), 1439, 24 * HOUR_S), BERLIN, "2026-03-29 22:59", False),
]


@pytest.mark.parametrize(
    ("window", "zone", "moment", "wanted"), [row[1:] for row in IN_WINDOW], ids=[row[0] for row in IN_WINDOW]
)
def test_a_moment_is_in_a_window_or_not(window: Window, zone: ZoneInfo, moment: str, *, wanted: bool) -> None:
    assert is_open((window,), utc(moment), zone) == wanted


def test_no_windows_are_always_open_and_one_of_many_is_enough() -> None:
    noon = utc("2026-11-22 12:00")
    assert is_open((), noon, UTC)
    assert is_open((NIGHT, Window(begin_minute=720)), noon, UTC)


DAY = WeeklyHours(frozenset({1, 2, 3, 4, 5}), 8 * 60, 18 * 60)
NIGHTS = WeeklyHours(frozenset({5}), 22 * 60, 6 * 60)
IN_HOURS: list[tuple[str, WeeklyHours, ZoneInfo, str, bool]] = [
    ("Monday 08:00", DAY, SHANGHAI, "2026-11-23 00:00", True),
    ("Monday 18:00", DAY, SHANGHAI, "2026-11-23 10:00", False),
    ("Sunday noon", DAY, SHANGHAI, "2026-11-22 04:00", False),
    ("Friday 23:00", NIGHTS, SHANGHAI, "2026-11-27 15:00", True),
    ("Saturday 05:59", NIGHTS, SHANGHAI, "2026-11-27 21:59", True),
    ("Saturday 06:00", NIGHTS, SHANGHAI, "2026-11-27 22:00", False),
    ("Saturday 23:00", NIGHTS, SHANGHAI, "2026-11-28 15:00", False),
    ("whole days", WeeklyHours(SUNDAY, 0, 0), SHANGHAI, "2026-11-22 15:59", True),
    ("the day after", WeeklyHours(SUNDAY, 0, 0), SHANGHAI, "2026-11-22 16:00", False),
    # both ends by the local clock: 00:00 to 06:00 is 5 h in spring
    ("spring, 05:59", WeeklyHours(SUNDAY, 0, 360), BERLIN, "2026-03-29 03:59", True),
    ("spring, 06:00", WeeklyHours(SUNDAY, 0, 360), BERLIN, "2026-03-29 04:00", False),
]


@pytest.mark.parametrize(
    ("hours", "zone", "moment", "wanted"), [row[1:] for row in IN_HOURS], ids=[row[0] for row in IN_HOURS]
)
def test_a_moment_is_in_the_hours_or_not(hours: WeeklyHours, zone: ZoneInfo, moment: str, *, wanted: bool) -> None:
    assert holds((hours,), utc(moment), zone) == wanted
    assert holds((), utc(moment), zone)


@given(
    st.integers(0, 1439),
    st.floats(60.0, 86_400.0),
    st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Beirut"]),
    st.integers(0, 365 * 1440),
)
def test_a_daily_window_is_open_for_its_length_from_its_beginning(
    begin_minute: int, duration_s: float, zone_name: str, minutes: int
) -> None:
    zone, window = ZoneInfo(zone_name), Window(begin_minute=begin_minute, duration_s=duration_s)
    local = utc("2026-01-01 00:00") + timedelta(minutes=minutes)
    day = local.astimezone(zone)
    begin = day.replace(hour=begin_minute // 60, minute=begin_minute % 60, fold=0).astimezone(UTC)
    assert is_open((window,), begin, zone)
    assert is_open((window,), begin + timedelta(seconds=duration_s - 1.0), zone)


CLOSING: list[tuple[str, tuple[Window, ...], ZoneInfo, str, str]] = [
    ("a night", (NIGHT,), SHANGHAI, "2026-11-21 17:00", "2026-11-21 21:00"),
    ("outside", (NIGHT,), SHANGHAI, "2026-11-21 21:00", "2026-11-21 21:00"),
    ("the longer of two", (NIGHT, Window(begin_minute=60)), SHANGHAI, "2026-11-21 17:30", "2026-11-21 21:00"),
    ("one after the other", (NIGHT, Window(begin_minute=300)), SHANGHAI, "2026-11-21 18:00", "2026-11-21 22:00"),
    ("a night of spring", (NIGHT,), BERLIN, "2026-03-29 03:30", "2026-03-29 04:00"),
]


@pytest.mark.parametrize(
    ("windows", "zone", "at", "wanted"), [row[1:] for row in CLOSING], ids=[row[0] for row in CLOSING]
)
def test_windows_close_when_the_last_of_them_ends(
    windows: tuple[Window, ...], zone: ZoneInfo, at: str, wanted: str
) -> None:
    assert open_until(windows, utc(at), zone) == utc(wanted)


def test_windows_that_follow_each_other_for_ever_never_close() -> None:
    whole_days = (Window(duration_s=24 * HOUR_S),)
    assert open_until(whole_days, utc("2026-11-21 17:00"), SHANGHAI) is None
