"""The eyes of a roadside unit with its clock in the hands of the test: who is on the air, when, and why nobody is."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from types import TracebackType
from typing import Any, Self

import msgspec
import pytest

from tests.contract.test_air import made
from tests.contract.test_v2x_broadcast import RSU
from wayside.errors import InvalidArgumentError
from wayside.v2x.codec import Profile, decode
from wayside.v2x.generated.messages import MessageFrameExt, RoadsideSafetyMessage
from wayside_agent.core.perception.document import read_json
from wayside_agent.core.perception.place import Place, place_of
from wayside_agent.core.perception.rsm import RSM, Kind
from wayside_agent.core.perception.scene import Rules, Scene, SensorRules
from wayside_agent.core.perception.ssm import ssm
from wayside_agent.core.perception.tracks import Tracks
from wayside_agent.ports.errors import DeviceAbsentError
from wayside_agent.services.endless import endless
from wayside_agent.services.v2x_perception import Bounds, Perception, World
from wayside_agent.settings import NodeSettings
from wayside_agent.v2x_perception_settings import PerceptionSensorSettings, PerceptionSettings
from wayside_agent.v2x_settings import V2xSettings

UTC_S = 1_795_416_902.0
SSM_AID = 4000
HERE = place_of(20.03, 110.33, None)


class Mouth:
    """A sensor's way to the unit, in memory."""

    def __init__(self) -> None:
        self.waiting: asyncio.Queue[bytes] = asyncio.Queue()
        self.dropped_count = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def read(self) -> bytes:
        return await self.waiting.get()


@dataclass
class Road:
    """A unit's sensors, air and clock."""

    voice: Perception
    mouth: Mouth
    turns: asyncio.Semaphore
    rested: asyncio.Event
    clock: list[float]
    place: Place | None = HERE
    is_time_known: bool = True
    has_radio: bool = True
    sent: list[RoadsideSafetyMessage] = field(default_factory=list)
    shared: list[MessageFrameExt] = field(default_factory=list)

    @property
    def utc_s(self) -> float:
        return UTC_S + self.clock[0] - 100.0

    async def sees(self, *objects: object, sensor: str = "north", age_s: float = 0.0) -> None:
        """A document, and that it is taken."""
        words = {"time_ms": round((self.utc_s - age_s) * 1000), "sensor_id": sensor, "objects": objects}
        await self.says(json.dumps(words).encode())

    async def says(self, payload: bytes) -> None:
        tally = self.voice.tally
        before = tally.document_count + tally.flooded_count
        self.mouth.waiting.put_nowait(payload)
        while tally.document_count + tally.flooded_count == before:  # noqa: ASYNC110  # counters tell nobody
            await asyncio.sleep(0)

    async def beats(self, count: int = 1) -> list[RoadsideSafetyMessage]:
        """Some tenths of a second; what was on the air."""
        before = len(self.sent)
        for _ in range(count):
            self.rested.clear()
            self.turns.release()
            await self.rested.wait()
        return self.sent[before:]

    def picture(self) -> dict[str, Any]:
        return dict(self.voice.picture())


@asynccontextmanager
async def road(
    bounds: Bounds | None = None, kinds: Sequence[Kind] = (RSM,), **sensors: SensorRules
) -> AsyncIterator[Road]:
    clock, turns, rested, mouth = [100.0], asyncio.Semaphore(0), asyncio.Event(), Mouth()

    async def pause(time_s: float) -> None:
        rested.set()
        await turns.acquire()
        clock[0] += time_s

    async def send(payload: bytes, *, application_id: int) -> None:
        if not at.has_radio:
            raise DeviceAbsentError("radio: there is none")
        assert len(payload) <= 1394
        _, content = decode(payload, Profile.P20)
        if application_id == SSM_AID:
            assert isinstance(content, MessageFrameExt)
            at.shared.append(content)
            return
        assert application_id == 3623
        assert isinstance(content, RoadsideSafetyMessage)
        at.sent.append(content)

    voice = Perception(
        World(
            feed=mouth,
            read=read_json,
            scene=Scene(Rules(sensors), Tracks()),
            profile=Profile.P20,
            unit_id=b"ESN-0001",
            place=lambda: at.place,
            send=send,
            utc_s=lambda: at.utc_s if at.is_time_known else None,
            rng=Random(1),  # noqa: S311  # spreads waits
            bounds=bounds or Bounds(),
            kinds=kinds,
            clock_s=lambda: clock[0],
            pause=pause,
        )
    )
    at = Road(voice, mouth, turns, rested, clock)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(endless("v2x-perception", voice.run))
        await rested.wait()
        yield at
        task.cancel()


def car(number: int = 1, **fields: object) -> dict[str, object]:
    return {"tracking_id": number, "class": "car", "latitude_deg": 20.0301, "longitude_deg": 110.33, **fields}


async def test_every_object_is_in_one_message_of_a_beat_in_its_newest_state() -> None:
    async with road() as at:
        await at.sees(*(car(number, speed_mps=1) for number in range(40)))
        await at.sees(*(car(number, speed_mps=2) for number in range(20)), sensor="south")
        heard = await at.beats()
        assert [len(each.participants) for each in heard] == [16, 16, 16, 12]
        assert len({one.ptcId for each in heard for one in each.participants}) == 60
        await at.sees(*(car(number, speed_mps=3) for number in range(40)))
        again = [one for each in await at.beats() for one in each.participants]
        assert sorted({one.speed for one in again if one.speed != 100}) == [150]
        assert {one.ptcId for one in again} == {one.ptcId for each in heard for one in each.participants}
        counts = [each.msgCnt for each in at.sent]
        assert [(count - counts[0]) % 128 for count in counts] == list(range(8))


async def test_what_is_not_seen_again_is_said_for_half_a_second() -> None:
    async with road() as at:
        await at.sees(car())
        assert [len(await at.beats()) for _ in range(8)] == [1, 1, 1, 1, 1, 0, 0, 0]
        assert at.picture()["why_silent"] == ""


async def test_when_there_is_too_much_the_nearest_are_said() -> None:
    async with road(Bounds(max_participants=2)) as at:
        await at.sees(*(car(number, latitude_deg=20.03 + number / 1000) for number in (3, 1, 2)))
        (heard,) = await at.beats()
        assert [one.pos.offsetLL[1].lat for one in heard.participants] == [10_000, 20_000]


async def test_nothing_is_said_while_time_or_place_is_not_known_and_the_reason_is() -> None:
    async with road() as at:
        at.place = None
        await at.sees(car())
        assert await at.beats() == []
        assert "where the unit stands is not known" in at.picture()["why_silent"]
        at.place, at.is_time_known = HERE, False
        await at.sees(car())
        assert await at.beats() == []
        assert at.picture()["why_silent"] == "the time is not known"
        assert at.picture()["newest_refusal"] == "document: the unit does not know the time"
        at.is_time_known = True
        await at.sees(car())
        assert len(await at.beats()) == 1
        assert at.picture()["why_silent"] == ""


async def test_what_is_wrong_is_counted_with_its_reason_and_the_rest_goes() -> None:
    async with road() as at:
        await at.says(b"{")
        await at.sees(car(1), car(2, speed_mps=500), car(3))
        (heard,) = await at.beats()
        assert len(heard.participants) == 2
        now = at.picture()
        assert (now["documents"], now["refused_documents"], now["objects"], now["refused_objects"]) == (2, 1, 2, 1)
        assert now["refused_by_field"] == {"speed_mps": 1}
        assert now["newest_refusal"] == "object: speed_mps: Expected `float` <= 163.8"
        assert now["sensors"]["north"]["newest_refusal"] == "speed_mps: Expected `float` <= 163.8"


async def test_a_flood_is_counted_and_not_looked_into() -> None:
    async with road(Bounds(max_documents_per_s=5)) as at:
        for _ in range(8):
            await at.sees(car())
        assert (at.picture()["documents"], at.picture()["flooded_documents"]) == (5, 3)
        await at.beats(10)
        await at.sees(car())
        assert at.picture()["documents"] == 6


async def test_the_way_from_the_object_to_the_air_is_measured_once_for_each_state() -> None:
    async with road() as at:
        await at.sees(*(car(number) for number in range(20)), age_s=0.040)
        await at.beats(3)
        latency = at.picture()["latency_s"]
        assert latency["object_to_air"]["count"] == 20
        assert latency["object_to_air"]["p99"] == pytest.approx(0.141, abs=0.002)
        assert latency["reception_to_air"]["p50"] == pytest.approx(0.101, abs=0.002)
        figures = at.voice.figures()
        assert figures["v2x.perception.object_count"] == (20.0, "")
        assert figures["v2x.perception.latency_p99_s"] == (latency["object_to_air"]["p99"], "s")


async def test_a_sensor_that_falls_silent_is_told_and_so_is_its_return() -> None:
    async with road(north=SensorRules(), south=SensorRules()) as at:
        await at.beats(15)
        assert at.picture()["silent_sensors"] == []
        await at.sees(car())
        await at.beats(10)
        assert at.picture()["silent_sensors"] == ["south"]
        assert at.picture()["why_silent"] == ""
        assert at.voice.sensor_faults() == {"north": "", "south": "sensor south: nothing for 2 s"}
        await at.beats(15)
        assert at.picture()["why_silent"] == "no sensor is heard (north, south)"
        await at.sees()
        await at.beats()
        assert (at.picture()["silent_sensors"], at.picture()["why_silent"]) == (["south"], "")


async def test_a_sensor_whose_clock_is_wrong_is_not_taken_for_well() -> None:
    async with road(north=SensorRules()) as at:
        for _ in range(25):
            await at.sees(car(), age_s=40.0)
            assert await at.beats() == []
        fault = "time_ms: 40.0 s old; set both clocks by NTP or PTP, or send it sooner"
        assert at.voice.sensor_faults() == {"north": f"sensor north: {fault}"}
        assert at.picture()["sensors"]["north"]["document_age_s"] == 40.0
        assert at.picture()["why_silent"] == "no sensor is heard (north)"


async def test_rsm_and_ssm_of_the_same_objects_go_out_under_their_own_aids_and_counts() -> None:
    async with road(kinds=(RSM, ssm(SSM_AID))) as at:
        for _ in range(70):
            await at.sees(*(car(number) for number in range(33)))
            await at.beats()
        assert (len(at.sent), len(at.shared)) == (210, 140)
        assert {each.messageId for each in at.shared} == {12}
        now = at.picture()
        assert (now["sent_by_kind"], now["latency_s"]["object_to_air"]["count"]) == ({"RSM": 210, "SSM": 140}, 70 * 33)
        assert at.voice.rates_hz() == pytest.approx({3623: 30.0, SSM_AID: 20.0})


async def test_what_is_planned_is_what_traffic_asks_for_also_when_the_radio_is_away() -> None:
    async with road() as at:
        assert at.voice.rates_hz() == {3623: 0.0}
        at.has_radio = False
        for _ in range(70):
            await at.sees(*(car(number) for number in range(33)))
            await at.beats()
        assert at.voice.rates_hz() == pytest.approx({3623: 30.0})
        assert at.picture()["why_silent"] == "radio: there is none"
        assert at.picture()["sent_messages"] == 0
        await at.beats(70)
        assert at.voice.rates_hz() == {3623: 0.0}


def with_eyes(kind: str = "rsu", **fields: Any) -> Any:  # noqa: ANN401  # settings of the table
    node = NodeSettings(id="rsu-1", esn="E1", kind="rsu" if kind == "rsu" else "obu")
    return msgspec.structs.replace(RSU, node=node, v2x=V2xSettings(perception=PerceptionSettings(**fields)))


@pytest.mark.parametrize(
    ("unit", "said"),
    [
        (with_eyes("obu"), r"v2x\.perception: only an RSU with a radio"),
        (with_eyes(messages=("rsm", "ssm")), r"v2x\.perception\.ssm_application_id: SSM needs an AID"),
        (with_eyes(latitude_deg=20.0), r"v2x\.perception: give both latitude_deg and longitude_deg"),
        (
            with_eyes(sensors={"north": PerceptionSensorSettings(longitude_deg=110.0)}),
            r"v2x\.perception\.sensors\.north: give both",
        ),
    ],
    ids=["obu", "no AID", "half a place", "half a sensor"],
)
def test_settings_that_make_no_sense_are_refused_by_the_name_of_the_field(unit: Any, said: str) -> None:  # noqa: ANN401
    with pytest.raises(InvalidArgumentError, match=said):
        made(unit)


def test_an_empty_road_plans_nothing_and_asks_the_gate_for_nothing() -> None:
    air = made(with_eyes())
    assert air.planned_hz() == {3623: 0.0}
    assert "v2x-perception" in air.services()
    assert air.picture()["perception"]
