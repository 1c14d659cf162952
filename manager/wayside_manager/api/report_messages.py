"""Reports of nodes: from the message to what the store writes. What is malformed is refused whole.

Usage: `stored_form(request.report)`.
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from wayside.errors import InvalidArgumentError
from wayside.names import broadcast_id, job_id, release_version, rollout_id
from wayside.v1 import broadcast_pb2, job_pb2, node_pb2, node_service_pb2, release_pb2
from wayside_manager.api.health_messages import (
    autonomy,
    check_facts,
    possible_time,
    printable,
    start_count,
    start_reason,
)
from wayside_manager.api.struct_values import fits
from wayside_manager.core.broadcasts import BroadcastFacts, ReceiptState
from wayside_manager.core.nodes import UpdatePhase
from wayside_manager.core.reports import (
    ConfigFacts,
    ConfigOutcome,
    HealthFacts,
    JobFacts,
    Report,
    UpdateFacts,
)

RESULT_MAX_BYTES = 64 * 1024  # as JobReport.result_json says
REPORT_MAX_BYTES = RESULT_MAX_BYTES + 8 * 1024  # a health report has about 300 bytes; with 100 checks about 10 KB
JOB_MESSAGE_MAX_CHARS = 500  # as JobReport.message and BroadcastReport.reason say
VERSION_MAX_CHARS = 80
PERIOD_MAX_S = 3600.0  # the bound of NodeConfig.report_period_s
TRIAL_MAX_CHARS = 80  # as ConfigTarget.trial
MESSAGE_MAX_CHARS = 1000
_HEX = frozenset("0123456789abcdef")
_SHA256_CHARS = 64


def stored_form(message: node_service_pb2.Report) -> Report:
    """A report as the store takes it.

    Raises: InvalidArgumentError: it is too large, has no sequence or no body, or a name or time is malformed.
    """
    if message.ByteSize() > REPORT_MAX_BYTES:
        raise InvalidArgumentError(
            f"report {message.sequence} has more than {REPORT_MAX_BYTES} bytes; drop it", reason="REPORT_TOO_LARGE"
        )
    if message.sequence < 1:
        raise InvalidArgumentError("report.sequence: count from 1", reason="REPORT_INVALID")
    return _form(message)


def live_form(message: node_service_pb2.Report) -> Report:
    """A live report as the store takes it: it has no sequence, and tells of health only.

    Raises: InvalidArgumentError: it is too large, has a sequence or another body, or a name or time is malformed.
    """
    if message.ByteSize() > REPORT_MAX_BYTES:
        raise InvalidArgumentError(
            f"the live report has more than {REPORT_MAX_BYTES} bytes; drop it", reason="REPORT_TOO_LARGE"
        )
    if message.sequence or message.WhichOneof("body") != "health":
        raise InvalidArgumentError("live: give health and no sequence", reason="REPORT_INVALID")
    return _form(message)


def _form(message: node_service_pb2.Report) -> Report:
    body, facts = _body_and_facts(message)
    return Report(
        sequence=message.sequence,
        record_time=_moment(message.record_time) if message.HasField("record_time") else None,
        time_quality=message.time_quality,
        body=body,
        facts=facts,
    )


def _body_and_facts(
    message: node_service_pb2.Report,
) -> tuple[bytes, HealthFacts | ConfigFacts | UpdateFacts | JobFacts | BroadcastFacts]:
    match message.WhichOneof("body"):
        case "health":
            return message.health.SerializeToString(), _health(message.health)
        case "config":
            return message.config.SerializeToString(), _config(message.config)
        case "update":
            return message.update.SerializeToString(), _update(message.update)
        case "job":
            return message.job.SerializeToString(), _job(message.job)
        case "broadcast":
            return message.broadcast.SerializeToString(), _broadcast(message.broadcast)
    raise InvalidArgumentError(
        f"report {message.sequence} has no body this manager knows; drop it", reason="REPORT_INVALID"
    )


def _health(message: node_pb2.HealthReport) -> HealthFacts:
    end_time, limit = autonomy(message.autonomy)
    return HealthFacts(
        running_release=_version(message.release, field="report.health.release"),
        running_version=_software(message.agent_version, field="report.health.agent_version"),
        running_config_revision=_revision(message.config_revision, field="report.health.config_revision"),
        report_period_s=_period_s(message.report_period),
        model=_software(message.model, field="report.health.model"),
        running_config_sha256=_sha256(message.config_sha256, field="report.health.config_sha256"),
        config_trial=_trial(message.config_trial, field="report.health.config_trial"),
        checks=check_facts(message.checks),
        autonomy_end_time=end_time,
        autonomy_limit=limit,
        start_count=start_count(message.software),
        start_reason=start_reason(message.software),
        start_time=possible_time(message.software.start_time) if message.software.HasField("start_time") else None,
    )


def _config(message: node_pb2.ConfigReport) -> ConfigFacts:
    content = message.running_config
    return ConfigFacts(
        running_config_revision=_revision(message.running_revision, field="report.config.running_revision"),
        revision=_revision(message.revision, field="report.config.revision"),
        outcome=_outcome(message.outcome),
        trial=_trial(message.trial, field="report.config.trial"),
        message=message.message[:MESSAGE_MAX_CHARS],
        running_config_sha256=hashlib.sha256(content).hexdigest() if content else "",
        running_config=content if _is_object(content, fits) else b"",
    )


def _update(message: release_pb2.UpdateReport) -> UpdateFacts:
    return UpdateFacts(
        release=_version(message.release, field="report.update.release"),
        rollout_id=rollout_id(message.rollout, field="report.update.rollout") if message.rollout else "",
        phase=_phase(message.phase),
        running_release=_version(message.running_release, field="report.update.running_release"),
        running_version=_software(message.running_version, field="report.update.running_version"),
        reason=message.reason,
        attempt=max(message.attempt, 0),
    )


def _job(message: job_pb2.JobReport) -> JobFacts:
    content = message.result_json
    return JobFacts(
        job_id=job_id(message.job, field="report.job.job"),
        state=_job_state(message.state),
        progress_percent=min(max(message.progress_percent, 0), 100),
        message=printable(message.message, max_chars=JOB_MESSAGE_MAX_CHARS),
        result_json=content if len(content) <= RESULT_MAX_BYTES and _is_object(content) else b"",
        begin_time=possible_time(message.begin_time) if message.HasField("begin_time") else None,
    )


def _broadcast(message: broadcast_pb2.BroadcastReport) -> BroadcastFacts:
    known = broadcast_pb2.BroadcastReport.State.DESCRIPTOR.values_by_number.get(message.state)
    if known is None or message.state == 0:
        raise InvalidArgumentError(
            f"report.broadcast.state: {message.state} is not set or not known", reason="REPORT_INVALID"
        )
    return BroadcastFacts(
        broadcast_id=broadcast_id(message.broadcast, field="report.broadcast.broadcast"),
        revision=_revision(message.revision, field="report.broadcast.revision"),
        state=ReceiptState(known.name.removeprefix("STATE_").lower()),
        reason=printable(message.reason, max_chars=JOB_MESSAGE_MAX_CHARS),
        time=possible_time(message.time) if message.HasField("time") else None,
    )


def _software(version: str, *, field: str) -> str:
    """The version of a program: lists show it, so it is one short line."""
    if len(version) > VERSION_MAX_CHARS or not version.isprintable():
        raise InvalidArgumentError(
            f"{field}: give at most {VERSION_MAX_CHARS} printable characters", reason="REPORT_INVALID"
        )
    return version


def _trial(name: str, *, field: str) -> str:
    if len(name) > TRIAL_MAX_CHARS or not name.isprintable():
        raise InvalidArgumentError(
            f"{field}: give at most {TRIAL_MAX_CHARS} printable characters", reason="REPORT_INVALID"
        )
    return name


def _sha256(text: str, *, field: str) -> str:
    if text and (len(text) != _SHA256_CHARS or not _HEX.issuperset(text)):
        raise InvalidArgumentError(f"{field}: give 64 lower-case hex digits", reason="REPORT_INVALID")
    return text


def _is_object(content: bytes, is_good: Callable[[object], bool] = lambda _: True) -> bool:
    """Whether it is JSON of an object, and a good one: what operators are shown when they ask what a node runs."""
    try:
        found = msgspec.json.decode(content)
        return isinstance(found, dict) and is_good(found)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return False


def _outcome(value: int) -> ConfigOutcome:
    known = node_pb2.ConfigReport.Outcome.DESCRIPTOR.values_by_number.get(value)
    if known is None:
        raise InvalidArgumentError(f"report.config.outcome: {value} is not known", reason="REPORT_INVALID")
    return ConfigOutcome.NONE if value == 0 else ConfigOutcome[known.name.removeprefix("OUTCOME_")]


def _job_state(value: int) -> str:
    known = job_pb2.Job.State.DESCRIPTOR.values_by_number.get(value)
    if known is None or value == 0:
        raise InvalidArgumentError(f"report.job.state: {value} is not set or not known", reason="REPORT_INVALID")
    return known.name.removeprefix("STATE_").lower()


def _revision(number: int, *, field: str) -> int:
    if number < 0:
        raise InvalidArgumentError(f"{field}: {number} is negative", reason="REPORT_INVALID")
    return number


def _version(name: str, *, field: str) -> str:
    return release_version(name, field=field) if name else ""


def _phase(value: int) -> UpdatePhase:
    known = release_pb2.UpdateReport.Phase.DESCRIPTOR.values_by_number.get(value)
    if known is None or value == 0:
        raise InvalidArgumentError(f"report.update.phase: {value} is not set or not known", reason="REPORT_INVALID")
    return UpdatePhase[known.name.removeprefix("PHASE_")]


def _period_s(period: Duration) -> float:
    seconds = period.seconds + period.nanos / 1e9
    if not 0 <= seconds <= PERIOD_MAX_S:
        raise InvalidArgumentError(
            f"report.health.report_period: {seconds} s is not within 0 to {PERIOD_MAX_S:.0f} s", reason="REPORT_INVALID"
        )
    return seconds


def _moment(stamp: Timestamp) -> datetime:
    try:
        return stamp.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError) as exc:
        raise InvalidArgumentError("report.record_time: out of range", reason="REPORT_INVALID") from exc
