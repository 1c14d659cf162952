"""Alarms and their policy between the wire and the core."""

import math
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration

from wayside.errors import InvalidArgumentError
from wayside.names import alarm_name, node_name, site_name, tenant_name
from wayside.v1 import alarm_pb2, alarm_service_pb2
from wayside_manager.api.node_messages import timestamp
from wayside_manager.core.alarm_rules import AlarmRule, is_known
from wayside_manager.core.alarms import SHELVE_MAX, AlarmPolicy, AlarmRecord
from wayside_manager.core.events import Severity
from wayside_manager.ports.alarms import AlarmQuestion, Restored

RULES_MAX = 200
KIND_MAX_CHARS = 80
NOTE_MAX_CHARS = 500
HOLD_MAX = timedelta(days=1)
ESCALATE_MAX = timedelta(days=30)
WINDOW_MIN, WINDOW_MAX = timedelta(seconds=10), timedelta(hours=1)
COUNT_MIN, COUNT_MAX = 2, 10_000
RATE_MIN, RATE_MAX = 1.0, 100_000.0
PERCENT_MAX = 100.0
_DEFAULTS = AlarmPolicy()


def alarm_message(alarm: AlarmRecord) -> alarm_pb2.Alarm:
    """An alarm as operators see it."""
    return alarm_pb2.Alarm(
        name=alarm_name(alarm.alarm_id),
        kind=alarm.kind,
        subject=alarm.subject,
        tenant=tenant_name(alarm.tenant_id),
        severity=_severity_value(alarm.severity),
        state=alarm_pb2.Alarm.State.Value(f"STATE_{alarm.state.name}"),
        message=alarm.message,
        begin_time=timestamp(alarm.begin_time),
        raise_time=timestamp(alarm.raise_time),
        clear_time=timestamp(alarm.clear_time) if alarm.clear_time else None,
        occurrence_count=alarm.occurrence_count,
        acknowledger=alarm.acknowledger,
        acknowledge_time=timestamp(alarm.acknowledge_time) if alarm.acknowledge_time else None,
        note=alarm.note,
        shelve_end_time=timestamp(alarm.shelve_end) if alarm.shelve_end else None,
        escalation_level=alarm.escalation_level,
        parent=alarm_name(alarm.parent_id) if alarm.parent_id else "",
        member_count=alarm.member_count,
        recovered_count=alarm.recovered_count,
        is_storm=alarm.is_storm,
        site=site_name(alarm.site_id) if alarm.site_id else "",
        etag=alarm.etag,
    )


def report_message(alarm: AlarmRecord, members: tuple[Restored, ...]) -> alarm_pb2.RestoreReport:
    """Who came back when, and who did not: the missing first."""
    message = alarm_pb2.RestoreReport(alarm=alarm_message(alarm))
    for each in members:
        member = message.members.add(
            node=node_name(each.member.node_id),
            site=site_name(each.member.site_id) if each.member.site_id else "",
            lost_time=timestamp(each.member.lost_time),
            backfilled_count=each.backfilled_count,
            lost_report_count=each.lost_report_count,
        )
        if each.member.return_time is not None:
            member.return_time.CopyFrom(timestamp(each.member.return_time))
    returns = sorted(each.member.return_time for each in members if each.member.return_time is not None)
    half = (len(members) + 1) // 2
    if members and len(returns) >= half:
        message.half_restored_after.FromTimedelta(max(timedelta(), returns[half - 1] - alarm.begin_time))
    if members and len(returns) == len(members):
        message.restored_after.FromTimedelta(max(timedelta(), returns[-1] - alarm.begin_time))
    return message


def question_of(request: alarm_service_pb2.ListAlarmsRequest, parent_id: str) -> AlarmQuestion:
    """Which alarms somebody asks for."""
    return AlarmQuestion(
        shows_cleared=request.show_cleared,
        shows_shelved=request.show_shelved,
        shows_members=request.show_members,
        min_severity=_severity(request.min_severity, field="min_severity") or Severity.INFO,
        subject=request.subject,
        parent_id=parent_id,
    )


def policy_message(policy: AlarmPolicy) -> alarm_pb2.AlarmPolicy:
    """The policy as operators see it."""
    return alarm_pb2.AlarmPolicy(
        rules=[_rule_message(kind, rule) for kind, rule in sorted(policy.rules.items())],
        storm_percent=policy.storm_percent,
        storm_min_count=policy.storm_min_count,
        storm_window=_duration(policy.storm_window),
        escalate_after=_duration(policy.escalate_after),
        reconnects_per_second=policy.reconnects_per_s,
        etag=policy.etag,
    )


def policy_record(message: alarm_pb2.AlarmPolicy) -> AlarmPolicy:
    """A policy from the wire; what it does not give takes its default.

    Raises: InvalidArgumentError: naming the field.
    """
    if len(message.rules) > RULES_MAX:
        raise InvalidArgumentError(f"policy.rules: {len(message.rules)} are more than {RULES_MAX}; use `*` for many")
    rules: dict[str, AlarmRule] = {}
    for place, rule in enumerate(message.rules):
        kind, field = rule.kind, f"policy.rules[{place}]"
        if not kind or len(kind) > KIND_MAX_CHARS or not (kind == "*" or is_known(kind)):
            raise InvalidArgumentError(
                f"{field}.kind: {kind[:KIND_MAX_CHARS]!r} is no kind of alarm; docs/alarms.md lists them",
                reason="ALARM_KIND_UNKNOWN",
            )
        if kind in rules:
            raise InvalidArgumentError(f"{field}.kind: {kind!r} has two rules; give one")
        rules[kind] = _rule(rule, field)
    return AlarmPolicy(
        rules=rules,
        storm_percent=_number(message.storm_percent, "storm_percent", 0.0, PERCENT_MAX) or _DEFAULTS.storm_percent,
        storm_min_count=int(_number(message.storm_min_count, "storm_min_count", COUNT_MIN, COUNT_MAX))
        or _DEFAULTS.storm_min_count,
        storm_window=_given(message, "storm_window", WINDOW_MIN, WINDOW_MAX) or _DEFAULTS.storm_window,
        escalate_after=_or_default(_given(message, "escalate_after", timedelta(), ESCALATE_MAX)),
        reconnects_per_s=_number(message.reconnects_per_second, "reconnects_per_second", RATE_MIN, RATE_MAX)
        or _DEFAULTS.reconnects_per_s,
    )


def note_of(text: str) -> str:
    """What a person says.

    Raises: InvalidArgumentError: it is too long, or not printable.
    """
    if len(text) > NOTE_MAX_CHARS or not all(char.isprintable() or char == "\n" for char in text):
        raise InvalidArgumentError(f"note: give at most {NOTE_MAX_CHARS} printable characters")
    return text


def shelving(message: alarm_service_pb2.ShelveAlarmRequest) -> timedelta:
    """How long to shelve.

    Raises: InvalidArgumentError: it is not between 0 and 30 d.
    """
    if not message.HasField("duration"):
        return timedelta()
    return _bounded(message.duration, "duration", timedelta(), SHELVE_MAX)


def _or_default(given: timedelta | None) -> timedelta:
    return _DEFAULTS.escalate_after if given is None else given


def _rule_message(kind: str, rule: AlarmRule) -> alarm_pb2.AlarmRule:
    return alarm_pb2.AlarmRule(
        kind=kind,
        failed_severity=_severity_value(rule.failed),
        degraded_severity=_severity_value(rule.degraded),
        raise_after=None if rule.raise_after is None else _duration(rule.raise_after),
        clear_after=None if rule.clear_after is None else _duration(rule.clear_after),
        is_silenced=rule.is_silenced,
    )


def _rule(message: alarm_pb2.AlarmRule, field: str) -> AlarmRule:
    def hold(name: str, duration: Duration) -> timedelta | None:
        return _bounded(duration, f"{field}.{name}", timedelta(), HOLD_MAX) if message.HasField(name) else None  # type: ignore[arg-type]  # both names are fields

    return AlarmRule(
        _severity(message.failed_severity, field=f"{field}.failed_severity"),
        _severity(message.degraded_severity, field=f"{field}.degraded_severity"),
        hold("raise_after", message.raise_after),
        hold("clear_after", message.clear_after),
        message.is_silenced,
    )


def _given(message: alarm_pb2.AlarmPolicy, name: str, least: timedelta, most: timedelta) -> timedelta | None:
    if not message.HasField(name):  # type: ignore[arg-type]  # both names are fields
        return None
    return _bounded(getattr(message, name), f"policy.{name}", least, most)


def _bounded(duration: Duration, field: str, least: timedelta, most: timedelta) -> timedelta:
    try:
        found = duration.ToTimedelta()
    except (ValueError, OverflowError):
        found = timedelta(-1)
    if not least <= found <= most:
        raise InvalidArgumentError(f"{field}: give {least.total_seconds():g} s to {most.total_seconds():g} s")
    return found


def _number(value: float, field: str, least: float, most: float) -> float:
    """The value; 0: the default."""
    if value and not (math.isfinite(value) and least <= value <= most):
        raise InvalidArgumentError(f"policy.{field}: {value:g} is not between {least:g} and {most:g}")
    return value


def _severity(value: int, *, field: str) -> Severity | None:
    if not value:
        return None
    try:
        return Severity(value)
    except ValueError:
        raise InvalidArgumentError(f"{field}: {value} is no severity; use INFO to CRITICAL") from None


def _severity_value(severity: Severity | None) -> alarm_pb2.Severity.ValueType:
    return alarm_pb2.SEVERITY_UNSPECIFIED if severity is None else alarm_pb2.Severity.Value(f"SEVERITY_{severity.name}")


def _duration(delta: timedelta) -> Duration:
    message = Duration()
    message.FromTimedelta(delta)
    return message
