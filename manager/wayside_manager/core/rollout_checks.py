"""Bounds of a plan, as rollout.proto states them; one sentence for the first thing that is wrong, naming the field.

Whether a time zone exists is not checked here: that needs files. Usage: `plan = checked_plan(plan, field="plan")`.
"""

import math
from dataclasses import replace

from wayside.errors import InvalidArgumentError
from wayside_manager.core.rollout import SECONDS_PER_DAY, RolloutPlan, Wave, Window

WAVES_MAX = 50
WINDOWS_MAX = 20
MEMBERS_MAX = 5000
"""Sites and labels a wave names; as many as a corridor has sites."""
RETRY_COUNT_MAX = 5
_COUNT_MAX = 2**31 - 1  # int32 in rollout.proto
_MINUTES_PER_DAY = 1440
_FIRST_YEAR, _LAST_YEAR = 2000, 2199
_UNITS = ((SECONDS_PER_DAY, "d"), (3600.0, "h"), (60.0, "min"))


def checked_plan(plan: RolloutPlan, *, field: str = "plan") -> RolloutPlan:
    """The plan with zeros that stand for a default replaced by it.

    Raises: InvalidArgumentError: a value is out of range, or a wave says in no way or in two which nodes are in it.
    """
    _check_length(f"{field}.waves", len(plan.waves), WAVES_MAX)
    _check_length(f"{field}.windows", len(plan.windows), WINDOWS_MAX)
    _check_number(f"{field}.max_in_flight_count", plan.max_in_flight_count, 0, _COUNT_MAX)
    _check_number(f"{field}.max_failure_count", plan.max_failure_count, 0, _COUNT_MAX)
    _check_number(f"{field}.max_failure_percent", plan.max_failure_percent, 0, 100)
    _check_number(f"{field}.max_corridor_percent", plan.max_corridor_percent, 0, 100)
    _check_time(f"{field}.node_timeout", plan.node_timeout_s, 10, 30 * SECONDS_PER_DAY)
    _check_time(f"{field}.deadline", plan.deadline_s, 60, 365 * SECONDS_PER_DAY)
    _check_time(f"{field}.trial_timeout", plan.trial_timeout_s, 5, SECONDS_PER_DAY)
    if plan.begin_time is not None and not _FIRST_YEAR <= plan.begin_time.year <= _LAST_YEAR:
        raise InvalidArgumentError(
            f"{field}.begin_time: {plan.begin_time:%Y} is not a year from {_FIRST_YEAR} to {_LAST_YEAR}",
            reason="PLAN_INVALID",
        )
    _check_number(f"{field}.retry_count", plan.retry_count, 0, RETRY_COUNT_MAX)
    _check_time(f"{field}.retry_base", plan.retry_base_s, 10, SECONDS_PER_DAY)
    for index, window in enumerate(plan.windows):
        _check_window(f"{field}.windows[{index}]", window)
    return replace(
        plan,
        waves=tuple(_checked_wave(f"{field}.waves[{index}]", wave) for index, wave in enumerate(plan.waves)),
        max_failure_count=plan.max_failure_count or 1,
        time_zone=plan.time_zone or "UTC",
    )


def _checked_wave(path: str, wave: Wave) -> Wave:
    _check_number(f"{path}.count", wave.count, 0, _COUNT_MAX)
    _check_number(f"{path}.percent", wave.percent, 0, 100)
    _check_length(f"{path}.members", len(wave.labels) + len(wave.site_ids), MEMBERS_MAX)
    ways = [bool(wave.count), bool(wave.percent), bool(wave.labels or wave.site_ids)]
    if sum(ways) != 1:
        raise InvalidArgumentError(
            f"{path}: {'nothing says' if not any(ways) else 'more than one value says'} which nodes are in the wave; "
            "give a count above 0, a percent above 0, or labels and sites",
            reason="PLAN_INVALID",
        )
    _check_number(f"{path}.min_success_count", wave.min_success_count, 0, _COUNT_MAX)
    _check_number(f"{path}.min_success_percent", wave.min_success_percent, 0, 100)
    _check_time(f"{path}.observation", wave.observation_s, 0, 30 * SECONDS_PER_DAY)
    return replace(wave, min_success_count=wave.min_success_count or 1)


def _check_window(path: str, window: Window) -> None:
    for weekday in sorted(window.weekdays):
        _check_number(f"{path}.weekdays", weekday, 1, 7)
    if not 0 <= window.begin_minute < _MINUTES_PER_DAY:
        raise InvalidArgumentError(f"{path}.begin: it is outside 00:00 to 23:59", reason="PLAN_INVALID")
    _check_time(f"{path}.duration", window.duration_s, 60, SECONDS_PER_DAY)


def _check_length(path: str, length: int, most: int) -> None:
    if length > most:
        raise InvalidArgumentError(f"{path}: {length} entries are more than {most}", reason="PLAN_INVALID")


def _check_number(path: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # NaN is in no range
        raise InvalidArgumentError(f"{path}: {value:g} is outside {low:.15g} to {high:.15g}", reason="PLAN_INVALID")


def _check_time(path: str, value_s: float, low_s: float, high_s: float) -> None:
    if not low_s <= value_s <= high_s:
        text = _spoken(value_s) if math.isfinite(value_s) else f"{value_s}"
        raise InvalidArgumentError(
            f"{path}: {text} is outside {_spoken(low_s)} to {_spoken(high_s)}", reason="PLAN_INVALID"
        )


def _spoken(value_s: float) -> str:
    for unit_s, unit in _UNITS:
        if value_s >= unit_s and value_s % unit_s == 0:
            return f"{value_s / unit_s:g} {unit}"
    return f"{value_s:g} s"
