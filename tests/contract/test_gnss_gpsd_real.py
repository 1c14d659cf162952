"""The gpsd driver against the real gpsd, which is fed a receiver over TCP. Skips where gpsd is not installed."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from wayside_agent.core.fix import Fix, FixQuality
from wayside_agent.core.nmea import NmeaDecoder
from wayside_agent.drivers.gnss_gpsd import Gpsd
from wayside_agent.drivers.sim_gnss import write_nmea
from wayside_agent.ports.errors import DeviceAbsentError, DeviceError
from wayside_demo.stage import free_port

GPSD = shutil.which("gpsd") or shutil.which("gpsd", path="/usr/sbin:/usr/local/sbin")

pytestmark = pytest.mark.skipif(GPSD is None, reason="gpsd is not installed: apt-get install gpsd")


FIRST_WORD_S = 0.5


class Receiver:
    """A receiver behind a TCP port; speaks when told to.

    As long as nobody has heard it, it waits after each epoch: gpsd tells nobody what it reads before it has taken the
    driver's request, and a receiver that says all at once may have ended by then.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.is_heard = asyncio.Event()
        self.may_speak = asyncio.Event()
        self.may_end = asyncio.Event()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        await self.may_speak.wait()
        try:
            for line in self._data.splitlines(keepends=True):
                if line.startswith(b"$GNGGA"):
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(FIRST_WORD_S):
                            await self.is_heard.wait()
                writer.write(line)
                await writer.drain()
            await self.may_end.wait()
        finally:
            writer.close()


@asynccontextmanager
async def gpsd_of(receiver: Receiver) -> AsyncIterator[tuple[int, asyncio.subprocess.Process]]:
    """A gpsd on loopback that reads from a receiver; gives its port."""
    server = await asyncio.start_server(receiver.talk, "127.0.0.1", 0)
    source = server.sockets[0].getsockname()[1]
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        str(GPSD), "-N", "-n", "-S", str(port), f"tcp://127.0.0.1:{source}", stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield port, process
    finally:
        for each in (receiver.may_speak, receiver.is_heard, receiver.may_end):
            each.set()
        if process.returncode is None:
            process.terminate()
        await process.wait()
        server.close()
        await server.wait_closed()


async def opened(port: int) -> Gpsd:
    """The driver, once gpsd is up."""
    async with asyncio.timeout(10):
        while True:
            gnss = Gpsd(Gpsd.Options(port=port, timeout_s=2.0))
            try:
                return await gnss.__aenter__()
            except DeviceAbsentError:
                await asyncio.sleep(0)


async def fixes_until_silence(gnss: Gpsd) -> list[Fix]:
    fixes = []
    try:
        while True:
            fixes.append(await gnss.read())
    except DeviceError:
        return fixes


@pytest.fixture
def drive(tmp_path: Path) -> bytes:
    path = tmp_path / "drive.nmea"
    write_nmea(path, duration_s=60, seed=4)
    return b"".join(line for line in path.read_bytes().splitlines(keepends=True) if not line.startswith(b"#"))


async def test_positions_through_gpsd_are_those_of_the_sentences(drive: bytes) -> None:
    receiver = Receiver(drive)
    async with gpsd_of(receiver) as (port, _):
        gnss = await opened(port)
        try:
            receiver.may_speak.set()
            fixes = [await gnss.read()]
            receiver.is_heard.set()
            fixes += await fixes_until_silence(gnss)
        finally:
            await gnss.__aexit__(None, None, None)
    ours = NmeaDecoder()
    places = [fix.position for fix in ours.feed(drive) + ours.flush() if fix.position]
    found = {fix.position for fix in fixes if fix.position}
    assert len(found) >= len(places) - 5  # gpsd needs some sentences to know what it listens to
    for position in found:
        assert any(
            (position.latitude_deg, position.longitude_deg)
            == pytest.approx((place.latitude_deg, place.longitude_deg), abs=2e-9)
            for place in places
        )
    assert FixQuality.RTK_FIXED in {fix.quality for fix in fixes}
    assert gnss.counters().bad_sentence_count == 0


async def test_a_gpsd_that_dies_is_an_absence(drive: bytes) -> None:
    async with gpsd_of(Receiver(drive)) as (port, process):
        gnss = await opened(port)
        process.kill()
        with pytest.raises(DeviceAbsentError):
            await gnss.read()
        await gnss.__aexit__(None, None, None)


async def test_a_gpsd_whose_receiver_is_silent_times_out() -> None:
    async with gpsd_of(Receiver(b"")) as (port, _):
        gnss = await opened(port)
        with pytest.raises(DeviceError):
            await gnss.read()
        await gnss.__aexit__(None, None, None)
