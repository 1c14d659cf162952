"""What a job asks for, checked: a specification of the manager as work of `core/job_work.py`, and its bounds.

Imported when the first job begins. Usage: `work_of(spec)`, `timeout_s(spec)`, `max_bytes(spec)`.
"""

from collections.abc import Callable

from google.protobuf.duration_pb2 import Duration

from wayside.errors import InvalidArgumentError
from wayside.v1 import job_pb2
from wayside_agent.core import job_work
from wayside_agent.core.job import Kind, RefusedError
from wayside_agent.core.stamps import NANOSECONDS_PER_SECOND

MEBIBYTE = 1024 * 1024
DAY_S = 86_400.0
DEFAULT_TIMEOUT_S = 600.0
DEFAULT_ARTIFACT_BYTES, MAX_ARTIFACT_BYTES = 64 * MEBIBYTE, 1024 * MEBIBYTE
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


def timeout_s(spec: job_pb2.JobSpec) -> float:
    """How long the work may take."""
    return _seconds(spec, "timeout", DEFAULT_TIMEOUT_S, 1.0, DAY_S)


def max_bytes(spec: job_pb2.JobSpec) -> int:
    """Bytes of artifacts at most."""
    if not spec.artifact_max_bytes:
        return DEFAULT_ARTIFACT_BYTES
    return _within("artifact_max_bytes", spec.artifact_max_bytes, 1, MAX_ARTIFACT_BYTES)


def work_of(spec: job_pb2.JobSpec) -> job_work.Work:
    """The work a specification asks for.

    Raises: RefusedError: this agent does not know it. InvalidArgumentError: a value is out of range.
    """
    chosen = spec.WhichOneof("work")
    if chosen is None:
        raise RefusedError("this agent does not know such work; update the unit")
    return _WORK[Kind(chosen)](spec)


def _packet_capture(spec: job_pb2.JobSpec) -> job_work.PacketCapture:
    asked = spec.packet_capture
    return job_work.PacketCapture(
        interface=asked.interface,
        duration_s=_seconds(asked, "duration", 10.0, 0.1, 600.0),
        snap_bytes=_within("snap_bytes", asked.snap_bytes or 256, 1, 65_535),
        max_packets=_within("max_packets", asked.max_packets or 10_000, 1, 1_000_000),
        port=_within("port", asked.port, 0, 65_535),
    )


def _log_level(spec: job_pb2.JobSpec) -> job_work.LogLevel:
    asked = spec.log_level
    if asked.level not in LEVELS:
        raise InvalidArgumentError(f"level: {asked.level[:20]!r} is none of {', '.join(LEVELS)}")
    return job_work.LogLevel(asked.level, _seconds(asked, "duration", 600.0, 1.0, DAY_S))


def _network_probe(spec: job_pb2.JobSpec) -> job_work.NetworkProbe:
    asked = spec.network_probe
    is_trace = asked.method == job_pb2.NetworkProbeJob.METHOD_TRACE
    return job_work.NetworkProbe(asked.host, is_trace, _within("count", asked.count or 5, 1, 100))


def _file_push(spec: job_pb2.JobSpec) -> job_work.FilePush:
    asked = spec.file_push
    _within("content", len(asked.content), 0, job_work.MAX_PUSH_BYTES)
    return job_work.FilePush(asked.path, asked.content)


def _can_snapshot(spec: job_pb2.JobSpec) -> job_work.CanSnapshot:
    asked = spec.can_snapshot
    return job_work.CanSnapshot(asked.bus, _seconds(asked, "duration", 10.0, 0.1, 300.0))


_WORK: dict[Kind, Callable[[job_pb2.JobSpec], job_work.Work]] = {
    Kind.REBOOT: lambda _: job_work.Reboot(),
    Kind.RESTART_SERVICE: lambda spec: job_work.RestartService(spec.restart_service.service),
    Kind.SELF_TEST: lambda _: job_work.SelfTest(),
    Kind.DEBUG_BUNDLE: lambda spec: job_work.DebugBundle(
        _seconds(spec.debug_bundle, "log_age", 3600.0, 1.0, 7 * DAY_S)
    ),
    Kind.PACKET_CAPTURE: _packet_capture,
    Kind.DIAGNOSTIC: lambda spec: job_work.Diagnostic(spec.diagnostic.diagnostic),
    Kind.LOG_LEVEL: _log_level,
    Kind.NETWORK_PROBE: _network_probe,
    Kind.FILE_PULL: lambda spec: job_work.FilePull(spec.file_pull.path),
    Kind.FILE_PUSH: _file_push,
    Kind.GNSS_SNAPSHOT: lambda spec: job_work.GnssSnapshot(_seconds(spec.gnss_snapshot, "duration", 10.0, 0.1, 300.0)),
    Kind.CAN_SNAPSHOT: _can_snapshot,
    Kind.SHELL: lambda spec: job_work.Shell(_seconds(spec.shell, "duration", 600.0, 1.0, 7200.0)),
}


def _seconds(message: object, field: str, default_s: float, low_s: float, high_s: float) -> float:
    duration: Duration = getattr(message, field)
    value_s = (duration.seconds + duration.nanos / NANOSECONDS_PER_SECOND) or default_s
    if not low_s <= value_s <= high_s:
        raise InvalidArgumentError(f"{field}: {value_s:g} s is not {low_s:g} to {high_s:g} s")
    return value_s


def _within(field: str, value: int, low: int, high: int) -> int:
    if not low <= value <= high:
        raise InvalidArgumentError(f"{field}: {value} is not {low} to {high}")
    return value
