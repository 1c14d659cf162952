"""Events of what nodes report: that they took a configuration or a release back, or did what a platform asked for.

Usage: `tell_set_back(connection, {"rsu-1": [report]}, now=now, allowance=allowance)` in the transaction that writes
the reports.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from wayside_manager.core.events import NewEvent, Severity
from wayside_manager.core.reports import ConfigFacts, JobFacts, Report, UpdateFacts
from wayside_manager.store.event_allowance import EventAllowance
from wayside_manager.store.event_rows import append
from wayside_manager.store.node_rows import parts
from wayside_manager.store.tables import nodes


def tell_set_back(
    connection: Connection, told: Mapping[str, Sequence[Report]], *, now: datetime, allowance: EventAllowance
) -> int:
    """Appends an event per report; the cursor of the last, 0: there is none."""
    found: list[NewEvent] = []
    for part in parts(sorted(told)):
        query = select(nodes.c.node_id, nodes.c.site_id, nodes.c.tenant_id).where(nodes.c.node_id.in_(part))
        for row in connection.execute(query.order_by(nodes.c.node_id)):
            found += _events(row, told[row.node_id], now)  # type: ignore[arg-type]  # a row is a row
    return append(connection, allowance.let(found, now=now), now=now)


def _events(row: Row[Any], reports: Sequence[Report], now: datetime) -> Iterator[NewEvent]:
    for report in reports:
        match report.facts:
            case ConfigFacts() as facts:
                kind, what = "config.reverted", f"took configuration {facts.revision} back by itself"
                runs = {"runs": facts.running_config_revision, "reason": facts.message}
                details = {"revision": facts.revision, "trial": facts.trial} | runs
            case UpdateFacts() as facts:
                kind, what = "update.rolled_back", f"took release {facts.release} back by itself"
                details = {"release": facts.release, "rollout": facts.rollout_id, "runs": facts.running_release}
            case JobFacts() as facts:
                kind, what = "node.asked", f"was asked by a platform for jobs/{facts.job_id}, which {facts.state}"
                details = {"job": facts.job_id, "state": facts.state, "reason": facts.message}
            case _:
                continue
        reason = f": {details['reason']}" if details.get("reason") else ""
        yield NewEvent(
            kind=kind,
            time=report.record_time or now,
            subject=f"nodes/{row.node_id}",
            message=f"node {row.node_id} {what}{reason}",
            severity=Severity.MINOR,
            node_id=row.node_id,
            site_id=row.site_id or "",
            tenant_id=row.tenant_id,
            details=details,
        )
