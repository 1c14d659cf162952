"""gpsd's reports: fixes out of TPV and SKY, and what is refused."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside_agent.core.fix import FixMode, FixQuality, Position, System
from wayside_agent.core.gpsd_json import LINE_SIZE_MAX_BYTES, GpsdDecoder

TPV: dict[str, object] = {
    "class": "TPV",
    "device": "tcp://x",
    "status": 3,
    "mode": 3,
    "time": "2026-11-22T01:02:03.400Z",
    "lat": 20.03,
    "lon": 110.33,
    "altHAE": 1.0,
    "altMSL": 12.5,
    "speed": 5.0,
    "track": 360.0,
    "dgpsAge": 1.5,
}
SKY: dict[str, object] = {
    "class": "SKY",
    "hdop": 0.7,
    "satellites": [
        {"PRN": 1, "gnssid": 0, "svid": 1, "used": True},
        {"PRN": 201, "gnssid": 3, "svid": 1, "used": True},
        {"PRN": 202, "gnssid": 3, "svid": 2, "used": False},
    ],
}


def line(report: object) -> bytes:
    return json.dumps(report).encode() + b"\r\n"


def test_sky_and_tpv_make_a_fix() -> None:
    (fix,) = GpsdDecoder().feed(line(SKY) + line(TPV))
    assert (fix.mode, fix.quality) == (FixMode.THREE_D, FixQuality.RTK_FIXED)
    assert fix.position == Position(20.03, 110.33, 12.5)
    assert fix.utc_time == datetime(2026, 11, 22, 1, 2, 3, 400_000, tzinfo=UTC)
    assert (fix.speed_mps, fix.course_deg, fix.hdop, fix.correction_age_s) == (5.0, 0.0, 0.7, 1.5)
    assert (fix.satellite_count, fix.in_view) == (2, {System.GPS: 1, System.BEIDOU: 2})


@pytest.mark.parametrize("change", [{"mode": 1}, {"mode": 0}, {"lat": None}, {"mode": 7}])
def test_without_a_fix_there_is_no_position(change: dict[str, object]) -> None:
    (fix,) = GpsdDecoder().feed(line(TPV | change))
    assert (fix.mode, fix.position, fix.speed_mps) == (FixMode.NONE, None, None)


@pytest.mark.parametrize("change", [{"lat": 90.1}, {"lon": -181}, {"speed": -1}, {"lat": "20"}, {"mode": "3"}])
def test_an_impossible_value_is_a_bad_report(change: dict[str, object]) -> None:
    decoder = GpsdDecoder()
    assert decoder.feed(line(TPV | change)) == []
    assert decoder.counters().bad_sentence_count == 1


def test_the_same_epoch_twice_is_one_fix() -> None:
    assert len(GpsdDecoder().feed(line(TPV) * 3)) == 1


def test_a_date_before_a_week_roll_over_is_moved_forward() -> None:
    decoder = GpsdDecoder()
    (fix,) = decoder.feed(line(TPV | {"time": "1999-08-22T00:02:31.420Z"}))
    assert fix.utc_time == datetime(2019, 4, 7, 0, 2, 31, 420_000, tzinfo=UTC)
    assert decoder.counters().corrected_date_count == 1


def test_a_line_that_never_ends_is_dropped_once_and_the_next_one_is_read() -> None:
    decoder = GpsdDecoder()
    for _ in range(20):
        assert decoder.feed(b"x" * LINE_SIZE_MAX_BYTES) == []
    assert len(decoder.feed(b"x\n" + line(TPV))) == 1
    assert decoder.counters().bad_sentence_count == 1


def test_other_reports_are_counted_apart_and_the_version_is_noted() -> None:
    decoder = GpsdDecoder()
    decoder.feed(line({"class": "VERSION", "release": "3.22", "proto_major": 3}) + line({"class": "DEVICES"}))
    decoder.feed(line({"class": "ERROR", "message": "no device"}))
    assert (decoder.protocol_major, decoder.release, decoder.error) == (3, "3.22", "no device")
    assert decoder.counters().unknown_sentence_count == 1


@given(st.lists(st.binary(max_size=200) | st.sampled_from([b"\n", b'{"class":"TPV",', b"[" * 2000, line(SKY)])))
def test_random_bytes_never_raise_and_never_give_a_fix(pieces: list[bytes]) -> None:
    decoder = GpsdDecoder()
    assert [fix for piece in pieces for fix in decoder.feed(piece)] == []


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5), lambda each: st.lists(each, max_size=3)
)


@given(
    st.dictionaries(st.sampled_from([*TPV, "satellites", "uSat", "hdop", "proto_major"]), JSON),
    st.sampled_from(["TPV", "SKY"]),
)
def test_reports_of_random_values_never_raise(report: dict[str, object], kind: str) -> None:
    for fix in GpsdDecoder().feed(line(report | {"class": kind})):
        assert (fix.position is None) == (fix.mode is FixMode.NONE)
