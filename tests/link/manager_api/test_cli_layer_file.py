"""Layer files: what is wrong is named with file, line and field."""

from pathlib import Path

import pytest

from wayside.errors import InvalidArgumentError, NotFoundError
from wayside.v1 import node_pb2
from wayside_manager.cli.layer_file import read_layer

GOOD = """\
name = "corridor"
priority = 20

[selector]
kinds = ["rsu"]
labels = [{key = "road", value = "G98"}]

[config]
report_period = "10s"

[[config.can.buses]]
name = "can0"
database_name = "vehicle.dbc"
signal_names = ["EEC1.EngineSpeed"]

[config.telemetry]
broker_port = 1883
sample_period = "0.25s"
"""


def written(tmp_path: Path, text: str, name: str = "layer.toml") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def test_a_layer_file_becomes_a_layer(tmp_path: Path) -> None:
    layer = read_layer(written(tmp_path, GOOD))
    assert layer.name == "configLayers/corridor"
    assert list(layer.selector.kinds) == [node_pb2.NODE_KIND_RSU]
    assert layer.config.can.buses[0].signal_names == ["EEC1.EngineSpeed"]
    assert layer.config.telemetry.sample_period.nanos == 250_000_000


def test_a_tenant_may_be_written_by_its_id_alone(tmp_path: Path) -> None:
    assert read_layer(written(tmp_path, f'tenant = "city-a"\n{GOOD}')).tenant == "tenants/city-a"
    assert not read_layer(written(tmp_path, GOOD)).tenant


def test_json_does_as_well(tmp_path: Path) -> None:
    text = '{"name": "configLayers/a", "selector": {"nodes": ["x", "nodes/y"]}, "config": {"report_period": "5s"}}'
    layer = read_layer(written(tmp_path, text, "layer.json"))
    assert list(layer.selector.nodes) == ["nodes/x", "nodes/y"]


@pytest.mark.parametrize(
    ("old", "new", "line", "field"),
    [
        ('report_period = "10s"', 'report_period = "soon"', 9, "config.report_period"),
        ('report_period = "10s"', "report_period = 10", 9, "config.report_period"),
        ('report_period = "10s"', 'reprot_period = "10s"', 9, "config.reprot_period"),
        ("broker_port = 1883", 'broker_port = "x"', 17, "config.telemetry.broker_port"),
        ('database_name = "vehicle.dbc"', "database_name = 3", 13, "config.can.buses[0].database_name"),
        ('name = "can0"', 'nmae = "can0"', 12, "config.can.buses[0].nmae"),
        ('kinds = ["rsu"]', 'kinds = ["plane"]', 5, "selector.kinds"),
        ("[config.telemetry]", "[config.telemetrie]", 16, "config.telemetrie"),
        ("priority = 20", 'priority = "high"', 2, "priority"),
        ("priority = 20", "prio = 20", 2, "prio"),
        ("priority = 20", "priority = ", 2, "priority"),
        ("priority = 20", "tenant = 3", 2, "tenant"),
        ("[selector]", "[selector", 4, ""),
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


@pytest.mark.parametrize("value", ["30", '"500ms"', '"soon"', "true"])
def test_a_wrong_duration_says_what_one_looks_like(tmp_path: Path, value: str) -> None:
    text = f'name = "x"\n[selector]\nall_nodes = true\n[config]\nreport_period = {value}\n'
    with pytest.raises(InvalidArgumentError, match=r'give seconds as a text, such as "30s" or "0\.5s"'):
        read_layer(written(tmp_path, text))


@pytest.mark.parametrize("text", ["", "priority = 1", "name = 3", "name = 'x'\nselector = 1", "name='x'\nconfig=[1]"])
def test_files_that_are_no_layer_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidArgumentError):
        read_layer(written(tmp_path, text))


@pytest.mark.parametrize("text", ["[]", "{", '{"name": "x", "config": {"can": {"buses": [1]}}}'])
def test_json_that_is_no_layer_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidArgumentError):
        read_layer(written(tmp_path, text, "layer.json"))


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        read_layer(tmp_path / "none.toml")
