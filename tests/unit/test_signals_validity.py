"""Codes that are no values."""

import pytest

from wayside_agent.core.decoder import DecodePlan, Decoder
from wayside_agent.core.frames import CLASSIC, EXTENDED_FLAG, FrameBatch
from wayside_agent.core.signals import Database, Message, Signal
from wayside_agent.core.stamps import TimeQuality
from wayside_agent.core.validity import Refusal, acceptance, companions

N, E, R, I, O = (Refusal.NOT_AVAILABLE, Refusal.ERROR, Refusal.RESERVED, Refusal.INVALID, Refusal.OUT_OF_RANGE)  # noqa: E741 - columns of the tables below


@pytest.mark.parametrize(
    ("size_bits", "code", "expected"),
    [
        (1, 1, None), (2, 1, None), (2, 2, E), (2, 3, N), (3, 6, None), (3, 7, N), (4, 13, None), (4, 14, E),
        (4, 15, N),
        (8, 0xFA, None), (8, 0xFB, R), (8, 0xFD, R), (8, 0xFE, E), (8, 0xFF, N), (12, 0xFFF, N), (12, 0xFF0, None),
        (16, 0xFAFF, None), (16, 0xFB00, R), (16, 0xFE00, E), (16, 0xFEFF, E), (16, 0xFF00, N), (16, 0xFFFF, N),
        (32, 0xFAFFFFFF, None), (32, 0xFE000000, E), (32, 0xFFFFFFFF, N), (64, 2**64 - 1, None),
    ],
)  # fmt: skip
def test_j1939_codes(size_bits: int, code: int, expected: Refusal | None) -> None:
    assert acceptance(Signal("S", 0, size_bits), is_j1939=True).refusal(code) is expected
    assert acceptance(Signal("S", 0, size_bits), is_j1939=False).refusal(code) is None


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("SNA", N), ("Signal not available", N), ("not_available", N), ("Not Available (SNA)", N), ("N/A", N),
        ("Invalid", I), ("Initial/Invalid", I), ("invalid (short unavailability, max 3s)", I), ("Error", E),
        ("Error indicator", E), ("No error", None), ("Radar Error", None), ("AEB is in error mode", None),
        ("On", None), ("Reserved", None),
    ],
)  # fmt: skip
def test_names_in_the_value_table_say_what_is_no_value(label: str, expected: Refusal | None) -> None:
    signal = Signal("S", 0, 3, labels=((0, "Off"), (5, label)))
    assert acceptance(signal, is_j1939=False).refusal(5) is expected


def test_signal_that_states_validity_keeps_its_codes() -> None:
    assert acceptance(Signal("S", 0, 1, labels=((0, "Invalid"), (1, "Valid"))), is_j1939=False).refusal(0) is None
    assert acceptance(Signal("S", 0, 2, labels=((0, "Invalid"), (1, "Valid"))), is_j1939=False).refusal(0) is None


def test_code_with_a_name_is_a_value_outside_the_range_and_in_j1939() -> None:
    signal = Signal("S", 0, 2, minimum=0, maximum=1, labels=((2, "Outside"), (3, "Take no action")))
    accepted = acceptance(signal, is_j1939=True)
    assert [accepted.refusal(code) for code in range(4)] == [None] * 4


@pytest.mark.parametrize(
    ("minimum", "maximum", "code", "expected"),
    [
        (0, 100, 100, None),
        (0, 100, 101, O),
        (10, 20, 9, O),
        (0, 0, 200, None),
        (5, 5, 200, None),
        (None, None, 200, None),
    ],
)
def test_range_of_the_database_counts_if_it_is_one(
    minimum: float | None, maximum: float | None, code: int, expected: Refusal | None
) -> None:
    signal = Signal("S", 0, 8, minimum=minimum, maximum=maximum)
    assert acceptance(signal, is_j1939=False).refusal(code) is expected


def test_bound_that_was_rounded_keeps_its_code() -> None:
    speed = Signal("Speed", 0, 16, scale=0.00390625, minimum=0, maximum=250.996)  # 0xFAFF is 250.99609375
    assert acceptance(speed, is_j1939=True).refusal(0xFAFF) is None


def test_range_of_a_falling_scale() -> None:
    signal = Signal("S", 0, 8, scale=-1, offset=100, minimum=50, maximum=100)
    accepted = acceptance(signal, is_j1939=False)
    assert (accepted.refusal(50), accepted.refusal(51)) == (None, O)


def message(*names: str, labels: tuple[tuple[int, str], ...] = ()) -> Message:
    signals = tuple(
        Signal(name, 8 * at, 1 if "alid" in name.lower() else 8, labels=labels if "alid" in name.lower() else ())
        for at, name in enumerate(names)
    )
    return Message("M", 1, is_extended=False, size_bytes=8, signals=signals)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("PositionValid", "Latitude", "Longitude"), {"Latitude": "PositionValid", "Longitude": "PositionValid"}),
        (("YawValid", "RollValid", "Yaw", "RollRate", "Other"), {"Yaw": "YawValid", "RollRate": "RollValid"}),
        (("Validity_Speed", "Speed", "Accuracy_Speed"), {"Speed": "Validity_Speed"}),
        (("YAW_RATE_VALIDITY", "YAW_RATE", "SPEED"), {"YAW_RATE": "YAW_RATE_VALIDITY"}),
        (("DataInValid", "Speed"), {}),
        (("Speed", "Heading"), {}),
    ],
)
def test_companions_are_found_by_their_names(names: tuple[str, ...], expected: dict[str, str]) -> None:
    assert {name: each.flag.name for name, each in companions(message(*names)).items()} == expected


@pytest.mark.parametrize(
    ("labels", "valid_code"), [((), 1), (((0, "Invalid"), (1, "Valid")), 1), (((0, "Valid"), (1, "Invalid")), 0)]
)
def test_flag_that_says_invalid_refuses_what_it_governs(labels: tuple[tuple[int, str], ...], valid_code: int) -> None:
    source = Decoder(DecodePlan(Database((message("SpeedValid", "Speed", labels=labels),))), bus="b")
    for flag in (0, 1):
        source.decode(FrameBatch(CLASSIC.pack(1, 2, 0, bytes([flag, 9])), (flag + 1,)))
        names = {reading.name for reading in source.news(TimeQuality.GNSS).readings}
        assert names == ({"can.b.M.SpeedValid", "can.b.M.Speed"} if flag == valid_code else {"can.b.M.SpeedValid"})
    assert source.counters().refusal_counts == {Refusal.FLAGGED_INVALID: 1}


@pytest.mark.parametrize("size_bits", [2, 4, 8, 10])
@pytest.mark.parametrize("labels", [(), ((0, "Off"), (3, "Error")), ((0, "SNA"), (3, "Named"))])
@pytest.mark.parametrize("bounds", [(0, 0), (1, 2), (0, 200)])
@pytest.mark.parametrize("is_j1939", [False, True])
def test_generated_code_refuses_exactly_what_the_rules_refuse(
    size_bits: int, labels: tuple[tuple[int, str], ...], bounds: tuple[float, float], *, is_j1939: bool
) -> None:
    signal = Signal("S", 0, size_bits, minimum=bounds[0], maximum=bounds[1], labels=labels)
    source = Message("M", 1, is_extended=True, size_bytes=8, signals=(signal,), is_j1939=is_j1939)
    decoder = Decoder(DecodePlan(Database((source,))), bus="b")
    accepted = acceptance(signal, is_j1939=is_j1939)
    for code in range(1 << size_bits):
        decoder.decode(FrameBatch(CLASSIC.pack(1 | EXTENDED_FLAG, 8, 0, code.to_bytes(8, "little")), (code + 1,)))
        told = [reading.value for reading in decoder.news(TimeQuality.GNSS).readings]
        assert told == ([] if accepted.refusal(code) else [code])
