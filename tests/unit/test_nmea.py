"""Epochs of a receiver: when they are handed over, and what may carry a position."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wayside_agent.core import nmea_text
from wayside_agent.core.fix import Fix, FixMode, FixQuality, Position, System
from wayside_agent.core.nmea import NmeaDecoder, rolled_forward
from wayside_agent.core.nmea_sentence import encoded

PLACE = "2001.8074,N,11019.8340,E"


def said(*bodies: str) -> bytes:
    return b"".join(encoded(body) for body in bodies)


def gga(time: str = "010203.00", *, place: str = PLACE, quality: str = "1") -> str:
    return f"GNGGA,{time},{place},{quality},12,0.8,15.0,M,,M,,"


def rmc(
    time: str = "010203.00", *, status: str = "A", place: str = PLACE, letter: str = "A", day: str = "221126"
) -> str:
    return f"GNRMC,{time},{status},{place},10.0,90.0,{day},,,{letter},V"


def only_fix(*bodies: str) -> Fix:
    decoder = NmeaDecoder()
    (fix,) = decoder.feed(said(*bodies)) + decoder.flush()
    return fix


def test_sentences_of_one_time_make_one_fix() -> None:
    fix = only_fix(gga(), rmc())
    assert fix.mode is FixMode.THREE_D
    assert fix.quality is FixQuality.AUTONOMOUS
    assert fix.position is not None
    assert fix.position.latitude_deg == pytest.approx(20.030123, abs=1e-6)
    assert fix.position.longitude_deg == pytest.approx(110.330567, abs=1e-6)
    assert fix.position.altitude_m == 15.0
    assert fix.utc_time == datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
    assert fix.speed_mps == pytest.approx(5.14444, abs=1e-5)
    assert (fix.course_deg, fix.hdop, fix.satellite_count) == (90.0, 0.8, 12)


@pytest.mark.parametrize(
    "bodies",
    [
        (gga(quality="0"), rmc()),
        (gga(), rmc(status="V")),
        (gga(), rmc(letter="N")),
        (gga(), f"GNGLL,{PLACE},010203.00,V,N"),
        (gga(), f"GNGNS,010203.00,{PLACE},NNNN,00,,,,,"),
        (gga(), rmc(), "GNGSA,A,1,,,,,,,,,,,,,99.9,99.9,99.9,4"),
        (gga(place=",,,"), rmc(place=",,,")),
        (gga(place="9101.0,N,11019.8340,E"),),
        (gga(place="2001.8074,N,18100.0,E"),),
        (gga(place="2001.8074,N,,"),),
    ],
    ids=["GGA 0", "RMC V", "RMC N", "GLL V", "GNS N", "GSA 1", "empty", "latitude 91", "longitude 181", "half"],
)
def test_an_epoch_that_anything_denies_carries_no_position(bodies: tuple[str, ...]) -> None:
    decoder = NmeaDecoder()
    for fix in decoder.feed(said(*bodies)) + decoder.flush():
        assert fix.position is None
        assert fix.mode is FixMode.NONE
        assert fix.quality is FixQuality.INVALID
        assert fix.speed_mps is None


def test_a_system_without_a_fix_does_not_deny_the_fix_of_the_others() -> None:
    fix = only_fix(gga(), "GNGSA,A,1,,,,,,,,,,,,,1.5,0.9,1.2,2", "GNGSA,A,3,01,02,03,04,,,,,,,,,1.5,0.9,1.2,4")
    assert fix.mode is FixMode.THREE_D


def test_a_fix_is_handed_over_at_the_sentence_that_closed_the_cycle_before() -> None:
    decoder = NmeaDecoder()
    assert decoder.feed(said(gga("010203.00"), rmc("010203.00"))) == []
    (first,) = decoder.feed(said(gga("010204.00")))
    (second,) = decoder.feed(said(rmc("010204.00")))
    assert [fix.utc_time.second for fix in (first, second) if fix.utc_time] == [3, 4]


def test_when_the_closing_sentence_is_lost_the_next_epoch_hands_over_and_none_comes_twice() -> None:
    decoder = NmeaDecoder()
    decoder.feed(said(gga("010203.00"), rmc("010203.00")))
    fixes = decoder.feed(said(gga("010204.00"), gga("010205.00"), rmc("010205.00"), gga("010206.00"), rmc("010206.00")))
    seconds = [fix.utc_time.second for fix in fixes if fix.utc_time]
    assert seconds == [3, 4, 5, 6]


def test_a_receiver_without_a_time_yet_still_gives_epochs() -> None:
    decoder = NmeaDecoder()
    cold = said("GPGGA,,,,,,0,00,99.99,,,,,,", "GPRMC,,V,,,,,,,,,,N")
    fixes = decoder.feed(cold * 3) + decoder.flush()
    assert [fix.mode for fix in fixes] == [FixMode.NONE] * 3
    assert all(fix.utc_time is None and fix.hdop is None for fix in fixes)


@pytest.mark.parametrize(
    ("digit", "quality"),
    [
        ("1", "autonomous"),
        ("2", "differential"),
        ("3", "other"),
        ("4", "rtk-fixed"),
        ("5", "rtk-float"),
        ("6", "estimated"),
    ],
)
def test_gga_field_six_is_the_quality(digit: str, quality: str) -> None:
    assert only_fix(gga(quality=digit), rmc(letter="A")).quality == quality


@pytest.mark.parametrize(("letter", "quality"), [("D", "differential"), ("R", "rtk-fixed"), ("F", "rtk-float")])
def test_a_receiver_without_gga_gives_its_quality_by_letter(letter: str, quality: str) -> None:
    assert only_fix(rmc(letter=letter)).quality == quality


def test_gns_counts_the_best_of_its_systems() -> None:
    fix = only_fix(f"GNGNS,010203.00,{PLACE},ARNF,27,0.6,12.0,,1.0,0001,V", rmc())
    assert (fix.quality, fix.satellite_count, fix.correction_age_s) == (FixQuality.RTK_FIXED, 27, 1.0)


def test_an_rmc_nav_status_v_is_no_denial() -> None:
    assert only_fix(rmc()).position is not None


def test_the_date_goes_on_over_midnight_without_a_date_in_sight() -> None:
    decoder = NmeaDecoder()
    fixes = decoder.feed(said(gga("235959.00"), rmc("235959.00", day="311226"), gga("000000.00"), gga("000001.00")))
    fixes += decoder.flush()
    assert fixes[-1].utc_time == datetime(2027, 1, 1, 0, 0, 1, tzinfo=UTC)


def test_a_date_of_1024_weeks_ago_is_moved_forward_and_counted() -> None:
    decoder = NmeaDecoder()
    (fix,) = decoder.feed(said(rmc("000231.42", day="220899"))) + decoder.flush()
    assert fix.utc_time == datetime(2019, 4, 7, 0, 2, 31, 420_000, tzinfo=UTC)
    assert decoder.counters().corrected_date_count == 1
    assert rolled_forward(date(1980, 1, 6), date(2026, 1, 1)) == date(2038, 11, 21)


def test_an_impossible_date_leaves_the_time_unknown_and_the_position_in_place() -> None:
    fix = only_fix(rmc(day="2208-1"))
    assert fix.utc_time is None
    assert fix.position is not None


def test_ths_and_ksxt_give_the_heading_of_two_antennas() -> None:
    assert only_fix(gga(), "GNTHS,341.3344,A").heading_deg == 341.3344
    assert only_fix(gga(), "GNTHS,341.3344,V").heading_deg is None
    ksxt = "KSXT,20261122010203.00,110.33056700,20.03012340,68.3830,299.22,-67.03,190.28,36.0,,3,3,46,28,,,,0,0,0,,"
    fix = only_fix(ksxt)
    assert (fix.heading_deg, fix.quality) == (299.22, FixQuality.RTK_FIXED)
    assert fix.speed_mps == pytest.approx(10.0)
    assert fix.position == Position(20.0301234, 110.330567)
    assert fix.utc_time == datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)


def test_a_ksxt_without_a_heading_solution_gives_no_heading() -> None:
    fix = only_fix("KSXT,20261122010203.00,110.3,20.0,68.3,299.22,0,190.28,36.0,,3,0,46,28,,,,0,0,0,,")
    assert fix.heading_deg is None


def test_dilution_of_99_means_none() -> None:
    assert only_fix(gga(quality="0"), "GNGSA,A,1,,,,,,,,,,,,,99.9,99.9,99.9,4").hdop is None


def test_unused_kinds_are_counted_apart() -> None:
    decoder = NmeaDecoder()
    decoder.feed(
        said("GPTXT,01,01,01,ANTENNA OK", "PSRFEPE,074150.799,V,,,,,", gga(), gga(quality="Q")) + b"$GPGGA,1*00\r\n"
    )
    counters = decoder.counters()
    assert (counters.sentence_count, counters.bad_sentence_count, counters.unknown_sentence_count) == (2, 2, 1)


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_random_bytes_never_give_a_fix(pieces: list[bytes]) -> None:
    decoder = NmeaDecoder()
    fixes = [fix for piece in pieces for fix in decoder.feed(piece)] + decoder.flush()
    assert fixes == []


FIELDS = st.text(alphabet="0123456789.-NSEWAVMT", max_size=12)


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["GGA", "RMC", "GNS", "GLL", "VTG", "GSA", "GSV", "ZDA", "THS"]),
            st.lists(FIELDS, max_size=22),
        )
    )
)
def test_random_fields_under_a_right_check_sum_never_raise_and_stay_on_the_globe(
    bodies: list[tuple[str, list[str]]],
) -> None:
    decoder = NmeaDecoder()
    data = said(*(",".join([f"GN{kind}", *fields]) for kind, fields in bodies))
    for fix in decoder.feed(data) + decoder.flush():
        if fix.position:
            assert -90 <= fix.position.latitude_deg <= 90
            assert -180 <= fix.position.longitude_deg <= 180


@given(st.integers(0, 400), st.integers(1, 255))
def test_one_changed_byte_never_moves_the_vehicle(index: int, change: int) -> None:
    data = bytearray(said(gga("010203.00"), rmc("010203.00"), gga("010204.00"), rmc("010204.00")))
    data[index % len(data)] ^= change
    decoder = NmeaDecoder()
    for fix in decoder.feed(bytes(data)) + decoder.flush():
        if fix.position:
            assert fix.position.latitude_deg == pytest.approx(20.030123, abs=1e-6)
            assert fix.position.longitude_deg == pytest.approx(110.330567, abs=1e-6)


@given(
    st.floats(-90, 90),
    st.floats(-180, 180),
    st.sampled_from([FixQuality.AUTONOMOUS, FixQuality.RTK_FIXED, FixQuality.RTK_FLOAT, FixQuality.DIFFERENTIAL]),
)
def test_what_the_simulator_writes_is_read_back(latitude_deg: float, longitude_deg: float, quality: FixQuality) -> None:
    time = datetime(2026, 11, 22, 23, 59, 59, 900_000, tzinfo=UTC)
    fix = Fix(
        FixMode.THREE_D,
        quality,
        Position(latitude_deg, longitude_deg, 12.5),
        utc_time=time,
        in_view={System.BEIDOU: 14, System.QZSS: 3, System.GPS: 9},
    )
    decoder = NmeaDecoder()
    (back,) = decoder.feed(nmea_text.sentences(fix)) + decoder.flush()
    assert back.position is not None
    assert back.position.latitude_deg == pytest.approx(latitude_deg, abs=1e-8)
    assert back.position.longitude_deg == pytest.approx(longitude_deg, abs=1e-8)
    assert (back.utc_time, back.quality, back.in_view) == (time, quality, fix.in_view)
