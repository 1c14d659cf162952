"""Sites, corridors and geofences as GeoJSON (RFC 7946), both ways.

    {"type": "FeatureCollection", "features": [
      {"type": "Feature", "id": "k12", "geometry": {"type": "Point", "coordinates": [110.35, 20.02]},
       "properties": {"type": "site", "display_name": "North gate", "kind": "intersection"}},
      {"type": "Feature", "id": "g98", "geometry": null,
       "properties": {"type": "corridor", "sites": [{"site": "k12", "stake_meters": 12300}]}}]}

Positions are WGS 84. Maps in GCJ-02, as Chinese map services draw them, must be converted before: nothing in a file
tells them apart. A corridor's geometry is only for maps that show the file; where it runs, its sites say. Properties
have the names of `wayside.v1`. Usage: `places = read_places(data, now=now)`, `data = written(places)`.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TypeAlias

from wayside.errors import InvalidArgumentError
from wayside.names import checked_label, geofence_name, site_name, tenant_name
from wayside_manager.core.geojson_properties import Properties, clock_text
from wayside_manager.core.geometry_text import decoded, invalid, point, polygons
from wayside_manager.core.site_checks import checked_corridor_sites, checked_hysteresis, checked_percent
from wayside_manager.core.sites import (
    CorridorRecord,
    CorridorSite,
    GeofenceKind,
    GeofenceRecord,
    SiteKind,
    SiteRecord,
    WeeklyHours,
)

SIZE_MAX_BYTES = 4 << 20
FEATURE_MAX_COUNT = 20_000
Drawn: TypeAlias = SiteRecord | CorridorRecord | GeofenceRecord
"""What a map can hold. `tenant_id` is empty where a file does not say whose it is."""

_COLLECTIONS = {"site": "sites", "corridor": "corridors", "geofence": "geofences"}


def read_places(data: bytes, *, now: datetime) -> tuple[Drawn, ...]:
    """The places in a FeatureCollection, in its order.

    Raises: InvalidArgumentError: naming the feature by its index and id.
    """
    if len(data) > SIZE_MAX_BYTES:
        raise invalid(f"geojson: {len(data)} bytes are more than {SIZE_MAX_BYTES}; use several files")
    collection = decoded(data, where="geojson")
    features = collection.get("features") if isinstance(collection, Mapping) else None
    if (
        not isinstance(collection, Mapping)
        or collection.get("type") != "FeatureCollection"
        or not isinstance(features, list)
    ):
        raise invalid("geojson: give a FeatureCollection with a list of features")
    if len(features) > FEATURE_MAX_COUNT:
        raise invalid(f"geojson: {len(features)} features are too many; give at most {FEATURE_MAX_COUNT} in a file")
    places = []
    seen: set[tuple[type, str]] = set()
    for index, feature in enumerate(features):
        place = _read(index, feature, now)
        key = type(place), _id(place)
        if key in seen:
            raise invalid(f"features[{index}] ({_id(place)}): it is there twice; give each once")
        seen.add(key)
        places.append(place)
    return tuple(places)


def written(places: Iterable[Drawn]) -> bytes:
    """The FeatureCollection of these places; reading it gives them back, but for times and etags."""
    every = list(places)
    positions = {place.site_id: place.position for place in every if isinstance(place, SiteRecord)}
    features = []
    for place in every:
        if isinstance(place, SiteRecord):
            features.append(_site_feature(place))
        elif isinstance(place, CorridorRecord):
            line = [positions.get(site.site_id) for site in place.sites]
            features.append(_corridor_feature(place, [[at.longitude_deg, at.latitude_deg] for at in line if at]))
        else:
            features.append(_geofence_feature(place))
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False).encode()


def _read(index: int, feature: object, now: datetime) -> Drawn:
    where = f"features[{index}]"
    if not isinstance(feature, Mapping) or feature.get("type") != "Feature":
        raise invalid(f"{where}: give a Feature")
    given, properties = feature.get("id"), feature.get("properties")
    if not isinstance(given, str):
        raise invalid(f"{where}: give an id, the name of the site, corridor or geofence")
    where = f"{where} ({given[:63]!r})" if not given.isprintable() else f"{where} ({given[:63]})"
    if not isinstance(properties, Mapping) or properties.get("type") not in _COLLECTIONS:
        raise invalid(f"{where}: properties.type: give one of {', '.join(_COLLECTIONS)}")
    try:
        thing_id = checked_label(given.removeprefix(f"{_COLLECTIONS[properties['type']]}/"), field="id")
        said = Properties(properties)
        place = _READERS[properties["type"]](thing_id, said, feature.get("geometry"), now)
        said.check_all_known()
    except InvalidArgumentError as exc:
        raise InvalidArgumentError(f"{where}: {exc.message}", reason=exc.reason) from exc
    return place


def _site(site_id: str, said: Properties, geometry: object, now: datetime) -> SiteRecord:
    return SiteRecord(
        site_id=site_id,
        tenant_id=said.tenant_id(),
        display_name=said.text("display_name"),
        kind=SiteKind(said.word("kind", [kind.value for kind in SiteKind])),
        position=point(geometry, where="geometry"),
        time_zone=said.text("time_zone"),
        variables=said.variables("variables"),
        backhaul=said.label("backhaul"),
        power_feed=said.label("power_feed"),
        exposure_class=said.label("exposure_class"),
        create_time=now,
        update_time=now,
    )


def _corridor(corridor_id: str, said: Properties, _geometry: object, now: datetime) -> CorridorRecord:
    sites = [
        CorridorSite(checked_label(one.text("site").removeprefix("sites/"), field="site"), one.number("stake_meters"))
        for one in said.objects("sites")
    ]
    percent = checked_percent(said.number("max_in_flight_percent"), field="properties.max_in_flight_percent")
    return CorridorRecord(
        corridor_id=corridor_id,
        tenant_id=said.tenant_id(),
        display_name=said.text("display_name"),
        sites=checked_corridor_sites(sites, field="properties.sites"),
        is_ring=said.truth("is_ring"),
        max_in_flight_percent=percent,
        create_time=now,
        update_time=now,
    )


def _geofence(geofence_id: str, said: Properties, geometry: object, now: datetime) -> GeofenceRecord:
    hours = tuple(
        WeeklyHours(one.weekdays("weekdays"), one.minute("begin"), one.minute("end")) for one in said.objects("hours")
    )
    return GeofenceRecord(
        geofence_id=geofence_id,
        tenant_id=said.tenant_id(),
        display_name=said.text("display_name"),
        kind=GeofenceKind(said.word("kind", [kind.value for kind in GeofenceKind])),
        geometry=polygons(geometry, where="geometry"),
        hours=hours,
        time_zone=said.text("time_zone") or "UTC",
        licence=said.text("licence"),
        begin_time=said.time("begin_time"),
        expire_time=said.time("expire_time"),
        hysteresis_m=checked_hysteresis(said.number("hysteresis_meters"), field="properties.hysteresis_meters"),
        create_time=now,
        update_time=now,
    )


_READERS: Mapping[str, Callable[[str, Properties, object, datetime], Drawn]] = {
    "site": _site,
    "corridor": _corridor,
    "geofence": _geofence,
}


def _site_feature(site: SiteRecord) -> dict[str, object]:
    at = site.position
    geometry = None if at is None else {"type": "Point", "coordinates": [at.longitude_deg, at.latitude_deg]}
    said = _said("site", site, kind=site.kind, time_zone=site.time_zone, variables=dict(site.variables))
    lines = {"backhaul": site.backhaul, "power_feed": site.power_feed, "exposure_class": site.exposure_class}
    said |= {name: label for name, label in lines.items() if label}
    return _feature(site_name(site.site_id), geometry, said)


def _corridor_feature(corridor: CorridorRecord, line: list[list[float]]) -> dict[str, object]:
    sites = [{"site": site_name(site.site_id), "stake_meters": site.stake_m} for site in corridor.sites]
    said = _said("corridor", corridor, sites=sites, is_ring=corridor.is_ring)
    said["max_in_flight_percent"] = corridor.max_in_flight_percent
    if corridor.is_ring and line:
        line = [*line, line[0]]
    geometry = {"type": "LineString", "coordinates": line} if len(line) > 1 else None
    return _feature(f"corridors/{corridor.corridor_id}", geometry, said)


def _geofence_feature(geofence: GeofenceRecord) -> dict[str, object]:
    hours = [
        {"weekdays": sorted(one.weekdays), "begin": clock_text(one.begin_minute), "end": clock_text(one.end_minute)}
        for one in geofence.hours
    ]
    said = _said("geofence", geofence, kind=geofence.kind, hours=hours, licence=geofence.licence)
    said |= {"time_zone": geofence.time_zone, "hysteresis_meters": geofence.hysteresis_m}
    for name, moment in (("begin_time", geofence.begin_time), ("expire_time", geofence.expire_time)):
        if moment is not None:
            said[name] = moment.astimezone(UTC).isoformat()
    return _feature(geofence_name(geofence.geofence_id), json.loads(geofence.geometry), said)


def _said(kind: str, place: Drawn, /, **properties: object) -> dict[str, object]:
    shared: dict[str, object] = {
        "type": kind,
        "tenant": tenant_name(place.tenant_id),
        "display_name": place.display_name,
    }
    return {name: value for name, value in (shared | properties).items() if value not in ("", [], {}, False)}


def _feature(name: str, geometry: object, properties: Mapping[str, object]) -> dict[str, object]:
    return {"type": "Feature", "id": name.partition("/")[2], "geometry": geometry, "properties": properties}


def _id(place: Drawn) -> str:
    if isinstance(place, SiteRecord):
        return place.site_id
    return place.corridor_id if isinstance(place, CorridorRecord) else place.geofence_id
