"""Stretches of time in which nodes were in one state: the newest of a node has no end, each begins where one ends.

They run by the manager's clock. When it was set back, the next stretch begins a microsecond after the one before, so
that none overlap and none is lost.
Usage: `append_stretches(connection, {"rsu-1": ("failed", now_us)})`.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, bindparam, func, insert, select, update

from wayside_manager.store.node_rows import parts
from wayside_manager.store.tables import node_states


def append_stretches(connection: Connection, begun: Mapping[str, tuple[str, int]]) -> None:
    """Ends the open stretch of each node and begins one in another state [us since 1970]; the same state goes on."""
    ended, new = [], []
    opened = open_stretches(connection, begun)
    ends = _last_ends(connection, begun.keys() - opened.keys())
    for node_id, (state, begin_us) in sorted(begun.items()):
        if node_id not in opened:
            from_us = max(begin_us, ends.get(node_id, begin_us))
            new.append({"node_id": node_id, "begin_us": from_us, "end_us": None, "state": state})
            continue
        old_state, old_begin_us = opened[node_id]
        if old_state == state:
            continue
        at_us = max(begin_us, old_begin_us + 1)
        ended.append({"of_node": node_id, "of_begin": old_begin_us, "to_end": at_us})
        new.append({"node_id": node_id, "begin_us": at_us, "end_us": None, "state": state})
    _end(connection, ended)
    if new:
        connection.execute(insert(node_states), new)


def end_stretches(connection: Connection, node_ids: Mapping[str, int]) -> None:
    """Ends the open stretches of nodes that are out of service [us since 1970]; no other follows."""
    opened = open_stretches(connection, node_ids)
    _end(
        connection,
        [
            {"of_node": node_id, "of_begin": begin_us, "to_end": max(node_ids[node_id], begin_us + 1)}
            for node_id, (_, begin_us) in opened.items()
        ],
    )


def open_stretches(connection: Connection, node_ids: Mapping[str, object]) -> dict[str, tuple[str, int]]:
    """Per node that has one, state and begin [us since 1970] of its open stretch."""
    found: dict[str, tuple[str, int]] = {}
    for part in parts(sorted(node_ids)):
        query = select(node_states.c.node_id, node_states.c.state, node_states.c.begin_us).where(
            node_states.c.node_id.in_(part), node_states.c.end_us.is_(None)
        )
        found |= {row.node_id: (row.state, row.begin_us) for row in connection.execute(query)}
    return found


def _last_ends(connection: Connection, node_ids: Iterable[str]) -> dict[str, int]:
    """When the last stretch of each of these nodes ended, which are in none."""
    found: dict[str, int] = {}
    for part in parts(sorted(node_ids)):
        query = select(node_states.c.node_id, func.max(node_states.c.end_us)).where(node_states.c.node_id.in_(part))
        found |= {row[0]: row[1] for row in connection.execute(query.group_by(node_states.c.node_id))}
    return found


def _end(connection: Connection, rows: list[dict[str, object]]) -> None:
    if rows:
        statement = (
            update(node_states)
            .where(node_states.c.node_id == bindparam("of_node"), node_states.c.begin_us == bindparam("of_begin"))
            .values(end_us=bindparam("to_end"))
        )
        connection.execute(statement, rows)
