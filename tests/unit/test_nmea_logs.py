"""Public logs of real receivers, held against gpsd's expected output and against pynmea2.

How gpsd counts, as its `.chk` files show: it reports a TPV after any sentence that brings time, position or mode,
until it has learnt which sentence ends the receiver's cycle, and then once per cycle. So its TPV are more than the
epochs: in nmea-rtk.log one more (the first GGA on its own), in sl869.log six per epoch (it never learns the cycle). We
hand over one fix per epoch. Therefore TPV are counted as they stand (they are the numbers of data/README.md), and fixes
are compared as sets: every position of gpsd is ours and every one of ours is gpsd's, with its time, speed and mode.

Where we differ, and why:
- gpsd leaves the time off the first fixes, before it has seen a date; our epoch is complete before it is handed over.
- april6_2019.log: gpsd passes the date of a receiver past its week roll-over on (1999); we move it to 2019.
- sl869.log, 10:21:43.99 and 10:21:44.00: gpsd ignores a GSA whose dilution is 99 and calls these fixes 3D; the GSA of
  the receiver says 2D, and so do we.
- beidou-bd.log has 78 lines that start with `$`, and a 79th sentence behind a blank; its check sum is right, so we read
  it.
"""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pynmea2
import pytest

from wayside_agent.core.fix import Fix, FixMode, FixQuality, GnssCounters, System
from wayside_agent.core.nmea import NmeaDecoder
from wayside_agent.core.nmea_sentence import Sentences, coordinate, time_of_day

Report = dict[str, object]
CHECKED = ["april6_2019", "beidou-bd", "beidou-gb", "nmea-fuzzy-cases", "nmea-rtk", "sl869"]


def sentences_of(path: Path) -> bytes:
    lines = path.read_bytes().splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith(b"#"))


def decoded(path: Path) -> tuple[list[Fix], GnssCounters]:
    decoder = NmeaDecoder()
    fixes = decoder.feed(sentences_of(path)) + decoder.flush()
    return fixes, decoder.counters()


def reports(path: Path, kind: str) -> list[Report]:
    lines = Path(f"{path}.chk").read_bytes().splitlines()
    found = [json.loads(line) for line in lines if line.startswith(b"{")]
    return [report for report in found if report["class"] == kind]


def instant(text: object) -> datetime | None:
    return datetime.fromisoformat(str(text)).astimezone(UTC) if text else None


@pytest.fixture
def nmea(shared_data: Path) -> Path:
    return shared_data / "gnss" / "nmea"


@pytest.mark.parametrize(
    ("name", "used", "bad", "unused", "epochs"),
    [
        ("april6_2019", 3, 0, 0, 3),
        ("beidou-bd", 67, 0, 12, 10),
        ("beidou-gb", 63, 0, 5, 5),
        ("nmea-fuzzy-cases", 28, 0, 0, 14),
        ("nmea-rtk", 244, 0, 0, 122),
        ("quectel-l76k-nmea", 2280, 0, 0, 151),
        ("sl869", 165, 1, 0, 15),
        ("ublox-zed-f9p-nmea", 957, 0, 58, 29),
    ],
)
def test_every_sentence_of_a_log_is_accounted_for(  # noqa: PLR0917  # one row per log
    nmea: Path, name: str, used: int, bad: int, unused: int, epochs: int
) -> None:
    fixes, counters = decoded(nmea / f"{name}.log")
    counts = (counters.sentence_count, counters.bad_sentence_count, counters.unknown_sentence_count)
    assert counts == (used, bad, unused)
    assert len(fixes) == epochs


@pytest.mark.parametrize(
    ("name", "tpv", "sky"),
    [
        ("april6_2019", 3, 0),
        ("beidou-bd", 32, 23),
        ("beidou-gb", 21, 14),
        ("nmea-fuzzy-cases", 15, 27),
        ("nmea-rtk", 123, 243),
        ("sl869", 95, 50),
    ],
)
def test_gpsd_reports_as_often_as_the_catalogue_says(nmea: Path, name: str, tpv: int, sky: int) -> None:
    path = nmea / f"{name}.log"
    assert (len(reports(path, "TPV")), len(reports(path, "SKY"))) == (tpv, sky)


@pytest.mark.parametrize("name", CHECKED)
def test_our_positions_are_those_of_gpsd_and_no_others(nmea: Path, name: str) -> None:
    fixes, _ = decoded(nmea / f"{name}.log")
    ours = {(fix.position.latitude_deg, fix.position.longitude_deg) for fix in fixes if fix.position}
    theirs = {(tpv["lat"], tpv["lon"]) for tpv in reports(nmea / f"{name}.log", "TPV") if tpv["mode"] != 1}
    assert len(ours) == len(theirs) == sum(fix.position is not None for fix in fixes)
    for latitude_deg, longitude_deg in ours:  # gpsd prints nine decimals
        assert any((latitude_deg, longitude_deg) == pytest.approx(place, abs=6e-10) for place in theirs)


@pytest.mark.parametrize("name", [name for name in CHECKED if name != "april6_2019"])
def test_time_mode_and_speed_of_our_fixes_are_those_of_gpsd(nmea: Path, name: str) -> None:
    fixes, _ = decoded(nmea / f"{name}.log")
    tpvs = [tpv for tpv in reports(nmea / f"{name}.log", "TPV") if tpv.get("time") and tpv["mode"] != 1]
    last = {instant(tpv["time"]): tpv for tpv in tpvs}
    ours = {fix.utc_time: fix for fix in fixes if fix.position}
    assert last.keys() <= ours.keys()
    assert len(ours) - len(last) <= 1  # the first, before gpsd has a date
    different = set()
    for time, tpv in last.items():
        fix = ours[time]
        assert fix.speed_mps == pytest.approx(tpv["speed"], abs=6e-4)
        if fix.mode is not {2: FixMode.TWO_D, 3: FixMode.THREE_D}[int(str(tpv["mode"]))]:
            different.add(time)
    assert len(different) == (2 if name == "sl869" else 0)


@pytest.mark.parametrize("name", ["beidou-bd", "beidou-gb", "sl869"])
def test_where_gpsd_has_no_fix_we_have_none(nmea: Path, name: str) -> None:
    fixes, _ = decoded(nmea / f"{name}.log")
    modes = [tpv["mode"] for tpv in reports(nmea / f"{name}.log", "TPV")]
    first_fix = next(index for index, fix in enumerate(fixes) if fix.position)
    assert 1 in modes[: modes.index(3)]
    assert all(fix.position is None and fix.speed_mps is None for fix in fixes[:first_fix])
    assert all(fix.position for fix in fixes[first_fix:])


@pytest.mark.parametrize("name", ["beidou-bd", "beidou-gb", "sl869"])
def test_satellites_in_view_are_as_many_as_gpsd_sees(nmea: Path, name: str) -> None:
    fixes, _ = decoded(nmea / f"{name}.log")
    theirs = [sky["nSat"] for sky in reports(nmea / f"{name}.log", "SKY") if "nSat" in sky]
    assert sum(fixes[-1].in_view.values()) == theirs[-1]


def test_the_rtk_log_has_104_differential_and_18_fixed_epochs(nmea: Path) -> None:
    fixes, _ = decoded(nmea / "nmea-rtk.log")
    assert Counter(fix.quality for fix in fixes) == {FixQuality.DIFFERENTIAL: 104, FixQuality.RTK_FIXED: 18}


def test_a_receiver_past_the_week_roll_over_shows_the_right_year(nmea: Path) -> None:
    fixes, counters = decoded(nmea / "april6_2019.log")
    assert [fix.mode for fix in fixes] == [FixMode.NONE, FixMode.TWO_D, FixMode.TWO_D]
    assert [fix.utc_time for fix in fixes] == [None, None, datetime(2019, 4, 7, 0, 2, 31, 420_000, tzinfo=UTC)]
    assert counters.corrected_date_count == 1


def test_a_receiver_of_4_11_shows_no_phantom_satellites(nmea: Path) -> None:
    fixes, _ = decoded(nmea / "ublox-zed-f9p-nmea.log")
    assert fixes[-1].in_view == {System.GPS: 12, System.GLONASS: 10, System.GALILEO: 9, System.BEIDOU: 10}
    assert fixes[-1].satellite_count == 20  # GGA stops at 12, the four GSA name 20


@pytest.mark.parametrize("name", ["pygpsdata-MIXED-RTCM3.log", "pygpsdata-MIXED-RTCM3BADCRC.log"])
def test_sentences_among_rtcm_and_ubx_are_read_and_a_dollar_sign_in_binary_is_no_bad_sentence(
    shared_data: Path, name: str
) -> None:
    decoder = NmeaDecoder()
    decoder.feed((shared_data / "gnss" / "rtcm3" / name).read_bytes())
    assert decoder.counters() == GnssCounters(sentence_count=2)


@pytest.mark.parametrize(
    "name",
    ["rtcm3-2.log", "rtcm3.bndm.log", "ublox-zed-f9t-rtcm3.log", "pygpsdata-BADHDR.log", "go-ntrip-testdata.rtcm"],
)
def test_binary_corrections_alone_give_nothing(shared_data: Path, name: str) -> None:
    decoder = NmeaDecoder()
    data = (shared_data / "gnss" / "rtcm3" / name).read_bytes()
    assert decoder.feed(data) + decoder.flush() == []
    assert decoder.counters() == GnssCounters()


@pytest.mark.parametrize("name", [*CHECKED, "quectel-l76k-nmea", "ublox-zed-f9p-nmea"])
def test_pynmea2_reads_the_same_values(nmea: Path, name: str) -> None:
    compared = 0
    for ours in Sentences().feed(sentences_of(nmea / f"{name}.log")):
        body = ours.talker + ",".join([ours.kind, *ours.fields])
        if ours.kind not in {"GGA", "RMC", "GNS", "GLL"}:
            continue
        theirs = pynmea2.parse(f"${body}")
        first = {"GGA": 1, "GNS": 1, "RMC": 2, "GLL": 0}[ours.kind]
        latitude_deg = coordinate(ours.field(first), ours.field(first + 1), directions="NS")
        longitude_deg = coordinate(ours.field(first + 2), ours.field(first + 3), directions="EW")
        if latitude_deg is not None:
            assert (latitude_deg, longitude_deg) == pytest.approx((theirs.latitude, theirs.longitude), abs=1e-12)
            compared += 1
        time = time_of_day(ours.field(4 if ours.kind == "GLL" else 0))
        if time is not None:
            clock = theirs.timestamp
            seconds = clock.hour * 3600 + clock.minute * 60 + clock.second + clock.microsecond / 1e6
            assert time.total_seconds() == pytest.approx(seconds, abs=1e-9)
    assert compared > 0


def test_every_prefix_of_a_log_is_safe(nmea: Path) -> None:
    data = sentences_of(nmea / "beidou-gb.log")
    whole, _ = decoded(nmea / "beidou-gb.log")
    places = {fix.position for fix in whole}
    for end in range(0, len(data), 37):
        decoder = NmeaDecoder()
        cut = decoder.feed(data[:end]) + decoder.flush()
        assert {fix.position for fix in cut} <= places
