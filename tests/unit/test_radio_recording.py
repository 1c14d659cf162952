"""Recordings of V2X messages, and the BSM our simulator makes."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside.v2x.peek import MessageKind, message_kind
from wayside_agent.core.bsm import Bsm, encoded_bsm
from wayside_agent.core.radio_recording import RecordError, messages, packet, record, recorded_message, titled_messages
from wayside_agent.core.v2x import ReceivedMessage, Verdict

BSM = Bsm(
    message_count=5,
    vehicle_id=bytes(range(1, 9)),
    since_minute=timedelta(seconds=9.5),
    latitude_deg=20.0301234,
    longitude_deg=110.3305678,
    elevation_m=12.5,
    speed_mps=13.88,
    heading_deg=271.25,
    acceleration_mps2=-1.5,
    yaw_rate_dps=3.2,
)


def test_a_bsm_is_the_bits_asn1tools_reads() -> None:
    # asn1tools 0.169 decoded it to the fields above and encoded them to these bytes again.
    expected = "0000a020406080a0c0e104a39832a87655a19db9a20fa856d5311ce9f41fe04fc00b41e00280"
    assert encoded_bsm(BSM).hex() == expected
    assert message_kind(encoded_bsm(BSM)) is MessageKind.BSM


@pytest.fixture
def lines(shared_data: Path) -> list[str]:
    return (shared_data / "v2x/china/spat_bsm_rsm_hex_and_decode.txt").read_text("utf-8").splitlines()


def test_the_chinese_file_holds_one_spat_two_bsm_and_one_rsm(lines: list[str]) -> None:
    found = [each for each in messages(lines) if isinstance(each, ReceivedMessage)]
    assert len(found) == len(list(messages(lines)))
    assert [(each.kind, len(each.payload)) for each in found] == [
        (MessageKind.SPAT, 261),
        (MessageKind.BSM, 86),
        (MessageKind.BSM, 53),
        (MessageKind.RSM, 40),
    ]
    assert found[0].time_ns == 1_605_336_902_333_000_000  # 2020-11-14 06:55:02.333 UTC


def test_a_chinese_packet_with_a_byte_too_many_or_too_few_is_refused(lines: list[str]) -> None:
    titled = [line for line in lines if titled_messages(line)]
    assert len(titled) == 3
    for line in titled:
        for broken in (line + "00", line[:-2], line[:-1]):
            with pytest.raises(RecordError):
                titled_messages(broken)


def test_a_packet_read_with_the_count_of_another_kind_is_refused(lines: list[str]) -> None:
    spat = next(line for line in lines if line.startswith("SPAT") and titled_messages(line))
    with pytest.raises(RecordError):
        titled_messages(spat.replace("SPAT", "BSM", 1))
    with pytest.raises(RecordError):
        titled_messages(spat.replace("SPAT", "RSM", 1))


@given(st.binary(max_size=100), st.booleans())
def test_random_packets_raise_nothing_but_record_errors(data: bytes, has_count: bool) -> None:
    try:
        found = packet(data, has_count=has_count)
    except RecordError:
        return
    assert sum(2 + len(message) for message in found.messages) == len(data) - 16 - has_count


def test_our_own_lines_come_back() -> None:
    message = ReceivedMessage(encoded_bsm(BSM), MessageKind.BSM, 1_700_000_000_000_000_001, 111)
    assert recorded_message(record(message)) == message


@pytest.mark.parametrize(
    "line",
    ["{}", "{", '{"time_ns":1,"payload":"zz"}', '{"time_ns":1,"payload":""}', '{"time_ns":-1,"payload":"00"}',
     '{"time_ns":1,"payload":"70"}', '{"time_ns":"1","payload":"00"}', '{"time_ns":1,"payload":"00","x":1}'],
)  # fmt: skip
def test_a_line_without_a_message_is_an_error_and_not_the_end(line: str) -> None:
    good = record(ReceivedMessage(b"\x00", MessageKind.BSM, 1))
    found = list(messages([line, "", good]))
    assert isinstance(found[0], RecordError)
    assert isinstance(found[1], ReceivedMessage)


@pytest.mark.parametrize(
    ("first", "kind"),
    [(0x00, "BSM"), (0x1F, "MAP"), (0x20, "RSM"), (0x30, "SPAT"), (0x40, "RSI"), (0x80, "EXTENSION"), (0x50, None)],
)
def test_the_first_bits_name_the_kind(first: int, kind: str | None) -> None:
    assert message_kind(bytes([first])) == kind
    assert message_kind(b"") is None


@pytest.mark.parametrize(
    "verdict",
    [
        None,
        Verdict(),
        Verdict(verified=True, signer_digest=bytes(range(1, 9)), certificate_days=3.5),
        Verdict(verified=False, checked_by="agent"),
    ],
)
def test_the_verdict_on_a_signature_is_recorded(verdict: Verdict | None) -> None:
    message = ReceivedMessage(b"\x00bsm", MessageKind.BSM, 7, 111, verdict)
    assert recorded_message(record(message)) == message
