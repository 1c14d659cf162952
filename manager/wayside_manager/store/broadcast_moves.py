"""Broadcasts as time and moving units change them: who is in their areas now, which have ended, which are old."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, or_, select

from wayside_manager.core.broadcasts import BroadcastsChanged
from wayside_manager.core.nodes import NodeKind
from wayside_manager.core.selectors import Matcher, NodeSelector, Resolved, Selectable, names_places
from wayside_manager.store.broadcast_rows import assign_nodes, forget_nodes, release_nodes
from wayside_manager.store.desired import raise_revision
from wayside_manager.store.moments import as_us
from wayside_manager.store.node_rows import parts, selectables
from wayside_manager.store.operator_rows import tenant_tree
from wayside_manager.store.part import SqlPart, reading, writing_quietly
from wayside_manager.store.selection import resolver
from wayside_manager.store.selector_text import selector_of
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
    now_us, is_kept = as_us(now), broadcasts.c.withdraw_us.is_(None)
    ended = (
        select(broadcasts.c.broadcast_id)
        .join(broadcast_nodes, broadcast_nodes.c.broadcast_id == broadcasts.c.broadcast_id)
        .where(is_kept, broadcasts.c.end_us <= now_us, broadcast_nodes.c.is_wanted)
        .distinct()
    )
    found.ended.extend(connection.scalars(ended))
    is_ahead = or_(broadcasts.c.end_us.is_(None), broadcasts.c.end_us > now_us)
    # without the messages, which are large
    query = select(broadcasts.c.broadcast_id, broadcasts.c.tenant_id, broadcasts.c.selector).where(is_kept, is_ahead)
    live: list[Row[Any]] = list(connection.execute(query))
    if live:
        _match(connection, live, found)
    return found


def _match(connection: Connection, live: Iterable[Row[Any]], found: _Moves) -> None:
    """Each broadcast is held only against units that may be meant: there is one for each crossing."""
    everybody = selectables(connection)
    may_come = frozenset(node.node_id for node in everybody if node.can_come)
    units = _Units([node for node in everybody if node.kind is NodeKind.RSU and node.can_come])
    known = _known(connection)
    tree, places = tenant_tree(connection), resolver(connection)
    for row in live:
        below, selector = tree.below(row.tenant_id), selector_of(row.selector)
        resolved = places.resolved(selector)
        matches = Matcher(selector, resolved).matches
        wanted = frozenset(
            unit.node_id for unit in units.near(selector, resolved) if unit.tenant_id in below and matches(unit)
        )
        there = known.get(row.broadcast_id, {})
        if gone := there.keys() - may_come:
            found.gone[row.broadcast_id] = frozenset(gone)
        if wanted != {node_id for node_id, is_wanted in there.items() if is_wanted} - gone:
            found.wanted[row.broadcast_id] = wanted


def _known(connection: Connection) -> dict[str, dict[str, bool]]:
    """Whether units should have what they were told or are to be told, by broadcast and unit."""
    query = (
        select(broadcast_nodes.c.broadcast_id, broadcast_nodes.c.node_id, broadcast_nodes.c.is_wanted)
        .join(broadcasts, broadcasts.c.broadcast_id == broadcast_nodes.c.broadcast_id)
        .where(broadcasts.c.withdraw_us.is_(None))
    )
    found: dict[str, dict[str, bool]] = {}
    for broadcast_id, node_id, is_wanted in connection.execute(query):
        found.setdefault(broadcast_id, {})[node_id] = is_wanted
    return found


class _Units:
    """Roadside units in service, by id and by site."""

    def __init__(self, units: Sequence[Selectable]) -> None:
        self._units = units
        self._by_id = {unit.node_id: unit for unit in units}
        self._by_site: dict[str, list[Selectable]] = {}
        for unit in units:
            self._by_site.setdefault(unit.site_id, []).append(unit)

    def near(self, selector: NodeSelector, resolved: Resolved) -> Iterable[Selectable]:
        """All that a selector may mean, and others: what it names of nodes and places must hold."""
        if selector.all_nodes:
            return self._units
        if selector.node_ids:
            return [self._by_id[node_id] for node_id in set(selector.node_ids) if node_id in self._by_id]
        if names_places(selector):
            return [unit for site_id in resolved.site_ids for unit in self._by_site.get(site_id, ())]
        return self._units
