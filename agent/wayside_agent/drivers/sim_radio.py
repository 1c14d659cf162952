"""Simulated V2X radio: vehicles on a circular road that send a BSM each, at their rate.

The bytes are valid UPER (mandatory fields and elevation). Equal seeds give equal vehicles.

**Tested with:** asn1tools decoded and encoded the BSM back, bit for bit.
**Source:** `core.bsm`.
"""

import asyncio
import math
import random
import time
from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Annotated, Self

import msgspec
from msgspec.structs import replace

from wayside.v2x.peek import MessageKind
from wayside_agent.core.application_id import REGULAR_IDS
from wayside_agent.core.bsm import Bsm, encoded_bsm
from wayside_agent.core.radio_recording import record
from wayside_agent.core.stamps import NANOSECONDS_PER_SECOND
from wayside_agent.core.v2x import RadioCounters, ReceivedMessage, SentMessages, Station
from wayside_agent.drivers.radio_station import StationOptions

_METRES_PER_DEGREE = 111_195.0  # of latitude, on a sphere of 6371 km
_NANOSECONDS_PER_MINUTE = 60 * NANOSECONDS_PER_SECOND
_RECORDING_START_NS = 1_767_240_000 * NANOSECONDS_PER_SECOND  # 2026-01-01 04:00 UTC
_SENT_KEPT = 256
_MESSAGE_COUNT_MODULUS = 128


class SimRadio:
    """A radio that is not there. What is sent through it is kept in `sent`."""

    class Options(StationOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Who is on the road."""

        vehicle_count: Annotated[int, msgspec.Meta(ge=1, le=500, description="Vehicles heard.")] = 5
        rate_hz: Annotated[float, msgspec.Meta(ge=0.1, le=20, description="BSM per second and vehicle.")] = 10.0
        latitude_deg: Annotated[float, msgspec.Meta(ge=-80, le=80, description="Centre of the circle.")] = 20.0317
        longitude_deg: Annotated[float, msgspec.Meta(ge=-179, le=179, description="Centre of the circle.")] = 110.3312
        radius_m: Annotated[float, msgspec.Meta(ge=10, le=10_000, description="Radius of the circle [m].")] = 250.0
        seed: Annotated[int, msgspec.Meta(ge=0, description="Equal seeds give equal vehicles and losses.")] = 1
        loss_ratio: Annotated[float, msgspec.Meta(ge=0, le=1, description="Share of messages that get lost.")] = 0.0
        delay_s: Annotated[float, msgspec.Meta(ge=0, le=10, description="From sending to hearing [s].")] = 0.0
        delay_jitter_s: Annotated[
            float, msgspec.Meta(ge=0, le=10, description="What comes on top, evenly spread [s]; the order is kept.")
        ] = 0.0
        range_m: Annotated[
            float, msgspec.Meta(gt=0, le=100_000, description="Vehicles farther from the unit are not heard [m].")
        ] = 100_000.0
        unit_north_m: Annotated[
            float, msgspec.Meta(ge=-100_000, le=100_000, description="Where the unit stands, north of the centre [m].")
        ] = 0.0

    def __init__(self, options: Options) -> None:
        self._options = options
        self._vehicles: tuple[_Vehicle, ...] = ()
        self._index = 0
        self._start_mono_s = self._heard_mono_s = 0.0
        self._chance = random.Random(options.seed)  # noqa: S311  # a simulation, not a secret
        self._counts = SentMessages()
        self.sent: deque[tuple[bytes, int]] = deque(maxlen=_SENT_KEPT)
        """The newest messages sent, with their AID."""
        self.lost_count = 0
        """Messages of vehicles in range that got lost on the air since opening."""

    async def __aenter__(self) -> Self:
        """Puts the vehicles on the road."""
        self._vehicles = _vehicles(self._options)
        self._index = self.lost_count = 0
        self._counts = SentMessages()
        self._start_mono_s = self._heard_mono_s = asyncio.get_running_loop().time()
        self._chance = random.Random(self._options.seed)  # noqa: S311  # as above
        self.sent.clear()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to close."""

    async def read(self) -> ReceivedMessage:
        """The next BSM that is heard, when it is; vehicles take turns inside a period."""
        options, clock = self._options, asyncio.get_running_loop().time
        while True:
            index, self._index = self._index, self._index + 1
            delay_s = options.delay_s + options.delay_jitter_s * self._chance.random()
            is_lost = self._chance.random() < options.loss_ratio
            sent_mono_s = self._start_mono_s + _elapsed_s(options, index)
            is_near = _is_near(options, self._vehicles, index)
            if is_lost or not is_near:
                self.lost_count += is_near
                await asyncio.sleep(max(0.0, sent_mono_s - clock()))  # where nobody is heard time passes too
                continue
            self._heard_mono_s = max(self._heard_mono_s, sent_mono_s + delay_s)
            await asyncio.sleep(max(0.0, self._heard_mono_s - clock()))
            now_ns = time.time_ns()
            sent_ns = now_ns - round((clock() - sent_mono_s) * NANOSECONDS_PER_SECOND)
            return replace(_message(options, self._vehicles, index, time_ns=sent_ns), time_ns=now_ns)

    async def send(self, payload: bytes, *, application_id: int) -> None:
        """Keeps a message."""
        self.sent.append((payload, application_id))
        self._counts.add(payload, application_id)

    def station(self) -> Station:
        """What the modem is set to, as the options say."""
        return self._options.station()

    def counters(self) -> RadioCounters:
        """Counts since opening."""
        return self._counts.on_top_of(RadioCounters())


@dataclass(frozen=True, slots=True)
class _Vehicle:
    vehicle_id: bytes
    start_angle: float
    speed_mps: float
    radius_m: float
    first_count: int


def _vehicles(options: SimRadio.Options) -> tuple[_Vehicle, ...]:
    rng = random.Random(options.seed)  # noqa: S311  # a simulation, not a secret
    return tuple(
        _Vehicle(
            vehicle_id=rng.randbytes(8),
            start_angle=rng.uniform(0, 2 * math.pi),
            speed_mps=rng.uniform(8.0, 16.0),
            radius_m=options.radius_m + 3.5 * rng.randrange(3),  # one of three lanes
            first_count=rng.randrange(_MESSAGE_COUNT_MODULUS),
        )
        for _ in range(options.vehicle_count)
    )


def _elapsed_s(options: SimRadio.Options, index: int) -> float:
    return index / options.vehicle_count / options.rate_hz


def _is_near(options: SimRadio.Options, vehicles: tuple[_Vehicle, ...], index: int) -> bool:
    vehicle = vehicles[index % len(vehicles)]
    angle = vehicle.start_angle + vehicle.speed_mps * _elapsed_s(options, index) / vehicle.radius_m
    north_m = vehicle.radius_m * math.cos(angle) - options.unit_north_m
    return math.hypot(north_m, vehicle.radius_m * math.sin(angle)) <= options.range_m


def _message(options: SimRadio.Options, vehicles: tuple[_Vehicle, ...], index: int, *, time_ns: int) -> ReceivedMessage:
    """The BSM of turn `index`: clockwise, from north."""
    vehicle = vehicles[index % len(vehicles)]
    angle = vehicle.start_angle + vehicle.speed_mps * _elapsed_s(options, index) / vehicle.radius_m
    metres_per_degree_east = _METRES_PER_DEGREE * math.cos(math.radians(options.latitude_deg))
    bsm = Bsm(
        message_count=(vehicle.first_count + index // len(vehicles)) % _MESSAGE_COUNT_MODULUS,
        vehicle_id=vehicle.vehicle_id,
        since_minute=timedelta(microseconds=time_ns % _NANOSECONDS_PER_MINUTE // 1000),
        latitude_deg=options.latitude_deg + vehicle.radius_m * math.cos(angle) / _METRES_PER_DEGREE,
        longitude_deg=options.longitude_deg + vehicle.radius_m * math.sin(angle) / metres_per_degree_east,
        elevation_m=12.0,
        speed_mps=vehicle.speed_mps,
        heading_deg=(math.degrees(angle) + 90) % 360,
        yaw_rate_dps=math.degrees(vehicle.speed_mps / vehicle.radius_m),
    )
    return ReceivedMessage(encoded_bsm(bsm), MessageKind.BSM, time_ns, REGULAR_IDS[MessageKind.BSM])


def write_recording(path: Path, *, duration_s: float, seed: int, vehicle_count: int = 5, rate_hz: float = 10.0) -> int:
    """Writes a recording for `RadioReplay`; returns the messages in it. Blocks.

    Raises: OSError: the file cannot be written.
    """
    options = SimRadio.Options(seed=seed, vehicle_count=vehicle_count, rate_hz=rate_hz)
    vehicles = _vehicles(options)
    count = round(duration_s * rate_hz * vehicle_count)
    with path.open("w", encoding="ascii") as file:
        for index in range(count):
            time_ns = _RECORDING_START_NS + round(_elapsed_s(options, index) * NANOSECONDS_PER_SECOND)
            file.write(record(_message(options, vehicles, index, time_ns=time_ns)) + "\n")
    return count
