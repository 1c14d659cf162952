"""The way of a vehicle in few points."""

import math
from itertools import pairwise

import pytest

from wayside_agent.core.path_history import ALLOWED_ERROR_M, MAX_CRUMBS, PathHistory

LATITUDE_DEG, LONGITUDE_DEG, METRES_PER_DEGREE = 20.03, 110.33, 111_320.0


def driven(places_m: list[tuple[float, float]]) -> PathHistory:
    """A way given in metres east and north, a tenth of a second apart."""
    path = PathHistory()
    east = METRES_PER_DEGREE * math.cos(math.radians(LATITUDE_DEG))
    for index, (x, y) in enumerate(places_m):
        path.passed(LATITUDE_DEG + y / METRES_PER_DEGREE, LONGITUDE_DEG + x / east, index / 10)
    return path


def in_metres(path: PathHistory, now_s: float) -> list[tuple[float, float]]:
    east = METRES_PER_DEGREE * math.cos(math.radians(LATITUDE_DEG))
    return [
        ((each.longitude_deg - LONGITUDE_DEG) * east, (each.latitude_deg - LATITUDE_DEG) * METRES_PER_DEGREE)
        for each in path.crumbs(now_s)
    ]


def test_a_straight_road_needs_a_point_every_210_metres() -> None:
    path = driven([(1.5 * index, 0.0) for index in range(400)])
    crumbs = in_metres(path, 40.0)
    assert len(crumbs) <= 3
    assert all(x > 598.5 - 300 - 210 for x, _ in crumbs)
    assert all(newer[0] > older[0] for newer, older in pairwise(crumbs))


@pytest.mark.parametrize("radius_m", [15.0, 60.0, 300.0])
def test_a_curve_is_followed_within_a_metre(radius_m: float) -> None:
    way = [
        (radius_m * math.sin(1.4 * index / radius_m), radius_m * (1 - math.cos(1.4 * index / radius_m)))
        for index in range(200)
    ]
    path = driven(way)
    crumbs = [way[-1], *in_metres(path, 20.0)]
    covered = way[[round(math.dist(each, crumbs[-1]), 1) for each in way].index(0.0) :]
    for place in covered:
        assert min(off_line_m(one, other, place) for one, other in pairwise(crumbs)) <= ALLOWED_ERROR_M + 0.1
    assert len(crumbs) < len(covered) / 3


def off_line_m(begin: tuple[float, float], end: tuple[float, float], place: tuple[float, float]) -> float:
    (x, y), (dx, dy) = (place[0] - begin[0], place[1] - begin[1]), (end[0] - begin[0], end[1] - begin[1])
    along = max(0.0, min(1.0, (x * dx + y * dy) / (dx * dx + dy * dy or 1.0)))
    return math.hypot(x - along * dx, y - along * dy)


def test_a_vehicle_that_stands_makes_no_points() -> None:
    path = driven([(0.0, 0.0)] * 1000)
    assert [each.age_s for each in path.crumbs(100.0)] == [100.0]


def test_there_are_never_more_points_than_a_message_takes() -> None:
    path = driven([(3.0 * index, 4.0 * (index % 2)) for index in range(500)])
    assert len(path.crumbs(50.0)) <= MAX_CRUMBS


def test_a_new_id_has_no_way_behind_it() -> None:
    path = driven([(1.5 * index, 0.0) for index in range(400)])
    path.forget()
    assert path.crumbs(40.0) == ()


def test_the_date_line_is_no_gap() -> None:
    path = PathHistory()
    for index in range(200):
        longitude_deg = 179.999 + index * 1.5e-5
        path.passed(20.0, longitude_deg - 360 if longitude_deg > 180 else longitude_deg, index / 10)
    assert len(path.crumbs(20.0)) <= 3
