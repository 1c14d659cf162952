"""The audit trail: entries that each hold the hash of the one before, so that a changed byte shows and where.

An entry is hashed as one line of JSON with sorted keys. Seals, signed by the authority from time to time, keep somebody
who can write the database from making the whole chain anew.
Usage: `entry = chained(record, sequence=8, previous_sha256=…)`; `core.audit_check` finds what was tampered with.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

FIRST_SHA256 = "0" * 64
"""What the first entry holds as the hash of the one before."""


class Outcome(StrEnum):
    """How it ended; names as in `wayside.v1.AuditEntry.Outcome`."""

    DONE = "done"
    DENIED = "denied"
    FAILED = "failed"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True)
class Change:
    """A resource that was changed, and the hashes of what it was and became. Empty: it was not there, or is gone."""

    resource: str
    before_sha256: str = ""
    after_sha256: str = ""


@dataclass(slots=True)
class CallRecord:
    """What a call does. The gate begins it, the store fills it in and writes it with the first change it commits."""

    actor: str
    """`operators/{operator}`, `nodes/{node}`, `anyone` or `manager`."""
    action: str
    """`/wayside.v1.FleetService/RetireNode`, or what the manager did by itself."""
    time: datetime
    credential_id: str = ""
    source_address: str = ""
    request_id: str = ""
    tenant_id: str = ""
    approval_id: str = ""
    """An approval this call uses up; the store checks and marks it in the same transaction."""
    request_sha256: str = ""
    """For the approval, see `core.approvals`."""
    changes: list[Change] = field(default_factory=list)
    outcome: Outcome = Outcome.DONE
    reason: str = ""
    count: int = 1
    is_written: bool = False
    """An entry for it is in the database."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What the database repeats of an entry beside its line, so that lists are quick. It must say the same."""

    time: datetime
    tenant_id: str
    actor: str
    action: str
    outcome: str


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry, as it stands in the chain."""

    sequence: int
    """From 1, without gaps."""
    line: str
    """The JSON that was hashed, ASCII."""
    sha256: str
    listed: Listed | None = None
    """`None`: the line stands alone, as in an export."""


@dataclass(frozen=True, slots=True)
class Seal:
    """A signature over a place in the chain."""

    sequence: int
    sha256: str
    time: datetime
    authority_sha256: str
    signature: bytes
    """ECDSA with SHA-256 over `sealed_bytes`, DER."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found."""

    is_intact: bool
    entry_count: int
    first_broken_sequence: int = 0
    message: str = ""
    sealed_sequence: int = 0
    head_sha256: str = FIRST_SHA256


def digest(content: Mapping[str, object] | str | bytes) -> str:
    """SHA-256 of a thing, lower-case hex; a mapping counts as JSON with sorted keys."""
    if isinstance(content, Mapping):
        content = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str, ensure_ascii=False)
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def chained(record: CallRecord, *, sequence: int, previous_sha256: str) -> AuditEntry:
    """The entry for a call, at its place in the chain."""
    fields = {
        "sequence": sequence,
        "time": record.time.isoformat(),
        "tenant": record.tenant_id,
        "actor": record.actor,
        "credential": record.credential_id,
        "source": record.source_address,
        "action": record.action,
        "changes": [[each.resource, each.before_sha256, each.after_sha256] for each in record.changes],
        "outcome": record.outcome,
        "reason": record.reason,
        "request": record.request_id,
        "approval": record.approval_id,
        "count": record.count,
        "previous": previous_sha256,
    }
    line = json.dumps(fields, sort_keys=True, separators=(",", ":"))  # ASCII: no encoding to be wrong about
    return AuditEntry(sequence, line, digest(line))


def facts(entry: AuditEntry) -> CallRecord:
    """What an entry says, as far as it can be read.

    Raises: ValueError: it is not of our making.
    """
    try:
        said = json.loads(entry.line)
        return CallRecord(
            actor=str(said["actor"]),
            action=str(said["action"]),
            time=datetime.fromisoformat(said["time"]),
            credential_id=str(said["credential"]),
            source_address=str(said["source"]),
            request_id=str(said["request"]),
            tenant_id=str(said["tenant"]),
            approval_id=str(said["approval"]),
            changes=[Change(str(name), str(before), str(after)) for name, before, after in said["changes"]],
            outcome=Outcome(said["outcome"]),
            reason=str(said["reason"]),
            count=int(said["count"]),
            is_written=True,
        )
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as exc:
        raise ValueError(f"entry {entry.sequence} cannot be read") from exc


def sealed_bytes(sequence: int, sha256: str, time: datetime) -> bytes:
    """What a seal signs."""
    return f"wayside audit seal\n{sequence}\n{sha256}\n{time.isoformat()}".encode()
