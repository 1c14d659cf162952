"""NMEA framing and fields: what is taken, what is refused, and that nothing breaks it."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside_agent.core import nmea_sentence as nmea
from wayside_agent.core.nmea_sentence import FieldError, Sentences

RMC = b"$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A\r\n"


@pytest.mark.parametrize("size", [1, 2, 7, 64, 4096])
def test_pieces_of_any_size_give_the_same_sentences(size: int) -> None:
    data = RMC * 20
    sentences = Sentences()
    found = [each for start in range(0, len(data), size) for each in sentences.feed(data[start : start + size])]
    assert [each.kind for each in found] == ["RMC"] * 20
    assert sentences.bad_count == 0


def test_sentences_between_binary_messages_are_found() -> None:
    ubx = bytes.fromhex("b5620107050024240d0a24c3")  # holds two dollar signs and a line end
    rtcm = b"\xd3\x00\x13$" + bytes(range(256))
    sentences = Sentences()
    found = sentences.feed(ubx + RMC + rtcm + RMC + ubx)
    assert len(found) == 2
    assert sentences.bad_count == 0


@pytest.mark.parametrize(
    "broken",
    [
        RMC.replace(b"*6A", b"*6B"),
        RMC.replace(b"*6A", b""),
        RMC.replace(b"4807", b"4907"),
        RMC[:30] + RMC,
        RMC[:30] + b"\xff" + RMC[30:],
    ],
    ids=["wrong check sum", "no check sum", "changed digit", "broken off", "foreign byte"],
)
def test_a_broken_sentence_is_counted_and_the_next_one_is_read(broken: bytes) -> None:
    sentences = Sentences()
    found = sentences.feed(broken + RMC)
    assert found[-1].field(8) == "230394"
    assert sentences.bad_count == 1


def test_a_line_without_an_end_is_not_kept_for_ever() -> None:
    sentences = Sentences()
    for _ in range(1000):
        assert sentences.feed(b"$GPRMC," + b"1" * 4096) == []
    assert len(sentences._tail) <= nmea.SENTENCE_SIZE_MAX_BYTES


@given(st.lists(st.binary(max_size=200) | st.sampled_from([RMC, RMC[:40], b"$", b"\r\n", b"*", b"$GPGGA,"])))
def test_random_bytes_never_raise_and_never_pass_a_wrong_check_sum(pieces: list[bytes]) -> None:
    sentences = Sentences()
    heard = b"".join(pieces).upper()
    for piece in pieces:
        for found in sentences.feed(piece):
            body = found.talker + ",".join([found.kind, *found.fields])
            assert nmea.encoded(body).rstrip().upper() in heard


@given(st.text(max_size=20))
def test_no_field_text_raises_anything_but_a_field_error(text: str) -> None:
    for read in (nmea.number, nmea.time_of_day, lambda each: nmea.bounded(each, 0, 1)):
        try:
            read(text)
        except FieldError:
            continue
    assert nmea.short_date(text) is None or len(text) == 6
    assert nmea.whole(text) is None or text.isdigit()


@pytest.mark.parametrize("text", ["nan", "inf", "1_0", "1e5", " 1", "+1", "٣", "1" * 10, "--1", "."])
def test_what_is_no_decimal_number_is_refused(text: str) -> None:
    with pytest.raises(FieldError, match="no decimal number"):
        nmea.number(text)


@pytest.mark.parametrize(
    ("text", "direction", "degrees"),
    [("4807.038", "N", 48.1173), ("01131.000", "E", 11.516667), ("3340.8472", "S", -33.680787), ("18000", "W", -180)],
)
def test_coordinates_are_degrees_and_south_and_west_are_negative(text: str, direction: str, degrees: float) -> None:
    directions = "NS" if direction in "NS" else "EW"
    assert nmea.coordinate(text, direction, directions=directions) == pytest.approx(degrees, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "direction"),
    [("9100.0", "N"), ("4860.0", "N"), ("4807.0", ""), ("", "N"), ("4807.0", "E"), ("4807.0", "NS"), ("-4807.0", "N")],
)
def test_an_impossible_latitude_is_refused(text: str, direction: str) -> None:
    with pytest.raises(FieldError):
        nmea.coordinate(text, direction, directions="NS")


def test_a_time_keeps_its_microseconds() -> None:
    assert nmea.time_of_day("000231.57") == timedelta(minutes=2, seconds=31, milliseconds=570)


def test_a_leap_second_is_a_time_and_minute_sixty_is_none() -> None:
    assert nmea.time_of_day("235960.00") == timedelta(days=1)
    with pytest.raises(FieldError):
        nmea.time_of_day("236000")


@pytest.mark.parametrize(
    ("text", "day"),
    [("230394", date(1994, 3, 23)), ("221126", date(2026, 11, 22)), ("310226", None), ("2208-1", None), ("", None)],
)
def test_a_date_is_a_day_of_the_calendar_or_none(text: str, day: date | None) -> None:
    assert nmea.short_date(text) == day
