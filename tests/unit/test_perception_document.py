"""Documents of roadside sensors: what is taken, what is left out, and which field is to blame."""

import json
from typing import Any

import pytest

from wayside_agent.core.perception.document import (
    MAX_BYTES,
    MAX_OBJECTS,
    DocumentError,
    ObjectClass,
    Source,
    of_words,
    read_json,
)

GOOD = {"tracking_id": 7, "latitude_deg": 20.03, "longitude_deg": 110.33}


def document(*objects: object, **fields: object) -> bytes:
    return json.dumps({"time_ms": 1_795_416_902_000, "sensor_id": "north", "objects": objects, **fields}).encode()


def test_a_document_says_who_saw_what_and_when() -> None:
    car = {
        **GOOD,
        "class": "car",
        "speed_mps": 13.9,
        "heading_deg": 271.5,
        "sources": ["video", "radar"],
        "position_accuracy_m": 0.3,
        "v2x_id": "00a1b2c3d4e5f607",
    }
    found = read_json(document(car, {"tracking_id": "a81f", "x_m": -3.5, "y_m": 40}))
    assert (found.time_ms, found.sensor_id, found.refusals) == (1_795_416_902_000, "north", ())
    seen, other = found.objects
    assert (seen.kind, seen.speed_mps, seen.sources) == (ObjectClass.CAR, 13.9, (Source.VIDEO, Source.RADAR))
    assert (other.kind, other.y_m, other.speed_mps, other.is_local) == (ObjectClass.UNKNOWN, 40.0, None, True)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"speed_mps": 163.9}, "speed_mps"),
        ({"speed_mps": -0.1}, "speed_mps"),
        ({"heading_deg": 361}, "heading_deg"),
        ({"latitude_deg": 90.1}, "latitude_deg"),
        ({"longitude_deg": "110"}, "longitude_deg"),
        ({"longitude_deg": None}, "latitude_deg"),
        ({"x_m": 1, "y_m": 1}, "latitude_deg"),
        ({"z_m": 1}, "z_m"),
        ({"length_m": 0}, "length_m"),
        ({"width_m": 10.3}, "width_m"),
        ({"class": "cow"}, "class"),
        ({"sources": ["sonar"]}, "sources"),
        ({"sources": ["video"] * 9}, "sources"),
        ({"tracking_id": ""}, "tracking_id"),
        ({"tracking_id": "x" * 65}, "tracking_id"),
        ({"tracking_id": 10**64}, "tracking_id"),
        ({"tracking_id": 1.5}, "tracking_id"),
        ({"v2x_id": "123"}, "v2x_id"),
        ({"time_ms": -1}, "time_ms"),
        ({"position_accuracy_m": 0}, "position_accuracy_m"),
        ({"speed": 3}, "unknown field"),
        ({"plate": "A 12345"}, "unknown field"),
    ],
)
def test_an_object_that_is_wrong_is_left_out_the_field_is_named_and_the_others_go(
    wrong: dict[str, object], field: str
) -> None:
    found = read_json(document({**GOOD, **wrong}, {**GOOD, "tracking_id": "other"}))
    assert [each.tracking_id for each in found.objects] == ["other"]
    assert [each.field for each in found.refusals] == [field]
    assert found.refusals[0].reason


@pytest.mark.parametrize("wrong", [5, [], None, "car", {}], ids=repr)
def test_what_is_no_object_is_left_out(wrong: object) -> None:
    found = read_json(document(wrong, GOOD))
    assert (len(found.objects), len(found.refusals)) == (1, 1)


def test_the_first_of_two_with_one_tracking_id_counts_be_it_a_number_or_a_text() -> None:
    found = read_json(document({**GOOD, "speed_mps": 1}, {**GOOD, "tracking_id": "7", "speed_mps": 2}))
    assert [each.speed_mps for each in found.objects] == [1]
    assert [each.field for each in found.refusals] == ["tracking_id"]


def test_a_tracking_id_is_as_long_as_64_digits() -> None:
    found = read_json(document({**GOOD, "tracking_id": 10**64 - 1}))
    assert found.objects[0].tracking_id == 10**64 - 1


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"", "truncated"),
        (b"\xff\xfe", "malformed"),
        (b"[]", "Expected `object`"),
        (document(time_ms=-1), "time_ms"),
        (document(time_ms="now"), "time_ms"),
        (document(sensor_id=""), "sensor_id"),
        (document(sensor_id="x" * 65), "sensor_id"),
        (document(sensor_id="north\n"), "sensor_id"),
        (document(road="G98"), "unknown field"),
        (document(*[GOOD] * (MAX_OBJECTS + 1)), "objects"),
        (b" " * (MAX_BYTES + 1), "at most 262144"),
        (b'{"objects": ' + b"[" * 20_000, "recursion"),
    ],
    ids=["empty", "binary", "array", "early", "text", "nobody", "long", "line", "unknown", "many", "large", "deep"],
)
def test_a_document_that_cannot_be_used_is_refused_in_one_sentence(payload: bytes, said: str) -> None:
    with pytest.raises(DocumentError, match=said) as caught:
        read_json(payload)
    assert len(str(caught.value)) <= 160


@pytest.mark.parametrize(
    ("time_ms", "sensor_id", "count"), [(-1, "north", 0), (1, "no th", 0), (1, "", 0), (1, "north", MAX_OBJECTS + 1)]
)
def test_a_document_in_another_notation_has_the_same_bounds(time_ms: int, sensor_id: str, count: int) -> None:
    with pytest.raises(DocumentError):
        of_words(time_ms, sensor_id, [], count=count)


def test_a_number_that_is_none_is_left_out_whatever_the_notation() -> None:
    words: dict[str, Any] = {"tracking_id": "1", "x_m": 1.0, "y_m": 2.0}
    bad = [{**words, "speed_mps": number} for number in (float("nan"), float("inf"))]
    found = of_words(1, "north", [*bad, words], count=3)
    assert [each.field for each in found.refusals] == ["speed_mps", "speed_mps"]
    assert len(found.objects) == 1
