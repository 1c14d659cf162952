"""Reports in SQL: a batch of many nodes is one transaction of a few statements, whatever the number of nodes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wayside_manager.core.nodes import NodeState
from wayside_manager.core.pages import Page, checked_page_size, position
from wayside_manager.core.reports import (
    ConfigFacts,
    HealthFacts,
    LastReport,
    Report,
    ReportBatch,
    ReportKind,
    StoredReport,
    UpdateFacts,
    received,
)
from wayside_manager.store.moments import as_time, as_time_or_none, as_us, as_us_or_none
from wayside_manager.store.node_rows import node_not_found, parts
from wayside_manager.store.part import SqlPart, page
from wayside_manager.store.tables import node_status, nodes, reports, rollout_nodes, spools

_MICROSECONDS_PER_SECOND = 1_000_000


class SqlReports(SqlPart):
    """Satisfies `ports.ReportStore`."""

    async def acknowledged_sequence(self, node_id: str, spool_id: str) -> int:
        """See ReportStore."""
        query = select(spools.c.acknowledged_sequence).where(spools.c.node_id == node_id, spools.c.spool_id == spool_id)
        async with self._database.reading() as connection:
            return await connection.scalar(query) or 0

    async def record_reports(self, batches: Sequence[ReportBatch]) -> tuple[int, ...]:
        """See ReportStore."""
        async with self._database.writing() as connection:
            known = await _acknowledged(connection, {batch.node_id for batch in batches})
            writes = _Writes(known)
            sequences = tuple(writes.add(batch) for batch in batches)
            await writes.execute(connection)
        return sequences

    async def list_reports(self, node_id: str, *, page_size: int = 0, page_token: str = "") -> Page[StoredReport]:
        """See ReportStore."""
        size = checked_page_size(page_size)
        question = f"reports|{node_id}"
        key = (reports.c.receive_us, reports.c.spool_id, reports.c.sequence)
        query = select(reports).where(reports.c.node_id == node_id).order_by(*(column.desc() for column in key))
        before = position(page_token, question, types=(int, str, int))
        if before is not None:
            query = query.where(tuple_(*key) < tuple_(*before))
        async with self._database.reading() as connection:
            rows = (await connection.execute(query.limit(size + 1))).all()
        return page(rows, size, question, key=("receive_us", "spool_id", "sequence"), record=_stored_report)

    async def last_reports(self) -> dict[str, LastReport]:
        """See ReportStore."""
        query = (
            select(nodes.c.node_id, node_status.c.last_report_us, node_status.c.report_period_us)
            .join(node_status, node_status.c.node_id == nodes.c.node_id)
            .where(nodes.c.state != NodeState.RETIRED)
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        return {
            row.node_id: LastReport(
                as_time_or_none(row.last_report_us), row.report_period_us / _MICROSECONDS_PER_SECOND
            )
            for row in rows
        }

    async def prune_reports(self, before: datetime, *, max_count: int) -> int:
        """See ReportStore."""
        key = (reports.c.node_id, reports.c.spool_id, reports.c.sequence)
        old = select(*key).where(reports.c.receive_us < as_us(before)).order_by(reports.c.receive_us).limit(max_count)
        async with self._database.writing() as connection:
            return (await connection.execute(delete(reports).where(tuple_(*key).in_(old)))).rowcount


async def _acknowledged(connection: AsyncConnection, node_ids: set[str]) -> dict[str, dict[str, int]]:
    """Per node its spools and how far each is written.

    Raises: NotFoundError: a node does not exist.
    """
    known: dict[str, dict[str, int]] = {}
    for part in parts(sorted(node_ids)):
        query = (
            select(node_status.c.node_id, spools.c.spool_id, spools.c.acknowledged_sequence)
            .outerjoin_from(node_status, spools, spools.c.node_id == node_status.c.node_id)
            .where(node_status.c.node_id.in_(part))
        )
        for row in await connection.execute(query):
            own = known.setdefault(row.node_id, {})
            if row.spool_id is not None:
                own[row.spool_id] = row.acknowledged_sequence
    for node_id in sorted(node_ids - known.keys()):
        raise node_not_found(node_id)
    return known


@dataclass
class _Writes:
    """Everything a transaction writes, gathered first: one statement per kind of change."""

    known: dict[str, dict[str, int]]
    history: list[dict[str, Any]] = field(default_factory=list)
    status: dict[str, dict[str, Any]] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)
    words: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    advanced: dict[tuple[str, str], int] = field(default_factory=dict)
    new_spools: set[tuple[str, str]] = field(default_factory=set)

    def add(self, batch: ReportBatch) -> int:
        """Takes what is new in a batch; the sequence to acknowledge for it."""
        own, node_id, spool_id = self.known[batch.node_id], batch.node_id, batch.spool_id
        new = received(own.get(spool_id, 0), batch.reports)
        receive_us = as_us(batch.receive_time)
        self.status.setdefault(node_id, {})["last_report_us"] = receive_us
        if not new.fresh:
            return new.acknowledged_sequence
        if spool_id not in own:
            self.new_spools.add((node_id, spool_id))
        own[spool_id] = self.advanced[node_id, spool_id] = new.acknowledged_sequence
        self.lost[node_id] = self.lost.get(node_id, 0) + new.lost_count
        for report in new.fresh:
            self.history.append(_history_row(batch, report, receive_us))
            self.status[node_id] |= _status_values(report)
            if isinstance(report.facts, UpdateFacts) and report.facts.rollout_id:
                self.words[report.facts.rollout_id, node_id] = _word(report, report.facts)
        return new.acknowledged_sequence

    async def execute(self, connection: AsyncConnection) -> None:
        """Writes it all."""
        if self.history:
            await connection.execute(insert(reports), self.history)
        await _write_spools(connection, self.advanced, self.new_spools)
        await _write_status(connection, self.status)
        await _write_lost(connection, self.lost)
        await _write_words(connection, self.words)


def _history_row(batch: ReportBatch, report: Report, receive_us: int) -> dict[str, Any]:
    return {
        "node_id": batch.node_id,
        "spool_id": batch.spool_id,
        "sequence": report.sequence,
        "kind": report.kind,
        "receive_us": receive_us,
        "record_us": as_us_or_none(report.record_time),
        "time_quality": report.time_quality,
        "body": report.body,
    }


def _status_values(report: Report) -> dict[str, Any]:
    match report.facts:
        case HealthFacts() as facts:
            period = {"report_period_us": round(facts.report_period_s * _MICROSECONDS_PER_SECOND)}
            return {
                "health": report.body,
                "running_release": facts.running_release,
                "running_version": facts.running_version,
                "running_config_revision": facts.running_config_revision,
            } | (period if facts.report_period_s > 0 else {})
        case ConfigFacts() as facts:
            return {"config_report": report.body, "running_config_revision": facts.running_config_revision}
        case UpdateFacts() as facts:
            return {
                "update_report": report.body,
                "running_release": facts.running_release,
                "running_version": facts.running_version,
                "update_phase": facts.phase,
            }


def _word(report: Report, facts: UpdateFacts) -> dict[str, Any]:
    return {"phase": facts.phase, "running_release": facts.running_release, "update_report": report.body}


async def _write_spools(
    connection: AsyncConnection, advanced: dict[tuple[str, str], int], new: set[tuple[str, str]]
) -> None:
    added = [
        {"node_id": node_id, "spool_id": spool_id, "acknowledged_sequence": advanced[node_id, spool_id]}
        for node_id, spool_id in sorted(new)
    ]
    if added:
        await connection.execute(insert(spools), added)
    moved = [
        {"of_node": key[0], "of_spool": key[1], "to_sequence": to} for key, to in advanced.items() if key not in new
    ]
    if moved:
        statement = (
            update(spools)
            .where(spools.c.node_id == bindparam("of_node"), spools.c.spool_id == bindparam("of_spool"))
            .values(acknowledged_sequence=bindparam("to_sequence"))
        )
        await connection.execute(statement, moved)


async def _write_status(connection: AsyncConnection, status: dict[str, dict[str, Any]]) -> None:
    """One statement per set of columns; nodes mostly change the same ones."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for node_id, values in status.items():
        row = {"of_node": node_id} | {f"to_{name}": value for name, value in values.items()}
        groups.setdefault(tuple(sorted(values)), []).append(row)
    for names, rows in groups.items():
        statement = (
            update(node_status)
            .where(node_status.c.node_id == bindparam("of_node"))
            .values({name: bindparam(f"to_{name}") for name in names})
        )
        await connection.execute(statement, rows)


async def _write_lost(connection: AsyncConnection, lost: dict[str, int]) -> None:
    rows = [{"of_node": node_id, "more": count} for node_id, count in lost.items() if count]
    if rows:
        statement = (
            update(node_status)
            .where(node_status.c.node_id == bindparam("of_node"))
            .values(lost_report_count=node_status.c.lost_report_count + bindparam("more"))
        )
        await connection.execute(statement, rows)


async def _write_words(connection: AsyncConnection, words: dict[tuple[str, str], dict[str, Any]]) -> None:
    rows = [
        {"of_rollout": rollout_id, "of_node": node_id} | {f"to_{name}": value for name, value in word.items()}
        for (rollout_id, node_id), word in words.items()
    ]
    if rows:
        statement = (
            update(rollout_nodes)
            .where(
                rollout_nodes.c.rollout_id == bindparam("of_rollout"), rollout_nodes.c.node_id == bindparam("of_node")
            )
            .values({name: bindparam(f"to_{name}") for name in ("phase", "running_release", "update_report")})
        )
        await connection.execute(statement, rows)


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
