"""MAP and RSI that a roadside unit repeats: in time, after a restart, until they end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.contract.test_air import UNIT, made
from wayside.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidArgumentError,
    ResourceExhaustedError,
    WaysideError,
)
from wayside.v2x.codec import Profile, decode, encode
from wayside.v2x.generated.messages import (
    MapData,
    Node,
    NodeReferenceID,
    Position3D,
    RoadSideInformation,
    RSITimeDetails,
)
from wayside.v2x.peek import MessageKind
from wayside.v2x.readable import readable
from wayside_agent.core.broadcasts import broadcasts_of
from wayside_agent.core.signal_phases import minute_of_year
from wayside_agent.drivers.broadcast_files import BroadcastFiles
from wayside_agent.services.endless import endless
from wayside_agent.services.v2x_broadcast import MAX_COUNT, Repeater, World
from wayside_agent.settings import NodeSettings
from wayside_agent.v2x_platform_settings import PlatformSettings
from wayside_agent.v2x_settings import SignalSettings, V2xSettings
from wayside_demo.road_air import NODE, PHASE_ID, REGION, road_map, road_works

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = minute_of_year(NOW)
CITY = "platform:city"
RSU = msgspec.structs.replace(UNIT, node=NodeSettings(id="rsu-1", esn="E1", kind="rsu"), gnss=None, v2x=V2xSettings())


@dataclass
class Road:
    """A unit's air and clock in the hands of the test."""

    repeater: Repeater
    turns: asyncio.Semaphore
    rested: asyncio.Event
    sent: list[tuple[str, int, int]] = field(default_factory=list)
    """Kind, AID and count of what was sent."""

    async def beats(self, count: int) -> list[tuple[str, int, int]]:
        """Some tenths of a second; what was on the air."""
        before = len(self.sent)
        for _ in range(count):
            self.rested.clear()
            self.turns.release()
            await self.rested.wait()
        return self.sent[before:]


@asynccontextmanager
async def road(
    folder: Path,
    *,
    utc_s: float | None = NOW.timestamp(),
    own: tuple[MapData, ...] = (),
    phases: frozenset[int] = frozenset(),
) -> AsyncIterator[Road]:
    clock, turns, rested = [100.0], asyncio.Semaphore(0), asyncio.Event()

    async def pause(time_s: float) -> None:
        rested.set()
        await turns.acquire()
        clock[0] += time_s

    async def send(payload: bytes, *, application_id: int) -> None:
        name, content = decode(payload, Profile.P20)
        assert isinstance(content, MapData | RoadSideInformation)
        at.sent.append((name, application_id, content.msgCnt))

    pieces = [piece for each in own for piece in broadcasts_of(("mapFrame", each), Profile.P20, source="settings")]
    spoken = {(REGION, NODE): phases}
    world = World(BroadcastFiles(folder), Profile.P20, send, lambda: utc_s, pieces, spoken, lambda: clock[0], pause)
    at = Road(Repeater(world), turns, rested)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(endless("v2x-broadcast", at.repeater.run))
        await rested.wait()
        yield at
        task.cancel()


def damage_one(folder: Path) -> None:
    first, *_ = sorted(folder.iterdir())
    first.write_bytes(first.read_bytes()[:-1] + b"?")


def rsi(*, end_min: int | None = None, number: int = 1) -> bytes:
    works = road_works()
    assert works.rtes is not None
    event = msgspec.structs.replace(works.rtes[0], rteId=number, timeDetails=RSITimeDetails(endTime=end_min))
    return encode(("rsiFrame", msgspec.structs.replace(works, rtes=[event])), Profile.P20)


def the_map() -> bytes:
    return encode(("mapFrame", road_map()), Profile.P20)


async def test_each_is_repeated_at_its_period_the_urgent_first_and_its_count_rises(tmp_path: Path) -> None:
    async with road(tmp_path, own=(road_map(),)) as at:
        await at.repeater.broadcast(MessageKind.RSI, rsi(), source=CITY)
        assert at.repeater.rates_hz() == {3618: 1.0, 3621: 2.0}
        heard = await at.beats(20)
        assert [aid for _, aid, _ in heard] == [3621, 3618, 3621, 3621, 3618, 3621]
        for wanted in (3618, 3621):
            counts = [count for _, aid, count in heard if aid == wanted]
            assert [(count - counts[0]) % 128 for count in counts] == list(range(len(counts)))


async def test_what_is_on_the_air_is_told_the_urgent_first_and_when_it_ends(tmp_path: Path) -> None:
    async with road(tmp_path, own=(road_map(),)) as at:
        await at.repeater.broadcast(MessageKind.RSI, rsi(end_min=MINUTE + 5), source=CITY)
        told: Any = at.repeater.picture()
    assert told["fault"] == ""
    event, crossing = told["messages"]
    assert event["about"] == f"{CITY}/rsi/{b'G98-K12 '.hex()}/event-1"
    assert (event["application_id"], event["period_s"], event["has_begun"], event["ends_in_s"]) == (
        3621,
        0.5,
        True,
        360,
    )
    assert (crossing["application_id"], crossing["ends_in_s"]) == (3618, None)


async def test_what_was_taken_is_on_the_air_again_after_a_restart_but_for_what_the_disk_damaged(tmp_path: Path) -> None:
    async with road(tmp_path) as at:
        await at.repeater.broadcast(MessageKind.RSI, rsi(), source=CITY)
        await at.repeater.broadcast(MessageKind.MAP, the_map(), source=CITY)
        await at.repeater.broadcast(MessageKind.MAP, the_map(), source=CITY)
    async with road(tmp_path) as at:
        assert sorted({aid for _, aid, _ in await at.beats(10)}) == [3618, 3621]
    damage_one(tmp_path)
    async with road(tmp_path) as at:
        assert len(at.repeater.on_air) == 1


async def test_what_has_ended_goes_off_the_air_and_stays_off(tmp_path: Path) -> None:
    async with road(tmp_path) as at:
        await at.repeater.broadcast(MessageKind.RSI, rsi(end_min=MINUTE + 5), source=CITY)
        await at.repeater.broadcast(MessageKind.RSI, rsi(number=2), source=CITY)
        assert at.repeater.rates_hz() == {3621: 4.0}
        await at.repeater.broadcast(MessageKind.RSI, rsi(number=2, end_min=MINUTE - 1), source=CITY)
        assert at.repeater.rates_hz() == {3621: 2.0}, "withdrawn"
    async with road(tmp_path, utc_s=NOW.timestamp() + 600) as at:
        assert (await at.beats(10), at.repeater.on_air) == ([], ())
    async with road(tmp_path, utc_s=None) as at:
        assert not at.repeater.on_air


def event(**fields: object) -> bytes:
    works = road_works()
    assert works.rtes is not None
    told = msgspec.structs.replace(works.rtes[0], **fields)
    return encode(("rsiFrame", msgspec.structs.replace(works, rtes=[told])), Profile.P20)


async def test_an_event_of_the_highest_priority_is_dynamic_and_goes_before_all_others(tmp_path: Path) -> None:
    async with road(tmp_path, own=(road_map(),)) as at:
        await at.repeater.broadcast(MessageKind.RSI, event(rteId=2, priority=b"\xc0"), source=CITY)
        await at.repeater.broadcast(MessageKind.RSI, event(rteId=3, priority=b"\xe0"), source=CITY)
        assert at.repeater.rates_hz() == {3618: 1.0, 3621: 2.0, 3622: 10.0}
        heard = await at.beats(10)
        assert [aid for _, aid, _ in heard][:4] == [3622, 3621, 3618, 3622]
        counts = [count for _, aid, count in heard if aid == 3622]
        assert [(count - counts[0]) % 128 for count in counts] == list(range(10)), "each AID has its own count"


async def test_an_event_that_moves_is_dynamic_until_it_is_told_of_the_same_place_again(tmp_path: Path) -> None:
    works = road_works()
    assert works.rtes is not None
    paths = works.rtes[0].referencePaths
    assert paths is not None
    there = paths[0].activePath[0]
    async with road(tmp_path) as at:
        aids = []
        for place in (works.rtes[0].eventPos, there, there, None):
            await at.repeater.broadcast(MessageKind.RSI, event(eventPos=place), source=CITY)
            aids.append([each.application_id for each in at.repeater.on_air])
        assert aids == [[3621], [3622], [3621], [3622]]


@pytest.mark.parametrize(
    ("kind", "message", "error", "why"),
    [
        (MessageKind.SPAT, b"", FailedPreconditionError, "SPAT comes from this unit's own sources"),
        (MessageKind.RSI, b"\xff", InvalidArgumentError, "message"),
        (MessageKind.RSM, bytes(1400), InvalidArgumentError, "do not fit the air"),
    ],
)
async def test_what_cannot_go_on_the_air_is_refused(
    tmp_path: Path, kind: MessageKind, message: bytes, error: type[WaysideError], why: str
) -> None:
    async with road(tmp_path) as at:
        with pytest.raises(error, match=why):
            await at.repeater.broadcast(kind, message, source=CITY)


async def test_no_more_than_so_many_are_taken(tmp_path: Path) -> None:
    async with road(tmp_path) as at:
        for number in range(MAX_COUNT):
            await at.repeater.broadcast(MessageKind.RSI, rsi(number=number), source=CITY)
        with pytest.raises(ResourceExhaustedError, match="64 messages are on the air"):
            await at.repeater.broadcast(MessageKind.RSI, rsi(number=200), source=CITY)
        await at.repeater.broadcast(MessageKind.RSI, rsi(number=3), source=CITY)


def test_a_map_of_several_crossings_goes_out_in_one_message_each() -> None:
    middle = Position3D(lat=200_317_000, long=1_103_312_000)
    nodes = [Node(id=NodeReferenceID(region=1, id=number), refPos=middle) for number in range(3)]
    pieces = broadcasts_of(("mapFrame", MapData(msgCnt=0, nodes=nodes)), Profile.P20, source=CITY)
    assert [each.key for each in pieces] == [f"{CITY}/map/1-{number}" for number in range(3)]


async def test_each_event_has_a_life_of_its_own(tmp_path: Path) -> None:
    works = road_works()
    assert works.rtes is not None
    one, other = works.rtes[0], msgspec.structs.replace(works.rtes[0], rteId=2)
    both = msgspec.structs.replace(works, rtes=[one, other])
    ended = msgspec.structs.replace(one, timeDetails=RSITimeDetails(endTime=MINUTE - 1))
    async with road(tmp_path) as at:
        await at.repeater.broadcast(MessageKind.RSI, encode(("rsiFrame", both), Profile.P20), source=CITY)
        assert at.repeater.rates_hz() == {3621: 4.0}
        again = msgspec.structs.replace(works, rtes=[ended])
        await at.repeater.broadcast(MessageKind.RSI, encode(("rsiFrame", again), Profile.P20), source=CITY)
        assert [each.key.rpartition("/")[2] for each in at.repeater.on_air] == ["event-2"]


async def test_what_begins_later_waits_and_an_end_is_not_taken_for_that_of_another_year(tmp_path: Path) -> None:
    works = road_works()
    assert works.rtes is not None
    later = msgspec.structs.replace(works.rtes[0], timeDetails=RSITimeDetails(startTime=MINUTE + 2, endTime=MINUTE + 9))
    message = encode(("rsiFrame", msgspec.structs.replace(works, rtes=[later])), Profile.P20)
    async with road(tmp_path) as at:
        await at.repeater.broadcast(MessageKind.RSI, message, source=CITY)
        assert await at.beats(10) == []
    async with road(tmp_path, utc_s=NOW.timestamp() + 180) as at:
        assert len(await at.beats(10)) == 2
    async with road(tmp_path, utc_s=NOW.timestamp() + 200 * 86_400) as at:
        assert (await at.beats(10), at.repeater.on_air) == ([], ())


async def test_nobody_replaces_the_map_of_the_settings_or_brings_one_without_spats_phases(
    tmp_path: Path,
) -> None:
    async with road(tmp_path, own=(road_map(),)) as at:
        with pytest.raises(AlreadyExistsError, match=f"have the MAP of crossing {REGION}/{NODE}"):
            await at.repeater.broadcast(MessageKind.MAP, the_map(), source=CITY)
    async with road(tmp_path, phases=frozenset({PHASE_ID, 7})) as at:
        with pytest.raises(InvalidArgumentError, match="lacks phase 7"):
            await at.repeater.broadcast(MessageKind.MAP, the_map(), source=CITY)


def test_a_file_with_more_than_can_be_on_the_air_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl"
    path.write_bytes(b"{}\n" * (MAX_COUNT + 1))
    with pytest.raises(InvalidArgumentError, match="more than 64 messages"):
        made(msgspec.structs.replace(RSU, v2x=V2xSettings(broadcast_files=(str(path),))))


def settings_with(path: Path, *, phase: int = PHASE_ID) -> V2xSettings:
    signal = SignalSettings(controller="127.0.0.1", region=REGION, node=NODE, phase_ids={4: phase})
    return V2xSettings(broadcast_files=(str(path),), signal=signal)


def test_files_of_the_settings_are_held_against_the_phases_of_the_signal(tmp_path: Path) -> None:
    path = tmp_path / "map.json"
    path.write_bytes(msgspec.json.encode(readable(("mapFrame", road_map()))))
    with_ = msgspec.structs.replace
    air = made(with_(RSU, state_dir=str(tmp_path), v2x=settings_with(path)))
    assert air.planned_hz() == {3618: 1.0, 3619: 10.0}
    told: Any = air.picture()
    assert told["signal"] == {"why_silent": "it has not begun yet"}
    assert [each["application_id"] for each in told["broadcasts"]["messages"]] == [3618]
    with pytest.raises(InvalidArgumentError, match=r"v2x\.signal\.phase_ids: .* has no phase 7; it has 41"):
        made(with_(RSU, v2x=settings_with(path, phase=7)))
    with pytest.raises(InvalidArgumentError, match=r"v2x\.broadcast_files: only an RSU"):
        made(with_(UNIT, v2x=V2xSettings(broadcast_files=(str(path),))))
    path.write_text("{}")
    with pytest.raises(InvalidArgumentError, match=r"v2x\.broadcast_files\[0\]: .*map\.json"):
        made(with_(RSU, v2x=settings_with(path)))


def test_a_unit_with_a_radio_has_somebody_who_repeats_what_platforms_and_the_manager_bring(tmp_path: Path) -> None:
    city = PlatformSettings(host="localhost", allow=("map",))
    unit = msgspec.structs.replace(RSU, state_dir=str(tmp_path), v2x=V2xSettings(platforms={"city": city}))
    assert "v2x-broadcast" in made(unit).services()
    assert "v2x-broadcast" in made(msgspec.structs.replace(RSU, state_dir=str(tmp_path))).services()
    assert made(UNIT).repeater is None
