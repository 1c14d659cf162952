"""Events and sinks for tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

from wayside_manager.core.event_sinks import SinkRecord, WebhookTarget
from wayside_manager.core.events import EventRecord, NewEvent

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)  # a Monday


def new_event(kind: str = "node.presence", **fields: Any) -> NewEvent:  # noqa: ANN401  # fields of the record
    """Something that happened at noon."""
    made: dict[str, Any] = {"kind": kind, "time": NOON, "subject": "nodes/rsu-1", "message": "it happened"}
    return NewEvent(**made | fields)


def event(cursor: int, *, after_s: float = 0.0, **fields: Any) -> EventRecord:  # noqa: ANN401  # fields of the event
    """An event that was written some time after noon."""
    return EventRecord(cursor, NOON + timedelta(seconds=after_s), new_event(**fields))


def sink(sink_id: str = "hook", **fields: Any) -> SinkRecord:  # noqa: ANN401  # fields of the record
    """A webhook of the root tenant that wants everything."""
    target = WebhookTarget("https://example.org/events", "hook")
    made: dict[str, Any] = {
        "sink_id": sink_id,
        "tenant_id": "root",
        "target": target,
        "create_time": NOON,
        "update_time": NOON,
    }
    return SinkRecord(**made | fields)
