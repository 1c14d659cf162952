"""What units say of broadcasts, in the transaction that writes their reports. A word counts for what the unit was told.

Usage: `cursor = write_broadcast_words(connection, words, now=now, allowance=allowance)`.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, tuple_, update

from wayside_manager.core.broadcasts import BroadcastWord, ReceiptState
from wayside_manager.core.events import NewEvent, Severity
from wayside_manager.store import event_rows
from wayside_manager.store.event_allowance import EventAllowance
from wayside_manager.store.moments import as_us_or_none
from wayside_manager.store.tables import broadcast_nodes, broadcasts, nodes

_PAIRS_MAX = 200
"""Pairs of broadcast and node in one statement; below every engine's limit of values."""


def write_broadcast_words(
    connection: Connection, words: Sequence[BroadcastWord], *, now: datetime, allowance: EventAllowance
) -> int:
    """Keeps the newest word of each unit; the cursor of the newest event that tells of a refusal, 0: none."""
    newest = {(word.facts.broadcast_id, word.node_id): word for word in words}
    if not newest:
        return 0
    rows, refused = [], []
    for row in _known(connection, sorted(newest)):
        word = newest[row.broadcast_id, row.node_id]
        revision = min(word.facts.revision, row.told_revision)
        if revision < row.said_revision:
            continue
        rows.append(_row(word, revision))
        is_news = (row.said_revision, row.state, row.reason) != (revision, word.facts.state, word.facts.reason)
        if word.facts.state is ReceiptState.REFUSED and is_news:
            refused.append(_event(row, word, now))
    if rows:
        statement = update(broadcast_nodes).where(
            broadcast_nodes.c.broadcast_id == bindparam("of_broadcast"),
            broadcast_nodes.c.node_id == bindparam("of_node"),
        )
        names = ("said_revision", "state", "reason", "say_us", "receive_us")
        connection.execute(statement.values({name: bindparam(f"to_{name}") for name in names}), rows)
    return event_rows.append(connection, allowance.let(refused, now=now), now=now)


def _known(connection: Connection, pairs: list[tuple[str, str]]) -> Iterator[Row[Any]]:
    for start in range(0, len(pairs), _PAIRS_MAX):
        key = tuple_(broadcast_nodes.c.broadcast_id, broadcast_nodes.c.node_id)
        query = (
            select(broadcast_nodes, broadcasts.c.kind, nodes.c.site_id, nodes.c.tenant_id)
            .join(broadcasts, broadcasts.c.broadcast_id == broadcast_nodes.c.broadcast_id)
            .join(nodes, nodes.c.node_id == broadcast_nodes.c.node_id)
            .where(key.in_(pairs[start : start + _PAIRS_MAX]))
        )
        yield from connection.execute(query).all()


def _row(word: BroadcastWord, revision: int) -> dict[str, Any]:
    return {
        "of_broadcast": word.facts.broadcast_id,
        "of_node": word.node_id,
        "to_said_revision": revision,
        "to_state": word.facts.state,
        "to_reason": word.facts.reason,
        "to_say_us": as_us_or_none(word.facts.time),
        "to_receive_us": word.receive_us,
    }


def _event(row: Row[Any], word: BroadcastWord, now: datetime) -> NewEvent:
    why = f": {word.facts.reason}" if word.facts.reason else ""
    return NewEvent(
        kind="broadcast.refused",
        time=now,
        subject=f"broadcasts/{row.broadcast_id}",
        message=f"{row.node_id} does not broadcast {row.broadcast_id}{why}",
        severity=Severity.WARNING,
        node_id=row.node_id,
        site_id=row.site_id or "",
        tenant_id=row.tenant_id,
        details={"kind": row.kind, "revision": word.facts.revision, "reason": word.facts.reason},
    )
