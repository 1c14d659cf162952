"""The manager's parsers of maps and tracks that come from other people: GeoJSON, NMEA, CSV."""

import json
from datetime import UTC, datetime

from tests.fuzz.engine import Target
from wayside_manager.cli.track_file import track_of
from wayside_manager.core.geojson import read_places, written
from wayside_manager.core.geometry import parsed_geometry

_NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
_SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}
_MAP = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "id": "k12",
            "geometry": {"type": "Point", "coordinates": [110.35, 20.02]},
            "properties": {"type": "site", "kind": "toll", "time_zone": "UTC", "variables": {"a": 1, "b": True}},
        },
        {
            "type": "Feature",
            "id": "g98",
            "geometry": None,
            "properties": {"type": "corridor", "sites": [{"site": "k12", "stake_meters": 12300}], "is_ring": True},
        },
        {
            "type": "Feature",
            "id": "town",
            "geometry": _SQUARE,
            "properties": {
                "type": "geofence",
                "hours": [{"weekdays": [1, 7], "begin": "08:00", "end": "02:00"}],
                "expire_time": "2027-01-01T00:00:00+08:00",
            },
        },
    ],
}
_NMEA = b"$GNRMC,080000.00,A,2003.0000,N,11021.0000,E,10,90,221126,,,A*46\r\n"
_CSV = b"time,latitude,longitude\n2026-11-22T08:00:00+08:00,20.0,110.3\n2026-11-22T08:00:01+08:00,20.1,110.3\n"
_LINE = {
    "type": "Feature",
    "geometry": {"type": "LineString", "coordinates": [[110.3, 20.0], [110.4, 20.0]]},
    "properties": {"coordTimes": ["2026-11-22T08:00:00Z", "2026-11-22T08:00:01Z"]},
}


def _map(data: bytes) -> None:
    """What is taken in can be written."""
    written(read_places(data, now=_NOW))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


_WORDS = (b"null", b"true", b"[]", b"{}", b'"', b"1e999", b"-1", b"NaN", b"Infinity", b"[" * 500, b"180.1", b"1" * 400)
TARGETS = (
    Target("map, GeoJSON", _map, lambda: (json.dumps(_MAP).encode(),), words=_WORDS),
    Target(
        "geometry of a geofence",
        lambda data: parsed_geometry(_text(data)),
        lambda: (json.dumps(_SQUARE).encode(),),
        words=_WORDS,
    ),
    Target(
        "track, NMEA", lambda data: track_of(data, ".nmea", source="x"), lambda: (_NMEA * 2,), words=(b"*", b"$", b",,")
    ),
    Target("track, CSV", lambda data: track_of(data, ".csv", source="x"), lambda: (_CSV,), words=(b'"', b"\r", b"nan")),
    Target(
        "track, GeoJSON",
        lambda data: track_of(data, ".geojson", source="x"),
        lambda: (json.dumps(_LINE).encode(),),
        words=_WORDS,
    ),
)
