"""What the manager wants on the air of a roadside unit: kept, begun, ended, withdrawn and said, whatever fails."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.contract.test_v2x_broadcast import MINUTE, NOW, rsi, the_map
from wayside.errors import ResourceExhaustedError
from wayside.v1 import broadcast_pb2
from wayside.v1 import node_service_pb2 as wire
from wayside.v2x.codec import Profile, decode, encode
from wayside.v2x.generated.messages import MapData
from wayside_agent.core.broadcasts import DYNAMIC_AID, EVENT_AID, MAP_AID, broadcasts_of
from wayside_agent.core.road_info import MAX_COUNT, Held
from wayside_agent.core.trusted_time import Estimate, TimeSource
from wayside_agent.drivers.broadcast_files import BroadcastFiles
from wayside_agent.drivers.road_info_file import RoadInfoFile
from wayside_agent.services import v2x_broadcast
from wayside_agent.services.endless import endless
from wayside_agent.services.road_info import RoadInfo, World
from wayside_agent.services.v2x_broadcast import Repeater
from wayside_demo.road_air import road_map, road_works

STATE = broadcast_pb2.BroadcastReport
NOW_S = NOW.timestamp()


class FullDisk(RoadInfoFile):
    """A disk that takes nothing."""

    async def save(self, held: tuple[Held, ...]) -> None:
        raise ResourceExhaustedError(f"disk full, {len(held)} are not kept")


@dataclass
class Unit:
    """A roadside unit with a clock of the test."""

    info: RoadInfo
    repeater: Repeater
    words: asyncio.Queue[broadcast_pb2.BroadcastReport] = field(default_factory=asyncio.Queue)
    time: Estimate = field(default_factory=lambda: Estimate(NOW_S, TimeSource.GNSS, 2.0))
    aired: asyncio.Event = field(default_factory=asyncio.Event)
    """Something went on the air."""

    def tell(self, *targets: wire.BroadcastTarget) -> None:
        """The manager speaks."""
        self.info.follow(wire.DesiredState(broadcasts=wire.BroadcastSet(broadcasts=targets)))

    async def hears(self) -> tuple[str, int, str]:
        """The next word: state, revision, reason."""
        async with asyncio.timeout(5):
            word = await self.words.get()
        return STATE.State.Name(word.state).removeprefix("STATE_"), word.revision, word.reason

    @property
    def keys(self) -> list[str]:
        """What is on the air."""
        return [each.key for each in self.repeater.on_air]


@asynccontextmanager
async def unit(
    folder: Path,
    *,
    time: Estimate | None = None,
    own: tuple[MapData, ...] = (),
    has_radio: bool = True,
    shelf: type[RoadInfoFile] = RoadInfoFile,
    aids: frozenset[int] = frozenset(),
) -> AsyncIterator[Unit]:
    async def send(payload: bytes, *, application_id: int) -> None:
        assert decode(payload, Profile.P20)
        assert application_id
        at.aired.set()

    async def submit(report: wire.Report) -> int:
        at.words.put_nowait(report.broadcast)
        return 1

    def utc_s() -> float | None:
        return at.time.utc_s if at.time.error_s is not None else None

    pieces = [piece for each in own for piece in broadcasts_of(("mapFrame", each), Profile.P20, source="settings")]
    repeater = Repeater(v2x_broadcast.World(BroadcastFiles(folder), Profile.P20, send, utc_s, pieces, aids=aids))
    world = World(shelf(folder / "manager.state"), repeater if has_radio else None, lambda: at.time, submit)
    at = Unit(RoadInfo(world), repeater)
    at.time = time or at.time
    with ThreadPoolExecutor() as disk:  # left when what a killed unit was writing is written
        asyncio.get_running_loop().set_default_executor(disk)
        async with running(at):
            yield at


@asynccontextmanager
async def running(at: Unit) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(endless("v2x-broadcast", at.repeater.run)),
            group.create_task(endless("road-info", at.info.run)),
        ]
        yield
        for task in tasks:
            task.cancel()


def target(
    name: str = "works",
    revision: int = 1,
    *,
    message: bytes = b"",
    begin_s: float | None = None,
    end_s: float | None = NOW_S + 3600,
    **fields: object,
) -> wire.BroadcastTarget:
    made = wire.BroadcastTarget(
        broadcast=f"broadcasts/{name}",
        revision=revision,
        message=message or rsi(),
        profile="p20",
        **fields,  # type: ignore[arg-type]  # fields of the message
    )
    if begin_s is not None:
        made.begin_time.FromMilliseconds(round(begin_s * 1000))
    if end_s is not None:
        made.end_time.FromMilliseconds(round(end_s * 1000))
    return made


async def test_what_the_manager_wants_goes_on_the_air_and_what_is_missing_off_it(tmp_path: Path) -> None:
    async with unit(tmp_path) as at:
        at.tell(target(), target("crossing", message=the_map(), end_s=None))
        assert sorted([await at.hears(), await at.hears()]) == [("ON_AIR", 1, ""), ("ON_AIR", 1, "")]
        assert len(at.keys) == 2
        at.tell(target("crossing", message=the_map(), end_s=None))
        assert await at.hears() == ("WITHDRAWN", 1, "")
        assert [key.split("/")[1] for key in at.keys] == ["crossing"]


async def test_a_manager_that_says_nothing_of_broadcasts_changes_nothing(tmp_path: Path) -> None:
    async with unit(tmp_path) as at:
        at.tell(target())
        await at.hears()
        at.info.follow(wire.DesiredState(revision=7))
        at.tell(target(), target("second", message=rsi(number=2)))
        assert await at.hears() == ("ON_AIR", 1, "")
        assert len(at.keys) == 2


async def test_it_is_on_the_air_after_a_restart_before_the_manager_is_reached(tmp_path: Path) -> None:
    async with unit(tmp_path) as at:
        at.tell(target())
        await at.hears()
    async with unit(tmp_path) as at:
        async with asyncio.timeout(5):
            await at.aired.wait()
        assert [key.split("/")[1] for key in at.keys] == ["works"]


async def test_a_new_revision_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    async with unit(tmp_path) as at:
        at.tell(target(message=rsi(number=1)))
        await at.hears()
        at.tell(target(revision=2, message=rsi(number=2)))
        assert await at.hears() == ("ON_AIR", 2, "")
        assert [key.rpartition("/")[2] for key in at.keys] == ["event-2"]


async def test_an_event_that_has_moved_is_dynamic_as_one_of_a_platform_is(tmp_path: Path) -> None:
    works = road_works()
    moved = replace(works, refPos=replace(works.refPos, lat=works.refPos.lat + 1_000))
    async with unit(tmp_path) as at:
        for revision, content, application_id in ((1, works, EVENT_AID), (2, moved, DYNAMIC_AID)):
            at.tell(target(revision=revision, message=encode(("rsiFrame", content), Profile.P20)))
            assert await at.hears() == ("ON_AIR", revision, "")
            assert [each.application_id for each in at.repeater.on_air] == [application_id]


async def test_another_message_of_a_revision_that_was_there_takes_its_place_too(tmp_path: Path) -> None:
    """A manager that was restored from a backup counts from where it was."""
    async with unit(tmp_path) as at:
        at.tell(target(message=rsi(number=1)))
        await at.hears()
        at.tell(target(message=rsi(number=2)))
        assert await at.hears() == ("ON_AIR", 1, "")
        assert [key.rpartition("/")[2] for key in at.keys] == ["event-2"]


async def test_what_the_manager_has_no_word_of_any_more_is_said_once_more(tmp_path: Path) -> None:
    unheard, heard = target(is_unheard=True), target()
    async with unit(tmp_path) as at:
        for named in ([unheard], [heard, target("b")], [unheard, target("b")], [unheard, target("b"), target("c")]):
            at.tell(*named)
            assert await at.hears() == ("ON_AIR", 1, "")
        assert at.words.empty()


async def test_what_found_no_room_goes_on_the_air_when_there_is_some(tmp_path: Path) -> None:
    crossing = road_map()
    (node,) = crossing.nodes
    others = [replace(node, id=replace(node.id, id=number)) for number in range(100, 99 + MAX_COUNT)]
    async with unit(tmp_path, own=tuple(replace(crossing, nodes=[each]) for each in others)) as at:
        at.tell(target("first"), target("second"))
        assert [(await at.hears())[0] for _ in range(2)] == ["ON_AIR", "REFUSED"]
        at.tell(target("second"))
        assert [(await at.hears())[0] for _ in range(2)] == ["ON_AIR", "WITHDRAWN"]
        assert at.keys[-1].startswith("manager/second/")


async def test_a_receipt_says_when_a_message_is_over_by_its_own_time_also_after_a_restart(tmp_path: Path) -> None:
    over = ("ENDED", 1, "every event and sign in it is over by its own time")
    brief = target(message=rsi(end_min=MINUTE))
    async with unit(tmp_path) as at:
        at.tell(brief)
        await at.hears()
        at.time = Estimate(NOW_S + 120, TimeSource.GNSS, 2.0)
        async with asyncio.timeout(5):
            while at.keys:
                await asyncio.to_thread(lambda: None)
        at.tell(brief)
        assert await at.hears() == over
    async with unit(tmp_path, time=Estimate(NOW_S + 120, TimeSource.GNSS, 2.0)) as at:
        at.tell(brief, target("second"))
        while (word := await at.hears()) == over:
            pass  # once more, if it was killed before it noted that it had said so
        assert word == ("ON_AIR", 1, "")
        assert [key.split("/")[1] for key in at.keys] == ["second"]


async def test_it_begins_and_ends_by_itself(tmp_path: Path) -> None:
    async with unit(tmp_path) as at:
        at.tell(target(begin_s=NOW_S + 0.05, end_s=NOW_S + 3600))
        assert await at.hears() == ("WAITING", 1, "")
        assert at.keys == []
        at.time = Estimate(NOW_S + 0.1, TimeSource.GNSS, 2.0)
        assert await at.hears() == ("ON_AIR", 1, "")
    async with unit(tmp_path, time=Estimate(NOW_S + 3601, TimeSource.GNSS, 2.0)) as at:
        assert await at.hears() == ("ENDED", 1, "")
        assert at.keys == []


async def test_without_a_clock_what_has_begun_stays_and_what_has_not_waits(tmp_path: Path) -> None:
    async with unit(tmp_path) as at:
        at.tell(target(begin_s=NOW_S - 60))
        await at.hears()
    async with unit(tmp_path, time=Estimate(NOW_S - 9999, TimeSource.FLOOR, None)) as at:
        state, _, reason = await at.hears()
        assert (state, reason) == ("ON_AIR", "the unit does not know the time; it stays on the air until it does")
        at.tell(target(begin_s=NOW_S - 60), target("later", begin_s=NOW_S))
        assert await at.hears() == ("WAITING", 1, "the unit does not know the time")
    async with unit(tmp_path, time=Estimate(NOW_S + 9999, TimeSource.FLOOR, None)) as at:
        assert [(await at.hears())[0] for _ in range(2)] == ["ENDED", "ENDED"]


async def test_a_drill_is_answered_and_nothing_goes_on_the_air(tmp_path: Path) -> None:
    async with unit(tmp_path) as at:
        at.tell(target(is_drill=True))
        assert await at.hears() == ("DRILLED", 1, "")
        assert at.keys == []


async def test_a_drill_is_refused_where_the_message_would_be(tmp_path: Path) -> None:
    async with unit(tmp_path, own=(road_map(),), aids=frozenset({MAP_AID})) as at:
        at.tell(target(is_drill=True), target("crossing", message=the_map(), is_drill=True))
        heard = sorted([await at.hears(), await at.hears()], key=lambda word: word[2])
        assert [word[0] for word in heard] == ["REFUSED", "REFUSED"]
        assert "add it to `v2x.send_aids`" in heard[0][2]
        assert "the unit's settings have the MAP of crossing" in heard[1][2]
        assert len(at.keys) == 1
    async with unit(tmp_path / "other", has_radio=False) as at:
        at.tell(target(is_drill=True))
        assert await at.hears() == ("REFUSED", 1, "this unit has no radio")


async def test_a_drill_in_the_place_of_a_message_takes_it_off_the_air_and_the_other_way_on(tmp_path: Path) -> None:
    async with unit(tmp_path) as at:
        for revision, is_drill, state, count in (
            (1, False, "ON_AIR", 1),
            (2, True, "DRILLED", 0),
            (3, False, "ON_AIR", 1),
        ):
            at.tell(target(revision=revision, is_drill=is_drill))
            assert await at.hears() == (state, revision, "")
            assert len(at.keys) == count
        at.tell(target(revision=4, message=b"\xff\xff", is_drill=True))
        assert (await at.hears())[:2] == ("REFUSED", 4)
        assert at.keys == []


async def test_a_withdrawn_one_is_answered_also_where_it_never_was_and_once_only(tmp_path: Path) -> None:
    async with unit(tmp_path) as at:
        gone = wire.BroadcastTarget(broadcast="broadcasts/works", revision=3, is_withdrawn=True)
        at.tell(gone)
        assert await at.hears() == ("WITHDRAWN", 3, "")
        at.tell(gone, target("second"))
        assert await at.hears() == ("ON_AIR", 1, "")


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"message": b"\xff\xff"}, "message: "),
        ({"message": b"\0" * 20_000}, "message: 20000 bytes"),
        ({"message": the_map()}, "the unit's settings have the MAP of crossing"),
    ],
)
async def test_what_cannot_go_on_the_air_is_refused_with_the_reason(
    tmp_path: Path, fields: dict[str, bytes], why: str
) -> None:
    async with unit(tmp_path, own=(road_map(),)) as at:
        at.tell(target(**fields))  # type: ignore[arg-type]  # fields of the message
        state, _, reason = await at.hears()
        assert state == "REFUSED"
        assert why in reason
        assert len(at.keys) == 1


async def test_a_unit_without_a_radio_or_of_another_profile_says_so(tmp_path: Path) -> None:
    async with unit(tmp_path, has_radio=False) as at:
        at.tell(target())
        assert await at.hears() == ("REFUSED", 1, "this unit has no radio")
    foreign = target("other")
    foreign.profile = "r19"
    async with unit(tmp_path / "other") as at:
        at.tell(foreign)
        assert await at.hears() == ("REFUSED", 1, "profile: the unit speaks p20, the message is of r19")


async def test_a_unit_that_may_not_send_under_the_aid_says_so_instead_of_being_silent(tmp_path: Path) -> None:
    async with unit(tmp_path, aids=frozenset({MAP_AID})) as at:
        at.tell(target(), target("crossing", message=the_map()))
        assert sorted([await at.hears(), await at.hears()]) == [
            ("ON_AIR", 1, ""),
            ("REFUSED", 1, "message: it goes out under AID 3621; add it to `v2x.send_aids` of the unit's settings"),
        ]


async def test_what_the_disk_does_not_take_is_neither_on_the_air_nor_said_to_be(tmp_path: Path) -> None:
    async with unit(tmp_path, shelf=FullDisk) as at:
        at.tell(target())
        await asyncio.to_thread(lambda: None)
        assert at.words.empty()
        assert at.keys == []


async def test_a_damaged_file_is_made_good_by_the_managers_next_word(tmp_path: Path) -> None:
    (tmp_path / "manager.state").write_bytes(b"?" * 100)
    async with unit(tmp_path) as at:
        at.tell(target())
        assert await at.hears() == ("ON_AIR", 1, "")


async def test_more_than_fit_are_passed_over(tmp_path: Path) -> None:
    async with unit(tmp_path) as at:
        at.tell(*(target(f"w-{number}", is_drill=True) for number in range(MAX_COUNT + 5)))
        assert [(await at.hears())[0] for _ in range(MAX_COUNT)] == ["DRILLED"] * MAX_COUNT
        assert at.words.empty()
