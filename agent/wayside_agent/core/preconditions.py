"""What must hold before a release is installed, and again right before it is switched to.

    found = blockers(asked, situation, limits, held=frozenset(each.kind for each in before))

Pure: services measure. What nothing measures does not block, or such a unit would never be updated; what should be
measured and is silent does. A value that was in the way must be better than its limit by a margin to be so no longer.
Source: UN R156, 7.2.2.2; GB 44496 (preconditions, power).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from wayside_agent.core.health_samples import PowerSample
from wayside_agent.core.update import Consent, Preconditions

BATTERY_MARGIN, VOLTAGE_MARGIN_V, TEMPERATURE_MARGIN_C, SPEED_MARGIN_MPS = 0.05, 0.5, 3.0, 0.2
SPACE_MARGIN_BYTES = 8 * 1024 * 1024


class Kind(StrEnum):
    """What can be in the way."""

    CONSENT = "consent"
    WINDOW = "window"
    POWER = "power"
    MOTION = "motion"
    BROADCAST = "broadcast"
    TEMPERATURE = "temperature"
    SPACE = "space"
    LOCK = "lock"
    HOOK = "hook"


@dataclass(frozen=True, slots=True)
class Blocker:
    """One thing in the way."""

    kind: Kind
    sentence: str
    """What, and what would remove it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on a value is in the way. `None`: it never is."""

    allow_on_battery: bool = True
    min_battery_ratio: float = 0.3
    min_input_v: float | None = None
    max_temperature_celsius: float = 75.0
    min_temperature_celsius: float = -30.0
    max_speed_mps: float = 0.5
    min_free_bytes: int = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Motion:
    """How a vehicle moves."""

    speed_mps: float | None = None
    """`None`: nobody can tell now."""
    is_parked: bool | None = None
    """Gear P; `None`: no signal of the gear is configured, or it is silent."""
    expects_gear: bool = False
    """A signal of the gear is configured."""


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything at one instant. `None`: not known."""

    utc_s: float | None = None
    """Trusted time [s since 1970]."""
    power: PowerSample | None = None
    temperatures_celsius: tuple[float, ...] = ()
    motion: Motion | None = None
    """`None`: it does not move, a roadside unit."""
    broadcast: str = ""
    """Safety event that the unit broadcasts now; empty: none."""
    free_bytes: int | None = None
    lock: str = ""
    """Why an application holds the update lock; empty: none does."""
    hook: str = ""
    """What a hook waits for; empty: nothing."""
    consent: Consent | None = None


def blockers(
    asked: Preconditions, situation: Situation, limits: Limits, *, held: frozenset[Kind] = frozenset()
) -> tuple[Blocker, ...]:
    """Everything in the way. `held` is what was in the way at the last look: it needs its margin to go."""
    found = (
        *_consent(asked, situation.consent),
        *_window(asked, situation.utc_s),
        *(Blocker(Kind.POWER, each) for each in _power(situation.power, limits, is_held=Kind.POWER in held)),
        *_motion(situation.motion, limits, is_held=Kind.MOTION in held),
        *_broadcast(asked, situation.broadcast),
        *_temperature(situation.temperatures_celsius, limits, is_held=Kind.TEMPERATURE in held),
        *_space(situation.free_bytes, limits, is_held=Kind.SPACE in held),
    )
    lock, hook = situation.lock, situation.hook
    return (
        *found,
        *([Blocker(Kind.LOCK, f"lock: {lock}; it goes on when the application lets go")] if lock else []),
        *([Blocker(Kind.HOOK, f"hook: {hook}")] if hook else []),
    )


def _consent(asked: Preconditions, consent: Consent | None) -> Iterator[Blocker]:
    if consent is not None and not consent.is_given:
        yield Blocker(Kind.CONSENT, f"consent: {consent.sentence}; `wayside-agent update confirm` takes that back")
    elif asked.needs_consent and consent is None:
        yield Blocker(Kind.CONSENT, "consent: a person at the unit has to agree; `wayside-agent update confirm`")


def _window(asked: Preconditions, utc_s: float | None) -> Iterator[Blocker]:
    begin_s, end_s = asked.begin_s, asked.end_s
    if begin_s is None and end_s is None:
        return
    if utc_s is None:
        yield Blocker(Kind.WINDOW, "window: nobody knows what time it is; it goes on when the manager or GNSS has told")
    elif begin_s is not None and utc_s < begin_s:
        yield Blocker(Kind.WINDOW, f"window: it begins at {_time(begin_s)}")
    elif end_s is not None and utc_s >= end_s:
        yield Blocker(Kind.WINDOW, f"window: it ended at {_time(end_s)}; it goes on in the next one")


def _power(power: PowerSample | None, limits: Limits, *, is_held: bool) -> Iterator[str]:
    if power is None:
        return
    measured = power.measured or frozenset()
    yield from (
        f"power: {what} should be measured and is not told; check its source"
        for name, what in (("battery_ratio", "the charge"), ("input_v", "the voltage"), ("on_battery", "the supply"))
        if name in measured and getattr(power, name) is None
    )
    if power.on_battery and not limits.allow_on_battery:
        yield "power: the unit runs on its battery; restore the supply"
    charge, least = power.battery_ratio, limits.min_battery_ratio + BATTERY_MARGIN * is_held
    if power.on_battery is not False and charge is not None and charge < least:
        yield f"power: the battery has {charge:.0%}, {least:.0%} are needed to finish and to come back; charge it"
    if limits.min_input_v is not None and power.input_v is not None:
        least_v = limits.min_input_v + VOLTAGE_MARGIN_V * is_held
        if power.input_v < least_v:
            yield f"power: {power.input_v:.1f} V at the input, {least_v:.1f} V are needed; check the supply"


def _motion(motion: Motion | None, limits: Limits, *, is_held: bool) -> Iterator[Blocker]:
    if motion is None:
        return
    most_mps = max(0.0, limits.max_speed_mps - SPEED_MARGIN_MPS * is_held)
    if motion.speed_mps is not None and motion.speed_mps > most_mps:
        yield Blocker(Kind.MOTION, f"motion: the vehicle moves at {motion.speed_mps:.1f} m/s; stop it")
    if motion.is_parked is False:
        yield Blocker(Kind.MOTION, "motion: the gear is not P; park the vehicle")
    elif motion.is_parked is None and motion.expects_gear:
        yield Blocker(Kind.MOTION, "motion: the signal of the gear is silent; switch the ignition on, or check its bus")
    elif motion.is_parked is None and motion.speed_mps is None:
        yield Blocker(Kind.MOTION, "motion: nobody can tell whether the vehicle moves; it goes on with the next fix")


def _broadcast(asked: Preconditions, broadcast: str) -> Iterator[Blocker]:
    if broadcast and not asked.may_interrupt_broadcast:
        yield Blocker(
            Kind.BROADCAST,
            f"broadcast: {broadcast} is on air; wait for its end, or let the rollout interrupt it",
        )


def _temperature(temperatures_celsius: tuple[float, ...], limits: Limits, *, is_held: bool) -> Iterator[Blocker]:
    margin = TEMPERATURE_MARGIN_C * is_held
    hottest, coldest = max(temperatures_celsius, default=None), min(temperatures_celsius, default=None)
    if hottest is not None and hottest > limits.max_temperature_celsius - margin:
        most = limits.max_temperature_celsius - margin
        yield Blocker(Kind.TEMPERATURE, f"temperature: {hottest:.0f} °C, at most {most:.0f} °C; let it cool")
    if coldest is not None and coldest < limits.min_temperature_celsius + margin:
        least = limits.min_temperature_celsius + margin
        yield Blocker(Kind.TEMPERATURE, f"temperature: {coldest:.0f} °C, at least {least:.0f} °C; let it warm up")


def _space(free_bytes: int | None, limits: Limits, *, is_held: bool) -> Iterator[Blocker]:
    least = limits.min_free_bytes + SPACE_MARGIN_BYTES * is_held
    if free_bytes is not None and free_bytes < least:
        yield Blocker(Kind.SPACE, f"space: {free_bytes // 2**20} MiB are free, {least // 2**20} MiB needed; free space")


def _time(utc_s: float) -> str:
    return datetime.fromtimestamp(utc_s, UTC).isoformat(timespec="seconds")
