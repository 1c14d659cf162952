"""Broadcasts between tables and records, and the rows of units that come and go with them.

Usage: `record = the_broadcast(connection, "g98-roadworks")`; `moved = assign_nodes(connection, record, wanted)`.
"""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, delete, exists, insert, or_, select, update

from wayside_manager.core.broadcasts import BroadcastKind, BroadcastNode, BroadcastRecord, ReceiptState
from wayside_manager.core.events import NewEvent, Severity
from wayside_manager.core.missing import not_there
from wayside_manager.store.moments import as_time, as_time_or_none, as_us, as_us_or_none
from wayside_manager.store.node_rows import parts
from wayside_manager.store.selector_text import selector_of, selector_text
from wayside_manager.store.tables import broadcast_nodes, broadcasts

PUBLISHED = "broadcast.published"
WITHDRAWN = "broadcast.withdrawn"


def the_broadcast(connection: Connection, broadcast_id: str) -> BroadcastRecord:
    """One broadcast.

    Raises: NotFoundError.
    """
    found = find_broadcast(connection, broadcast_id)
    if found is None:
        raise not_there("broadcasts", broadcast_id)
    return found


def find_broadcast(connection: Connection, broadcast_id: str) -> BroadcastRecord | None:
    """One broadcast, or `None`."""
    row = connection.execute(select(broadcasts).where(broadcasts.c.broadcast_id == broadcast_id)).one_or_none()
    return None if row is None else broadcast_record(row)


def is_on_units() -> ColumnElement[bool]:
    """Whether a broadcast is not withdrawn, and has no end or is wanted on a unit; after its end it is on none."""
    wanted = exists().where(broadcast_nodes.c.broadcast_id == broadcasts.c.broadcast_id, broadcast_nodes.c.is_wanted)
    return and_(broadcasts.c.withdraw_us.is_(None), or_(broadcasts.c.end_us.is_(None), wanted))


def broadcast_record(row: Row[Any]) -> BroadcastRecord:
    """A broadcast."""
    return BroadcastRecord(
        broadcast_id=row.broadcast_id,
        tenant_id=row.tenant_id,
        kind=BroadcastKind(row.kind),
        selector=selector_of(row.selector),
        message=row.message,
        profile=row.profile,
        begin_time=as_time_or_none(row.begin_us),
        end_time=as_time_or_none(row.end_us),
        is_drill=row.is_drill,
        note=row.note,
        author=row.author,
        create_time=as_time(row.create_us),
        update_time=as_time(row.update_us),
        withdraw_time=as_time_or_none(row.withdraw_us),
        revision=row.revision,
    )


def save_broadcast(connection: Connection, record: BroadcastRecord, *, is_new: bool) -> None:
    """Writes a broadcast."""
    values = {
        "tenant_id": record.tenant_id,
        "kind": record.kind,
        "selector": selector_text(record.selector),
        "message": record.message,
        "profile": record.profile,
        "begin_us": as_us_or_none(record.begin_time),
        "end_us": as_us_or_none(record.end_time),
        "is_drill": record.is_drill,
        "note": record.note,
        "author": record.author,
        "withdraw_us": as_us_or_none(record.withdraw_time),
        "create_us": as_us(record.create_time),
        "update_us": as_us(record.update_time),
        "revision": record.revision,
    }
    if is_new:
        connection.execute(insert(broadcasts).values(broadcast_id=record.broadcast_id, **values))
    else:
        connection.execute(update(broadcasts).where(broadcasts.c.broadcast_id == record.broadcast_id).values(**values))


def said_of_broadcast(record: BroadcastRecord) -> Mapping[str, object]:
    """What is said of a broadcast for the audit trail."""
    return {
        "tenant": record.tenant_id,
        "selector": selector_text(record.selector),
        "message": record.message.hex(),
        "profile": record.profile,
        "begin_us": as_us_or_none(record.begin_time),
        "end_us": as_us_or_none(record.end_time),
        "is_drill": record.is_drill,
        "note": record.note,
        "author": record.author,
        "is_withdrawn": record.withdraw_time is not None,
        "revision": record.revision,
    }


def broadcast_event(kind: str, record: BroadcastRecord, node_count: int) -> NewEvent:
    """What operators and sinks are told of a change."""
    what = f"{'drill of ' if record.is_drill else ''}{record.kind.value.upper()} {record.broadcast_id}"
    return NewEvent(
        kind=kind,
        time=record.update_time,
        subject=f"broadcasts/{record.broadcast_id}",
        message=f"{what} {kind.rpartition('.')[2]}, {node_count} roadside units",
        severity=Severity.INFO,
        tenant_id=record.tenant_id,
        details={
            "kind": record.kind.value,
            "author": record.author,
            "revision": record.revision,
            "is_drill": record.is_drill,
            "node_count": node_count,
        },
    )


def node_of(row: Row[Any]) -> BroadcastNode:
    """What one unit was told and said."""
    return BroadcastNode(
        broadcast_id=row.broadcast_id,
        node_id=row.node_id,
        is_wanted=row.is_wanted,
        told_revision=row.told_revision,
        said_revision=row.said_revision,
        state=ReceiptState(row.state),
        reason=row.reason,
        say_time=as_time_or_none(row.say_us),
        receive_time=as_time_or_none(row.receive_us),
        last_seen_time=as_time_or_none(getattr(row, "last_report_us", None)),
    )


def nodes_of(connection: Connection, broadcast_id: str) -> dict[str, BroadcastNode]:
    """The units of a broadcast, by id."""
    query = select(broadcast_nodes).where(broadcast_nodes.c.broadcast_id == broadcast_id)
    return {row.node_id: node_of(row) for row in connection.execute(query)}


def assign_nodes(connection: Connection, broadcast_id: str, wanted: Collection[str]) -> frozenset[str]:
    """Makes these, and no others, the units that should have it; those for which that is news."""
    there, wanted_ids = nodes_of(connection, broadcast_id), frozenset(wanted)
    new = sorted(wanted_ids - there.keys())
    back = [each for each in there.values() if not each.is_wanted and each.node_id in wanted_ids]
    gone = [each for each in there.values() if each.is_wanted and each.node_id not in wanted_ids]
    if new:
        connection.execute(insert(broadcast_nodes), [_new_row(broadcast_id, node_id) for node_id in new])
    _change(connection, broadcast_id, [each.node_id for each in back], is_wanted=True)
    # who did not give it back has it still, and has nothing new to say
    unsaid = [each.node_id for each in back if each.is_off]
    _change(connection, broadcast_id, unsaid, said_revision=0, state=ReceiptState.NONE, reason="")
    _change(connection, broadcast_id, [each.node_id for each in gone], is_wanted=False)
    # who was never told has nothing to take back
    forget_nodes(connection, broadcast_id, [each.node_id for each in gone if not each.told_revision])
    return frozenset([*new, *(each.node_id for each in (*back, *gone))])


def release_nodes(connection: Connection, broadcast_id: str) -> frozenset[str]:
    """Makes no unit one that should have it, and keeps what they said; those that must hear of it."""
    there = nodes_of(connection, broadcast_id).values()
    _change(connection, broadcast_id, [each.node_id for each in there if each.is_wanted], is_wanted=False)
    return frozenset(each.node_id for each in there if each.is_wanted and not each.is_off)


def forget_nodes(connection: Connection, broadcast_id: str, node_ids: Collection[str]) -> None:
    """Drops what is known of units of a broadcast."""
    for part in parts(sorted(node_ids)):
        connection.execute(
            delete(broadcast_nodes).where(
                broadcast_nodes.c.broadcast_id == broadcast_id, broadcast_nodes.c.node_id.in_(part)
            )
        )


def mark_told(connection: Connection, node_id: str, told: Mapping[str, int]) -> None:
    """Notes which revision of which broadcasts a unit is told."""
    if told:
        statement = update(broadcast_nodes).where(
            and_(broadcast_nodes.c.node_id == node_id, broadcast_nodes.c.broadcast_id == bindparam("of_broadcast"))
        )
        rows = [{"of_broadcast": broadcast_id, "to_revision": revision} for broadcast_id, revision in told.items()]
        connection.execute(statement.values(told_revision=bindparam("to_revision")), rows)


def _change(connection: Connection, broadcast_id: str, node_ids: Collection[str], **values: object) -> None:
    for part in parts(sorted(node_ids)):
        connection.execute(
            update(broadcast_nodes)
            .where(broadcast_nodes.c.broadcast_id == broadcast_id, broadcast_nodes.c.node_id.in_(part))
            .values(**values)
        )


def _new_row(broadcast_id: str, node_id: str) -> dict[str, object]:
    return {
        "broadcast_id": broadcast_id,
        "node_id": node_id,
        "is_wanted": True,
        "told_revision": 0,
        "said_revision": 0,
        "state": ReceiptState.NONE,
        "reason": "",
    }
