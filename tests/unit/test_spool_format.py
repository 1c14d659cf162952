"""The bytes of a spool segment."""

from hypothesis import given
from hypothesis import strategies as st

from wayside_agent.core.spool_format import (
    MARKER,
    Mark,
    SegmentName,
    frame,
    frames,
    mark_frame,
    scanned,
    segment_name,
    spool_key,
)

KEY = spool_key("0123456789abcdef")
payload_lists = st.lists(st.binary(max_size=40), max_size=8)


@given(payload_lists)
def test_what_is_framed_is_read_back(payloads: list[bytes]) -> None:
    scan = scanned(b"".join(frames(payloads, 1, key=KEY)), key=KEY)
    assert [record.payload for record in scan.records] == payloads
    assert [record.sequence for record in scan.records] == list(range(1, len(payloads) + 1))
    assert scan.damaged_bytes == 0
    assert scan.lost_frame_count == 0


@given(payload_lists, st.integers(min_value=0, max_value=1000))
def test_a_cut_leaves_a_prefix(payloads: list[bytes], cut_bytes: int) -> None:
    content = b"".join(frames(payloads, 1, key=KEY))
    kept = content[: max(0, len(content) - cut_bytes)]
    scan = scanned(kept, key=KEY)
    found = [record.payload for record in scan.records]
    assert found == payloads[: len(found)]
    assert (scan.damaged_bytes > 0) == (scan.lost_frame_count > 0) == (scan.end < len(kept))


@given(payload_lists, st.integers(min_value=0, max_value=1000), st.integers(min_value=0, max_value=200))
def test_a_cut_inside_zeroes_written_ahead_leaves_a_prefix(
    payloads: list[bytes], cut_bytes: int, zero_count: int
) -> None:
    content = b"".join(frames(payloads, 1, key=KEY))
    kept = content[: max(0, len(content) - cut_bytes)]
    filled = kept + bytes(zero_count)
    scan = scanned(filled, key=KEY)
    found = [record.payload for record in scan.records]
    assert found == payloads[: len(found)]
    # what is taken for intact is what was written; zeroes may well stand for zeroes that were cut
    assert filled[: scan.end] == content[: scan.end]
    assert len(found) >= len(scanned(kept, key=KEY).records)


def test_zeroes_that_were_cut_and_are_zeroes_again_are_no_damage() -> None:
    content = frame(1, b"", key=KEY)  # ends in a zero: the length of its payload
    assert [record.payload for record in scanned(content[:-1] + bytes(64), key=KEY).records] == [b""]


def test_zeroes_written_ahead_are_no_damage() -> None:
    scan = scanned(frame(1, b"a\0\0", key=KEY) + bytes(4096), key=KEY)
    assert (len(scan.records), scan.damaged_bytes, scan.lost_frame_count) == (1, 0, 0)


def test_a_segment_without_one_intact_frame_may_have_held_many() -> None:
    assert scanned(bytes(1600), key=KEY).lost_frame_count == 100
    assert scanned(b"", key=KEY).lost_frame_count == 0


@given(payload_lists, st.data())
def test_a_flipped_bit_costs_no_other_record(payloads: list[bytes], data: st.DataObject) -> None:
    parts = frames(payloads, 1, key=KEY)
    content = bytearray(b"".join(parts))
    if not content:
        return
    bit = data.draw(st.integers(min_value=0, max_value=len(content) * 8 - 1))
    content[bit // 8] ^= 1 << bit % 8
    found = {record.sequence: record.payload for record in scanned(bytes(content), key=KEY).records}
    start = 0
    for sequence, (part, payload) in enumerate(zip(parts, payloads, strict=True), 1):
        if not start <= bit // 8 < start + len(part):
            assert found.pop(sequence) == payload
        start += len(part)
    assert not found


@given(st.binary(max_size=200))
def test_noise_holds_no_record(noise: bytes) -> None:
    scan = scanned(noise + MARKER + noise, key=KEY)
    assert scan.records == ()
    assert scan.damaged_bytes == 2 * len(noise) + len(MARKER)
    assert scan.lost_frame_count >= 1


def test_zeroes_hold_no_record() -> None:
    assert scanned(bytes(4096), key=KEY).records == ()


def test_a_frame_inside_a_damaged_payload_is_not_taken_for_a_record() -> None:
    forged = frame(7, b"forged", key=spool_key("another spool"))
    content = bytearray(frame(1, forged, key=KEY))
    content[8] ^= 1
    assert scanned(bytes(content), key=KEY).records == ()


def test_a_sequence_that_does_not_rise_is_damage() -> None:
    content = frame(2, b"second", key=KEY) + frame(1, b"first", key=KEY) + frame(3, b"third", key=KEY)
    scan = scanned(content, key=KEY)
    assert [record.sequence for record in scan.records] == [2, 3]
    assert scan.damaged_bytes == len(frame(1, b"first", key=KEY))


def test_the_last_mark_counts() -> None:
    content = mark_frame(Mark(1, 0), key=KEY) + frame(2, b"x", key=KEY) + mark_frame(Mark(2, 5), key=KEY)
    assert scanned(content, key=KEY).mark == Mark(2, 5)
    assert scanned(frame(2, b"x", key=KEY), key=KEY).mark is None


def test_torn_frames_are_counted_so_that_their_numbers_are_not_used_again() -> None:
    content = b"".join(frames([b"a", b"b", b"c"], 1, key=KEY))
    one = len(frame(1, b"a", key=KEY))
    damaged = bytearray(content)
    damaged[one + 6] ^= 1
    damaged[2 * one + 6] ^= 1
    assert scanned(bytes(damaged), key=KEY).lost_frame_count == 2


def test_segment_names_sort_and_parse() -> None:
    name = SegmentName("0123456789abcdef", 12, 4711)
    assert segment_name(str(name)) == name
    assert str(name) < str(SegmentName("0123456789abcdef", 13, 4711))
    assert segment_name("lock") is None
    assert segment_name(str(name) + ".tmp") is None
