"""Judges a sample: one finding per check, in the words an operator reads. docs/health.md lists the checks.

    findings(sample, limits, before=checks.state)

A device the unit does not have is not checked. A device it has and that says nothing is UNKNOWN, never ok.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from wayside_agent.core.fix import AntennaState, FixMode, FixQuality
from wayside_agent.core.frames import BusCondition
from wayside_agent.core.health import Finding, Limit, State, flagged, limited
from wayside_agent.core.health_limits import DAY_S
from wayside_agent.core.health_samples import (
    BusSample,
    EnvironmentSample,
    GnssSample,
    PowerSample,
    RadioSample,
    Sample,
    SourceSample,
    TimeSample,
    UplinkSample,
)
from wayside_agent.core.health_v2x import v2x_findings
from wayside_agent.core.sending import worst

_SHOWN_IDS = 5


@dataclass(frozen=True, slots=True)
class Judge:
    """Limits, and what was found before."""

    limits: Mapping[str, Limit]
    before: Callable[[str], State]

    def __call__(  # each is one word of the finding
        self, name: str, value: float | None, what: str, *, unit: str = "", rule: str = ""
    ) -> Finding:
        """The finding for a value by its limit; `rule` names the limit when it is not that of the check."""
        return limited(name, value, self.limits[rule or name], before=self.before(name), what=what, unit=unit)


def findings(sample: Sample, limits: Mapping[str, Limit], *, before: Callable[[str], State]) -> Iterator[Finding]:
    """Every finding of a sample, in no particular order."""
    judge = Judge(limits, before)
    for bus in sample.buses:
        yield from _bus(bus, judge)
    if sample.gnss is not None:
        yield from _gnss(sample.gnss, judge)
    if sample.radio is not None:
        yield from _radio(sample.radio, judge)
    yield from v2x_findings(sample)
    yield from _time(sample.time, judge)
    if sample.power is not None:
        yield from _power(sample.power, judge)
    if sample.environment is not None:
        yield from _environment(sample.environment, judge)
    yield from _computer(sample, judge)
    yield from _uplink(sample.uplink, judge)
    yield judge("software.restarts", sample.software.unasked_starts_per_day, "unasked starts of the agent", unit="1/d")
    yield _watchdog(sample.software.start_reason)
    yield _autonomy(sample.ends, judge)


def _open(name: str, what: str, source: SourceSample) -> Finding:
    if source.is_open or source.has_ended:
        return Finding(name, State.OK)
    if source.fault:
        return Finding(name, State.FAILED, f"{what}: {source.fault}")
    return Finding(name, State.UNKNOWN, f"{what} is not open yet")


def _bus(bus: BusSample, judge: Judge) -> Iterator[Finding]:
    prefix, what = f"can.{bus.name}", f"bus {bus.name}"
    yield _open(f"{prefix}.open", what, bus.source)
    if bus.condition is not None:  # a driver that cannot tell has no such check
        yield _condition(f"{prefix}.state", what, bus)
    rates: tuple[tuple[str, float | None, str], ...] = (
        ("errors", bus.error_frame_rate_hz, "error frames"),
        ("drops", bus.kernel_drop_rate_hz, "frames the kernel dropped"),
    )
    for rule, value, words in rates:
        if value is not None:
            yield judge(f"{prefix}.{rule}", value, f"{what}, {words}", unit="1/s", rule=f"can.{rule}")
    if bus.load_ratio is not None:
        yield judge(f"{prefix}.load", bus.load_ratio, f"{what}, load", rule="can.load")
    if bus.expects_ids:
        yield _silence(f"{prefix}.silence", what, bus)


def _condition(name: str, what: str, bus: BusSample) -> Finding:
    counters = f"transmit errors {bus.transmit_error_count}, receive errors {bus.receive_error_count}"
    match bus.condition:
        case BusCondition.BUS_OFF:
            return Finding(name, State.FAILED, f"{what}: bus-off, the controller takes no part; {counters}")
        case BusCondition.ERROR_PASSIVE | BusCondition.ERROR_WARNING:
            words = "error-passive" if bus.condition is BusCondition.ERROR_PASSIVE else "error-warning"
            return Finding(name, State.DEGRADED, f"{what}: {words}; {counters}")
        case _:
            return Finding(name, State.OK)


def _silence(name: str, what: str, bus: BusSample) -> Finding:
    if not bus.source.is_open:
        return Finding(name, State.UNKNOWN, f"{what} is not open")
    if not bus.silent_ids:
        return Finding(name, State.OK, value=0.0)
    shown = ", ".join(f"0x{each:X}" for each in bus.silent_ids[:_SHOWN_IDS])
    more = f" and {len(bus.silent_ids) - _SHOWN_IDS} more" if len(bus.silent_ids) > _SHOWN_IDS else ""
    return Finding(name, State.FAILED, f"{what}: nothing of {shown}{more} in its time", float(len(bus.silent_ids)))


_QUALITY_STATES = {
    FixQuality.INVALID: State.FAILED,
    FixQuality.ESTIMATED: State.DEGRADED,
    FixQuality.OTHER: State.DEGRADED,
}


def _gnss(gnss: GnssSample, judge: Judge) -> Iterator[Finding]:
    yield _open("gnss.open", "receiver", gnss.source)
    yield _fix(gnss)
    yield judge("gnss.satellites", _number(gnss.satellite_count), "satellites in use")
    yield judge("gnss.hdop", gnss.hdop, "HDOP")
    if gnss.quality in {FixQuality.DIFFERENTIAL, FixQuality.RTK_FIXED, FixQuality.RTK_FLOAT}:
        yield judge("gnss.correction", gnss.correction_age_s, "age of the corrections", unit="s")
    if gnss.antenna is not None:
        yield _antenna(gnss.antenna)
    verdict = gnss.verdict
    if gnss.mode is None:
        yield Finding("gnss.plausible", State.UNKNOWN, "the receiver has said nothing yet")
    else:
        yield flagged("gnss.plausible", bool(verdict.fault), verdict.reason)


def _antenna(antenna: AntennaState) -> Finding:
    match antenna:
        case AntennaState.SHORT:
            return Finding("gnss.antenna", State.FAILED, "antenna: the line is short-circuited")
        case AntennaState.OPEN:  # a passive antenna draws no current either; the fix says whether one is there
            return Finding("gnss.antenna", State.DEGRADED, "antenna: there is none, or one that draws no current")
        case _:
            return Finding("gnss.antenna", State.OK)


def _fix(gnss: GnssSample) -> Finding:
    if gnss.mode is None or gnss.quality is None:
        return Finding("gnss.fix", State.UNKNOWN, "the receiver has said nothing yet")
    if gnss.mode is FixMode.NONE:
        seen = ", ".join(f"{system} {count}" for system, count in sorted(gnss.in_view.items()))
        return Finding("gnss.fix", State.FAILED, f"no position; satellites in view: {seen or 'none'}")
    state = _QUALITY_STATES.get(gnss.quality, State.OK)
    return Finding("gnss.fix", state, "" if state is State.OK else f"the position is {gnss.quality}, not measured")


def _radio(radio: RadioSample, judge: Judge) -> Iterator[Finding]:
    yield _open("radio.open", "radio", radio.source)
    if (least := worst(radio.sending)) is not None:
        yield judge("radio.rate", least.ratio, f"{least.what} sent, of those planned")
    if radio.busy_ratio is not None:
        yield judge("radio.busy", radio.busy_ratio, "share of time the channel is busy")
    if radio.certificate_left_s is not None:
        yield judge("radio.certificate", radio.certificate_left_s, "time its certificate has left", unit="s")


def _time(time: TimeSample, judge: Judge) -> Iterator[Finding]:
    if time.source in {"", "floor"} and not time.is_synchronized:
        yield Finding("time.source", State.FAILED, "nothing tells the time: no receiver, no manager, no network time")
    elif not time.is_synchronized:
        yield Finding("time.source", State.DEGRADED, f"the clock runs on its own; best source: {time.source}")
    else:
        yield Finding("time.source", State.OK)
    offset_s = None if time.offset_s is None else abs(time.offset_s)
    yield judge("time.offset", offset_s, "offset of the clock", unit="s")
    if time.holdover_s is not None:
        yield judge("time.holdover", time.holdover_s, "time since anything disciplined the clock", unit="s")
    yield _jump(time.jump_s)
    yield flagged("time.week", bool(time.week_fault), time.week_fault)


def _jump(jump_s: float) -> Finding:
    if not math.isfinite(jump_s):
        return Finding("time.jump", State.UNKNOWN, "how far the clock leapt cannot be read", unit="s")
    if not jump_s:
        return Finding("time.jump", State.OK)
    reason = f"the clock leapt by {jump_s:.1f} s; signing rests until it is steady"
    return Finding("time.jump", State.FAILED, reason, jump_s, "s")


def _power(power: PowerSample, judge: Judge) -> Iterator[Finding]:
    if _measures(power, "on_battery", always="on_battery"):
        yield flagged("power.supply", power.on_battery, "runs on its battery: the supply is gone")
    if _measures(power, "input_v"):
        yield judge("power.voltage", power.input_v, "voltage", unit="V")
    if _measures(power, "battery_ratio"):
        yield judge("power.battery", power.battery_ratio, "charge of the battery")


def _environment(environment: EnvironmentSample, judge: Judge) -> Iterator[Finding]:
    if _measures(environment, "temperature_celsius", always="temperature_celsius"):
        yield judge("environment.temperature", environment.temperature_celsius, "cabinet", unit="degree Celsius")
    if _measures(environment, "humidity_ratio"):
        yield judge("environment.humidity", environment.humidity_ratio, "humidity in the cabinet")
    if _measures(environment, "is_door_open"):
        yield flagged("environment.door", environment.is_door_open, "the cabinet is open", state=State.DEGRADED)
    if _measures(environment, "has_leak"):
        yield flagged("environment.leak", environment.has_leak, "there is water in the cabinet")
    if _measures(environment, "fan_rpm"):
        yield judge("environment.fan", environment.fan_rpm, "fan", unit="1/min")


def _computer(sample: Sample, judge: Judge) -> Iterator[Finding]:
    storage, host = sample.storage, sample.host
    yield judge("storage.space", storage.free_ratio, "free share of the disk")
    if storage.wear_ratio is not None:  # few disks tell
        yield judge("storage.wear", storage.wear_ratio, "used life of the disk")
    if storage.append_s is not None:
        yield judge("storage.latency", storage.append_s, "time to make a record durable", unit="s")
    yield judge("host.cpu", host.cpu_ratio, "processor load")
    yield judge("host.memory", host.memory_ratio, "memory in use")
    if host.temperature_celsius is not None:
        yield judge("host.temperature", host.temperature_celsius, "processor", unit="degree Celsius")


def _uplink(uplink: UplinkSample, judge: Judge) -> Iterator[Finding]:
    if uplink.is_reached and uplink.acknowledge_s is not None:
        yield judge("uplink.latency", uplink.acknowledge_s, "time until the manager has written a report", unit="s")
    else:
        words = "nothing was acknowledged yet" if uplink.is_reached else "the manager is not reached"
        yield Finding("uplink.latency", State.UNKNOWN, words, unit="s")
    yield judge("uplink.loss", uplink.reached_ratio, "share of the last day with the manager")
    if uplink.broken_per_hour is not None:
        yield judge("uplink.reconnects", uplink.broken_per_hour, "sessions that broke", unit="1/h")
    yield judge("uplink.spool", uplink.spool_fill_ratio, "fill of the fullest spool")
    if uplink.broker_fault is not None:
        yield flagged("uplink.broker", bool(uplink.broker_fault), f"broker: {uplink.broker_fault}")


def _watchdog(start_reason: str) -> Finding:
    if not start_reason:
        return Finding("software.watchdog", State.UNKNOWN, "why the agent was started is not known")
    reason = "the agent was started anew because it had stopped answering"
    return flagged("software.watchdog", start_reason == "watchdog", reason, state=State.DEGRADED)


def _autonomy(ends: Mapping[str, float | None], judge: Judge) -> Finding:
    known = {what: left_s for what, left_s in ends.items() if left_s is not None and math.isfinite(left_s)}
    if not known:
        return Finding("autonomy", State.UNKNOWN, "nothing tells when the unit's certificates end", unit="s")
    first = min(known, key=lambda what: known[what])
    found = judge("autonomy", known[first], first, unit="s")
    if found.state is State.OK:
        return found
    left_s = known[first]
    words = f"ends in {left_s / DAY_S:.1f} days" if left_s > 0 else f"ended {-left_s / DAY_S:.1f} days ago"
    return Finding("autonomy", found.state, f"{first} {words}", left_s, "s")


def _measures(sample: PowerSample | EnvironmentSample, name: str, *, always: str = "") -> bool:
    """Whether a field is checked: what the configuration says is measured is, and then its silence is unknown."""
    if sample.measured is None:
        return name == always or getattr(sample, name) is not None
    return name in sample.measured


def _number(value: int | None) -> float | None:
    return None if value is None else float(value)
