"""Health as units send it: live, stored and shown again, and values of roadside units' management objects."""

from datetime import UTC, datetime

import msgspec
from google.protobuf.message import DecodeError

from tests.fuzz.engine import Target
from wayside.v1 import health_pb2, node_pb2, node_service_pb2
from wayside_manager.api.health_views import health_message
from wayside_manager.api.history_samples import sample_of
from wayside_manager.api.report_messages import live_form
from wayside_manager.core.history import folded, merged
from wayside_manager.core.node_health import HealthState
from wayside_manager.core.rsu_object import Tree
from wayside_manager.core.rsu_objects import RSU_OBJECTS, judged
from wayside_manager.ports.health import HealthRecord, RawHealth

_NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def _shown(data: bytes) -> None:
    record = HealthRecord("rsu-1", data, HealthState.OK, _NOW, _NOW, _NOW, 30.0, None, "")
    health_message(record, _NOW).SerializeToString()


def _folded(data: bytes) -> None:
    sample = sample_of(RawHealth("rsu-1", _NOW, _NOW, 4, data))
    if sample is not None:
        added, _ = folded(None, [sample, sample])
        for (step_s, _), row in added.items():
            merged(row, row, step_s=step_s)


def _judged(data: bytes) -> None:
    values = msgspec.json.decode(data)
    if isinstance(values, dict):
        for tree in Tree:
            judged(values, tree)


def _report() -> node_pb2.HealthReport:
    report = node_pb2.HealthReport(agent_version="1.0.0", shed_loads=["telemetry"])
    report.report_period.seconds = 30
    check = report.checks.add(name="gnss.fix", state=health_pb2.HEALTH_STATE_FAILED, reason="no fix", value=1.5)
    check.since_time.FromJsonString("2026-11-22T10:00:00Z")
    report.checks.add(name="host.cpu", state=health_pb2.HEALTH_STATE_OK)
    report.host.temperature_celsius = 41.5
    report.uplink.acknowledge_seconds = 0.1
    report.software.start_count = 3
    report.autonomy.node_certificate_expire_time.FromJsonString("2026-12-22T10:00:00Z")
    return report


def _bodies() -> tuple[bytes, ...]:
    return (_report().SerializeToString(), b"")


def _live_seeds() -> tuple[bytes, ...]:
    return (node_service_pb2.Report(health=_report()).SerializeToString(),)


def _value_seeds() -> tuple[bytes, ...]:
    return (msgspec.json.encode({row.key: 1 for row in RSU_OBJECTS}), b'{"tits0117/errList":[11,52]}')


TARGETS = (
    Target(
        "live report of a unit",
        lambda data: live_form(node_service_pb2.Report.FromString(data)),
        _live_seeds,
        (DecodeError,),
    ),
    Target("health that is stored, shown", _shown, _bodies),
    Target("health that is stored, folded", _folded, _bodies),
    Target(
        "management objects of a roadside unit",
        _judged,
        _value_seeds,
        (msgspec.DecodeError, UnicodeDecodeError, RecursionError),
        words=(b"180.0000001", b"null", b"true", b"1e999", b"[]", b"-1"),
    ),
)
