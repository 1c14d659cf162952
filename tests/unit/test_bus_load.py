"""How busy a bus is: bits of every kind of frame against a bit-by-bit count, and sums of batches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside_agent.core.bus_load import BitRates, FrameBits, frame_bits, kinds, rates_of
from wayside_agent.core.frames import CLASSIC, ERROR_FLAG, EXTENDED_FLAG, FD, REMOTE_FLAG, FrameBatch

SIZES = (*range(9), 12, 16, 20, 24, 32, 48, 64)


@pytest.mark.parametrize("size", range(9))
def test_a_classic_frame_has_the_bits_of_the_standard(size: int) -> None:
    standard = frame_bits(size, is_extended=False)
    extended = frame_bits(size, is_extended=True)
    assert (standard.nominal, extended.nominal) == (47 + 8 * size, 67 + 8 * size)
    assert standard.nominal_stuff_max == (34 + 8 * size - 1) // 4
    assert extended.nominal_stuff_max == (54 + 8 * size - 1) // 4
    assert (standard.data, extended.data) == (0, 0)


@pytest.mark.parametrize(
    ("size", "is_extended", "expected"),
    [
        (0, False, FrameBits(30, 5 + 27, 4, 1)),
        (8, False, FrameBits(30, 5 + 64 + 27, 4, 17)),
        (16, False, FrameBits(30, 5 + 128 + 27, 4, 33)),
        (20, False, FrameBits(30, 5 + 160 + 32, 4, 41)),
        (64, False, FrameBits(30, 5 + 512 + 32, 4, 129)),
        (64, True, FrameBits(49, 5 + 512 + 32, 8, 130)),
    ],
)
def test_an_fd_frame_switches_after_its_head_and_has_a_longer_crc_from_20_bytes_on(
    size: int, is_extended: bool, expected: FrameBits
) -> None:
    switched = frame_bits(size, is_extended=is_extended, is_fd=True, is_switched=True)
    assert switched == expected
    slow = frame_bits(size, is_extended=is_extended, is_fd=True)
    assert slow.nominal == switched.nominal + switched.data
    assert slow.nominal_stuff_max == switched.nominal_stuff_max + switched.data_stuff_max


def classic(can_id: int, size: int) -> FrameBatch:
    return FrameBatch(CLASSIC.pack(can_id, size, 0, bytes(8)), (0,))


def fd(can_id: int, size: int, flags: int) -> FrameBatch:
    return FrameBatch(FD.pack(can_id, size, flags, bytes(64)), (0,), FD.size)


def test_a_full_bus_is_full() -> None:
    rates = BitRates(500_000)
    bits = frame_bits(8, is_extended=False)
    worst_per_s = 500_000 / (bits.nominal + bits.nominal_stuff_max)
    best_per_s = 500_000 / bits.nominal
    frame_s = rates.busy_s(classic(0x123, 8))
    assert 0.88 < frame_s * worst_per_s < 1.0 < frame_s * best_per_s < 1.12


def test_a_remote_frame_carries_no_data_whatever_its_length_says() -> None:
    rates = BitRates(500_000)
    assert rates.busy_s(classic(0x123 | REMOTE_FLAG, 8)) == rates.busy_s(classic(0x123, 0))


def test_an_error_frame_is_not_counted() -> None:
    assert BitRates(500_000).busy_s(classic(0x04 | ERROR_FLAG, 8)) == 0.0
    assert BitRates(500_000).busy_s(fd(0x04 | ERROR_FLAG, 8, 0)) == 0.0


def test_the_data_rate_counts_where_the_frame_switches_only() -> None:
    slow, fast = BitRates(500_000), BitRates(500_000, 5_000_000)
    assert fast.busy_s(fd(0x1, 64, 0x05)) < slow.busy_s(fd(0x1, 64, 0x05))
    assert fast.busy_s(fd(0x1, 64, 0x04)) == slow.busy_s(fd(0x1, 64, 0x04))
    assert fast.busy_s(fd(0x1, 8, 0x00)) == slow.busy_s(classic(0x1, 8))


def test_no_frames_take_no_time() -> None:
    assert BitRates(500_000).busy_s(FrameBatch(b"", ())) == 0.0
    assert kinds(FrameBatch(b"", (), FD.size)) == b""


def test_only_buses_whose_rate_is_told_have_one() -> None:
    assert rates_of({"body": (500_000, 0), "drive": (0, 2_000_000)}) == {"body": BitRates(500_000)}


CLASSIC_FRAMES = st.lists(
    st.tuples(
        st.integers(0, 0x7FF),
        st.sampled_from([0, EXTENDED_FLAG, REMOTE_FLAG, EXTENDED_FLAG | REMOTE_FLAG, ERROR_FLAG]),
        st.integers(0, 8),
    ),
    max_size=50,
)
FD_FRAMES = st.lists(
    st.tuples(
        st.integers(0, 0x7FF),
        st.sampled_from([0, EXTENDED_FLAG]),
        st.sampled_from(SIZES),
        st.sampled_from([4, 5, 6, 7]),
    ),
    max_size=50,
)


@given(CLASSIC_FRAMES)
def test_a_batch_takes_the_time_of_its_frames(frames: list[tuple[int, int, int]]) -> None:
    rates = BitRates(250_000)
    raw = b"".join(CLASSIC.pack(can_id | flags, size, 0, bytes(8)) for can_id, flags, size in frames)
    expected = 0.0
    for _, flags, size in frames:
        if not flags & ERROR_FLAG:
            bits = frame_bits(0 if flags & REMOTE_FLAG else size, is_extended=bool(flags & EXTENDED_FLAG))
            expected += rates.time_s(bits)
    assert rates.busy_s(FrameBatch(raw, (0,) * len(frames))) == pytest.approx(expected)


@given(FD_FRAMES)
def test_a_batch_of_fd_frames_takes_the_time_of_its_frames(frames: list[tuple[int, int, int, int]]) -> None:
    rates = BitRates(500_000, 2_000_000)
    raw = b"".join(FD.pack(can_id | ext, size, flags, bytes(64)) for can_id, ext, size, flags in frames)
    expected = sum(
        rates.time_s(frame_bits(size, is_extended=bool(ext), is_fd=True, is_switched=bool(flags & 1)))
        for _, ext, size, flags in frames
    )
    assert rates.busy_s(FrameBatch(raw, (0,) * len(frames), FD.size)) == pytest.approx(expected)


@given(st.integers(0, 2**64 - 1), st.integers(0, 0x7FF), st.integers(0, 8))
def test_the_mean_is_off_the_true_length_by_less_than_the_module_says(payload: int, can_id: int, size: int) -> None:
    """Counts the stuff bits of the real bits, CRC included."""
    bits = [0, *_bits(can_id, 11), 0, 0, 0, *_bits(size, 4), *_bits(payload, 64)[: 8 * size]]
    bits += _bits(_crc(bits), 15)
    true_bits = len(bits) + _stuffed(bits) + 13
    estimate = frame_bits(size, is_extended=False)
    mean = estimate.nominal + estimate.nominal_stuff_max / 2
    assert estimate.nominal <= true_bits <= estimate.nominal + estimate.nominal_stuff_max
    assert abs(mean - true_bits) / true_bits <= 0.12


def _bits(value: int, count: int) -> list[int]:
    return [value >> (count - 1 - index) & 1 for index in range(count)]


def _crc(bits: list[int]) -> int:
    crc = 0
    for bit in bits:
        is_set = bit ^ (crc >> 14)
        crc = crc << 1 & 0x7FFF
        crc ^= 0x4599 if is_set else 0
    return crc


def _stuffed(bits: list[int]) -> int:
    count, run, last = 0, 0, -1
    for bit in bits:
        run = run + 1 if bit == last else 1
        last = bit
        if run == 5:
            count, last, run = count + 1, 1 - bit, 1
    return count
