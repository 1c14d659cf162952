"""python-can back ends and the simulator; every driver of the entry-point group."""

import asyncio
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from uuid import uuid4

import can
import cantools
import msgspec
import pytest

from wayside_agent.core.decoder import DecodePlan, Decoder
from wayside_agent.core.frames import CLASSIC, ERROR_FLAG, EXTENDED_FLAG, EXTENDED_MASK, FrameBatch
from wayside_agent.core.stamps import TimeQuality
from wayside_agent.core.validity import Refusal
from wayside_agent.drivers.can_python import PythonCan
from wayside_agent.drivers.dbc_compiler import compiled_plan
from wayside_agent.drivers.sim_can import DBC_PATH, SimCan, simulated_frames
from wayside_agent.ports.errors import DeviceAbsentError, DeviceFaultError


@pytest.mark.parametrize("name", ["socketcan", "python-can", "replay", "simulator"])
def test_driver_is_registered_with_documented_options(name: str) -> None:
    (point,) = entry_points(group="wayside.can", name=name)
    schema = msgspec.json.schema(point.load().Options)
    options = schema["$defs"]["Options"]
    assert all("description" in field for field in options["properties"].values())


def virtual(channel: str, **options: object) -> PythonCan:
    return PythonCan(msgspec.convert({"interface": "virtual", "channel": channel, **options}, PythonCan.Options))


@pytest.fixture
def sender() -> Iterator[can.BusABC]:
    with can.Bus(interface="virtual", channel=uuid4().hex, ignore_config=True) as bus:
        yield bus


def channel_of(bus: can.BusABC) -> str:
    return str(bus.channel_info).rpartition(" ")[2]


async def read(source: PythonCan, count: int) -> list[tuple[int, int, int, bytes]]:
    frames: list[tuple[int, int, int, bytes]] = []
    async with asyncio.timeout(5):
        while len(frames) < count:
            frames.extend((await source.read()).structs())
    return frames


async def test_frames_of_a_back_end_keep_id_kind_and_payload(sender: can.BusABC) -> None:
    async with virtual(channel_of(sender)) as source:
        sender.send(can.Message(arbitration_id=0x123, is_extended_id=False, data=b"\x01\x02"))
        sender.send(can.Message(arbitration_id=0x18FF0001, data=bytes(8)))
        frames = await read(source, 2)
    assert frames == [(0x123, 2, 0, b"\x01\x02" + bytes(6)), (0x18FF0001 | EXTENDED_FLAG, 8, 0, bytes(8))]


async def test_times_of_a_back_end_are_utc(sender: can.BusABC) -> None:
    async with virtual(channel_of(sender)) as source:
        sender.send(can.Message(arbitration_id=1))
        async with asyncio.timeout(5):
            batch = await source.read()
    assert batch.times_ns[0] > 1_700_000_000_000_000_000


async def test_error_frames_of_a_back_end_are_counted_apart(sender: can.BusABC) -> None:
    async with virtual(channel_of(sender)) as source:
        sender.send(can.Message(is_error_frame=True))
        sender.send(can.Message(arbitration_id=1, is_extended_id=False))
        frames = await read(source, 2)
        counters = source.counters()
    assert frames[0][0] & ERROR_FLAG
    assert (counters.frame_count, counters.error_frame_count) == (1, 1)


async def test_full_queue_drops_the_oldest_and_counts_them(sender: can.BusABC) -> None:
    async with virtual(channel_of(sender), max_queued_frames=64) as source:
        for index in range(200):
            sender.send(can.Message(arbitration_id=index, is_extended_id=False))
        async with asyncio.timeout(5):
            while source.counters().frame_count < 200:  # noqa: ASYNC110 - a counter wakes nobody
                await asyncio.sleep(0)
        frames = await read(source, 64)
        drops = source.counters().kernel_drop_count
    assert [can_id for can_id, _, _, _ in frames] == list(range(136, 200))
    assert drops == 136


async def test_unknown_back_end_is_absent_and_named() -> None:
    source = PythonCan(PythonCan.Options(interface="nonesuch", channel="x"))
    with pytest.raises(DeviceAbsentError, match="nonesuch:x: cannot be opened"):
        async with source:
            pass


async def test_back_end_that_fails_is_a_fault(sender: can.BusABC) -> None:
    async with virtual(channel_of(sender)) as source:
        assert source._bus is not None
        source._bus.shutdown()
        with pytest.raises(DeviceFaultError, match="the back end failed"):
            async with asyncio.timeout(5):
                await source.read()


async def test_simulator_delivers_at_its_rate_with_times_of_now() -> None:
    async with SimCan(SimCan.Options(rate_factor=100)) as source:
        batches = [await source.read() for _ in range(5)]
    times = [time_ns for batch in batches for time_ns in batch.times_ns]
    assert len(times) == source.counters().frame_count
    assert times == sorted(times)
    assert times[0] > 1_700_000_000_000_000_000


def test_same_seed_makes_the_same_journey() -> None:
    first, second, other = ([next(frames) for _ in range(500)] for frames in map(simulated_frames, (1, 1, 2)))
    assert first == second != other


async def test_simulated_bus_decodes_with_its_own_dbc(tmp_path: Path) -> None:
    decoder = Decoder(DecodePlan(await compiled_plan([DBC_PATH], cache_dir=tmp_path)), bus="sim")
    reference = cantools.database.load_file(DBC_PATH)
    assert isinstance(reference, cantools.database.can.Database)
    told: dict[str, float] = {}
    frames = simulated_frames(3)
    for frame in (next(frames) for _ in range(125 * 90)):
        decoder.decode(FrameBatch(CLASSIC.pack(frame.can_id, frame.size, 0, frame.data), (1,)))
        readings = {each.name: each.value for each in decoder.news(TimeQuality.GNSS).readings}
        expected = reference.decode_message(frame.can_id & EXTENDED_MASK, frame.data, decode_choices=False)
        assert isinstance(expected, dict)
        assert set(readings.values()) <= set(expected.values())
        told |= readings
    counters = decoder.counters()
    assert counters.frame_count == counters.matched_count
    assert counters.refusal_counts == {Refusal.NOT_AVAILABLE: 10}
    assert len(told) == 20
    assert 0 <= told["can.sim.SimMotion.Speed"] < 120
    assert 700 <= told["can.sim.SimPowertrain.EngineSpeed"] < 6000
