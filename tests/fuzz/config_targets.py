"""Layers on the wire, and the files that operators are sent by others: layers, plans, places, licences."""

import atexit
import functools
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from google.protobuf.message import DecodeError

from tests.fuzz.engine import Target
from wayside.v1 import config_service_pb2, node_pb2, site_pb2
from wayside_manager.api import struct_values
from wayside_manager.api.config_messages import layer_message, layer_record
from wayside_manager.cli.layer_file import read_layer
from wayside_manager.cli.licence_file import read_licences
from wayside_manager.cli.place_file import read_places
from wayside_manager.cli.plan_file import read_plan

_NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
_TOML = b"""\
name = "corridor"
priority = 20
unset = ["telemetry.username"]
[selector]
kinds = ["rsu"]
labels = {road = "G98"}
corridors = ["g98 K12..K15+500", {corridor = "g4", from = 12000, to = "K15"}]
areas = [[[20, 110], [21, 110], [21, 111]]]
[config]
report_period_s = 10
[config.can.buses.can0]
signal_names = ["EEC1.EngineSpeed"]
"""
_JSON = b'{"name":"a","priority":1,"selector":{"nodes":["x"]},"config":{"telemetry":{"username":null,"x":[1,2.5]}}}'
_CSV = b"""\
licence,number,node,center_mhz,bandwidth_mhz,max_power_dbm,expires,tenant
l-k12,HI-2026-0012,rsu-k12,5915,20,29,2027-12-31,haikou
l-k13,HI-2026-0013,rsu-k13,5915,20,29,2027-12-31T10:00:00+08:00,
"""
_ROWS = b"""[{"licence":"l","number":"n","node":"x","center_mhz":5915,"bandwidth_mhz":20,"max_power_dbm":29.5,
"expires":"2027-12-31"}]"""


_PLAN = b"""\
max_failure_percent = 5
deadline = "7d"
node_timeout = 600
windows = ["mon-fri 01:00-04:00", {weekdays = [1, 7], begin = "22:00", duration = "2h"}]
time_zone = "Asia/Shanghai"
waves = ["1", "10%", "rest", {count = 2, observation = "1h"}, {members = {sites = ["k12"], labels = {ring = "wide"}}}]
"""
_PLAN_JSON = b'{"waves":[{"percent":12.5,"min_success_percent":90},"rest"],"windows":["01:00-04:00"],"deadline":3600}'
_SITES = b"""\
[[sites]]
name = "k12"
kind = "toll"
position = {latitude = 20.02, longitude = 110.35}
variables = {broker = "10.2.0.1", is_lit = true, lanes = 4}
"""
_CORRIDOR = (
    b'{"name":"g98","sites":[{"site":"k12","stake":"K12+300"},{"site":"k15","stake_meters":15000}],"is_ring":true}'
)
_FENCE = b"""\
name = "town"
kind = "test-area"
hours = [{weekdays = [1, 7], begin = "08:00", end = "02:00"}]
geometry = {type = "Polygon", coordinates = [[[0, 0], [1, 0], [1, 1], [0, 0]]]}
"""


@functools.cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _in_file(name: str, read: Callable[[Path], object]) -> Callable[[bytes], None]:
    def parse(data: bytes) -> None:
        path = _folder() / name
        path.write_bytes(data)
        read(path)

    return parse


def _layer() -> config_service_pb2.ConfigLayer:
    layer = config_service_pb2.ConfigLayer(
        name="configLayers/base",
        priority=10,
        selector=node_pb2.NodeSelector(
            kinds=[node_pb2.NODE_KIND_RSU],
            labels=[node_pb2.Label(key="road", value="G98")],
            corridors=[node_pb2.CorridorSection(corridor="corridors/g98", begin_stake_meters=12_000)],
            areas=[
                node_pb2.Area(corners=[node_pb2.Position(latitude_degrees=20 + each) for each in range(3)]),
            ],
        ),
    )
    layer.config.update({"report_period_s": 5, "can": {"buses": {"can0": {"signal_names": ["A.B"]}}}, "x": None})
    return layer


def _taken_in(data: bytes) -> None:
    """A layer that is taken in can be told again, and is then the same."""
    record = layer_record(config_service_pb2.ConfigLayer.FromString(data), tenant_id="root", now=_NOW)
    told = layer_message(record)
    if struct_values.mapping(told.config, field="config") != record.config:
        raise AssertionError("the layer is told otherwise than it was taken in")


_sites = functools.partial(read_places, collection="sites", kind=site_pb2.Site)
_corridors = functools.partial(read_places, collection="corridors", kind=site_pb2.Corridor)
_geofences = functools.partial(read_places, collection="geofences", kind=site_pb2.Geofence)
_WORDS = (b"null", b"true", b"[]", b"{}", b'"', b"1e999", b"-1", b"NaN", b"Infinity", b"[" * 500, b"{" * 500)
TARGETS = (
    Target(
        "configuration layer",
        _taken_in,
        lambda: (_layer().SerializeToString(),),
        (DecodeError,),
        words=(b"\x1a\x00", b"\x2a\x02\x08\x00", b"\x11\x00\x00\x00\x00\x00\x00\xf8\x7f", b"\x32\x00"),
    ),
    Target(
        "layer file, TOML",
        _in_file("layer.toml", read_layer),
        lambda: (_TOML,),
        words=(b"nan", b"[[selector]]", b"[config", b"'''", b"unset = []\n", b"K12+", b"..", b"2026-01-01", *_WORDS),
    ),
    Target("layer file, JSON", _in_file("layer.json", read_layer), lambda: (_JSON,), words=_WORDS),
    Target(
        "licence file, CSV",
        _in_file("licences.csv", read_licences),
        lambda: (_CSV,),
        words=(b'"', b"\r", b"\x00", b",", b"9999-12-31", b"0001-01-01", b"nan", b"inf", b"\xef\xbb\xbf"),
    ),
    Target("plan file, TOML", _in_file("plan.toml", read_plan), lambda: (_PLAN,), words=(b"7d", b"%", b"-", *_WORDS)),
    Target("plan file, JSON", _in_file("plan.json", read_plan), lambda: (_PLAN_JSON,), words=_WORDS),
    Target(
        "sites file", _in_file("sites.toml", _sites), lambda: (_SITES,), words=(b"[[sites]]", b"2026-01-01", *_WORDS)
    ),
    Target("corridors file", _in_file("corridors.json", _corridors), lambda: (_CORRIDOR,), words=(b"K12+", *_WORDS)),
    Target(
        "geofences file", _in_file("geofences.toml", _geofences), lambda: (_FENCE,), words=(b"[[geofences]]", *_WORDS)
    ),
    Target("licence file, JSON", _in_file("licences.json", read_licences), lambda: (_ROWS,), words=_WORDS),
)
