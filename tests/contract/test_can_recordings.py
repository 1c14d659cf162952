"""The numbers of the public recordings, as their README has them."""

import sys
from pathlib import Path

import can
import pytest

from wayside_agent.core.decoder import DecodePlan, Decoder
from wayside_agent.core.frames import EXTENDED_MASK, FrameBatch
from wayside_agent.core.pace import TimeBase
from wayside_agent.core.validity import Refusal
from wayside_agent.drivers.can_replay import ReplayCan
from wayside_agent.drivers.dbc_compiler import compiled_plan
from wayside_agent.drivers.sim_can import write_candump
from wayside_agent.ports.errors import DeviceAbsentError, DeviceFaultError, SourceEndedError

MF4_SMALL = "can/mf4/2F6913DB_00000004_00000001.MF4"


def replay(path: Path, **options: object) -> ReplayCan:
    chosen = {"speed": 0, "time_base": TimeBase.RECORDED, **options}
    return ReplayCan(ReplayCan.Options(path=str(path), **chosen))  # type: ignore[arg-type]  # checked at run time


async def played(source: ReplayCan) -> list[FrameBatch]:
    batches = []
    async with source:
        try:
            while True:
                batches.append(await source.read())
        except SourceEndedError:
            return batches


@pytest.mark.parametrize(
    ("recording", "dbcs", "counts"),
    [
        ("11111111_00000012", ("CSS-Electronics-SAE-J1939-DEMO", "canmod-gps"), (57_849, 26_269, 186)),
        ("2F6913DB_00000004", ("canmod-gps",), (5_588, 5_076, 0)),
        ("asammdf-basics", ("CSS-Electronics-SAE-J1939-DEMO",), (150_411, 7_986, 0)),
    ],
)
async def test_mf4_recordings_decode_at_the_published_rate(
    shared_data: Path, tmp_path: Path, recording: str, dbcs: tuple[str, ...], counts: tuple[int, int, int]
) -> None:
    paths = [shared_data / "can" / "dbc" / f"{dbc}.dbc" for dbc in dbcs]
    decoder = Decoder(DecodePlan(await compiled_plan(paths, cache_dir=tmp_path)), bus="can0")
    for batch in await played(replay(shared_data / "can" / "mf4" / f"{recording}_00000001.MF4")):
        decoder.decode(batch)
    counters = decoder.counters()
    flagged = counters.refusal_counts.get(Refusal.FLAGGED_INVALID, 0)  # by canmod-gps companions such as AttitudeValid
    assert (counters.frame_count, counters.matched_count, flagged) == counts


async def test_engine_speed_of_the_recording_has_the_published_mean(shared_data: Path, tmp_path: Path) -> None:
    dbc = shared_data / "can/dbc/CSS-Electronics-SAE-J1939-DEMO.dbc"
    plan = DecodePlan(await compiled_plan([dbc], cache_dir=tmp_path), wanted=("EEC1.EngineSpeed",))
    decoder = Decoder(plan, bus="truck")
    batches = await played(replay(shared_data / "can/mf4/11111111_00000012_00000001.MF4"))
    speeds = [value for batch in batches for name, _, value in decoder.samples(batch)]
    assert len(speeds) == 12_719
    assert round(sum(speeds) / len(speeds), 2) == 650.05


async def test_trc_recording_has_the_published_frames_ids_and_length(shared_data: Path) -> None:
    batches = await played(replay(shared_data / "can/trc/sample3_PCAN-View.trc"))
    times = [time_ns for batch in batches for time_ns in batch.times_ns]
    ids = {can_id & EXTENDED_MASK for batch in batches for can_id, _, _, _ in batch.structs()}
    assert (len(times), len(ids), round((times[-1] - times[0]) / 1e9, 3)) == (12_274, 52, 78.237)


async def test_candump_recording_with_comment_header_plays_every_frame(shared_data: Path) -> None:
    source = replay(shared_data / "can/candump/candumpSample3.txt")
    batches = await played(source)
    assert sum(map(len, batches)) == source.counters().frame_count == 2_368
    assert source.bad_line_count == 0


@pytest.mark.parametrize("size_bytes", [10, 64, 1000, 14_000])
async def test_mf4_cut_in_its_description_is_a_fault_that_names_the_file(
    shared_data: Path, tmp_path: Path, size_bytes: int
) -> None:
    cut = tmp_path / "cut.MF4"
    cut.write_bytes((shared_data / MF4_SMALL).read_bytes()[:size_bytes])
    with pytest.raises(DeviceFaultError, match=r"cut\.MF4: is damaged"):
        await played(replay(cut))


async def test_unfinished_mf4_cut_in_its_data_plays_what_is_there(shared_data: Path, tmp_path: Path) -> None:
    content = (shared_data / MF4_SMALL).read_bytes()
    cut = tmp_path / "cut.MF4"
    cut.write_bytes(content[: len(content) // 2])
    assert sum(map(len, await played(replay(cut)))) == 2_590


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9, 0.999])
async def test_finished_mf4_that_was_cut_is_a_fault(tmp_path: Path, kept: float) -> None:
    path = tmp_path / "cut.mf4"
    with can.Logger(path) as logger:
        for message in messages():
            logger.on_message_received(message)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(DeviceFaultError, match=r"cut\.mf4: is damaged"):
        await played(replay(path))


async def test_truncated_trc_plays_up_to_the_cut_and_counts_the_torn_line(shared_data: Path, tmp_path: Path) -> None:
    content = (shared_data / "can/trc/sample3_PCAN-View.trc").read_bytes()
    cut = tmp_path / "cut.trc"
    cut.write_bytes(content[: content.index(b"    69) ") + 50])
    source = replay(cut)
    await played(source)
    assert (source.counters().frame_count, source.bad_line_count) == (68, 1)


async def test_channel_option_plays_only_that_channel(shared_data: Path) -> None:
    batches = await played(replay(shared_data / MF4_SMALL, channel="1"))
    assert sum(map(len, batches)) == 221


def messages() -> list[can.Message]:
    return [
        can.Message(timestamp=1_700_000_000 + at / 100, arbitration_id=0x18FF1101, channel=0, data=bytes([at] * 8))
        for at in range(20)
    ]


@pytest.mark.parametrize("suffix", ["asc", "blf", "trc", "log", "mf4"])
async def test_recordings_of_python_can_play_with_their_payloads(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"written.{suffix}"
    with can.Logger(path) as logger:
        for message in messages():
            logger.on_message_received(message)
    batches = await played(replay(path))
    frames = [frame for batch in batches for frame in batch.structs()]
    times = [time_ns for batch in batches for time_ns in batch.times_ns]
    assert [round((at - 1_700_000_000_000_000_000) / 1e6) for at in times] == list(range(0, 200, 10))
    assert frames == [(0x98FF1101, 8, 0, bytes([index] * 8)) for index in range(20)]


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.log", "garbage\n" * 10), ("a.trc", "garbage"), ("a.asc", "x"), ("a.blf", "x"), ("a.mf4", "x")],
)
async def test_garbage_is_a_fault_that_names_the_file(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(DeviceFaultError, match=name):
        await played(replay(path))


async def test_garbage_lines_of_candump_are_counted_and_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "mixed.log"
    path.write_bytes(b"(1.0) can0 123#00\n\xff\xfe\x00 nonsense\n" + b"A" * 5000 + b"\n(2.0) can0 123#01\n")
    source = replay(path)
    batches = await played(source)
    assert sum(map(len, batches)) == 2
    assert source.bad_line_count > 1


async def test_mf4_without_its_package_is_absent_and_names_the_extra(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "asammdf", None)
    with pytest.raises(DeviceAbsentError, match=r"install wayside-agent\[mf4\]"):
        await played(replay(shared_data / MF4_SMALL))


async def test_replay_can_be_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "short.log"
    path.write_text("(1.0) can0 123#00\n(1.1) can0 123#01\n")
    source = replay(path)
    for _ in range(2):
        assert sum(map(len, await played(source))) == 2
        assert source.counters().frame_count == 2


async def test_missing_recording_is_absent(tmp_path: Path) -> None:
    with pytest.raises(DeviceAbsentError, match="is not there"):
        await played(replay(tmp_path / "no.log"))


async def test_unknown_ending_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(DeviceFaultError, match="rename"):
        await played(replay(tmp_path / "no.pcap"))


async def test_looping_replay_begins_again(tmp_path: Path) -> None:
    path = tmp_path / "short.log"
    path.write_text("(1.0) can0 123#00\n(1.1) can0 123#01\n")
    async with replay(path, loop=True) as source:
        batches = [await source.read() for _ in range(3)]
    assert [batch.times_ns for batch in batches] == [(1_000_000_000, 1_100_000_000)] * 3


async def test_paced_replay_shows_times_as_if_it_happened_now(tmp_path: Path) -> None:
    path = tmp_path / "paced.log"
    path.write_text("(1.0) can0 123#00\n(1.5) can0 123#01\n")
    batches = await played(replay(path, speed=10.0, time_base=TimeBase.NOW))
    times = [time_ns for batch in batches for time_ns in batch.times_ns]
    assert times[0] > 1_700_000_000_000_000_000
    assert times[1] - times[0] == 50_000_000


async def test_simulated_recording_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    counts = [write_candump(tmp_path / f"{index}.log", duration_s=10, seed=7) for index in range(2)]
    assert counts == [1250, 1250]
    assert (tmp_path / "0.log").read_bytes() == (tmp_path / "1.log").read_bytes()
    assert sum(map(len, await played(replay(tmp_path / "0.log")))) == counts[0]
