"""Broadcasts as time and moving units change them: who is in their areas now, which have ended, which are old."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, delete, or_, select

from wayside_manager.core.broadcasts import BroadcastRecord, BroadcastsChanged
from wayside_manager.core.nodes import NodeKind
from wayside_manager.store.broadcast_rows import (
    assign_nodes,
    broadcast_record,
    forget_nodes,
    nodes_of,
    release_nodes,
)
from wayside_manager.store.desired import raise_revision
from wayside_manager.store.moments import as_us
from wayside_manager.store.node_rows import parts, selectables
from wayside_manager.store.operator_rows import tenant_tree
from wayside_manager.store.part import SqlPart, reading, writing_quietly
from wayside_manager.store.selection import resolver
from wayside_manager.store.tables import broadcast_nodes, broadcasts


@dataclass
class _Moves:
    """What must change."""

    wanted: dict[str, frozenset[str]] = field(default_factory=dict)
    """Units that should have a broadcast, where they are others than before."""
    ended: list[str] = field(default_factory=list)
    gone: dict[str, frozenset[str]] = field(default_factory=dict)
    """Units out of service, by broadcast."""

    def __bool__(self) -> bool:
        return bool(self.wanted or self.ended or self.gone)


class SqlBroadcastMoves(SqlPart):
    """Satisfies `ports.BroadcastSweepStore`."""

    async def match_broadcasts(self, *, now: datetime) -> BroadcastsChanged:
        """See BroadcastSweepStore."""
        if not await self._has_moves(now=now):
            return BroadcastsChanged()
        return await self._apply_moves(now=now)

    @reading
    def _has_moves(self, connection: Connection, *, now: datetime) -> bool:
        return bool(_moves(connection, now))

    @writing_quietly
    def _apply_moves(self, connection: Connection, *, now: datetime) -> BroadcastsChanged:
        moves = _moves(connection, now)  # anew: somebody may have published meanwhile
        told: set[str] = set()
        for broadcast_id, node_ids in moves.gone.items():
            forget_nodes(connection, broadcast_id, node_ids)
        for broadcast_id in moves.ended:
            told |= release_nodes(connection, broadcast_id)
        for broadcast_id, wanted in moves.wanted.items():
            told |= assign_nodes(connection, broadcast_id, wanted)
        raise_revision(connection, told)
        return BroadcastsChanged(frozenset(told))

    @writing_quietly
    def drop_broadcasts(self, connection: Connection, before: datetime, *, max_count: int) -> int:
        """See BroadcastSweepStore."""
        before_us = as_us(before)
        is_old = or_(broadcasts.c.withdraw_us < before_us, broadcasts.c.end_us < before_us)
        old = list(connection.scalars(select(broadcasts.c.broadcast_id).where(is_old).limit(max_count)))
        for part in parts(old):
            connection.execute(delete(broadcast_nodes).where(broadcast_nodes.c.broadcast_id.in_(part)))
            connection.execute(delete(broadcasts).where(broadcasts.c.broadcast_id.in_(part)))
        return len(old)


def _moves(connection: Connection, now: datetime) -> _Moves:
    """What is not as it should be. The fleet is only looked at when something is on the air."""
    found = _Moves()
    query = select(broadcasts).where(broadcasts.c.withdraw_us.is_(None))
    records = list(map(broadcast_record, connection.execute(query)))
    live = [each for each in records if not each.is_over_at(now)]
    for record in records:
        is_ended = record.is_over_at(now)
        if is_ended and any(each.is_wanted for each in nodes_of(connection, record.broadcast_id).values()):
            found.ended.append(record.broadcast_id)
    if live:
        _match(connection, live, found)
    return found


def _match(connection: Connection, live: list[BroadcastRecord], found: _Moves) -> None:
    there = {node.node_id: node for node in selectables(connection)}
    units = [node for node in there.values() if node.kind is NodeKind.RSU and node.can_come]
    tree, places = tenant_tree(connection), resolver(connection)
    for record in live:
        below, matches = tree.below(record.tenant_id), places.matcher(record.selector).matches
        wanted = frozenset(unit.node_id for unit in units if unit.tenant_id in below and matches(unit))
        known = nodes_of(connection, record.broadcast_id)
        gone = frozenset(node_id for node_id in known if node_id not in there or not there[node_id].can_come)
        if gone:
            found.gone[record.broadcast_id] = gone
        if wanted != {each.node_id for each in known.values() if each.is_wanted} - gone:
            found.wanted[record.broadcast_id] = wanted
