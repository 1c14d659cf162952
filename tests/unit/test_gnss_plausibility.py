"""Real receivers raise nothing; the same logs spoofed, frozen or made to leap raise the right thing."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wayside_agent.core.fix import Fix, FixMode, FixQuality, Position
from wayside_agent.core.gnss_plausibility import Fault, Plausibility, Rules, Verdict, distance_m
from wayside_agent.core.nmea import NmeaDecoder

LOGS = (
    "april6_2019",
    "beidou-bd",
    "beidou-gb",
    "nmea-rtk",
    "quectel-l76k-nmea",
    "sl869",
    "ublox-zed-f9p-nmea",
)
GAP_MAX_S = 30.0


def epochs(data: Path, log: str) -> list[Fix]:
    """The epochs of a log; where it was cut, it begins anew."""
    content = (data / f"gnss/nmea/{log}.log").read_bytes()
    decoder = NmeaDecoder()
    lines = (line for line in content.splitlines(keepends=True) if not line.startswith(b"#"))
    found, last = [*decoder.feed(b"".join(lines)), *decoder.flush()], None
    cut = []
    for fix in found:
        step_s = (fix.utc_time - last).total_seconds() if fix.utc_time and last else 0.0
        cut.append(replace(fix, begins_anew=not 0 <= step_s <= GAP_MAX_S))
        last = fix.utc_time or last
    return cut


def timed(fixes: Iterable[Fix]) -> Iterator[tuple[Fix, float]]:
    """Each epoch when it came, by a steady clock."""
    mono_s, last = 1000.0, None
    for fix in fixes:
        step_s = 1.0 if fix.utc_time is None or last is None else (fix.utc_time - last).total_seconds()
        mono_s += 1.0 if fix.begins_anew else step_s
        last = fix.utc_time or last
        yield fix, mono_s


def verdicts(fixes: Iterable[tuple[Fix, float]], rules: Rules | None = None) -> list[Verdict]:
    judge = Plausibility(rules or Rules())
    return [judge.judged(fix, mono_s) for fix, mono_s in fixes]


def faults(fixes: Iterable[tuple[Fix, float]], rules: Rules | None = None) -> set[Fault]:
    return {verdict.fault for verdict in verdicts(fixes, rules)} - {Fault.NONE}


@pytest.mark.parametrize("stands", [True, False], ids=["stands", "moves"])
@pytest.mark.parametrize("log", LOGS)
def test_a_real_receiver_raises_nothing(shared_data: Path, log: str, stands: bool) -> None:  # of the table
    assert faults(timed(epochs(shared_data, log)), Rules(stands=stands)) == set()


def moved(fix: Fix, north_m: float) -> Fix:
    assert fix.position is not None
    return replace(fix, position=replace(fix.position, latitude_deg=fix.position.latitude_deg + north_m / 111_195.0))


LONG = "quectel-l76k-nmea"  # 150 epochs with a position


@pytest.mark.parametrize("way_m", [2_000.0, 50_000.0])
def test_a_receiver_that_leaps_is_found(shared_data: Path, way_m: float) -> None:
    fixes = [
        moved(fix, way_m) if place > 80 and fix.position else fix for place, fix in enumerate(epochs(shared_data, LONG))
    ]
    assert faults(timed(fixes)) == {Fault.JUMP}


def test_a_unit_that_stands_and_is_slowly_led_away_is_found(shared_data: Path) -> None:
    fixes = [
        moved(fix, 8.0 * max(0, place - 70)) if fix.position else fix
        for place, fix in enumerate(epochs(shared_data, LONG))
    ]
    assert faults(timed(fixes), Rules(stands=True)) == {Fault.ELSEWHERE}


def test_a_unit_that_stands_elsewhere_than_surveyed_is_found(shared_data: Path) -> None:
    fixes = epochs(shared_data, "beidou-bd")
    place = next(fix.position for fix in fixes if fix.position)
    surveyed = replace(place, latitude_deg=place.latitude_deg + 0.01)
    judged = verdicts(timed([*fixes, *fixes]), Rules(stands=True, place=surveyed))
    assert judged[-1].fault is Fault.ELSEWHERE
    assert "m from where the unit stands" in judged[-1].reason


def road(seconds: int, speed_mps: float = 15.0) -> list[Fix]:
    """A drive to the north at a steady speed, one epoch a second."""
    begin = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
    return [
        Fix(
            FixMode.THREE_D,
            FixQuality.AUTONOMOUS,
            Position(20.0 + second * speed_mps / 111_195.0, 110.0, 12.0),
            begin + timedelta(seconds=second),
            speed_mps=speed_mps,
            course_deg=0.0,
            hdop=0.9,
            satellite_count=14,
        )
        for second in range(seconds)
    ]


def frozen_place(fixes: list[Fix]) -> list[Fix]:
    return [replace(fix, position=fixes[60].position) if place > 60 else fix for place, fix in enumerate(fixes)]


def frozen_time(fixes: list[Fix]) -> list[Fix]:
    return [replace(fix, utc_time=fixes[60].utc_time) if place > 60 else fix for place, fix in enumerate(fixes)]


def slower_than_told(fixes: list[Fix]) -> list[Fix]:
    return [replace(fix, speed_mps=45.0) for fix in fixes]


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (list, None),
        (frozen_place, Fault.FROZEN),
        (frozen_time, Fault.FROZEN),
        (slower_than_told, Fault.CONTRADICTION),
    ],
    ids=["clean", "place-stands-still", "time-stands-still", "speed-contradicts"],
)
def test_a_drive_is_judged(spoil: Callable[[list[Fix]], list[Fix]], fault: Fault | None) -> None:
    found = faults((fix, 500.0 + second) for second, fix in enumerate(spoil(road(120))))
    assert (fault in found) if fault else (found == set())


def test_a_trembling_receiver_that_stops_trembling_is_frozen(shared_data: Path) -> None:
    fixes = epochs(shared_data, "ublox-zed-f9p-nmea")
    with_place = [fix for fix in fixes if fix.position]
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    noisy = [moved(with_place[0], 0.01 * (second % 7)) for second in range(70)]
    still = [noisy[-1]] * 70
    run = [replace(fix, utc_time=begin + timedelta(seconds=s), speed_mps=0.0) for s, fix in enumerate(noisy + still)]
    judged = verdicts((fix, float(second)) for second, fix in enumerate(run))
    assert judged[60].fault is Fault.NONE
    assert judged[-1].fault is Fault.FROZEN


@pytest.mark.parametrize("leap_s", [-600.0, 5.0, 86_400.0])
def test_a_time_that_leaps_is_found(leap_s: float) -> None:
    fixes = [
        replace(fix, utc_time=fix.utc_time + timedelta(seconds=leap_s)) if place > 60 and fix.utc_time else fix
        for place, fix in enumerate(road(100))
    ]
    assert faults((fix, 500.0 + second) for second, fix in enumerate(fixes)) == {Fault.TIME}


def test_a_leap_second_is_no_leap() -> None:
    fixes = [
        replace(fix, utc_time=fix.utc_time - timedelta(seconds=1)) if place > 60 and fix.utc_time else fix
        for place, fix in enumerate(road(100))
    ]
    assert faults((fix, 500.0 + second) for second, fix in enumerate(fixes)) == set()


def test_the_time_of_a_recording_says_nothing_about_now() -> None:
    fixes = [replace(fix, is_recorded=True) for fix in road(60)]
    assert faults((fix, 500.0 + 10 * second) for second, fix in enumerate(fixes)) == set()


def test_a_recording_that_begins_again_is_no_leap() -> None:
    fixes = [*road(60), *[replace(fix, begins_anew=place == 0) for place, fix in enumerate(road(60))]]
    assert faults((fix, 500.0 + second) for second, fix in enumerate(fixes)) == set()


def test_a_fault_is_held_for_a_minute_and_then_over() -> None:
    drive = road(200)
    fixes = [moved(fix, 5_000.0) if place == 50 else fix for place, fix in enumerate(drive)]
    judged = verdicts((fix, float(second)) for second, fix in enumerate(fixes))
    assert (judged[49].fault, judged[50].fault, judged[110].fault) == (Fault.NONE, Fault.JUMP, Fault.JUMP)
    assert (judged[-1].fault, judged[-1].reason, judged[-1].count) == (Fault.NONE, "", 1)


def test_distances_are_those_of_the_earth() -> None:
    assert distance_m(Position(20.0, 110.0), Position(21.0, 110.0)) == pytest.approx(111_195, rel=1e-4)
    assert distance_m(Position(0.0, 179.9), Position(0.0, -179.9)) == pytest.approx(22_239, rel=1e-3)
    assert distance_m(Position(89.9, 0.0), Position(89.9, 180.0)) == pytest.approx(22_239, rel=1e-3)


def test_a_change_of_the_configuration_lets_a_spoofed_unit_learn_no_new_place() -> None:
    begin = road(1, 0.0)[0]
    there = [
        replace(begin, utc_time=begin.utc_time + timedelta(seconds=second)) if begin.utc_time else begin
        for second in range(300)
    ]
    plausibility = Plausibility(Rules(stands=True))
    for fix, mono_s in timed(there[:100]):
        assert not plausibility.judged(fix, mono_s).fault
    plausibility.use(Rules(stands=True, place_radius_m=50.0))
    led_away = [moved(fix, 1000.0) for fix in there[100:]]
    found = [plausibility.judged(fix, 200.0 + mono_s).fault for fix, mono_s in timed(led_away)]
    assert found[-1] is Fault.ELSEWHERE
