"""What the unit says and hears on the air: which services speak, of what, and through which radio."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from wayside_agent.air import broadcast, heard, perception, platform, signal, vehicle
from wayside_agent.air.guarded import GuardedRadio
from wayside_agent.air.overheard import OverheardRadio, Tap
from wayside_agent.air.radio import verification_of
from wayside_agent.air.radio_figures import RadioFigures
from wayside_agent.core.application_id import VEHICLE_IDS
from wayside_agent.core.health_samples import PlatformSample, SecuritySample, SignalSample
from wayside_agent.core.safety_broadcast import SafetyBroadcast
from wayside_agent.ports.devices import Radio
from wayside_agent.ports.signal import SignalFeed
from wayside_agent.services import v2x_obu, v2x_rsu
from wayside_agent.services.sensing import Sensing
from wayside_agent.settings import Settings

if TYPE_CHECKING:
    from wayside_agent.services.v2x_display import Display
    from wayside_agent.services.v2x_warnings import Warnings


class Air:
    """Every service of V2X."""

    def __init__(
        self,
        unit: Settings,
        sensing: Sensing,
        radio: Radio | None,
        *,
        controller: SignalFeed | None = None,
        utc_s: Callable[[], float | None],
        site_broker: heard.BrokerNow = lambda: None,
        around: platform.Surroundings = platform.ALONE,
        surveyed: Callable[[], perception.Degrees | None] = lambda: None,
    ) -> None:
        """Raises: InvalidArgumentError: the settings want what the unit has not."""
        self._sensing = sensing
        self._events = SafetyBroadcast()
        guard = radio if isinstance(radio, GuardedRadio) else None
        self._figures = None if sensing.radio is None else RadioFigures(sensing.radio, guard)
        if self._figures is not None:
            sensing.value_sources.append(self._figures.values)
        self.verification = verification_of(radio)
        if self.verification is not None:
            sensing.value_sources.append(self.verification.figures)
        said: list[Tap] = []
        if radio is not None and unit.v2x.platforms:
            radio = OverheardRadio(radio, said)
        self.voice = vehicle.voice(unit, sensing, radio, utc_s=utc_s)
        self.warnings: tuple[Warnings, Display] | None = None
        if unit.v2x.warnings is not None:
            from wayside_agent.air import warnings  # nearly a megabyte that others do without

            own_ids = tuple if self.voice is None else self.voice.ids
            self.warnings = warnings.watch(unit.v2x.warnings, unit, sensing, utc_s=utc_s, own_ids=own_ids)
        self.repeater = broadcast.repeater(unit, radio, utc_s=utc_s)
        self.signal = signal.voice(unit, radio, controller=controller, repeater=self.repeater, utc_s=utc_s)
        self.perception = perception.eyes(unit, sensing, radio, utc_s=utc_s, surveyed=surveyed)
        self.heard, self._outlets = heard.ear(unit, sensing, utc_s=utc_s, site_broker=site_broker)
        self.platforms = platform.bridges(
            unit,
            sensing,
            around,
            utc_s=utc_s,
            event=self.broadcast,
            broadcaster=signal.mouth(self.signal, self.repeater),
        )
        said += [each.said for each in self.platforms.values()]

    def planned_hz(self) -> Mapping[int, float] | None:
        """V2X messages the unit should send now [1/s], by AID; `None`: none, or a vehicle that must be silent."""
        repeated_hz = {} if self.repeater is None else self.repeater.rates_hz()
        if self.signal is not None or self.perception is not None or repeated_hz:
            seen_hz = {} if self.perception is None else self.perception.rates_hz()
            signal_hz = {} if self.signal is None else {v2x_rsu.SPAT_AID: 1 / v2x_rsu.PERIOD_S}
            return {**repeated_hz, **seen_hz, **signal_hz}
        return None if self.voice is None or self.voice.why_silent else {VEHICLE_IDS[0]: 1 / v2x_obu.PERIOD_S}

    def broadcast(self) -> str:
        """The road event that is being broadcast, in one sentence; empty: none."""
        radio = self._sensing.radio
        return "" if radio is None else self._events.sentence(radio.counters.sent, time.monotonic())

    def signal_sample(self) -> SignalSample | None:
        """What the check of the lights looks at; `None`: the unit broadcasts none."""
        return None if self.signal is None else self.signal.sample

    def platform_samples(self) -> tuple[PlatformSample, ...]:
        """What the checks of platforms look at."""
        return tuple(each.sample for each in self.platforms.values())

    def security_sample(self) -> SecuritySample | None:
        """What the check of signatures looks at; `None`: nobody looks at them."""
        return None if self.verification is None else SecuritySample(self.verification.refused_ratio)

    def picture(self) -> Mapping[str, object]:
        """What is heard and said, and which platforms are reached, ready for JSON; empty: there is no radio."""
        parts: dict[str, object] = {} if self.heard is None else dict(self.heard.picture())
        if self.voice is not None:
            parts["vehicle"] = {"why_silent": self.voice.why_silent}
        if self.signal is not None:
            parts["signal"] = {"why_silent": self.signal.why_silent}
        pictured = {
            "broadcasts": self.repeater,
            "warnings": None if self.warnings is None else self.warnings[0],
            "perception": self.perception,
            "radio": self._figures,
            "security": self.verification,
        }
        parts |= {name: each.picture() for name, each in pictured.items() if each is not None}
        return parts | ({"platforms": platform.picture(self.platforms)} if self.platforms else {})

    def sensor_faults(self) -> Mapping[str, str]:
        """Sensors at the road that the settings name, each with why it is not heard; empty: it is."""
        return {} if self.perception is None else self.perception.sensor_faults()

    def services(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """What runs, by name."""
        services: dict[str, Callable[[], Awaitable[None]]] = {}
        if self.voice is not None:
            services["v2x-obu"] = self.voice.run
        if self.warnings is not None:
            services["v2x-warnings"], services["v2x-display"] = (each.run for each in self.warnings)
        if self.signal is not None:
            services["v2x-rsu"] = self.signal.run
        if self.repeater is not None:
            services["v2x-broadcast"] = self.repeater.run
        if self.perception is not None:
            services["v2x-perception"] = self.perception.run
        if self.verification is not None:
            services["v2x-verification"] = self.verification.run
        services |= {f"v2x-{name}-broker": outlet.run for name, outlet in self._outlets.items()}
        services |= {f"v2x-platform-{name}": bridge.run for name, bridge in self.platforms.items()}
        return services
