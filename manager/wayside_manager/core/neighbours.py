"""Which nodes near another have a release and serve it to others.

Whoever is asked for has it, by its own newest word, and is heard from now. The nearest come first; of several as near,
every node is sent to others, so that no one has to serve all.
Usage: `chosen(candidates, offer, node_id, now=now)`.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from wayside_manager.core.presence import Presence, presence

MAX_COUNT = 2
"""Neighbours that a node is sent to; the manager is left to it."""
MAX_DISTANCE_M = 3_000.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node that serves, runs the release, and stands near."""

    node_id: str
    address: str
    """`host:port`."""
    distance_m: float
    """0: at the same site."""
    last_report_time: datetime | None
    report_period_s: float
    update_report: bytes
    """Its newest serialized `wayside.v1.UpdateReport`."""


def near(candidates: Iterable[Candidate], node_id: str, *, now: datetime) -> tuple[Candidate, ...]:
    """Those that are heard from now, best first for a node."""
    heard = (
        each
        for each in candidates
        if presence(now, each.last_report_time, report_period_s=each.report_period_s) is Presence.ONLINE
    )
    return tuple(sorted(heard, key=lambda each: (each.distance_m, _lot(node_id, each.node_id))))


def _lot(node_id: str, other_id: str) -> bytes:
    """A draw that comes out the same each time."""
    return hashlib.sha256(f"{node_id} {other_id}".encode()).digest()
