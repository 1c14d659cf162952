"""What reports change of the health of nodes: checks that are not ok, stretches of states, and events of both.

An unchanged node costs nothing here. Events tell what is otherwise after a transaction than before it, at most a few
per node: a unit that flaps a thousand times a second writes no thousand rows.
Usage: `write_health(connection, {"rsu-1": standing}, now=now, allowance=allowance)`.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from wayside_manager.core.events import NewEvent, Severity
from wayside_manager.core.node_health import CheckFacts, HealthState, worst_first
from wayside_manager.core.reports import HealthFacts
from wayside_manager.store.event_allowance import EventAllowance
from wayside_manager.store.event_rows import append
from wayside_manager.store.health_standing import HealthStanding
from wayside_manager.store.moments import as_us, as_us_or_none
from wayside_manager.store.node_rows import parts
from wayside_manager.store.stretches import append_stretches
from wayside_manager.store.tables import node_checks, nodes

EVENTS_PER_NODE = 20
"""Of one transaction; what is more is told in one."""
_SEVERITIES = {
    HealthState.OK: Severity.INFO,
    HealthState.UNKNOWN: Severity.WARNING,
    HealthState.DEGRADED: Severity.WARNING,
    HealthState.FAILED: Severity.MINOR,
}
_UNASKED = frozenset({"crash", "watchdog"})


def write_health(
    connection: Connection, standings: Mapping[str, HealthStanding], *, now: datetime, allowance: EventAllowance
) -> int:
    """Writes what changed; the cursor of the newest event, 0: there is none."""
    standings = {node_id: standing for node_id, standing in standings.items() if standing.has_news}
    others = {node_id: standing for node_id, standing in standings.items() if standing.is_changed}
    begun = {
        node_id: (standing.state, standing.state_since_us)
        for node_id, standing in standings.items()
        if standing.state_since_us is not None
    }
    restarted = {node_id: standing.restart for node_id, standing in standings.items() if standing.restart}
    if begun:
        append_stretches(connection, begun)
    back = {node_id for node_id, standing in standings.items() if standing.is_back}
    if not others and not restarted and not back:
        return 0
    before = _checks(connection, others)
    _replace_checks(connection, others, now=now)
    told: list[NewEvent] = []
    for node_id, owner in _owners(connection, {*others, *restarted, *back}).items():
        if node_id in back:
            told.append(_return(node_id, owner, now=now))
        if node_id in restarted:
            told.append(_restart(node_id, owner, restarted[node_id], now=now))
        if node_id in others:
            told += _changes(node_id, owner, before.get(node_id, {}), others[node_id], now=now)
    return append(connection, allowance.let(told, now=now), now=now)


def _checks(connection: Connection, node_ids: Iterable[str]) -> dict[str, dict[str, str]]:
    """Per node, state by name of the checks that were not ok."""
    found: dict[str, dict[str, str]] = {}
    for part in parts(sorted(node_ids)):
        query = select(node_checks.c.node_id, node_checks.c.name, node_checks.c.state)
        for row in connection.execute(query.where(node_checks.c.node_id.in_(part))):
            found.setdefault(row.node_id, {})[row.name] = row.state
    return found


def _replace_checks(connection: Connection, standings: Mapping[str, HealthStanding], *, now: datetime) -> None:
    for part in parts(sorted(standings)):
        connection.execute(delete(node_checks).where(node_checks.c.node_id.in_(part)))
    rows = [
        {
            "node_id": node_id,
            "name": check.name,
            "state": str(check.state),
            "reason": check.reason,
            "since_us": as_us(now) if check.since_time is None else as_us(check.since_time),
            "value": check.value,
            "unit": check.unit,
        }
        for node_id, standing in standings.items()
        for check in worst_first(standing.checks)
    ]
    if rows:
        connection.execute(insert(node_checks), rows)


def _owners(connection: Connection, node_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Per node, what its events say of whose they are."""
    found: dict[str, dict[str, Any]] = {}
    for part in parts(sorted(node_ids)):
        query = select(nodes.c.node_id, nodes.c.site_id, nodes.c.tenant_id).where(nodes.c.node_id.in_(part))
        for row in connection.execute(query):
            owner = {"node_id": row.node_id, "site_id": row.site_id or "", "tenant_id": row.tenant_id}
            found[row.node_id] = {"subject": f"nodes/{row.node_id}"} | owner
    return found


def _return(node_id: str, owner: Mapping[str, Any], *, now: datetime) -> NewEvent:
    message = f"node {node_id} is heard from again"
    return NewEvent(kind="node.presence", time=now, message=message, details={"heard": True}, **owner)


def _restart(node_id: str, owner: Mapping[str, Any], facts: HealthFacts, *, now: datetime) -> NewEvent:
    why = f": {facts.start_reason}" if facts.start_reason else ""
    return NewEvent(
        kind="node.restart",
        time=facts.start_time or now,
        message=f"node {node_id}: the agent started anew{why}",
        severity=Severity.WARNING if facts.start_reason in _UNASKED else Severity.INFO,
        details={"reason": facts.start_reason, "start_count": facts.start_count},
        **owner,
    )


def _changes(
    node_id: str, owner: Mapping[str, Any], before: Mapping[str, str], standing: HealthStanding, *, now: datetime
) -> Iterator[NewEvent]:
    # worst first: what is left out when there are many is the least of it
    bad = worst_first(standing.checks)
    changed = [check for check in bad if before.get(check.name) != check.state]
    names = {check.name for check in bad}
    every = [*changed, *standing.over(before.keys() - names)]
    for check in every[:EVENTS_PER_NODE]:
        was = before.get(check.name, str(HealthState.OK) if standing.had_checks else "")
        yield _check_event(node_id, owner, check, was=was, now=now)
    if len(every) > EVENTS_PER_NODE:
        count = len(every) - EVENTS_PER_NODE
        yield NewEvent(
            kind="node.check",
            time=now,
            message=f"node {node_id}: {count} more checks changed",
            severity=Severity.WARNING,
            details={"more": count},
            **owner,
        )


def _check_event(node_id: str, owner: Mapping[str, Any], check: CheckFacts, *, was: str, now: datetime) -> NewEvent:
    reason = f", {check.reason}" if check.reason else ""
    return NewEvent(
        kind="node.check",
        time=check.since_time or now,
        message=f"node {node_id}: {check.name} is {check.state}{reason}",
        severity=_SEVERITIES[check.state],
        details={
            "check": check.name,
            "from": was,
            "to": str(check.state),
            "reason": check.reason,
            "value": check.value,
            "unit": check.unit,
            "since_us": as_us_or_none(check.since_time),
        },
        **owner,
    )
