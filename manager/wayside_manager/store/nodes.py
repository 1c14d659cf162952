"""Nodes in SQL."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, false, or_, select, update

from wayside.errors import FailedPreconditionError
from wayside_manager.core.nodes import NodeChange, NodeRecord, NodeState
from wayside_manager.core.pages import Page, checked_page_size, page_token, position
from wayside_manager.core.presence import LOST_PERIODS, ONLINE_MARGIN_S, ONLINE_PERIODS, Presence
from wayside_manager.core.selectors import NodeFilter, NodeSelector, selects
from wayside_manager.store.config_effects import refresh_configs
from wayside_manager.store.moments import as_us
from wayside_manager.store.node_rows import (
    labels_of,
    node_query,
    node_record,
    replace_labels,
    selectables,
    the_node,
)
from wayside_manager.store.part import SqlPart, check_etag, reading, writing
from wayside_manager.store.tables import node_labels, node_status, nodes

_MARGIN_US = int(ONLINE_MARGIN_S * 1_000_000)


class SqlNodes(SqlPart):
    """Satisfies `ports.NodeStore` and `ports.DesiredStore`."""

    @reading
    def get_node(self, connection: Connection, node_id: str) -> NodeRecord:
        """See NodeStore."""
        return the_node(connection, node_id)

    @reading
    def list_nodes(
        self,
        connection: Connection,
        node_filter: NodeFilter,
        *,
        now: datetime,
        page_size: int = 0,
        page_token: str = "",
    ) -> Page[NodeRecord]:
        """See NodeStore."""
        size = checked_page_size(page_size)
        question = f"nodes|{asdict(node_filter)}"
        after = position(page_token, question)
        query = node_query().where(*_conditions(node_filter, as_us(now))).order_by(nodes.c.node_id).limit(size + 1)
        if after is not None:
            query = query.where(nodes.c.node_id > after[0])
        rows = connection.execute(query).all()
        labels = labels_of(connection, [row.node_id for row in rows[:size]])
        items = tuple(node_record(row, labels.get(row.node_id, ())) for row in rows[:size])
        return Page(items, _next_token(question, items) if len(rows) > size else "")

    @writing
    def update_node(
        self, connection: Connection, node_id: str, change: NodeChange, *, now: datetime, etag: str = ""
    ) -> NodeRecord:
        """See NodeStore."""
        node = the_node(connection, node_id)
        check_etag(etag, int(node.etag), f"node {node_id}")
        if node.state is NodeState.RETIRED:
            raise FailedPreconditionError(f"node {node_id} is retired and stays as it is", reason="NODE_RETIRED")
        values: dict[str, Any] = {"revision": int(node.etag) + 1, "update_us": as_us(now)}
        values |= {
            name: value
            for name, value in (("display_name", change.display_name), ("site", change.site))
            if value is not None
        }
        connection.execute(update(nodes).where(nodes.c.node_id == node_id).values(values))
        if change.labels is not None:
            replace_labels(connection, node_id, change.labels)
            refresh_configs(connection, self._serialize_config, now=now, node_ids=[node_id])
        return the_node(connection, node_id)

    @writing
    def retire_node(self, connection: Connection, node_id: str, *, now: datetime, etag: str = "") -> NodeRecord:
        """See NodeStore."""
        node = the_node(connection, node_id)
        check_etag(etag, int(node.etag), f"node {node_id}")
        if node.state is NodeState.RETIRED:
            return node
        values = {"revision": int(node.etag) + 1, "update_us": as_us(now), "state": NodeState.RETIRED}
        connection.execute(update(nodes).where(nodes.c.node_id == node_id).values(values))
        return the_node(connection, node_id)

    @reading
    def select_nodes(self, connection: Connection, selector: NodeSelector) -> tuple[str, ...]:
        """See NodeStore."""
        return tuple(node.node_id for node in selectables(connection) if selects(selector, node))


def _next_token(question: str, items: tuple[NodeRecord, ...]) -> str:
    return page_token(question, (items[-1].node_id,))


def _conditions(node_filter: NodeFilter, now_us: int) -> Iterator[ColumnElement[bool]]:
    if node_filter.states:
        yield nodes.c.state.in_(node_filter.states)
    else:
        yield nodes.c.state != NodeState.RETIRED
    if node_filter.kinds:
        yield nodes.c.kind.in_(node_filter.kinds)
    if node_filter.site:
        yield nodes.c.site == node_filter.site
    if node_filter.presences:
        yield or_(false(), *(_has_presence(presence, now_us) for presence in node_filter.presences))
    for label in node_filter.labels:
        yield exists(
            select(node_labels.c.node_id).where(
                node_labels.c.node_id == nodes.c.node_id,
                node_labels.c.key == label.key,
                node_labels.c.value == label.value,
            )
        )


def _has_presence(presence: Presence, now_us: int) -> ColumnElement[bool]:
    """`core.presence.presence` as a condition; a contract test holds the two together."""
    seen_us, period_us = node_status.c.last_report_us, node_status.c.report_period_us
    age_us = now_us - seen_us
    is_online = age_us <= period_us * ONLINE_PERIODS + _MARGIN_US
    is_lost = and_(age_us > period_us * LOST_PERIODS, ~is_online)
    conditions: dict[Presence, ColumnElement[bool]] = {
        Presence.NEVER_SEEN: seen_us.is_(None),
        Presence.ONLINE: is_online,
        Presence.LATE: and_(~is_online, ~is_lost),
        Presence.LOST: is_lost,
    }
    return conditions[presence]
