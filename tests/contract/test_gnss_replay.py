"""Recordings and simulation of a satellite receiver: every epoch once, at its pace."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from wayside_agent.core.fix import Fix, FixMode, FixQuality
from wayside_agent.core.nmea_sentence import encoded
from wayside_agent.core.pace import TimeBase
from wayside_agent.drivers.gnss_replay import NmeaReplay
from wayside_agent.drivers.sim_gnss import SimGnss, write_nmea
from wayside_agent.ports.devices import Gnss
from wayside_agent.ports.errors import DeviceAbsentError, DeviceFaultError, SourceEndedError


def epoch(second: int, *, quality: int = 4) -> bytes:
    place = "2001.8074,N,11019.8340,E"
    gga = encoded(f"GNGGA,0102{second:02d}.00,{place},{quality},12,0.8,15.0,M,,M,,")
    return gga + encoded(f"GNRMC,0102{second:02d}.00,A,{place},10.0,90.0,221126,,,A,V")


async def reads(gnss: Gnss, fixes: list[Fix]) -> None:
    """Reads until the driver raises; notes what came before."""
    while True:
        fixes.append(await gnss.read())


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "drive.nmea"
    path.write_bytes(b"# a comment with $GPGGA,1*00\n" + b"".join(epoch(second) for second in range(10)))
    return path


async def all_fixes(gnss: Gnss) -> list[Fix]:
    fixes: list[Fix] = []
    async with gnss:
        with pytest.raises(SourceEndedError):
            await reads(gnss, fixes)
    return fixes


async def test_a_recording_gives_every_epoch_once_and_then_ends(recording: Path) -> None:
    gnss = NmeaReplay(NmeaReplay.Options(path=str(recording), speed=0, time_base=TimeBase.RECORDED))
    for _ in range(2):  # opened again, it starts from the front
        fixes = await all_fixes(gnss)
        assert [fix.utc_time.second for fix in fixes if fix.utc_time] == list(range(10))
        assert gnss.counters().bad_sentence_count == 0


async def test_a_recording_is_as_long_as_the_drive_by_its_speed(recording: Path) -> None:
    clock = asyncio.get_running_loop().time
    start_s = clock()
    await all_fixes(NmeaReplay(NmeaReplay.Options(path=str(recording), speed=100)))
    assert 0.09 <= clock() - start_s < 1.0


async def test_a_gap_in_a_recording_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "gap.nmea"
    path.write_bytes(epoch(3) + encoded("GNRMC,235900.00,A,2001.8,N,11019.8,E,1,1,221126,,,A,V"))
    clock = asyncio.get_running_loop().time
    start_s = clock()
    await all_fixes(NmeaReplay(NmeaReplay.Options(path=str(path), gap_max_s=0.02)))
    assert clock() - start_s < 1.0


async def test_a_recording_of_now_shows_the_present_time_and_loops(recording: Path) -> None:
    before = datetime.now(UTC)
    async with NmeaReplay(NmeaReplay.Options(path=str(recording), speed=0, loop=True)) as gnss:
        fixes = [await gnss.read() for _ in range(25)]
    assert all(fix.utc_time and before <= fix.utc_time <= datetime.now(UTC) for fix in fixes)


async def test_a_recording_of_one_epoch_loops_too(tmp_path: Path) -> None:
    path = tmp_path / "one.nmea"
    path.write_bytes(epoch(3))
    async with NmeaReplay(NmeaReplay.Options(path=str(path), speed=0, loop=True)) as gnss, asyncio.timeout(5):
        assert all([(await gnss.read()).position for _ in range(3)])


async def test_a_recording_that_is_not_there_is_absent_and_one_without_epochs_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(DeviceAbsentError, match="check the path"):
        await NmeaReplay(NmeaReplay.Options(path=str(tmp_path / "no"))).__aenter__()
    (tmp_path / "noise").write_bytes(bytes(range(256)) * 1000)
    async with NmeaReplay(NmeaReplay.Options(path=str(tmp_path / "noise"), loop=True)) as gnss:
        with pytest.raises(DeviceFaultError, match="is it an NMEA file"):
            await gnss.read()


async def test_the_rtk_log_plays_104_differential_and_18_fixed_epochs(shared_data: Path) -> None:
    path = shared_data / "gnss" / "nmea" / "nmea-rtk.log"
    fixes = await all_fixes(NmeaReplay(NmeaReplay.Options(path=str(path), speed=0)))
    assert [fix.quality for fix in fixes].count(FixQuality.DIFFERENTIAL) == 104
    assert [fix.quality for fix in fixes].count(FixQuality.RTK_FIXED) == 18


async def test_the_simulator_drives_a_circle_and_now_and_then_loses_the_fix(tmp_path: Path) -> None:
    path = tmp_path / "sim.nmea"
    count = write_nmea(path, duration_s=600, seed=7)
    fixes = await all_fixes(NmeaReplay(NmeaReplay.Options(path=str(path), speed=0, time_base=TimeBase.RECORDED)))
    assert len(fixes) == count == 600
    assert {fix.quality for fix in fixes} >= {FixQuality.INVALID, FixQuality.RTK_FIXED, FixQuality.RTK_FLOAT}
    for fix in fixes:
        assert (fix.mode is FixMode.NONE) == (fix.position is None)
        if fix.position:
            assert abs(fix.position.latitude_deg - 20.0317) < 0.003


def test_equal_seeds_write_equal_recordings(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_nmea(tmp_path / name, duration_s=60, seed=seed)
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
    assert a == b != c


async def test_the_simulator_gives_epochs_at_its_rate() -> None:
    clock = asyncio.get_running_loop().time
    async with SimGnss(SimGnss.Options(rate_hz=50, loses_fix=False)) as gnss:
        start_s = clock()
        fixes = [await gnss.read() for _ in range(11)]
        assert clock() - start_s >= 0.19
    times = [fix.utc_time for fix in fixes if fix.utc_time]
    assert times == sorted(times)
    assert len(set(times)) == 11
