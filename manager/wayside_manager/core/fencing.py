"""What a track did at geofences: every crossing once, and how far was driven where it was permitted.

A vehicle is inside from its first point that is as far inside as the hysteresis, outside from its first one as far
outside; in between it stays what it was. Its very first point counts as it lies. Points alone are looked at: an area
that is narrower than twice the hysteresis, or than the way between two points, may be passed unseen.

    fence         event                        broken
    TEST_AREA     LEFT                         when the permit held until then
    TEST_AREA     EXPIRED                      always: it is inside without a permit
    FORBIDDEN     ENTERED                      when the ban holds
    FORBIDDEN     BEGAN                        always: it is inside, and the ban holds from now on

Usage: `verdict = judged(track, [fence_of(record, parsed_geometry(record.geometry), zone)])`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from itertools import pairwise
from typing import Protocol

from wayside.errors import InvalidArgumentError
from wayside_manager.core.earth import is_on_earth
from wayside_manager.core.geometry import Border, Shape, distance_m
from wayside_manager.core.sites import GeofenceKind, GeofenceRecord, WeeklyHours
from wayside_manager.core.windows import holds

POINTS_MAX = 100_000
_MINUTE_S = 60.0
_FIRST_TIME = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_TIME = datetime(9998, 1, 1, tzinfo=UTC)  # so that the days around a point are days of the calendar


class CrossingKind(StrEnum):
    """What happened at a fence; names as in `wayside.v1.FenceCrossing.Kind`."""

    ENTERED = "entered"
    LEFT = "left"
    EXPIRED = "expired"
    """Inside, when the licence or the hours ended."""
    BEGAN = "began"
    """Inside, when the licence or the hours began."""


@dataclass(frozen=True, slots=True)
class TrackPoint:
    """Where a vehicle was, and when."""

    time: datetime
    latitude_deg: float
    longitude_deg: float


class DistanceToBorder(Protocol):
    """How far positions are from the border of an area."""

    def distances_m(self, positions: Sequence[tuple[float, float]]) -> list[float]:
        """Of positions, latitude and longitude [degree], the distance to the border [m], positive inside."""


@dataclass(frozen=True, slots=True)
class Fence:
    """An area and its rule."""

    fence_id: str
    border: DistanceToBorder
    kind: GeofenceKind = GeofenceKind.NONE
    hours: tuple[WeeklyHours, ...] = ()
    zone: tzinfo = UTC
    begin_time: datetime | None = None
    expire_time: datetime | None = None
    """First instant at which it holds no more."""
    hysteresis_m: float = 10.0


@dataclass(frozen=True, slots=True)
class Crossing:
    """A track crosses a border, or a rule begins or ends around it."""

    fence_id: str
    kind: CrossingKind
    point: TrackPoint
    """The first one at which it was certain."""
    is_violation: bool


@dataclass(frozen=True, slots=True)
class TrackVerdict:
    """What a track did."""

    crossings: tuple[Crossing, ...]
    """In order of time, then of the fences as they were given."""
    permitted_m: float
    """Driven inside a test area while its rule held."""
    other_m: float
    """Driven otherwise."""


@dataclass(frozen=True, slots=True)
class _Standing:
    """How a point stands to a fence."""

    is_inside: bool
    is_in_force: bool


def checked_track(points: Sequence[TrackPoint], *, field: str = "points") -> tuple[TrackPoint, ...]:
    """The track itself.

    Raises: InvalidArgumentError: no points, or too many, or one is not on WGS 84, or times are absurd or do not rise.
    """
    if not 1 <= len(points) <= POINTS_MAX:
        _refuse(f"{field}: a track has 1 to {POINTS_MAX} points, and not {len(points)}")
    for index, point in enumerate(points):
        if not is_on_earth(point.latitude_deg, point.longitude_deg):
            _refuse(f"{field}[{index}].position: it is outside latitude -90 to 90 and longitude -180 to 180")
        if not _FIRST_TIME <= point.time < _LAST_TIME:
            _refuse(f"{field}[{index}].time: it is outside the years 1970 to 9997")
        if index and point.time <= points[index - 1].time:
            _refuse(f"{field}[{index}].time: it is not after the time of the point before; sort the points by time")
    return tuple(points)


def fence_of(record: GeofenceRecord, shape: Shape, zone: tzinfo) -> Fence:
    """A geofence made ready; `shape` and `zone` are those its texts name."""
    return Fence(
        fence_id=record.geofence_id,
        border=Border(shape),
        kind=record.kind,
        hours=record.hours,
        zone=zone,
        begin_time=record.begin_time,
        expire_time=record.expire_time,
        hysteresis_m=record.hysteresis_m,
    )


def judged(track: Sequence[TrackPoint], fences: Sequence[Fence]) -> TrackVerdict:
    """What a checked track did at fences."""
    crossings: list[Crossing] = []
    permitted = [False] * len(track)
    for fence in fences:
        standings = _standings(track, fence)
        crossings += _crossings(track, standings, fence)
        if fence.kind is GeofenceKind.TEST_AREA:
            held = (standing.is_inside and standing.is_in_force for standing in standings)
            # a leg counts where both its ends are permitted by the same area
            permitted = _with_legs(permitted, list(held))
    legs = [
        distance_m(one.latitude_deg, one.longitude_deg, other.latitude_deg, other.longitude_deg)
        for one, other in pairwise(track)
    ]
    permitted_m = sum(leg_m for leg_m, is_permitted in zip(legs, permitted[1:], strict=True) if is_permitted)
    crossings.sort(key=lambda crossing: crossing.point.time)
    return TrackVerdict(tuple(crossings), permitted_m, max(0.0, sum(legs) - permitted_m))


def _standings(track: Sequence[TrackPoint], fence: Fence) -> list[_Standing]:
    distances_m = fence.border.distances_m([(point.latitude_deg, point.longitude_deg) for point in track])
    in_hours: dict[int, bool] = {}
    found: list[_Standing] = []
    is_inside = bool(distances_m) and distances_m[0] >= 0.0
    for point, inside_m in zip(track, distances_m, strict=True):
        if abs(inside_m) >= fence.hysteresis_m:
            is_inside = inside_m > 0.0 or (is_inside and inside_m == 0.0)
        minute = int(point.time.timestamp() // _MINUTE_S)  # hours begin and end with minutes
        if minute not in in_hours:
            in_hours[minute] = holds(fence.hours, point.time, fence.zone)
        found.append(_Standing(is_inside, in_hours[minute] and _is_licensed(fence, point.time)))
    return found


def _is_licensed(fence: Fence, moment: datetime) -> bool:
    is_begun = fence.begin_time is None or fence.begin_time <= moment
    return is_begun and (fence.expire_time is None or moment < fence.expire_time)


def _crossings(track: Sequence[TrackPoint], standings: Sequence[_Standing], fence: Fence) -> list[Crossing]:
    found = []
    for point, before, after in zip(track[1:], standings, standings[1:], strict=False):
        kind = _event(before, after)
        if kind is not None:
            found.append(Crossing(fence.fence_id, kind, point, _is_violation(fence.kind, kind, before, after)))
    return found


def _event(before: _Standing, after: _Standing) -> CrossingKind | None:
    if before.is_inside != after.is_inside:
        return CrossingKind.ENTERED if after.is_inside else CrossingKind.LEFT
    if not after.is_inside or before.is_in_force == after.is_in_force:
        return None
    return CrossingKind.BEGAN if after.is_in_force else CrossingKind.EXPIRED


def _is_violation(fence_kind: GeofenceKind, kind: CrossingKind, before: _Standing, after: _Standing) -> bool:
    if fence_kind is GeofenceKind.TEST_AREA:
        return kind is CrossingKind.EXPIRED or (kind is CrossingKind.LEFT and before.is_in_force)
    if fence_kind is GeofenceKind.FORBIDDEN:
        return kind is CrossingKind.BEGAN or (kind is CrossingKind.ENTERED and after.is_in_force)
    return False


def _with_legs(permitted: Sequence[bool], held: Sequence[bool]) -> list[bool]:
    """The legs, each at its end, that are permitted already or have both ends held."""
    return [
        was or (index > 0 and held[index - 1] and is_held)
        for index, (was, is_held) in enumerate(zip(permitted, held, strict=True))
    ]


def _refuse(sentence: str) -> None:
    raise InvalidArgumentError(sentence, reason="TRACK_INVALID")
