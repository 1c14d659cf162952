"""Geometries of GeoJSON (RFC 7946), checked: positions on WGS 84, longitude first; altitudes are left out.

Usage: `point({"type": "Point", "coordinates": [110.3, 20.0]}, where="geometry")`; `polygons(geometry, where="...")`.
"""

import json
from collections.abc import Mapping
from typing import TypeGuard

import shapely

from wayside.errors import InvalidArgumentError
from wayside_manager.core.sites import Position

CORNER_MAX_COUNT = 100_000
RING_MIN_POSITIONS = 4
"""Of a ring in GeoJSON, which ends where it begins."""
_LONGITUDE_MAX_DEG = 180.0
_LATITUDE_MAX_DEG = 90.0


def point(geometry: object, *, where: str) -> Position | None:
    """The position of a Point; `None` for no geometry.

    Raises: InvalidArgumentError: naming `where`.
    """
    if geometry is None:
        return None
    if not isinstance(geometry, Mapping) or geometry.get("type") != "Point":
        raise invalid(f"{where}: give a Point, or null for a site that is nowhere on the map")
    longitude_deg, latitude_deg = _position(geometry.get("coordinates"), where)
    return Position(latitude_deg, longitude_deg)


def polygons(geometry: object, *, where: str) -> str:
    """A Polygon or MultiPolygon as the manager keeps it: compact JSON that is equal for equal geometries.

    Raises: InvalidArgumentError: naming `where`; another geometry, a ring that is open or crosses itself, or too
    many corners.
    """
    kind = geometry.get("type") if isinstance(geometry, Mapping) else None
    if not isinstance(geometry, Mapping) or kind not in {"Polygon", "MultiPolygon"}:
        raise invalid(f"{where}: give a Polygon or a MultiPolygon")
    coordinates = geometry.get("coordinates")
    if kind == "Polygon":
        checked: list[object] = [_polygon(coordinates, where)]
    else:
        checked = [_polygon(each, where) for each in _list(coordinates, where)]
    text = json.dumps(
        {"type": kind, "coordinates": checked[0] if kind == "Polygon" else checked}, separators=(",", ":")
    )
    shape = shapely.from_geojson(text)
    if shapely.get_num_coordinates(shape) > CORNER_MAX_COUNT:
        raise invalid(f"{where}: it has more than {CORNER_MAX_COUNT} corners; simplify it")
    if shape.is_empty or not shapely.is_valid(shape):
        raise invalid(
            f"{where}: {shapely.is_valid_reason(shape)}; draw borders that neither cross nor touch themselves"
        )
    return text


def geometry_of(text: str, *, where: str) -> str:
    """The same from JSON text.

    Raises: InvalidArgumentError: naming `where`.
    """
    return polygons(decoded(text, where=where), where=where)


def decoded(text: str | bytes, *, where: str) -> object:
    """The JSON in a text.

    Raises: InvalidArgumentError: it is none, or holds numbers that JSON does not have.
    """
    try:
        found: object = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as exc:
        raise invalid(f"{where}: this is no JSON: {str(exc)[:200]}") from exc
    return found


def invalid(sentence: str) -> InvalidArgumentError:
    """The error for GeoJSON that is not what it should be."""
    return InvalidArgumentError(sentence, reason="GEOJSON_INVALID")


def _polygon(coordinates: object, where: str) -> list[list[tuple[float, float]]]:
    rings = [_ring(each, where) for each in _list(coordinates, where)]
    if not rings:
        raise invalid(f"{where}: a polygon has at least its outer ring")
    return rings


def _ring(positions: object, where: str) -> list[tuple[float, float]]:
    every = _list(positions, where)
    if len(every) > CORNER_MAX_COUNT:  # before each is looked at
        raise invalid(f"{where}: a ring has more than {CORNER_MAX_COUNT} corners; simplify it")
    ring = [_position(each, where) for each in every]
    if len(ring) < RING_MIN_POSITIONS or ring[0] != ring[-1]:
        raise invalid(f"{where}: a ring has at least {RING_MIN_POSITIONS} positions, and its last is its first")
    return ring


def _position(value: object, where: str) -> tuple[float, float]:
    match _list(value, where):
        case [longitude, latitude, *_] if _is_number(longitude) and _is_number(latitude):
            if abs(longitude) <= _LONGITUDE_MAX_DEG and abs(latitude) <= _LATITUDE_MAX_DEG:
                return float(longitude), float(latitude)
            raise invalid(
                f"{where}: {str(longitude)[:40]}, {str(latitude)[:40]} is no position; longitude first, in degrees"
            )
    raise invalid(f"{where}: a position is a list of longitude and latitude in degrees, longitude first")


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _list(value: object, where: str) -> list[object]:
    if not isinstance(value, list):
        raise invalid(f"{where}.coordinates: give lists of positions as RFC 7946 says")
    return value


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no number in JSON")
