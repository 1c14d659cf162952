"""Which readings tell of a unit's power and cabinet, and what they say.

    roles = Roles({"input_v": "feed.ups.voltage"}, age_max_s=120.0)
    told = roles.told(readings, now_ns)         # {"input_v": 23.9}; what is old or impossible is not there
    power_sample(told, roles, Supply())

A code that means "not available" makes no reading in the first place (`core.readings`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from wayside_agent.core.health_samples import EnvironmentSample, PowerSample
from wayside_agent.core.readings import Reading
from wayside_agent.core.stamps import NANOSECONDS_PER_SECOND

_SCALES: Mapping[str, float] = {"%": 0.01, "mV": 0.001}
BOUNDS: Mapping[str, tuple[float, float]] = {
    "temperature_celsius": (-60.0, 200.0),
    "humidity_ratio": (0.0, 1.0),
    "door_open": (0.0, 1e9),
    "leak": (0.0, 1e9),
    "fan_rpm": (0.0, 100_000.0),
    "input_v": (0.0, 1000.0),
    "on_battery": (0.0, 1e9),
    "battery_ratio": (0.0, 1.0),
}
"""What can be; a value beyond is none."""
POWER = frozenset({"input_v", "on_battery", "battery_ratio"})
_FIELDS: Mapping[str, str] = {"door_open": "is_door_open", "leak": "has_leak"}
"""Of samples, where they are not called as the role."""


@dataclass(frozen=True, slots=True)
class Supply:
    """What the computer itself tells of power and fans. `None`: nothing."""

    on_battery: bool | None = None
    battery_ratio: float | None = None
    fan_rpm: float | None = None


@dataclass(frozen=True, slots=True)
class Roles:
    """Names of readings by role, see `BOUNDS`."""

    names: Mapping[str, str] = field(default_factory=dict)
    age_max_s: float = 120.0

    def told(self, readings: Iterable[Reading], now_ns: int) -> Mapping[str, float]:
        """The value of each role that has a present one."""
        wanted = set(self.names.values())
        found = {reading.name: reading for reading in readings if reading.name in wanted}
        told: dict[str, float] = {}
        for role, name in self.names.items():
            reading = found.get(name)
            if reading is None or abs(now_ns - reading.time_ns) > self.age_max_s * NANOSECONDS_PER_SECOND:
                continue
            value = reading.value * _SCALES.get(reading.unit, 1.0)
            low, high = BOUNDS[role]
            if low <= value <= high:
                told[role] = value
        return told


def power_sample(told: Mapping[str, float], roles: Roles, supply: Supply) -> PowerSample | None:
    """The supply; sensors go before the computer. `None`: nothing measures it."""
    measured = _fields(POWER & roles.names.keys(), supply)
    if not measured:
        return None
    return PowerSample(
        input_v=told.get("input_v"),
        on_battery=_flag(told, "on_battery") if "on_battery" in roles.names else supply.on_battery,
        battery_ratio=told.get("battery_ratio") if "battery_ratio" in roles.names else supply.battery_ratio,
        measured=measured,
    )


def environment_sample(told: Mapping[str, float], roles: Roles, supply: Supply) -> EnvironmentSample | None:
    """The cabinet; sensors go before the computer. `None`: nothing measures it."""
    measured = frozenset(_FIELDS.get(role, role) for role in roles.names.keys() - POWER)
    if supply.fan_rpm is not None:
        measured |= {"fan_rpm"}
    if not measured:
        return None
    return EnvironmentSample(
        temperature_celsius=told.get("temperature_celsius"),
        humidity_ratio=told.get("humidity_ratio"),
        is_door_open=_flag(told, "door_open"),
        has_leak=_flag(told, "leak"),
        fan_rpm=told.get("fan_rpm") if "fan_rpm" in roles.names else supply.fan_rpm,
        measured=measured,
    )


def _fields(roles: frozenset[str], supply: Supply) -> frozenset[str]:
    told = {"on_battery": supply.on_battery, "battery_ratio": supply.battery_ratio}
    return roles | {name for name, value in told.items() if value is not None}


def _flag(told: Mapping[str, float], role: str) -> bool | None:
    return told[role] != 0 if role in told else None
