"""What checks look at: one sample of everything a unit can measure of itself. `None` means not known, never zero.

Services fill a `Sample` once a turn; `core.health_rules.findings` judges it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from wayside_agent.core.fix import AntennaState, FixMode, FixQuality
from wayside_agent.core.frames import BusCondition
from wayside_agent.core.gnss_plausibility import Verdict
from wayside_agent.core.sending import SendRate


@dataclass(frozen=True, slots=True)
class SourceSample:
    """Whether a device works."""

    is_open: bool = False
    has_ended: bool = False
    """It was a recording and is over."""
    fault: str = ""
    """Why it does not work, in one sentence."""


@dataclass(frozen=True, slots=True)
class BusSample:
    """One CAN bus."""

    name: str
    source: SourceSample = SourceSample()
    condition: BusCondition | None = None
    transmit_error_count: int | None = None
    receive_error_count: int | None = None
    error_frame_rate_hz: float | None = None
    kernel_drop_rate_hz: float | None = None
    load_ratio: float | None = None
    """Of the bus' bits, 0 to 1."""
    expects_ids: bool = False
    """The configuration says which ids must come."""
    silent_ids: tuple[int, ...] = ()
    """Those of them that have not."""


@dataclass(frozen=True, slots=True)
class GnssSample:
    """The satellite receiver."""

    source: SourceSample = SourceSample()
    mode: FixMode | None = None
    """`None`: it has said nothing yet."""
    quality: FixQuality | None = None
    satellite_count: int | None = None
    in_view: Mapping[str, int] = field(default_factory=dict)
    """Satellites in view per system."""
    hdop: float | None = None
    correction_age_s: float | None = None
    antenna: AntennaState | None = None
    verdict: Verdict = field(default_factory=Verdict)


@dataclass(frozen=True, slots=True)
class RadioSample:
    """The V2X radio."""

    source: SourceSample = SourceSample()
    received_rate_hz: float | None = None
    sending: tuple[SendRate, ...] = ()
    """What the unit should send, and sends; none: nothing is planned."""
    busy_ratio: float | None = None
    certificate_left_s: float | None = None
    """Until the certificate it signs with ends, negative: it has; `None`: it has none, or nobody can tell."""


@dataclass(frozen=True, slots=True)
class SignalSample:
    """Who tells the lights of the crossing."""

    fault: str = ""
    """Why nothing is broadcast of it, or was not a moment ago, in one sentence."""
    doubt: str = ""
    """What is wrong although something is."""
    is_known: bool = True
    """False: it has just begun and had no time to speak."""


@dataclass(frozen=True, slots=True)
class PlatformSample:
    """One centre of T/ITS 0117."""

    name: str
    away_s: float | None = None
    """Since it was lost, or since the start; `None`: it is reached."""
    ttl_s: float = 0.0
    """After this silence it takes the unit for dead."""
    fault: str = ""
    """Why it is not reached, in one sentence."""


@dataclass(frozen=True, slots=True)
class SecuritySample:
    """Signed messages that are heard."""

    refused_ratio: float | None = None
    """Of the newest that were looked at, how many were wrong, 0 to 1; `None`: too few."""


@dataclass(frozen=True, slots=True)
class TimeSample:
    """The clock."""

    source: str = ""
    """`gnss`, `manager`, `clock` or `floor`."""
    is_synchronized: bool | None = None
    offset_s: float | None = None
    """System clock minus the best source."""
    holdover_s: float | None = None
    """Since a source last disciplined it; `None`: one does now, or none ever has."""
    jump_s: float = 0.0
    """Newest leap that still matters; 0: none."""
    week_fault: str = ""
    """The receiver's date has rolled over or contradicts what vouches for it; one sentence."""


@dataclass(frozen=True, slots=True)
class PowerSample:
    """Supply."""

    input_v: float | None = None
    on_battery: bool | None = None
    battery_ratio: float | None = None
    measured: frozenset[str] | None = None
    """Fields that something measures: those are checked, told or silent. `None`: what is told, and `on_battery`."""


@dataclass(frozen=True, slots=True)
class EnvironmentSample:
    """Cabinet."""

    temperature_celsius: float | None = None
    humidity_ratio: float | None = None
    is_door_open: bool | None = None
    has_leak: bool | None = None
    fan_rpm: float | None = None
    measured: frozenset[str] | None = None
    """As of `PowerSample`. `None`: what is told, and the temperature."""


@dataclass(frozen=True, slots=True)
class StorageSample:
    """Where the state is kept."""

    free_ratio: float | None = None
    wear_ratio: float | None = None
    append_s: float | None = None
    """Longest time a record took to become durable, lately."""


@dataclass(frozen=True, slots=True)
class HostSample:
    """Computer."""

    cpu_ratio: float | None = None
    memory_ratio: float | None = None
    temperature_celsius: float | None = None


@dataclass(frozen=True, slots=True)
class UplinkSample:
    """The way to manager and broker."""

    is_reached: bool = False
    acknowledge_s: float | None = None
    reached_ratio: float | None = None
    """Of the last day."""
    broken_per_hour: float | None = None
    spool_fill_ratio: float | None = None
    """The fullest spool, of its cap."""
    oldest_report_s: float | None = None
    broker_fault: str | None = None
    """Why the telemetry broker is not connected; empty: it is; `None`: none is configured."""


@dataclass(frozen=True, slots=True)
class SoftwareSample:
    """The agent itself."""

    unasked_starts_per_day: float | None = None
    start_reason: str = ""
    """`boot`, `asked`, `crash`, `watchdog`; empty: not known."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Everything at one instant. A device the unit does not have is `None`, and is not checked."""

    buses: tuple[BusSample, ...] = ()
    gnss: GnssSample | None = None
    radio: RadioSample | None = None
    signal: SignalSample | None = None
    platforms: tuple[PlatformSample, ...] = ()
    security: SecuritySample | None = None
    sensors: Mapping[str, str] = field(default_factory=dict)
    """Sensors at the road that the settings name, each with why it is not heard; empty: it is."""
    time: TimeSample = TimeSample()
    power: PowerSample | None = None
    environment: EnvironmentSample | None = None
    storage: StorageSample = StorageSample()
    host: HostSample = HostSample()
    uplink: UplinkSample = UplinkSample()
    software: SoftwareSample = SoftwareSample()
    ends: Mapping[str, float | None] = field(default_factory=dict)
    """Time until something the unit trusts by ends [s], by what it is (`node certificate`); `None`: not known."""
