"""How a unit comes to judge itself: what it measures, and how what it finds gets into its reports.

Usage: `wellbeing = Wellbeing.of(...)`; `wellbeing.use(config.health)`; run `wellbeing.checks.run` as a service.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from wayside.node_config import HealthConfig
from wayside.v1 import node_pb2
from wayside_agent.core.certificate import certificate
from wayside_agent.core.der import DerError, pem_contents
from wayside_agent.core.fix import Position
from wayside_agent.core.gnss_plausibility import PLACE_RADIUS_M, Rules
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
    sensing: Sensing
    time: Timekeeping
    stands: bool
    """It never moves: a roadside unit."""

    def use(self, config: HealthConfig) -> None:
        """Judges by this configuration from now on."""
        self.checks.use(config)
        if self.sensing.gnss is not None:
            place = config.place
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
            signing_rests=self.sampling.clock.signing_rests,
        )


def ends_of(renewal: Callable[[], Renewal]) -> Callable[[], Mapping[str, float | None]]:
    """When the unit's own certificate and the last of the authorities it trusts end, seconds since 1970."""
    known: dict[str, float | None] = {}

    def ends() -> Mapping[str, float | None]:
        identity, pace = renewal().identity, renewal().pace
        if identity.authorities_sha256 not in known:  # read once: they change every few years
            known.clear()
            known[identity.authorities_sha256] = _last_end_s(pem_contents(identity.authorities_pem))
        return {"node certificate": pace.not_after_s, "authorities": known[identity.authorities_sha256]}

    return ends


def _last_end_s(certificates: Iterable[bytes]) -> float | None:
    found = []
    for der in certificates:
        with suppress(DerError):
            found.append(certificate(der).not_after_s)
    return max(found, default=None)
