"""The health gate: is a provisional release, or configuration, at least as good as what ran before?

Pure: vitals are sampled by the caller, before the switch and after it. "Process up" is not enough; the manager must be
reached, the broker too if there is one, and the V2X service must be back: frames on every bus that had them and no more
errors than before, the fix, messages on air at the planned rate, and the stations that were heard. What it saw is data:
one `GateResult` for each question.
Usage: `gate, verdict = Gate(before, timeout_s=120.0).seen(now, elapsed_s=3.0)`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from wayside_agent.core.sending import SendRate

MIN_BUS_SHARE = 0.1
"""Share of its former frame rate a bus must reach. Low on purpose: a deaf driver gives 0, a parked car sends less."""
MIN_RADIO_SHARE = 0.1
"""Share of its former message rate the radio must reach. Low on purpose: traffic varies more than software does."""
MIN_SENT_SHARE = 0.5
"""Share of its planned rate, or of its former one, the unit must send at. It is a plan: traffic does not vary it."""
MIN_NEIGHBOUR_SHARE = 0.34
"""Share of the stations heard before that must be heard, in number: vehicles come and go and change their names."""
MAX_ERROR_FACTOR, ERROR_SLACK_HZ = 2.0, 1.0
"""How many error frames a bus may have: so many times its former rate, and a little more."""
SETTLE_S = 5.0
"""How long everything must stay good; at most `MAX_SETTLE_SHARE` of the gate's time."""
MAX_SETTLE_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class BusRate:
    """Frames on one CAN bus."""

    name: str
    frames_per_s: float
    error_frames_per_s: float = 0.0


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
    sent_messages_per_s: float = 0.0
    sending: tuple[SendRate, ...] | None = None
    """What it should send, and sends; `None`: nothing is planned."""
    neighbour_count: int = 0
    """Stations heard in the last seconds."""
    broker: BrokerLink | None = None
    """`None`: there is none to connect to."""


class Outcome(StrEnum):
    """What the gate says."""

    PASS = "PASS"  # noqa: S105 # the word of the gate, not a password
    WAIT = "WAIT"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class GateResult:
    """One question of the gate; the fields of `wayside.v1.GateResult`."""

    check: str
    """`manager`, `broker`, `can.<bus>`, `errors.<bus>`, `gnss`, `radio`, `sent`, `sent.<AID>`, `neighbours`,
    `process`."""
    passed: bool
    before: float = 0.0
    now: float = 0.0
    unit: str = ""
    """Of both; empty: yes (1) or no (0)."""
    message: str = ""
    """Why it did not pass, in one sentence."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says, and why it does not pass."""

    outcome: Outcome
    reasons: tuple[str, ...] = ()
    """Full sentences, each naming the vital."""
    results: tuple[GateResult, ...] = ()
    """Every question, passed or not."""


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
        seen = results(self.before, now)
        reasons = tuple(each.message for each in seen if not each.passed)
        since_s = None if reasons else (elapsed_s if self.good_since_s is None else self.good_since_s)
        gate = replace(self, good_since_s=since_s)
        if since_s is not None and elapsed_s - since_s >= settle_s(self.timeout_s):
            return gate, Verdict(Outcome.PASS, results=(_settled(elapsed_s - since_s), *seen))
        if elapsed_s >= self.timeout_s:
            good_s = 0.0 if since_s is None else elapsed_s - since_s
            unsettled = _settled(good_s, message=f"the vitals were good for {good_s:.1f} s only" if not reasons else "")
            return gate, Verdict(Outcome.FAIL, reasons or (unsettled.message,), (unsettled, *seen))
        return gate, Verdict(Outcome.WAIT, reasons, seen)


def settle_s(timeout_s: float) -> float:
    """How long everything must stay good, for a gate of this length [s]."""
    return min(SETTLE_S, timeout_s * MAX_SETTLE_SHARE)


def complaints(before: Vitals, now: Vitals) -> tuple[str, ...]:
    """Everything that is worse than before, one sentence each; empty: nothing is."""
    return tuple(each.message for each in results(before, now) if not each.passed)


def results(before: Vitals, now: Vitals) -> tuple[GateResult, ...]:
    """Every question that can be asked, with what was before and what is.

    The manager must be reached whatever was before: a unit that cannot reach it could never be told better. So must a
    broker that was not configured before; one that was away already is no fault of the change.
    """
    return tuple(_results(before, now))


def _results(before: Vitals, now: Vitals) -> Iterator[GateResult]:
    reached = now.manager_reached
    silence = "" if reached else "manager: not reached since the change"
    yield GateResult("manager", reached, float(before.manager_reached), float(reached), message=silence)
    yield from _broker_results(before.broker, now.broker)
    buses = {bus.name: bus for bus in now.buses}
    for bus in before.buses:
        yield from _bus_results(bus, buses.get(bus.name, BusRate(bus.name, 0.0)))
    if before.fix_dimension:
        was, has = before.fix_dimension, now.fix_dimension
        lost = "" if has else f"gnss: no fix, before the change {was}D"
        yield GateResult("gnss", not lost, was, has, "D", lost)
    yield from _radio_results(before, now)


def _bus_results(before: BusRate, now: BusRate) -> Iterator[GateResult]:
    was, has = before.frames_per_s, now.frames_per_s
    if was > 0.0:
        is_quiet = has < was * MIN_BUS_SHARE
        quiet = f"CAN bus {now.name}: {has:.1f} frames/s, before the change {was:.1f}" if is_quiet else ""
        yield GateResult(f"can.{now.name}", not quiet, was, has, "frame/s", quiet)
    was, has = before.error_frames_per_s, now.error_frames_per_s
    if was > 0.0 or has > 0.0:
        is_worse = has > was * MAX_ERROR_FACTOR + ERROR_SLACK_HZ
        worse = f"CAN bus {now.name}: {has:.1f} error frames/s, before the change {was:.1f}" if is_worse else ""
        yield GateResult(f"errors.{now.name}", not worse, was, has, "frame/s", worse)


def _radio_results(before: Vitals, now: Vitals) -> Iterator[GateResult]:
    was, has = before.radio_messages_per_s, now.radio_messages_per_s
    if was > 0.0:
        is_deaf = has < was * MIN_RADIO_SHARE
        deaf = f"radio: heard {has:.1f} messages/s, before the change {was:.1f}" if is_deaf else ""
        yield GateResult("radio", not deaf, was, has, "message/s", deaf)
    yield from _sent_results(before, now)
    if before.neighbour_count:
        was, has = before.neighbour_count, now.neighbour_count
        is_alone = has < was * MIN_NEIGHBOUR_SHARE
        alone = f"neighbours: {has} stations heard, before the change {was}" if is_alone else ""
        yield GateResult("neighbours", not alone, was, has, "1", alone)


def _sent_results(before: Vitals, now: Vitals) -> Iterator[GateResult]:
    if now.sending is None:
        was, sent = before.sent_messages_per_s, now.sent_messages_per_s
        if was > 0.0:
            is_mute = sent < was * MIN_SENT_SHARE
            mute = f"radio: sends {sent:.1f} messages/s, before the change {was:.1f}" if is_mute else ""
            yield GateResult("sent", not mute, was, sent, "message/s", mute)
        return
    for each in now.sending:
        is_mute = each.ratio < MIN_SENT_SHARE
        mute = f"radio: sends {each.sent_hz:.1f} {each.what} a second, planned {each.planned_hz:.1f}" if is_mute else ""
        check = "sent" if each.application_id is None else f"sent.{each.application_id}"
        yield GateResult(check, not mute, each.planned_hz, each.sent_hz, "message/s", mute)


def _broker_results(before: BrokerLink | None, now: BrokerLink | None) -> Iterator[GateResult]:
    if now is None:
        return
    is_same = before is not None and before.address == now.address
    was = is_same and before is not None and before.is_connected
    why = f" ({now.fault})" if now.fault else ""
    lost = ""
    if not now.is_connected and not is_same:
        lost = f"telemetry: not connected to {now.address} since it was configured{why}"
    elif not now.is_connected and was:
        lost = f"telemetry: not connected to {now.address}, before the change it was{why}"
    yield GateResult("broker", not lost, float(was), float(now.is_connected), message=lost)


def _settled(good_s: float, *, message: str = "") -> GateResult:
    """Whether the process stayed up and everything good, for how long."""
    return GateResult("process", not message, 0.0, good_s, "s", message)
