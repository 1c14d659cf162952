"""Event sinks in SQL, as they are served: who has something to do, what is behind a cursor, and what came of it."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from wayside.errors import ConflictError
from wayside_manager.core.access import Reach, Scope
from wayside_manager.core.event_sinks import DeadLetter, Outcome, SinkRecord
from wayside_manager.core.event_text import event_text
from wayside_manager.ports.events import DueSink, EventSpan
from wayside_manager.ports.rollouts import Lease
from wayside_manager.store import leases
from wayside_manager.store.event_sinks import letter_record, sink_record
from wayside_manager.store.events import forward, head_of
from wayside_manager.store.moments import as_us, as_us_or_none
from wayside_manager.store.operator_rows import tenant_tree
from wayside_manager.store.part import SqlPart, reading, writing
from wayside_manager.store.tables import dead_letters, event_sinks

_WAIT_MAX_US = 10 * 3_600_000_000
LETTERS_KEPT = 10_000
"""Dead letters of one sink: a receiver that refuses whatever comes would else fill the disk. The oldest go."""
LETTERS_MAX = 100
"""Dead letters of one sink that are tried again in one turn."""


class SqlEventDelivery(SqlPart):
    """Satisfies `ports.EventDeliveryStore`, together with the leases of `SqlRolloutSteps`."""

    @reading
    def due_sinks(self, connection: Connection, *, now: datetime, without: Collection[str] = ()) -> tuple[DueSink, ...]:
        """See EventDeliveryStore."""
        newest, now_us = head_of(connection)[0], as_us(now)
        query = select(event_sinks).where(event_sinks.c.is_paused.is_(False)).order_by(event_sinks.c.cursor)
        rows = [row for row in connection.execute(query) if row.sink_id not in without]
        return tuple(_due(connection, rows, newest, now_us))

    @reading
    def read_for_sink(self, connection: Connection, sink: SinkRecord, *, limit: int) -> EventSpan:
        """See EventDeliveryStore."""
        own = Reach((Scope(tenant_tree(connection).below(sink.tenant_id)),))
        after = max(sink.standing.cursor, head_of(connection)[1])
        return forward(connection, sink.rule.filter, own, after, limit=limit)

    @writing
    def save_attempt(self, connection: Connection, sink: SinkRecord, outcome: Outcome, *, lease: Lease) -> None:
        """See EventDeliveryStore."""
        leases.check(connection, lease)
        standing = outcome.standing
        values = {
            "cursor": standing.cursor,
            "fault": standing.fault,
            "attempt_count": standing.attempt_count,
            "retry_us": as_us_or_none(standing.retry_time),
        }
        is_it = (event_sinks.c.sink_id == sink.sink_id, event_sinks.c.revision == int(sink.etag))
        if connection.execute(update(event_sinks).where(*is_it).values(values)).rowcount != 1:
            raise ConflictError(f"event sink {sink.sink_id} has changed meanwhile; look again", reason="ETAG_MISMATCH")
        if outcome.given_up is not None:
            connection.execute(insert(dead_letters), _letter_row(sink.sink_id, outcome.given_up))
            _drop_oldest(connection, sink.sink_id)

    @writing
    def save_retry(
        self,
        connection: Connection,
        sink: SinkRecord,
        delivered: Sequence[int],
        changed: Sequence[DeadLetter],
        *,
        lease: Lease,
    ) -> None:
        """See EventDeliveryStore."""
        leases.check(connection, lease)
        of_sink = dead_letters.c.sink_id == sink.sink_id
        connection.execute(delete(dead_letters).where(of_sink, dead_letters.c.cursor.in_(delivered)))
        for letter in changed:
            values = _letter_row(sink.sink_id, letter)
            is_it = dead_letters.c.cursor == values.pop("cursor")
            connection.execute(update(dead_letters).where(of_sink, is_it).values(values))


def _due(connection: Connection, rows: Sequence[Row[Any]], newest: int, now_us: int) -> Iterator[DueSink]:
    retried = select(dead_letters).where(dead_letters.c.is_retried.is_(True)).order_by(dead_letters.c.cursor)
    wanting = set(connection.scalars(select(dead_letters.c.sink_id).where(dead_letters.c.is_retried.is_(True))))
    for row in rows:
        letters: tuple[DeadLetter, ...] = ()
        if row.sink_id in wanting:
            query = retried.where(dead_letters.c.sink_id == row.sink_id).limit(LETTERS_MAX)
            letters = tuple(map(letter_record, connection.execute(query)))
        # a wait longer than there is any comes from a clock that was wrong
        is_waiting = row.retry_us is not None and now_us < row.retry_us <= now_us + _WAIT_MAX_US
        has_turn = row.cursor < newest and not is_waiting
        if letters or has_turn:
            yield DueSink(sink_record(row), letters, has_turn)


def _drop_oldest(connection: Connection, sink_id: str) -> None:
    of_sink = dead_letters.c.sink_id == sink_id
    newest_first = select(dead_letters.c.cursor).where(of_sink).order_by(dead_letters.c.cursor.desc())
    beyond = connection.scalar(newest_first.offset(LETTERS_KEPT).limit(1))
    if beyond is not None:
        connection.execute(delete(dead_letters).where(of_sink, dead_letters.c.cursor <= beyond))


def _letter_row(sink_id: str, letter: DeadLetter) -> dict[str, Any]:
    return {
        "sink_id": sink_id,
        "cursor": letter.record.cursor,
        "event": event_text(letter.record),
        "fault": letter.fault,
        "attempt_count": letter.attempt_count,
        "give_up_us": as_us(letter.give_up_time),
        "is_retried": letter.is_retried,
    }
