"""Where a vehicle that warns its driver takes itself to be, from its receiver through sensing."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random
from types import TracebackType
from typing import Self

import pytest

from tests.contract.test_air import UNIT
from wayside_agent.air.warnings import OwnVehicle
from wayside_agent.core.fix import Fix, FixMode, FixQuality, GnssCounters, Position
from wayside_agent.core.stamps import TimeQuality
from wayside_agent.core.warnings.movers import Own
from wayside_agent.services.endless import endless
from wayside_agent.services.sensing import Sensing

PLACE = Position(20.03, 110.33)
DRIVES = Fix(FixMode.THREE_D, FixQuality.RTK_FIXED, PLACE, speed_mps=10.0, course_deg=90.0, hdop=0.7)


class Receiver:
    """Says what the test says."""

    def __init__(self) -> None:
        self.epochs: asyncio.Queue[Fix] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    async def read(self) -> Fix:
        return await self.epochs.get()

    def counters(self) -> GnssCounters:
        return GnssCounters()


@asynccontextmanager
async def sensed() -> AsyncIterator[tuple[Receiver, Sensing, OwnVehicle]]:
    receiver = Receiver()
    sensing = Sensing(
        buses={},
        gnss=receiver,
        radio=None,
        feeds=(),
        now_ns=time.time_ns,
        mono_s=time.monotonic,
        time_quality=lambda: TimeQuality.GNSS,
        rng=Random(1),  # noqa: S311  # spreads waits
    )
    async with asyncio.TaskGroup() as group:
        task = group.create_task(endless("sensing", sensing.run))
        yield receiver, sensing, OwnVehicle(UNIT, sensing)
        task.cancel()


async def own_after(epochs: Sequence[Fix]) -> Own | None:
    """What is known of the vehicle after these."""
    async with asyncio.timeout(20), sensed() as (receiver, sensing, vehicle):
        own = vehicle.now()
        assert own is None
        for fix in epochs:
            receiver.epochs.put_nowait(fix)
            while sensing.gnss is None or sensing.gnss.newest is not fix:  # noqa: ASYNC110  # nobody is told
                await asyncio.sleep(0)
            own = vehicle.now()
        return own


def changed(**fields: object) -> Fix:
    return replace(DRIVES, **fields)  # type: ignore[arg-type]


async def test_a_vehicle_that_drives_knows_where_it_is_and_goes() -> None:
    own = await own_after([DRIVES])
    assert own is not None
    assert (own.heading_deg, own.speed_mps, own.length_m, own.width_m) == (90.0, 10.0, 4.8, 1.8)
    assert own.place[0] == 200_300_000
    assert 0 <= own.place[1] - 1_103_300_000 < 500  # moved on since the epoch, less than 5 m


@pytest.mark.parametrize(
    "fix",
    [
        Fix(FixMode.NONE, FixQuality.INVALID),
        changed(hdop=6.0),
        changed(quality=FixQuality.ESTIMATED),
        changed(speed_mps=None),
        changed(speed_mps=0.3),
    ],
    ids=["no fix", "uncertain", "dead reckoning", "no speed", "heading is noise"],
)
async def test_a_vehicle_that_does_not_know_enough_warns_of_nothing(fix: Fix) -> None:
    assert await own_after([fix]) is None


async def test_the_last_good_heading_stands_while_it_stands() -> None:
    own = await own_after([DRIVES, changed(speed_mps=0.2, course_deg=311.0)])
    assert own is not None
    assert (own.heading_deg, own.speed_mps) == (90.0, 0.2)


async def test_a_heading_of_its_own_is_better_than_the_course() -> None:
    own = await own_after([changed(heading_deg=80.0)])
    assert own is not None
    assert own.heading_deg == 80.0
