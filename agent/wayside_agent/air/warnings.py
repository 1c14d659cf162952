"""An OBU that warns its driver of what it hears."""

import time
from collections import deque
from collections.abc import Callable, Collection
from pathlib import Path
from random import SystemRandom

from wayside.errors import InvalidArgumentError
from wayside.v2x.profile import Profile
from wayside_agent.air.vehicle import senses
from wayside_agent.core.fix import Fix, FixQuality
from wayside_agent.core.heard.grid import RAW_PER_DEGREE
from wayside_agent.core.speaking import MAX_FIX_AGE_S, MAX_HDOP, MIN_COURSE_MPS, Signal
from wayside_agent.core.warnings.model import Kind
from wayside_agent.core.warnings.movers import Own
from wayside_agent.core.warnings.own_curve import OwnCurve
from wayside_agent.core.warnings.plane import farther
from wayside_agent.link.broker import Broker, MqttTls
from wayside_agent.link.mqtt import MqttPublisher
from wayside_agent.services.sensing import Sensing
from wayside_agent.services.v2x_display import Display
from wayside_agent.services.v2x_warnings import Warnings, World
from wayside_agent.settings import Settings
from wayside_agent.v2x_settings import VehicleSettings, WarningSettings

MAX_RECORDED_AGE_S = 1.5
"""A recording may have an epoch a second."""
BRAKING_S = 0.5
"""A change of speed is measured over so long, where the bus does not tell it."""

OwnIds = Callable[[], Collection[bytes]]


def watch(
    asked: WarningSettings, unit: Settings, sensing: Sensing, *, utc_s: Callable[[], float | None], own_ids: OwnIds
) -> tuple[Warnings, Display]:
    """What warns, joined to sensing, and the display it tells.

    Raises: InvalidArgumentError: the settings want what the unit has not.
    """
    if unit.node.kind != "obu" or sensing.radio is None or sensing.gnss is None:
        raise InvalidArgumentError("field v2x.warnings: only an OBU with gnss and radio can warn its driver")
    display = Display(
        connect=lambda: MqttPublisher(_broker(asked, unit), client_id=f"{unit.node.id}-warnings"),
        topic=asked.topic,
        mono_s=time.monotonic,
        rng=SystemRandom(),
    )
    warnings = Warnings(
        World(
            own=OwnVehicle(unit, sensing).now,
            own_ids=own_ids,
            profile=Profile(unit.v2x.profile),
            utc_s=utc_s,
            show=display.show,
            wanted=frozenset(map(Kind, asked.rules)),
        )
    )
    sensing.message_taps.append(warnings.take)
    return warnings, display


def trial_display(asked: WarningSettings, unit: Settings) -> MqttPublisher:
    """A connection to try the display's broker by, beside that of a running agent."""
    return MqttPublisher(_broker(asked, unit), client_id=f"{unit.node.id}-warnings-check")


class OwnVehicle:
    """Where this vehicle is and goes; the last good heading stands while it is too slow to have one."""

    def __init__(self, unit: Settings, sensing: Sensing) -> None:
        self._vehicle = unit.v2x.vehicle or VehicleSettings()
        self._senses = senses(unit, sensing)
        self._heading_deg: float | None = None
        self._speeds: deque[tuple[float, float]] = deque(maxlen=64)
        self._curve = OwnCurve()

    def now(self) -> Own | None:
        """`None`: nobody knows, or what is known is old or cannot be true."""
        fix, age_s = self._senses.fix()
        if fix is None or fix.position is None or self._senses.doubt() or _is_poor(fix, age_s):
            return None
        values = self._senses.values()
        speed_mps = values.get(Signal.SPEED_MPS, fix.speed_mps)
        if fix.heading_deg is not None:
            self._heading_deg = fix.heading_deg
        elif fix.course_deg is not None and speed_mps is not None and speed_mps >= MIN_COURSE_MPS:
            self._heading_deg = fix.course_deg
        if speed_mps is None or self._heading_deg is None:
            return None
        place = round(fix.position.latitude_deg * RAW_PER_DEGREE), round(fix.position.longitude_deg * RAW_PER_DEGREE)
        return Own(
            farther(place, self._heading_deg, speed_mps * age_s),
            self._heading_deg,
            speed_mps,
            self._vehicle.length_m,
            self._vehicle.width_m,
            self._vehicle.vehicle_class,
            values.get(Signal.ACCELERATION_MPS2, self._changed_mps2(speed_mps)),
            self._curve.per_m(time.monotonic(), heading_deg=self._heading_deg, speed_mps=speed_mps),
        )

    def _changed_mps2(self, speed_mps: float) -> float:
        """How the speed changed in the last half second."""
        now_s = time.monotonic()
        self._speeds.append((now_s, speed_mps))
        while len(self._speeds) > 1 and now_s - self._speeds[1][0] >= BRAKING_S:
            self._speeds.popleft()
        since_s, before_mps = self._speeds[0]
        return 0.0 if now_s - since_s < BRAKING_S else (speed_mps - before_mps) / (now_s - since_s)


def _is_poor(fix: Fix, age_s: float) -> bool:
    """It is too old or too uncertain to tell lanes; the voice of the vehicle is silent then, too."""
    if age_s > (MAX_RECORDED_AGE_S if fix.is_recorded else MAX_FIX_AGE_S):
        return True
    return fix.quality is FixQuality.ESTIMATED or (fix.hdop is not None and fix.hdop > MAX_HDOP)


def _broker(asked: WarningSettings, unit: Settings) -> Broker:
    password_file = Path(unit.secrets_dir) / asked.password_secret if asked.password_secret else None
    if not asked.tls:
        return Broker(asked.host, asked.port or 1883, username=asked.username, password_file=password_file)
    paths = [Path(name) if name else None for name in (asked.ca_file, asked.certificate_file, asked.key_file)]
    tls = MqttTls(*paths)
    return Broker(asked.host, asked.port or 8883, tls=tls, username=asked.username, password_file=password_file)
