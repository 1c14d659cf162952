"""The audit trail in SQL: added to, listed, and read back for checks byte by byte."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, insert, select

from wayside.errors import WaysideError
from wayside_manager.core.access import ROOT_TENANT, Reach
from wayside_manager.core.audit import FIRST_SHA256, AuditEntry, CallRecord, Listed, Outcome, Seal
from wayside_manager.core.pages import Page, checked_page_size, position
from wayside_manager.ports.audit import AuditFilter
from wayside_manager.store.audit_rows import HEAD, append, use_approval
from wayside_manager.store.moments import as_time, as_us
from wayside_manager.store.part import SqlPart, page, reading, writing_quietly
from wayside_manager.store.tables import audit_entries, audit_head, audit_seals

_NO_TIME = datetime.min.replace(tzinfo=UTC)
"""What a time is read as that is none: nothing of ours is so old."""


class SqlAudit(SqlPart):
    """Satisfies `ports.AuditStore`."""

    @writing_quietly
    def add_entries(self, connection: Connection, records: Sequence[CallRecord]) -> None:
        """See AuditStore."""
        for record in records:
            append(connection, _approved(connection, record))

    @reading
    def list_entries(
        self,
        connection: Connection,
        audit_filter: AuditFilter,
        *,
        reach: Reach,
        page_size: int = 0,
        page_token: str = "",
    ) -> Page[AuditEntry]:
        """See AuditStore."""
        size, question = checked_page_size(page_size), f"audit|{audit_filter}"
        after = position(page_token, question, types=(int,))
        query = select(audit_entries).where(*_within(reach), *_conditions(audit_filter))
        if after is not None:
            query = query.where(audit_entries.c.sequence < after[0])
        query = query.order_by(audit_entries.c.sequence.desc()).limit(size + 1)
        with _lenient_text(connection):
            rows = connection.execute(query).all()
        return page(rows, size, question, key=("sequence",), record=_entry)

    @reading
    def read_chain(self, connection: Connection, begin_sequence: int, *, max_count: int) -> tuple[AuditEntry, ...]:
        """See AuditStore."""
        query = select(audit_entries).where(audit_entries.c.sequence >= begin_sequence)
        with _lenient_text(connection):
            rows = connection.execute(query.order_by(audit_entries.c.sequence).limit(max_count)).all()
        return tuple(map(_entry, rows))

    @reading
    def audit_head(self, connection: Connection) -> tuple[int, str]:
        """See AuditStore."""
        with _lenient_text(connection):
            row = connection.execute(select(audit_head).where(audit_head.c.head_id == HEAD)).one_or_none()
        if row is None:
            return 0, FIRST_SHA256
        return row.sequence if isinstance(row.sequence, int) else 0, str(row.sha256)

    @writing_quietly
    def add_seal(self, connection: Connection, seal: Seal) -> None:
        """See AuditStore."""
        known = select(audit_seals.c.sequence).where(audit_seals.c.sequence == seal.sequence)
        if connection.scalar(known) is not None:
            return  # another replica was quicker
        row = {
            "sequence": seal.sequence,
            "sha256": seal.sha256,
            "time_us": as_us(seal.time),
            "authority_sha256": seal.authority_sha256,
            "signature": seal.signature,
        }
        connection.execute(insert(audit_seals), row)

    @reading
    def list_seals(self, connection: Connection) -> tuple[Seal, ...]:
        """See AuditStore."""
        with _lenient_text(connection):
            rows = connection.execute(select(audit_seals).order_by(audit_seals.c.sequence)).all()
        return tuple(map(_seal, rows))


def _approved(connection: Connection, record: CallRecord) -> CallRecord:
    """A call that is over and wrote nothing here uses its approval up, too; that it could not have is an alarm."""
    try:
        use_approval(connection, record)
    except WaysideError as error:
        return replace(record, outcome=Outcome.ALARM, reason=error.reason)
    return record


@contextmanager
def _lenient_text(connection: Connection) -> Iterator[None]:
    """Text that is no UTF-8 comes with its bytes as lone surrogates: a damaged row must be read to be found."""
    raw = connection.connection.driver_connection
    if not isinstance(raw, sqlite3.Connection):  # other engines keep such text out
        yield
        return
    raw.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        raw.text_factory = str


def _within(reach: Reach) -> tuple[ColumnElement[bool], ...]:
    if reach.covers_tenant(ROOT_TENANT):
        return ()  # also what is about no tenant, or one that is gone
    return (audit_entries.c.tenant_id.in_(sorted(reach.whole_tenant_ids)),)


def _conditions(wanted: AuditFilter) -> Iterator[ColumnElement[bool]]:
    columns = audit_entries.c
    if wanted.actor:
        yield columns.actor == wanted.actor
    if wanted.action:
        yield columns.action.endswith(wanted.action, autoescape=True)
    if wanted.resource:
        yield columns.line.contains(f"[{json.dumps(wanted.resource)},", autoescape=True)
    if wanted.outcomes:
        yield columns.outcome.in_(wanted.outcomes)
    if wanted.begin_time is not None:
        yield columns.time_us >= as_us(wanted.begin_time)
    if wanted.end_time is not None:
        yield columns.time_us < as_us(wanted.end_time)


def _entry(row: Row[Any]) -> AuditEntry:
    listed = Listed(_time(row.time_us), *map(str, (row.tenant_id, row.actor, row.action, row.outcome)))
    return AuditEntry(row.sequence, str(row.line), str(row.sha256), listed)


def _seal(row: Row[Any]) -> Seal:
    signature = row.signature if isinstance(row.signature, bytes) else b""
    return Seal(row.sequence, str(row.sha256), _time(row.time_us), str(row.authority_sha256), signature)


def _time(time_us: object) -> datetime:
    try:
        return as_time(time_us) if isinstance(time_us, int) else _NO_TIME
    except OverflowError:
        return _NO_TIME
