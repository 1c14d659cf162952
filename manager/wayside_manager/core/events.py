"""Events: what happened, in the order it was written. Nothing changes or removes one but age.

Whatever happens is written with the change it tells of, in one transaction: `store.event_rows.append`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum


class Severity(IntEnum):
    """How much somebody must do, and how soon; numbers as in `wayside.v1.Severity`."""

    INFO = 1
    WARNING = 2
    MINOR = 3
    MAJOR = 4
    CRITICAL = 5


@dataclass(frozen=True, slots=True)
class NewEvent:
    """Something that happened and is not written yet."""

    kind: str
    """Dotted, as in docs/events.md: `alarm.raised`, `node.check`, `job.ended`."""
    time: datetime
    """By the clock of the one who found it."""
    subject: str
    """`nodes/{node}`, `alarms/{alarm}`, `jobs/{job}`, `rollouts/{rollout}`."""
    message: str
    """One sentence."""
    severity: Severity = Severity.INFO
    node_id: str = ""
    """Empty: none or many."""
    site_id: str = ""
    tenant_id: str = "root"
    """Who owns the subject."""
    details: Mapping[str, object] = field(default_factory=dict)
    """More, by kind; JSON."""


@dataclass(frozen=True, slots=True)
class EventRecord:
    """Something that happened."""

    cursor: int
    """Its place among all events, from 1, without gaps."""
    record_time: datetime
    """When the manager wrote it."""
    event: NewEvent
