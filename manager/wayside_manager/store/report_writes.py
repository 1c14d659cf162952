"""What a group of reports writes, gathered first and then written with one statement per kind of change.

Usage: `writes = ReportWrites(known)`, `writes.add(batch)` per batch, `writes.execute(connection)`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, and_, bindparam, case, insert, select, true, update

from wayside_manager.core.broadcasts import BroadcastFacts, BroadcastWord
from wayside_manager.core.jobs import JobsChanged
from wayside_manager.core.nodes import UpdatePhase
from wayside_manager.core.reports import (
    ConfigFacts,
    ConfigOutcome,
    JobFacts,
    JobWord,
    Report,
    ReportBatch,
    UpdateFacts,
    received,
)
from wayside_manager.core.rollout_facts import BROKEN_OFF
from wayside_manager.core.rollout_retries import fault_of
from wayside_manager.store.broadcast_words import write_broadcast_words
from wayside_manager.store.event_allowance import EventAllowance
from wayside_manager.store.health_writes import write_health
from wayside_manager.store.job_words import write_job_words
from wayside_manager.store.moments import as_us, as_us_or_none
from wayside_manager.store.node_rows import parts
from wayside_manager.store.report_events import tell_set_back
from wayside_manager.store.report_status import Known
from wayside_manager.store.tables import config_contents, node_status, reports, rollout_nodes, rollouts, spools

_ANY_ATTEMPT = 2**31 - 1
_CONFIG_PHASES = {
    ConfigOutcome.PROVISIONAL: UpdatePhase.PROVISIONAL,
    ConfigOutcome.APPLIED: UpdatePhase.COMMITTED,
    ConfigOutcome.REVERTED: UpdatePhase.ROLLED_BACK,
    ConfigOutcome.REJECTED: UpdatePhase.FAILED,
}


@dataclass
class ReportWrites:
    """Everything one transaction writes."""

    known: dict[str, Known]
    """What is known of each node; moves on with what is added."""
    history: list[dict[str, Any]] = field(default_factory=list)
    lost: dict[str, int] = field(default_factory=dict)
    updates: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """Words on releases, by rollout and node."""
    configs: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """Words on configurations, by trial and node: a trial is called after the rollout that asks for it."""
    contents: dict[str, bytes] = field(default_factory=dict)
    """Configurations that run, by SHA-256."""
    advanced: dict[tuple[str, str], int] = field(default_factory=dict)
    new_spools: set[tuple[str, str]] = field(default_factory=set)
    job_words: list[JobWord] = field(default_factory=list)
    """Words on jobs, in the order they were said."""
    broadcast_words: list[BroadcastWord] = field(default_factory=list)
    """Words on broadcasts, as above."""

    def add(self, batch: ReportBatch) -> int:
        """Takes what is new in a batch; the sequence to acknowledge for it."""
        known, node_id, spool_id = self.known[batch.node_id], batch.node_id, batch.spool_id
        receive_us = as_us(batch.receive_time)
        if batch.is_opening:
            known.opened(receive_us)
            return 0
        if batch.is_live:
            known.heard(receive_us)
            for report in batch.reports:
                known.take(report, receive_us)
            return 0
        new = received(known.spools.get(spool_id, 0), batch.reports)
        known.heard(receive_us)
        if not new.fresh:
            return new.acknowledged_sequence
        if spool_id not in known.spools:
            self.new_spools.add((node_id, spool_id))
        known.spools[spool_id] = self.advanced[node_id, spool_id] = new.acknowledged_sequence
        self.lost[node_id] = self.lost.get(node_id, 0) + new.lost_count
        for report in new.fresh:
            self.history.append(_history_row(batch, report, receive_us))
            known.take(report, receive_us)
            self._listen(node_id, report, receive_us)
        return new.acknowledged_sequence

    def _listen(self, node_id: str, report: Report, receive_us: int) -> None:
        """Keeps what rollouts want to hear."""
        match report.facts:
            case UpdateFacts(rollout_id=str(rollout_id)) as facts if rollout_id:
                self.updates[rollout_id, node_id] = _update_word(report, facts, receive_us)
            case ConfigFacts() as facts:
                if facts.running_config:
                    self.contents[facts.running_config_sha256] = facts.running_config
                if facts.trial and facts.outcome in _CONFIG_PHASES:
                    self.configs[facts.trial, node_id] = _config_word(report, facts)
            case JobFacts() as facts:
                self.job_words.append(JobWord(node_id, facts))
            case BroadcastFacts() as facts:
                self.broadcast_words.append(BroadcastWord(node_id, facts, receive_us))

    def execute(
        self,
        connection: Connection,
        *,
        now: datetime,
        check_allowance: EventAllowance,
        return_allowance: EventAllowance,
    ) -> JobsChanged:
        """Writes it all; what became of jobs by it, with the cursor of the newest event that tells of any of it."""
        if self.history:
            connection.execute(insert(reports), self.history)
        _write_spools(connection, self.advanced, self.new_spools)
        _write_status(connection, {node_id: known.changes for node_id, known in self.known.items() if known.changes})
        _write_lost(connection, self.lost)
        _write_contents(connection, self.contents)
        _write_update_words(connection, self.updates)
        _write_config_words(connection, self.configs)
        standings = {node_id: known.health for node_id, known in self.known.items()}
        cursor = write_health(connection, standings, now=now, allowance=check_allowance)
        set_back = {node_id: known.set_back for node_id, known in self.known.items() if known.set_back}
        cursor = max(cursor, tell_set_back(connection, set_back, now=now, allowance=return_allowance))
        said = write_broadcast_words(connection, self.broadcast_words, now=now, allowance=return_allowance)
        cursor = max(cursor, said)
        changed = write_job_words(connection, self.job_words, now=now)
        return replace(changed, event_cursor=max(cursor, changed.event_cursor))


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


def _update_word(report: Report, facts: UpdateFacts, receive_us: int) -> dict[str, Any]:
    # that a try before this one did not succeed has been counted
    is_end = facts.phase in BROKEN_OFF
    return {
        "phase": facts.phase,
        "running_release": facts.running_release,
        "report": report.body,
        "fault": fault_of(facts.phase, facts.reason),
        "of_attempt": facts.attempt if is_end else _ANY_ATTEMPT,
        "receive_us": receive_us,
    }


def _config_word(report: Report, facts: ConfigFacts) -> dict[str, Any]:
    return {
        "phase": _CONFIG_PHASES[facts.outcome],
        "message": facts.message,
        "report": report.body,
        "revision": facts.running_config_revision,
        "sha256": facts.running_config_sha256,
    }


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


def _write_contents(connection: Connection, contents: dict[str, bytes]) -> None:
    known: set[str] = set()
    for part in parts(contents):
        known.update(connection.scalars(select(config_contents.c.sha256).where(config_contents.c.sha256.in_(part))))
    rows = [{"sha256": sha256, "content": content} for sha256, content in contents.items() if sha256 not in known]
    if rows:
        connection.execute(insert(config_contents), rows)


def _write_update_words(connection: Connection, words: dict[tuple[str, str], dict[str, Any]]) -> None:
    wanted = select(rollouts.c.version).where(rollouts.c.rollout_id == rollout_nodes.c.rollout_id).scalar_subquery()
    runs_target = and_(bindparam("to_phase") == UpdatePhase.COMMITTED, wanted == bindparam("to_running_release"))
    goes_on = and_(rollout_nodes.c.phase == UpdatePhase.STAGED, bindparam("to_phase") != UpdatePhase.STAGED)
    resume_us = case((goes_on, bindparam("to_receive_us", type_=BigInteger)), else_=rollout_nodes.c.resume_us)
    _write_words(
        connection,
        words,
        values={"runs_target": runs_target, "resume_us": resume_us},
        columns=("phase", "report", "fault"),
        condition=rollout_nodes.c.attempt <= bindparam("to_of_attempt"),
    )


def _write_config_words(connection: Connection, words: dict[tuple[str, str], dict[str, Any]]) -> None:
    # a unit says by its hash what it runs; when it could not, because it is too large for a report, by its number
    by_hash = rollout_nodes.c.config_sha256 == bindparam("to_sha256")
    by_number = rollout_nodes.c.config_revision == bindparam("to_revision")
    for says_hash, runs_it in ((True, by_hash), (False, by_number)):
        some = {key: word for key, word in words.items() if bool(word["sha256"]) is says_hash}
        runs_target = and_(bindparam("to_phase") == UpdatePhase.COMMITTED, runs_it)
        values = {"runs_target": runs_target}
        _write_words(connection, some, values=values, columns=("phase", "report", "message"), condition=true())


def _write_words(
    connection: Connection,
    words: dict[tuple[str, str], dict[str, Any]],
    *,
    values: Mapping[str, ColumnElement[Any]],
    columns: Iterable[str],
    condition: ColumnElement[bool],
) -> None:
    rows = [
        {"of_rollout": rollout_id, "of_node": node_id} | {f"to_{name}": value for name, value in word.items()}
        for (rollout_id, node_id), word in words.items()
    ]
    if not rows:
        return
    said: dict[str, ColumnElement[Any]] = {name: bindparam(f"to_{name}") for name in columns}
    statement = (
        update(rollout_nodes)
        .where(rollout_nodes.c.rollout_id == bindparam("of_rollout"), rollout_nodes.c.node_id == bindparam("of_node"))
        .where(condition)
        .values(said | dict(values))
    )
    connection.execute(statement, rows)
