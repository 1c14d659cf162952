"""Lines of candump."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside_agent.core.can_log import LogLineError, batched, logged_frame
from wayside_agent.core.frames import ERROR_FLAG, EXTENDED_FLAG, REMOTE_FLAG
from wayside_agent.core.pace import Pace, TimeBase

X = EXTENDED_FLAG


@pytest.mark.parametrize(
    ("line", "time_ns", "can_id", "size", "flags", "data"),
    [
        ("(1502984866.421964) slcan0 09F112CC#FF72", 1502984866421964000, 0x09F112CC | X, 2, 0, b"\xff\x72"),
        ("(0.5) can0 123#", 500_000_000, 0x123, 0, 0, b""),
        ("(1.0) can0 123#R", 10**9, 0x123 | REMOTE_FLAG, 0, 0, b""),
        ("(1.0) can0 123#R4", 10**9, 0x123 | REMOTE_FLAG, 4, 0, b""),
        ("(1.0) can0 123##1AABB", 10**9, 0x123, 2, 5, b"\xaa\xbb"),
        ("(1.0) can0 123#0011223344556677_9", 10**9, 0x123, 8, 0, bytes.fromhex("0011223344556677")),
        ("(1.0) can0 123#00 R", 10**9, 0x123, 1, 0, b"\0"),
        ("(1.0) can0 20000004#0004000000000000", 10**9, 4 | ERROR_FLAG, 8, 0, bytes.fromhex("0004000000000000")),
        ("  can0  123   [2]  11 22", None, 0x123, 2, 0, b"\x11\x22"),
        ("  can0  123   [0] ", None, 0x123, 0, 0, b""),
        (" (0.000000)  can0  00000123   [1]  11   '.'", 0, 0x123 | X, 1, 0, b"\x11"),
        ("  can0  RX - -  123  [1]  11", None, 0x123, 1, 0, b"\x11"),
        ("  can0  123  [3]  remote request", None, 0x123 | REMOTE_FLAG, 3, 0, b""),
        ("  can0  20000004   [1]  00   ERRORFRAME", None, 4 | ERROR_FLAG, 1, 0, b"\0"),
        ("  can0  123  [12]  " + "AB " * 12, None, 0x123, 12, 4, b"\xab" * 12),
    ],
)  # fmt: skip
def test_line_of_candump_is_a_frame(  # noqa: PLR0917 - columns of the table above
    line: str, time_ns: int | None, can_id: int, size: int, flags: int, data: bytes
) -> None:
    frame = logged_frame(line)
    assert frame is not None
    assert (frame.time_ns, frame.can_id, frame.size, frame.flags, frame.data) == (time_ns, can_id, size, flags, data)


@pytest.mark.parametrize("line", ["", "   \n", "# a comment", "  # indented"])
def test_blank_lines_and_comments_are_no_frames(line: str) -> None:
    assert logged_frame(line) is None


@pytest.mark.parametrize(
    "line",
    [
        "garbage",
        "(1.0) can0 123",
        "(1.0) can0 800#00",
        "(1.0) can0 123#0",
        "(1.0) can0 123#001122334455667788",
        "(1.0) can0 80000123#00",
        "(1.0) can0 123##0" + "00" * 9,
        "(x) can0 123#00",
        "(99999999999999999999.0) can0 123#00",
        "  can0  123  [2]  11",
        "  can0  123  [9]  " + "00 " * 9,
        "(1.0) can0 123#00" + " " * 600 + "x",
        "(1.0) can0 123#\u0661\u0662",
    ],
)
def test_what_is_no_frame_is_refused(line: str) -> None:
    with pytest.raises(LogLineError):
        logged_frame(line)


@given(st.text(max_size=80))
def test_any_text_is_a_frame_or_refused(line: str) -> None:
    try:
        logged_frame(line)
    except LogLineError:
        return


def test_batch_with_an_fd_frame_uses_fd_structs() -> None:
    frames = [frame for line in ("(1.0) c 001#00", "(1.0) c 002##0" + "00" * 12) if (frame := logged_frame(line))]
    assert batched(frames, [1, 2]).size_bytes == 72
    assert batched(frames[:1], [1]).size_bytes == 16


def test_pace_of_a_recording_played_twice_as_fast() -> None:
    pace = Pace(speed=2.0, first_ns=10**9, start_mono_s=100.0, start_utc_ns=5 * 10**9)
    assert pace.due_mono_s(3 * 10**9) == 101.0
    assert pace.reached_ns(101.0) == 3 * 10**9
    assert pace.shown_ns(3 * 10**9, now_utc_ns=0) == 6 * 10**9


def test_pace_as_fast_as_possible_is_due_at_once_and_shows_delivery() -> None:
    pace = Pace(speed=0.0, first_ns=10**9, start_mono_s=100.0)
    assert pace.due_mono_s(3 * 10**9) == 100.0
    assert pace.shown_ns(3 * 10**9, now_utc_ns=42) == 42


def test_recorded_times_are_shown_as_they_are() -> None:
    pace = Pace(speed=5.0, first_ns=10**9, start_mono_s=1.0, time_base=TimeBase.RECORDED)
    assert pace.shown_ns(3 * 10**9, now_utc_ns=42) == 3 * 10**9


def test_frame_recorded_before_the_first_is_due_at_once() -> None:
    assert Pace(speed=1.0, first_ns=10**9, start_mono_s=7.0).due_mono_s(0) == 7.0
