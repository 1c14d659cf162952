"""What becomes an alarm, how bad it is, and how long it must hold: the table that comes with the product.

A kind is the name of a check; `*` stands for one part of it, as in `can.*.state`. The most specific rule counts, and
what an operator's rule does not give is taken from the table. docs/alarms.md shows the table.
Usage: `rule_for("can.body.state", policy.rules).severity(HealthState.FAILED)`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from wayside_manager.core.events import Severity
from wayside_manager.core.node_health import HealthState


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """What becomes of one kind of finding. `None`: in the table, no alarm; in an operator's rule, as the table says."""

    failed: Severity | None = None
    degraded: Severity | None = None
    raise_after: timedelta | None = None
    """How long it must hold."""
    clear_after: timedelta | None = None
    """How long it must be over."""
    is_silenced: bool = False

    def severity(self, state: HealthState) -> Severity | None:
        """How bad a state is; `None`: no alarm."""
        if self.is_silenced:
            return None
        return {HealthState.FAILED: self.failed, HealthState.DEGRADED: self.degraded}.get(state)


_S = Severity


def _rule(failed: Severity | None, degraded: Severity | None, raise_s: float, clear_s: float) -> AlarmRule:
    return AlarmRule(failed, degraded, timedelta(seconds=raise_s), timedelta(seconds=clear_s))


RULES: Mapping[str, AlarmRule] = {
    # longer than a cause in common needs to show: one dead line is one alarm
    "node.unreachable": _rule(_S.MAJOR, None, 90, 30),
    "area.unreachable": _rule(_S.CRITICAL, None, 0, 60),
    "area.power": _rule(_S.CRITICAL, None, 0, 60),
    "can.*.open": _rule(_S.MINOR, None, 30, 30),
    "can.*.state": _rule(_S.MAJOR, _S.WARNING, 10, 60),
    "can.*.errors": _rule(_S.MINOR, _S.WARNING, 30, 120),
    "can.*.load": _rule(_S.MINOR, _S.WARNING, 60, 120),
    "can.*.drops": _rule(_S.MINOR, _S.WARNING, 30, 120),
    "can.*.silence": _rule(_S.MAJOR, None, 30, 60),
    "gnss.open": _rule(_S.MAJOR, None, 30, 30),
    "gnss.fix": _rule(_S.MAJOR, _S.MINOR, 60, 60),
    "gnss.satellites": _rule(_S.MINOR, _S.WARNING, 120, 120),
    "gnss.hdop": _rule(_S.MINOR, _S.WARNING, 120, 120),
    "gnss.correction": _rule(_S.MINOR, _S.WARNING, 120, 120),
    "gnss.antenna": _rule(_S.MAJOR, _S.INFO, 10, 30),
    "gnss.plausible": _rule(_S.CRITICAL, None, 0, 300),
    "radio.open": _rule(_S.MAJOR, None, 30, 30),
    "radio.rate": _rule(_S.MAJOR, _S.MINOR, 30, 60),
    "radio.busy": _rule(_S.MINOR, _S.WARNING, 120, 120),
    "radio.security": _rule(None, _S.MAJOR, 60, 120),  # somebody lies, or the authorities of the road are others
    "radio.certificate": _rule(_S.CRITICAL, _S.MAJOR, 0, 60),
    # without them vehicles drive by their eyes; a controller that is restarted needs some seconds
    "signal.feed": _rule(_S.MAJOR, _S.WARNING, 10, 30),
    "platform.*": _rule(None, _S.MINOR, 0, 60),
    "perception.*": _rule(_S.MAJOR, None, 30, 60),
    "time.source": _rule(_S.MINOR, None, 120, 60),
    "time.offset": _rule(_S.MAJOR, _S.WARNING, 30, 60),
    "time.jump": _rule(_S.MAJOR, None, 0, 60),
    "time.week": _rule(_S.MAJOR, None, 0, 60),
    "time.holdover": _rule(_S.MAJOR, _S.WARNING, 0, 60),
    "power.supply": _rule(_S.MAJOR, None, 10, 60),
    "power.voltage": _rule(_S.MAJOR, _S.WARNING, 30, 60),
    "power.battery": _rule(_S.MAJOR, _S.MINOR, 30, 120),
    "environment.temperature": _rule(_S.MAJOR, _S.WARNING, 10, 120),
    "environment.humidity": _rule(_S.MINOR, _S.WARNING, 120, 300),
    "environment.door": _rule(None, _S.MINOR, 0, 60),
    "environment.leak": _rule(_S.MAJOR, None, 0, 60),
    "environment.fan": _rule(_S.MINOR, None, 60, 60),
    "storage.space": _rule(_S.MAJOR, _S.WARNING, 60, 60),
    "storage.wear": _rule(_S.MAJOR, _S.WARNING, 0, 60),
    "storage.latency": _rule(_S.MAJOR, _S.WARNING, 60, 300),
    "host.cpu": _rule(_S.MINOR, _S.INFO, 600, 300),
    "host.memory": _rule(_S.MAJOR, _S.WARNING, 120, 120),
    "host.temperature": _rule(_S.MAJOR, _S.WARNING, 30, 120),
    "uplink.latency": _rule(_S.MINOR, _S.WARNING, 120, 120),
    "uplink.loss": _rule(_S.MINOR, _S.WARNING, 600, 600),
    "uplink.reconnects": _rule(_S.MINOR, _S.WARNING, 60, 600),
    "uplink.spool": _rule(_S.MAJOR, _S.WARNING, 60, 60),
    "uplink.broker": _rule(_S.MINOR, None, 120, 60),
    "software.restarts": _rule(_S.MAJOR, _S.WARNING, 0, 600),
    "software.watchdog": _rule(_S.MAJOR, _S.WARNING, 0, 60),
    "autonomy": _rule(_S.CRITICAL, _S.MAJOR, 0, 60),
    # what people signed of releases: 30 days and 7 days before it ends
    "releases.root": _rule(_S.MAJOR, _S.WARNING, 0, 60),
    "releases.targets": _rule(_S.MAJOR, _S.WARNING, 0, 60),
    # a check that this manager does not know, of a newer agent
    "*": _rule(_S.MINOR, _S.WARNING, 60, 120),
}


def rule_for(kind: str, changes: Mapping[str, AlarmRule]) -> AlarmRule:
    """The rule of a kind: the table's, with what an operator's most specific rule gives."""
    table, change = _most_specific(kind, RULES) or RULES["*"], _most_specific(kind, changes)
    if change is None:
        return table
    return AlarmRule(
        change.failed or table.failed,
        change.degraded or table.degraded,
        table.raise_after if change.raise_after is None else change.raise_after,
        table.clear_after if change.clear_after is None else change.clear_after,
        change.is_silenced,
    )


def is_known(kind: str) -> bool:
    """Whether a rule of this kind can ever match a check or condition of this version."""
    return kind in RULES or any(_matches(kind, known) or _matches(known, kind) for known in RULES if known != "*")


def _most_specific(kind: str, rules: Mapping[str, AlarmRule]) -> AlarmRule | None:
    if kind in rules:
        return rules[kind]
    fitting = [pattern for pattern in rules if pattern != "*" and _matches(pattern, kind)]
    if fitting:
        return rules[min(fitting, key=lambda pattern: (pattern.count("*"), pattern))]
    return rules.get("*")


def _matches(pattern: str, kind: str) -> bool:
    parts, others = pattern.split("."), kind.split(".")
    return len(parts) == len(others) and all(part in {"*", other} for part, other in zip(parts, others, strict=True))
