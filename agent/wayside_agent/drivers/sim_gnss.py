"""Simulated satellite receiver: a fixed unit, or a vehicle on a circular road, with changing fix quality.

Its epochs go through NMEA 0183 sentences and the same decoder as a receiver's. Equal options give equal epochs, but for
the time, which is the present one.

**Tested with:** the decoder of this project, and pynmea2.
**Source:** our own.
"""

import asyncio
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Annotated, Self

import msgspec

from wayside_agent.core import nmea_text
from wayside_agent.core.fix import Fix, FixMode, FixQuality, GnssCounters, Position, System
from wayside_agent.core.nmea import NmeaDecoder

_METRES_PER_DEGREE = 111_195.0  # of latitude, on a sphere of 6371 km
_IN_VIEW = {System.BEIDOU: 14, System.GPS: 9, System.GLONASS: 6, System.GALILEO: 7, System.QZSS: 3}
_ROAD_RADIUS_M = 250.0
_RECORDING_START = datetime(2026, 1, 1, 4, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Phase:
    """How good the fix is for a while."""

    quality: FixQuality
    weight: int
    duration_s: tuple[float, float]
    scatter_m: float
    hdop: float
    satellite_count: int


_PHASES = (
    _Phase(FixQuality.RTK_FIXED, 8, (20, 60), 0.02, 0.6, 27),
    _Phase(FixQuality.RTK_FLOAT, 3, (5, 20), 0.3, 0.8, 24),
    _Phase(FixQuality.DIFFERENTIAL, 2, (5, 20), 0.8, 1.0, 19),
    _Phase(FixQuality.AUTONOMOUS, 2, (5, 15), 1.5, 1.4, 14),
)
_LOST = _Phase(FixQuality.INVALID, 2, (2, 6), 0.0, 0.0, 2)


class SimGnss:
    """A receiver that is not there."""

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Where it is and how it moves."""

        latitude_deg: Annotated[float, msgspec.Meta(ge=-80, le=80, description="Centre of the circle.")] = 20.0317
        longitude_deg: Annotated[float, msgspec.Meta(ge=-179, le=179, description="Centre of the circle.")] = 110.3312
        altitude_m: Annotated[float, msgspec.Meta(ge=-400, le=8000, description="Above mean sea level.")] = 12.0
        radius_m: Annotated[float, msgspec.Meta(ge=0, le=10_000, description="0: it stands in the centre.")] = 0.0
        speed_mps: Annotated[float, msgspec.Meta(ge=0, le=100, description="Along the circle.")] = 12.5
        rate_hz: Annotated[float, msgspec.Meta(ge=0.1, le=50, description="Epochs per second.")] = 10.0
        loses_fix: Annotated[bool, msgspec.Meta(description="Now and then no satellites, for some seconds.")] = True
        seed: Annotated[int, msgspec.Meta(ge=0, description="Equal seeds give equal epochs.")] = 1

    def __init__(self, options: Options) -> None:
        self._options = options
        self._decoder = NmeaDecoder()
        self._epochs: Iterator[Fix] = iter(())
        self._start_mono_s = 0.0
        self._index = 0

    async def __aenter__(self) -> Self:
        """Starts the drive."""
        self._decoder = NmeaDecoder()
        self._epochs = epochs(self._options, datetime.now(UTC))
        self._start_mono_s = asyncio.get_running_loop().time()
        self._index = 0
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to close."""

    async def read(self) -> Fix:
        """The next epoch, when it is due."""
        due_mono_s = self._start_mono_s + self._index / self._options.rate_hz
        await asyncio.sleep(max(0.0, due_mono_s - asyncio.get_running_loop().time()))
        data = nmea_text.sentences(next(self._epochs), with_view=self._has_view())
        self._index += 1
        fixes = self._decoder.feed(data) or self._decoder.flush()
        return fixes[-1]

    def _has_view(self) -> bool:
        """Satellites in view once a second, as receivers do."""
        return self._index % max(1, round(self._options.rate_hz)) == 0

    def counters(self) -> GnssCounters:
        """Counts since opening, in sentences."""
        return self._decoder.counters()


def epochs(options: SimGnss.Options, start_time: datetime) -> Iterator[Fix]:
    """Endless epochs of a drive, the first at `start_time`."""
    rng = random.Random(options.seed)  # noqa: S311  # a simulation, not a secret
    period = timedelta(seconds=1 / options.rate_hz)
    phase, left_s = _next_phase(rng, options)
    index = 0
    while True:
        yield _epoch(options, rng, phase, elapsed_s=index / options.rate_hz, time=start_time + index * period)
        index += 1
        left_s -= 1 / options.rate_hz
        if left_s <= 0:
            phase, left_s = _next_phase(rng, options)


def _next_phase(rng: random.Random, options: SimGnss.Options) -> tuple[_Phase, float]:
    phases = (*_PHASES, _LOST) if options.loses_fix else _PHASES
    phase = rng.choices(phases, weights=[each.weight for each in phases])[0]
    return phase, rng.uniform(*phase.duration_s)


def _epoch(options: SimGnss.Options, rng: random.Random, phase: _Phase, *, elapsed_s: float, time: datetime) -> Fix:
    """One epoch of the drive: clockwise, from north."""
    if phase is _LOST:
        return Fix(FixMode.NONE, FixQuality.INVALID, utc_time=time, satellite_count=2, in_view={System.BEIDOU: 2})
    moves = options.radius_m > 0
    angle = options.speed_mps * elapsed_s / options.radius_m if moves else 0.0
    north_m = options.radius_m * math.cos(angle) + rng.gauss(0, phase.scatter_m)
    east_m = options.radius_m * math.sin(angle) + rng.gauss(0, phase.scatter_m)
    metres_per_degree_east = _METRES_PER_DEGREE * math.cos(math.radians(options.latitude_deg))
    return Fix(
        mode=FixMode.THREE_D,
        quality=phase.quality,
        position=Position(
            options.latitude_deg + north_m / _METRES_PER_DEGREE,
            options.longitude_deg + east_m / metres_per_degree_east,
            options.altitude_m + rng.gauss(0, 2 * phase.scatter_m),
        ),
        utc_time=time,
        speed_mps=options.speed_mps if moves else 0.0,
        course_deg=(math.degrees(angle) + 90) % 360 if moves else 0.0,
        hdop=phase.hdop,
        satellite_count=phase.satellite_count,
        correction_age_s=None if phase.quality is FixQuality.AUTONOMOUS else 1.0,
        in_view=_IN_VIEW,
    )


def write_nmea(path: Path, *, duration_s: float, seed: int, rate_hz: float = 1.0) -> int:
    """Writes a recording of a simulated drive for `NmeaReplay`; returns the epochs in it. Blocks.

    Raises: OSError: the file cannot be written.
    """
    options = SimGnss.Options(seed=seed, rate_hz=rate_hz, radius_m=_ROAD_RADIUS_M)
    drive = epochs(options, _RECORDING_START)
    count = round(duration_s * rate_hz)
    with path.open("wb") as file:
        file.write(b"# Simulated drive, made by wayside_agent.drivers.sim_gnss\n")
        for index in range(count):
            file.write(nmea_text.sentences(next(drive), with_view=index % max(1, round(rate_hz)) == 0))
    return count
