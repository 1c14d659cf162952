"""Areas on the map: what is read, what is refused, and distances to borders."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside.errors import InvalidArgumentError
from wayside_manager.core.geometry import (
    CORNERS_MAX,
    TEXT_LENGTH_MAX,
    Border,
    border_distance_m,
    contains,
    distance_m,
    parsed_geometry,
)

Ring = list[list[float]]
HAIKOU: Ring = [[110.2, 20.0], [110.4, 20.0], [110.4, 20.1], [110.2, 20.1], [110.2, 20.0]]
HOLE: Ring = [[110.28, 20.04], [110.32, 20.04], [110.32, 20.06], [110.28, 20.06], [110.28, 20.04]]
SANYA: Ring = [[109.4, 18.2], [109.6, 18.2], [109.5, 18.4], [109.4, 18.2]]


def polygon(*rings: Ring) -> str:
    return json.dumps({"type": "Polygon", "coordinates": rings})


def multi(*polygons: list[Ring]) -> str:
    return json.dumps({"type": "MultiPolygon", "coordinates": polygons})


def circle(count: int) -> Ring:
    turns = [2 * math.pi * index / (count - 1) for index in range(count - 1)]
    ring = [[110 + 0.1 * math.cos(turn), 20 + 0.1 * math.sin(turn)] for turn in turns]
    return [*ring, ring[0]]


def text(**changes: Any) -> str:  # noqa: ANN401  # members of a geometry
    return json.dumps({"type": "Polygon", "coordinates": [HAIKOU]} | changes)


@pytest.mark.parametrize(
    ("latitude_deg", "longitude_deg", "wanted"),
    [
        (20.02, 110.3, True),
        (20.0, 110.3, True),  # on the border
        (20.0, 110.2, True),  # on a corner
        (20.05, 110.3, False),  # in the hole
        (20.06, 110.3, True),  # on the border of the hole
        (20.2, 110.3, False),
        (110.3, 20.05, False),
        (18.25, 109.5, True),
    ],
)
def test_a_position_is_in_an_area_or_not(latitude_deg: float, longitude_deg: float, *, wanted: bool) -> None:
    shape = parsed_geometry(multi([HAIKOU, HOLE], [SANYA]))
    assert contains(shape, latitude_deg, longitude_deg) == wanted


def test_rings_may_turn_either_way_and_altitudes_are_left_out() -> None:
    turned = parsed_geometry(polygon(HAIKOU[::-1]))
    high = parsed_geometry(polygon([[*corner, 12.5] for corner in HAIKOU]))
    assert contains(turned, 20.05, 110.3)
    assert not high.has_z


def test_a_border_of_a_hundred_thousand_corners_is_read() -> None:
    assert contains(parsed_geometry(polygon(circle(CORNERS_MAX))), 20.0, 110.0)


REFUSED: list[tuple[str, str, str]] = [
    ("no JSON", "POLYGON ((1 1, 2 2))", "area: it is not JSON"),
    ("nothing", "", "area: it is not JSON"),
    ("a number of 5,000 digits", "[" + "1" * 5000 + "]", "area: it is not JSON"),
    ("endless depth", "[" * 100_000, "area: it is not JSON"),
    ("depth in a corner", text(coordinates=[[[[[[[[[[1]]]]]]]]]]), "is not a corner"),
    ("too long", " " * (TEXT_LENGTH_MAX + 1), "characters are more than"),
    ("a list", "[]", "area: it is not a JSON object"),
    ("a feature", '{"type": "Feature", "geometry": null}', "area.type: 'Feature' is not Polygon or MultiPolygon"),
    ("a point", '{"type": "Point", "coordinates": [1, 2]}', "area.type: 'Point' is not"),
    ("no type", "{}", "area.type: None is not"),
    ("a type that is a list", '{"type": ["Polygon"]}', "is not Polygon or MultiPolygon"),
    ("another datum", text(crs={"type": "name"}), "area.crs: GeoJSON is WGS 84 alone"),
    ("no coordinates", text(coordinates=None), "area.coordinates: a list is missing or empty"),
    ("no rings", text(coordinates=[]), "a list is missing or empty"),
    ("an empty ring", text(coordinates=[[]]), "a list is missing or empty"),
    ("no polygons", json.dumps({"type": "MultiPolygon", "coordinates": []}), "a list is missing or empty"),
    ("a polygon of no rings", multi([]), "a list is missing or empty"),
    ("a text for a corner", text(coordinates=[["110,20"] * 4]), "is not a corner such as"),
    ("a text for a number", text(coordinates=[[["110", 20]] * 4]), "is not a corner such as"),
    ("a truth value for a number", text(coordinates=[[[True, 20]] * 4]), "is not a corner such as"),
    ("one number", text(coordinates=[[[110]] * 4]), "is not a corner such as"),
    ("four numbers", text(coordinates=[[[110, 20, 0, 0]] * 4]), "is not a corner such as"),
    ("no number", text(coordinates=[[[math.nan, 20]] * 4]), "is outside WGS 84"),
    ("infinity", polygon([[1, 1], [2, 1], [2, 2], [1, 1]]).replace("[2, 2]", "[1e999, 2]"), "is outside WGS 84"),
    ("latitude first", polygon([[20, 110], [21, 110], [21, 111], [20, 110]]), "is outside WGS 84; longitude comes"),
    ("a line", polygon([[110, 20], [111, 20], [110, 20]]), "a ring of 3 corners is no area"),
    ("an open ring", polygon(HAIKOU[:-1]), "a ring is not closed; repeat its first corner"),
    ("a bow tie", polygon([[110, 20], [111, 21], [111, 20], [110, 21], [110, 20]]), "crosses or touches itself (Self-"),
    ("a flat ring", polygon([[110, 20], [111, 20], [112, 20], [110, 20]]), "area: its border crosses or touches"),
    ("one point", polygon([[110, 20]] * 4), "area: its border crosses or touches itself"),
    ("a hole outside", polygon(HAIKOU, SANYA), "area: its border crosses or touches itself"),
    ("overlapping parts", multi([HAIKOU], [HAIKOU]), "area: its border crosses or touches itself"),
    ("too many corners", polygon(circle(CORNERS_MAX + 1)), "has more than 100000 corners; simplify"),
    ("too many in parts", multi(*[[circle(50_000)]] * 3), "has more than 100000 corners; simplify"),
]


@pytest.mark.parametrize(("content", "sentence"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_is_no_area_is_refused_in_one_sentence(content: str, sentence: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        parsed_geometry(content, field="area")
    assert sentence in str(caught.value)
    assert str(caught.value).startswith("area")
    assert len(str(caught.value)) < 250
    assert caught.value.reason == "GEOMETRY_INVALID"


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=20,
)


@given(st.sampled_from(["Polygon", "MultiPolygon"]), JSON)
def test_whatever_the_coordinates_are_only_our_error_comes(kind: str, coordinates: object) -> None:
    content = json.dumps({"type": kind, "coordinates": coordinates})
    try:
        shape = parsed_geometry(content)
    except InvalidArgumentError:
        return
    assert shape.is_valid


def test_distances_to_the_border_are_signed_metres() -> None:
    shape = parsed_geometry(polygon(HAIKOU, HOLE))
    # Source: a degree at 20.05 N is 104,617 m of longitude and 110,706 m of latitude (WGS 84, geodesic tables)
    assert border_distance_m(shape, 20.05, 110.201) == pytest.approx(104.6, abs=0.1)
    assert border_distance_m(shape, 20.05, 110.199) == pytest.approx(-104.6, abs=0.1)
    assert border_distance_m(shape, 20.099, 110.3) == pytest.approx(110.7, abs=0.1)
    assert border_distance_m(shape, 20.05, 110.319) == pytest.approx(-104.6, abs=0.1), "in the hole is outside"
    assert border_distance_m(shape, 20.0, 110.3) == 0.0


def test_an_area_as_tall_as_a_country_has_right_metres_at_both_ends() -> None:
    shape = parsed_geometry(polygon([[100, 18], [110, 18], [110, 53], [100, 53], [100, 18]]))
    distances = Border(shape).distances_m([(18.5, 109.9999), (52.5, 109.9999)])
    assert distances == pytest.approx([10.56, 6.79], abs=0.02)  # 1e-4 degree of longitude there


@given(st.floats(-0.3, 0.3), st.floats(-0.3, 0.3))
def test_a_distance_is_positive_where_the_area_is(north_deg: float, east_deg: float) -> None:
    shape = parsed_geometry(polygon(circle(41)))  # 40 corners: the same turned by 180 degrees
    inside_m = border_distance_m(shape, 20 + north_deg, 110 + east_deg)
    assert (inside_m > 0.0) == contains(shape, 20 + north_deg, 110 + east_deg) or inside_m == 0.0
    assert border_distance_m(shape, 20 - north_deg, 110 - east_deg) == pytest.approx(inside_m, rel=0.02, abs=1.0)


def test_distances_between_positions_go_over_the_antimeridian() -> None:
    assert distance_m(0.0, 179.999, 0.0, -179.999) == pytest.approx(222.6, abs=0.1)
    # Source: a degree of latitude at 20.5 N is 110,712 m (WGS 84, series of the meridian arc)
    assert distance_m(20.0, 110.0, 21.0, 110.0) == pytest.approx(110_712, rel=1e-4)
    assert Border(parsed_geometry(polygon(HAIKOU))).distances_m([]) == []
