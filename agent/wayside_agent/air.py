"""What the unit says on the air: which services speak, of what, and through which radio."""

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping

from wayside.errors import InvalidArgumentError
from wayside.v2x.profile import Profile
from wayside_agent.core.fix import Fix
from wayside_agent.core.gnss_plausibility import Fault
from wayside_agent.core.safety_broadcast import SafetyBroadcast
from wayside_agent.core.signal_phases import Intersection
from wayside_agent.core.speaking import Body, Signal, Speaker
from wayside_agent.drivers.signal_udp import UdpSignal
from wayside_agent.ports.devices import Radio
from wayside_agent.services import v2x_rsu
from wayside_agent.services.sensing import Sensing
from wayside_agent.services.v2x_obu import PERIOD_S, Voice, World
from wayside_agent.settings import Settings

MAX_VALUE_AGE_NS = 1_000_000_000
"""A bus that fell silent says nothing of now."""


class Air:
    """Every service that speaks V2X."""

    def __init__(
        self,
        unit: Settings,
        sensing: Sensing,
        radio: Radio | None,
        *,
        utc_s: Callable[[], float | None],
    ) -> None:
        """Raises: InvalidArgumentError: the settings want what the unit has not."""
        self._sensing = sensing
        self._events = SafetyBroadcast()
        self._sources: Mapping[str, Signal] = {}
        self.voice = self._voice(unit, radio, utc_s)
        self.signal = _signal(unit, radio, utc_s)

    def planned_rate_hz(self) -> float | None:
        """V2X messages the unit should send now [1/s]; `None`: nothing is planned, or a vehicle must be silent."""
        if self.signal is not None:
            return 1 / v2x_rsu.PERIOD_S
        return None if self.voice is None or self.voice.why_silent else 1 / PERIOD_S

    def broadcast(self) -> str:
        """The road event that is being broadcast, in one sentence; empty: none."""
        radio = self._sensing.radio
        return "" if radio is None else self._events.sentence(radio.counters.sent, time.monotonic())

    def services(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """What runs, by name."""
        services: dict[str, Callable[[], Awaitable[None]]] = {}
        if self.voice is not None:
            services["v2x-obu"] = self.voice.run
        if self.signal is not None:
            services["v2x-rsu"] = self.signal.run
        return services

    def _voice(self, unit: Settings, radio: Radio | None, utc_s: Callable[[], float | None]) -> Voice | None:
        vehicle = unit.v2x.vehicle
        if vehicle is None:
            return None
        if unit.node.kind != "obu" or radio is None or unit.gnss is None:
            raise InvalidArgumentError("field v2x.vehicle: only an OBU with gnss and radio can speak for a vehicle")
        self._sources = {name: Signal(signal) for signal, name in vehicle.signals.items()}
        body = Body(vehicle.width_m, vehicle.length_m, vehicle.height_m, vehicle.vehicle_class)
        return Voice(
            World(
                speaker=Speaker(body, secrets.token_bytes),
                profile=Profile(unit.v2x.profile),
                send=radio.send,
                fix=self._fix,
                values=self._values,
                utc_s=utc_s,
                doubt=self._doubt,
                id_period_s=vehicle.id_period_s,
            )
        )

    def _fix(self) -> tuple[Fix | None, float]:
        """The newest epoch, if it has a position, and its age [s]."""
        gnss = self._sensing.gnss
        if gnss is None or gnss.newest is None or gnss.position_mono_s is None:
            return None, 0.0
        return gnss.newest, time.monotonic() - gnss.position_mono_s

    def _doubt(self) -> str:
        gnss = self._sensing.gnss
        return "" if gnss is None or gnss.verdict.fault is Fault.NONE else gnss.verdict.reason

    def _values(self) -> dict[Signal, float]:
        readings = self._sensing.latest() if self._sources else ()
        oldest_ns = time.time_ns() - MAX_VALUE_AGE_NS
        wanted = (each for each in readings if each.name in self._sources and each.time_ns >= oldest_ns)
        return {self._sources[each.name]: each.value for each in wanted}


def _signal(unit: Settings, radio: Radio | None, utc_s: Callable[[], float | None]) -> v2x_rsu.SignalVoice | None:
    asked = unit.v2x.signal
    if asked is None:
        return None
    if unit.node.kind != "rsu" or radio is None:
        raise InvalidArgumentError("field v2x.signal: only an RSU with a radio can broadcast SPAT")
    options = UdpSignal.Options(bind_host=asked.bind_host, bind_port=asked.bind_port, controller=asked.controller)
    try:
        feed = UdpSignal(options)
    except ValueError as error:
        raise InvalidArgumentError(f"field v2x.signal.controller: {error}; give an IP address") from error
    intersection = Intersection(
        region=asked.region,
        node=asked.node,
        phase_ids=asked.phase_ids,
        conflicts=frozenset(frozenset(pair) for pair in asked.conflicts),
        permissive=frozenset(asked.permissive),
    )
    return v2x_rsu.SignalVoice(v2x_rsu.World(feed, intersection, Profile(unit.v2x.profile), radio.send, utc_s))
