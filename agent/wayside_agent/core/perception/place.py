"""Where things are: metres around a sensor to degrees, and places as the small offsets that messages carry.

    place = placed(SensorPlace(20.03, 110.33, heading_deg=0.0), x_m=12.0, y_m=-3.5)
    offset = offset_of(place, reference)

Raw: latitude and longitude in 1e-7°, elevation in 0.1 m, as in T/CSAE 53. WGS 84.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from msgspec import Struct

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
_HALF_EARTH_RAW, _POLE_RAW = _EARTH_RAW // 2, 90 * RAW_PER_DEGREE
_SEMI_MAJOR_M, _FLATTENING = 6_378_137.0, 1 / 298.257223563
_ECCENTRICITY_SQUARED = _FLATTENING * (2 - _FLATTENING)
_METRES_PER_RAW = math.radians(1 / RAW_PER_DEGREE) * _SEMI_MAJOR_M
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
_MOST_BITS = _HORIZONTAL[-1][0]
_BY_BITS = tuple(next(each[1:] for each in _HORIZONTAL if bits <= each[0]) for bits in range(_MOST_BITS + 1))
"""The smallest alternative, by the bits that are needed."""
_VERTICAL = tuple((6 + number, f"offset{number}") for number in range(1, 7))


class Place(Struct, frozen=True, gc=False):
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
    plane: "_Plane" = field(init=False, repr=False, compare=False)
    """The ground around it; made once, for thousands of objects a second are put on it."""

    def __post_init__(self) -> None:
        """Lays the plane."""
        object.__setattr__(self, "plane", _plane(self.latitude_deg, self.heading_deg))


@dataclass(frozen=True, slots=True)
class _Plane:
    """How metres become raw degrees around a sensor."""

    cosine: float
    sine: float
    """Of its heading."""
    north_raw_per_m: float
    east_raw_per_m: float
    east_growth_per_m: float
    """Meridians come nearer to each other toward the pole; for each metre north, by this share."""


def place_of(latitude_deg: float, longitude_deg: float, elevation_m: float | None) -> Place:
    """A place in degrees and metres, raw."""
    longitude = _turned(round(longitude_deg * RAW_PER_DEGREE))
    return Place(round(latitude_deg * RAW_PER_DEGREE), longitude, _elevation(elevation_m))


def placed(sensor: SensorPlace, x_m: float, y_m: float, z_m: float | None = None) -> Place:
    """Where a point is that a sensor sees; good to a centimetre within a kilometre."""
    plane = sensor.plane
    east_m = x_m * plane.cosine + y_m * plane.sine
    north_m = y_m * plane.cosine - x_m * plane.sine
    latitude = round(sensor.latitude_deg * RAW_PER_DEGREE + north_m * plane.north_raw_per_m)
    east_raw_per_m = plane.east_raw_per_m * (1 + plane.east_growth_per_m * north_m)
    longitude = round(sensor.longitude_deg * RAW_PER_DEGREE + east_m * east_raw_per_m)
    elevation_m = None if sensor.elevation_m is None or z_m is None else sensor.elevation_m + z_m
    return Place(max(-_POLE_RAW, min(_POLE_RAW, latitude)), _turned(longitude), _elevation(elevation_m))


def distances_m(reference: Place) -> Callable[[Place], float]:
    """How far places are from this one, on the flat; good to a percent within some kilometres."""
    latitude, longitude = reference.latitude, reference.longitude
    shrink = math.cos(math.radians(latitude / RAW_PER_DEGREE))

    def distance_m(other: Place) -> float:
        return _METRES_PER_RAW * math.hypot(_turned(other.longitude - longitude) * shrink, other.latitude - latitude)

    return distance_m


def offset_of(place: Place, reference: Place) -> PositionOffsetLLV:
    """A place seen from another one, in the smallest alternative that can say it."""
    return PositionOffsetLLV(offsetLL=_horizontal(place, reference), offsetV=_vertical(place, reference))


def _horizontal(place: Place, reference: Place) -> PositionOffsetLL:
    latitude, longitude = place.latitude - reference.latitude, _turned(place.longitude - reference.longitude)
    bits = max(_bits(latitude), _bits(longitude))
    if bits > _MOST_BITS:
        return "position-LatLon", PositionLLmD64b(lon=place.longitude, lat=place.latitude)
    name, kind = _BY_BITS[bits]
    return cast("PositionOffsetLL", (name, kind(lon=longitude, lat=latitude)))


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


def _elevation(elevation_m: float | None) -> int | None:
    """Raw, the nearest that can be said."""
    return None if elevation_m is None else max(_LOWEST_RAW, min(_HIGHEST_RAW, round(elevation_m * _RAW_PER_METRE)))


def _turned(longitude: int) -> int:
    """The same longitude, or difference of two, in -180° to 180°; the lowest is 1e-7° above -180°."""
    if -_HALF_EARTH_RAW < longitude <= _HALF_EARTH_RAW:
        return longitude
    turned = (longitude + _HALF_EARTH_RAW) % _EARTH_RAW - _HALF_EARTH_RAW
    return _HALF_EARTH_RAW if turned == -_HALF_EARTH_RAW else turned


def _plane(latitude_deg: float, heading_deg: float) -> _Plane:
    latitude, heading = math.radians(latitude_deg), math.radians(heading_deg)
    sine, cosine = math.sin(latitude), math.cos(latitude)
    flat = 1 - _ECCENTRICITY_SQUARED * sine * sine
    meridian_m = _SEMI_MAJOR_M * (1 - _ECCENTRICITY_SQUARED) / flat**1.5
    parallel_m = max(1.0, _SEMI_MAJOR_M / math.sqrt(flat) * cosine)
    return _Plane(
        cosine=math.cos(heading),
        sine=math.sin(heading),
        north_raw_per_m=math.degrees(RAW_PER_DEGREE / meridian_m),
        east_raw_per_m=math.degrees(RAW_PER_DEGREE / parallel_m),
        east_growth_per_m=sine / parallel_m,
    )
