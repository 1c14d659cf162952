"""Ids that must come, and which have not."""

from hypothesis import given
from hypothesis import strategies as st

from wayside_agent.core.bus_silence import ExpectedIds, can_id
from wayside_agent.core.frames import CLASSIC, ERROR_FLAG, EXTENDED_FLAG, FD, REMOTE_FLAG, FrameBatch

WATCHED = {can_id("0C9"): 0.5, can_id("18FF1001"): 2.0}


def batch(*ids: int, size_bytes: int = CLASSIC.size) -> FrameBatch:
    pack = CLASSIC if size_bytes == CLASSIC.size else FD
    return FrameBatch(b"".join(pack.pack(each, 0, 0, b"") for each in ids), (0,) * len(ids), size_bytes)


def test_an_id_reads_as_candump_writes_it() -> None:
    assert (can_id("0c9"), can_id("7FF"), can_id("000000C9")) == (0xC9, 0x7FF, 0xC9 | EXTENDED_FLAG)


def test_an_id_has_its_time_from_the_beginning_and_is_missed_after_it() -> None:
    watch = ExpectedIds(WATCHED, mono_s=100.0)
    assert watch.silent(100.5) == ()
    assert watch.silent(100.6) == (0x0C9,)
    assert watch.silent(103.0) == (0x0C9, 0x18FF1001)
    watch.take(batch(0x0C9), 103.0)
    assert watch.silent(103.1) == (0x18FF1001,)


def test_another_kind_of_frame_with_the_same_number_is_another_id() -> None:
    watch = ExpectedIds(WATCHED, mono_s=0.0)
    watch.take(batch(0x0C9 | EXTENDED_FLAG, 0x0C9 | REMOTE_FLAG, 0x0C9 | ERROR_FLAG, 0x18FF1001 & 0x7FF), 3.0)
    assert watch.silent(3.0) == (0x0C9, 0x18FF1001)


def test_frames_of_an_fd_bus_are_seen_and_their_data_are_not_taken_for_ids() -> None:
    watch = ExpectedIds(WATCHED, mono_s=0.0)
    content = can_id("18FF1001").to_bytes(4, "little") * 16
    watch.take(FrameBatch(FD.pack(0x0C9, 64, 4, content), (0,), FD.size), 3.0)
    assert watch.silent(3.0) == (0x18FF1001,)


def test_a_bus_that_was_closed_begins_anew() -> None:
    watch = ExpectedIds(WATCHED, mono_s=0.0)
    assert len(watch.silent(50.0)) == len(watch) == 2
    watch.begin(50.0)
    assert watch.silent(50.4) == ()


@given(st.lists(st.tuples(st.floats(0, 5), st.lists(st.sampled_from([0x0C9, 0x100, can_id("18FF1001")]))), max_size=20))
def test_what_is_silent_is_what_was_not_seen_in_its_time(turns: list[tuple[float, list[int]]]) -> None:
    watch, seen, now_s = ExpectedIds(WATCHED, mono_s=0.0), dict.fromkeys(WATCHED, 0.0), 0.0
    for pause_s, ids in turns:
        now_s += pause_s
        watch.take(batch(*ids), now_s)
        seen |= {each: now_s for each in ids if each in WATCHED}
        overdue = {each & ~EXTENDED_FLAG for each, longest_s in WATCHED.items() if now_s - seen[each] > longest_s}
        assert set(watch.silent(now_s)) == overdue
