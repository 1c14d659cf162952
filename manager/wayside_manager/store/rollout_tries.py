"""Tries of nodes of rollouts of releases: what is known of them, and how they are counted.

Usage: `tries_of(connection, "r1")` for the planner; `write_retries(...)` and `begin_anew(...)` with a step of it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select, update

from wayside_manager.core.nodes import UpdatePhase
from wayside_manager.core.rollout import Fault
from wayside_manager.store.moments import as_time_or_none, as_us
from wayside_manager.store.node_rows import parts
from wayside_manager.store.tables import rollout_nodes

_TRIED = select(
    rollout_nodes.c.node_id,
    rollout_nodes.c.attempt,
    rollout_nodes.c.fault,
    rollout_nodes.c.retry_us,
    rollout_nodes.c.resume_us,
).where(
    rollout_nodes.c.rollout_id == bindparam("own_id"),
    or_(rollout_nodes.c.attempt > 0, rollout_nodes.c.fault > 0, rollout_nodes.c.resume_us.is_not(None)),
)
_BLANK: Mapping[str, Any] = {
    "phase": UpdatePhase.NONE,
    "runs_target": False,
    "report": b"",
    "fault": Fault.NONE,
    "retry_us": None,
}


def tries_of(connection: Connection, rollout_id: str) -> Mapping[str, Mapping[str, Any]]:
    """Fields of `RolloutNodeRecord` that differ from those of a node at its first try, by node."""
    return {
        node_id: {
            "attempt": attempt,
            "fault": Fault(fault),
            "retry_time": as_time_or_none(retry_us),
            "resume_time": as_time_or_none(resume_us),
        }
        for node_id, attempt, fault, retry_us, resume_us in connection.execute(_TRIED, {"own_id": rollout_id})
    }


def write_retries(connection: Connection, rollout_id: str, retry_times: Mapping[str, datetime]) -> None:
    """Counts tries that did not succeed, and writes when there is another."""
    groups: dict[datetime, list[str]] = {}
    for node_id, retry_time in retry_times.items():
        groups.setdefault(retry_time, []).append(node_id)
    for retry_time, node_ids in groups.items():
        values = {"retry_us": as_us(retry_time), "attempt": rollout_nodes.c.attempt + 1}
        for part in parts(node_ids):
            is_one = (rollout_nodes.c.rollout_id == rollout_id) & rollout_nodes.c.node_id.in_(part)
            connection.execute(update(rollout_nodes).where(is_one).values(values))


def begin_anew(connection: Connection, rollout_id: str, node_ids: Iterable[str]) -> None:
    """Forgets the word on the try before of those whose next one begins."""
    for part in parts(node_ids):
        is_one = (rollout_nodes.c.rollout_id == rollout_id) & rollout_nodes.c.node_id.in_(part)
        waited = rollout_nodes.c.retry_us.is_not(None)
        connection.execute(update(rollout_nodes).where(is_one, waited).values(_BLANK))
