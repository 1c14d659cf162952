"""Layers merged into one configuration, and the bounds of what may come out."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside_manager.core.config_checks import problems
from wayside_manager.core.configs import ConfigLayerRecord
from wayside_manager.core.merge import in_order, merged
from wayside_manager.core.selectors import NodeSelector

START = datetime(2026, 11, 22, tzinfo=UTC)
LEAVES = st.one_of(st.integers(), st.text(max_size=3), st.lists(st.integers(), max_size=3))
# One name is always a message or always a value, as in a protobuf schema.
CONFIGS = st.fixed_dictionaries(
    {},
    optional={
        "value": LEAVES,
        "other": LEAVES,
        "message": st.fixed_dictionaries({}, optional={"value": LEAVES, "inner": st.dictionaries(st.text(), LEAVES)}),
    },
)


def layer(layer_id: str, priority: int) -> ConfigLayerRecord:
    return ConfigLayerRecord(layer_id, NodeSelector(all_nodes=True), priority, {}, START, START)


def test_a_message_merges_field_by_field_and_a_list_replaces_a_list() -> None:
    low = {"report_period": "30s", "telemetry": {"broker_host": "a", "broker_port": 1}, "can": {"buses": [1, 2]}}
    high = {"telemetry": {"broker_port": 2}, "can": {"buses": [3]}}
    assert merged([low, high]) == {
        "report_period": "30s",
        "telemetry": {"broker_host": "a", "broker_port": 2},
        "can": {"buses": [3]},
    }


def test_equal_priorities_are_ordered_by_name() -> None:
    layers = [layer("z", 1), layer("b", 5), layer("a", 5)]
    assert [one.layer_id for one in in_order(layers)] == ["z", "a", "b"]


@given(CONFIGS)
def test_merging_with_nothing_or_itself_changes_nothing(config: dict[str, object]) -> None:
    assert merged([config]) == merged([{}, config]) == merged([config, {}]) == merged([config, config]) == config


@given(CONFIGS, CONFIGS, CONFIGS)
def test_merging_in_steps_is_merging_at_once(
    first: dict[str, object], second: dict[str, object], third: dict[str, object]
) -> None:
    at_once = merged([first, second, third])
    assert merged([merged([first, second]), third]) == at_once == merged([first, merged([second, third])])


@given(CONFIGS, CONFIGS)
def test_the_last_word_stands_and_arguments_stay(low: dict[str, object], high: dict[str, object]) -> None:
    before = repr((low, high))
    result = merged([low, high])
    assert repr((low, high)) == before
    assert set(result) == set(low) | set(high)
    for name in ("value", "other"):
        if name in high:
            assert result[name] == high[name]


SOUND: dict[str, object] = {
    "report_period": "1s",
    "can": {"buses": [{"name": "body", "database_name": "j1939.dbc", "signal_names": ["EEC1.EngineSpeed"]}]},
    "telemetry": {
        "broker_host": "broker.example",
        "broker_port": 8883,
        "topic_prefix": "wayside/v1",
        "publish_period": "0.100s",
        "sample_period": "0.010s",
    },
    "update": {"max_download_bytes_per_second": "1000000", "health_gate_timeout": "3600s"},
}


@pytest.mark.parametrize("config", [SOUND, {}, {"telemetry": {"broker_host": "::1"}}, {"telemetry": {}}])
def test_values_at_their_bounds_are_sound(config: dict[str, object]) -> None:
    assert problems(config) == ()


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"report_period": "0.999s"}, "report_period: 0.999 s is outside 1 s to 3600 s"),
        ({"report_period": "3600.1s"}, "report_period: 3600.1 s is outside 1 s to 3600 s"),
        ({"report_period": 5}, "report_period: '5' is not a duration such as '30s'"),
        ({"telemetry": {"publish_period": "0.05s"}}, "telemetry.publish_period: 0.05 s is outside 0.1 s to 3600 s"),
        ({"telemetry": {"sample_period": "-1s"}}, "telemetry.sample_period: -1 s is outside 0.01 s to 3600 s"),
        ({"telemetry": {"broker_port": -1}}, "telemetry.broker_port: -1 is outside 1 to 65535"),
        (
            {"telemetry": {"broker_host": "mqtt://a"}},
            "telemetry.broker_host: 'mqtt://a' is not a host name or address; leave port and scheme out",
        ),
        (
            {"telemetry": {"topic_prefix": "a/#"}},
            "telemetry.topic_prefix: 'a/#' is not a topic; leave '+', '#' and a leading '/' out",
        ),
        ({"update": {"health_gate_timeout": "4s"}}, "update.health_gate_timeout: 4 s is outside 5 s to 3600 s"),
        (
            {"update": {"max_download_bytes_per_second": "-1"}},
            "update.max_download_bytes_per_second: -1 is outside 0 to 9223372036854775807",
        ),
        (
            {"can": {"buses": [{"name": "body"}, {"name": "body"}]}},
            "can.buses[1].name: bus 'body' is named twice; merge the two entries",
        ),
        ({"can": {"buses": [{}]}}, "can.buses[0].name: a bus needs a name of 1 to 255 characters"),
        (
            {"can": {"buses": [{"name": "a", "database_name": "../x.dbc"}]}},
            "can.buses[0].database_name: '../x.dbc' is not a file name; leave the directory out",
        ),
        (
            {"can": {"buses": [{"name": "a", "signal_names": ["EngineSpeed"]}]}},
            "can.buses[0].signal_names: 'EngineSpeed' is not of the form Message.Signal",
        ),
    ],
)
def test_a_problem_names_field_and_range(config: dict[str, object], said: str) -> None:
    assert problems(config) == (said,)
