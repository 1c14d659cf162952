"""The audit trail as a file: one line of JSON per entry, exactly as it was hashed, then one per seal.

An entry's hash stands in the one behind it, and that of the last one in a seal.
Usage: `exported(seal)`; `parts = imported(line)`.
"""

import json
from datetime import datetime

from wayside_manager.core.audit import AuditEntry, Seal, digest

LINE_MAX_CHARS = 16 * 1024 * 1024
"""Far above the longest entry: a rollout to 10,000 nodes is one of 2 MB."""


def exported(seal: Seal) -> str:
    """A seal as a line."""
    fields = {
        "seal": seal.sequence,
        "sha256": seal.sha256,
        "time": seal.time.isoformat(),
        "authority": seal.authority_sha256,
        "signature": seal.signature.hex(),
    }
    return json.dumps(fields, sort_keys=True, separators=(",", ":"))


def imported(line: str) -> AuditEntry | Seal:
    """What a line of a file is.

    Raises: ValueError: neither.
    """
    try:
        fields = json.loads(line)
        if "seal" not in fields:
            return AuditEntry(int(fields["sequence"]), line, digest(line))
        return Seal(
            sequence=int(fields["seal"]),
            sha256=str(fields["sha256"]),
            time=datetime.fromisoformat(fields["time"]),
            authority_sha256=str(fields["authority"]),
            signature=bytes.fromhex(fields["signature"]),
        )
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as exc:
        raise ValueError("neither an entry nor a seal") from exc


def previous_sha256(entry: AuditEntry) -> str:
    """What an entry says was before it; empty: nothing that can be read."""
    try:
        fields = json.loads(entry.line)
        return str(fields["previous"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""
