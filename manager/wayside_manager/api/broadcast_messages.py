"""Broadcasts between records and messages, and the checks of what operators publish.

Usage: `published(request.broadcast, admission, now=now)`; `broadcast_message(record, counts, now=now)` back.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from wayside.errors import InvalidArgumentError
from wayside.names import broadcast_id, broadcast_name, node_name, tenant_name
from wayside.v1 import broadcast_pb2, node_service_pb2
from wayside_manager.api.node_messages import selector, selector_message, timestamp
from wayside_manager.core.broadcast_messages import checked_message, checked_profile
from wayside_manager.core.broadcasts import (
    NOTE_MAX_CHARS,
    BroadcastCounts,
    BroadcastNode,
    BroadcastRecord,
    BroadcastTold,
    check_times,
)


def published(message: broadcast_pb2.Broadcast, *, tenant_id: str, author: str, now: datetime) -> BroadcastRecord:
    """What an operator publishes, checked.

    Raises: InvalidArgumentError: it names the field.
    """
    kind = checked_message(message.message, checked_profile(message.profile))
    begin = _moment(message, "begin_time")
    end = _moment(message, "end_time")
    check_times(kind, begin, end, now=now)
    if len(message.note) > NOTE_MAX_CHARS or not message.note.isprintable():
        raise InvalidArgumentError(f"broadcast.note: give at most {NOTE_MAX_CHARS} printable characters")
    return BroadcastRecord(
        broadcast_id=broadcast_id(message.name, field="broadcast.name"),
        tenant_id=tenant_id,
        kind=kind,
        selector=selector(message.selector, field="broadcast.selector"),
        message=message.message,
        profile=message.profile,
        begin_time=begin,
        end_time=end,
        is_drill=message.is_drill,
        note=message.note,
        author=author,
        create_time=now,
        update_time=now,
    )


def broadcast_message(record: BroadcastRecord, counts: BroadcastCounts, *, now: datetime) -> broadcast_pb2.Broadcast:
    """A broadcast as operators see it."""
    found = broadcast_pb2.Broadcast(
        name=broadcast_name(record.broadcast_id),
        tenant=tenant_name(record.tenant_id),
        selector=selector_message(record.selector),
        message=record.message,
        profile=record.profile,
        is_drill=record.is_drill,
        note=record.note,
        kind=broadcast_pb2.Broadcast.Kind.Value(f"KIND_{record.kind.name}"),
        state=broadcast_pb2.Broadcast.State.Value(f"STATE_{record.state_at(now).name}"),
        revision=record.revision,
        author=record.author,
        create_time=timestamp(record.create_time),
        update_time=timestamp(record.update_time),
        etag=str(record.revision),
        counts=broadcast_pb2.BroadcastCounts(
            node_count=counts.node_count,
            pending_count=counts.pending_count,
            taken_count=counts.taken_count,
            refused_count=counts.refused_count,
            over_count=counts.over_count,
        ),
    )
    if record.begin_time is not None:
        found.begin_time.CopyFrom(timestamp(record.begin_time))
    if record.end_time is not None:
        found.end_time.CopyFrom(timestamp(record.end_time))
    return found


def receipt_message(node: BroadcastNode, revision: int) -> broadcast_pb2.BroadcastReceipt:
    """What one unit said."""
    found = broadcast_pb2.BroadcastReceipt(
        node=node_name(node.node_id), is_wanted=node.is_wanted, is_pending=node.is_pending(revision)
    )
    if node.state:
        report = found.report
        report.broadcast, report.revision, report.reason = (
            broadcast_name(node.broadcast_id),
            node.said_revision,
            node.reason,
        )
        report.state = broadcast_pb2.BroadcastReport.State.Value(f"STATE_{node.state.name}")
        if node.say_time is not None:
            report.time.CopyFrom(timestamp(node.say_time))
    if node.receive_time is not None:
        found.receive_time.CopyFrom(timestamp(node.receive_time))
    if node.last_seen_time is not None:
        found.last_seen_time.CopyFrom(timestamp(node.last_seen_time))
    return found


def broadcast_set(told: Iterable[BroadcastTold]) -> node_service_pb2.BroadcastSet:
    """What a unit is told."""
    return node_service_pb2.BroadcastSet(broadcasts=map(_target, told))


def _target(told: BroadcastTold) -> node_service_pb2.BroadcastTarget:
    record = told.record
    target = node_service_pb2.BroadcastTarget(
        broadcast=broadcast_name(record.broadcast_id),
        revision=record.revision,
        is_withdrawn=told.is_withdrawn,
        is_unheard=told.is_unheard,
    )
    if told.is_withdrawn:
        return target
    target.message, target.profile, target.is_drill = record.message, record.profile, record.is_drill
    if record.begin_time is not None:
        target.begin_time.CopyFrom(timestamp(record.begin_time))
    if record.end_time is not None:
        target.end_time.CopyFrom(timestamp(record.end_time))
    return target


def _moment(message: broadcast_pb2.Broadcast, field: str) -> datetime | None:
    if not message.HasField(field):  # type: ignore[arg-type]  # one of its fields
        return None
    stamp: Timestamp = getattr(message, field)
    try:
        return stamp.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError) as exc:
        raise InvalidArgumentError(f"broadcast.{field}: out of range") from exc
