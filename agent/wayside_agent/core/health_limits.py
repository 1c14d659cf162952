"""The limits of checks as they come with the product, and how configuration changes them.

limits = merged({"environment.temperature": Limit(degraded_above=60.0)})        # the rest of it stays
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields

from msgspec import UnsetType

from wayside.node_config import LimitConfig
from wayside_agent.core.health import Limit

DAY_S = 86_400.0

LIMITS: Mapping[str, Limit] = {
    # share of time without an error, per bus: an error frame now and then is what CAN is made for
    "can.errors": Limit(degraded_above=1.0, failed_above=50.0, margin=0.5),
    "can.load": Limit(degraded_above=0.7, failed_above=0.9, margin=0.05),
    "can.drops": Limit(degraded_above=0.0, failed_above=100.0),
    "gnss.satellites": Limit(degraded_below=5.0, margin=1.0),
    "gnss.hdop": Limit(degraded_above=5.0, failed_above=20.0, margin=0.5),
    "gnss.correction": Limit(degraded_above=30.0, margin=5.0),
    "radio.rate": Limit(degraded_below=0.9, failed_below=0.5, margin=0.02),
    "radio.busy": Limit(degraded_above=0.6, failed_above=0.8, margin=0.05),
    "radio.certificate": Limit(degraded_below=7 * DAY_S, failed_below=0.0),
    "time.offset": Limit(degraded_above=0.1, failed_above=1.0, margin=0.02),
    "time.holdover": Limit(degraded_above=4 * 3600.0, failed_above=DAY_S),
    "power.voltage": Limit(),
    "power.battery": Limit(degraded_below=0.5, failed_below=0.2, margin=0.05),
    "environment.temperature": Limit(degraded_above=65.0, failed_above=75.0, degraded_below=-35.0, margin=3.0),
    "environment.humidity": Limit(degraded_above=0.9, failed_above=0.97, margin=0.03),
    "environment.fan": Limit(failed_below=200.0, margin=100.0),
    "storage.space": Limit(degraded_below=0.1, failed_below=0.03, margin=0.02),
    "storage.wear": Limit(degraded_above=0.8, failed_above=0.95),
    "storage.latency": Limit(degraded_above=1.0, failed_above=10.0, margin=0.2),
    "host.cpu": Limit(degraded_above=0.9, margin=0.1),
    "host.memory": Limit(degraded_above=0.9, failed_above=0.97, margin=0.03),
    "host.temperature": Limit(degraded_above=85.0, failed_above=95.0, margin=5.0),
    "uplink.latency": Limit(degraded_above=10.0, margin=5.0),
    "uplink.loss": Limit(degraded_below=0.9, margin=0.02),
    "uplink.reconnects": Limit(degraded_above=6.0, margin=2.0),
    "uplink.spool": Limit(degraded_above=0.5, failed_above=0.9, margin=0.05),
    "software.restarts": Limit(degraded_above=2.0, failed_above=10.0, margin=1.0),
    "autonomy": Limit(degraded_below=7 * DAY_S, failed_below=DAY_S),
}
"""By check; of one bus, without its name. docs/health.md shows them with their units."""


def merged(changes: Mapping[str, Limit]) -> Mapping[str, Limit]:
    """The limits after changes: what a change gives replaces that one value."""
    return {name: _merged(limit, changes[name]) if name in changes else limit for name, limit in LIMITS.items()}


def as_limit(config: LimitConfig) -> Limit:
    """A limit as configuration gives it; what it does not give is `None`."""

    def given(value: float | UnsetType) -> float | None:
        return None if isinstance(value, UnsetType) else value

    margin = given(config.margin)
    return Limit(
        given(config.degraded_above),
        given(config.failed_above),
        given(config.degraded_below),
        given(config.failed_below),
        0.0 if margin is None else margin,
    )


def unknown(names: Iterable[str]) -> tuple[str, ...]:
    """Those of the names that are no limit."""
    return tuple(sorted(set(names) - LIMITS.keys()))


def problem(limit: Limit) -> str:
    """Why a limit makes no sense, half a sentence; empty: it does."""
    above, below = (limit.degraded_above, limit.failed_above), (limit.failed_below, limit.degraded_below)
    for lower, upper, words in (
        (*above, "degraded_above is beyond failed_above"),
        (*below, "failed_below is beyond degraded_below"),
    ):
        if lower is not None and upper is not None and lower > upper:
            return words
    lows = [each for each in below if each is not None]
    highs = [each for each in above if each is not None]
    if lows and highs and max(lows) + 2 * limit.margin >= min(highs):
        return "nothing lies between its limits"
    return ""


def _merged(limit: Limit, change: Limit) -> Limit:
    values = {}
    for each in fields(Limit):
        changed = getattr(change, each.name)
        is_given = changed is not None and (each.name != "margin" or changed > 0.0)
        values[each.name] = changed if is_given else getattr(limit, each.name)
    return Limit(**values)
