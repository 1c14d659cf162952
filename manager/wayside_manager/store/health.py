"""The health of nodes in SQL, as operators ask for it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, case, or_, select

from wayside_manager.core.access import Reach
from wayside_manager.core.availability import Stretch
from wayside_manager.core.history import HistoryRow
from wayside_manager.core.node_health import PRESENCE_CHECK, HealthState
from wayside_manager.core.nodes import NodeState
from wayside_manager.core.pages import Page, checked_page_size, position
from wayside_manager.core.presence import LOST_PERIODS, ONLINE_MARGIN_S, ONLINE_PERIODS
from wayside_manager.core.selectors import NodeSelector, Selectable
from wayside_manager.ports.health import GroupBy, HealthRecord
from wayside_manager.store.health_rows import history_row
from wayside_manager.store.moments import as_time, as_time_or_none, as_us
from wayside_manager.store.node_rows import node_not_found, parts, selectables
from wayside_manager.store.part import SqlPart, page, reading
from wayside_manager.store.reaches import covers_node, may_name_places_of
from wayside_manager.store.selection import resolver
from wayside_manager.store.tables import health_history, node_states, node_status, nodes, sites

_US_PER_S = 1_000_000
_RECORD_COLUMNS = (
    nodes.c.node_id,
    nodes.c.create_us,
    node_status.c.health,
    node_status.c.health_state,
    node_status.c.health_since_us,
    node_status.c.last_report_us,
    node_status.c.report_period_us,
    node_status.c.autonomy_end_us,
    node_status.c.autonomy_limit,
)


class SqlHealth(SqlPart):
    """Satisfies `ports.HealthStore`."""

    @reading
    def get_health(self, connection: Connection, node_id: str) -> HealthRecord:
        """See HealthStore."""
        row = connection.execute(_records().where(nodes.c.node_id == node_id)).one_or_none()
        if row is None:
            raise node_not_found(node_id)
        return _record(row)

    @reading
    def list_health(
        self,
        connection: Connection,
        states: Iterable[HealthState],
        *,
        reach: Reach,
        now: datetime,
        page_size: int = 0,
        page_token: str = "",
    ) -> Page[HealthRecord]:
        """See HealthStore."""
        wanted, size = sorted({str(state) for state in states}), checked_page_size(page_size)
        question = f"health|{wanted}"
        after = position(page_token, question)
        query = _records().where(nodes.c.state == NodeState.ENROLLED, covers_node(reach))
        if wanted:
            query = query.where(_overall_state(as_us(now)).in_(wanted))
        if after is not None:
            query = query.where(nodes.c.node_id > after[0])
        rows = connection.execute(query.order_by(nodes.c.node_id).limit(size + 1)).all()
        return page(rows, size, question, key=("node_id",), record=_record)

    @reading
    def list_history(
        self, connection: Connection, node_id: str, *, step_s: int, begin: datetime, end: datetime
    ) -> Sequence[tuple[datetime, HistoryRow]]:
        """See HealthStore."""
        query = (
            select(health_history)
            .where(
                health_history.c.node_id == node_id,
                health_history.c.step_s == step_s,
                health_history.c.begin_us >= as_us(begin),
                health_history.c.begin_us < as_us(end),
            )
            .order_by(health_history.c.begin_us)
        )
        return [(as_time(row.begin_us), history_row(row)) for row in connection.execute(query)]

    @reading
    def list_stretches(
        self,
        connection: Connection,
        group_by: GroupBy,
        selector: NodeSelector | None,
        *,
        reach: Reach,
        begin: datetime,
        end: datetime,
    ) -> tuple[Sequence[Stretch], Mapping[str, str]]:
        """See HealthStore."""
        group_of = _groups(connection, group_by, _chosen(connection, selector, reach))
        stretches: list[Stretch] = []
        for part in parts(sorted(group_of)):
            query = select(node_states).where(
                node_states.c.node_id.in_(part),
                node_states.c.begin_us < as_us(end),
                or_(node_states.c.end_us.is_(None), node_states.c.end_us > as_us(begin)),
            )
            stretches += [
                Stretch(row.node_id, row.state, as_time(row.begin_us), as_time_or_none(row.end_us))
                for row in connection.execute(query)
            ]
        return stretches, group_of


def _records() -> Select[Any]:
    return select(*_RECORD_COLUMNS).join(node_status, node_status.c.node_id == nodes.c.node_id)


def _record(row: Row[Any]) -> HealthRecord:
    return HealthRecord(
        node_id=row.node_id,
        body=row.health,
        state=HealthState(row.health_state),
        since_time=as_time_or_none(row.health_since_us),
        create_time=as_time(row.create_us),
        last_report_time=as_time_or_none(row.last_report_us),
        report_period_s=row.report_period_us / _US_PER_S,
        autonomy_end_time=as_time_or_none(row.autonomy_end_us),
        autonomy_limit=row.autonomy_limit,
    )


def _overall_state(now_us: int) -> ColumnElement[Any]:
    """`core.node_health.overall` as an expression; a contract test holds the two together."""
    age_us, period_us = now_us - node_status.c.last_report_us, node_status.c.report_period_us
    is_lost = and_(
        age_us > period_us * LOST_PERIODS, age_us > period_us * ONLINE_PERIODS + int(ONLINE_MARGIN_S * _US_PER_S)
    )
    is_silent = or_(node_status.c.last_report_us.is_(None), is_lost, node_status.c.health_cause == PRESENCE_CHECK)
    return case((is_silent, str(HealthState.UNKNOWN)), else_=node_status.c.health_state)


def _chosen(connection: Connection, selector: NodeSelector | None, reach: Reach) -> list[Selectable]:
    """Nodes of the reach that were ever in service, as far as a selector means them."""
    there = [node for node in selectables(connection, where=(covers_node(reach),)) if _has_served(node)]
    if selector is None:
        return there
    found = resolver(connection)
    found.check(selector, field="selector", is_owner=lambda tenant_id: may_name_places_of(reach, tenant_id))
    matches = found.matcher(selector).matches
    return [node for node in there if matches(node)]


def _has_served(node: Selectable) -> bool:
    return node.state is not NodeState.REGISTERED


def _groups(connection: Connection, group_by: GroupBy, chosen: list[Selectable]) -> dict[str, str]:
    match group_by:
        case GroupBy.SITE:
            return {node.node_id: f"sites/{node.site_id}" if node.site_id else "" for node in chosen}
        case GroupBy.MODEL:
            return {node.node_id: node.model for node in chosen}
        case GroupBy.EXPOSURE:
            found = connection.execute(select(sites.c.site_id, sites.c.exposure_class))
            classes = {row.site_id: row.exposure_class for row in found}
            return {node.node_id: classes.get(node.site_id, "") for node in chosen}
        case GroupBy.ALL:
            return {node.node_id: "" for node in chosen}
