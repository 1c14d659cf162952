"""Whether a moment lies in a maintenance window, or in the hours of the week of a rule.

A window begins by the local clock and runs by the clock that runs through: one of 2 h ends 2 h later, whatever the
local clock did meanwhile. A local time that is skipped counts as if the clock had not been put forward yet; of one that
comes twice the first counts. Beginnings belong to a window, ends do not. Usage: `is_open(plan.windows, now, zone)`.
"""

from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from wayside_manager.core.rollout import Window
from wayside_manager.core.sites import WeeklyHours

_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_DAYS_BACK = 2
"""A window of 24 h that begins at 23:59 before a day of 23 h ends two dates later."""


def is_open(windows: Collection[Window], moment: datetime, zone: tzinfo) -> bool:
    """Whether units may be touched at an aware moment. No windows: always."""
    return not windows or any(_is_in_window(window, moment, zone) for window in windows)


def open_until(windows: Collection[Window], moment: datetime, zone: tzinfo) -> datetime | None:
    """When the windows that an aware moment lies in close, in UTC; the moment itself if it lies in none.

    One that begins as another ends goes on with it. `None`: they never close.
    """
    end_time = moment.astimezone(UTC)
    while end_time < moment + _WEEK:  # what is open for a week is open in the next one, too
        later = max((end for window in windows for end in _ends(window, end_time, zone)), default=end_time)
        if later == end_time:
            return end_time
        end_time = later
    return None


def holds(hours: Collection[WeeklyHours], moment: datetime, zone: tzinfo) -> bool:
    """Whether an aware moment lies in the hours, begin and end both by the local clock. No hours: always."""
    return not hours or any(_is_in_hours(span, moment, zone) for span in hours)


def _is_in_window(window: Window, moment: datetime, zone: tzinfo) -> bool:
    return any(True for _ in _ends(window, moment, zone))


def _ends(window: Window, moment: datetime, zone: tzinfo) -> Iterator[datetime]:
    """Ends of the window where it holds the moment; of 24 h or less, on a day of 25 h too, they are two at most."""
    duration = timedelta(seconds=window.duration_s)
    today = moment.astimezone(zone).date()
    for days_back in range(_DAYS_BACK + 1):
        day = today - days_back * _DAY
        if _is_on(window.weekdays, day):
            begin_time = _instant(day, window.begin_minute, zone)
            if begin_time <= moment < begin_time + duration:
                yield begin_time + duration


def _is_in_hours(hours: WeeklyHours, moment: datetime, zone: tzinfo) -> bool:
    today = moment.astimezone(zone).date()
    days_long = _DAY if hours.end_minute <= hours.begin_minute else timedelta()
    return any(
        _is_on(hours.weekdays, day)
        and _instant(day, hours.begin_minute, zone) <= moment < _instant(day + days_long, hours.end_minute, zone)
        for day in (today, today - _DAY)
    )


def _is_on(weekdays: frozenset[int], day: date) -> bool:
    return not weekdays or day.isoweekday() in weekdays


def _instant(day: date, minute: int, zone: tzinfo) -> datetime:
    # in UTC: datetimes of one zone are compared and added to by the local clock
    return datetime.combine(day, time(minute // 60, minute % 60), tzinfo=zone).astimezone(UTC)
