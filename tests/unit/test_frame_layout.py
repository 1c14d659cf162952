"""Vendor frames around V2X messages: exact frames are believed, all others refused."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside_agent.core.application_id import LayoutError, p_decoded, p_encoded
from wayside_agent.core.frame_layout import (
    DSMP,
    RAW,
    ApplicationId,
    CertificateDays,
    Field,
    Frame,
    Layout,
    Length,
    Magic,
    Payload,
    Signer,
    Skip,
    Timestamp,
    Verified,
)
from wayside_agent.core.v2x import Verdict

VENDOR = Layout(
    fields=(
        Magic(hex="fa55"),
        Length(size_bytes=2, endian="little", counts="rest"),
        ApplicationId(size_bytes=4),
        Timestamp(unit="us", size_bytes=8),
        Skip(size_bytes=3),
        Length(size_bytes=1, counts="payload"),
        Payload(),
        Magic(hex="0d0a"),
    )
)
TIME_NS = 1_700_000_000_123_456_000


def test_a_frame_of_a_vendor_is_built_and_read_back() -> None:
    datagram = VENDOR.built(b"\x00message", application_id=111, time_ns=TIME_NS)
    assert datagram[:4] == bytes.fromhex("fa55") + (len(datagram) - 4).to_bytes(2, "little")
    assert VENDOR.parsed(datagram) == Frame(b"\x00message", application_id=111, time_ns=TIME_NS)


@pytest.mark.parametrize("counts", ["payload", "rest", "frame"])
def test_a_length_counts_what_the_layout_says(counts: str) -> None:
    fields = [{"kind": "skip", "size_bytes": 1}, {"kind": "length", "counts": counts}, {"kind": "payload"}]
    layout = Layout(fields=msgspec.convert(fields, tuple[Field, ...]))
    datagram = layout.built(b"12345", application_id=None, time_ns=0)
    assert datagram[1:3] == {"payload": b"\0\5", "rest": b"\0\5", "frame": b"\0\x08"}[counts]
    assert layout.parsed(datagram).payload == b"12345"


def test_a_dsmp_packet_is_as_in_the_standard() -> None:
    datagram = DSMP.built(b"\x30spat", application_id=3619, time_ns=0)
    assert datagram == bytes.fromhex("0400 8da3 0005") + b"\x30spat"
    assert DSMP.parsed(datagram) == Frame(b"\x30spat", application_id=3619)


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame + b"\0",
        lambda frame: frame[:-1],
        lambda frame: b"\0" + frame,
        lambda frame: b"\xfb" + frame[1:],
        lambda frame: frame[:2] + b"\0\0" + frame[4:],
        lambda frame: frame[:19] + b"\x01" + frame[20:],
        lambda frame: frame[:-2] + b"\n\r",
        lambda _: b"",
    ],
    ids=["trailing byte", "cut", "leading byte", "magic", "length", "payload length", "end mark", "empty"],
)
def test_a_frame_that_is_not_exact_is_refused(change: object) -> None:
    datagram = VENDOR.built(b"\x00message", application_id=111, time_ns=TIME_NS)
    assert callable(change)
    with pytest.raises(LayoutError):
        VENDOR.parsed(change(datagram))


@given(st.binary(max_size=80))
def test_random_datagrams_raise_nothing_but_layout_errors(datagram: bytes) -> None:
    for layout in (VENDOR, DSMP, RAW):
        try:
            frame = layout.parsed(datagram)
        except LayoutError:
            continue
        assert frame.payload
        assert frame.payload in datagram


@given(st.binary(min_size=1, max_size=255), st.integers(0, 2**32 - 1), st.integers(1, 2**60))
def test_every_message_comes_back(payload: bytes, application_id: int, time_ns: int) -> None:
    datagram = VENDOR.built(payload, application_id=application_id, time_ns=time_ns)
    frame = VENDOR.parsed(datagram)
    assert (frame.payload, frame.application_id) == (payload, application_id)


@given(st.integers(0, 0x1020407F))
def test_every_application_id_comes_back_from_its_p_encoding(value: int) -> None:
    encoded = p_encoded(value)
    assert p_decoded(encoded + b"\xff") == (value, len(encoded))


@pytest.mark.parametrize(
    ("value", "encoded"),
    [(0, "00"), (111, "6f"), (127, "7f"), (128, "8000"), (3618, "8da2"), (0x407F, "bfff"), (0x4080, "c00000"),
     (0x20407F, "dfffff"), (0x204080, "e0000000"), (0x1020407F, "efffffff")],
)  # fmt: skip
def test_p_encoding_is_that_of_ieee_1609_3(value: int, encoded: str) -> None:
    assert p_encoded(value).hex() == encoded


@pytest.mark.parametrize("data", [b"", b"\xf0\0\0\0", b"\x8d", b"\xe0\0\0"])
def test_what_is_no_p_encoding_is_refused(data: bytes) -> None:
    with pytest.raises(LayoutError):
        p_decoded(data)


@pytest.mark.parametrize(
    "fields", [(), (Magic(hex="00"),), (Payload(), Payload()), (Payload(), ApplicationId(encoding="p"))]
)
def test_a_layout_that_makes_no_sense_is_refused(fields: tuple[Field, ...]) -> None:
    with pytest.raises(LayoutError):
        Layout(fields=fields)


def test_a_number_that_does_not_fit_its_field_is_refused() -> None:
    layout = Layout(fields=(Length(size_bytes=1), Payload()))
    with pytest.raises(LayoutError, match="does not fit"):
        layout.built(bytes(256), application_id=None, time_ns=0)
    with pytest.raises(LayoutError, match="has none"):
        DSMP.built(b"1", application_id=None, time_ns=0)


CHIP = Layout(fields=(ApplicationId(), Verified(), Signer(), CertificateDays(), Payload()))


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ("01 0102030405060708 001e", Verdict(True, bytes(range(1, 9)), 30.0)),  # fields of a Verdict
        ("00 0102030405060708 0000", Verdict(False, bytes(range(1, 9)), 0.0)),
        ("07 0000000000000000 ffff", Verdict(None, None, None)),
    ],
    ids=["good", "bad", "not looked at"],
)
def test_the_word_of_a_chip_goes_along(said: str, verdict: Verdict) -> None:
    assert CHIP.parsed(bytes.fromhex("006f" + said) + b"\x00bsm").verdict == verdict


def test_what_is_sent_has_room_for_the_chip_and_says_nothing_for_it() -> None:
    datagram = CHIP.built(b"\x00bsm", application_id=111, time_ns=0)
    assert datagram == b"\x00\x6f" + bytes(11) + b"\x00bsm"


def test_what_is_sent_never_says_that_its_signature_is_good() -> None:
    upside_down = Layout(fields=(Verified(good=0, bad=1), Payload()))
    sent = upside_down.parsed(upside_down.built(b"\x00bsm", application_id=None, time_ns=0))
    assert sent.verdict == Verdict(verified=False)


def test_a_chip_whose_good_is_its_bad_is_refused() -> None:
    with pytest.raises(LayoutError, match="the same value"):
        Layout(fields=(Verified(good=1, bad=1), Payload()))


@pytest.mark.parametrize("size_bytes", range(13))
def test_a_datagram_that_ends_inside_the_word_of_a_chip_is_refused(size_bytes: int) -> None:
    with pytest.raises(LayoutError):
        CHIP.parsed(bytes(size_bytes))


@pytest.mark.parametrize(("application_id", "longest"), [(111, 1395), (3618, 1394), (0x4080, 1393), (0x1020407F, 1392)])
def test_a_dsmp_packet_is_1400_bytes_at_most(application_id: int, longest: int) -> None:
    datagram = DSMP.built(bytes(longest), application_id=application_id, time_ns=0)
    assert (len(datagram), len(DSMP.parsed(datagram).payload)) == (1400, longest)
    with pytest.raises(LayoutError, match="longer than the 1400"):
        DSMP.built(bytes(longest + 1), application_id=application_id, time_ns=0)
    unbounded = Layout(fields=DSMP.fields)
    with pytest.raises(LayoutError, match="longer than the 1400"):
        DSMP.parsed(unbounded.built(bytes(longest + 1), application_id=application_id, time_ns=0))


@pytest.mark.parametrize("head", ["0300", "0401", "0410", "0480"], ids=["not DSMP", "reserved", "extension", "version"])
def test_a_packet_of_another_protocol_or_version_is_refused(head: str) -> None:
    with pytest.raises(LayoutError, match="magic"):
        DSMP.parsed(bytes.fromhex(head + "6f0004") + b"\x00bsm")
