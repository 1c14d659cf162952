"""Where a vehicle came from, in as few points as keep the line within a metre: the concise method.

    path = PathHistory()
    path.passed(latitude_deg, longitude_deg, at_s)      # every fix
    path.crumbs(now_s)                                  # newest first

A point is kept when, without it, the straight line between its neighbours would leave the way that was driven.
Source: SAE J2945/1 (concise representation of path history, error 1 m, chords up to 210 m, 300 m in all).
"""

import math
from collections import deque
from dataclasses import dataclass

from wayside_agent.core.bsm import Crumb

ALLOWED_ERROR_M = 1.0
MAX_CHORD_M = 210.0
WANTED_M = 300.0
MAX_CRUMBS = 23
MAX_BETWEEN = 300
"""Fixes looked at between two kept points: half a minute at 10 Hz; then one is kept anyway."""
MIN_STEP_M = 0.5
"""A vehicle that stands makes no points."""
_METRES_PER_DEGREE = 111_320.0


@dataclass(frozen=True, slots=True)
class _Place:
    latitude_deg: float
    longitude_deg: float
    at_s: float


class PathHistory:
    """The way of one vehicle."""

    def __init__(self) -> None:
        self._kept: deque[_Place] = deque(maxlen=MAX_CRUMBS)
        """Oldest first."""
        self._between: list[_Place] = []
        """Since the last one kept."""

    def passed(self, latitude_deg: float, longitude_deg: float, at_s: float) -> None:
        """Takes a fix; `at_s` is of any clock that only goes forward."""
        place = _Place(latitude_deg, longitude_deg, at_s)
        if not self._kept:
            self._kept.append(place)
            return
        last = self._between[-1] if self._between else self._kept[-1]
        if _distance_m(last, place) < MIN_STEP_M:
            return
        if self._between and self._must_keep(place):
            self._kept.append(self._between[-1])
            self._between.clear()
        self._between.append(place)

    def crumbs(self, now_s: float) -> tuple[Crumb, ...]:
        """The points, newest first, as far back as `WANTED_M`."""
        found: list[Crumb] = []
        length_m, after = 0.0, self._between[-1] if self._between else None
        for place in reversed(self._kept):
            length_m += _distance_m(place, after) if after is not None else 0.0
            found.append(Crumb(place.latitude_deg, place.longitude_deg, max(0.0, now_s - place.at_s)))
            if length_m >= WANTED_M:
                break
            after = place
        return tuple(found)

    def forget(self) -> None:
        """Begins anew: a temporary id has changed, and the way would link the two."""
        self._kept.clear()
        self._between.clear()

    def _must_keep(self, place: _Place) -> bool:
        begin = self._kept[-1]
        if len(self._between) >= MAX_BETWEEN or _distance_m(begin, place) > MAX_CHORD_M:
            return True
        return any(_off_line_m(begin, place, each) > ALLOWED_ERROR_M for each in self._between)


def _flat(origin: _Place, place: _Place) -> tuple[float, float]:
    """Metres east and north of an origin."""
    east = math.remainder(place.longitude_deg - origin.longitude_deg, 360.0) * math.cos(
        math.radians(origin.latitude_deg)
    )
    return east * _METRES_PER_DEGREE, (place.latitude_deg - origin.latitude_deg) * _METRES_PER_DEGREE


def _distance_m(one: _Place, other: _Place) -> float:
    return math.hypot(*_flat(one, other))


def _off_line_m(begin: _Place, end: _Place, place: _Place) -> float:
    """How far a place is from the straight line between two others."""
    (end_east, end_north), (east, north) = _flat(begin, end), _flat(begin, place)
    length = math.hypot(end_east, end_north)
    if not length:
        return math.hypot(east, north)
    along = max(0.0, min(1.0, (east * end_east + north * end_north) / length**2))
    return math.hypot(east - along * end_east, north - along * end_north)
