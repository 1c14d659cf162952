"""Event sinks in SQL, as operators see them. How they are served: `store.event_delivery`."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from wayside.errors import AlreadyExistsError
from wayside_manager.core.access import Reach
from wayside_manager.core.event_filter import EventFilter, EventRule
from wayside_manager.core.event_sinks import (
    DeadLetter,
    EmailTarget,
    SinkRecord,
    Standing,
    SyslogTarget,
    Target,
    WebhookTarget,
)
from wayside_manager.core.event_text import event_of
from wayside_manager.core.events import Severity
from wayside_manager.core.missing import not_there
from wayside_manager.core.pages import Page, checked_page_size, position
from wayside_manager.core.rollout import Window
from wayside_manager.store.events import head_of
from wayside_manager.store.moments import as_time, as_time_or_none, as_us
from wayside_manager.store.part import SqlPart, changed, check_etag, page, reading, writing
from wayside_manager.store.reaches import covers_whole
from wayside_manager.store.selection import resolver
from wayside_manager.store.selector_text import selector_of, selector_text
from wayside_manager.store.tables import dead_letters, event_sinks

_TARGETS: dict[str, type[Target]] = {"webhook": WebhookTarget, "syslog": SyslogTarget, "email": EmailTarget}
_WORDS = {kind: word for word, kind in _TARGETS.items()}


class _Rule(msgspec.Struct):
    """What an operator says of a sink, as one column."""

    kinds: tuple[str, ...]
    min_severity: int
    selector: str
    """As `selector_text` has it. Empty: none."""
    windows: tuple[Window, ...]
    time_zone: str
    target_kind: str
    target: dict[str, Any]


class SqlEventSinks(SqlPart):
    """Satisfies `ports.EventSinkStore`."""

    @writing
    def apply_sink(self, connection: Connection, sink: SinkRecord, *, now: datetime, etag: str = "") -> SinkRecord:
        """See EventSinkStore."""
        row = _find(connection, sink.sink_id)
        if row is not None and row.tenant_id != sink.tenant_id:
            # whose it is is not said: the caller may not see it
            raise AlreadyExistsError(
                f"event sink {sink.sink_id}: the name is taken; choose another, or leave its tenant as it is",
                reason="NAME_TAKEN",
            )
        check_etag(etag, 0 if row is None else row.revision, f"event sink {sink.sink_id}")
        if sink.rule.filter.selector is not None:
            resolver(connection).check(
                sink.rule.filter.selector, field="event_sink.filter.selector", tenant_id=sink.tenant_id
            )
        values = {"display_name": sink.display_name, "rule": _rule_text(sink), "is_paused": sink.is_paused}
        # somebody has looked after it: it is tried at once, as if nothing had failed
        again = {"fault": "", "attempt_count": 0, "retry_us": None, "update_us": as_us(now)}
        if row is None:
            made = {"sink_id": sink.sink_id, "tenant_id": sink.tenant_id, "cursor": head_of(connection)[0]}
            connection.execute(insert(event_sinks), values | again | made | {"create_us": as_us(now), "revision": 1})
        else:
            is_it = event_sinks.c.sink_id == sink.sink_id
            connection.execute(update(event_sinks).where(is_it).values(values | again | {"revision": row.revision + 1}))
        after = _the_row(connection, sink.sink_id)
        _noted(connection, row, after)
        return sink_record(after, _letter_counts(connection, [sink.sink_id]).get(sink.sink_id, 0))

    @reading
    def get_sink(self, connection: Connection, sink_id: str) -> SinkRecord:
        """See EventSinkStore."""
        return sink_record(_the_row(connection, sink_id), _letter_counts(connection, [sink_id]).get(sink_id, 0))

    @reading
    def list_sinks(
        self, connection: Connection, *, reach: Reach, page_size: int = 0, page_token: str = ""
    ) -> Page[SinkRecord]:
        """See EventSinkStore."""
        size, question, key = checked_page_size(page_size), "event_sinks", event_sinks.c.sink_id
        query = select(event_sinks).where(covers_whole(event_sinks.c.tenant_id, reach)).order_by(key)
        after = position(page_token, question)
        if after is not None:
            query = query.where(key > after[0])
        rows = connection.execute(query.limit(size + 1)).all()
        counts = _letter_counts(connection, [row.sink_id for row in rows])
        return page(
            rows,
            size,
            question,
            key=("sink_id",),
            record=lambda row: sink_record(row, counts.get(row.sink_id, 0)),
        )

    @writing
    def delete_sink(self, connection: Connection, sink_id: str, *, etag: str = "") -> None:
        """See EventSinkStore."""
        row = _the_row(connection, sink_id)
        check_etag(etag, row.revision, f"event sink {sink_id}")
        connection.execute(delete(dead_letters).where(dead_letters.c.sink_id == sink_id))
        connection.execute(delete(event_sinks).where(event_sinks.c.sink_id == sink_id))
        _noted(connection, row, None)

    @reading
    def list_dead_letters(
        self, connection: Connection, sink_id: str, *, page_size: int = 0, page_token: str = ""
    ) -> Page[DeadLetter]:
        """See EventSinkStore."""
        _the_row(connection, sink_id)
        size, question = checked_page_size(page_size), f"dead_letters|{sink_id}"
        query = select(dead_letters).where(dead_letters.c.sink_id == sink_id).order_by(dead_letters.c.cursor)
        after = position(page_token, question, types=(int,))
        if after is not None:
            query = query.where(dead_letters.c.cursor > after[0])
        rows = connection.execute(query.limit(size + 1)).all()
        return page(rows, size, question, key=("cursor",), record=letter_record)

    @writing
    def retry_dead_letters(self, connection: Connection, sink_id: str) -> int:
        """See EventSinkStore."""
        _the_row(connection, sink_id)
        is_its = dead_letters.c.sink_id == sink_id
        return connection.execute(update(dead_letters).where(is_its).values(is_retried=True)).rowcount


def sink_record(row: Row[Any], dead_letter_count: int = 0) -> SinkRecord:
    """A sink."""
    said = msgspec.json.decode(row.rule, type=_Rule)
    return SinkRecord(
        sink_id=row.sink_id,
        tenant_id=row.tenant_id,
        target=msgspec.convert(said.target, _TARGETS[said.target_kind]),
        create_time=as_time(row.create_us),
        update_time=as_time(row.update_us),
        rule=EventRule(
            EventFilter(said.kinds, Severity(said.min_severity), selector_of(said.selector) if said.selector else None),
            said.windows,
            said.time_zone,
        ),
        display_name=row.display_name,
        is_paused=row.is_paused,
        standing=Standing(row.cursor, row.attempt_count, as_time_or_none(row.retry_us), row.fault),
        dead_letter_count=dead_letter_count,
        etag=str(row.revision),
    )


def selector_text_of(rule: str) -> str:
    """The selector in the column of a sink's rule, as `store.selector_text` has it. Empty: none."""
    return msgspec.json.decode(rule, type=_Rule).selector


def letter_record(row: Row[Any]) -> DeadLetter:
    """A dead letter."""
    return DeadLetter(event_of(row.event), row.fault, row.attempt_count, as_time(row.give_up_us), row.is_retried)


def _rule_text(sink: SinkRecord) -> str:
    rule, chosen = sink.rule, sink.rule.filter.selector
    said = _Rule(
        kinds=rule.filter.kinds,
        min_severity=int(rule.filter.min_severity),
        selector="" if chosen is None else selector_text(chosen),
        windows=rule.windows,
        time_zone=rule.time_zone,
        target_kind=_WORDS[type(sink.target)],
        target=msgspec.to_builtins(sink.target),
    )
    return msgspec.json.encode(said).decode()


def _letter_counts(connection: Connection, sink_ids: list[str]) -> dict[str, int]:
    query = select(dead_letters.c.sink_id, func.count()).where(dead_letters.c.sink_id.in_(sink_ids))
    return {row[0]: row[1] for row in connection.execute(query.group_by(dead_letters.c.sink_id))}


def _find(connection: Connection, sink_id: str) -> Row[Any] | None:
    return connection.execute(select(event_sinks).where(event_sinks.c.sink_id == sink_id)).one_or_none()


def _the_row(connection: Connection, sink_id: str) -> Row[Any]:
    row = _find(connection, sink_id)
    if row is None:
        raise not_there("eventSinks", sink_id)
    return row


def _noted(connection: Connection, before: Row[Any] | None, after: Row[Any] | None) -> None:
    """Notes a change for the audit trail; how far it is delivered is none."""
    row = after or before
    if row is None:
        return
    said = [
        None if each is None else {"display_name": each.display_name, "rule": each.rule, "is_paused": each.is_paused}
        for each in (before, after)
    ]
    changed(connection, f"eventSinks/{row.sink_id}", before=said[0], after=said[1], tenant_id=row.tenant_id)
