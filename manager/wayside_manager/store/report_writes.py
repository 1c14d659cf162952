"""What a group of reports writes, gathered first and then written with one statement per kind of change.

Usage: `writes = ReportWrites(known)`, `writes.add(batch)` per batch, `writes.execute(connection)`.
"""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, insert, update

from wayside_manager.core.reports import ConfigFacts, HealthFacts, Report, ReportBatch, UpdateFacts, received
from wayside_manager.store.moments import as_us, as_us_or_none
from wayside_manager.store.tables import node_status, reports, rollout_nodes, spools

_MICROSECONDS_PER_SECOND = 1_000_000


@dataclass
class ReportWrites:
    """Everything one transaction writes."""

    known: dict[str, dict[str, int]]
    """Per node its spools and how far each is written; moves on with what is added."""
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

    def execute(self, connection: Connection) -> None:
        """Writes it all."""
        if self.history:
            connection.execute(insert(reports), self.history)
        _write_spools(connection, self.advanced, self.new_spools)
        _write_status(connection, self.status)
        _write_lost(connection, self.lost)
        _write_words(connection, self.words)


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


def _write_spools(connection: Connection, advanced: dict[tuple[str, str], int], new: set[tuple[str, str]]) -> None:
    added = [
        {"node_id": node_id, "spool_id": spool_id, "acknowledged_sequence": advanced[node_id, spool_id]}
        for node_id, spool_id in sorted(new)
    ]
    if added:
        connection.execute(insert(spools), added)
    moved = [
        {"of_node": key[0], "of_spool": key[1], "to_sequence": to} for key, to in advanced.items() if key not in new
    ]
    if moved:
        statement = (
            update(spools)
            .where(spools.c.node_id == bindparam("of_node"), spools.c.spool_id == bindparam("of_spool"))
            .values(acknowledged_sequence=bindparam("to_sequence"))
        )
        connection.execute(statement, moved)


def _write_status(connection: Connection, status: dict[str, dict[str, Any]]) -> None:
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
        connection.execute(statement, rows)


def _write_lost(connection: Connection, lost: dict[str, int]) -> None:
    rows = [{"of_node": node_id, "more": count} for node_id, count in lost.items() if count]
    if rows:
        statement = (
            update(node_status)
            .where(node_status.c.node_id == bindparam("of_node"))
            .values(lost_report_count=node_status.c.lost_report_count + bindparam("more"))
        )
        connection.execute(statement, rows)


def _write_words(connection: Connection, words: dict[tuple[str, str], dict[str, Any]]) -> None:
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
        connection.execute(statement, rows)
