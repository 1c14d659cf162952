"""History and silence in SQL, as the loops write them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, tuple_, update

from wayside_manager.core.events import NewEvent, Severity
from wayside_manager.core.history import HOUR_S, Added, HistoryRow, merged
from wayside_manager.core.node_health import PRESENCE_CHECK, SILENT, HealthState
from wayside_manager.core.nodes import NodeState
from wayside_manager.core.reports import ReportKind
from wayside_manager.ports.health import RawHealth
from wayside_manager.ports.rollouts import Lease
from wayside_manager.store import leases
from wayside_manager.store.event_rows import append
from wayside_manager.store.health_rows import history_columns, history_row
from wayside_manager.store.moments import as_time, as_time_or_none, as_us
from wayside_manager.store.node_rows import parts
from wayside_manager.store.part import SqlPart, reading, writing
from wayside_manager.store.stretches import append_stretches, end_stretches
from wayside_manager.store.tables import health_history, history_progress, node_states, node_status, nodes, reports

_PROGRESS_STEP_S = 60
"""Minutes and hours are added to together, so one row tells how far both are."""
Key = tuple[str, int, int]
"""Node, step [s], begin [us since 1970]."""


class SqlHistory(SqlPart):
    """Satisfies `ports.HistoryStore`."""

    @reading
    def history_through(self, connection: Connection) -> datetime | None:
        """See HistoryStore."""
        query = select(history_progress.c.through_us).where(history_progress.c.step_s == _PROGRESS_STEP_S)
        return as_time_or_none(connection.scalar(query))

    @reading
    def raw_health(
        self, connection: Connection, after: datetime, until: datetime, *, max_count: int
    ) -> tuple[Sequence[RawHealth], datetime]:
        """See HistoryStore."""
        came = (reports.c.receive_us > as_us(after), reports.c.receive_us <= as_us(until))
        order = (reports.c.receive_us, reports.c.node_id, reports.c.spool_id, reports.c.sequence)
        cut = select(reports.c.receive_us).where(*came).order_by(reports.c.receive_us).offset(max_count - 1).limit(1)
        through_us = connection.scalar(cut) or as_us(until)
        query = (
            select(reports.c.node_id, reports.c.receive_us, reports.c.record_us, reports.c.time_quality, reports.c.body)
            .where(came[0], reports.c.receive_us <= through_us, reports.c.kind == ReportKind.HEALTH)
            .order_by(*order)
        )
        rows = connection.execute(query).all()
        found = [
            RawHealth(row.node_id, as_time(row.receive_us), as_time_or_none(row.record_us), row.time_quality, row.body)
            for row in rows
        ]
        return found, as_time(through_us)

    @writing
    def add_history(
        self, connection: Connection, added: Mapping[str, Added], *, through: datetime, lease: Lease
    ) -> None:
        """See HistoryStore."""
        leases.check(connection, lease)
        _put_progress(connection, as_us(through))
        _put_rows(connection, added)

    @writing
    def prune_history(self, connection: Connection, before: Mapping[int, datetime], *, max_count: int) -> int:
        """See HistoryStore."""
        count = 0
        key = (health_history.c.node_id, health_history.c.step_s, health_history.c.begin_us)
        for step_s, time in before.items():
            old = (
                select(*key)
                .where(health_history.c.step_s == step_s, health_history.c.begin_us < as_us(time))
                .order_by(health_history.c.begin_us)
                .limit(max_count - count)
            )
            count += connection.execute(delete(health_history).where(tuple_(*key).in_(old))).rowcount
        return count + _drop_stretches(connection, before[HOUR_S], max_count - count)

    @writing
    def note_silences(
        self, connection: Connection, silent: Mapping[str, tuple[datetime, datetime]], *, now: datetime
    ) -> frozenset[str]:
        """See HistoryStore."""
        new = _newly_silent(connection, silent)
        begun = {node_id: as_us(silent[node_id][1]) for node_id in new}
        append_stretches(connection, {node_id: (SILENT, begin_us) for node_id, begin_us in begun.items()})
        _mark_silent(connection, begun)
        append(connection, [_silence(row, silent[node_id][1]) for node_id, row in new.items()], now=now)
        _end_of_others(connection, now)
        return frozenset(new)


def _drop_stretches(connection: Connection, before: datetime, max_count: int) -> int:
    """Drops the oldest stretches that ended before a time; how many."""
    key = (node_states.c.node_id, node_states.c.begin_us)
    ended = select(*key).where(node_states.c.end_us < as_us(before)).order_by(node_states.c.end_us).limit(max_count)
    return connection.execute(delete(node_states).where(tuple_(*key).in_(ended))).rowcount


def _put_progress(connection: Connection, through_us: int) -> None:
    of_minutes = history_progress.c.step_s == _PROGRESS_STEP_S
    if not connection.execute(update(history_progress).where(of_minutes).values(through_us=through_us)).rowcount:
        connection.execute(insert(history_progress).values(step_s=_PROGRESS_STEP_S, through_us=through_us))


def _put_rows(connection: Connection, added: Mapping[str, Added]) -> None:
    more: dict[Key, HistoryRow] = {
        (node_id, step_s, begin_us): row for node_id, rows in added.items() for (step_s, begin_us), row in rows.items()
    }
    known = _rows(connection, more)
    new, changed = [], []
    for key, row in more.items():
        node_id, step_s, begin_us = key
        whole = merged(known.get(key, HistoryRow()), row, step_s=step_s)
        if key in known:
            changed.append({"of_node": node_id, "of_step": step_s, "of_begin": begin_us} | _prefixed(whole))
        else:
            new.append({"node_id": node_id, "step_s": step_s, "begin_us": begin_us} | history_columns(whole))
    if new:
        connection.execute(insert(health_history), new)
    if changed:
        statement = (
            update(health_history)
            .where(
                health_history.c.node_id == bindparam("of_node"),
                health_history.c.step_s == bindparam("of_step"),
                health_history.c.begin_us == bindparam("of_begin"),
            )
            .values({name: bindparam(f"to_{name}") for name in history_columns(HistoryRow())})
        )
        connection.execute(statement, changed)


def _prefixed(row: HistoryRow) -> dict[str, Any]:
    return {f"to_{name}": value for name, value in history_columns(row).items()}


def _rows(connection: Connection, keys: Iterable[Key]) -> dict[Key, HistoryRow]:
    """The rows that are there of these; asked for per begin, of which there are few."""
    nodes_at: dict[tuple[int, int], list[str]] = {}
    for node_id, step_s, begin_us in keys:
        nodes_at.setdefault((step_s, begin_us), []).append(node_id)
    found: dict[Key, HistoryRow] = {}
    for (step_s, begin_us), node_ids in nodes_at.items():
        for part in parts(node_ids):
            query = select(health_history).where(
                health_history.c.node_id.in_(part),
                health_history.c.step_s == step_s,
                health_history.c.begin_us == begin_us,
            )
            found |= {(row.node_id, step_s, begin_us): history_row(row) for row in connection.execute(query)}
    return found


def _newly_silent(connection: Connection, silent: Mapping[str, tuple[datetime, datetime]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in parts(sorted(silent)):
        query = (
            select(nodes.c.node_id, nodes.c.site_id, nodes.c.tenant_id, node_status.c.last_report_us)
            .join(node_status, node_status.c.node_id == nodes.c.node_id)
            .where(
                nodes.c.node_id.in_(part),
                nodes.c.state == NodeState.ENROLLED,
                node_status.c.health_cause != PRESENCE_CHECK,
            )
        )
        for row in connection.execute(query):
            if row.last_report_us == as_us(silent[row.node_id][0]):
                found[row.node_id] = row
    return found


def _mark_silent(connection: Connection, begun: Mapping[str, int]) -> None:
    rows = [{"of_node": node_id, "to_since": begin_us} for node_id, begin_us in begun.items()]
    if rows:
        statement = (
            update(node_status)
            .where(node_status.c.node_id == bindparam("of_node"))
            .values(
                health_state=str(HealthState.UNKNOWN),
                health_cause=PRESENCE_CHECK,
                health_since_us=bindparam("to_since"),
            )
        )
        connection.execute(statement, rows)


def _silence(row: Any, since: datetime) -> NewEvent:  # noqa: ANN401  # a row
    return NewEvent(
        kind="node.presence",
        time=since,
        subject=f"nodes/{row.node_id}",
        message=f"node {row.node_id} is not heard from",
        severity=Severity.WARNING,
        node_id=row.node_id,
        site_id=row.site_id or "",
        tenant_id=row.tenant_id,
        details={"heard": False, "last_report_us": row.last_report_us},
    )


def _end_of_others(connection: Connection, now: datetime) -> None:
    """Ends stretches of nodes that are out of service."""
    query = (
        select(node_states.c.node_id)
        .join(nodes, nodes.c.node_id == node_states.c.node_id)
        .where(node_states.c.end_us.is_(None), nodes.c.state != NodeState.ENROLLED)
    )
    gone = connection.scalars(query).all()
    if gone:
        end_stretches(connection, dict.fromkeys(gone, as_us(now)))
        for part in parts(gone):  # whoever comes back begins anew
            connection.execute(update(node_status).where(node_status.c.node_id.in_(part)).values(health_since_us=None))
