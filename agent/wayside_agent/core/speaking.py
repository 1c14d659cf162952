"""What a vehicle says of itself: a BSM from its fix and its bus, or why it says nothing.

    said = speaker.bsm(fix, fix_age_s=0.04, values={"braking": 1.0}, utc_s=1_700_000_000.0, now_s=12.3)
    said.bsm, said.why_silent

A vehicle that does not know where or when it is must not speak: others would brake for a ghost.
Source: T/CSAE 53 and YD/T 3709-2020 (fields), T/CSAE 159-2020 (AID 111 regular, 112 with an event).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from wayside_agent.core.application_id import VEHICLE_IDS
from wayside_agent.core.bsm import Bsm, Event, Transmission
from wayside_agent.core.fix import Fix, FixQuality
from wayside_agent.core.path_history import PathHistory

REGULAR_AID, EVENT_AID = VEHICLE_IDS
MAX_FIX_AGE_S = 0.5
MAX_HDOP = 5.0
HARD_BRAKING_MPS2 = -4.0
MIN_COURSE_MPS = 1.0
"""Below that the course over ground is noise; the last good one is kept."""
_COUNT_MODULUS = 128
_MINUTE_S = 60
_RANGE_ERROR_M = {FixQuality.RTK_FIXED: 0.02, FixQuality.RTK_FLOAT: 0.3, FixQuality.DIFFERENTIAL: 1.0}
"""What HDOP is multiplied with, by kind of fix; others 2.5 m (95 %)."""
_PLAIN_ERROR_M = 2.5


class Signal(StrEnum):
    """Values of the bus that a vehicle's words are made of."""

    SPEED_MPS = "speed_mps"
    ACCELERATION_MPS2 = "acceleration_mps2"
    YAW_RATE_DPS = "yaw_rate_dps"
    STEERING_WHEEL_DEG = "steering_wheel_deg"
    BRAKING = "braking"
    HAZARD_LIGHTS = "hazard_lights"
    ABS_ACTIVE = "abs_active"
    STABILITY_CONTROL_ACTIVE = "stability_control_active"
    AIRBAG = "airbag"
    REVERSE = "reverse"
    PARKED = "parked"


_EVENTS = {
    Signal.HAZARD_LIGHTS: Event.HAZARD_LIGHTS,
    Signal.ABS_ACTIVE: Event.ABS_ACTIVE,
    Signal.STABILITY_CONTROL_ACTIVE: Event.STABILITY_CONTROL_ACTIVE,
    Signal.AIRBAG: Event.AIRBAG,
}


@dataclass(frozen=True, slots=True)
class Body:
    """What does not change about a vehicle."""

    width_m: float = 1.8
    length_m: float = 4.8
    height_m: float | None = None
    vehicle_class: int = 10


@dataclass(frozen=True, slots=True)
class Said:
    """What is said now."""

    bsm: Bsm | None = None
    application_id: int = REGULAR_AID
    why_silent: str = ""
    """One sentence; empty: it speaks."""


class Speaker:
    """One vehicle, with the count of its messages and the way behind it."""

    def __init__(self, body: Body, random_bytes: Callable[[int], bytes]) -> None:
        """`random_bytes`: so many that nobody can guess."""
        self._body = body
        self._random_bytes = random_bytes
        self._path = PathHistory()
        self._heading_deg: float | None = None
        self._id, self._id_before, self._count = b"", b"", 0
        self.change_id()

    @property
    def id(self) -> bytes:
        """The present temporary id, 8 byte."""
        return self._id

    @property
    def ids(self) -> tuple[bytes, ...]:
        """The present temporary id, and the one before."""
        return self._id, self._id_before

    def change_id(self) -> None:
        """Takes another temporary id; nothing links it to the one before."""
        self._id_before = self._id
        self._id, self._count = self._random_bytes(8), self._random_bytes(1)[0] % _COUNT_MODULUS
        self._path.forget()

    def say(
        self,
        fix: Fix | None,
        *,
        fix_age_s: float,
        values: Mapping[Signal, float],
        utc_s: float | None,
        now_s: float,
        doubt: str = "",
    ) -> Said:
        """The next message.

        Args:
            fix: The newest epoch; `None`: there is none.
            fix_age_s: How old it is [s].
            values: What the bus says now.
            utc_s: Seconds since 1970; `None`: nobody knows the time.
            now_s: Of a clock that only goes forward [s].
            doubt: Why the position cannot be true, such as spoofing; empty: it can.
        """
        silent = _why_silent(fix, fix_age_s, utc_s) or doubt
        if silent or fix is None or fix.position is None or utc_s is None:
            return Said(why_silent=silent)
        place = fix.position
        self._path.passed(place.latitude_deg, place.longitude_deg, now_s)
        speed_mps = values.get(Signal.SPEED_MPS, fix.speed_mps)
        events = _events(values)
        self._count = (self._count + 1) % _COUNT_MODULUS
        bsm = Bsm(
            message_count=self._count,
            vehicle_id=self._id,
            since_minute=timedelta(seconds=utc_s % _MINUTE_S),
            latitude_deg=place.latitude_deg,
            longitude_deg=place.longitude_deg,
            elevation_m=place.altitude_m,
            speed_mps=speed_mps,
            heading_deg=self._heading(fix, speed_mps),
            acceleration_mps2=values.get(Signal.ACCELERATION_MPS2),
            lateral_mps2=None,
            yaw_rate_dps=values.get(Signal.YAW_RATE_DPS, 0.0),
            transmission=_gear(values),
            steering_wheel_deg=values.get(Signal.STEERING_WHEEL_DEG),
            is_braking=bool(values[Signal.BRAKING]) if Signal.BRAKING in values else None,
            width_m=self._body.width_m,
            length_m=self._body.length_m,
            height_m=self._body.height_m,
            vehicle_class=self._body.vehicle_class,
            events=events,
            path=self._path.crumbs(now_s),
            position_95_m=None if fix.hdop is None else fix.hdop * _RANGE_ERROR_M.get(fix.quality, _PLAIN_ERROR_M),
        )
        return Said(bsm, EVENT_AID if events else REGULAR_AID)

    def _heading(self, fix: Fix, speed_mps: float | None) -> float | None:
        if fix.heading_deg is not None:
            self._heading_deg = fix.heading_deg
        elif fix.course_deg is not None and speed_mps is not None and speed_mps >= MIN_COURSE_MPS:
            self._heading_deg = fix.course_deg
        return self._heading_deg


def _why_silent(fix: Fix | None, fix_age_s: float, utc_s: float | None) -> str:
    if utc_s is None:
        return "the time is not known"
    if fix is None or fix.position is None:
        return "there is no fix"
    if fix.is_recorded:
        return ""  # a recording plays: its times are its own
    if fix_age_s > MAX_FIX_AGE_S:
        return f"the newest fix is {fix_age_s:.1f} s old"
    if fix.quality is FixQuality.ESTIMATED or (fix.hdop is not None and fix.hdop > MAX_HDOP):
        return "the position is too uncertain"
    return ""


def _events(values: Mapping[Signal, float]) -> frozenset[Event]:
    found = {event for signal, event in _EVENTS.items() if values.get(signal)}
    if values.get(Signal.ACCELERATION_MPS2, 0.0) <= HARD_BRAKING_MPS2:
        found.add(Event.HARD_BRAKING)
    return frozenset(found)


def _gear(values: Mapping[Signal, float]) -> Transmission:
    if values.get(Signal.PARKED):
        return Transmission.PARK
    if Signal.REVERSE in values:
        return Transmission.REVERSE if values[Signal.REVERSE] else Transmission.FORWARD
    return Transmission.UNKNOWN
