"""Broadcasts in SQL, as operators see them and as sessions tell them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, and_, func, or_, select

from wayside.errors import FailedPreconditionError, ResourceExhaustedError
from wayside_manager.core.access import Reach
from wayside_manager.core.broadcasts import (
    PER_NODE_MAX_COUNT,
    BroadcastCounts,
    BroadcastNode,
    BroadcastRecord,
    BroadcastsChanged,
    BroadcastTold,
    ReceiptState,
    counted,
    targets_of,
)
from wayside_manager.core.nodes import NodeKind
from wayside_manager.core.pages import Page, checked_page_size, position
from wayside_manager.store import event_rows
from wayside_manager.store.broadcast_rows import (
    PUBLISHED,
    WITHDRAWN,
    assign_nodes,
    broadcast_event,
    broadcast_record,
    find_broadcast,
    mark_told,
    node_of,
    release_nodes,
    said_of_broadcast,
    save_broadcast,
    the_broadcast,
)
from wayside_manager.store.desired import raise_revision
from wayside_manager.store.moments import as_us
from wayside_manager.store.node_rows import parts, selectables
from wayside_manager.store.operator_rows import tenant_tree
from wayside_manager.store.part import SqlPart, changed, check_etag, page, reading, writing, writing_quietly
from wayside_manager.store.reaches import covers_node, covers_whole
from wayside_manager.store.selection import resolver
from wayside_manager.store.tables import broadcast_nodes, broadcasts, node_status, nodes


class SqlBroadcasts(SqlPart):
    """Satisfies `ports.BroadcastStore` and `ports.BroadcastTellStore`."""

    @writing
    def publish_broadcast(
        self, connection: Connection, broadcast: BroadcastRecord, *, reach: Reach, etag: str = ""
    ) -> tuple[BroadcastRecord, BroadcastsChanged]:
        """See BroadcastStore."""
        before = find_broadcast(connection, broadcast.broadcast_id)
        check_etag(etag, 0 if before is None else before.revision, f"broadcast {broadcast.broadcast_id}")
        record = broadcast
        if before is not None:  # whose it is stays
            record = replace(
                broadcast,
                tenant_id=before.tenant_id,
                create_time=before.create_time,
                revision=before.revision + 1,
            )
        wanted = _selected(connection, record, reach)
        _check_room(connection, record, wanted)
        save_broadcast(connection, record, is_new=before is None)
        moved = assign_nodes(connection, record.broadcast_id, wanted)
        changed(
            connection,
            f"broadcasts/{record.broadcast_id}",
            before=None if before is None else said_of_broadcast(before),
            after=said_of_broadcast(record),
            tenant_id=record.tenant_id,
        )
        return record, _told(connection, PUBLISHED, record, moved.union(wanted), len(wanted))

    @reading
    def get_broadcast(self, connection: Connection, broadcast_id: str) -> BroadcastRecord:
        """See BroadcastStore."""
        return the_broadcast(connection, broadcast_id)

    @reading
    def list_broadcasts(
        self,
        connection: Connection,
        *,
        reach: Reach,
        now: datetime,
        include_over: bool = False,
        page_size: int = 0,
        page_token: str = "",
    ) -> Page[BroadcastRecord]:
        """See BroadcastStore."""
        size, question = checked_page_size(page_size), f"broadcasts|{include_over}"
        query = select(broadcasts).where(covers_whole(broadcasts.c.tenant_id, reach))
        if not include_over:
            is_ahead = or_(broadcasts.c.end_us.is_(None), broadcasts.c.end_us > as_us(now))
            query = query.where(broadcasts.c.withdraw_us.is_(None), is_ahead)
        before = position(page_token, question)
        if before is not None:
            query = query.where(broadcasts.c.broadcast_id > before[0])
        rows = connection.execute(query.order_by(broadcasts.c.broadcast_id).limit(size + 1)).all()
        return page(rows, size, question, key=("broadcast_id",), record=broadcast_record)

    @reading
    def count_receipts(
        self, connection: Connection, broadcast_ids: Sequence[str], *, reach: Reach
    ) -> Mapping[str, BroadcastCounts]:
        """See BroadcastStore."""
        same = (
            broadcast_nodes.c.is_wanted,
            broadcast_nodes.c.told_revision,
            broadcast_nodes.c.said_revision,
            broadcast_nodes.c.state,
        )
        found: dict[str, BroadcastCounts] = {}
        for broadcast_id in broadcast_ids:
            query = (
                select(*same, func.count())
                .join(nodes, nodes.c.node_id == broadcast_nodes.c.node_id)
                .where(broadcast_nodes.c.broadcast_id == broadcast_id, covers_node(reach))
                .group_by(*same)
            )
            alike = [
                (BroadcastNode(broadcast_id, "", is_wanted, told, said, ReceiptState(state)), count)
                for is_wanted, told, said, state, count in connection.execute(query)
            ]
            found[broadcast_id] = counted(alike, the_broadcast(connection, broadcast_id).revision)
        return found

    @reading
    def list_receipts(
        self,
        connection: Connection,
        broadcast_id: str,
        *,
        reach: Reach,
        only_pending: bool = False,
        page_size: int = 0,
        page_token: str = "",
    ) -> Page[BroadcastNode]:
        """See BroadcastStore."""
        record = the_broadcast(connection, broadcast_id)
        size, question = checked_page_size(page_size), f"receipts|{broadcast_id}|{only_pending}"
        query = (
            select(broadcast_nodes, node_status.c.last_report_us)
            .join(nodes, nodes.c.node_id == broadcast_nodes.c.node_id)
            .outerjoin(node_status, node_status.c.node_id == broadcast_nodes.c.node_id)
            .where(broadcast_nodes.c.broadcast_id == broadcast_id, covers_node(reach))
            .order_by(broadcast_nodes.c.node_id)
        )
        before = position(page_token, question)
        if before is not None:
            query = query.where(broadcast_nodes.c.node_id > before[0])
        rows = [
            row for row in connection.execute(query) if not only_pending or node_of(row).is_pending(record.revision)
        ]
        return page(rows[: size + 1], size, question, key=("node_id",), record=node_of)

    @writing
    def withdraw_broadcast(
        self, connection: Connection, broadcast_id: str, *, author: str, now: datetime
    ) -> tuple[BroadcastRecord, BroadcastsChanged]:
        """See BroadcastStore."""
        before = the_broadcast(connection, broadcast_id)
        if before.withdraw_time is not None:
            return before, BroadcastsChanged()
        record = replace(before, withdraw_time=now, update_time=now, author=author, revision=before.revision + 1)
        save_broadcast(connection, record, is_new=False)
        told = release_nodes(connection, broadcast_id)
        changed(
            connection,
            f"broadcasts/{broadcast_id}",
            before=said_of_broadcast(before),
            after=said_of_broadcast(record),
            tenant_id=record.tenant_id,
        )
        return record, _told(connection, WITHDRAWN, record, told, len(told))

    async def tell_broadcasts(self, node_id: str, *, now: datetime) -> tuple[BroadcastTold, ...] | None:
        """See BroadcastTellStore."""
        told, news = await self._tellable(node_id, now=now)
        if told and news:
            await self._mark_told(node_id, news)
        return told

    @reading
    def _tellable(
        self, connection: Connection, node_id: str, *, now: datetime
    ) -> tuple[tuple[BroadcastTold, ...] | None, dict[str, int]]:
        """What a unit is told, and which revisions are news to it."""
        if connection.scalar(select(nodes.c.kind).where(nodes.c.node_id == node_id)) != NodeKind.RSU:
            return None, {}
        units = {
            row.broadcast_id: node_of(row)
            for row in connection.execute(select(broadcast_nodes).where(broadcast_nodes.c.node_id == node_id))
        }
        wanted = [each for each, unit in units.items() if unit.is_wanted or not unit.is_off]
        told = []
        for part in parts(sorted(wanted)):
            query = select(broadcasts).where(broadcasts.c.broadcast_id.in_(part)).order_by(broadcasts.c.broadcast_id)
            for record in map(broadcast_record, connection.execute(query)):
                unit = units[record.broadcast_id]
                is_withdrawn = not unit.is_wanted or record.is_over_at(now)
                is_unheard = unit.is_pending(record.revision)
                told.append(BroadcastTold(record, is_withdrawn=is_withdrawn, is_unheard=is_unheard))
        shown = targets_of(told)
        news = {
            each.record.broadcast_id: each.record.revision
            for each in shown
            if units[each.record.broadcast_id].told_revision != each.record.revision
        }
        return tuple(shown), news

    @writing_quietly
    def _mark_told(self, connection: Connection, node_id: str, news: Mapping[str, int]) -> None:
        mark_told(connection, node_id, news)


def _selected(connection: Connection, record: BroadcastRecord, reach: Reach) -> tuple[str, ...]:
    """The roadside units it is for.

    Raises: NotFoundError, InvalidArgumentError: the selector; FailedPreconditionError: there are none.
    """
    below = sorted(tenant_tree(connection).below(record.tenant_id))
    there = selectables(connection, where=(nodes.c.tenant_id.in_(below), covers_node(reach)))
    found = resolver(connection)
    found.check(record.selector, field="broadcast.selector", tenant_id=record.tenant_id)
    matches = found.matcher(record.selector).matches
    wanted = tuple(node.node_id for node in there if node.kind is NodeKind.RSU and node.can_come and matches(node))
    if not wanted:
        raise FailedPreconditionError(
            "broadcast.selector: no roadside unit in service is selected; `wayside nodes list` shows which there are",
            reason="NOBODY_SELECTED",
        )
    return wanted


def _check_room(connection: Connection, record: BroadcastRecord, wanted: Collection[str]) -> None:
    """Raises: ResourceExhaustedError: a unit would have too many."""
    is_live = and_(
        broadcasts.c.withdraw_us.is_(None),
        or_(broadcasts.c.end_us.is_(None), broadcasts.c.end_us > as_us(record.update_time)),
    )
    for part in parts(sorted(wanted)):
        query = (
            select(broadcast_nodes.c.node_id, func.count())
            .join(broadcasts, broadcasts.c.broadcast_id == broadcast_nodes.c.broadcast_id)
            .where(broadcast_nodes.c.node_id.in_(part), broadcast_nodes.c.is_wanted, is_live)
            .where(broadcasts.c.broadcast_id != record.broadcast_id)
            .group_by(broadcast_nodes.c.node_id)
        )
        for node_id, count in connection.execute(query):
            if count >= PER_NODE_MAX_COUNT:
                raise ResourceExhaustedError(
                    f"node {node_id} has {PER_NODE_MAX_COUNT} broadcasts; withdraw one, or select fewer units",
                    reason="BROADCASTS_TOO_MANY",
                )


def _told(
    connection: Connection, kind: str, record: BroadcastRecord, node_ids: Collection[str], node_count: int
) -> BroadcastsChanged:
    raise_revision(connection, node_ids)
    event = broadcast_event(kind, record, node_count)
    cursor = event_rows.append(connection, [event], now=record.update_time)
    return BroadcastsChanged(frozenset(node_ids), cursor)
