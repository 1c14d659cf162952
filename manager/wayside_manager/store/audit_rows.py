"""One entry at the end of the audit trail, and the approval it uses up: inside somebody else's transaction.

The one row of `audit_head` is read and moved in the same transaction, so replicas on one database add to one chain.
Usage: `use_approval(connection, record)` first, the change itself, `append(connection, record)` last.
"""

from typing import Any

from sqlalchemy import Connection, Row, exc, insert, select, update

from wayside.errors import FailedPreconditionError, NotFoundError
from wayside_manager.core.approvals import ApprovalRecord, ApprovalState, used
from wayside_manager.core.audit import CallRecord, chained
from wayside_manager.store.moments import as_time, as_time_or_none, as_us
from wayside_manager.store.tables import approvals, audit_entries, audit_head

HEAD = 1
"""The only row of `audit_head`."""


def append(connection: Connection, record: CallRecord) -> None:
    """Adds the entry for a call behind the newest one.

    Raises: FailedPreconditionError: the trail's end is not where it was noted. What cannot be audited does not happen.
    """
    # FOR UPDATE lets another replica wait here; SQLite has one writer anyway and leaves the words out
    head = connection.execute(select(audit_head).where(audit_head.c.head_id == HEAD).with_for_update()).one_or_none()
    if head is None:
        raise _broken()
    entry = chained(record, sequence=head.sequence + 1, previous_sha256=head.sha256)
    row = {
        "sequence": entry.sequence,
        "line": entry.line,
        "sha256": entry.sha256,
        "time_us": as_us(record.time),
        "tenant_id": record.tenant_id,
        "actor": record.actor,
        "action": record.action,
        "outcome": record.outcome,
    }
    try:
        connection.execute(insert(audit_entries), row)
    except exc.IntegrityError as error:
        raise _broken() from error
    moved = update(audit_head).where(audit_head.c.head_id == HEAD)
    connection.execute(moved.values(sequence=entry.sequence, sha256=entry.sha256))


def use_approval(connection: Connection, record: CallRecord) -> None:
    """Marks the approval of a call as used, if it has one.

    Raises: NotFoundError, FailedPreconditionError, PermissionDeniedError; see `core.approvals.used`.
    """
    if not record.approval_id:
        return
    row = approval_row(connection, record.approval_id)
    after = used(approval_record(row), record.request_sha256, record.actor, now=record.time)
    chosen = approvals.c.approval_id == after.approval_id
    connection.execute(update(approvals).where(chosen).values(state=after.state))


def approval_row(connection: Connection, approval_id: str) -> Row[Any]:
    """The row of an approval, kept for this transaction alone.

    Raises: NotFoundError.
    """
    query = select(approvals).where(approvals.c.approval_id == approval_id).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFoundError(
            f"approval {approval_id} does not exist; list the approvals to see which do", reason="APPROVAL_NOT_FOUND"
        )
    return row


def approval_record(row: Row[Any]) -> ApprovalRecord:
    """The approval in a row."""
    return ApprovalRecord(
        approval_id=row.approval_id,
        method=row.method,
        request_sha256=row.request_sha256,
        request_json=row.request_json,
        summary=row.summary,
        tenant_id=row.tenant_id,
        requester=row.requester,
        create_time=as_time(row.create_us),
        expire_time=as_time(row.expire_us),
        state=ApprovalState(row.state),
        decider=row.decider,
        decide_time=as_time_or_none(row.decide_us),
        note=row.note,
    )


def _broken() -> FailedPreconditionError:
    return FailedPreconditionError(
        "audit trail: its newest entry is not where it was noted, so nothing can be changed; "
        "find out why with `wayside-manager audit verify`",
        reason="AUDIT_BROKEN",
    )
