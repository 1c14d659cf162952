"""Events in SQL, as they are read: behind a cursor, a bounded stretch at a time, and dropped with age.

What a caller may see is judged by what the event says of its tenant and site, and by the labels its node has now; what
is about no node needs the whole tenant. Kinds and severities are judged in SQL, nodes by `store.selection`.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, exists, false, func, or_, select, update

from wayside.errors import OutOfRangeError
from wayside_manager.core.access import Reach, Scope
from wayside_manager.core.event_filter import EventFilter, prefix_of
from wayside_manager.core.events import EventRecord, NewEvent, Severity
from wayside_manager.core.nodes import NodeState
from wayside_manager.core.selectors import NodeSelector
from wayside_manager.ports.events import EventSpan
from wayside_manager.store import event_rows
from wayside_manager.store.moments import as_time, as_us
from wayside_manager.store.node_rows import selectables
from wayside_manager.store.part import SqlPart, reading, writing, writing_quietly
from wayside_manager.store.reaches import covers_whole, may_name_places_of
from wayside_manager.store.selection import resolver
from wayside_manager.store.tables import event_head, events, node_labels

SPAN_SIZE = 20_000
"""Events looked at in one read: a few milliseconds, however few of them pass."""
JUDGED_MAX = 500
"""Events whose nodes are judged in one read."""


class SqlEvents(SqlPart):
    """Satisfies `ports.EventStore`."""

    @writing_quietly
    def add_events(self, connection: Connection, new: Sequence[NewEvent], *, now: datetime) -> int:
        """See EventStore."""
        return event_rows.append(connection, new, now=now)

    @reading
    def check_event_filter(self, connection: Connection, wanted: EventFilter, *, reach: Reach) -> None:
        """See EventStore."""
        if wanted.selector is not None:
            resolver(connection).check(
                wanted.selector,
                field="filter.selector",
                is_owner=lambda tenant_id: may_name_places_of(reach, tenant_id),
            )

    @reading
    def newest_cursor(self, connection: Connection) -> int:
        """See EventStore."""
        return head_of(connection)[0]

    @reading
    def read_events(
        self,
        connection: Connection,
        wanted: EventFilter,
        *,
        reach: Reach,
        cursor: int,
        limit: int,
        newest_first: bool = False,
    ) -> EventSpan:
        """See EventStore."""
        newest, dropped = head_of(connection)
        if newest_first:
            return _backward(connection, wanted, reach, cursor or newest + 1, limit=limit)
        if cursor > newest:
            raise OutOfRangeError(
                f"cursor: {cursor} is ahead of the newest event, {newest}; this is another store than the one it is "
                "of, so begin at 0, or at -1 when watching",
                reason="EVENTS_AHEAD",
            )
        if 0 < cursor < dropped:
            raise OutOfRangeError(
                f"cursor: events behind {cursor} have been dropped with age; the oldest there is has cursor "
                f"{dropped + 1}, so go on behind {dropped}",
                reason="EVENTS_DROPPED",
            )
        return forward(connection, wanted, reach, max(cursor, dropped), limit=limit)

    @writing
    def drop_events(self, connection: Connection, before: datetime, *, now: datetime, max_count: int) -> int:
        """See EventStore."""
        last = _last_old(connection, as_us(before), as_us(now), max_count)
        if last is None:
            return 0
        connection.execute(update(event_head).values(dropped_cursor=last))
        return connection.execute(delete(events).where(events.c.cursor <= last)).rowcount


def _last_old(connection: Connection, before_us: int, now_us: int, max_count: int) -> int | None:
    """Cursor of the last of the oldest events that may go; `None`: none may.

    They go in order of cursors, so that what is left has no gap, whatever the clock did when they were written.
    """
    oldest = select(events.c.cursor, events.c.record_us).order_by(events.c.cursor).limit(max_count).subquery()
    is_young = oldest.c.record_us.between(before_us, now_us)
    young = connection.scalar(select(func.min(oldest.c.cursor)).where(is_young))
    is_old = oldest.c.record_us < before_us
    if young is not None:
        is_old = and_(is_old, oldest.c.cursor < young)
    last: int | None = connection.scalar(select(func.max(oldest.c.cursor)).where(is_old))
    if last is not None or young is not None:
        return last
    # all of them are of a clock that was ahead; through a function, so that it walks along the cursors
    is_judged = func.coalesce(events.c.record_us, 0) <= now_us
    next_us = connection.scalar(select(events.c.record_us).where(is_judged).order_by(events.c.cursor).limit(1))
    if next_us is None or next_us >= before_us:
        return None
    all_of_them: int | None = connection.scalar(select(func.max(oldest.c.cursor)))
    return all_of_them


def head_of(connection: Connection) -> tuple[int, int]:
    """Cursors of the newest event and of the last that was dropped with age."""
    row = connection.execute(select(event_head.c.cursor, event_head.c.dropped_cursor)).one()
    return row.cursor, row.dropped_cursor


def forward(connection: Connection, wanted: EventFilter, reach: Reach, after: int, *, limit: int) -> EventSpan:
    """What is found behind a cursor."""
    newest, _ = head_of(connection)
    last = min(newest, after + SPAN_SIZE)
    is_within = and_(events.c.cursor > after, events.c.cursor <= last)
    query = select(events).where(is_within, *_conditions(wanted, reach)).order_by(events.c.cursor)
    found, cursor = _judged(connection, query, wanted.selector, limit=limit, end=last)
    return EventSpan(found, cursor, cursor >= newest)


def _backward(connection: Connection, wanted: EventFilter, reach: Reach, before: int, *, limit: int) -> EventSpan:
    _, dropped = head_of(connection)
    first = max(dropped + 1, before - SPAN_SIZE)
    is_within = and_(events.c.cursor < before, events.c.cursor >= first)
    query = select(events).where(is_within, *_conditions(wanted, reach)).order_by(events.c.cursor.desc())
    found, cursor = _judged(connection, query, wanted.selector, limit=limit, end=first)
    return EventSpan(found, cursor, cursor <= dropped + 1)


def _judged(
    connection: Connection,
    query: Any,  # noqa: ANN401  # a select of whole rows
    selector: NodeSelector | None,
    *,
    limit: int,
    end: int,
) -> tuple[tuple[EventRecord, ...], int]:
    """The first `limit` events whose nodes are meant, and up to where was looked."""
    most = limit if selector is None else max(limit, JUDGED_MAX)
    rows = connection.execute(query.limit(most)).all()
    passing = rows if selector is None else _of_nodes(connection, rows, selector)
    shown = passing[:limit]
    if len(passing) > limit or len(shown) == most:
        return tuple(map(event_record, shown)), shown[-1].cursor
    return tuple(map(event_record, shown)), rows[-1].cursor if len(rows) == most else end


def _of_nodes(connection: Connection, rows: Sequence[Row[Any]], selector: NodeSelector) -> list[Row[Any]]:
    # word of a node that was retired is for those who look after it, too
    nodes = [
        replace(node, state=NodeState.ENROLLED)
        for node in selectables(connection, sorted({row.node_id for row in rows} - {""}))
    ]
    matches = resolver(connection).matcher(selector).matches
    meant = {node.node_id for node in nodes if matches(node)}
    return [row for row in rows if row.node_id in meant]


def event_record(row: Row[Any]) -> EventRecord:
    """An event."""
    event = NewEvent(
        kind=row.kind,
        time=as_time(row.time_us),
        subject=row.subject,
        message=row.message,
        severity=Severity(row.severity),
        node_id=row.node_id,
        site_id=row.site_id,
        tenant_id=row.tenant_id,
        details=json.loads(row.details),
    )
    return EventRecord(row.cursor, as_time(row.record_us), event)


def _conditions(wanted: EventFilter, reach: Reach) -> Iterable[ColumnElement[bool]]:
    if not reach.is_everywhere:
        yield or_(
            covers_whole(events.c.tenant_id, reach), *(_within(each) for each in reach.scopes if not each.is_whole)
        )
    if wanted.kinds:
        yield or_(false(), *map(_is_kind, wanted.kinds))
    if wanted.min_severity > Severity.INFO:
        yield events.c.severity >= int(wanted.min_severity)
    if wanted.selector is not None:
        yield events.c.node_id != ""


def _is_kind(kind: str) -> ColumnElement[bool]:
    prefix = prefix_of(kind)
    return events.c.kind.startswith(prefix, autoescape=True) if prefix else events.c.kind == kind


def _within(scope: Scope) -> ColumnElement[bool]:
    conditions = [events.c.node_id != "", events.c.tenant_id.in_(sorted(scope.tenant_ids))]
    if scope.sites:
        conditions.append(events.c.site_id.in_(sorted(scope.sites)))
    for label in sorted(scope.labels):
        own = node_labels.alias()
        has_it = select(own.c.node_id).where(
            own.c.node_id == events.c.node_id, own.c.key == label.key, own.c.value == label.value
        )
        conditions.append(exists(has_it))
    return and_(*conditions)
