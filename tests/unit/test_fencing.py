"""Tracks against geofences: every crossing once, permits that begin and end, and permitted metres."""

import json
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside.errors import InvalidArgumentError
from wayside_agent.core.nmea import NmeaDecoder
from wayside_manager.core.fencing import (
    CrossingKind,
    Fence,
    TrackPoint,
    checked_track,
    fence_of,
    judged,
)
from wayside_manager.core.geometry import distance_m, parsed_geometry
from wayside_manager.core.sites import GeofenceKind, GeofenceRecord, WeeklyHours

START = datetime(2026, 11, 23, 0, tzinfo=UTC)  # a Monday
METRE_DEG = 1 / 110_654.0  # of latitude at 20 N
ENTERED, LEFT, EXPIRED, BEGAN = CrossingKind


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def track(*inside_m: float, period_s: float = 1.0) -> list[TrackPoint]:
    """Points so far inside the area of `fence`, which lies north of 20 N."""
    return [
        TrackPoint(after(index * period_s), 20.0 + metres * METRE_DEG, 110.5) for index, metres in enumerate(inside_m)
    ]


def fence(kind: GeofenceKind = GeofenceKind.TEST_AREA, *, south_deg: float = 20.0, **rule: object) -> Fence:
    corners = [[110, south_deg], [111, south_deg], [111, 21], [110, 21], [110, south_deg]]
    content = json.dumps({"type": "Polygon", "coordinates": [corners]})
    record = GeofenceRecord(
        geofence_id="yangpu",
        kind=kind,
        geometry=content,
        create_time=START,
        update_time=START,
        **rule,  # type: ignore[arg-type]  # fields of the record
    )
    return fence_of(record, parsed_geometry(content), timezone(timedelta(hours=8)))


def kinds(points: list[TrackPoint], *fences: Fence) -> list[tuple[CrossingKind, float, bool]]:
    return [
        (crossing.kind, (crossing.point.time - START).total_seconds(), crossing.is_violation)
        for crossing in judged(points, fences).crossings
    ]


CROSSINGS: list[tuple[str, list[float], list[tuple[CrossingKind, float, bool]]]] = [
    ("in", [-20, -5, 5, 20], [(ENTERED, 3, False)]),
    ("out", [20, 5, -5, -20], [(LEFT, 3, True)]),
    ("not quite in", [-20, 9, -20, 9.9, -20], []),
    ("not quite out", [20, -9, 20, -9.9, 20], []),
    ("jitter at the border", [-20, 3, -3, 4, -4, 15, 3, -3, 4, -9, 12], [(ENTERED, 5, False)]),
    ("there and back", [-20, 20, -20, 20], [(ENTERED, 1, False), (LEFT, 2, True), (ENTERED, 3, False)]),
    ("begins near the border, inside", [3, -3, -20], [(LEFT, 2, True)]),
    ("begins near the border, outside", [-3, 3, 20], [(ENTERED, 2, False)]),
    ("begins near the border, stays", [3, -3, 3, 20], []),
    ("one point", [20], []),
]


@pytest.mark.parametrize(("inside_m", "wanted"), [row[1:] for row in CROSSINGS], ids=[row[0] for row in CROSSINGS])
def test_a_crossing_is_told_once(inside_m: list[float], wanted: list[tuple[CrossingKind, float, bool]]) -> None:
    assert kinds(track(*inside_m), fence()) == wanted


def test_a_forbidden_area_is_broken_by_entering_and_one_without_a_rule_never() -> None:
    there_and_back = track(-20, 20, -20)
    assert kinds(there_and_back, fence(GeofenceKind.FORBIDDEN)) == [(ENTERED, 1, True), (LEFT, 2, False)]
    assert kinds(there_and_back, fence(GeofenceKind.NONE)) == [(ENTERED, 1, False), (LEFT, 2, False)]


def test_a_licence_that_ends_inside_is_told_once_and_leaving_then_breaks_nothing_more() -> None:
    licensed = fence(expire_time=after(2))
    assert kinds(track(20, 20, 20, 20, -20), licensed) == [(EXPIRED, 2, True), (LEFT, 4, False)]
    assert kinds(track(-20, -20, -20), licensed) == [], "outside nothing ends"


def test_a_licence_begins_with_its_first_instant() -> None:
    assert kinds(track(20, 20, 20), fence(begin_time=after(1))) == [(BEGAN, 1, False)]
    assert kinds(track(20, 20, 20), fence(GeofenceKind.FORBIDDEN, begin_time=after(1))) == [(BEGAN, 1, True)]


def test_hours_of_the_week_are_in_the_time_of_the_fence() -> None:
    hours = (WeeklyHours(frozenset({1}), 9 * 60, 11 * 60),)  # Monday 01:00 to 03:00 in UTC
    hourly = track(20, 20, 20, 20, 20, period_s=3600)
    assert kinds(hourly, fence(hours=hours)) == [(BEGAN, 3600, False), (EXPIRED, 10800, True)]


def test_metres_count_where_the_permit_held_at_both_ends() -> None:
    points = track(-200, -100, 100, 200, 300, 400)
    verdict = judged(points, [fence(expire_time=after(5)), fence(GeofenceKind.NONE)])
    assert verdict.permitted_m == pytest.approx(200, rel=1e-3)
    assert verdict.other_m == pytest.approx(400, rel=1e-3)
    twice = judged(points, [fence(), fence()])
    assert twice.permitted_m == pytest.approx(300, rel=1e-3), "two areas permit no metre twice"
    assert judged(points, []).other_m == pytest.approx(600, rel=1e-3)


@given(st.lists(st.floats(-60, 60), min_size=1, max_size=40), st.floats(0, 30))
def test_crossings_alternate_and_every_metre_counts_once(inside_m: list[float], hysteresis_m: float) -> None:
    points = track(*inside_m)
    verdict = judged(points, [fence(hysteresis_m=hysteresis_m)])
    told = [crossing.kind for crossing in verdict.crossings]
    assert told == ([ENTERED, LEFT] * len(told))[: len(told)] or told == ([LEFT, ENTERED] * len(told))[: len(told)]
    whole_m = sum(abs(one - other) for one, other in pairwise(inside_m))
    assert verdict.permitted_m + verdict.other_m == pytest.approx(whole_m, rel=1e-2, abs=0.01)
    for crossing in verdict.crossings:
        metres = (crossing.point.latitude_deg - 20.0) / METRE_DEG
        assert abs(metres) >= hysteresis_m - 0.1
        assert (metres >= 0) == (crossing.kind is ENTERED)


def test_a_track_that_cannot_be_judged_is_refused_by_name() -> None:
    good = track(1, 2)
    assert checked_track(good) == tuple(good)
    for bad, sentence in [
        ([], "points: a track has 1 to 100000 points, and not 0"),
        (good * 50_001, "points: a track has 1 to 100000 points, and not 100002"),
        ([good[1], good[0]], "points[1].time: it is not after the time of the point before"),
        ([good[0], good[0]], "points[1].time: it is not after the time of the point before"),
        ([TrackPoint(START, float("nan"), 110)], "points[0].position: it is outside latitude -90 to 90"),
        ([TrackPoint(datetime.min.replace(tzinfo=UTC), 20, 110)], "points[0].time: it is outside the years 1970"),
        ([TrackPoint(datetime.max.replace(tzinfo=UTC), 20, 110)], "points[0].time: it is outside the years 1970"),
        ([TrackPoint(START, 20, 180.1)], "points[0].position: it is outside latitude -90 to 90"),
    ]:
        with pytest.raises(InvalidArgumentError) as caught:
            checked_track(bad)
        assert str(caught.value).startswith(sentence)


def recorded(shared_data: Path) -> list[tuple[float, float]]:
    """A person with an RTK receiver, 122 positions within 10 m (Iowa, 2020-03-18)."""
    decoder = NmeaDecoder()
    fixes = decoder.feed((shared_data / "gnss" / "nmea" / "nmea-rtk.log").read_bytes()) + decoder.flush()
    return [(fix.position.latitude_deg, fix.position.longitude_deg) for fix in fixes if fix.position is not None]


@pytest.mark.parametrize("lap_count", [1, 2, 5])
def test_a_recorded_track_across_a_border_raises_one_alarm_per_crossing(shared_data: Path, lap_count: int) -> None:
    there = recorded(shared_data)
    laps = (there + there[::-1]) * lap_count  # it walks across and back again, lap after lap
    points = checked_track([TrackPoint(after(index), *position) for index, position in enumerate(laps)])
    # the border runs through where it stood, 2.75 m north of where it began: positions jitter over it
    south_deg = there[0][0] + 2.75 / 111_060.0
    west_deg, east_deg = -93.8, -93.7
    corners = [[west_deg, south_deg], [east_deg, south_deg], [east_deg, 41.6], [west_deg, 41.6], [west_deg, south_deg]]
    content = json.dumps({"type": "Polygon", "coordinates": [corners]})
    record = GeofenceRecord(
        geofence_id="iowa",
        kind=GeofenceKind.TEST_AREA,
        geometry=content,
        create_time=START,
        update_time=START,
        hysteresis_m=1.0,
    )
    shape = parsed_geometry(content)
    verdict = judged(points, [fence_of(record, shape, UTC)])
    assert [crossing.kind for crossing in verdict.crossings] == [ENTERED, LEFT] * lap_count
    assert [crossing.is_violation for crossing in verdict.crossings] == [False, True] * lap_count
    naive = sum((one[0] > south_deg) != (other[0] > south_deg) for one, other in pairwise(laps))
    assert naive > 2 * lap_count, "without hysteresis there were more"
    whole_m = sum(distance_m(*one, *other) for one, other in pairwise(laps))
    assert verdict.permitted_m + verdict.other_m == pytest.approx(whole_m)
    assert 0.0 < verdict.permitted_m < whole_m
