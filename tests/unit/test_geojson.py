"""Maps: what comes in goes out the same, and what is wrong is named by feature."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside.errors import InvalidArgumentError
from wayside_manager.core.geojson import read_places, written
from wayside_manager.core.sites import (
    CorridorRecord,
    CorridorSite,
    GeofenceKind,
    GeofenceRecord,
    Position,
    SiteKind,
    SiteRecord,
    WeeklyHours,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ids = st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True)
lines = st.text(st.characters(categories=("L", "N"), include_characters=" -"), max_size=20)
positions = st.builds(Position, st.floats(-90, 90), st.floats(-180, 180))
values = st.one_of(lines, st.booleans(), st.integers(-(2**53), 2**53), st.floats(-1e9, 1e9))
owned = {"tenant_id": st.just("root"), "display_name": lines, "create_time": st.just(NOW), "update_time": st.just(NOW)}
sites = st.builds(
    SiteRecord,
    site_id=ids,
    kind=st.sampled_from(SiteKind),
    position=st.none() | positions,
    time_zone=st.sampled_from(["", "Asia/Shanghai"]),
    variables=st.dictionaries(ids, values, max_size=3),
    backhaul=st.just("") | ids,
    power_feed=st.just("") | ids,
    exposure_class=st.just("") | ids,
    **owned,
)
stakes = st.lists(st.floats(0, 1e6), unique=True, max_size=5).map(
    lambda found: tuple(CorridorSite(f"k{index}", stake_m) for index, stake_m in enumerate(sorted(found)))
)
corridors = st.builds(
    CorridorRecord,
    corridor_id=ids,
    sites=stakes,
    is_ring=st.booleans(),
    max_in_flight_percent=st.floats(0.1, 100),
    **owned,
)
hours = st.builds(WeeklyHours, st.frozensets(st.integers(1, 7)), st.integers(0, 1439), st.integers(0, 1439))
SQUARE = '{"type":"Polygon","coordinates":[[[0.0,0.0],[1.0,0.0],[1.0,1.0],[0.0,0.0]]]}'
geofences = st.builds(
    GeofenceRecord,
    geofence_id=ids,
    kind=st.sampled_from(GeofenceKind),
    geometry=st.just(SQUARE),
    hours=st.lists(hours, max_size=2).map(tuple),
    time_zone=st.just("UTC"),
    licence=lines,
    begin_time=st.none() | st.timedeltas(timedelta(0), timedelta(days=999)).map(lambda span: NOW + span),
    expire_time=st.none(),
    hysteresis_m=st.floats(0.5, 1000),
    **owned,
)


@given(places=st.lists(st.one_of(sites, corridors, geofences), max_size=6))
def test_what_is_written_is_read_the_same(places: list[Any]) -> None:
    wanted = list({(type(place), _id(place)): place for place in places}.values())
    assert list(read_places(written(wanted), now=NOW)) == wanted


def _id(place: Any) -> str:  # noqa: ANN401  # any of the three
    return next(str(getattr(place, name)) for name in ("site_id", "corridor_id", "geofence_id") if hasattr(place, name))


def feature(**changes: Any) -> dict[str, Any]:  # noqa: ANN401  # members of a feature
    at = {"type": "Point", "coordinates": [110.3, 20.0]}
    return {"type": "Feature", "id": "k12", "geometry": at, "properties": {"type": "site"}} | changes


def read(*features: object) -> Any:  # noqa: ANN401  # any of the three
    return read_places(json.dumps({"type": "FeatureCollection", "features": features}).encode(), now=NOW)


def test_altitudes_and_the_collection_before_an_id_are_left_out() -> None:
    high = feature(id="sites/k12", geometry={"type": "Point", "coordinates": [110.3, 20.0, 12.5]})
    (site,) = read(high)
    assert (site.site_id, site.position) == ("k12", Position(20.0, 110.3))
    assert replace(site, position=None) == read(feature(geometry=None))[0]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (7, r"features\[1\]: give a Feature"),
        (feature(id=12), r"features\[1\]: give an id"),
        (feature(id="K 12"), r"features\[1\] \(K 12\): id"),
        (feature(id="k12"), "there twice"),
        (feature(id="x", properties={"type": "road"}), "properties.type"),
        (feature(id="x", properties={"type": "site", "colour": "red"}), "'colour' is unknown"),
        (feature(id="x", properties={"type": "site", "variables": {"a": [1]}}), "variables.a"),
        (feature(id="x", geometry={"type": "Point", "coordinates": [20.0, 110.0]}), "longitude first"),
        (feature(id="x", geometry={"type": "Polygon", "coordinates": []}), "give a Point"),
        (feature(id="x", properties={"type": "geofence"}), "geometry.type"),
        (
            feature(
                id="x", properties={"type": "corridor", "sites": [{"site": "a", "stake_meters": 5}, {"site": "b"}]}
            ),
            "order of their stakes",
        ),
        (feature(id="x", properties={"type": "corridor", "max_in_flight_percent": 101}), "0 to 100 percent"),
    ],
)
def test_what_is_wrong_is_named_by_its_feature(wrong: object, sentence: str) -> None:
    with pytest.raises(InvalidArgumentError, match=sentence) as refused:
        read(feature(), wrong)
    assert refused.value.message.startswith("features[1]")


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{", b'{"type": "FeatureCollection"}', b"[" * 100_000, b'{"a": NaN}', b"\xff"]
)
def test_what_is_no_map_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidArgumentError, match="geojson"):
        read_places(data, now=NOW)
