"""The road around a vehicle as a plane: metres east and north of a place, good to 1 % within some kilometres.

point = offset_m(here, there)                       # (east, north)
along, across = ahead_of(heading_deg, point)        # across: to the right
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from wayside.v2x.generated.messages import PositionOffsetLLV
from wayside_agent.core.heard.grid import METRES_PER_RAW, RAW_PER_DEGREE
from wayside_agent.core.heard.plausibility import Place

Point = tuple[float, float]
"""Metres east and north of some place."""
FULL_CIRCLE_DEG = 360.0
_HALF_CIRCLE_DEG = 180.0
_HALF_EARTH_RAW, _EARTH_RAW = 1_800_000_000, 3_600_000_000
_PARALLEL = 1e-6
_ABSOLUTE = "position-LatLon"


def offset_m(origin: Place, place: Place) -> Point:
    """Where a place is, seen from another."""
    east_raw = place[1] - origin[1]
    if abs(east_raw) > _HALF_EARTH_RAW:  # across the 180th meridian
        east_raw -= int(math.copysign(_EARTH_RAW, east_raw))
    shrink = math.cos(math.radians(origin[0] / RAW_PER_DEGREE))
    return east_raw * shrink * METRES_PER_RAW, (place[0] - origin[0]) * METRES_PER_RAW


def moved(point: Point, heading_deg: float, way_m: float) -> Point:
    """A point farther on in a direction."""
    heading = math.radians(heading_deg)
    return point[0] + way_m * math.sin(heading), point[1] + way_m * math.cos(heading)


def farther(place: Place, heading_deg: float, way_m: float) -> Place:
    """A place farther on in a direction."""
    east_m, north_m = moved((0.0, 0.0), heading_deg, way_m)
    shrink = max(_PARALLEL, math.cos(math.radians(place[0] / RAW_PER_DEGREE)))
    return place[0] + round(north_m / METRES_PER_RAW), place[1] + round(east_m / METRES_PER_RAW / shrink)


def ahead_of(heading_deg: float, point: Point) -> Point:
    """How far a point is ahead of the origin, and to its right, for one who looks that way [m]."""
    heading = math.radians(heading_deg)
    sine, cosine = math.sin(heading), math.cos(heading)
    return point[0] * sine + point[1] * cosine, point[0] * cosine - point[1] * sine


def turn_deg(before_deg: float, after_deg: float) -> float:
    """The turn from one heading to another, -180 to 180, to the right positive."""
    return (after_deg - before_deg + _HALF_CIRCLE_DEG) % FULL_CIRCLE_DEG - _HALF_CIRCLE_DEG


def crossing_m(point: Point, turned_deg: float) -> Point | None:
    """Where the straight way of another meets ours: how far we, and how far it has to go [m]; `None`: nowhere.

    Args:
        point: The other, ahead of us and to the right [m].
        turned_deg: Its heading, seen from ours.
    """
    turned = math.radians(turned_deg)
    sine, cosine = math.sin(turned), math.cos(turned)
    if abs(sine) < _PARALLEL:
        return None
    theirs_m = -point[1] / sine
    return point[0] + theirs_m * cosine, theirs_m


class Ahead(NamedTuple):
    """Where somebody is, seen from us, along a way."""

    along_m: float
    """Ahead of us."""
    across_m: float
    """To the right of the way."""
    turned_deg: float | None
    """Its heading seen from that of the way there, -180 to 180; `None`: not known."""


class Foot(NamedTuple):
    """The nearest place on a line."""

    aside_m: float
    """How far the line is away."""
    heading_deg: float
    """Where the line goes there."""
    left_m: float
    """Along the line to its end."""
    right_m: float = 0.0
    """How far the place is to the right of the line."""


def foot_on(line: Sequence[Point], point: Point) -> Foot | None:
    """The nearest place on a line of points; `None`: it lies before its begin or behind its end, or it is no line."""
    found: Foot | None = None
    left_m = 0.0
    for begin, end in zip(reversed(line[:-1]), reversed(line[1:]), strict=True):  # from the end: what is left adds up
        east, north = end[0] - begin[0], end[1] - begin[1]
        length_m = math.hypot(east, north)
        if not length_m:
            continue
        along_m = ((point[0] - begin[0]) * east + (point[1] - begin[1]) * north) / length_m
        at_m = max(0.0, min(length_m, along_m))
        is_beyond = (along_m > length_m and end == line[-1]) or (along_m < 0 and begin == line[0])
        aside_m = math.hypot(
            point[0] - begin[0] - at_m * east / length_m, point[1] - begin[1] - at_m * north / length_m
        )
        if not is_beyond and (found is None or aside_m < found.aside_m):
            heading_deg = math.degrees(math.atan2(east, north)) % FULL_CIRCLE_DEG
            is_right = (point[0] - begin[0]) * north > (point[1] - begin[1]) * east
            found = Foot(aside_m, heading_deg, left_m + length_m - at_m, aside_m if is_right else -aside_m)
        left_m += length_m
    return found


def place_of(offset: PositionOffsetLLV, origin: Place) -> Place:
    """The place that a message gives as an offset."""
    kind, value = offset.offsetLL
    latitude, longitude = value.lat, value.lon
    return (latitude, longitude) if kind == _ABSOLUTE else (origin[0] + latitude, origin[1] + longitude)
