"""The voice of a vehicle over a real socket, on a clock of the test."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from itertools import pairwise
from random import Random

import pytest

from wayside.v2x.codec import Profile, decode
from wayside_agent.core.bsm import bsm_of
from wayside_agent.core.fix import Fix, FixMode, FixQuality, Position
from wayside_agent.core.frame_layout import DSMP
from wayside_agent.core.speaking import Body, Signal, Speaker
from wayside_agent.drivers.radio_udp import UdpRadio
from wayside_agent.services.v2x_obu import Voice, World

UTC_S = 1_700_000_000.0


class Road:
    """A clock, a receiver and a bus of the test."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.fix: Fix | None = Fix(FixMode.THREE_D, FixQuality.RTK_FIXED, Position(20.03, 110.33), hdop=0.7)
        self.values: Mapping[Signal, float] = {Signal.SPEED_MPS: 10.0}
        self.turns = asyncio.Semaphore(0)
        self.rested = asyncio.Event()

    async def pause(self, time_s: float) -> None:
        """A turn is over; the next begins when the test lets it."""
        self.rested.set()
        await self.turns.acquire()
        self.now_s += time_s

    async def turn(self) -> None:
        self.rested.clear()
        self.turns.release()
        await self.rested.wait()


@pytest.fixture
def air() -> socket.socket:
    """Where the radio would be."""
    heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    heard.bind(("127.0.0.1", 0))
    heard.settimeout(5)
    return heard


@asynccontextmanager
async def speaking(
    road: Road,
    air: socket.socket,
    *,
    id_period_s: float = 300.0,
    id_changes: Callable[[bytes], Awaitable[None]] | None = None,
) -> AsyncIterator[Voice]:
    port = air.getsockname()[1]
    async with UdpRadio(
        UdpRadio.Options(bind_host="127.0.0.1", radio_host="127.0.0.1", radio_port=port, layout="dsmp")
    ) as radio:
        voice = Voice(
            World(
                speaker=Speaker(Body(), Random(1).randbytes),  # noqa: S311  # repeatable
                profile=Profile.P20,
                send=radio.send,
                fix=lambda: (road.fix, 0.0),
                values=lambda: road.values,
                utc_s=lambda: UTC_S + road.now_s,
                clock_s=lambda: road.now_s,
                pause=road.pause,
                id_period_s=id_period_s,
                id_changes=id_changes,
            )
        )
        task = asyncio.create_task(voice.run())  # noqa: TID251  # ended below
        await road.rested.wait()
        yield voice
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)  # noqa: TID251  # as above
    air.close()


async def test_a_vehicle_is_on_the_air_ten_times_a_second(air: socket.socket) -> None:
    road = Road()
    async with speaking(road, air) as voice:
        heard = []
        for _ in range(20):
            await road.turn()
            frame = DSMP.parsed(air.recv(2000))
            message = decode(frame.payload, Profile.P20)
            assert (frame.application_id, message[0]) == (111, "bsmFrame")
            assert message[0] == "bsmFrame"
            heard.append(bsm_of(message[1]))
        assert voice.why_silent == ""
    marks = [each.since_minute.total_seconds() for each in heard]
    assert [round((after - before) % 60, 3) for before, after in pairwise(marks)] == [0.1] * 19
    assert {each.speed_mps for each in heard} == {10.0}


async def test_a_vehicle_that_loses_its_place_is_silent_and_says_why(
    air: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    road = Road()
    with caplog.at_level("INFO"):
        async with speaking(road, air) as voice:
            await road.turn()
            road.fix = None
            for _ in range(5):
                await road.turn()
            assert voice.why_silent == "there is no fix"
            road.fix, road.values = Road().fix, {Signal.SPEED_MPS: 200.0}
            await road.turn()
            assert voice.why_silent == "speed: 10000 is not between 0 and 8191"
            road.values = {}
            await road.turn()
            assert voice.why_silent == ""
            air.setblocking(False)
            assert len(drained(air)) == 2
    assert [each.message for each in caplog.records if "BSM" in each.message] == [
        "BSM are sent",
        "no BSM is sent: there is no fix",
        "no BSM is sent: speed: 10000 is not between 0 and 8191",
        "BSM are sent",
    ]


def drained(air: socket.socket) -> list[bytes]:
    found = []
    while True:
        try:
            found.append(air.recv(2000))
        except BlockingIOError:
            return found


async def test_temporary_ids_change(air: socket.socket) -> None:
    road = Road()
    async with speaking(road, air, id_period_s=0.45):
        ids = set()
        for _ in range(20):
            await road.turn()
            message = decode(DSMP.parsed(air.recv(2000)).payload, Profile.P20)
            assert message[0] == "bsmFrame"
            ids.add(message[1].id)
    assert len(ids) == 5


async def test_the_radio_knows_a_new_id_before_it_is_said(air: socket.socket) -> None:
    road, order = Road(), list[bytes]()

    async def told(new_id: bytes) -> None:
        order.append(new_id)

    async with speaking(road, air, id_period_s=0.45, id_changes=told):
        for _ in range(10):
            await road.turn()
            message = decode(DSMP.parsed(air.recv(2000)).payload, Profile.P20)
            assert message[0] == "bsmFrame"
            order.append(message[1].id)
    first, second, third = dict.fromkeys(order)
    assert order == [first] * 4 + [second] * 6 + [third] * 2
