"""Health as operators see it: from records to messages.

Usage: `health_message(record, now)`.
"""

from datetime import datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError

from wayside.names import node_name
from wayside.v1 import health_pb2, node_pb2
from wayside_manager.api.health_messages import check_facts, printable
from wayside_manager.api.node_messages import timestamp
from wayside_manager.core.availability import GroupAvailability
from wayside_manager.core.history import HistoryRow
from wayside_manager.core.node_health import PRESENCE_CHECK, CheckFacts, HealthState, is_silent, overall, worst_first
from wayside_manager.core.presence import lost_limit_s, presence
from wayside_manager.ports.health import HealthRecord

_LOADS_MAX = 32
_LOAD_MAX_CHARS = 80


def health_message(record: HealthRecord, now: datetime) -> health_pb2.NodeHealth:
    """The health of a node as of now.

    What it said last stays to be seen when it is not heard from, but decides no more.
    """
    report = _report(record.body)
    checks = check_facts(report.checks)
    present = presence(now, record.last_report_time, report_period_s=record.report_period_s)
    judgement = overall(checks, present)
    message = health_pb2.NodeHealth(
        node=node_name(record.node_id),
        state=_state(judgement.state),
        cause=judgement.cause,
        reason=judgement.reason,
        checks=[_check_message(check) for check in worst_first(checks)],
        check_count=len(checks),
        shed_loads=[printable(load, max_chars=_LOAD_MAX_CHARS) for load in report.shed_loads[:_LOADS_MAX]],
        autonomy_limit=record.autonomy_limit,
    )
    since = _silent_since(record) if is_silent(present) else record.since_time
    if since is not None:
        message.since_time.CopyFrom(timestamp(since))
    if judgement.cause == PRESENCE_CHECK:
        silent = CheckFacts(PRESENCE_CHECK, judgement.state, judgement.reason, since)
        message.checks.insert(0, _check_message(silent))
    if record.autonomy_end_time is not None:
        message.autonomy.FromTimedelta(record.autonomy_end_time - now)
    return message


def _report(body: bytes) -> node_pb2.HealthReport:
    try:
        return node_pb2.HealthReport.FromString(body)
    except DecodeError:
        return node_pb2.HealthReport()  # nobody knows how it is; the others are shown all the same


def _silent_since(record: HealthRecord) -> datetime:
    if record.last_report_time is None:
        return record.create_time
    return record.last_report_time + timedelta(seconds=lost_limit_s(record.report_period_s))


def _check_message(check: CheckFacts) -> health_pb2.HealthCheck:
    message = health_pb2.HealthCheck(
        name=check.name, state=_state(check.state), reason=check.reason, value=check.value, unit=check.unit
    )
    if check.since_time is not None:
        message.since_time.CopyFrom(timestamp(check.since_time))
    return message


def _state(state: HealthState) -> health_pb2.HealthState.ValueType:
    return health_pb2.HealthState.Value(f"HEALTH_STATE_{state.name}")


def sample_message(begin: datetime, row: HistoryRow) -> health_pb2.HealthSample:
    """One minute or hour of a node."""
    return health_pb2.HealthSample(
        begin_time=timestamp(begin),
        heard=_of_us(row.heard_us),
        ok=_of_us(row.ok_us),
        degraded=_of_us(row.degraded_us),
        failed=_of_us(row.failed_us),
        report_count=row.report_count,
        quantities=[
            health_pb2.HealthQuantity(name=name, min=one.low, mean=one.mean, max=one.high, count=one.count)
            for name, one in sorted(row.quantities.items())
        ],
    )


def availability_message(group: GroupAvailability) -> health_pb2.Availability:
    """How available a group was."""
    return health_pb2.Availability(
        group=group.group,
        node_count=group.node_count,
        service=_duration(group.service),
        available=_duration(group.available),
        availability_ratio=group.ratio,
        failure_count=group.failure_count,
        mtbf=None if group.mtbf is None else _duration(group.mtbf),
        mttr=None if group.mttr is None else _duration(group.mttr),
    )


def _duration(length: timedelta) -> Duration:
    message = Duration()
    message.FromTimedelta(length)
    return message


def _of_us(length_us: int) -> Duration:
    return Duration(seconds=length_us // 1_000_000, nanos=length_us % 1_000_000 * 1000)
