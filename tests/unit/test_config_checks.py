"""Configurations against schemas: sentences a person can act on, and no secret in any of them."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wayside.errors import InvalidArgumentError
from wayside.node_config import canonical, decoded
from wayside_manager.core.config_checks import PROBLEMS_MAX_COUNT, problems
from wayside_manager.core.config_schemas import ConfigSchema, Schemas, own_schema
from wayside_manager.core.configs import MISSING

OWN = own_schema()
AGENT = f"(agent {OWN.version})"
SOUND: dict[str, Any] = {
    "report_period_s": 1,
    "manager": {"device_address": "manager.example:8443"},
    "can": {"buses": {"body": {"database_name": "j1939.dbc", "signal_names": ["EEC1.EngineSpeed"]}, "idle": {}}},
    "telemetry": {
        "broker_host": "broker.example",
        "broker_port": 65535,
        "password_secret": "broker.password-1",
        "topic_prefix": "wayside/v1",
        "publish_period_s": 0.1,
        "sample_period_s": 3600,
    },
    "update": {"max_download_bytes_per_s": 0, "health_gate_timeout_s": 3600},
}


def schema(**properties: Any) -> ConfigSchema:  # noqa: ANN401  # parts of a JSON schema
    return ConfigSchema(
        "9.9.9", json.dumps({"type": "object", "properties": properties, "additionalProperties": False})
    )


@pytest.mark.parametrize("config", [SOUND, {}, {"telemetry": {"broker_host": "::1"}}, {"telemetry": {}}])
def test_values_at_their_bounds_are_sound(config: dict[str, object]) -> None:
    assert problems(config, OWN) == ()


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"report_period_s": 0.5}, "report_period_s: 0.5 is outside 1 to 3600"),
        ({"report_period_s": 3601}, "report_period_s: 3601 is outside 1 to 3600"),
        ({"report_period_s": "5s"}, 'report_period_s: "5s" is not a number within 1 to 3600'),
        ({"report_period_s": True}, "report_period_s: true is not a number within 1 to 3600"),
        ({"telemetry": {"broker_port": 70000}}, "telemetry.broker_port: 70000 is outside 0 to 65535"),
        ({"telemetry": {"broker_port": 1.5}}, "telemetry.broker_port: 1.5 is not a whole number within 0 to 65535"),
        ({"telemetry": {"broker_plaintext": 1}}, "telemetry.broker_plaintext: 1 is not true or false"),
        ({"telemetry": 5}, "telemetry: 5 is not an object"),
        ({"can": {"buses": []}}, "can.buses: a list is not an object"),
        (
            {"telemetry": {"broker_host": "mqtt://a"}},
            'telemetry.broker_host: "mqtt://a" is not of the form of this: Host name or address of the broker',
        ),
        (
            {"report_periods": 5},
            "report_periods: there is no such field; use report_period_s",
        ),
        (
            {"telemetry": {"zzz": 5}},
            (
                "telemetry.zzz: there is no such field; the nearest known ones are broker_host, broker_plaintext, "
                "broker_port, interface, password_secret, publish_period_s"
            ),
        ),
        (
            {"can": {"buses": {"body": {"database": "x.dbc"}}}},
            (
                "can.buses.body.database: there is no such field; the nearest known ones are database_name, "
                "data_bit_rate_bps"
            ),
        ),
        (
            {"can": {"buses": {"Body X": {}}}},
            'can.buses: the name "Body X" is not of the form ^[a-z0-9_-]{1,32}$',
        ),
        (
            {"can": {"buses": {"body": {"signal_names": ["A.b", "EngineSpeed"]}}}},
            (
                'can.buses.body.signal_names[1]: "EngineSpeed" is not of the form '
                r"^[A-Za-z_][A-Za-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*$: `Message.Signal` names to decode"
            ),
        ),
    ],
)
def test_a_problem_names_path_value_range_and_version(config: dict[str, object], said: str) -> None:
    assert problems(config, OWN) == (f"{said} {AGENT}",)


@pytest.mark.parametrize(
    ("rule", "value", "said"),
    [
        ({"enum": ["red", "green"]}, "blue", 'a: "blue" is none of "red", "green"'),
        ({"const": 5}, 6, "a: 6 is not 5"),
        ({"type": ["integer", "null"]}, "x", 'a: "x" is not a whole number or null'),
        ({"minimum": 3}, 2, "a: 2 is not at least 3"),
        ({"exclusiveMaximum": 3}, 3, "a: 3 is not below 3"),
        ({"minLength": 2}, "x", 'a: "x" has fewer than 2 characters'),
        ({"maxItems": 1}, [1, 2], "a: a list has more than 1 entries"),
        ({"uniqueItems": True}, [1, 1], "a: a list has an entry twice"),
        ({"type": "object", "required": ["b"]}, {}, "a: b must be set"),
        ({"not": {"type": "integer"}}, 5, "a: 5 does not satisfy not of the schema"),
    ],
)
def test_any_schema_is_put_into_words(rule: dict[str, Any], value: object, said: str) -> None:
    assert problems({"a": value}, schema(a=rule)) == (f"{said} (agent 9.9.9)",)


@pytest.mark.parametrize(
    "value",
    ["hunter2 s3cret!", "hunter2/../x", "hunter2\n", ["hunter2"], {"a": {"b": "hunter2"}}, 4711, True, {}, "h" * 256],
)
def test_a_secret_is_a_name_and_its_value_is_never_repeated(value: object) -> None:
    for checked in (OWN, schema(telemetry={"properties": {"password_secret": {"x-wayside-secret": True}}})):
        found = problems({"telemetry": {"password_secret": value}}, checked)
        assert len(found) == 1
        assert found[0].startswith("telemetry.password_secret: it names a secret on the unit")
        assert "hunter2" not in found[0]
        assert "4711" not in found[0]


def test_a_whole_with_a_secret_in_it_is_not_repeated() -> None:
    found = problems({"telemetry": [{"password_secret": "hunter2"}]}, OWN)
    assert found == (f"telemetry: a list is not an object {AGENT}",)


def test_many_problems_are_counted() -> None:
    found = problems({f"x{index:03}": 1 for index in range(100)}, OWN)
    assert (len(found), found[-1]) == (PROBLEMS_MAX_COUNT + 1, "and 80 more")


def test_a_configuration_of_a_megabyte_is_too_much() -> None:
    huge = {"can": {"buses": {"body": {"signal_names": ["A.b" + "c" * 100] * 12_000}}}}
    assert "more than 1048576" in problems(huge, OWN)[0]


VALUES = st.one_of(
    st.integers(-1, 70_000), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.text(max_size=5)
)


@settings(max_examples=200)
@given(
    st.dictionaries(
        st.sampled_from(["report_period_s", "telemetry", "can", "x"]),
        VALUES | st.dictionaries(st.sampled_from(["broker_port", "broker_host", "buses", "publish_period_s"]), VALUES),
        max_size=3,
    )
)
def test_what_the_agent_decodes_is_sound_and_what_is_sound_it_decodes(config: dict[str, Any]) -> None:
    slow = problems(config, ConfigSchema("x", OWN.text))
    assert [one.split(" (agent")[0] for one in problems(config, OWN)] == [one.split(" (agent")[0] for one in slow]
    try:
        decoded(canonical(config))
    except InvalidArgumentError:
        assert slow
    else:
        assert not slow


def test_the_schema_of_what_runs_counts_and_else_the_managers_own() -> None:
    schemas = Schemas({"2.0.0": json.dumps({"type": "object"})})
    assert schemas.of(running_release="2.0.0", running_version="1.0").version == "2.0.0"
    assert schemas.of(running_release="", running_version="2.0.0").version == "2.0.0"
    assert schemas.of(running_release="1.0.0", running_version="1.0.0") is OWN
    assert schemas.find("") is schemas.find(OWN.version) is OWN
    assert schemas.find("7.7.7") is None


def test_defaults_and_names_are_read_from_a_schema_through_its_references() -> None:
    assert OWN.default_at(("telemetry", "publish_period_s")) == 10.0
    assert OWN.default_at(("telemetry", "nothing")) is MISSING
    assert {"database_name", "signal_names"} < set(OWN.known_names(("can", "buses", "any")))
    assert OWN.defaults["update", "health_gate_timeout_s"] == 120.0


def test_a_schema_that_refers_to_itself_ends() -> None:
    circular = ConfigSchema("x", '{"$ref": "#/$defs/a", "$defs": {"a": {"properties": {"b": {"$ref": "#/$defs/a"}}}}}')
    assert circular.defaults == {}
