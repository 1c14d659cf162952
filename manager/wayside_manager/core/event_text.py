"""Events as JSON: what webhooks get, and what is kept of a dead letter.

Usage: `event_text(record)`; `event_of(text) == record`. Fields and kinds: docs/events.md.
"""

import json
from datetime import datetime
from typing import Any

from wayside_manager.core.events import EventRecord, NewEvent, Severity

_COLLECTIONS = {"node": "nodes", "site": "sites", "tenant": "tenants"}


def event_values(record: EventRecord) -> dict[str, Any]:
    """An event as JSON values; what it is not about is left out."""
    event = record.event
    named = {"node": event.node_id, "site": event.site_id, "tenant": event.tenant_id}
    return {
        "cursor": record.cursor,
        "kind": event.kind,
        "time": event.time.isoformat(),
        "record_time": record.record_time.isoformat(),
        "severity": event.severity.name.lower(),
        "subject": event.subject,
        **{word: f"{_COLLECTIONS[word]}/{thing_id}" for word, thing_id in named.items() if thing_id},
        "message": event.message,
        "details": dict(event.details),
    }


def event_text(record: EventRecord) -> str:
    """The same as JSON text, always the same for the same event."""
    return json.dumps(event_values(record), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def event_of(text: str) -> EventRecord:
    """The event in such a text."""
    said = json.loads(text)

    def thing_id(word: str) -> str:
        return str(said.get(word, "")).removeprefix(f"{_COLLECTIONS[word]}/")

    event = NewEvent(
        kind=said["kind"],
        time=datetime.fromisoformat(said["time"]),
        subject=said["subject"],
        message=said["message"],
        severity=Severity[said["severity"].upper()],
        node_id=thing_id("node"),
        site_id=thing_id("site"),
        tenant_id=thing_id("tenant"),
        details=said["details"],
    )
    return EventRecord(said["cursor"], datetime.fromisoformat(said["record_time"]), event)
