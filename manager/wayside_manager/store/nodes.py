"""Nodes in SQL."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, false, or_, update

from wayside.errors import FailedPreconditionError, InvalidArgumentError
from wayside_manager.core.access import Reach
from wayside_manager.core.enrollment import RequestState
from wayside_manager.core.events import NewEvent, Severity
from wayside_manager.core.nodes import NodeChange, NodeRecord, NodeState
from wayside_manager.core.pages import Page, checked_page_size, page_token, position
from wayside_manager.core.presence import LOST_PERIODS, ONLINE_MARGIN_S, ONLINE_PERIODS, Presence
from wayside_manager.core.selectors import NodeFilter, NodeSelector
from wayside_manager.store.config_effects import retarget
from wayside_manager.store.credentials import revoke_all
from wayside_manager.store.event_rows import append
from wayside_manager.store.moments import as_us
from wayside_manager.store.node_rows import (
    labels_of,
    node_query,
    node_record,
    replace_labels,
    said_of,
    selectables,
    the_node,
)
from wayside_manager.store.operator_rows import tenant_tree
from wayside_manager.store.part import SqlPart, changed, check_etag, reading, writing
from wayside_manager.store.reaches import covers_node, has_label
from wayside_manager.store.selection import resolver
from wayside_manager.store.site_rows import check_site_of_node
from wayside_manager.store.tables import enrollment_requests, node_status, nodes, tokens

_EXPULSIONS = {NodeState.RETIRED: "node.retired", NodeState.REVOKED: "node.revoked"}
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
        reach: Reach,
        now: datetime,
        page_size: int = 0,
        page_token: str = "",
    ) -> Page[NodeRecord]:
        """See NodeStore."""
        size = checked_page_size(page_size)
        question = f"nodes|{asdict(node_filter)}"
        after = position(page_token, question)
        conditions = (covers_node(reach), *_conditions(node_filter, as_us(now)))
        query = node_query().where(*conditions).order_by(nodes.c.node_id).limit(size + 1)
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
        _check_in_use(node)
        _check_site(connection, node, change)
        _save(connection, node, _columns(change), now)
        if change.labels is not None:
            replace_labels(connection, node_id, change.labels)
        if any(part is not None for part in (change.labels, change.tenant_id, change.site_id, change.variables)):
            cause = f"nodes/{node_id}"
            retarget(connection, now=now, cause=cause, node_ids=[node_id], is_strict=False)
        return _noted(connection, node)

    @writing
    def retire_node(self, connection: Connection, node_id: str, *, now: datetime, etag: str = "") -> NodeRecord:
        """See NodeStore."""
        return _expelled(connection, the_node(connection, node_id), NodeState.RETIRED, now=now, etag=etag)

    @writing
    def revoke_node(self, connection: Connection, node_id: str, *, now: datetime, etag: str = "") -> NodeRecord:
        """See NodeStore."""
        node = the_node(connection, node_id)
        _check_in_use(node)
        return _expelled(connection, node, NodeState.REVOKED, now=now, etag=etag)

    @reading
    def select_nodes(
        self, connection: Connection, selector: NodeSelector, *, reach: Reach, tenant_id: str
    ) -> tuple[str, ...]:
        """See NodeStore."""
        there = selectables(connection, where=(_is_below(connection, tenant_id), covers_node(reach)))
        found = resolver(connection)
        found.check(selector, field="selector", tenant_id=tenant_id)
        matches = found.matcher(selector).matches
        return tuple(node.node_id for node in there if node.can_come and matches(node))

    @reading
    def count_reached(self, connection: Connection, selectors: Iterable[NodeSelector], tenant_id: str) -> int:
        """See NodeStore."""
        found = resolver(connection)
        matchers = [found.matcher(selector) for selector in selectors]
        there = selectables(connection, where=(_is_below(connection, tenant_id),))
        return sum(any(matcher.matches(node) for matcher in matchers) for node in there)


def _columns(change: NodeChange) -> dict[str, Any]:
    """What a change writes into the node's row."""
    columns = {"display_name": change.display_name, "tenant_id": change.tenant_id}
    if change.variables is not None:
        columns["variables"] = json.dumps(dict(change.variables), sort_keys=True)
    values: dict[str, Any] = {name: value for name, value in columns.items() if value is not None}
    if change.site_id is not None:
        values["site_id"] = change.site_id or None
    return values


def _check_site(connection: Connection, node: NodeRecord, change: NodeChange) -> None:
    """Whoever moves to another tenant may not stand where that tenant has no site."""
    if change.site_id is None and change.tenant_id is None:
        return
    site_id = node.site_id if change.site_id is None else change.site_id
    if site_id:
        check_site_of_node(connection, site_id, node.tenant_id if change.tenant_id is None else change.tenant_id)


def _check_in_use(node: NodeRecord) -> None:
    if node.state is NodeState.RETIRED:
        raise FailedPreconditionError(f"node {node.node_id} is retired and stays as it is", reason="NODE_RETIRED")


def _expelled(connection: Connection, node: NodeRecord, state: NodeState, *, now: datetime, etag: str) -> NodeRecord:
    """The node in a state in which nothing it holds opens anything any more."""
    check_etag(etag, int(node.etag), f"node {node.node_id}")
    revoke_all(connection, f"nodes/{node.node_id}", as_us(now))
    # Nor does what would let a unit in as it: whoever stole the unit may have stolen that, too.
    connection.execute(delete(tokens).where(tokens.c.node_id == node.node_id))
    connection.execute(
        delete(enrollment_requests).where(
            enrollment_requests.c.approved_node_id == node.node_id,
            enrollment_requests.c.state == RequestState.APPROVED,
        )
    )
    if node.state is state:
        return the_node(connection, node.node_id)
    _save(connection, node, {"state": state}, now)
    append(connection, [_expulsion(node, state, now=now)], now=now)
    return _noted(connection, node)


def _expulsion(node: NodeRecord, state: NodeState, *, now: datetime) -> NewEvent:
    """Tells of a node that left, or was put out."""
    return NewEvent(
        kind=_EXPULSIONS[state],
        time=now,
        subject=f"nodes/{node.node_id}",
        message=f"node {node.node_id} was {state}",
        severity=Severity.WARNING if state is NodeState.REVOKED else Severity.INFO,
        node_id=node.node_id,
        site_id=node.site_id,
        tenant_id=node.tenant_id,
        details={"from": str(node.state)},
    )


def _save(connection: Connection, node: NodeRecord, values: dict[str, Any], now: datetime) -> None:
    tenant_id = values.get("tenant_id", node.tenant_id)
    if tenant_id not in tenant_tree(connection).parents:
        raise InvalidArgumentError(
            f"tenant: there is no tenant {tenant_id}; list the tenants to see which are", reason="TENANT_UNKNOWN"
        )
    stamp = {"revision": int(node.etag) + 1, "update_us": as_us(now)}
    connection.execute(update(nodes).where(nodes.c.node_id == node.node_id).values(values | stamp))


def _noted(connection: Connection, before: NodeRecord) -> NodeRecord:
    """The node as it is now, with the change noted for the audit trail."""
    node = the_node(connection, before.node_id)
    changed(
        connection, f"nodes/{node.node_id}", before=said_of(before), after=said_of(node), tenant_id=before.tenant_id
    )
    return node


def _is_below(connection: Connection, tenant_id: str) -> ColumnElement[bool]:
    return nodes.c.tenant_id.in_(sorted(tenant_tree(connection).below(tenant_id)))


def _next_token(question: str, items: tuple[NodeRecord, ...]) -> str:
    return page_token(question, (items[-1].node_id,))


def _conditions(node_filter: NodeFilter, now_us: int) -> Iterator[ColumnElement[bool]]:
    if node_filter.states:
        yield nodes.c.state.in_(node_filter.states)
    else:
        yield nodes.c.state != NodeState.RETIRED
    if node_filter.kinds:
        yield nodes.c.kind.in_(node_filter.kinds)
    if node_filter.site_id:
        yield nodes.c.site_id == node_filter.site_id
    if node_filter.presences:
        yield or_(false(), *(_has_presence(presence, now_us) for presence in node_filter.presences))
    for label in node_filter.labels:
        yield has_label(label)


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
