"""Measures everything a unit can tell of itself, for its checks: devices, clock, computer, the way up."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from wayside_agent.core.clock_watch import ClockWatch
from wayside_agent.core.frames import Controller
from wayside_agent.core.health_samples import (
    BusSample,
    GnssSample,
    HostSample,
    PlatformSample,
    PowerSample,
    RadioSample,
    Sample,
    SecuritySample,
    SignalSample,
    SoftwareSample,
    SourceSample,
    StorageSample,
    TimeSample,
    UplinkSample,
)
from wayside_agent.core.reach import Reach
from wayside_agent.core.roles import Roles, Supply, environment_sample, power_sample
from wayside_agent.core.stamps import NANOSECONDS_PER_SECOND, TimeQuality
from wayside_agent.core.starts import Start
from wayside_agent.ports.spools import Spool
from wayside_agent.services.pulse import BusRates, Pulse
from wayside_agent.services.sensing import Sensing
from wayside_agent.services.source_state import BusState, GnssState, RadioState, SourceState
from wayside_agent.services.timekeeping import Timekeeping

FIX_KEPT_S = 10.0
"""Real receivers drop single epochs: a fix is lost when none came for so long."""
_SYNCHRONIZED = frozenset({TimeQuality.NETWORK, TimeQuality.GNSS})


@dataclass
class Sampling:
    """Takes samples of one unit."""

    sensing: Sensing
    pulse: Pulse
    time: Timekeeping
    spools: Mapping[str, tuple[Spool, int]]
    """Each with its cap [byte]."""
    is_manager_reached: Callable[[], bool]
    reach: Callable[[], Reach]
    oldest_report_s: Callable[[], float | None]
    start: Start
    """Of the agent."""
    ends: Callable[[], Mapping[str, float | None]]
    """When what the unit trusts by ends, seconds since 1970, by what it is; `None`: not known."""
    clock_s: Callable[[], float]
    mono_s: Callable[[], float]
    signal: Callable[[], SignalSample | None] = lambda: None
    """Who tells the lights of the crossing; `None`: nobody is asked."""
    platforms: Callable[[], tuple[PlatformSample, ...]] = tuple
    security: Callable[[], SecuritySample | None] = lambda: None
    """What signatures are like; `None`: nobody looks at them."""
    sensors: Callable[[], Mapping[str, str]] = dict
    """Sensors at the road, each with why it is not heard; empty: it is."""
    clock: ClockWatch = field(default_factory=ClockWatch)
    """Leaps of the system clock."""
    roles: Roles = field(default_factory=Roles)
    """Readings that tell of power and cabinet."""
    newest: Sample = field(default_factory=Sample)
    """What was measured last."""
    battery_transition_count: int = 0
    """Changes between supply and battery."""
    _was_on_battery: bool | None = None

    def sample(self) -> Sample:
        """Everything now."""
        now_s = self.time.utc_s()
        gnss, radio = self.sensing.gnss, self.sensing.radio
        rates = self.pulse.bus_rates()
        host = self.pulse.host
        told = self.roles.told(self.sensing.latest(), self._clock_ns()) if self.roles.names else {}
        supply = Supply(host.on_battery, host.battery_ratio, host.fan_rpm)
        power = power_sample(told, self.roles, supply)
        self._count_transition(power)
        self.newest = Sample(
            buses=tuple(self._bus(name, bus, rates[name]) for name, bus in sorted(self.sensing.buses.items())),
            gnss=None if gnss is None else self._gnss(gnss),
            radio=None if radio is None else self._radio(radio),
            signal=self.signal(),
            platforms=self.platforms(),
            security=self.security(),
            sensors=self.sensors(),
            time=self._time(),
            power=power,
            environment=environment_sample(told, self.roles, supply),
            storage=self._storage(),
            host=self._host(),
            uplink=self._uplink(),
            software=SoftwareSample(self.start.unasked_per_day(self.clock_s()), str(self.start.reason)),
            ends={what: None if end_s is None else end_s - now_s for what, end_s in self.ends().items()},
        )
        return self.newest

    def _clock_ns(self) -> int:
        return round(self.clock_s() * NANOSECONDS_PER_SECOND)

    def _count_transition(self, power: PowerSample | None) -> None:
        """Counts a change of what is known: silence in between is none."""
        now = None if power is None else power.on_battery
        if now is not None:
            self.battery_transition_count += self._was_on_battery not in {None, now}
            self._was_on_battery = now

    def _bus(self, name: str, bus: BusState, rates: BusRates) -> BusSample:
        controller = bus.counters.controller if bus.is_open else Controller()
        return BusSample(
            name,
            _source(bus),
            condition=controller.condition,
            transmit_error_count=controller.transmit_error_count,
            receive_error_count=controller.receive_error_count,
            error_frame_rate_hz=rates.error_frames_hz,
            kernel_drop_rate_hz=rates.kernel_drops_hz,
            load_ratio=rates.load_ratio,
            expects_ids=bus.expected is not None,
            silent_ids=bus.silent_ids(self.mono_s()),
        )

    def _gnss(self, gnss: GnssState) -> GnssSample:
        fix = gnss.newest
        kept, kept_mono_s = gnss.newest_with_position, gnss.position_mono_s
        if kept is not None and kept_mono_s is not None and self.mono_s() - kept_mono_s < FIX_KEPT_S:
            fix = kept
        if fix is None:
            return GnssSample(_source(gnss), verdict=gnss.verdict)
        return GnssSample(
            source=_source(gnss),
            mode=fix.mode,
            quality=fix.quality,
            satellite_count=fix.satellite_count,
            in_view={str(system): count for system, count in fix.in_view.items()},
            hdop=fix.hdop,
            correction_age_s=fix.correction_age_s,
            antenna=None if gnss.newest is None else gnss.newest.antenna,
            verdict=gnss.verdict,
        )

    def _radio(self, radio: RadioState) -> RadioSample:
        station = radio.station()
        end_s = station.signing_certificate_end_s
        return RadioSample(
            _source(radio),
            received_rate_hz=self.pulse.message_rate_hz(),
            sending=self.pulse.sending() or (),
            busy_ratio=station.channel_busy_ratio,
            certificate_left_s=None if end_s is None else end_s - self.time.utc_s(),
        )

    def _time(self) -> TimeSample:
        offset_s = self.time.clock_offset_s()
        self.clock = self.clock.after(self.clock_s(), self.mono_s(), off_s=offset_s)
        return TimeSample(
            source=str(self.time.estimate().source),
            is_synchronized=self.pulse.host.time_quality in _SYNCHRONIZED,
            offset_s=offset_s if self.pulse.host.clock_offset_s is None else self.pulse.host.clock_offset_s,
            holdover_s=self.time.holdover_s(),
            jump_s=self.clock.jump_s,
            week_fault=self.time.receiver_fault,
        )

    def _storage(self) -> StorageSample:
        host = self.pulse.host
        free_ratio = None
        if host.disk_free_bytes is not None and host.disk_total_bytes:
            free_ratio = host.disk_free_bytes / host.disk_total_bytes
        appends_s = [spool.state().append_s for spool, _ in self.spools.values()]
        append_s = max((each for each in appends_s if each is not None), default=None)
        return StorageSample(free_ratio=free_ratio, wear_ratio=host.disk_wear_ratio, append_s=append_s)

    def _host(self) -> HostSample:
        host = self.pulse.host
        memory_ratio = None
        if host.memory_used_bytes is not None and host.memory_total_bytes:
            memory_ratio = host.memory_used_bytes / host.memory_total_bytes
        return HostSample(host.cpu_ratio, memory_ratio, host.temperature_celsius)

    def _uplink(self) -> UplinkSample:
        broker = self.pulse.broker()
        broker_fault = None
        if broker is not None:
            broker_fault = "" if broker.is_connected else broker.fault or f"{broker.address} is not connected yet"
        fills = [spool.state().size_bytes / cap_bytes for spool, cap_bytes in self.spools.values()]
        reach, now_s = self.reach(), self.mono_s()
        return UplinkSample(
            is_reached=self.is_manager_reached(),
            acknowledge_s=reach.acknowledge_s,
            reached_ratio=reach.ratio(now_s),
            broken_per_hour=reach.broken_per_hour(now_s),
            oldest_report_s=self.oldest_report_s(),
            spool_fill_ratio=max(fills, default=None),
            broker_fault=broker_fault,
        )


def _source(state: SourceState) -> SourceSample:  # type: ignore[type-arg]  # of any counters
    return SourceSample(state.is_open, state.has_ended, state.fault)
