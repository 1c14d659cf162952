"""Simulates the CAN bus of a vehicle under way, the same for the same seed.

Six messages, 125 frames a second: J1939 groups of the proprietary range and standard ids, both byte orders, signed
values, a multiplexer, and a sensor that says "not available" for the first 5 s of each minute. `drivers/sim.dbc`
describes them.

Tested with: decoding by core/decoder.py and by cantools.
Source: our own invention.
"""

import asyncio
import itertools
import math
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Annotated, Self

import msgspec

from wayside_agent.core.can_log import LoggedFrame, batched
from wayside_agent.core.frames import EXTENDED_FLAG, EXTENDED_MASK, BusCondition, BusCounters, Controller, FrameBatch
from wayside_agent.core.pace import Pace

DBC_PATH = Path(__file__).with_name("sim.dbc")
RECORDING_START_S = 1_767_225_600  # 2026-01-01, so that a written recording is the same every time
_TICK_NS = 10_000_000
_FRAME_NS = 250_000  # a frame of 8 bytes takes about as long at 500 kbit/s
_NAP_S = 0.005
_NOT_AVAILABLE = -1  # every bit of the signal set
_CONTROLLER = Controller(BusCondition.ERROR_ACTIVE, 0, 0)


@dataclass(frozen=True, slots=True)
class _Field:
    """A signal as `sim.dbc` has it."""

    name: str
    shift: int
    """Lowest bit, counted from the least significant of the payload in the message's byte order."""
    size_bits: int
    scale: float = 1
    offset: float = 0


@dataclass(frozen=True, slots=True)
class _Kind:
    """A message: its id with flag bits, its period and its signals."""

    can_id: int
    period_ticks: int
    fields: tuple[_Field, ...]
    is_big_endian: bool = False


_KINDS = (
    _Kind(0x0CFF1001 | EXTENDED_FLAG, 2, (
        _Field("speed", 0, 16, 1 / 256), _Field("yaw", 16, 16, 0.01, -320),
        _Field("acceleration", 32, 16, 0.01, -125), _Field("lateral", 48, 16, 0.01, -125))),
    _Kind(0x18FF1101 | EXTENDED_FLAG, 10, (
        _Field("coolant", 0, 8, 1, -40), _Field("fuel", 8, 8, 0.4), _Field("gear", 16, 8, 1, -125),
        _Field("engine", 24, 16, 0.125), _Field("unused", 40, 24))),
    _Kind(0x18FF1201 | EXTENDED_FLAG, 100, (_Field("outside", 0, 16, 0.03125, -273), _Field("unused", 16, 48))),
    _Kind(0x120, 2, is_big_endian=True, fields=(
        _Field("steering", 48, 16, 0.1), _Field("accelerator", 40, 8, 0.4), _Field("brake", 32, 2))),
    _Kind(0x121, 10, (_Field("left", 0, 2), _Field("right", 2, 2), _Field("battery", 8, 16, 0.001))),
    _Kind(0x122, 25, (_Field("wheel", 0, 8), _Field("pressure", 8, 8, 4))),
)  # fmt: skip


class SimCan:
    """A bus that is always there."""

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Settings of the driver `simulator`."""

        seed: Annotated[int, msgspec.Meta(description="Same seed, same journey", ge=0)] = 1
        rate_factor: Annotated[
            float, msgspec.Meta(description="1: 125 frames a second; N: N times as many", ge=0.01, le=200)
        ] = 1.0

    def __init__(self, options: Options) -> None:
        self._options = options
        self._frames = simulated_frames(options.seed)
        self._next = next(self._frames)
        self._pace = Pace(options.rate_factor, 0, 0.0)
        self._frame_count = 0

    async def __aenter__(self) -> Self:
        """Starts the journey."""
        self._frames = simulated_frames(self._options.seed)
        self._next = next(self._frames)
        self._frame_count = 0
        self._pace = Pace(self._options.rate_factor, 0, asyncio.get_running_loop().time(), time.time_ns())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to close."""

    async def read(self) -> FrameBatch:
        """The frames that are due, waiting for the first."""
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(max(0.0, self._pace.due_mono_s(self._next.time_ns or 0) - clock()) + _NAP_S)
        reached_ns = self._pace.reached_ns(clock())
        frames = [self._next]
        for frame in self._frames:
            if (frame.time_ns or 0) > reached_ns:
                self._next = frame
                break
            frames.append(frame)
        self._frame_count += len(frames)
        return batched(frames, [self._pace.shown_ns(frame.time_ns or 0, now_utc_ns=0) for frame in frames])

    def counters(self) -> BusCounters:
        """Counts since opening. Nothing is dropped, and nothing is wrong."""
        return BusCounters(self._frame_count, 0, 0, _CONTROLLER)


def simulated_frames(seed: int) -> Iterator[LoggedFrame]:
    """Frames without end, their times [ns] from 0."""
    rng = random.Random(seed)  # noqa: S311 - a journey, not a secret
    phases = tuple(rng.uniform(0, math.tau) for _ in range(4))
    for tick in itertools.count():
        values: Mapping[str, float] | None = None
        for index, kind in enumerate(_KINDS):
            if tick % kind.period_ticks != index % kind.period_ticks:
                continue
            values = values or _values(tick, phases)
            payload = _payload(kind, values)
            yield LoggedFrame(tick * _TICK_NS + index * _FRAME_NS, "sim0", kind.can_id, len(payload), 0, payload)


def write_candump(path: Path, *, duration_s: float, seed: int = 1) -> int:
    """Writes a recording as `candump -l` would, the same for the same seed, and returns its frames."""
    count = 0
    with path.open("w", encoding="ascii") as file:
        file.write(f"# simulated by wayside_agent.drivers.sim_can, seed {seed}, {duration_s:g} s\n")
        for frame in simulated_frames(seed):
            time_us = (frame.time_ns or 0) // 1000
            if time_us >= duration_s * 1_000_000:
                return count
            digits = 8 if frame.can_id & EXTENDED_FLAG else 3
            stamp = f"{RECORDING_START_S + time_us // 1_000_000}.{time_us % 1_000_000:06d}"
            frame_id = f"{frame.can_id & EXTENDED_MASK:0{digits}X}"
            file.write(f"({stamp}) {frame.channel} {frame_id}#{frame.data.hex().upper()}\n")
            count += 1
    return count


def _values(tick: int, phases: tuple[float, ...]) -> dict[str, float]:
    t = tick * _TICK_NS / 1e9
    slow, quick, turn, load = (
        phase + t * math.tau / period_s for phase, period_s in zip(phases, (73, 19, 41, 11), strict=True)
    )
    speed_kmh = max(0.0, 48 + 34 * math.sin(slow) + 9 * math.sin(quick))
    acceleration_mps2 = (34 / 73 * math.cos(slow) + 9 / 19 * math.cos(quick)) * math.tau / 3.6 if speed_kmh else 0.0
    steering_deg = 140 * math.sin(turn) ** 3
    yaw_dps = speed_kmh / 3.6 / 2.8 * math.degrees(math.tan(math.radians(steering_deg / 16)))
    gear = 0 if speed_kmh < 1 else min(6, 1 + int(speed_kmh / 15))
    is_blinking = tick % 70 < 35  # noqa: PLR2004 - 700 ms, half of it lit
    return {
        "speed": speed_kmh,
        "yaw": yaw_dps,
        "acceleration": acceleration_mps2,
        "lateral": math.radians(yaw_dps) * speed_kmh / 3.6,
        "coolant": 90 - 65 * math.exp(-t / 240) + math.sin(load),
        "fuel": max(5.0, 80 - t / 180),
        "gear": gear,
        "engine": 750 + (speed_kmh * 120 / (gear + 1) if gear else 0) + 25 * math.sin(load),
        "outside": 24 + 2 * math.sin(slow) if t % 60 >= 5 else _NOT_AVAILABLE,  # noqa: PLR2004 - seconds, see above
        "steering": steering_deg,
        "accelerator": min(100.0, max(0.0, 12 + 14 * acceleration_mps2)),
        "brake": acceleration_mps2 < -1.0,
        "left": is_blinking and steering_deg > 60,  # noqa: PLR2004 - degrees: a turn, not a bend
        "right": is_blinking and steering_deg < -60,  # noqa: PLR2004 - degrees
        "battery": 13.9 + 0.2 * math.sin(load),
        "wheel": tick // 25 % 4,
        "pressure": 800 + 8 * (tick // 25 % 4) + 12 * math.sin(slow),
        "unused": _NOT_AVAILABLE,
    }


def _payload(kind: _Kind, values: Mapping[str, float]) -> bytes:
    payload = 0
    for each in kind.fields:
        mask = (1 << each.size_bits) - 1
        value = values[each.name]
        is_absent = value == _NOT_AVAILABLE and each.name in {"outside", "unused"}
        code = mask if is_absent else round((value - each.offset) / each.scale)
        payload |= (code & mask) << each.shift
    return payload.to_bytes(8, "big" if kind.is_big_endian else "little")
