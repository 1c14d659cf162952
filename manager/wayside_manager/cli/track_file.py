"""Tracks as files: NMEA 0183 with RMC sentences, CSV, or GeoJSON.

    time,latitude,longitude                            # CSV: these columns, others are let pass
    2026-11-22T08:00:00+08:00,20.021,110.352

GeoJSON is a Feature with a LineString and `properties.coordTimes`, one time per position. Of NMEA only RMC counts: it
alone has date, time and position; sentences with a wrong check sum, or without a fix, are left out.
Usage: `points = read_track(Path("drive.nmea"))`.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from wayside.errors import InvalidArgumentError
from wayside.v1 import node_pb2, site_service_pb2
from wayside_manager.cli.text_file import read_bytes, utf8_text

FILE_MAX_BYTES = 64 << 20
_RMC = re.compile(
    r"\$(?P<body>[A-Z]{2}RMC,(?P<clock>[0-9]{6}(?:\.[0-9]{1,9})?),A,(?P<latitude>[0-9]{4}(?:\.[0-9]{1,9})?),(?P<north>[NS]),"
    r"(?P<longitude>[0-9]{5}(?:\.[0-9]{1,9})?),(?P<east>[EW]),[^,*]{0,12},[^,*]{0,12},(?P<date>[0-9]{6}),[^*]{0,40})"
    r"\*(?P<sum>[0-9A-Fa-f]{2})"
)
_NMEA_LINE_MAX = 200
_CENTURY = 2000
_COLUMNS = ("time", "latitude", "longitude")


def read_track(path: Path) -> list[site_service_pb2.TrackPoint]:
    """The points of a file, in its order.

    Raises: NotFoundError: no such file; InvalidArgumentError: naming file and place.
    """
    return track_of(read_bytes(path, max_bytes=FILE_MAX_BYTES), path.suffix.lower(), source=str(path))


def track_of(data: bytes, suffix: str, *, source: str) -> list[site_service_pb2.TrackPoint]:
    """The points in the content of a file with such a suffix.

    Raises: InvalidArgumentError: naming `source` and place.
    """
    from wayside_manager.core.fencing import POINTS_MAX  # 15 MB of shapes that no other command needs

    if suffix in {".json", ".geojson"}:
        rows = _geojson(data, source)
    else:
        rows = _csv(utf8_text(data, source=source), source) if suffix == ".csv" else _nmea(data)
    points: list[site_service_pb2.TrackPoint] = []
    for time, latitude_deg, longitude_deg in rows:
        if len(points) == POINTS_MAX:
            raise InvalidArgumentError(f"{source} has more than {POINTS_MAX} points; judge it in parts")
        at = node_pb2.Position(latitude_degrees=latitude_deg, longitude_degrees=longitude_deg)
        point = site_service_pb2.TrackPoint(position=at)
        point.time.FromDatetime(time.astimezone(UTC))
        points.append(point)
    if not points:
        raise InvalidArgumentError(f"{source} holds no point with time and position")
    return points


def _nmea(data: bytes) -> Iterator[tuple[datetime, float, float]]:
    for line in data.splitlines():
        found = _RMC.search(line[:_NMEA_LINE_MAX].decode("ascii", "replace"))
        if found is None or _check_sum(found["body"]) != int(found["sum"], 16):
            continue
        time = _nmea_time(found["date"], found["clock"])
        if time is not None:
            yield (
                time,
                _degrees(found["latitude"], found["north"] == "S"),
                _degrees(found["longitude"], found["east"] == "W"),
            )


def _nmea_time(date: str, clock: str) -> datetime | None:
    try:
        day = datetime(_CENTURY + int(date[4:]), int(date[2:4]), int(date[:2]), tzinfo=UTC)
    except ValueError:  # a receiver that has no date yet says 000000
        return None
    return day + timedelta(hours=int(clock[:2]), minutes=int(clock[2:4]), seconds=float(clock[4:]))


def _degrees(text: str, is_negative: bool) -> float:  # a sign
    """Degrees of `ddmm.mmm`."""
    whole, _, fraction = text.partition(".")
    degrees = int(whole[:-2]) + float(f"{whole[-2:]}.{fraction or 0}") / 60
    return -degrees if is_negative else degrees


def _check_sum(body: str) -> int:
    total = 0
    for letter in body.encode("ascii", "replace"):
        total ^= letter
    return total


def _csv(text: str, source: str) -> Iterator[tuple[datetime, float, float]]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise InvalidArgumentError(f"{source}: the first line lacks the column {missing[0]}")
        for row in reader:
            where = f"{source}:{reader.line_num}"
            yield _time(row["time"], where), _number(row["latitude"], where), _number(row["longitude"], where)
    except csv.Error as exc:
        raise InvalidArgumentError(f"{source}:{reader.line_num}: {exc}") from exc


def _geojson(data: bytes, source: str) -> Iterator[tuple[datetime, float, float]]:
    try:
        feature = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise InvalidArgumentError(f"{source}: this is no JSON: {str(exc)[:200]}") from exc
    features = feature.get("features") if isinstance(feature, Mapping) else None
    if isinstance(features, list) and len(features) == 1:
        feature = features[0]
    geometry, properties = (_member(feature, name) for name in ("geometry", "properties"))
    positions, times = geometry.get("coordinates"), properties.get("coordTimes")
    if geometry.get("type") != "LineString" or not isinstance(positions, list) or not isinstance(times, list):
        raise InvalidArgumentError(f"{source}: give a Feature with a LineString and properties.coordTimes")
    if len(positions) != len(times):
        raise InvalidArgumentError(f"{source}: {len(positions)} positions and {len(times)} times; give one for each")
    for index, (position, time) in enumerate(zip(positions, times, strict=True)):
        where = f"{source}: coordinates[{index}]"
        if not isinstance(position, list) or len(position) < 2:  # noqa: PLR2004  # longitude, latitude
            raise InvalidArgumentError(f"{where}: give longitude and latitude")
        yield _time(time, where), _number(position[1], where), _number(position[0], where)


def _member(feature: object, name: str) -> Mapping[str, object]:
    found = feature.get(name) if isinstance(feature, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _time(value: object, where: str) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value))
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise InvalidArgumentError(f"{where}: {str(value)[:80]!r} is no time with its zone, such as 2026-01-31T08:00:00Z")


def _number(value: object, where: str) -> float:
    try:
        return float(str(value)[:40])
    except ValueError as exc:
        raise InvalidArgumentError(f"{where}: {str(value)[:40]!r} is no number of degrees") from exc
