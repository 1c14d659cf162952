"""A clock that leaps by more than a second stops signing until it runs steadily; dates that rolled over are found."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wayside_agent.core.clock_watch import STEADY_S, ClockWatch
from wayside_agent.core.gps_week import EPOCH, rolled_over
from wayside_agent.core.nmea import NmeaDecoder

NOW_S = 1_790_000_000.0


def watched(steps_s: list[float], off_s: float | None = 0.0) -> ClockWatch:
    """A clock that makes a step in each of these seconds."""
    watch, clock_s = ClockWatch().after(NOW_S, 0.0, off_s=off_s), NOW_S
    for second, step_s in enumerate(steps_s, start=1):
        clock_s += 1.0 + step_s
        watch = watch.after(clock_s, float(second), off_s=off_s)
    return watch


@pytest.mark.parametrize("step_s", [-3600.0, -1.5, 1.5, 1e9])
def test_a_leap_is_told_and_signing_rests(step_s: float) -> None:
    watch = watched([0.0, step_s, 0.0])
    assert (watch.signing_rests, watch.jump_count) == (True, 1)
    assert watch.jump_s == pytest.approx(step_s)


@pytest.mark.parametrize("step_s", [-1.0, -0.4, 0.0005, 1.0])
def test_what_clocks_do_is_no_leap(step_s: float) -> None:
    assert not watched([0.0, step_s, 0.0]).signing_rests


def test_signing_goes_on_when_the_clock_has_been_steady_for_a_minute() -> None:
    rest = [0.0] * int(STEADY_S - 1)
    assert watched([5.0, *rest]).signing_rests
    after = watched([5.0, *rest, 0.0])
    assert (after.signing_rests, after.jump_count) == (False, 1)


def test_signing_rests_as_long_as_a_better_source_contradicts() -> None:
    assert watched([5.0, *[0.0] * 300], off_s=5.0).signing_rests
    assert not watched([5.0, *[0.0] * 300], off_s=None).signing_rests


def test_a_sleep_of_the_computer_is_no_leap() -> None:
    watch = ClockWatch().after(NOW_S, 0.0, off_s=None).after(NOW_S + 3600.2, 3600.0, off_s=None)
    assert not watch.signing_rests


FLOOR = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_date_some_epochs_ago_is_told_as_what_it_means(count: int) -> None:
    true = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
    told = true - count * EPOCH
    meant = rolled_over(told, FLOOR)
    assert meant is not None
    assert (meant - told) % EPOCH == timedelta()
    assert meant == true


@pytest.mark.parametrize("told", [FLOOR, FLOOR + timedelta(days=3000), FLOOR - timedelta(hours=23)])
def test_a_date_after_what_is_over_needs_no_correction(told: datetime) -> None:
    assert rolled_over(told, FLOOR) is None


def test_nonsense_is_not_corrected() -> None:
    assert rolled_over(datetime(1950, 1, 1, tzinfo=UTC), FLOOR) is None


def test_the_receiver_of_april_2019_tells_the_right_day(shared_data: Path) -> None:
    log = (shared_data / "gnss/nmea/april6_2019.log").read_bytes()
    decoder = NmeaDecoder()
    lines = (line for line in log.splitlines(keepends=True) if not line.startswith(b"#"))
    fixes = [*decoder.feed(b"".join(lines)), *decoder.flush()]
    times = [fix.utc_time for fix in fixes if fix.utc_time is not None]
    assert times, "the sentence with year 99 has a time"
    assert {time.date().isoformat() for time in times} == {"2019-04-07"}
    meant = rolled_over(datetime(1999, 8, 22, 0, 2, 31, tzinfo=UTC), datetime(2019, 3, 14, tzinfo=UTC))
    assert meant == datetime(2019, 4, 7, 0, 2, 31, tzinfo=UTC)
