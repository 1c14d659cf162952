"""What is so now of everything that must hold before a release is installed: measured, not judged.

Usage: `situation.now()`; `limits_of(config.update)`. `core.preconditions` judges.
"""

from collections.abc import Callable
from dataclasses import dataclass

from wayside.node_config import UpdateConfig
from wayside_agent.core.health_samples import Sample
from wayside_agent.core.preconditions import Limits, Motion, Situation
from wayside_agent.core.readings import Reading
from wayside_agent.core.stamps import NANOSECONDS_PER_SECOND
from wayside_agent.services.sensing import Sensing

READING_KEPT_S = 10.0
"""A speed or a gear that is older says nothing of now."""
_KMH = 3.6


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Looks at one unit."""

    sensing: Sensing
    sample: Callable[[], Sample]
    """What was measured last for the checks of health."""
    config: Callable[[], UpdateConfig]
    moves: bool
    """It is on a vehicle."""
    utc_s: Callable[[], float | None]
    """Trusted time; `None`: nobody knows."""
    clock_s: Callable[[], float]
    mono_s: Callable[[], float]
    lock: Callable[[], str]
    """Why an application holds the update lock; empty: none does."""
    broadcast: Callable[[], str]
    """Safety event on air; empty: none."""

    def now(self) -> Situation:
        """Everything at this instant."""
        sample = self.sample()
        cabinet = None if sample.environment is None else sample.environment.temperature_celsius
        told = (sample.host.temperature_celsius, cabinet)
        return Situation(
            utc_s=self.utc_s(),
            power=sample.power,
            temperatures_celsius=tuple(each for each in told if each is not None),
            motion=self._motion() if self.moves else None,
            broadcast=self.broadcast(),
            lock=self.lock(),
        )

    def _motion(self) -> Motion | None:
        config, gnss = self.config(), self.sensing.gnss
        gear, speed = self._reading(config.gear_reading), self._reading(config.speed_reading)
        speeds = [] if speed is None else [speed.value / _KMH if speed.unit == "km/h" else speed.value]
        if gnss is not None and gnss.newest_with_position is not None and gnss.position_mono_s is not None:
            fixed_mps = gnss.newest_with_position.speed_mps
            if fixed_mps is not None and self.mono_s() - gnss.position_mono_s < READING_KEPT_S:
                speeds.append(fixed_mps)
        if gnss is None and not config.gear_reading and not config.speed_reading:
            return None  # it has nothing that could ever tell
        return Motion(
            speed_mps=max(speeds, default=None),
            is_parked=None if gear is None else gear.value == config.park_value,
            expects_gear=bool(config.gear_reading),
        )

    def _reading(self, name: str) -> Reading | None:
        found = next((each for each in self.sensing.latest() if each.name == name), None) if name else None
        if found is None:
            return None
        age_s = self.clock_s() - found.time_ns / NANOSECONDS_PER_SECOND
        return found if abs(age_s) < READING_KEPT_S else None


def limits_of(config: UpdateConfig) -> Limits:
    """The limits that a configuration sets."""
    return Limits(
        allow_on_battery=config.allow_on_battery,
        min_battery_ratio=config.min_battery_ratio,
        min_input_v=config.min_input_volts or None,
        max_temperature_celsius=config.max_temperature_celsius,
        min_temperature_celsius=config.min_temperature_celsius,
        max_speed_mps=config.max_speed_mps,
        min_free_bytes=config.min_free_bytes,
    )
