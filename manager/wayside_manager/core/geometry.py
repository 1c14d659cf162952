"""Areas on the map: GeoJSON geometries in, whether a position is inside, and how far it is from the border [m].

Shapes hold longitude before latitude [degree], and their edges are straight in these (RFC 7946, 3.1.1). Distances come
from a plane that touches WGS 84 at the position: exact to 1 % up to 10 km from the border, and only the order counts
beyond. An area across the antimeridian is two areas (RFC 7946, 3.1.9).
Usage: `shape = parsed_geometry(text, field="geofence.geometry_json")`, `contains(shape, 20.03, 110.31)`.
"""

import json
import math
from collections.abc import Sequence
from itertools import pairwise
from reprlib import repr as short
from typing import NoReturn, TypeAlias

import shapely

from wayside.errors import InvalidArgumentError
from wayside_manager.core.earth import is_on_earth

CORNERS_MAX = 100_000
TEXT_LENGTH_MAX = 8 * 1024 * 1024
"""80 characters per corner: more digits than a position can have."""
Shape: TypeAlias = shapely.Polygon | shapely.MultiPolygon

_RING_MIN = 4  # RFC 7946, 3.1.6: the first corner is repeated at the end
_POSITION_LENGTHS = (2, 3)  # with an altitude or without
_EQUATOR_M = 6_378_137.0  # WGS 84
_ECCENTRICITY_SQUARED = 6.694_379_990_14e-3  # WGS 84
_Ring: TypeAlias = list[tuple[float, float]]


def parsed_geometry(text: str, *, field: str = "geometry") -> Shape:
    """The area of a GeoJSON Polygon or MultiPolygon; altitudes are left out.

    Raises: InvalidArgumentError: it is no such geometry, has too many corners, lies outside WGS 84, is not closed, or
    its border crosses itself; the sentence begins with `field`.
    """
    if len(text) > TEXT_LENGTH_MAX:
        _refuse(f"{field}: {len(text)} characters are more than {TEXT_LENGTH_MAX}; simplify the border")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        _refuse(f"{field}: it is not JSON; give a GeoJSON geometry")
    return checked_geometry(content, field=field)


def checked_geometry(content: object, *, field: str = "geometry") -> Shape:
    """As `parsed_geometry`, of what JSON decodes to."""
    if not isinstance(content, dict):
        _refuse(f"{field}: it is not a JSON object; give a GeoJSON geometry")
    if "crs" in content:
        _refuse(f"{field}.crs: GeoJSON is WGS 84 alone (RFC 7946); convert the corners and leave crs out")
    kind, coordinates = content.get("type"), content.get("coordinates")
    if kind not in ("Polygon", "MultiPolygon"):
        _refuse(f"{field}.type: {short(kind)} is not Polygon or MultiPolygon")
    if kind == "Polygon":
        return _valid(shapely.Polygon(*_polygons([coordinates], field)[0]), field)
    polygons = _polygons(_listed(coordinates, f"{field}.coordinates"), field)
    return _valid(shapely.MultiPolygon(polygons), field)


def contains(shape: Shape, latitude_deg: float, longitude_deg: float) -> bool:
    """Whether a position is inside or on the border."""
    return bool(shapely.intersects_xy(shape, longitude_deg, latitude_deg))


def border_distance_m(shape: Shape, latitude_deg: float, longitude_deg: float) -> float:
    """Distance to the border [m], positive inside. For many positions of one shape see `Border`."""
    return Border(shape).distances_m([(latitude_deg, longitude_deg)])[0]


def distance_m(
    latitude_deg: float, longitude_deg: float, other_latitude_deg: float, other_longitude_deg: float
) -> float:
    """Distance between two positions [m]; exact to 0.1 % up to 100 km."""
    turn_deg = math.remainder(other_longitude_deg - longitude_deg, 360.0)
    east_m, north_m = _metres_per_degree((latitude_deg + other_latitude_deg) / 2.0)
    return math.hypot(turn_deg * east_m, (other_latitude_deg - latitude_deg) * north_m)


class Border:
    """The border of a shape, made ready for many positions."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        shapely.prepare(shape)
        # degrees of longitude as long as those of latitude are, so that what is nearest here is nearest there
        _, low_deg, _, high_deg = shape.bounds
        east_m, north_m = _metres_per_degree((low_deg + high_deg) / 2.0)
        self._squeeze = max(east_m / north_m, 1e-6)
        edges = []
        for ring in _rings(shape):
            corners = [(x * self._squeeze, y) for x, y, *_ in ring.coords]
            edges += [list(edge) for edge in pairwise(corners)]
        self._edges = shapely.linestrings(edges)
        self._tree = shapely.STRtree(self._edges)

    def distances_m(self, positions: Sequence[tuple[float, float]]) -> list[float]:
        """Distances of positions, latitude and longitude [degree], to the border [m], positive inside."""
        if not positions:
            return []
        latitudes, longitudes = zip(*positions, strict=True)
        points = shapely.points([longitude * self._squeeze for longitude in longitudes], latitudes)
        nearest = shapely.shortest_line(points, self._edges[self._tree.nearest(points)])
        ends = shapely.get_coordinates(nearest).reshape(-1, 4).tolist()
        insides = shapely.intersects_xy(self._shape, longitudes, latitudes).tolist()
        return [
            self._metres(end, latitude_deg) * (1.0 if is_inside else -1.0)
            for end, latitude_deg, is_inside in zip(ends, latitudes, insides, strict=True)
        ]

    def _metres(self, ends: Sequence[float], latitude_deg: float) -> float:
        east_m, north_m = _metres_per_degree(latitude_deg)
        from_x, from_y, to_x, to_y = ends
        return math.hypot((to_x - from_x) / self._squeeze * east_m, (to_y - from_y) * north_m)


def _metres_per_degree(latitude_deg: float) -> tuple[float, float]:
    """Length of a degree of longitude and of latitude [m], from the radii of curvature of the ellipsoid."""
    sine = math.sin(math.radians(latitude_deg))
    stretch = 1.0 - _ECCENTRICITY_SQUARED * sine * sine
    normal_m = _EQUATOR_M / math.sqrt(stretch)
    meridian_m = normal_m * (1.0 - _ECCENTRICITY_SQUARED) / stretch
    return math.radians(normal_m * math.cos(math.radians(latitude_deg))), math.radians(meridian_m)


def _rings(shape: Shape) -> list[shapely.LinearRing]:
    polygons = [shape] if isinstance(shape, shapely.Polygon) else list(shape.geoms)
    return [ring for polygon in polygons for ring in (polygon.exterior, *polygon.interiors)]


def _polygons(polygons: list[object], field: str) -> list[tuple[_Ring, list[_Ring]]]:
    path, room_count = f"{field}.coordinates", CORNERS_MAX
    found = []
    for polygon in polygons:
        rings = []
        for ring in _listed(polygon, path):
            corners = _listed(ring, path)
            room_count -= len(corners)
            if room_count < 0:
                _refuse(f"{path}: it has more than {CORNERS_MAX} corners; simplify the border")
            rings.append(_ring(corners, path))
        found.append((rings[0], rings[1:]))
    return found


def _listed(value: object, path: str) -> list[object]:
    if not isinstance(value, list) or not value:
        _refuse(f"{path}: a list is missing or empty; a Polygon is a list of rings, a ring a list of corners")
    return value


def _ring(corners: list[object], path: str) -> _Ring:
    ring = [_corner(corner, path) for corner in corners]
    if len(ring) < _RING_MIN:
        _refuse(f"{path}: a ring of {len(ring)} corners is no area; it takes {_RING_MIN}, the first one twice")
    if ring[0] != ring[-1]:
        _refuse(f"{path}: a ring is not closed; repeat its first corner at its end")
    return ring


def _corner(corner: object, path: str) -> tuple[float, float]:
    if (
        not isinstance(corner, list)
        or len(corner) not in _POSITION_LENGTHS
        or any(type(number) not in {int, float} for number in corner)  # a truth value is a number to Python
    ):
        _refuse(f"{path}: {short(corner)} is not a corner such as [110.31, 20.03], longitude first")
    longitude_deg, latitude_deg, *_ = corner
    if not is_on_earth(latitude_deg, longitude_deg):
        _refuse(f"{path}: {short(corner)} is outside WGS 84; longitude comes first, -180 to 180, then -90 to 90")
    return float(longitude_deg), float(latitude_deg)


def _valid(shape: Shape, field: str) -> Shape:
    if not shapely.is_valid(shape) or shape.area <= 0.0:
        reason = shapely.is_valid_reason(shape).replace("[", " at longitude and latitude ").rstrip("]")
        _refuse(f"{field}: its border crosses or touches itself ({reason}); draw every ring in one simple round")
    return shape


def _refuse(sentence: str) -> NoReturn:
    raise InvalidArgumentError(sentence, reason="GEOMETRY_INVALID")
