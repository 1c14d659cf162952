"""Reports in SQL: a batch of many nodes is one transaction of a few statements, whatever the number of nodes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, exists, select, tuple_

from wayside_manager.core.nodes import NodeState
from wayside_manager.core.pages import Page, checked_page_size, position
from wayside_manager.core.reports import (
    LastReport,
    Recorded,
    ReportBatch,
    ReportKind,
    StoredReport,
)
from wayside_manager.store.config_effects import retarget
from wayside_manager.store.database import Database
from wayside_manager.store.event_allowance import EventAllowance
from wayside_manager.store.moments import as_time, as_time_or_none, as_us
from wayside_manager.store.node_rows import node_not_found, parts
from wayside_manager.store.part import SqlPart, page, reading, writing
from wayside_manager.store.report_status import COLUMNS, Known
from wayside_manager.store.report_writes import ReportWrites
from wayside_manager.store.tables import config_contents, node_configs, node_status, nodes, reports, spools

_MICROSECONDS_PER_SECOND = 1_000_000


class SqlReports(SqlPart):
    """Satisfies `ports.ReportStore`."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        # what nodes took back is told even of one whose checks flap
        self._check_allowance, self._return_allowance = EventAllowance(), EventAllowance()

    @reading
    def acknowledged_sequence(self, connection: Connection, node_id: str, spool_id: str) -> int:
        """See ReportStore."""
        query = select(spools.c.acknowledged_sequence).where(spools.c.node_id == node_id, spools.c.spool_id == spool_id)
        return connection.scalar(query) or 0

    @writing
    def record_reports(self, connection: Connection, batches: Sequence[ReportBatch]) -> Recorded:
        """See ReportStore."""
        if not batches:
            return Recorded(())
        known, now = _known(connection, batches), max(batch.receive_time for batch in batches)
        writes = ReportWrites(known)
        sequences = tuple(writes.add(batch) for batch in batches)
        jobs = writes.execute(
            connection, now=now, check_allowance=self._check_allowance, return_allowance=self._return_allowance
        )
        others = sorted(node_id for node_id, each in known.items() if each.is_other)
        if not others:
            return Recorded(sequences, jobs.node_ids, jobs.event_cursor, jobs.job_ids, jobs.rollout_ids)
        cause = f"nodes/{others[0]}" if len(others) == 1 else "nodes/-"
        effect = retarget(connection, now=now, cause=cause, node_ids=others, is_strict=False)
        retold = jobs.node_ids.union(effect.changed_node_ids)
        return Recorded(sequences, retold, jobs.event_cursor, jobs.job_ids, jobs.rollout_ids)

    @reading
    def list_reports(
        self, connection: Connection, node_id: str, *, page_size: int = 0, page_token: str = ""
    ) -> Page[StoredReport]:
        """See ReportStore."""
        size = checked_page_size(page_size)
        question = f"reports|{node_id}"
        key = (reports.c.receive_us, reports.c.spool_id, reports.c.sequence)
        query = select(reports).where(reports.c.node_id == node_id).order_by(*(column.desc() for column in key))
        before = position(page_token, question, types=(int, str, int))
        if before is not None:
            query = query.where(tuple_(*key) < tuple_(*before))
        rows = connection.execute(query.limit(size + 1)).all()
        return page(rows, size, question, key=("receive_us", "spool_id", "sequence"), record=_stored_report)

    @reading
    def last_reports(self, connection: Connection) -> dict[str, LastReport]:
        """See ReportStore."""
        query = (
            select(nodes.c.node_id, node_status.c.last_report_us, node_status.c.report_period_us)
            .join(node_status, node_status.c.node_id == nodes.c.node_id)
            .where(nodes.c.state != NodeState.RETIRED)
        )
        rows = connection.execute(query).all()
        return {
            row.node_id: LastReport(
                as_time_or_none(row.last_report_us), row.report_period_us / _MICROSECONDS_PER_SECOND
            )
            for row in rows
        }

    @writing
    def prune_reports(self, connection: Connection, before: datetime, *, max_count: int) -> int:
        """See ReportStore."""
        key = (reports.c.node_id, reports.c.spool_id, reports.c.sequence)
        old = select(*key).where(reports.c.receive_us < as_us(before)).order_by(reports.c.receive_us).limit(max_count)
        return connection.execute(delete(reports).where(tuple_(*key).in_(old))).rowcount

    @writing
    def prune_config_contents(self, connection: Connection) -> int:
        """See ReportStore."""
        is_told = exists(select(node_configs.c.node_id).where(node_configs.c.sha256 == config_contents.c.sha256))
        running = select(node_status.c.running_config_sha256)
        unused = delete(config_contents).where(~is_told, config_contents.c.sha256.not_in(running))
        return connection.execute(unused).rowcount


def _known(connection: Connection, batches: Sequence[ReportBatch]) -> dict[str, Known]:
    """Per node its status, and how far the spools of these batches are written: it may have had any number of others.

    Raises: NotFoundError: a node does not exist.
    """
    wanted: dict[str, set[str]] = {}
    for batch in batches:
        wanted.setdefault(batch.node_id, set()).add(batch.spool_id)
    known: dict[str, Known] = {}
    for part in parts(sorted(wanted)):
        spool_ids = sorted(set().union(*(wanted[node_id] for node_id in part)))
        is_named = and_(spools.c.node_id == node_status.c.node_id, spools.c.spool_id.in_(spool_ids))
        query = (
            select(*COLUMNS, spools.c.spool_id, spools.c.acknowledged_sequence)
            .outerjoin_from(node_status, spools, is_named)
            .where(node_status.c.node_id.in_(part))
        )
        for row in connection.execute(query):
            own = known.get(row.node_id) or known.setdefault(row.node_id, Known(row))  # type: ignore[arg-type]  # a row is a row
            if row.spool_id is not None:
                own.spools[row.spool_id] = row.acknowledged_sequence
    for node_id in sorted(wanted.keys() - known.keys()):
        raise node_not_found(node_id)
    return known


def _stored_report(row: Row[Any]) -> StoredReport:
    return StoredReport(
        spool_id=row.spool_id,
        sequence=row.sequence,
        kind=ReportKind(row.kind),
        receive_time=as_time(row.receive_us),
        record_time=as_time_or_none(row.record_us),
        time_quality=row.time_quality,
        body=row.body,
    )
