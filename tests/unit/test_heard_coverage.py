"""Where vehicles are heard, and how well."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside.v2x.peek import MessageKind, Peek
from wayside_agent.core.heard.coverage import COUNTS_LAST_S, MAX_CELLS, MAX_STATIONS, Coverage
from wayside_agent.core.heard.grid import METRES_PER_RAW, cell_of, corners_deg, distance_m
from wayside_agent.core.heard.plausibility import MAX_RANGE_M, Doubt

HERE = (200_317_000, 1_103_312_000)
NOW_MS = 12_300


def bsm(
    count: int = 0,
    *,
    sender: bytes = b"sender-1",
    place: tuple[int, int] = HERE,
    speed_raw: int = 500,
    mark_ms: int = NOW_MS,
) -> Peek:
    return Peek(MessageKind.BSM, count % 128, sender, mark_ms, *place, speed_raw, 0)


def north_m(metres: float) -> tuple[int, int]:
    return HERE[0] + round(metres / METRES_PER_RAW), HERE[1]


def listen(coverage: Coverage, *messages: tuple[float, Peek]) -> list[Doubt | None]:
    return [coverage.heard(seen, now_s=at_s, utc_ms=NOW_MS, here=HERE) for at_s, seen in messages]


@given(
    latitude=st.integers(-900_000_000, 900_000_000),
    longitude=st.integers(-1_799_999_999, 1_800_000_000),
)
def test_a_place_is_in_its_cell_and_the_cell_in_one_place(latitude: int, longitude: int) -> None:
    cell = cell_of(latitude, longitude)
    south, west, north, east = corners_deg(cell)
    assert south <= latitude / 1e7 < north
    assert west <= longitude / 1e7 < east
    middle = round((south + north) / 2 * 1e7), round((west + east) / 2 * 1e7)
    assert cell_of(*middle) == cell


@given(latitude=st.integers(-700_000_000, 700_000_000), longitude=st.integers(-1_790_000_000, 1_790_000_000))
def test_cells_are_about_50_m_wide_and_high(latitude: int, longitude: int) -> None:
    south, west, north, east = (round(each * 1e7) for each in corners_deg(cell_of(latitude, longitude)))
    assert distance_m(south, west, north, west) == pytest.approx(50, rel=0.01)
    assert distance_m(latitude, west, latitude, east) == pytest.approx(50, rel=0.05)


@given(
    metres=st.floats(0, 3000),
    bearing=st.floats(0, 2 * math.pi),
    latitude=st.integers(-600_000_000, 600_000_000),
    longitude=st.sampled_from([0, 1_103_312_000, 1_799_999_990, -1_799_999_990]),
)
def test_distances_are_right_also_across_the_180th_meridian(
    metres: float, bearing: float, latitude: int, longitude: int
) -> None:
    north_raw = metres * math.cos(bearing) / METRES_PER_RAW
    east_raw = metres * math.sin(bearing) / METRES_PER_RAW / math.cos(math.radians(latitude / 1e7))
    there = round(latitude + north_raw), round(longitude + east_raw + 1.8e9) % 3_600_000_000 - 1_800_000_000
    assert distance_m(latitude, longitude, *there) == pytest.approx(metres, rel=0.01, abs=0.1)


@given(lost=st.lists(st.integers(0, 60), min_size=1, max_size=60), first=st.integers(0, 127))
def test_what_is_missed_in_a_cell_is_what_was_not_heard(lost: list[int], first: int) -> None:
    coverage, count, at_s = Coverage(), first, 0.0
    listen(coverage, (at_s, bsm(count)))
    for gap in lost:
        count, at_s = count + gap + 1, at_s + 0.1 * (gap + 1)
        assert listen(coverage, (at_s, bsm(count))) == [None]
    (counts,) = coverage.cells.values()
    assert (counts.messages, counts.missed, counts.stations) == (len(lost) + 1, sum(lost), 1)
    assert counts.pdr_ratio == pytest.approx(len(lost) / (len(lost) + sum(lost)))


@pytest.mark.parametrize(
    ("at_s", "count"),
    [(0.1, 5), (0.1, 4), (0.1, 5 + 65), (COUNTS_LAST_S + 0.1, 9)],
    ids=["echo", "back", "began-anew", "after-silence"],
)
def test_a_count_that_says_nothing_counts_as_nothing(at_s: float, count: int) -> None:
    coverage = Coverage()
    listen(coverage, (0.0, bsm(5)), (at_s, bsm(count)))
    (counts,) = coverage.cells.values()
    assert (counts.messages, counts.missed, counts.pdr_ratio) == (2, 0, None)


def test_a_drive_leaves_its_way_on_the_map() -> None:
    coverage = Coverage()
    for turn in range(200):
        listen(coverage, (turn / 10, bsm(turn, place=north_m(2.0 * turn))))
    assert len(coverage.cells) in {8, 9}
    assert sum(each.messages for each in coverage.cells.values()) == 200
    assert all(each.stations == 1 and each.missed == 0 for each in coverage.cells.values())
    assert max(each.furthest_m for each in coverage.cells.values()) == pytest.approx(398, abs=1)
    summary = coverage.summary(20.0)
    assert (summary.pdr_ratio, summary.rate_hz) == (1.0, {MessageKind.BSM: 10.0})
    assert summary.range_m == 400.0


def test_the_last_minute_forgets_what_was_before() -> None:
    coverage = Coverage()
    listen(coverage, (0.0, bsm(0)), (0.1, bsm(9)))
    assert coverage.summary(1.0).pdr_ratio == pytest.approx(1 / 9, abs=1e-3)
    assert coverage.summary(90.0).pdr_ratio is None
    listen(coverage, (90.0, bsm(1)), (90.1, bsm(2)))
    assert coverage.summary(91.0).pdr_ratio == 1.0


@pytest.mark.parametrize(
    ("second", "doubt"),
    [
        (bsm(1), None),
        (bsm(1, speed_raw=3500), None),
        (bsm(1, speed_raw=3501), Doubt.SPEED),
        (bsm(1, speed_raw=8191), None),
        (bsm(1, place=north_m(39)), None),
        (bsm(1, place=north_m(41)), Doubt.JUMP),
        (bsm(1, place=north_m(MAX_RANGE_M + 10)), Doubt.RANGE),
        (bsm(1, place=(900_000_001, 1_800_000_001)), None),
        (bsm(1, mark_ms=NOW_MS - 1000), None),
        (bsm(1, mark_ms=NOW_MS - 1001), Doubt.STALE),
        (bsm(1, mark_ms=NOW_MS + 1000), None),
        (bsm(1, mark_ms=NOW_MS + 1001), Doubt.STALE),
        (bsm(1, mark_ms=60_000), None),
        (bsm(1, mark_ms=65_535), None),
    ],
    ids=[
        "true", "fast", "too-fast", "speed-unknown", "moved", "jumped", "too-far", "nowhere",
        "old", "too-old", "early", "too-early", "leap-second", "time-unknown",
    ],
)  # fmt: skip
def test_what_cannot_be_true_is_told_and_is_not_on_the_map(second: Peek, doubt: Doubt | None) -> None:
    coverage = Coverage()
    assert listen(coverage, (0.0, bsm(0)), (0.1, second)) == [None, doubt]
    assert dict(coverage.doubts) == ({doubt: 1} if doubt else {})
    if doubt:
        assert sum(each.messages for each in coverage.cells.values()) == 1


def test_the_minute_goes_round() -> None:
    coverage = Coverage()
    doubts = [coverage.heard(bsm(1, mark_ms=mark), now_s=0.0, utc_ms=100, here=None) for mark in (59_900, 58_000)]
    assert doubts == [None, Doubt.STALE]


def test_a_forged_message_does_not_cast_doubt_on_the_true_one_after_it() -> None:
    coverage = Coverage()
    forged = bsm(77, place=north_m(500))
    assert listen(coverage, (0.0, bsm(0)), (0.05, forged), (0.1, bsm(1))) == [None, Doubt.JUMP, None]
    assert next(iter(coverage.cells.values())).missed == 0


def test_a_unit_that_knows_neither_place_nor_time_doubts_neither() -> None:
    coverage = Coverage()
    assert coverage.heard(bsm(0, place=north_m(50_000), mark_ms=50_000), now_s=0.0, utc_ms=None, here=None) is None
    assert coverage.summary(1.0).range_m is None


def test_who_invents_stations_and_places_does_not_fill_the_memory() -> None:
    coverage = Coverage()
    for number in range(MAX_STATIONS + 100):
        place = HERE[0] + 5000 * (number % 100), HERE[1] + 6000 * (number // 100)
        coverage.heard(bsm(0, sender=number.to_bytes(8, "big"), place=place), now_s=0.0, utc_ms=None, here=None)
    assert (coverage.station_count, len(coverage.cells)) == (MAX_STATIONS, MAX_CELLS)


@given(
    st.lists(
        st.builds(
            Peek,
            st.sampled_from(MessageKind),
            st.none() | st.integers(0, 127),
            st.none() | st.sampled_from([b"a", b"b"]),
            st.none() | st.integers(0, 65_535),
            st.none() | st.integers(-900_000_000, 900_000_001),
            st.none() | st.integers(-1_799_999_999, 1_800_000_001),
            st.none() | st.integers(0, 8191),
        )
    )
)
def test_whatever_is_heard_is_taken(messages: list[Peek]) -> None:
    coverage = Coverage()
    doubts = [coverage.heard(seen, now_s=turn / 10, utc_ms=NOW_MS, here=HERE) for turn, seen in enumerate(messages)]
    assert sum(coverage.doubts.values()) == sum(doubt is not None for doubt in doubts)
    for counts in coverage.cells.values():
        assert counts.furthest_m <= MAX_RANGE_M
