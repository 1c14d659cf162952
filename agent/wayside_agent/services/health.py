"""The health report: all the unit knows of itself at one instant. What could not be read is absent, never zero."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from wayside.v1 import health_pb2, node_pb2
from wayside_agent.core.health import Check, Checks
from wayside_agent.core.stamps import NANOSECONDS_PER_SECOND, TimeQuality
from wayside_agent.ports.devices import HostReading
from wayside_agent.ports.spools import Spool
from wayside_agent.services.pulse import Pulse
from wayside_agent.services.sensing import Sensing
from wayside_agent.services.source_state import BusState, GnssState, RadioState

END_FIELDS: Mapping[str, str] = {
    "node certificate": "node_certificate_expire_time",
    "authorities": "authority_expire_time",
    "revocation list": "revocation_list_expire_time",
    "release metadata": "metadata_expire_time",
    "signing certificate": "signing_expire_time",
}
"""What a unit trusts by, as checks call it, and its field on the wire."""


def wire_time_quality(quality: TimeQuality) -> node_pb2.TimeQuality.ValueType:
    """The quality as it crosses the wire."""
    return node_pb2.TimeQuality.Value(f"TIME_QUALITY_{quality.name}")


@dataclass(frozen=True, slots=True)
class Versions:
    """What runs."""

    agent_version: str
    release: str
    """`releases/{version}`; empty: the factory software."""
    config_revision: int
    report_period_s: float
    model: str = ""
    """On the type plate; empty: not told."""
    config_sha256: str = ""
    config_trial: str = ""
    """Trial under way; empty: none."""


@dataclass(frozen=True, slots=True)
class Health:
    """Builds health reports."""

    sensing: Sensing
    pulse: Pulse
    spools: Mapping[str, Spool]
    telemetry_batch_count: Callable[[], int]
    versions: Callable[[], Versions]
    now_ns: Callable[[], int]
    checks: Callable[[], Checks] = Checks
    """What was found last."""
    time: Callable[[], node_pb2.TimeHealth | None] = lambda: None
    ends: Callable[[], Mapping[str, float | None]] = dict
    """When what the unit trusts by ends, seconds since 1970, by what it is; see `END_FIELDS`."""

    def report(self) -> node_pb2.HealthReport:
        """The state of the unit now."""
        versions = self.versions()
        report = node_pb2.HealthReport(
            time_quality=wire_time_quality(self.pulse.host.time_quality),
            agent_version=versions.agent_version,
            release=versions.release,
            config_revision=versions.config_revision,
            host=_host(self.pulse.host),
            gnss=_gnss(self.sensing.gnss),
            radio=_radio(self.sensing.radio),
            spools=[_spool(name, spool) for name, spool in sorted(self.spools.items())],
            telemetry_batch_count=self.telemetry_batch_count(),
            feed=self._feed(),
            model=versions.model,
            config_sha256=versions.config_sha256,
            config_trial=versions.config_trial,
            broker_connected=self._is_broker_connected(),
            checks=[_check(check) for check in self.checks()],
            time=self.time(),
            autonomy=_autonomy(self.ends()),
        )
        report.sample_time.FromNanoseconds(self.now_ns())
        report.report_period.FromMilliseconds(round(versions.report_period_s * 1000))
        rates = self.pulse.frame_rates_hz()
        report.can_buses.extend(_bus(name, bus, rates[name]) for name, bus in sorted(self.sensing.buses.items()))
        return report

    def _is_broker_connected(self) -> bool | None:
        broker = self.pulse.broker()
        return broker.is_connected if broker else None

    def _feed(self) -> node_pb2.FeedHealth | None:
        if not self.sensing.feeds:
            return None
        return node_pb2.FeedHealth(
            accepted_count=sum(feed.counters.accepted_count for feed in self.sensing.feeds),
            refused_count=sum(feed.counters.refused_count for feed in self.sensing.feeds),
        )


def _check(check: Check) -> health_pb2.HealthCheck:
    found = check.finding
    message = health_pb2.HealthCheck(
        name=found.name,
        state=health_pb2.HealthState.Value(f"HEALTH_STATE_{found.state.name}"),
        reason=found.reason,
        value=found.value,
        unit=found.unit,
    )
    message.since_time.FromNanoseconds(round(check.since_s * NANOSECONDS_PER_SECOND))
    return message


def _autonomy(ends: Mapping[str, float | None]) -> node_pb2.AutonomyHealth:
    message = node_pb2.AutonomyHealth()
    for what, end_s in ends.items():
        if end_s is not None:
            getattr(message, END_FIELDS[what]).FromSeconds(round(end_s))
    return message


def _host(host: HostReading) -> node_pb2.HostHealth:
    health = node_pb2.HostHealth(
        cpu_ratio=host.cpu_ratio,
        memory_used_bytes=host.memory_used_bytes,
        memory_total_bytes=host.memory_total_bytes,
        disk_free_bytes=host.disk_free_bytes,
        disk_total_bytes=host.disk_total_bytes,
        disk_wear_ratio=host.disk_wear_ratio,
        temperature_celsius=host.temperature_celsius,
        clock_offset_seconds=host.clock_offset_s,
        clock_source=host.clock_source,
        agent_memory_bytes=host.agent_memory_bytes,
    )
    if host.uptime_s is not None:
        health.uptime.FromMilliseconds(round(host.uptime_s * 1000))
    return health


def _bus(name: str, bus: BusState, rate_hz: float) -> node_pb2.CanBusHealth:
    counters = bus.counters
    return node_pb2.CanBusHealth(
        name=name,
        frame_count=counters.frame_count,
        frame_rate_hertz=rate_hz,
        kernel_drop_count=counters.kernel_drop_count,
        error_frame_count=counters.error_frame_count,
        decoded_frame_count=bus.decoded_frame_count,
        is_open=bus.is_open,
    )


def _gnss(gnss: GnssState | None) -> node_pb2.GnssHealth | None:
    if gnss is None:
        return None
    counters = gnss.counters
    health = node_pb2.GnssHealth(
        fix_count=gnss.fix_count,
        no_fix_count=gnss.no_fix_count,
        sentence_count=counters.sentence_count,
        bad_sentence_count=counters.bad_sentence_count,
    )
    fix = gnss.newest
    if fix is not None:
        in_view = [node_pb2.SatelliteCount(system=system, count=count) for system, count in sorted(fix.in_view.items())]
        health.MergeFrom(
            node_pb2.GnssHealth(
                mode=node_pb2.FixMode.Value(f"FIX_MODE_{fix.mode.value.upper()}"),
                quality=node_pb2.FixQuality.Value(f"FIX_QUALITY_{fix.quality.name}"),
                satellite_count=fix.satellite_count,
                hdop=fix.hdop,
                satellites_in_view=in_view,
                correction_age_seconds=fix.correction_age_s,
            )
        )
    return health


def _radio(radio: RadioState | None) -> node_pb2.RadioHealth | None:
    if radio is None:
        return None
    received = [
        node_pb2.V2xMessageCount(kind=node_pb2.V2xMessageKind.Value(f"V2X_MESSAGE_KIND_{kind.name}"), count=count)
        for kind, count in sorted(radio.received.items())
    ]
    station = radio.station()
    return node_pb2.RadioHealth(
        received=received,
        malformed_count=radio.counters.malformed_count,
        is_open=radio.is_open,
        center_frequency_hertz=station.center_frequency_hz,
        transmit_power_dbm=station.transmit_power_dbm,
    )


def _spool(name: str, spool: Spool) -> node_pb2.SpoolHealth:
    state = spool.state()
    return node_pb2.SpoolHealth(
        name=name,
        record_count=state.record_count,
        size_bytes=state.size_bytes,
        evicted_count=state.evicted_count,
        torn_bytes=state.torn_bytes,
    )
