"""Layer files: what is written becomes a layer, what is wrong is named with file, line and field."""

import json
from pathlib import Path

import pytest
from google.protobuf.json_format import MessageToDict

from wayside.errors import InvalidArgumentError, NotFoundError
from wayside.v1 import node_pb2
from wayside_manager.cli.layer_file import read_layer, read_layers

GOOD = """\
name = "corridor"
priority = 20
unset = ["telemetry.username"]

[selector]
kinds = ["rsu"]
labels = {road = "G98"}
corridors = ["g98 K12..K15+500", {corridor = "g4", from = 12000, to = "K15+250.5"}]

[config]
report_period_s = 10

[config.can.buses.can0]
database_name = "vehicle.dbc"
signal_names = ["EEC1.EngineSpeed"]

[config.telemetry]
broker_port = 1883
sample_period_s = 0.25
"""


def written(tmp_path: Path, text: str, name: str = "layer.toml") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def selected(tmp_path: Path, lines: str) -> node_pb2.NodeSelector:
    return read_layer(written(tmp_path, f'name = "x"\n[selector]\n{lines}\n')).layer.selector


def test_a_layer_file_becomes_a_layer(tmp_path: Path) -> None:
    layer = read_layer(written(tmp_path, GOOD)).layer
    assert (layer.name, layer.priority) == ("configLayers/corridor", 20)
    assert list(layer.selector.kinds) == [node_pb2.NODE_KIND_RSU]
    assert [(label.key, label.value) for label in layer.selector.labels] == [("road", "G98")]
    assert [(one.corridor, one.begin_stake_meters, one.end_stake_meters) for one in layer.selector.corridors] == [
        ("corridors/g98", 12_000, 15_500),
        ("corridors/g4", 12_000, 15_250.5),
    ]
    assert MessageToDict(layer.config) == {
        "report_period_s": 10,
        "can": {"buses": {"can0": {"database_name": "vehicle.dbc", "signal_names": ["EEC1.EngineSpeed"]}}},
        "telemetry": {"broker_port": 1883, "sample_period_s": 0.25, "username": None},
    }


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("all = true", {"all_nodes": True}),
        ("all_nodes = true", {"all_nodes": True}),
        ('nodes = ["x", "nodes/y"]', {"nodes": ["nodes/x", "nodes/y"]}),
        ('kinds = ["OBU", "NODE_KIND_RSU"]', {"kinds": ["NODE_KIND_OBU", "NODE_KIND_RSU"]}),
        ('labels = ["a=b", "c="]', {"labels": [{"key": "a", "value": "b"}, {"key": "c"}]}),
        ('labels = [{key = "a", value = "b"}]', {"labels": [{"key": "a", "value": "b"}]}),
        ('sites = ["k12", "sites/k13"]', {"sites": ["sites/k12", "sites/k13"]}),
        ('groups = ["pilots"]', {"groups": ["groups/pilots"]}),
        ('models = ["WS-200"]', {"models": ["WS-200"]}),
        ('versions = ["1.2.0"]', {"versions": ["1.2.0"]}),
        ('geofences = ["town"]', {"geofences": ["geofences/town"]}),
        ('corridors = ["G98"]', {"corridors": [{"corridor": "corridors/g98"}]}),
        ('corridors = ["corridors/g98"]', {"corridors": [{"corridor": "corridors/g98"}]}),
        ('corridors = ["g98:..15000"]', {"corridors": [{"corridor": "corridors/g98", "end_stake_meters": 15000.0}]}),
        ('corridors = ["g98:K12.."]', {"corridors": [{"corridor": "corridors/g98", "begin_stake_meters": 12000.0}]}),
        (
            'corridors = ["G98 K12+300"]',
            {"corridors": [{"corridor": "corridors/g98", "begin_stake_meters": 12300.0, "end_stake_meters": 12300.0}]},
        ),
        (
            "areas = [[[20, 110.5], [20.5, 110.5], [20.5, 111]]]",
            {
                "areas": [
                    {
                        "corners": [
                            {"latitude_degrees": 20.0, "longitude_degrees": 110.5},
                            {"latitude_degrees": 20.5, "longitude_degrees": 110.5},
                            {"latitude_degrees": 20.5, "longitude_degrees": 111.0},
                        ]
                    }
                ]
            },
        ),
    ],
)
def test_every_way_to_name_nodes(tmp_path: Path, lines: str, expected: dict[str, object]) -> None:
    assert MessageToDict(selected(tmp_path, lines), preserving_proto_field_name=True) == expected


def test_a_tenant_may_be_written_by_its_id_alone(tmp_path: Path) -> None:
    assert read_layer(written(tmp_path, f'tenant = "city-a"\n{GOOD}')).layer.tenant == "tenants/city-a"
    assert not read_layer(written(tmp_path, GOOD)).layer.tenant


def test_json_does_as_well_and_has_null(tmp_path: Path) -> None:
    text = '{"name": "configLayers/a", "selector": {"nodes": ["x"]}, "config": {"telemetry": {"username": null}}}'
    layer = read_layer(written(tmp_path, text, "layer.json")).layer
    assert MessageToDict(layer.config) == {"telemetry": {"username": None}}


@pytest.mark.parametrize(
    ("old", "new", "line", "field"),
    [
        ("report_period_s = 10", "report_period_s = nan", 11, "config.report_period_s"),
        ("report_period_s = 10", "report_period_s = 2026-01-01", 11, "config.report_period_s"),
        ("report_period_s = 10", "report_period_s = 90071992547409930", 11, "config.report_period_s"),
        ("broker_port = 1883", "broker_port = -inf", 18, "config.telemetry.broker_port"),
        ('kinds = ["rsu"]', 'kinds = ["plane"]', 6, "selector.kinds"),
        ('kinds = ["rsu"]', 'kinds = "rsu"', 6, "selector.kinds"),
        ('kinds = ["rsu"]', "sites = [12]", 6, "selector.sites"),
        ('kinds = ["rsu"]', 'colour = "red"', 6, "selector.colour"),
        ('labels = {road = "G98"}', "labels = {road = 98}", 7, "selector.labels"),
        ('labels = {road = "G98"}', 'labels = ["road"]', 7, "selector.labels"),
        ('to = "K15+250.5"', 'to = "km 15"', 8, "selector.corridors[1]"),
        ("from = 12000", "form = 12000", 8, "selector.corridors[1].form"),
        ("g98 K12..K15+500", "g98 K12-K15", 8, "selector.corridors[0]"),
        ("priority = 20", 'priority = "high"', 2, "priority"),
        ("priority = 20", "priority = 1001", 2, "priority"),
        ("priority = 20", "priority = -1", 2, "priority"),
        ("priority = 20", "priority = true", 2, "priority"),
        ("priority = 20", "prio = 20", 2, "prio"),
        ("priority = 20", "priority = ", 2, "priority"),
        ("priority = 20", "tenant = 3", 2, "tenant"),
        ('"telemetry.username"', '"telemetry.broker_port"', 3, "unset"),
        ('"telemetry.username"', '"report_period_s.x"', 3, "unset"),
        ('"telemetry.username"', '"telemetry..x"', 3, "unset"),
        ('"telemetry.username"', "3", 3, "unset"),
        ("[selector]", "[selector", 5, ""),
    ],
)
def test_what_is_wrong_is_named_with_file_line_and_field(
    tmp_path: Path, old: str, new: str, line: int, field: str
) -> None:
    path = written(tmp_path, GOOD.replace(old, new))
    with pytest.raises(InvalidArgumentError) as caught:
        read_layer(path)
    assert caught.value.message.startswith(f"{path}: line {line}: {field}")
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("config.telemetry.broker_port: 70000 is outside 0 to 65535", 18),
        ("config_layer.config.telemetry.broker_port: 70000 is outside 0 to 65535", 18),
        ("config.can.buses.can0.signal_names[0]: 'x' is no signal (version 1.2.0)", 15),
        ("config.telemetry.broker_hots: is unknown", 17),
    ],
)
def test_what_the_manager_refuses_is_named_with_file_and_line(tmp_path: Path, said: str, line: int) -> None:
    file = read_layer(written(tmp_path, GOOD))
    with pytest.raises(InvalidArgumentError) as caught, file.located():
        raise InvalidArgumentError(said, reason="CONFIG_INVALID")
    assert caught.value.message == f"{file.path}: line {line}: {said}"
    assert caught.value.reason == "CONFIG_INVALID"


def test_lines_are_told_in_json_too(tmp_path: Path) -> None:
    layer = {"name": "x", "selector": {"all": True}, "config": {"update": {"x": 1}, "telemetry": {"broker_port": 1}}}
    file = read_layer(written(tmp_path, json.dumps(layer, indent=1), "layer.json"))
    with (
        pytest.raises(InvalidArgumentError, match=r"layer\.json: line 11: config\.telemetry\.broker_port"),
        file.located(),
    ):
        raise InvalidArgumentError("config.telemetry.broker_port: 70000 is outside 0 to 65535")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "priority = 1",
        "name = 3",
        "name = 'x'",
        "name = 'x'\nselector = 1",
        "name = 'x'\n[selector]",
        "name='x'\nconfig=[1]\n[selector]\nall=true",
        "name='x'\nunset='a'\n[selector]\nall=true",
        "name='x'\n[selector]\nall=1",
        "name='x'\n[selector]\nareas=[[[91, 0]]]",
        "name='x'\n[selector]\nareas=[[1, 2]]",
        f"name='x'\n[selector]\nall=true\n[config]\nx = {'[' * 30}{']' * 30}",
        f"x = {'[' * 5000}{']' * 5000}",
        f"x = {'9' * 5000}",
    ],
)
def test_files_that_are_no_layer_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidArgumentError):
        read_layer(written(tmp_path, text))


@pytest.mark.parametrize(
    "text",
    ["[]", "{", "[" * 100_000, '{"name": "x", "selector": {"all": true}, "config": {"a": NaN}}', f"[{'9' * 5000}]"],
    ids=["list", "torn", "deep", "nan", "digits"],
)
def test_json_that_is_no_layer_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidArgumentError):
        read_layer(written(tmp_path, text, "layer.json"))


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        read_layer(tmp_path / "none.toml")


def test_options_go_before_what_files_say_and_a_layer_is_given_once(tmp_path: Path) -> None:
    first = written(tmp_path, f'tenant = "a"\netag = "1"\n{GOOD}', "first.toml")
    other = written(tmp_path, GOOD.replace('"corridor"', '"other"', 1), "other.toml")
    (file,) = read_layers([first], tenant="b", etag="2")
    assert (file.layer.tenant, file.layer.etag) == ("tenants/b", "2")
    assert [each.layer.tenant for each in read_layers([first, other])] == ["tenants/a", ""]
    with pytest.raises(InvalidArgumentError, match="give each layer once"):
        read_layers([first, written(tmp_path, GOOD, "again.toml")])
    with pytest.raises(InvalidArgumentError, match="guards one layer"):
        read_layers([first, other], etag="2")
