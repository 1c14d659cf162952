"""How a node's health stands while its reports are taken in: what each of them changes of it.

What a spool brings is in order. A live report comes ahead of what its spool still holds; from then on the spool's
older reports are history only, until they have come up to it. Times decide that only between a live report and a spool,
both by the unit's clock, and only as long as live reports keep coming: so a clock that was wrong and is set back holds
up what is shown for two report periods at most. A time that lies ahead of the manager's counts as its own.
Usage: `standing.take(report, facts, receive_us)` returns the columns to write.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row

from wayside_manager.core.node_health import PRESENCE_CHECK, SILENT, CheckFacts, HealthState, judged, worst_first
from wayside_manager.core.presence import lost_limit_s
from wayside_manager.core.reports import HealthFacts, Report
from wayside_manager.store.moments import as_us, as_us_or_none
from wayside_manager.store.tables import node_status

COLUMNS = (
    node_status.c.report_period_us,
    node_status.c.health_state,
    node_status.c.health_cause,
    node_status.c.health_since_us,
    node_status.c.check_count,
    node_status.c.checks_sha256,
    node_status.c.health_record_us,
    node_status.c.health_live_us,
    node_status.c.start_count,
    node_status.c.autonomy_end_us,
    node_status.c.autonomy_limit,
)
_US_PER_S = 1_000_000
_AHEAD_US = 60 * _US_PER_S
"""So far ahead of the manager's a unit's clock may be that counts as right."""


class HealthStanding:
    """Of one node."""

    def __init__(self, row: Row[Any]) -> None:
        self._held = {column.name: getattr(row, column.name) for column in COLUMNS}
        self._first_digest: str = row.checks_sha256
        self._first_count: int = row.check_count
        self.state_since_us: int | None = None
        """Since when it is in a state it was not in before. `None`: the state is as it was."""
        self.restart: HealthFacts | None = None
        """The report that told of another start of the agent."""
        self.not_ok: Sequence[CheckFacts] = ()
        """Of the newest report that was taken."""
        self._checks: Sequence[CheckFacts] = ()

    @property
    def is_changed(self) -> bool:
        """Whether other checks than before are not ok, or in another way."""
        return bool(self._held["checks_sha256"] != self._first_digest)

    @property
    def had_checks(self) -> bool:
        """Whether the node reported checks before."""
        return self._first_count > 0

    @property
    def state(self) -> str:
        """The present one, as stretches call it."""
        return stretch_state(self._held["health_state"], self._held["health_cause"])

    def is_past(self, report: Report, receive_us: int) -> bool:
        """Whether a report tells of a time before what is shown."""
        shown_us, live_us = self._held["health_record_us"], self._held["health_live_us"]
        if report.sequence == 0 or shown_us is None or live_us is None:
            return False
        if abs(receive_us - live_us) > lost_limit_s(self._held["report_period_us"] / _US_PER_S) * _US_PER_S:
            return False  # no live report comes any more
        record_us = as_us_or_none(report.record_time)
        return record_us is None or not shown_us <= record_us <= receive_us + _AHEAD_US

    def take(self, report: Report, facts: HealthFacts, receive_us: int) -> dict[str, Any]:
        """Columns that a report changes which is not past."""
        judgement, self._checks, self.not_ok = judged(facts.checks), facts.checks, worst_first(facts.checks)
        if self._held["health_since_us"] is None or stretch_state(judgement.state, judgement.cause) != self.state:
            self.state_since_us = receive_us
        if facts.start_count is not None and (self._held["start_count"] or facts.start_count) < facts.start_count:
            self.restart = facts
        record_us = as_us_or_none(report.record_time)
        is_live = report.sequence == 0
        return self._written(
            {
                "health_state": str(judgement.state),
                "health_cause": judgement.cause,
                "check_count": len(facts.checks),
                "checks_sha256": _digest(self.not_ok),
                "health_record_us": min(record_us or receive_us, receive_us) if is_live else None,
                "health_live_us": receive_us if is_live else None,
                "autonomy_end_us": None if facts.autonomy_end_time is None else as_us(facts.autonomy_end_time),
                "autonomy_limit": facts.autonomy_limit,
            }
            | ({} if facts.start_count is None else {"start_count": facts.start_count})
            | ({} if self.state_since_us is None else {"health_since_us": self.state_since_us})
        )

    def over(self, names: Iterable[str]) -> tuple[CheckFacts, ...]:
        """How checks are now that were not ok; one that is reported no more is unknown."""
        own = {check.name: check for check in self._checks}
        gone = "the unit does not report it any more"
        return tuple(own.get(name) or CheckFacts(name, HealthState.UNKNOWN, gone) for name in sorted(names))

    def _written(self, columns: dict[str, Any]) -> dict[str, Any]:
        """Those of the columns that are not so already."""
        changes = {name: value for name, value in columns.items() if self._held[name] != value}
        self._held |= changes
        return changes


def stretch_state(state: str, cause: str) -> str:
    """What a stretch is called in which a node's health is so: its state, or that it is not heard from."""
    return SILENT if cause == PRESENCE_CHECK else str(state)


def _digest(checks: Iterable[CheckFacts]) -> str:
    """SHA-256 of names and states; empty: every check is ok."""
    named = "\n".join(sorted(f"{check.name} {check.state}" for check in checks))
    return hashlib.sha256(named.encode()).hexdigest() if named else ""
