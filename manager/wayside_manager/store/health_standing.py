"""How a node's health stands while its reports are taken in: what each of them changes of it.

What a spool brings is in order. A live report comes ahead of what its spool still holds; from then on the spool's
older reports are history only, until they have come up to it. Times decide that only between a live report and a spool,
both by the unit's clock, and only as long as live reports keep coming: so a clock that was wrong and is set back holds
up what is shown for two report periods at most. A time that lies ahead of the manager's counts as its own.
Usage: `standing.take(report, facts, receive_us)` returns the columns to write.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from wayside_manager.core.node_health import PRESENCE_CHECK, SILENT, CheckFacts, HealthState, judged
from wayside_manager.core.presence import lost_limit_s
from wayside_manager.core.reports import HealthFacts, Report
from wayside_manager.store.moments import as_us, as_us_or_none
from wayside_manager.store.tables import node_status


class Held(NamedTuple):
    """Columns of `node_status` that tell of health."""

    health_state: str
    health_cause: str
    health_since_us: int | None
    check_count: int
    checks_sha256: str
    health_record_us: int | None
    health_live_us: int | None
    start_count: int | None
    autonomy_end_us: int | None
    autonomy_limit: str


COLUMNS = (*(node_status.c[name] for name in Held._fields), node_status.c.report_period_us)
"""What a look needs, in this order: a row's values are asked for by place, which takes a tenth of the time of names."""
_US_PER_S = 1_000_000
_AHEAD_US = 60 * _US_PER_S
"""So far ahead of the manager's a unit's clock may be that counts as right."""


class HealthStanding:
    """Of one node."""

    def __init__(self, values: Sequence[Any]) -> None:
        self._first = self._held = Held._make(values[:-1])
        self._period_us = values[-1]
        self.state_since_us: int | None = None
        """Since when it is in a state it was not in before. `None`: the state is as it was."""
        self.restart: HealthFacts | None = None
        """The report that told of another start of the agent."""
        self.checks: tuple[CheckFacts, ...] = ()
        """Of the newest report that was taken."""

    @property
    def has_news(self) -> bool:
        """Whether there may be anything to write beside the columns."""
        return self._held is not self._first

    @property
    def is_changed(self) -> bool:
        """Whether other checks than before are not ok, or in another way."""
        return self._held.checks_sha256 != self._first.checks_sha256

    @property
    def had_checks(self) -> bool:
        """Whether the node reported checks before."""
        return self._first.check_count > 0

    @property
    def is_back(self) -> bool:
        """Whether it was not heard from, and is now."""
        return self._first.health_cause == PRESENCE_CHECK and self._held.health_cause != PRESENCE_CHECK

    @property
    def state(self) -> str:
        """The present one, as stretches call it."""
        return stretch_state(self._held.health_state, self._held.health_cause)

    def is_past(self, report: Report, receive_us: int) -> bool:
        """Whether a report tells of a time before what is shown."""
        shown_us, live_us = self._held.health_record_us, self._held.health_live_us
        if shown_us is None or live_us is None or report.sequence == 0:
            return False
        if abs(receive_us - live_us) > lost_limit_s(self._period_us / _US_PER_S) * _US_PER_S:
            return False  # no live report comes any more
        record_us = as_us_or_none(report.record_time)
        return record_us is None or not shown_us <= record_us <= receive_us + _AHEAD_US

    def take(self, report: Report, facts: HealthFacts, receive_us: int) -> dict[str, Any]:
        """Columns that a report changes which is not past."""
        held, judgement = self._held, judged(facts.checks)
        self.checks = facts.checks
        state = stretch_state(judgement.state.value, judgement.cause)
        is_as_before = held.health_since_us is not None and state == self.state
        if facts.start_count is not None and facts.start_count > (held.start_count or facts.start_count):
            self.restart = facts
        if not is_as_before:
            self.state_since_us = receive_us
        record_us, live_us = None, None
        if report.sequence == 0:
            live_us = receive_us
            record_us = min(receive_us if report.record_time is None else as_us(report.record_time), receive_us)
        now = Held(
            judgement.state.value,
            judgement.cause,
            held.health_since_us if is_as_before else receive_us,
            len(facts.checks),
            "" if judgement.state is HealthState.OK else _digest(facts.checks),
            record_us,
            live_us,
            held.start_count if facts.start_count is None else facts.start_count,
            as_us_or_none(facts.autonomy_end_time),
            facts.autonomy_limit,
        )
        if now == held:
            return {}
        self._held = now
        return {name: value for name, value, old in zip(Held._fields, now, held, strict=True) if value != old}

    def over(self, names: Iterable[str]) -> tuple[CheckFacts, ...]:
        """How checks are now that were not ok; one that is reported no more is unknown."""
        own = {check.name: check for check in self.checks}
        gone = "the unit does not report it any more"
        return tuple(own.get(name) or CheckFacts(name, HealthState.UNKNOWN, gone) for name in sorted(names))


def stretch_state(state: str, cause: str) -> str:
    """What a stretch is called in which a node's health is so: its state, or that it is not heard from."""
    return SILENT if cause == PRESENCE_CHECK else state


def _digest(checks: Iterable[CheckFacts]) -> str:
    """SHA-256 of names and states of what is not ok; empty: every check is."""
    named = sorted(f"{check.name} {check.state.value}" for check in checks if check.state is not HealthState.OK)
    return hashlib.sha256("\n".join(named).encode()).hexdigest() if named else ""
