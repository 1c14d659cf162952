"""What is said of jobs: targets and specifications of the manager as checked values, outcomes as reports.

Usage: `targets(desired_state)`, `work_of(spec)`, `outcome_report(job)`.
"""

from collections.abc import Callable

from google.protobuf.duration_pb2 import Duration

from wayside.errors import InvalidArgumentError
from wayside.v1 import job_pb2
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.core import job_work
from wayside_agent.core.job import MAX_MESSAGE_CHARS, Job, Kind, Target
from wayside_agent.core.stamps import NANOSECONDS_PER_SECOND

MEBIBYTE = 1024 * 1024
DAY_S = 86_400.0
DEFAULT_TIMEOUT_S = 600.0
DEFAULT_ARTIFACT_BYTES, MAX_ARTIFACT_BYTES = 64 * MEBIBYTE, 1024 * MEBIBYTE
MAX_TARGET_COUNT = 1000
"""Jobs of one desired state that are looked at; a manager gives a node 100."""
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


def targets(state: wire.DesiredState) -> dict[str, tuple[Target, wire.JobTarget]]:
    """The jobs the manager wants, by their names and in their order; one that is named badly is passed over."""
    return {
        each.job: (_target(each), each) for each in state.jobs[:MAX_TARGET_COUNT] if job_work.JOB_NAME.match(each.job)
    }


def _target(message: wire.JobTarget) -> Target:
    chosen = message.spec.WhichOneof("work")
    return Target(
        name=message.job,
        kind=Kind(chosen) if chosen else None,
        expire_s=message.expire_time.ToNanoseconds() / NANOSECONDS_PER_SECOND,
        is_cancelled=message.is_cancelled,
    )


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
        raise job_work.RefusedError("this agent does not know such work; update the unit")
    return _WORK[Kind(chosen)](spec)


def progress_report(job: Job, percent: int = 0, message: str = "") -> wire.Report:
    """Word of a job at work."""
    return _report(job, job_pb2.Job.STATE_RUNNING, percent, message)


def outcome_report(job: Job) -> wire.Report:
    """Word of the outcome of a job that has one."""
    if job.outcome is None:
        raise InvalidArgumentError(f"{job.name}: has no outcome")
    state = job_pb2.Job.State.Value(f"STATE_{job.outcome.state}")
    report = _report(job, state, 100 if state == job_pb2.Job.STATE_SUCCEEDED else 0, job.outcome.message)
    report.job.result_json = job.outcome.result_json
    return report


def _report(job: Job, state: "job_pb2.Job.State.ValueType", percent: int, message: str) -> wire.Report:
    report = job_pb2.JobReport(
        job=job.name,
        state=state,
        progress_percent=min(100, max(0, percent)),
        # what a file name or a program brought in may be half a character, which no report can carry
        message=message[:MAX_MESSAGE_CHARS].encode(errors="replace").decode(),
    )
    if job.begin_s is not None:
        report.begin_time.FromMilliseconds(round(job.begin_s * 1000))
    return wire.Report(job=report)


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
