"""The manager's parsers of what operators say of alarms: the policy, how long to shelve, which to list."""

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError

from tests.fuzz.engine import Target
from wayside.v1 import alarm_pb2, alarm_service_pb2
from wayside_manager.api.alarm_messages import note_of, policy_message, policy_record, question_of, shelving
from wayside_manager.core.alarm_rules import RULES, rule_for


def _policies() -> tuple[bytes, ...]:
    policy = alarm_pb2.AlarmPolicy(
        storm_percent=50.0, storm_min_count=3, reconnects_per_second=100.0, etag="1", escalate_after=Duration()
    )
    policy.storm_window.seconds = 300
    rule = policy.rules.add(kind="can.*.state", failed_severity=alarm_pb2.SEVERITY_CRITICAL)
    rule.raise_after.seconds, rule.clear_after.nanos = 5, 1
    policy.rules.add(kind="gnss.fix", is_silenced=True)
    return policy.SerializeToString(), b""


def _set(data: bytes) -> None:
    """A policy that is taken in is told as one that is taken in again, and every kind has a rule with both times."""
    policy = policy_record(alarm_pb2.AlarmPolicy.FromString(data))
    if policy_record(policy_message(policy)) != policy:
        raise AssertionError("the policy is told otherwise than it was taken in")
    for kind in RULES:
        rule = rule_for(kind.replace("*", "body"), policy.rules)
        if (
            rule.raise_after is None
            or rule.clear_after is None
            or min(rule.raise_after, rule.clear_after) < timedelta()
        ):
            raise AssertionError(f"{kind} waits for no time that can be")


def _shelved(data: bytes) -> None:
    request = alarm_service_pb2.ShelveAlarmRequest.FromString(data)
    note_of(request.note)
    if not timedelta() <= shelving(request) <= timedelta(days=30):
        raise AssertionError("the shelf has no end")


def _shelf() -> tuple[bytes, ...]:
    request = alarm_service_pb2.ShelveAlarmRequest(name="alarms/a-1f", note="road works until Friday")
    request.duration.seconds = 3600
    return (request.SerializeToString(),)


def _listed(data: bytes) -> None:
    question_of(alarm_service_pb2.ListAlarmsRequest.FromString(data), "")


def _question() -> tuple[bytes, ...]:
    return (
        alarm_service_pb2.ListAlarmsRequest(min_severity=alarm_pb2.SEVERITY_MAJOR, subject="x").SerializeToString(),
    )


TARGETS = (
    Target("AlarmPolicy and its rules", _set, _policies, (DecodeError,), words=(b"can.*.load", b"area.power", b"*")),
    Target("ShelveAlarmRequest", _shelved, _shelf, (DecodeError,)),
    Target("ListAlarmsRequest", _listed, _question, (DecodeError,)),
)
