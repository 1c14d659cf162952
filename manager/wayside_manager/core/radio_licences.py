"""Whether a roadside unit transmits as its licence says. No clock, no I/O.

Usage: `mismatches(unit, Running(5.915e9, 23.0), now=now)`; empty: it does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from wayside_manager.core.sites import RadioLicenceRecord

FREQUENCY_TOLERANCE_HZ = 1_000.0
"""Drivers round; channels of C-V2X are 10 MHz and more apart."""
POWER_TOLERANCE_DB = 0.05
"""Half of the last digit that drivers report."""
NOTICE = timedelta(days=30)
"""How long before its end a licence is listed."""
_HZ_PER_MHZ = 1e6


class MismatchCause(StrEnum):
    """What is wrong; names as in `wayside.v1.RadioMismatch.Cause`."""

    NO_LICENCE = "no_licence"
    EXPIRED = "expired"
    FREQUENCY = "frequency"
    POWER = "power"
    UNKNOWN = "unknown"
    EXPIRING = "expiring"


@dataclass(frozen=True, slots=True)
class Running:
    """How a radio works, as its unit says. `None`: it cannot tell."""

    center_hz: float | None = None
    power_dbm: float | None = None
    """At the antenna port."""


@dataclass(frozen=True, slots=True)
class RadioUnit:
    """A roadside unit in service, and its licence."""

    node_id: str
    health: bytes = b""
    """Its newest `wayside.v1.HealthReport`, serialized. Empty: none yet."""
    licence: RadioLicenceRecord | None = None


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One thing that is wrong with one unit."""

    node_id: str
    cause: MismatchCause
    licence_id: str = ""
    """Empty: it has none."""
    message: str = ""


def mismatches(unit: RadioUnit, running: Running | None, *, now: datetime) -> tuple[Mismatch, ...]:
    """What is wrong with a unit, what weighs most first; `running` is `None` when it reports no radio.

    A unit with neither radio nor licence has nothing to be wrong.
    """
    licence = unit.licence
    if licence is None:
        if running is None:
            return ()
        sentence = f"it has a radio{_at(running)} and no licence; apply for one and enter it"
        return (Mismatch(unit.node_id, MismatchCause.NO_LICENCE, message=sentence),)
    return tuple(
        Mismatch(unit.node_id, cause, licence.licence_id, sentence)
        for cause, sentence in (
            *_ended(licence, now),
            *_differing(licence, running or Running()),
            *_ending(licence, now),
        )
    )


def _ended(licence: RadioLicenceRecord, now: datetime) -> Iterator[tuple[MismatchCause, str]]:
    if licence.expire_time <= now:
        yield MismatchCause.EXPIRED, f"licence {licence.number} ended at {licence.expire_time:%Y-%m-%d %H:%M} UTC"


def _ending(licence: RadioLicenceRecord, now: datetime) -> Iterator[tuple[MismatchCause, str]]:
    if now < licence.expire_time <= now + NOTICE:
        yield MismatchCause.EXPIRING, f"licence {licence.number} ends at {licence.expire_time:%Y-%m-%d %H:%M} UTC"


def _differing(licence: RadioLicenceRecord, running: Running) -> Iterator[tuple[MismatchCause, str]]:
    if running.center_hz is not None and abs(running.center_hz - licence.center_hz) > FREQUENCY_TOLERANCE_HZ:
        sentence = f"it works at {_mhz(running.center_hz)}, licence {licence.number} is for {_mhz(licence.center_hz)}"
        yield MismatchCause.FREQUENCY, sentence
    if running.power_dbm is not None and running.power_dbm > licence.max_power_dbm + POWER_TOLERANCE_DB:
        limit = f"licence {licence.number} allows {licence.max_power_dbm:g} dBm"
        sentence = f"it transmits with {running.power_dbm:g} dBm, {limit}"
        yield MismatchCause.POWER, sentence
    unsaid = [
        word for word, value in (("centre frequency", running.center_hz), ("power", running.power_dbm)) if value is None
    ]
    if unsaid:
        sentence = f"it does not say its {' and '.join(unsaid)}, so licence {licence.number} cannot be compared"
        yield MismatchCause.UNKNOWN, sentence


def _at(running: Running) -> str:
    return "" if running.center_hz is None else f" at {_mhz(running.center_hz)}"


def _mhz(frequency_hz: float) -> str:
    return f"{frequency_hz / _HZ_PER_MHZ:.10g} MHz"
