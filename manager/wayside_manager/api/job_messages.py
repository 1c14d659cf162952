"""Jobs between records and messages, and the checks of what operators ask for.

Usage: `job_work(request.spec)`; `job_message(record, artifacts)` back. Bounds are in `core.job_bounds`.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct

from wayside.errors import InvalidArgumentError
from wayside.names import job_name, node_name, rollout_name, tenant_name
from wayside.v1 import job_pb2, node_service_pb2
from wayside_manager.api.enum_words import enum_word
from wayside_manager.api.node_messages import timestamp
from wayside_manager.api.rollout_messages import duration
from wayside_manager.api.struct_values import fits, struct
from wayside_manager.core.job_bounds import (
    bounded,
    checked_content,
    checked_host,
    checked_level,
    checked_path,
    checked_word,
)
from wayside_manager.core.jobs import JobArtifact, JobKind, JobRecord, JobState, JobWork

_SHOWN_STATES = {JobState.TOLD: JobState.QUEUED}
"""What the node was told is no state to operators: only its word counts."""


def job_work(message: job_pb2.JobSpec) -> JobWork:
    """Work from the wire, defaults filled in.

    Raises: InvalidArgumentError: no work, or a value is malformed or out of range; it names the field and the range.
    """
    name = message.WhichOneof("work")
    if name is None:
        raise InvalidArgumentError("spec.work: say what to do, such as a reboot", reason="JOB_INVALID")
    spec = job_pb2.JobSpec()
    spec.CopyFrom(message)
    spec.DiscardUnknownFields()
    for field in ("ttl", "timeout"):
        _fill_span(spec, field, field)
    for field in ("artifact_max_bytes", "upload_max_bytes_per_second"):
        _fill_number(spec, field, field)
    check = _CHECKS.get(name)
    if check is not None:
        check(getattr(spec, name), name)
    return JobWork(
        kind=JobKind(name),
        spec=spec.SerializeToString(deterministic=True),
        ttl_s=_seconds(spec.ttl),
        timeout_s=_seconds(spec.timeout),
        artifact_max_bytes=spec.artifact_max_bytes,
    )


def job_spec(work: JobWork) -> job_pb2.JobSpec:
    """Work on the wire."""
    return job_pb2.JobSpec.FromString(work.spec)


def job_message(job: JobRecord, artifacts: Sequence[JobArtifact] = ()) -> job_pb2.Job:
    """A job as operators see it."""
    message = job_pb2.Job(
        name=job_name(job.job_id),
        node=node_name(job.node_id),
        spec=job_spec(job.work),
        state=_state_value(job.state),
        progress_percent=job.progress_percent,
        message=job.message,
        artifacts=map(_artifact_message, artifacts),
        create_time=timestamp(job.create_time),
        expire_time=timestamp(job.expire_time),
        requester=job.requester,
        note=job.note,
        rollout=rollout_name(job.rollout_id) if job.rollout_id else "",
        is_cancelling=job.is_cancelling and job.is_open,
        late_report=job.late_report,
        tenant=tenant_name(job.tenant_id),
        etag=job.etag,
    )
    if job.result_json:
        message.result.CopyFrom(_result(job.result_json))
    if job.begin_time is not None:
        message.begin_time.CopyFrom(timestamp(job.begin_time))
    if job.end_time is not None:
        message.end_time.CopyFrom(timestamp(job.end_time))
    return message


def job_targets(jobs: Iterable[JobRecord]) -> list[node_service_pb2.JobTarget]:
    """Jobs as their node is told them."""
    return [
        node_service_pb2.JobTarget(
            job=job_name(job.job_id),
            spec=job_spec(job.work),
            expire_time=timestamp(job.expire_time),
            is_cancelled=job.is_cancelling,
        )
        for job in jobs
    ]


def job_states(values: Iterable[int]) -> frozenset[JobState]:
    """States to list, from the wire.

    Raises: InvalidArgumentError: one is not set or not known.
    """
    descriptor = job_pb2.Job.State.DESCRIPTOR
    found = {JobState[enum_word(descriptor, value, field="states", prefix="STATE_")] for value in values}
    return frozenset(found | {told for told, shown in _SHOWN_STATES.items() if shown in found})


def _state_value(state: JobState) -> job_pb2.Job.State.ValueType:
    return job_pb2.Job.State.Value(f"STATE_{_SHOWN_STATES.get(state, state).name}")


def _artifact_message(artifact: JobArtifact) -> job_pb2.JobArtifact:
    return job_pb2.JobArtifact(
        file=artifact.file,
        size_bytes=artifact.size_bytes,
        sha256=artifact.sha256,
        received_bytes=artifact.received_bytes,
    )


def _result(content: bytes) -> Struct:
    """What came of a job; what no Struct can hold is shown as the text it is."""
    found = msgspec.json.decode(content)
    return struct(found if fits(found) else {"text": content.decode(errors="replace")})


def _seconds(span: Duration) -> float:
    return span.seconds + span.nanos / 1e9


def _fill_span(message: Any, name: str, path: str) -> None:  # noqa: ANN401  # any message with the field
    getattr(message, name).CopyFrom(duration(bounded(path, _seconds(getattr(message, name)))))


def _fill_number(message: Any, name: str, path: str) -> None:  # noqa: ANN401  # any message with the field
    setattr(message, name, int(bounded(path, getattr(message, name))))


def _spans(*names: str) -> Callable[[Any, str], None]:
    def check(message: Any, kind: str) -> None:  # noqa: ANN401  # any message with the fields
        for name in names:
            _fill_span(message, name, f"{kind}.{name}")

    return check


def _restart_service(message: job_pb2.RestartServiceJob, kind: str) -> None:
    checked_word(f"{kind}.service", message.service, may_be_empty=True)


def _packet_capture(message: job_pb2.PacketCaptureJob, kind: str) -> None:
    checked_word(f"{kind}.interface", message.interface)
    _fill_span(message, "duration", f"{kind}.duration")
    for name in ("snap_bytes", "max_packets", "port"):
        _fill_number(message, name, f"{kind}.{name}")


def _diagnostic(message: job_pb2.DiagnosticJob, kind: str) -> None:
    checked_word(f"{kind}.diagnostic", message.diagnostic)


def _log_level(message: job_pb2.LogLevelJob, kind: str) -> None:
    checked_level(f"{kind}.level", message.level)
    _fill_span(message, "duration", f"{kind}.duration")


def _network_probe(message: job_pb2.NetworkProbeJob, kind: str) -> None:
    checked_host(f"{kind}.host", message.host)
    message.method = message.method or job_pb2.NetworkProbeJob.METHOD_PING
    enum_word(job_pb2.NetworkProbeJob.Method.DESCRIPTOR, message.method, field=f"spec.{kind}.method", prefix="METHOD_")
    _fill_number(message, "count", f"{kind}.count")


def _file_pull(message: job_pb2.FilePullJob, kind: str) -> None:
    checked_path(f"{kind}.path", message.path)


def _file_push(message: job_pb2.FilePushJob, kind: str) -> None:
    checked_path(f"{kind}.path", message.path)
    checked_content(f"{kind}.content", message.content)


def _can_snapshot(message: job_pb2.CanSnapshotJob, kind: str) -> None:
    checked_word(f"{kind}.bus", message.bus, may_be_empty=True)
    _fill_span(message, "duration", f"{kind}.duration")


_CHECKS: dict[str, Callable[[Any, str], None]] = {
    "restart_service": _restart_service,
    "debug_bundle": _spans("log_age"),
    "packet_capture": _packet_capture,
    "diagnostic": _diagnostic,
    "log_level": _log_level,
    "network_probe": _network_probe,
    "file_pull": _file_pull,
    "file_push": _file_push,
    "gnss_snapshot": _spans("duration"),
    "can_snapshot": _can_snapshot,
    "shell": _spans("duration"),
}
