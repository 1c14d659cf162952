"""Warnings before what people signed of releases ends: units refuse updates from then on.

Usage: `findings = ending(ends, now)`, one for each end that is near, or past; the alarm engine raises them.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from wayside_manager.core.alarms import Finding, TrustEnd
from wayside_manager.core.node_health import HealthState

WARN_BEFORE = timedelta(days=30)
"""DEGRADED from then on."""
URGENT_BEFORE = timedelta(days=7)
"""FAILED from then on."""
KINDS = {"root": "releases.root", "targets": "releases.targets"}
_REMEDY = {
    "root": "'wayside releases keys rotate', enough people sign, 'wayside releases trust update'",
    "targets": "'wayside releases sign --renew' by enough people, 'wayside releases trust update'",
}


def ending(ends: Iterable[TrustEnd], now: datetime) -> dict[str, Finding]:
    """What ends soon, by subject."""
    return {
        end.subject: Finding(KINDS[end.role], _state(end, now), now, _sentence(end, now))
        for end in ends
        if end.expire_time - now <= WARN_BEFORE
    }


def _state(end: TrustEnd, now: datetime) -> HealthState:
    return HealthState.FAILED if end.expire_time - now <= URGENT_BEFORE else HealthState.DEGRADED


def _sentence(end: TrustEnd, now: datetime) -> str:
    verb = "ended" if end.expire_time <= now else "ends"
    return (
        f"the {end.repository} {end.role} {verb} at {end.expire_time:%Y-%m-%d %H:%M} UTC, units refuse updates from "
        f"then on; {_REMEDY[end.role]} (docs/releases.md)"
    )
