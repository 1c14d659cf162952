"""Geometries of GeoJSON (RFC 7946), checked: positions on WGS 84, longitude first; altitudes are left out.

Usage: `point({"type": "Point", "coordinates": [110.3, 20.0]}, where="geometry")`; `polygons(geometry, where="...")`.
"""

import json
from collections.abc import Mapping
from typing import TypeGuard

import shapely

from wayside.errors import InvalidArgumentError
from wayside_manager.core.earth import is_on_earth
from wayside_manager.core.geometry import checked_geometry, parsed_geometry
from wayside_manager.core.sites import Position


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

    Raises: InvalidArgumentError: as `core.geometry.checked_geometry`.
    """
    return str(shapely.to_geojson(checked_geometry(geometry, field=where)))


def geometry_of(text: str, *, where: str) -> str:
    """The same from JSON text.

    Raises: InvalidArgumentError: as `core.geometry.parsed_geometry`.
    """
    return str(shapely.to_geojson(parsed_geometry(text, field=where)))


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


def _position(value: object, where: str) -> tuple[float, float]:
    match value:
        case [longitude, latitude, *_] if _is_number(longitude) and _is_number(latitude):
            if is_on_earth(latitude, longitude):
                return float(longitude), float(latitude)
            raise invalid(
                f"{where}: {str(longitude)[:40]}, {str(latitude)[:40]} is no position; longitude first, in degrees"
            )
    raise invalid(f"{where}: a position is a list of longitude and latitude in degrees, longitude first")


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no number in JSON")
