"""The health gate: is a provisional release, or configuration, at least as good as what ran before?

Pure: vitals are sampled by the caller, before the switch and after it. "Process up" is not enough; the manager must be
reached, the broker too if there is one, and the V2X service must be back: frames on every bus that had them, the fix,
messages on air.
Usage: `gate, verdict = Gate(before, timeout_s=120.0).seen(now, elapsed_s=3.0)`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

MIN_BUS_SHARE = 0.1
"""Share of its former frame rate a bus must reach. Low on purpose: a deaf driver gives 0, a parked car sends less."""
MIN_RADIO_SHARE = 0.1
"""Share of its former message rate the radio must reach. Low on purpose: traffic varies more than software does."""
SETTLE_S = 5.0
"""How long everything must stay good; at most `MAX_SETTLE_SHARE` of the gate's time."""
MAX_SETTLE_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class BusRate:
    """Frames on one CAN bus."""

    name: str
    frames_per_s: float


@dataclass(frozen=True, slots=True)
class BrokerLink:
    """The connection to the telemetry broker that the configuration names."""

    address: str
    """Everything by which it is reached, in one text; another one is another broker."""
    is_connected: bool = False
    fault: str = ""
    """Why it is not, in one sentence, if that is known."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """What the unit's service is worth at one instant. The defaults are those of a unit that does nothing."""

    manager_reached: bool = False
    buses: tuple[BusRate, ...] = ()
    fix_dimension: int = 0
    """0: no position, 2 or 3."""
    radio_messages_per_s: float = 0.0
    """V2X messages heard. A unit without a radio hears none."""
    broker: BrokerLink | None = None
    """`None`: there is none to connect to."""


class Outcome(StrEnum):
    """What the gate says."""

    PASS = "PASS"  # noqa: S105 # the word of the gate, not a password
    WAIT = "WAIT"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says, and why it does not pass."""

    outcome: Outcome
    reasons: tuple[str, ...] = ()
    """Full sentences, each naming the vital."""


@dataclass(frozen=True, slots=True)
class Gate:
    """One release or configuration on trial."""

    before: Vitals
    timeout_s: float
    good_since_s: float | None = None
    """When everything became good, in time since the start; `None` while something is not."""

    def seen(self, now: Vitals, elapsed_s: float) -> tuple["Gate", Verdict]:
        """The gate after one more look, and its verdict.

        Passes once everything stayed good for the settling time; fails when its time is over.
        """
        reasons = complaints(self.before, now)
        since_s = None if reasons else (elapsed_s if self.good_since_s is None else self.good_since_s)
        gate = replace(self, good_since_s=since_s)
        if since_s is not None and elapsed_s - since_s >= settle_s(self.timeout_s):
            return gate, Verdict(Outcome.PASS)
        if elapsed_s >= self.timeout_s:
            unsettled = f"the vitals were good for {elapsed_s - (since_s or 0):.1f} s only"
            return gate, Verdict(Outcome.FAIL, reasons or (unsettled,))
        return gate, Verdict(Outcome.WAIT, reasons)


def settle_s(timeout_s: float) -> float:
    """How long everything must stay good, for a gate of this length [s]."""
    return min(SETTLE_S, timeout_s * MAX_SETTLE_SHARE)


def complaints(before: Vitals, now: Vitals) -> tuple[str, ...]:
    """Everything that is worse than before, one sentence each; empty: nothing is.

    The manager must be reached whatever was before: a unit that cannot reach it could never be told better. So must a
    broker that was not configured before; one that was away already is no fault of the change.
    """
    return tuple(_complaints(before, now))


def _complaints(before: Vitals, now: Vitals) -> Iterator[str]:
    if not now.manager_reached:
        yield "manager: not reached since the change"
    yield from _broker_complaints(before.broker, now.broker)
    rates = {bus.name: bus.frames_per_s for bus in now.buses}
    for bus in before.buses:
        rate = rates.get(bus.name, 0.0)
        if bus.frames_per_s > 0.0 and rate < bus.frames_per_s * MIN_BUS_SHARE:
            yield f"CAN bus {bus.name}: {rate:.1f} frames/s, before the change {bus.frames_per_s:.1f}"
    if before.fix_dimension and not now.fix_dimension:
        yield f"gnss: no fix, before the change {before.fix_dimension}D"
    heard, heard_before = now.radio_messages_per_s, before.radio_messages_per_s
    if heard_before > 0.0 and heard < heard_before * MIN_RADIO_SHARE:
        yield f"radio: heard {heard:.1f} messages/s, before the change {heard_before:.1f}"


def _broker_complaints(before: BrokerLink | None, now: BrokerLink | None) -> Iterator[str]:
    if now is None or now.is_connected:
        return
    why = f" ({now.fault})" if now.fault else ""
    if before is None or before.address != now.address:
        yield f"telemetry: not connected to {now.address} since it was configured{why}"
    elif before.is_connected:
        yield f"telemetry: not connected to {now.address}, before the change it was{why}"
