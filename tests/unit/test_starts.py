"""Why the agent was started, and how often nobody asked for it."""

import pytest

from wayside_agent.core.starts import DAY_S, Start, StartReason, Starts, ended, started

RAN = Starts("boot-1", 5, 2, (100.0, 200.0))
STOPPED = ended(RAN)


@pytest.mark.parametrize(
    ("before", "result", "boot_id", "reason", "is_unasked"),
    [
        (None, "", "boot-1", StartReason.ASKED, False),
        (STOPPED, "", "boot-1", StartReason.ASKED, False),
        (STOPPED, "exit-code", "boot-1", StartReason.ASKED, False),
        (STOPPED, "", "boot-2", StartReason.BOOT, False),
        (RAN, "", "boot-2", StartReason.BOOT, True),
        (RAN, "success", "boot-2", StartReason.BOOT, True),
        (RAN, "", "boot-1", StartReason.CRASH, True),
        (RAN, "signal", "boot-1", StartReason.CRASH, True),
        (RAN, "oom-kill", "boot-1", StartReason.CRASH, True),
        (RAN, "watchdog", "boot-1", StartReason.WATCHDOG, True),
        (RAN, "success", "boot-1", StartReason.ASKED, False),
    ],
    ids=[
        "first", "stopped", "switched-release", "rebooted", "power-cut", "power-cut-after-a-stop-that-was-not-noted",
        "killed", "signal", "memory", "watchdog", "stopped-while-starting",
    ],
)  # fmt: skip
def test_a_start_has_the_reason_of_the_end_before(
    before: Starts | None, result: str, boot_id: str, reason: StartReason, is_unasked: bool
) -> None:
    starts, start = started(before, result, boot_id=boot_id, utc_s=1000.0)
    held = before or Starts()
    assert start == Start(reason, 1000.0, starts)
    assert (starts.start_count, starts.unasked_count) == (held.start_count + 1, held.unasked_count + is_unasked)
    assert (starts.boot_id, starts.ended) == (boot_id, False)
    assert starts.unasked_times_s == (*held.unasked_times_s, *([1000.0] if is_unasked else []))


def test_unasked_starts_count_for_a_day() -> None:
    _, start = started(Starts("b", 5, 2, (100.0, 50_000.0)), "", boot_id="b", utc_s=90_000.0)
    assert start.unasked_per_day(90_000.0) == 2.0
    assert start.unasked_per_day(90_000.0 + DAY_S) == 0.0


def test_a_clock_of_1970_at_the_start_hides_no_crash_of_today() -> None:
    now_s = 1_790_000_000.0
    starts, _ = started(Starts("b", 1, 1, (now_s,)), "", boot_id="b", utc_s=5.0)
    assert Start(StartReason.CRASH, 5.0, starts).unasked_per_day(now_s) == 2.0


AHEAD_S = 4_070_908_800.0  # 2099


def test_crashes_under_a_clock_that_was_ahead_count_no_more_once_it_is_right() -> None:
    now_s = 1_790_000_000.0
    starts: Starts | None = Starts("b", 1, 0)
    for turn in range(12):
        starts, start = started(starts, "", boot_id="b", utc_s=AHEAD_S + turn)
    assert start.unasked_per_day(AHEAD_S + 12) == 12.0
    assert start.unasked_per_day(now_s) == 0.0


def test_a_crash_after_a_clock_was_ahead_counts_for_its_day_only() -> None:
    now_s = 1_790_000_000.0
    _, start = started(Starts("b", 1, 1, (AHEAD_S,)), "", boot_id="b", utc_s=now_s)
    assert start.unasked_per_day(now_s + 5.0) == 1.0
    assert start.unasked_per_day(now_s + DAY_S) == 0.0


def test_a_clock_that_is_not_set_hides_nothing() -> None:
    now_s = 1_790_000_000.0
    _, start = started(Starts("b", 1, 1, (now_s,)), "", boot_id="b", utc_s=5.0)
    assert start.unasked_per_day(6.0) == 2.0


def test_a_clock_that_was_set_back_by_hours_hides_nothing() -> None:
    now_s = 1_790_000_000.0
    _, start = started(Starts("b", 1, 1, (now_s + 3 * 3600.0,)), "", boot_id="b", utc_s=now_s)
    assert start.unasked_per_day(now_s) == 2.0


def test_what_nobody_counts_is_not_zero() -> None:
    assert Start().unasked_per_day(0.0) is None


def test_a_crash_loop_of_weeks_takes_bounded_space() -> None:
    starts: Starts | None = None
    for turn in range(10_000):
        starts, _ = started(starts, "", boot_id="b", utc_s=float(turn))
    assert starts is not None
    assert (starts.start_count, starts.unasked_count, len(starts.unasked_times_s)) == (10_000, 9_999, 100)
