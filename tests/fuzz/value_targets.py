"""What layers, places and licences are made of on the wire, a configuration on the unit, and what units report."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
from google.protobuf.message import DecodeError
from google.protobuf.struct_pb2 import Struct

from tests.fuzz.engine import Target
from wayside import node_config
from wayside.errors import InvalidArgumentError
from wayside.v1 import node_pb2, node_service_pb2, release_pb2, site_pb2
from wayside_manager.api import place_messages, struct_values
from wayside_manager.api.node_messages import selector, selector_message
from wayside_manager.api.places import messages as places
from wayside_manager.api.radio_licence_messages import licence_message, licence_record
from wayside_manager.api.report_messages import stored_form
from wayside_manager.core import config_checks, config_diff
from wayside_manager.core.config_schemas import ConfigSchema, own_schema
from wayside_manager.core.published_schema import checked_schema
from wayside_manager.core.variables import Template

_NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
_VARIABLES: dict[str, str | int | float | bool] = {"broker": "10.2.0.1", "period_s": 5, "is_lit": True}
_CONFIG: dict[str, Any] = {
    "report_period_s": 5,
    "manager": {"device_address": "manager.example:7443"},
    "can": {"buses": {"can0": {"database_name": "j1939.dbc", "signal_names": ["EEC1.EngineSpeed"]}}},
    "telemetry": {"broker_host": "${broker}", "password_secret": "broker", "sample_period_s": 0.5},
}


def _on_the_unit(data: bytes) -> None:
    """What the unit takes as a whole it takes piece by piece, and the other way round."""
    _, problems = node_config.lenient(data)
    try:
        node_config.decoded(data)
    except InvalidArgumentError:
        if not problems:
            raise AssertionError("refused as a whole, and no piece of it is wrong") from None
    else:
        if problems:
            raise AssertionError("taken as a whole, and a piece of it is wrong")


def _judged(data: bytes) -> None:
    """The schema that the manager checks by and the decoder of the unit agree."""
    try:
        config = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    if not isinstance(config, dict):
        return
    Template(config).filled(_VARIABLES)
    content = node_config.canonical(config)
    own = own_schema()
    is_sound_here = not config_checks.problems(msgspec.json.decode(content), ConfigSchema(own.version, own.text))
    is_sound_there = own.is_surely_sound is not None and own.is_surely_sound(content)
    if is_sound_here and not is_sound_there:
        raise AssertionError("the manager would send what the unit refuses")


def _published(data: bytes) -> None:
    """A schema that is taken in can judge a configuration and say what it knows."""
    schema = ConfigSchema("1.0.0", checked_schema(data))
    config_checks.problems(_CONFIG, schema)
    _ = schema.defaults, schema.known_names(("telemetry",)), schema.says_secret(("telemetry", "password_secret"))


def _struct(data: bytes) -> None:
    """A Struct that is taken in is told the same, and so are variables."""
    message = Struct.FromString(data)
    taken = struct_values.mapping(message, field="config")
    if struct_values.mapping(struct_values.struct(taken), field="config") != taken:
        raise AssertionError("the Struct is told otherwise than it was taken in")


def _variables(data: bytes) -> None:
    place_messages.variables_message(place_messages.variables(Struct.FromString(data), field="variables"))


def _selector(data: bytes) -> None:
    chosen = selector(node_pb2.NodeSelector.FromString(data), field="selector")
    if selector(selector_message(chosen), field="selector") != chosen:
        raise AssertionError("the selector is told otherwise than it was taken in")


def _places(data: bytes) -> None:
    """The same bytes as every kind of place: what is taken in can be told."""
    which = data[0] % 4 if data else 0
    body = data[1:]
    if which == 0:
        places.site_message(places.site_record(site_pb2.Site.FromString(body), tenant_id="root", now=_NOW))
    elif which == 1:
        corridor = site_pb2.Corridor.FromString(body)
        places.corridor_message(places.corridor_record(corridor, tenant_id="root", now=_NOW))
    elif which == 2:
        places.group_message(places.group_record(site_pb2.Group.FromString(body), tenant_id="root", now=_NOW))
    else:
        geofence = site_pb2.Geofence.FromString(body)
        places.geofence_message(places.geofence_record(geofence, tenant_id="root", now=_NOW))


def _licence(data: bytes) -> None:
    licence_message(licence_record(site_pb2.RadioLicence.FromString(data), tenant_id="root", now=_NOW))


def _path(data: bytes) -> None:
    """A path that is read is written the same."""
    path = config_diff.parsed(data.decode(errors="replace"))
    if config_diff.parsed(config_diff.shown(path)) != path:
        raise AssertionError("the path is written otherwise than it was read")


def _as_struct(values: dict[str, Any]) -> bytes:
    message = Struct()
    message.update(values)
    return message.SerializeToString()


def _selector_seeds() -> tuple[bytes, ...]:
    corners = [node_pb2.Position(latitude_degrees=20 + each % 2, longitude_degrees=110 + each) for each in range(3)]
    chosen = node_pb2.NodeSelector(
        nodes=["nodes/rsu-1"],
        kinds=[node_pb2.NODE_KIND_RSU],
        labels=[node_pb2.Label(key="road", value="G98")],
        sites=["sites/k12"],
        corridors=[node_pb2.CorridorSection(corridor="corridors/g98", begin_stake_meters=1, end_stake_meters=2)],
        groups=["groups/ring"],
        models=["roadbox 2"],
        versions=["1.0.0"],
        geofences=["geofences/town"],
        areas=[node_pb2.Area(corners=corners)],
    )
    return chosen.SerializeToString(), node_pb2.NodeSelector(all_nodes=True).SerializeToString()


def _place_seeds() -> tuple[bytes, ...]:
    site = site_pb2.Site(name="sites/k12", kind=site_pb2.SITE_KIND_TOLL, time_zone="UTC")
    site.position.latitude_degrees = 20
    site.variables.update(_VARIABLES)
    corridor = site_pb2.Corridor(name="corridors/g98", max_in_flight_percent=20)
    corridor.sites.add(site="sites/k12", stake_meters=12_300)
    group = site_pb2.Group(name="groups/ring", nodes=["nodes/rsu-1"])
    square = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}
    fence = site_pb2.Geofence(
        name="geofences/town", kind=site_pb2.Geofence.KIND_TEST_AREA, geometry_json=json.dumps(square)
    )
    fence.hours.add(weekdays=[1, 7], begin="08:00", end="02:00")
    return tuple(bytes([index]) + each.SerializeToString() for index, each in enumerate((site, corridor, group, fence)))


def _licence_seeds() -> tuple[bytes, ...]:
    licence = site_pb2.RadioLicence(
        name="radioLicences/l-1",
        number="HI-12",
        node="nodes/rsu-1",
        center_frequency_hertz=5.915e9,
        bandwidth_hertz=20e6,
        max_transmit_power_dbm=29,
    )
    licence.expire_time.FromJsonString("2126-01-01T00:00:00Z")
    return (licence.SerializeToString(),)


def _report_seeds() -> tuple[bytes, ...]:
    content = node_config.canonical(_CONFIG)
    reports = [node_service_pb2.Report(sequence=each + 1) for each in range(3)]
    reports[0].config.MergeFrom(
        node_pb2.ConfigReport(
            running_revision=2,
            revision=3,
            outcome=node_pb2.ConfigReport.OUTCOME_REVERTED,
            trial="node-3",
            message="the link did not come back",
            running_config=content,
        )
    )
    reports[1].health.MergeFrom(node_pb2.HealthReport(config_revision=2, config_sha256="a" * 64, model="roadbox 2"))
    reports[1].health.report_period.seconds = 30
    reports[2].update.release = "releases/1.0.0"
    reports[2].update.phase = release_pb2.UpdateReport.PHASE_COMMITTED
    for each in reports:
        each.record_time.FromJsonString("2026-11-22T10:00:00Z")
    return tuple(each.SerializeToString() for each in reports)


_JSON_WORDS = (b"null", b"true", b"[]", b"{}", b'"', b"1e999", b"-1", b"NaN", b"[" * 500, b'"\\ud800"', b"${", b"$${")
_STRUCT_WORDS = (b"\x11\x00\x00\x00\x00\x00\x00\xf8\x7f", b"\x2a\x02\x08\x00", b"\x32\x00", b"\x12\x00", b"\x08\x00")
TARGETS = (
    Target("configuration on the unit", _on_the_unit, lambda: (json.dumps(_CONFIG).encode(), b"{}"), words=_JSON_WORDS),
    Target("configuration against the schema", _judged, lambda: (json.dumps(_CONFIG).encode(),), words=_JSON_WORDS),
    Target(
        "configuration against a published schema",
        _published,
        lambda: (json.dumps(node_config.schema()).encode(),),
        words=(
            b'"$ref":',
            b'"#/$defs/',
            b'"type":',
            b'"object"',
            b'"enum":[',
            b'"additionalProperties":',
            *_JSON_WORDS,
        ),
    ),
    Target(
        "Struct",
        _struct,
        lambda: (_as_struct(_CONFIG | {"none": None, "list": [1, 2.5, True, {"a": "b"}]}),),
        (DecodeError,),
        words=_STRUCT_WORDS,
    ),
    Target("variables", _variables, lambda: (_as_struct(_VARIABLES),), (DecodeError,), words=_STRUCT_WORDS),
    Target("selector", _selector, _selector_seeds, (DecodeError,)),
    Target("places on the wire", _places, _place_seeds, (DecodeError,), words=_STRUCT_WORDS),
    Target("radio licence", _licence, _licence_seeds, (DecodeError,)),
    Target("path of a value", _path, lambda: (b'can.buses."a.b".signal_names', b"report_period_s"), words=(b'"', b".")),
    Target(
        "report of a unit",
        lambda data: stored_form(node_service_pb2.Report.FromString(data)),
        _report_seeds,
        (DecodeError,),
        words=(b"{}", b"null"),
    ),
)
