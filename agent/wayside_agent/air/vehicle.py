"""An OBU speaks for its vehicle: BSM from its receiver and its bus."""

import secrets
import time
from collections.abc import Callable, Mapping

from wayside.errors import InvalidArgumentError
from wayside.v2x.profile import Profile
from wayside_agent.core.fix import Fix
from wayside_agent.core.gnss_plausibility import Fault
from wayside_agent.core.speaking import Body, Signal, Speaker
from wayside_agent.drivers.id_change_command import IdChangeCommand
from wayside_agent.ports.devices import Radio
from wayside_agent.services.sensing import Sensing
from wayside_agent.services.v2x_obu import Voice, World
from wayside_agent.settings import Settings

MAX_VALUE_AGE_NS = 1_000_000_000
"""A bus that fell silent says nothing of now."""


def voice(unit: Settings, sensing: Sensing, radio: Radio | None, *, utc_s: Callable[[], float | None]) -> Voice | None:
    """The voice of the vehicle the settings name.

    Raises: InvalidArgumentError: the settings want what the unit has not.
    """
    vehicle = unit.v2x.vehicle
    if vehicle is None:
        return None
    if unit.node.kind != "obu" or radio is None or unit.gnss is None:
        raise InvalidArgumentError("field v2x.vehicle: only an OBU with gnss and radio can speak for a vehicle")
    body = Body(vehicle.width_m, vehicle.length_m, vehicle.height_m, vehicle.vehicle_class)
    vehicle_senses = senses(unit, sensing)
    command = IdChangeCommand(vehicle.id_change_command, timeout_s=vehicle.id_change_timeout_s)
    return Voice(
        World(
            speaker=Speaker(body, secrets.token_bytes),
            profile=Profile(unit.v2x.profile),
            send=radio.send,
            fix=vehicle_senses.fix,
            values=vehicle_senses.values,
            utc_s=utc_s,
            doubt=vehicle_senses.doubt,
            id_period_s=vehicle.id_period_s,
            id_changes=command if vehicle.id_change_command else None,
        )
    )


def senses(unit: Settings, sensing: Sensing) -> "VehicleSenses":
    """What the unit knows of its vehicle, by the settings."""
    signals = {} if unit.v2x.vehicle is None else unit.v2x.vehicle.signals
    return VehicleSenses(sensing, {name: Signal(signal) for signal, name in signals.items()})


class VehicleSenses:
    """What a unit knows of its vehicle now."""

    def __init__(self, sensing: Sensing, sources: Mapping[str, Signal]) -> None:
        """`sources`: what readings mean, by their names."""
        self._sensing = sensing
        self._sources = sources

    def fix(self) -> tuple[Fix | None, float]:
        """The newest epoch, if it has a position, and its age [s]."""
        gnss = self._sensing.gnss
        if gnss is None or gnss.newest is None or gnss.position_mono_s is None:
            return None, 0.0
        return gnss.newest, time.monotonic() - gnss.position_mono_s

    def doubt(self) -> str:
        """Why the position cannot be true; empty: it can."""
        gnss = self._sensing.gnss
        return "" if gnss is None or gnss.verdict.fault is Fault.NONE else gnss.verdict.reason

    def values(self) -> dict[Signal, float]:
        """What the bus has said of the vehicle in the last second."""
        readings = self._sensing.latest() if self._sources else ()
        oldest_ns = time.time_ns() - MAX_VALUE_AGE_NS
        wanted = (each for each in readings if each.name in self._sources and each.time_ns >= oldest_ns)
        return {self._sources[each.name]: each.value for each in wanted}
