"""The health report: all the unit knows of itself at one instant. What could not be read is absent, never zero."""

import time as clock
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from wayside.v1 import health_pb2, node_pb2
from wayside_agent.core.health import Check, Checks
from wayside_agent.core.stamps import NANOSECONDS_PER_SECOND, TimeQuality
from wayside_agent.ports.spools import Spool
from wayside_agent.services.device_health import bus_health, gnss_health, host_health, radio_health, spool_health
from wayside_agent.services.pulse import Pulse
from wayside_agent.services.sensing import Sensing

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

    unit: Callable[[], node_pb2.HealthReport] = node_pb2.HealthReport
    """Power, cabinet, uplink, software and loads, as they stand in a report."""
    mono_s: Callable[[], float] = clock.monotonic
    """The steady clock of sensing."""

    def report(self) -> node_pb2.HealthReport:
        """The state of the unit now."""
        versions = self.versions()
        report = node_pb2.HealthReport(
            time_quality=wire_time_quality(self.pulse.host.time_quality),
            agent_version=versions.agent_version,
            release=versions.release,
            config_revision=versions.config_revision,
            host=host_health(self.pulse.host),
            gnss=gnss_health(self.sensing.gnss),
            radio=radio_health(self.sensing.radio, self.sensing.neighbour_count()),
            spools=[spool_health(name, spool) for name, spool in sorted(self.spools.items())],
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
        rates, now_s = self.pulse.bus_rates(), self.mono_s()
        report.can_buses.extend(
            bus_health(name, bus, rates[name], bus.silent_ids(now_s))
            for name, bus in sorted(self.sensing.buses.items())
        )
        report.MergeFrom(self.unit())
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
