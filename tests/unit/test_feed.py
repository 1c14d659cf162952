"""Messages of local sensors to readings."""

import json
from math import isfinite

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside_agent.core.feed import MAX_FIELDS, MAX_PAYLOAD_BYTES, FeedError, readings
from wayside_agent.core.readings import Reading
from wayside_agent.core.stamps import TimeQuality

NOW_NS = 1_795_000_000_123_456_789
TOPIC = "wayside/sensors/cabinet"


def taken(payload: bytes, topic: str = TOPIC) -> tuple[Reading, ...]:
    return readings(topic, payload, received_ns=NOW_NS, quality=TimeQuality.NETWORK)


def values(payload: bytes) -> dict[str, float]:
    return {reading.name: reading.value for reading in taken(payload)}


MESSAGE = {"temperature": 21.5, "door_open": True, "inner": {"humidity": 40}, "state": "ok", "spare": None}


@pytest.mark.parametrize("payload", [json.dumps(MESSAGE).encode(), msgspec.msgpack.encode(MESSAGE)])
def test_json_and_msgpack_say_the_same(payload: bytes) -> None:
    assert values(payload) == {
        "feed.cabinet.temperature": 21.5,
        "feed.cabinet.door_open": 1.0,
        "feed.cabinet.inner.humidity": 40.0,
    }


def test_without_a_time_the_time_of_receipt_counts() -> None:
    (reading,) = taken(b'{"a": 1}')
    assert reading == Reading("feed.cabinet.a", 1.0, "", NOW_NS, TimeQuality.NETWORK)


@pytest.mark.parametrize(
    "time", ['"2026-11-22T10:00:00.250Z"', '"2026-11-22T18:00:00.250+08:00"', "1795341600250", "1795341600250.0"]
)
def test_the_sensor_may_say_the_time(time: str) -> None:
    (reading,) = taken(b'{"a": 1, "time": %s}' % time.encode())
    assert reading.time_ns == 1_795_341_600_250_000_000


def test_units_are_named_by_field() -> None:
    found = taken(b'{"a": 1, "in": {"b": 2}, "unit": {"a": "degC", "in.b": "%"}}')
    assert [reading.unit for reading in found] == ["degC", "%"]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "no JSON object"),
        (b"hello", "no JSON object"),
        (b"[1, 2]", "no JSON object and no msgpack map"),
        (b"\x93\x01\x02\x03", "no JSON object"),
        (b"\x81", "no msgpack map"),
        (b"\x81\x01\x02", "field '1': is no name"),
        (b'{"a": [1]}', "field a: list is no number"),
        (b'{"a": {"b": {"c": 1}}}', "field a.b: dict is no number"),
        (b'{"a": 1e999}', "no JSON object"),
        (b"\x81\xa1a\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", "field a: the value is not finite"),
        (b'{"a": ' + b"9" * 400 + b"}", "field a: the value is not finite"),
        (b'{"": 1}', "is no name"),
        (b'{"a/b": 1}', "is no name"),
        (b'{"' + b"a" * 65 + b'": 1}', "is no name"),
        (b'{"a": 1, "time": true}', "time: must be ISO 8601"),
        (b'{"a": 1, "time": 1795341600}', "outside 2000 to 2100"),
        (b'{"a": 1, "time": "yesterday"}', "is not ISO 8601"),
        (b'{"a": 1, "time": "2026-11-22T10:00:00"}', "has no offset"),
        (b'{"a": 1, "unit": "degC"}', "unit: must be an object"),
        (b'{"a": 1, "unit": {"a": 5}}', "unit.a: must be a text"),
        (b'{"a":' * 5000, "no JSON object"),
        (b'{"a": "' + b"x" * MAX_PAYLOAD_BYTES + b'"}', "bytes long"),
        (json.dumps({f"f{index}": index for index in range(MAX_FIELDS + 1)}).encode(), "257 values"),
    ],
)
def test_a_malformed_message_is_refused_with_its_reason(payload: bytes, reason: str) -> None:
    with pytest.raises(FeedError, match=reason):
        taken(payload)


@pytest.mark.parametrize("topic", ["", "wayside/sensors/", "wayside/sensors/a b", "x/" + "y" * 65])
def test_a_topic_without_a_sensor_name_is_refused(topic: str) -> None:
    with pytest.raises(FeedError, match="no sensor name"):
        taken(b'{"a": 1}', topic)


@given(st.one_of(st.binary(max_size=200), st.binary(max_size=60).map(lambda tail: b"\x82\xa1a" + tail)))
def test_whatever_comes_is_taken_or_refused(payload: bytes) -> None:
    try:
        found = taken(payload)
    except FeedError:
        return
    assert all(reading.name.startswith("feed.cabinet.") and isfinite(reading.value) for reading in found)
