"""The voice of a crossing: datagrams of a controller in, SPAT on the air, over real sockets."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.unit.crossing_maker import crossing as the_map
from tests.unit.test_signal_gat1743 import GREEN as GAT_GREEN
from tests.unit.test_signal_gat1743 import RED as GAT_RED
from tests.unit.test_signal_gat1743 import frame
from tests.unit.test_signal_gat1743 import lights as gat_lights
from wayside.v2x.codec import Profile, decode
from wayside.v2x.generated.messages import SPAT, Node
from wayside_agent.core.frame_layout import DSMP
from wayside_agent.core.health import State
from wayside_agent.core.health_v2x import signal_finding
from wayside_agent.core.signal_phases import Intersection
from wayside_agent.drivers.radio_udp import UdpRadio
from wayside_agent.drivers.signal_gat1743 import Gat1743Signal
from wayside_agent.drivers.signal_udp import UdpSignal
from wayside_agent.services.endless import endless
from wayside_agent.services.v2x_rsu import SignalVoice, World

CROSSING = Intersection(
    region=4601,
    node=9,
    phase_ids={2: 21, 4: 41, 6: 61, 8: 81},
    conflicts=frozenset({frozenset({2, 4}), frozenset({6, 8})}),
)
UTC_S = 1_795_416_902.0
RED, PROTECTED_GREEN = 3, 6
WAYS = {("north", "south"): 21, ("south", "north"): 61, ("east", "west"): 41, ("west", "east"): 81}


@dataclass
class Crossing:
    """A controller and the air, in the hands of the test."""

    voice: SignalVoice
    feed: UdpSignal
    air: socket.socket
    controller: socket.socket
    turns: asyncio.Semaphore
    clock: list[float] = field(default_factory=list)

    async def says(self, datagram: bytes) -> None:
        """The controller's word, and the turn after it."""
        before = self.feed.malformed_count + self.feed.foreign_count, self.voice._plan
        self.controller.sendto(datagram, ("127.0.0.1", self.feed.local_port))
        while (  # noqa: ASYNC110  # counters tell nobody when they rise
            self.feed.malformed_count + self.feed.foreign_count,
            self.voice._plan,
        ) == before:
            await asyncio.sleep(0)

    async def turn(self) -> SPAT | None:
        """One beat; what was on the air."""
        self.turns.release()
        for _ in range(50):
            await asyncio.sleep(0)
            try:
                frame = DSMP.parsed(self.air.recv(2000))
            except BlockingIOError:
                continue
            assert frame.application_id == 3619
            message = decode(frame.payload, Profile.P20)
            assert message[0] == "spatFrame"
            return message[1]
        return None


@asynccontextmanager
async def crossing(
    feed: UdpSignal | None = None, *, where: Intersection = CROSSING, nodes: tuple[Node | None, ...] = (None,)
) -> AsyncIterator[Crossing]:
    """`nodes`: the crossing in the MAP on the air, the last of them for as long as it lasts."""
    air, controller = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    air.bind(("127.0.0.1", 0))
    air.setblocking(False)
    clock, turns = [100.0], asyncio.Semaphore(0)

    async def pause(time_s: float) -> None:
        await turns.acquire()
        clock[0] += time_s

    options = UdpRadio.Options(
        bind_host="127.0.0.1", radio_host="127.0.0.1", radio_port=air.getsockname()[1], layout="dsmp"
    )
    feed = feed or UdpSignal(UdpSignal.Options(bind_host="127.0.0.1", bind_port=0, controller="127.0.0.1"))
    known = list(nodes)

    def node() -> Node | None:
        return known.pop(0) if len(known) > 1 else known[0]

    with air, controller:
        async with UdpRadio(options) as radio, asyncio.TaskGroup() as group:
            world = World(feed, where, Profile.P20, radio.send, lambda: UTC_S, lambda: clock[0], pause, node)
            voice = SignalVoice(world)
            task = group.create_task(endless("v2x-rsu", voice.run))
            while feed._socket is None:  # noqa: ASYNC110  # as above
                await asyncio.sleep(0)
            yield Crossing(voice, feed, air, controller, turns, clock)
            task.cancel()


@pytest.fixture
def datagrams(shared_data: Path) -> list[bytes]:
    lines = (shared_data / "v2x/tsc/ntcip_spat_data.txt").read_text("ascii").split()
    return [bytes.fromhex(line) for line in lines]


def lights(spat: SPAT | None) -> dict[int, int]:
    assert spat is not None
    return {phase.id: phase.phaseStates[0].light for phase in spat.intersections[0].phases}


async def test_what_the_controller_says_is_on_the_air_and_counts_down(datagrams: list[bytes]) -> None:
    async with crossing() as at:
        await at.says(datagrams[0])
        assert lights(await at.turn()) == {21: PROTECTED_GREEN, 41: RED, 61: PROTECTED_GREEN, 81: RED}
        await at.says(datagrams[1])
        heard = [await at.turn() for _ in range(4)]
        assert lights(heard[0]) == {21: RED, 41: PROTECTED_GREEN, 61: RED, 81: PROTECTED_GREEN}
        left = [each.intersections[0].phases[1].phaseStates[0].timing for each in heard if each is not None]
        assert [timing[1].likelyEndTime for timing in left if timing is not None and timing[0] == "counting"] == [
            38, 37, 36, 35
        ]  # fmt: skip
        counts = [each.msgCnt for each in heard if each is not None]
        assert [(count - counts[0]) % 128 for count in counts] == [0, 1, 2, 3]


async def test_a_controller_that_falls_silent_ends_the_broadcast_within_a_second(datagrams: list[bytes]) -> None:
    async with crossing() as at:
        assert await at.turn() is None
        await at.says(datagrams[0])
        heard = [await at.turn() for _ in range(12)]
        assert [each is not None for each in heard[:9]] == [True] * 9
        assert heard[10:] == [None, None]
        assert at.voice.why_silent == "the signal controller is silent"
        await at.says(datagrams[1])
        assert await at.turn() is not None


async def test_greens_that_cross_by_the_map_on_the_air_are_not_broadcast_and_its_check_has_failed(
    datagrams: list[bytes],
) -> None:
    greens = 2 + 16 * 13 + 4
    both = datagrams[0][: greens - 4] + b"\x00\x00\x00\x00\x00\xaa" + datagrams[0][greens + 2 :]
    open_list = replace(CROSSING, conflicts=frozenset(), no_conflicts=frozenset({frozenset({4, 6})}))
    async with crossing(where=open_list, nodes=(None, the_map(WAYS))) as at:
        await at.says(both)
        assert await at.turn() is not None, "no map yet: nobody can tell"
        assert signal_finding(at.voice.sample).state is State.DEGRADED
        assert await at.turn() is None
        found = signal_finding(at.voice.sample)
        assert (found.name, found.state) == ("signal.feed", State.FAILED)
        assert found.reason == "the signal controller lets crossing phases go at once: 2 and 4, 2 and 8, 6 and 8"
        await at.says(datagrams[1])
        assert await at.turn() is not None
        assert signal_finding(at.voice.sample).reason.endswith("seen within the last minute"), "a moment is as bad"
        at.clock[0] += 60.0
        await at.says(datagrams[2])
        assert await at.turn() is not None
        assert signal_finding(at.voice.sample).state is State.OK


async def test_a_phase_that_a_new_map_lacks_is_not_broadcast_any_more_and_its_check_is_degraded(
    datagrams: list[bytes],
) -> None:
    new = the_map({way: phase for way, phase in WAYS.items() if phase != 61})
    async with crossing(nodes=(the_map(WAYS), new)) as at:
        await at.says(datagrams[0])
        assert lights(await at.turn()).keys() == {21, 41, 61, 81}
        assert lights(await at.turn()).keys() == {21, 41, 81}
        found = signal_finding(at.voice.sample)
        assert (found.state, found.reason) == (
            State.DEGRADED,
            "the MAP of crossing 4601/9 has no phase 61, which the controller tells of",
        )


async def test_the_check_knows_nothing_at_first_then_that_the_controller_is_silent() -> None:
    async with crossing(nodes=(the_map(WAYS),)) as at:
        await at.turn()
        assert signal_finding(at.voice.sample).state is State.UNKNOWN
        at.clock[0] += 6.0
        await at.turn()
        assert signal_finding(at.voice.sample).state is State.FAILED


async def test_a_controller_of_ga_t_1743_is_on_the_air_too() -> None:
    feed = Gat1743Signal(Gat1743Signal.Options(bind_host="127.0.0.1", bind_port=0, controller="127.0.0.1"))
    async with crossing(feed) as at:
        at.controller.sendto(frame(b"\x00\x00", thing=0x0101), ("127.0.0.1", feed.local_port))
        await at.says(frame(gat_lights((0, ((2, GAT_GREEN, 26), (7, GAT_GREEN, 26))), (90, ((4, GAT_RED, 30),)))))
        spat = await at.turn()
        assert lights(spat) == {21: PROTECTED_GREEN, 41: RED}
        assert spat is not None
        timing = spat.intersections[0].phases[0].phaseStates[0].timing
        assert timing is not None
        assert timing[0] == "counting"
        assert (timing[1].minEndTime, timing[1].maxEndTime) == (249, 259)
        await at.says(b"\xc0broken\xc0")
        assert feed.malformed_count == 1


async def test_crossing_greens_are_not_broadcast(datagrams: list[bytes]) -> None:
    greens = 2 + 16 * 13 + 4
    both = datagrams[0][: greens - 4] + b"\x00\x00\x00\x00\x00\xaa" + datagrams[0][greens + 2 :]
    async with crossing() as at:
        await at.says(both)
        assert await at.turn() is None
        assert at.voice.why_silent == "the signal controller lets crossing phases go at once: 2 and 4, 6 and 8"


@pytest.mark.parametrize("broken", [lambda good: good[:-1], lambda good: b"\xff" + good[1:]], ids=["short", "other"])
async def test_what_makes_no_sense_is_counted_and_passed_over(
    datagrams: list[bytes], broken: Callable[[bytes], bytes]
) -> None:
    async with crossing() as at:
        await at.says(broken(datagrams[0]))
        assert await at.turn() is None
        await at.says(datagrams[0])
        assert await at.turn() is not None
        assert (at.feed.malformed_count, at.feed.foreign_count) == (1, 0)
