"""Where things are: metres around a sensor to degrees, and places as the small offsets that messages carry.

    place = placed(SensorPlace(20.03, 110.33, heading_deg=0.0), x_m=12.0, y_m=-3.5)
    offset = offset_of(place, reference)

Raw: latitude and longitude in 1e-7°, elevation in 0.1 m, as in T/CSAE 53. WGS 84.
"""

import math
from dataclasses import dataclass
from typing import cast

from wayside.v2x.generated.messages import (
    PositionLL24B,
    PositionLL28B,
    PositionLL32B,
    PositionLL36B,
    PositionLL44B,
    PositionLL48B,
    PositionLLmD64b,
    PositionOffsetLL,
    PositionOffsetLLV,
    VerticalOffset,
)

RAW_PER_DEGREE = 10_000_000
_RAW_PER_METRE = 10
_EARTH_RAW = 360 * RAW_PER_DEGREE
_SEMI_MAJOR_M, _FLATTENING = 6_378_137.0, 1 / 298.257223563
_ECCENTRICITY_SQUARED = _FLATTENING * (2 - _FLATTENING)
_LOWEST_RAW, _HIGHEST_RAW = -4095, 61_439
_HORIZONTAL = (
    (12, "position-LL1", PositionLL24B),
    (14, "position-LL2", PositionLL28B),
    (16, "position-LL3", PositionLL32B),
    (18, "position-LL4", PositionLL36B),
    (22, "position-LL5", PositionLL44B),
    (24, "position-LL6", PositionLL48B),
)
"""Bits of an offset, and the alternative that has them."""
_VERTICAL = tuple((6 + number, f"offset{number}") for number in range(1, 7))


@dataclass(frozen=True, slots=True)
class Place:
    """A place, raw."""

    latitude: int
    longitude: int
    elevation: int | None = None


@dataclass(frozen=True, slots=True)
class SensorPlace:
    """Where a sensor that measures in metres stands, and where it looks."""

    latitude_deg: float
    longitude_deg: float
    elevation_m: float | None = None
    heading_deg: float = 0.0
    """Of its y axis, clockwise from true north; 0: x is east and y north."""


def place_of(latitude_deg: float, longitude_deg: float, elevation_m: float | None) -> Place:
    """A place in degrees and metres, raw."""
    elevation = (
        None if elevation_m is None else max(_LOWEST_RAW, min(_HIGHEST_RAW, round(elevation_m * _RAW_PER_METRE)))
    )
    return Place(round(latitude_deg * RAW_PER_DEGREE), _turned(round(longitude_deg * RAW_PER_DEGREE)), elevation)


def placed(sensor: SensorPlace, x_m: float, y_m: float, z_m: float | None = None) -> Place:
    """Where a point is that a sensor sees; good to a centimetre within a kilometre."""
    heading = math.radians(sensor.heading_deg)
    east_m = x_m * math.cos(heading) + y_m * math.sin(heading)
    north_m = y_m * math.cos(heading) - x_m * math.sin(heading)
    latitude_deg = sensor.latitude_deg + math.degrees(north_m / _meridian_radius_m(sensor.latitude_deg))
    shrunk_m = max(1.0, _normal_radius_m(latitude_deg) * math.cos(math.radians(latitude_deg)))
    elevation_m = None if sensor.elevation_m is None or z_m is None else sensor.elevation_m + z_m
    latitude_deg = max(-90.0, min(90.0, latitude_deg))
    return place_of(latitude_deg, sensor.longitude_deg + math.degrees(east_m / shrunk_m), elevation_m)


def distance_m(one: Place, other: Place) -> float:
    """How far two places are apart, on the flat; good to a percent within some kilometres."""
    metres_per_raw = math.radians(1 / RAW_PER_DEGREE) * _SEMI_MAJOR_M
    shrink = math.cos(math.radians(one.latitude / RAW_PER_DEGREE))
    return metres_per_raw * math.hypot(_turned(other.longitude - one.longitude) * shrink, other.latitude - one.latitude)


def offset_of(place: Place, reference: Place) -> PositionOffsetLLV:
    """A place seen from another one, in the smallest alternative that can say it."""
    return PositionOffsetLLV(offsetLL=_horizontal(place, reference), offsetV=_vertical(place, reference))


def _horizontal(place: Place, reference: Place) -> PositionOffsetLL:
    latitude, longitude = place.latitude - reference.latitude, _turned(place.longitude - reference.longitude)
    bits = max(_bits(latitude), _bits(longitude))
    for room, name, kind in _HORIZONTAL:
        if bits <= room:
            return cast("PositionOffsetLL", (name, kind(lon=longitude, lat=latitude)))
    return "position-LatLon", PositionLLmD64b(lon=place.longitude, lat=place.latitude)


def _vertical(place: Place, reference: Place) -> VerticalOffset | None:
    if place.elevation is None:
        return None
    if reference.elevation is not None:
        offset = place.elevation - reference.elevation
        for room, name in _VERTICAL:
            if _bits(offset) <= room:
                return cast("VerticalOffset", (name, offset))
    return "elevation", place.elevation


def _bits(offset: int) -> int:
    """Bits of a number with its sign."""
    return 1 + (offset if offset >= 0 else ~offset).bit_length()


def _turned(longitude: int) -> int:
    """The same longitude, or difference of two, in -180° to 180°; the lowest is 1e-7° above -180°."""
    turned = (longitude + _EARTH_RAW // 2) % _EARTH_RAW - _EARTH_RAW // 2
    return _EARTH_RAW // 2 if turned == -_EARTH_RAW // 2 else turned


def _meridian_radius_m(latitude_deg: float) -> float:
    sine = math.sin(math.radians(latitude_deg))
    return float(_SEMI_MAJOR_M * (1 - _ECCENTRICITY_SQUARED) / (1 - _ECCENTRICITY_SQUARED * sine * sine) ** 1.5)


def _normal_radius_m(latitude_deg: float) -> float:
    sine = math.sin(math.radians(latitude_deg))
    return _SEMI_MAJOR_M / math.sqrt(1 - _ECCENTRICITY_SQUARED * sine * sine)
