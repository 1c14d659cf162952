"""What may be set from afar: bounds, and that the schema says exactly what the types take."""

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wayside.errors import InvalidArgumentError
from wayside.node_config import (
    MAX_BYTES,
    MAX_PROBLEM_COUNT,
    NodeConfig,
    TelemetryConfig,
    canonical,
    decoded,
    lenient,
    schema,
)

VALIDATOR = jsonschema.Draft202012Validator(schema())
BUS = "can.buses.body"
LIMIT = "health.limits.body"
RULE = "derating.rules.body"

VALUES: list[tuple[str, list[Any], list[Any]]] = [
    ("report_period_s", [1, 1.5, 3600], [0.99, 3601, "30", None, True, []]),
    (
        "manager.device_address",
        ["", "m:1", "manager.example:7443", "127.0.0.1:65535", "[::1]:7443", "[fe80::1%eth0]:7443"],
        ["m", "m:0", "m:65536", "m:99999", ":7443", "a b:1", "m:7443\n", "unix:x:1", "::1:7443", "m/x:1", "m:07443"],
    ),
    (f"{BUS}.database_name", ["", "a.dbc", "车身.dbc", "a b.dbc"], [".", "../a", "a/b", "a\\b", ".a", "a\n", "a\x00"]),
    (
        f"{BUS}.signal_names",
        [[], ["A.B"], ["_a1._b2", "C.D"]],
        ["A.B", [1], ["A"], ["A.B\n"], ["A.B.C"], ["Ä.B"], ["1.B"], ["A." + "b" * 254], {}],
    ),
    (f"{BUS}.bit_rate_bps", [0, 125_000, 1_000_000], [-1, 1_000_001, 0.5, "1"]),
    (f"{BUS}.data_bit_rate_bps", [0, 5_000_000, 20_000_000], [-1, 20_000_001]),
    (f"{BUS}.expected_ids.0C9", [0.01, 1, 86_400], [0, 86_401, "1", None]),
    ("telemetry.broker_host", ["", "mqtt", "a.b-c_d", "10.0.0.1", "::1", "fe80::1%eth0"], ["a b", "a:1", "-a", "a\n"]),
    ("telemetry.broker_port", [0, 1883, 65535, 1883.0], [-1, 65536, 1.5, "1883", False]),
    ("telemetry.broker_plaintext", [True, False], [0, 1, "true", None]),
    ("telemetry.interface", ["", "eth0", "wwan0.100", "lo"], ["a" * 16, "eth/0", "eth0\n", ".", "eth 0", "-a"]),
    ("telemetry.username", ["", "unit", "单元 1", "u" * 255], ["u" * 256, "a\n", "a\x00b", "a\x85", 3]),
    ("telemetry.password_secret", ["", "broker", "broker.txt"], ["../x", "/etc/shadow", ".x", "x\n"]),
    ("telemetry.topic_prefix", ["a", "wayside/v1", "城市/g98"], ["", "/a", "a/#", "+", "a\n", "a\x7f", "a" * 256]),
    ("telemetry.publish_period_s", [0.1, 3600], [0.09, 3601]),
    ("telemetry.sample_period_s", [0.01, 3600], [0, 3600.5]),
    ("update.max_download_bytes_per_s", [0, 2**53, 1e6], [-1, 2**53 + 1, 0.5, 1e300]),
    ("update.health_gate_timeout_s", [5, 3600], [4.9, 3601]),
    ("update.allow_on_battery", [True, False], [0, "yes"]),
    ("update.min_battery_ratio", [0, 1], [-0.1, 1.1]),
    ("update.min_input_volts", [0, 1000], [-0.1, 1001]),
    ("update.max_temperature_celsius", [-40, 150], [-41, 151]),
    ("update.min_temperature_celsius", [-100, 50], [-101, 51]),
    ("update.max_speed_mps", [0, 100], [-0.1, 101]),
    ("update.speed_reading", ["", "can.body.Speed.Wheel"], [3, "a b"]),
    ("update.gear_reading", ["", "can.body.Gear.Lever"], [3, "a b"]),
    ("update.park_value", [-1e9, 1e9], [-2e9, 2e9]),
    ("update.min_free_bytes", [0, 2**53], [-1, 2**53 + 1]),
    ("jobs.upload_max_bytes_per_s", [0, 2**53, 65_536], [-1, 2**53 + 1, 0.5, "1"]),
    *[
        (f"{LIMIT}.{name}", [0, -40, 3.5, 1e9], ["1", None, True, []])
        for name in ("degraded_above", "failed_above", "degraded_below", "failed_below")
    ],
    (f"{LIMIT}.margin", [0, 2.5], [-0.1, "1", None]),
    ("health.place.latitude_degrees", [-90, 20.03, 90], [-90.1, 91, "20"]),
    ("health.place.longitude_degrees", [-180, 110.3, 180], [-180.1, 181]),
    *[
        (f"health.readings.{role}", ["", "feed.ups.charge", "gnss.hdop", "feed.a.b.c"], ["x", ".a", "a.", "a.b\n", 3])
        for role in (
            "temperature_celsius",
            "humidity_ratio",
            "door_open",
            "leak",
            "fan_rpm",
            "input_v",
            "on_battery",
            "battery_ratio",
        )
    ],
    ("health.reading_age_max_s", [1, 86_400], [0.9, 86_401]),
    ("derating.order", [[], ["telemetry", "decode", "downloads", "uploads"]], [["broadcast"], "telemetry", [1], {}]),
    ("derating.settle_s", [1, 3600], [0.9, 3601]),
    (f"{RULE}.temperature_above_celsius", [-10, 60.5], ["1", None, True]),
    (f"{RULE}.temperature_below_celsius", [-40, 0], ["1", None, True]),
    (f"{RULE}.temperature_of", ["cabinet", "processor"], ["", "sky", 1]),
    (f"{RULE}.margin_celsius", [0, 50], [-1, 51]),
    (f"{RULE}.on_battery", [True, False], [0, 1, "true"]),
    (f"{RULE}.battery_below_ratio", [0, 0.5, 1], [-0.1, 1.1]),
    (f"{RULE}.hold_s", [0, 3600], [-1, 3601]),
    (f"{RULE}.load_count", [0, 4], [-1, 5, 0.5]),
    ("health.place.radius_m", [0, 25, 100_000], [-1, 100_001]),
]
TAKEN = [(path, value) for path, good, _ in VALUES for value in good]
REFUSED = [(path, value) for path, _, bad in VALUES for value in bad]


def nested(path: str, value: object) -> dict[str, Any]:
    for name in reversed(path.split(".")):
        value = {name: value}
    assert isinstance(value, dict)
    return value


def found(config: NodeConfig, path: str) -> object:
    value: object = config
    for name in path.split("."):
        value = value[name] if isinstance(value, dict) else getattr(value, name)
    return value


@pytest.mark.parametrize(("path", "value"), TAKEN, ids=[f"{path}-{i}" for i, (path, _) in enumerate(TAKEN)])
def test_a_value_within_its_bounds_is_taken(path: str, value: object) -> None:
    taken = found(decoded(canonical(nested(path, value))), path)
    assert taken == (tuple(value) if isinstance(value, list) else value)
    assert VALIDATOR.is_valid(nested(path, value))


@pytest.mark.parametrize(("path", "value"), REFUSED, ids=[f"{path}-{i}" for i, (path, _) in enumerate(REFUSED)])
def test_a_value_out_of_its_bounds_is_refused_by_name(path: str, value: object) -> None:
    with pytest.raises(InvalidArgumentError, match=f"^{path}: ") as caught:
        decoded(canonical(nested(path, value)))
    assert caught.value.reason == "CONFIG_INVALID"
    assert not VALIDATOR.is_valid(nested(path, value))


def test_every_setting_stands_in_the_tables() -> None:
    def paths(part: dict[str, Any], prefix: str) -> set[str]:
        part = schema()["$defs"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part
        if part.get("additionalProperties"):
            key = "0C9" if prefix.endswith("expected_ids.") else "body"
            return paths(part["additionalProperties"], f"{prefix}{key}.")
        if "properties" not in part:
            return {prefix.rstrip(".")}
        return {path for name, each in part["properties"].items() for path in paths(each, f"{prefix}{name}.")}

    assert {path for path, _, _ in VALUES} == paths(schema(), "")


@pytest.mark.parametrize("document", [{"x": 1}, {"telemetry": {"x": 1}}, {"can": {"buses": {"b": {"x": 1}}}}])
def test_an_unknown_name_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError, match="x: there is no such setting"):
        decoded(canonical(document))
    assert not VALIDATOR.is_valid(document)


@pytest.mark.parametrize("name", ["", "Body", "body\n", "b" * 33, "bo.dy"])
def test_a_bus_that_no_settings_could_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgumentError, match=r"can\.buses"):
        decoded(canonical({"can": {"buses": {name: {}}}}))
    assert not VALIDATOR.is_valid({"can": {"buses": {name: {}}}})


@pytest.mark.parametrize("digits", ["", "9", "800", "20000000", "1234", "0C9\n", "xyz", "0x1"])
def test_what_is_no_can_id_is_refused(digits: str) -> None:
    document = {"can": {"buses": {"body": {"expected_ids": {digits: 1}}}}}
    with pytest.raises(InvalidArgumentError, match=r"can\.buses\.body\.expected_ids"):
        decoded(canonical(document))
    assert not VALIDATOR.is_valid(document)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff", b'"\xed\xa0\x80"', b"[" * 100_000, b'{"x":' * 9_000, b" " * (MAX_BYTES + 1)],
    ids=["empty", "half", "list", "null", "no-utf8", "surrogate", "deep-list", "deep-object", "large"],
)
def test_what_is_no_configuration_is_refused_in_one_sentence(content: bytes) -> None:
    with pytest.raises(InvalidArgumentError, match=r"^configuration: "):
        decoded(content)
    assert lenient(content)[0] == NodeConfig()


def test_every_problem_is_told_at_once_but_not_a_million() -> None:
    with pytest.raises(InvalidArgumentError, match=r"report_period_s: .*; telemetry\.broker_port: "):
        decoded(b'{"report_period_s":0,"telemetry":{"broker_port":-1}}')
    _, problems = lenient(canonical({f"x{i}": i for i in range(1000)}))
    assert len(problems) == MAX_PROBLEM_COUNT


def test_a_lenient_reader_keeps_every_value_it_may() -> None:
    document = {
        "report_period_s": 0,
        "of_a_newer_agent": {"a": 1},
        "can": {"buses": {"body": {"signal_names": ["A"], "database_name": "a.dbc"}, "B": {}, "drive": 3}},
        "telemetry": {"broker_host": "mqtt", "broker_port": -1, "of_a_newer_agent": 1},
        "update": 3,
    }
    config, problems = lenient(canonical(document))
    assert config == decoded(
        b'{"can":{"buses":{"body":{"database_name":"a.dbc"},"drive":{}}},"telemetry":{"broker_host":"mqtt"}}'
    )
    assert sorted(problem.partition(":")[0] for problem in problems) == [
        "can.buses.B",
        "can.buses.body.signal_names",
        "can.buses.drive",
        "of_a_newer_agent",
        "report_period_s",
        "telemetry.broker_port",
        "telemetry.of_a_newer_agent",
        "update",
    ]


TEXTS = st.text(max_size=8) | st.sampled_from([text for _, text in TAKEN + REFUSED if isinstance(text, str)])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
ANY = st.recursive(SCALARS, lambda each: st.lists(each, max_size=3) | st.dictionaries(TEXTS, each, max_size=3))


def documents() -> st.SearchStrategy[dict[str, Any]]:
    """Configurations with a few values each, most of them near their bounds, and now and then something else."""
    of_table = [
        st.tuples(st.just(path), st.sampled_from([*good, *good, *bad]) | ANY if bad else ANY)
        for path, good, bad in VALUES
    ]
    return st.lists(st.one_of(of_table), max_size=5).map(_merged)


def _merged(values: list[tuple[str, Any]]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for path, value in values:
        *parents, name = path.split(".")
        part = document
        for parent in parents:
            part = part.setdefault(parent, {})
        part[name] = value
    return document


@settings(max_examples=1000, deadline=None)
@given(documents() | st.dictionaries(TEXTS, ANY, max_size=3))
def test_the_schema_accepts_exactly_what_the_types_take(document: dict[str, Any]) -> None:
    content = canonical(document)
    try:
        decoded(content)
    except InvalidArgumentError:
        is_taken = False
    else:
        is_taken = True
    assert VALIDATOR.is_valid(json.loads(content)) == is_taken


@settings(max_examples=300, deadline=None)
@given(documents())
def test_what_a_lenient_reader_keeps_is_what_a_strict_one_would_take(document: dict[str, Any]) -> None:
    content = canonical(document)
    config, problems = lenient(content)
    if not problems:
        assert config == decoded(content)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    json.dumps(schema())


@given(st.dictionaries(TEXTS, ANY, max_size=5))
def test_equal_configurations_have_equal_bytes(document: dict[str, Any]) -> None:
    content = canonical(document)
    backwards = dict(reversed(document.items()))
    assert canonical(backwards) == canonical(json.loads(content)) == content
    assert json.loads(content) == document


def test_canonical_json_is_utf8_sorted_without_spaces_and_whole_numbers_are_whole() -> None:
    assert (
        canonical({"b": [1.0, 0.5, True], "a": {"ü": -0.0, "x": None}})
        == '{"a":{"x":null,"ü":0},"b":[1,0.5,true]}'.encode()
    )


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), "\ud800", b"x"], ids=["nan", "inf", "surrogate", "bytes"]
)
def test_what_json_has_no_word_for_is_refused(value: object) -> None:
    with pytest.raises(InvalidArgumentError, match="is no JSON"):
        canonical({"a": [value]})


def test_the_port_follows_from_tls() -> None:
    assert TelemetryConfig().port == 8883
    assert TelemetryConfig(broker_plaintext=True).port == 1883
    assert TelemetryConfig(broker_port=5).port == 5
