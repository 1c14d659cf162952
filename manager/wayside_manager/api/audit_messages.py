"""Audit entries and filters between records and messages.

Usage: `entry_message(entry)`; `audit_filter(message)`.
"""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from wayside.errors import InvalidArgumentError
from wayside.names import approval_name, tenant_name
from wayside.v1 import audit_service_pb2
from wayside_manager.api.enum_words import enum_word
from wayside_manager.api.node_messages import timestamp
from wayside_manager.core.audit import AuditEntry, CallRecord, Change, Outcome, Verdict, facts
from wayside_manager.core.audit_export import previous_sha256
from wayside_manager.ports.audit import AuditFilter

TEXT_MAX_CHARS = 200  # longer than any actor, action or resource of ours
UNREADABLE = "ENTRY_UNREADABLE"
"""Reason of an entry that somebody has changed so much that it says nothing any more."""


def entry_message(entry: AuditEntry) -> audit_service_pb2.AuditEntry:
    """An entry as auditors see it; one that cannot be read says just so."""
    try:
        return _entry_message(entry, facts(entry))
    except (ValueError, TypeError, OverflowError):  # what is no time, count or text on the wire
        return audit_service_pb2.AuditEntry(
            sequence=entry.sequence, outcome=audit_service_pb2.AuditEntry.OUTCOME_ALARM, reason=UNREADABLE
        )


def verdict_message(found: Verdict) -> audit_service_pb2.VerifyAuditResponse:
    """What a check found."""
    return audit_service_pb2.VerifyAuditResponse(
        intact=found.is_intact,
        entry_count=found.entry_count,
        first_broken_sequence=found.first_broken_sequence,
        message=found.message,
        sealed_sequence=found.sealed_sequence,
        head_sha256=found.head_sha256,
    )


def audit_filter(message: audit_service_pb2.AuditFilter) -> AuditFilter:
    """A filter from the wire.

    Raises: InvalidArgumentError: a text is too long, an outcome or time is none.
    """
    for field, text in (("actor", message.actor), ("action", message.action), ("resource", message.resource)):
        if len(text) > TEXT_MAX_CHARS:
            raise InvalidArgumentError(f"filter.{field}: it is longer than {TEXT_MAX_CHARS} characters")
    return AuditFilter(
        actor=message.actor,
        action=message.action,
        resource=message.resource,
        outcomes=tuple(map(_outcome, message.outcomes)),
        begin_time=_time(message.begin_time, "begin_time") if message.HasField("begin_time") else None,
        end_time=_time(message.end_time, "end_time") if message.HasField("end_time") else None,
    )


def wire_text(text: str) -> str:
    """A text that protobuf can carry: bytes that were no UTF-8 become question marks."""
    return text.encode("utf-8", "replace").decode()


def _entry_message(entry: AuditEntry, said: CallRecord) -> audit_service_pb2.AuditEntry:
    return audit_service_pb2.AuditEntry(
        sequence=entry.sequence,
        time=timestamp(said.time),
        tenant=tenant_name(said.tenant_id) if said.tenant_id else "",
        actor=said.actor,
        credential=f"credentials/{said.credential_id}" if said.credential_id else "",
        source_address=said.source_address,
        action=said.action,
        changes=map(_change_message, said.changes),
        outcome=audit_service_pb2.AuditEntry.Outcome.Value(f"OUTCOME_{said.outcome.name}"),
        reason=said.reason,
        request_id=said.request_id,
        approval=approval_name(said.approval_id) if said.approval_id else "",
        count=said.count,
        previous_sha256=previous_sha256(entry),
        sha256=wire_text(entry.sha256),
    )


def _change_message(change: Change) -> audit_service_pb2.AuditedChange:
    return audit_service_pb2.AuditedChange(
        resource=change.resource, before_sha256=change.before_sha256, after_sha256=change.after_sha256
    )


def _outcome(value: int) -> Outcome:
    descriptor = audit_service_pb2.AuditEntry.Outcome.DESCRIPTOR
    return Outcome[enum_word(descriptor, value, field="filter.outcomes", prefix="OUTCOME_")]


def _time(stamp: Timestamp, field: str) -> datetime:
    try:
        return stamp.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InvalidArgumentError(f"filter.{field}: it is no time between the years 1 and 9999") from None
