"""Descriptions, matching, generated decoding."""

import math
import struct

import pytest

from wayside_agent.core.decoder import DecodePlan, Decoder
from wayside_agent.core.frames import CLASSIC, ERROR_FLAG, EXTENDED_FLAG, FD, REMOTE_FLAG, FrameBatch
from wayside_agent.core.signals import Database, Matching, Message, Signal, parameter_group
from wayside_agent.core.stamps import TimeQuality
from wayside_agent.core.validity import Refusal

QUALITY = TimeQuality.NETWORK


def decoder(*signals: Signal, is_j1939: bool = False, wanted: tuple[str, ...] = ()) -> Decoder:
    message = Message("M", 0x123, is_extended=is_j1939, size_bytes=8, signals=signals, is_j1939=is_j1939)
    return Decoder(DecodePlan(Database((message,)), wanted), bus="b")


def batch(*payloads: bytes, can_id: int = 0x123) -> FrameBatch:
    raw = b"".join(CLASSIC.pack(can_id, len(payload), 0, payload) for payload in payloads)
    return FrameBatch(raw, tuple(range(1, len(payloads) + 1)))


def values(source: Decoder, *payloads: bytes, can_id: int = 0x123) -> dict[str, float]:
    source.decode(batch(*payloads, can_id=can_id))
    return {reading.name.rpartition(".")[2]: reading.value for reading in source.news(QUALITY).readings}


def test_little_endian_signed_and_scaled_signal() -> None:
    signal = Signal("S", 4, 12, is_signed=True, scale=0.5, offset=10)
    assert values(decoder(signal), bytes.fromhex("F0FF000000000000")) == {"S": 9.5}


def test_big_endian_signal_counts_from_its_most_significant_bit() -> None:
    signal = Signal("S", 7, 16, is_big_endian=True)
    assert values(decoder(signal), bytes.fromhex("1234000000000000")) == {"S": 0x1234}


def test_both_byte_orders_in_one_message() -> None:
    source = decoder(Signal("B", 7, 16, is_big_endian=True), Signal("L", 16, 16))
    assert values(source, bytes.fromhex("1234567800000000")) == {"B": 0x1234, "L": 0x7856}


@pytest.mark.parametrize(("size_bits", "code"), [(16, "e"), (32, "f"), (64, "d")])
def test_float_signals(size_bits: int, code: str) -> None:
    source = decoder(Signal("F", 0, size_bits, is_float=True, scale=2))
    assert values(source, struct.pack(f"<{code}", 1.5).ljust(8, b"\0")) == {"F": 3.0}


def test_float_that_is_no_number_is_no_value() -> None:
    source = decoder(Signal("F", 0, 32, is_float=True))
    assert values(source, struct.pack("<f", math.nan)) == {}
    assert source.counters().refusal_counts == {Refusal.NOT_A_NUMBER: 1}


def test_reading_carries_bus_message_signal_unit_and_time() -> None:
    source = decoder(Signal("S", 0, 8, unit="km/h"))
    source.decode(batch(b"\x07" * 8))
    (reading,) = source.news(QUALITY).readings
    assert (reading.name, reading.value, reading.unit, reading.time_ns) == ("can.b.M.S", 7, "km/h", 1)


def test_only_wanted_signals_are_told() -> None:
    source = decoder(Signal("A", 0, 8), Signal("B", 8, 8), wanted=("M.B", "M.Nonsense", "Other.A"))
    assert values(source, b"\x01\x02" + bytes(6)) == {"B": 2}


def test_wanted_names_the_database_lacks_are_found() -> None:
    database = Database((Message("M", 1, is_extended=False, size_bytes=8, signals=(Signal("S", 0, 8),)),))
    assert database.without(("M.S", "M.T", "N.S")) == ("M.T", "N.S")


def test_unchanged_payload_moves_the_time_on() -> None:
    source = decoder(Signal("S", 0, 8))
    source.decode(batch(b"\x07", b"\x07", b"\x07"))
    assert [(reading.value, reading.time_ns) for reading in source.news(QUALITY).readings] == [(7, 3)]


def test_news_are_told_once() -> None:
    source = decoder(Signal("S", 0, 8))
    source.decode(batch(b"\x07"))
    source.news(QUALITY)
    assert source.news(QUALITY).readings == ()


def test_value_that_turns_invalid_is_withdrawn() -> None:
    source = decoder(Signal("S", 0, 8), is_j1939=True)
    source.decode(batch(b"\x07", b"\xff", can_id=0x123 | EXTENDED_FLAG))
    news = source.news(QUALITY)
    assert (news.readings, news.withdrawn) == ((), ("can.b.M.S",))


def test_every_frame_with_a_refused_code_is_counted() -> None:
    source = decoder(Signal("S", 0, 8), is_j1939=True)
    source.decode(batch(b"\xff", b"\xff", b"\xff", b"\xfe", can_id=0x123 | EXTENDED_FLAG))
    assert source.counters().refusal_counts == {Refusal.NOT_AVAILABLE: 3, Refusal.ERROR: 1}


def test_signal_behind_the_end_of_a_short_frame_is_no_value() -> None:
    source = decoder(Signal("A", 0, 8), Signal("B", 8, 8))
    assert values(source, b"\x05") == {"A": 5}
    assert source.counters().refusal_counts == {Refusal.SHORT_FRAME: 1}
    assert values(source, b"\x05\x00") == {"A": 5, "B": 0}


MULTIPLEXED = (
    Signal("Mux", 0, 8),
    Signal("One", 8, 8, multiplexer="Mux", multiplexer_ranges=((1, 1), (4, 6))),
    Signal("Two", 8, 16, multiplexer="Mux", multiplexer_ranges=((2, 2),)),
    Signal("Inner", 16, 8, multiplexer="One", multiplexer_ranges=((9, 9),)),
)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"\x01\x07\x00", {"Mux": 1, "One": 7}),
        (b"\x05\x09\x03", {"Mux": 5, "One": 9, "Inner": 3}),
        (b"\x02\x01\x02", {"Mux": 2, "Two": 0x201}),
        (b"\x63\x01\x02", {"Mux": 0x63}),
    ],
)
def test_multiplexer_selects_its_signals(payload: bytes, expected: dict[str, float]) -> None:
    assert values(decoder(*MULTIPLEXED), payload + bytes(5)) == expected


def test_undefined_multiplexer_value_is_counted() -> None:
    source = decoder(*MULTIPLEXED)
    source.decode(batch(b"\x63" + bytes(7), b"\x63" + bytes(7)))
    assert source.counters().refusal_counts == {Refusal.UNDEFINED_MULTIPLEXER: 2}


def test_multiplexed_signal_alone_is_found_through_its_multiplexers() -> None:
    source = decoder(*MULTIPLEXED, wanted=("M.Inner",))
    assert values(source, b"\x04\x09\x2a" + bytes(5), b"\x02" + bytes(7)) == {"Inner": 42}


def test_long_message_on_an_fd_bus() -> None:
    source = decoder(Signal("Last", 63 * 8, 8), Signal("First", 0, 8))
    raw = FD.pack(0x123, 64, 4, bytes([1, *range(62), 9])) + FD.pack(0x123, 8, 0, bytes(8))
    source.decode(FrameBatch(raw, (1, 2), FD.size))
    assert source.counters().refusal_counts == {Refusal.SHORT_FRAME: 1}
    assert source.counters().matched_count == 2


def test_classic_frame_of_a_long_message_gives_what_it_holds() -> None:
    source = decoder(Signal("First", 0, 8), Signal("Last", 63 * 8, 8))
    assert values(source, bytes(8)) == {"First": 0}


def test_names_never_reach_the_generated_text() -> None:
    hostile = Signal('x"\nimport os', 0, 8, unit="'''", labels=((3, "\n)"),))
    assert values(decoder(hostile), b"\x02" + bytes(7)) == {'x"\nimport os': 2}


@pytest.mark.parametrize(
    "change", [{"start_bit": 505}, {"start_bit": -1}, {"size_bits": 0}, {"scale": math.inf}, {"is_float": True}]
)
def test_impossible_signals_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="signal S"):
        Signal(**{"name": "S", "start_bit": 0, "size_bits": 9, **change})  # type: ignore[arg-type]  # wrong on purpose


def test_multiplexers_in_a_circle_are_refused() -> None:
    circle = (Signal("A", 0, 8, multiplexer="B"), Signal("B", 8, 8, multiplexer="A"))
    with pytest.raises(ValueError, match="message M, signal A: more than 8 multiplexers"):
        Message("M", 1, is_extended=False, size_bytes=8, signals=circle)


def test_parameter_group_leaves_out_the_destination_of_pdu1() -> None:
    assert parameter_group(0x18EF1234) == 0xEF00
    assert parameter_group(0x18F00400) == 0xF004
    assert parameter_group(0x19F20000) == 0x1F200


EEC1 = Message("EEC1", 0x0CF004FE, is_extended=True, size_bytes=8, signals=(), is_j1939=True)
PDU1 = Message("Request", 0x18EAFFFE, is_extended=True, size_bytes=3, signals=(), is_j1939=True)
PLAIN = Message("Plain", 0x3, is_extended=False, size_bytes=8, signals=())
OTHER = Message("Extended", 0x18F00500, is_extended=True, size_bytes=8, signals=())


@pytest.mark.parametrize(
    ("can_id", "name"),
    [
        (0x0CF004FE | EXTENDED_FLAG, "EEC1"),
        (0x18F00400 | EXTENDED_FLAG, "EEC1"),
        (0x18EA0021 | EXTENDED_FLAG, "Request"),
        (0x3, "Plain"),
        (0x3 | EXTENDED_FLAG, None),
        (0x18F00500 | EXTENDED_FLAG, "Extended"),
        (0x0CF00500 | EXTENDED_FLAG, None),
        (0x3 | REMOTE_FLAG, None),
        (0x3 | ERROR_FLAG, None),
        (0x4, None),
    ],
)
def test_frames_match_by_id_and_j1939_by_group(can_id: int, name: str | None) -> None:
    messages = (EEC1, PDU1, PLAIN, OTHER)
    index = Matching(messages).index(can_id)
    assert (None if index is None else messages[index].name) == name


def test_ids_of_a_hostile_bus_do_not_fill_the_memory() -> None:
    source = decoder(Signal("S", 0, 8))
    for can_id in range(0, 500_000, 50):
        source.decode(batch(bytes(8), can_id=can_id | EXTENDED_FLAG))
    assert len(source._by_id) <= 4096
    assert values(source, b"\x05" * 8) == {"S": 5}
