"""What reports make of a node's status: the columns they change, beside what the node had said before.

Usage: `known = Known(row)`, then per fresh report `known.take(report, receive_us)`; `known.changes` is what to write.
"""

from typing import Any

from sqlalchemy import Row

from wayside.names import PLATFORM_JOB_PREFIX
from wayside_manager.core.nodes import UpdatePhase
from wayside_manager.core.penalty import Penalty, after_fault, after_session
from wayside_manager.core.reports import (
    ConfigFacts,
    ConfigOutcome,
    HealthFacts,
    JobFacts,
    Report,
    UpdateFacts,
)
from wayside_manager.store.health_standing import COLUMNS as HEALTH_COLUMNS
from wayside_manager.store.health_standing import HealthStanding
from wayside_manager.store.moments import as_time, as_time_or_none, as_us_or_none
from wayside_manager.store.tables import node_status

_MICROSECONDS_PER_SECOND = 1_000_000
COLUMNS = (
    node_status.c.node_id,
    node_status.c.model,
    node_status.c.running_version,
    node_status.c.update_phase,
    node_status.c.config_outcome,
    node_status.c.config_trial,
    node_status.c.penalty,
    node_status.c.penalty_us,
    *HEALTH_COLUMNS,
)
"""What a look at a node's status needs."""
_HEALTH = slice(len(COLUMNS) - len(HEALTH_COLUMNS), len(COLUMNS))


class Known:
    """What is known of one node while its reports are taken in."""

    def __init__(self, row: Row[Any]) -> None:
        self.spools: dict[str, int] = {}
        """How far each spool is written; moves on with what is added."""
        self.changes: dict[str, Any] = {}
        """Columns of `node_status` to write."""
        self.set_back: list[Report] = []
        """Reports that told that the node went back to what it ran before, or did what a platform asked for."""
        self.health = HealthStanding(row[_HEALTH])
        self._kind = (row.model, row.running_version)
        self._phase = row.update_phase
        self._config = (row.config_outcome, row.config_trial)
        self._penalty = Penalty(row.penalty, as_time_or_none(row.penalty_us))

    @property
    def is_other(self) -> bool:
        """Whether the node now says it is another model, or runs another version."""
        return self._kind != (
            self.changes.get("model", self._kind[0]),
            self.changes.get("running_version", self._kind[1]),
        )

    def heard(self, receive_us: int) -> None:
        """Notes a sign of life."""
        self.changes["last_report_us"] = receive_us

    def opened(self, receive_us: int) -> None:
        """Notes a new session."""
        self._fined(after_session(self._penalty, as_time(receive_us)))

    def take(self, report: Report, receive_us: int) -> None:
        """Notes a fresh report."""
        match report.facts:
            case HealthFacts() as facts:
                self._health(report, facts, receive_us)
            case ConfigFacts() as facts:
                self._word(report, facts, receive_us)
            case UpdateFacts() as facts:
                self._update(report, facts, receive_us)
            case JobFacts() as facts:
                if facts.job_id.startswith(PLATFORM_JOB_PREFIX) and facts.state != "running":
                    self.set_back.append(report)

    def _health(self, report: Report, facts: HealthFacts, receive_us: int) -> None:
        if self.health.is_past(report, receive_us):
            return
        self.changes |= self.health.take(report, facts, receive_us)
        self.changes |= {
            "health": report.body,
            "running_release": facts.running_release,
            "running_version": facts.running_version,
            "running_config_revision": facts.running_config_revision,
            "model": facts.model,
        }
        if facts.report_period_s > 0:
            self.changes["report_period_us"] = round(facts.report_period_s * _MICROSECONDS_PER_SECOND)
        if facts.running_config_sha256:
            self.changes["running_config_sha256"] = facts.running_config_sha256
        if facts.config_trial:
            self._fared(ConfigOutcome.PROVISIONAL, facts.config_trial, receive_us)

    def _word(self, report: Report, facts: ConfigFacts, receive_us: int) -> None:
        self.changes["config_report"] = report.body
        if not self.health.is_past(report, receive_us):
            self.changes["running_config_revision"] = facts.running_config_revision
            if facts.running_config_sha256:
                self.changes["running_config_sha256"] = facts.running_config_sha256
        if facts.outcome is ConfigOutcome.REVERTED and (facts.outcome, facts.trial) != self._config:
            self.set_back.append(report)
        if facts.outcome is not ConfigOutcome.NONE:
            self._fared(facts.outcome, facts.trial, receive_us)

    def _update(self, report: Report, facts: UpdateFacts, receive_us: int) -> None:
        self.changes |= {"update_report": report.body, "update_phase": facts.phase}
        if not self.health.is_past(report, receive_us):
            self.changes |= {"running_release": facts.running_release, "running_version": facts.running_version}
        if facts.phase is UpdatePhase.ROLLED_BACK and self._phase != facts.phase:
            self.set_back.append(report)
            self._fined(after_fault(self._penalty, as_time(receive_us)))
        self._phase = facts.phase

    def _fared(self, outcome: ConfigOutcome, trial: str, receive_us: int) -> None:
        if (outcome, trial) == self._config:
            return
        self._config = (outcome, trial)
        self.changes |= {"config_outcome": outcome, "config_trial": trial, "config_since_us": receive_us}
        if outcome is ConfigOutcome.REVERTED:
            self._fined(after_fault(self._penalty, as_time(receive_us)))

    def _fined(self, penalty: Penalty) -> None:
        self._penalty = penalty
        self.changes |= {"penalty": penalty.score, "penalty_us": as_us_or_none(penalty.time)}
