"""How a unit comes to judge itself: what it measures, and how what it finds gets into its reports.

Usage: `wellbeing.use(config)`; run `wellbeing.checks.run` and `wellbeing.derating.run` as services.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from msgspec import structs

from wayside.node_config import HealthConfig, NodeConfig
from wayside.v1 import node_pb2
from wayside_agent.core.certificate import certificate
from wayside_agent.core.der import DerError, pem_contents
from wayside_agent.core.fix import Position
from wayside_agent.core.gnss_plausibility import PLACE_RADIUS_M, Rules
from wayside_agent.core.health_samples import EnvironmentSample, PowerSample
from wayside_agent.core.roles import Roles
from wayside_agent.core.v2x import Station
from wayside_agent.services.derating import Derating
from wayside_agent.services.health_checks import HealthChecks
from wayside_agent.services.renewal import Renewal
from wayside_agent.services.sampling import Sampling
from wayside_agent.services.sensing import Sensing
from wayside_agent.services.timekeeping import Timekeeping


@dataclass(frozen=True, slots=True)
class Wellbeing:
    """The checks of one unit and what they look at."""

    checks: HealthChecks
    sampling: Sampling
    derating: Derating
    sensing: Sensing
    time: Timekeeping
    stands: bool
    """It never moves: a roadside unit."""

    def use(self, config: NodeConfig) -> None:
        """Judges by this configuration from now on."""
        self.checks.use(config.health)
        self.sampling.roles = roles_of(config.health)
        self.derating.use(config.derating)
        if self.sensing.gnss is not None:
            place = config.health.place
            surveyed = Position(place.latitude_degrees, place.longitude_degrees) if place.radius_m else None
            radius_m = place.radius_m or PLACE_RADIUS_M
            rules = Rules(stands=self.stands, place=surveyed, place_radius_m=radius_m)
            self.sensing.gnss.plausibility.use(rules)

    def time_health(self) -> node_pb2.TimeHealth:
        """The clock, for a report."""
        estimate = self.time.estimate()
        return node_pb2.TimeHealth(
            source=str(estimate.source),
            error_seconds=estimate.error_s,
            clock_offset_seconds=self.time.clock_offset_s(),
            holdover_seconds=self.time.holdover_s(),
            signing_rests=self.sampling.clock.signing_rests,
        )

    def unit_health(self) -> node_pb2.HealthReport:
        """Power, cabinet, uplink, software and loads, for a report."""
        sampling = self.sampling
        sample, reach, start = sampling.newest, sampling.reach(), sampling.start
        software = node_pb2.SoftwareHealth(
            start_count=start.starts.start_count,
            unasked_start_count=start.starts.unasked_count,
            start_reason=str(start.reason),
        )
        software.start_time.FromMilliseconds(round(start.time_s * 1000))
        return node_pb2.HealthReport(
            power=power_health(sample.power, sampling.battery_transition_count),
            environment=environment_health(sample.environment),
            uplink=node_pb2.UplinkHealth(
                acknowledge_seconds=reach.acknowledge_s,
                session_count=reach.session_count,
                broken_session_count=reach.broken_session_count,
                reached_ratio=sample.uplink.reached_ratio,
                oldest_report_seconds=sample.uplink.oldest_report_s,
            ),
            software=software,
            shed_loads=self.derating.shed,
        )


def power_health(power: PowerSample | None, transition_count: int) -> node_pb2.PowerHealth | None:
    """The supply, for a report; `None`: nothing measures it."""
    if power is None:
        return None
    return node_pb2.PowerHealth(
        input_volts=power.input_v,
        on_battery=power.on_battery,
        battery_ratio=power.battery_ratio,
        battery_transition_count=transition_count,
    )


def environment_health(environment: EnvironmentSample | None) -> node_pb2.EnvironmentHealth | None:
    """The cabinet, for a report; `None`: nothing measures it."""
    if environment is None:
        return None
    return node_pb2.EnvironmentHealth(
        temperature_celsius=environment.temperature_celsius,
        humidity_ratio=environment.humidity_ratio,
        door_open=environment.is_door_open,
        leak=environment.has_leak,
        fan_revolutions_per_minute=environment.fan_rpm,
    )


def roles_of(config: HealthConfig) -> Roles:
    """The readings a configuration names."""
    named = {role: name for role, name in structs.asdict(config.readings).items() if name}
    return Roles(named, config.reading_age_max_s)


def ends_of(
    renewal: Callable[[], Renewal],
    station: Callable[[], Station],
    metadata_end_s: Callable[[], float | None] = lambda: None,
) -> Callable[[], Mapping[str, float | None]]:
    """When what the unit trusts and signs by ends, seconds since 1970.

    Its certificate, authorities, the radio's, and the metadata of a release that waits: until then it may be installed.
    """
    known: dict[str, float | None] = {}

    def ends() -> Mapping[str, float | None]:
        identity, pace = renewal().identity, renewal().pace
        if identity.authorities_sha256 not in known:  # read once: they change every few years
            known.clear()
            known[identity.authorities_sha256] = _last_end_s(pem_contents(identity.authorities_pem))
        return {
            "node certificate": pace.not_after_s,
            "authorities": known[identity.authorities_sha256],
            "release metadata": metadata_end_s(),
            "signing certificate": station().signing_certificate_end_s,
        }

    return ends


def _last_end_s(certificates: Iterable[bytes]) -> float | None:
    found = []
    for der in certificates:
        with suppress(DerError):
            found.append(certificate(der).not_after_s)
    return max(found, default=None)
