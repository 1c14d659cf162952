"""Every GNSS driver: the same epochs from the same receiver, and its device errors."""

import asyncio
import os
import pty
import tty
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from wayside_agent.core.fix import Fix, FixQuality
from wayside_agent.core.nmea_sentence import encoded
from wayside_agent.drivers.gnss_gpsd import Gpsd
from wayside_agent.drivers.gnss_replay import NmeaReplay
from wayside_agent.drivers.gnss_serial import NmeaSerial
from wayside_agent.drivers.gnss_tcp import NmeaTcp
from wayside_agent.ports.devices import Gnss
from wayside_agent.ports.errors import DeviceAbsentError, DeviceError, DeviceFaultError, DeviceTimeoutError


def epoch(second: int, *, quality: int = 4) -> bytes:
    place = "2001.8074,N,11019.8340,E"
    gga = encoded(f"GNGGA,0102{second:02d}.00,{place},{quality},12,0.8,15.0,M,,M,,")
    return gga + encoded(f"GNRMC,0102{second:02d}.00,A,{place},10.0,90.0,221126,,,A,V")


@asynccontextmanager
async def tcp_server(said: bytes, *, closes: bool = False) -> AsyncIterator[int]:
    """A server that says some bytes to whoever connects; gives its port."""

    talks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(cast("asyncio.Task[None]", asyncio.current_task()))
        writer.write(said)
        if not closes:
            with suppress(OSError):
                await reader.read()  # until the other side hangs up
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
    if talks:
        await asyncio.wait(talks)


async def reads(gnss: Gnss, fixes: list[Fix] | None = None) -> None:
    """Reads until the driver raises; notes what came before."""
    while True:
        fix = await gnss.read()
        if fixes is not None:
            fixes.append(fix)


class Line:
    """A serial line: we hold one end, the driver opens `path`."""

    def __init__(self) -> None:
        self.master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)

    def say(self, data: bytes) -> None:
        os.write(self.master, data)

    def cut(self) -> None:
        os.close(self._slave)
        os.close(self.master)
        self.master = self._slave = -1

    def close(self) -> None:
        for end in (self.master, self._slave):
            if end >= 0:
                os.close(end)


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    line = Line()
    yield line
    line.close()


async def test_a_serial_receiver_gives_its_epochs(line: Line) -> None:
    async with NmeaSerial(NmeaSerial.Options(path=line.path, baudrate=115_200)) as gnss:
        line.say(epoch(3) + epoch(4) + epoch(5))
        fixes = [await gnss.read() for _ in range(3)]
    assert [fix.utc_time.second for fix in fixes if fix.utc_time] == [3, 4, 5]
    assert fixes[0].quality is FixQuality.RTK_FIXED
    assert gnss.counters().sentence_count == 6


async def test_a_serial_receiver_that_is_silent_times_out(line: Line) -> None:
    async with NmeaSerial(NmeaSerial.Options(path=line.path, timeout_s=0.05)) as gnss:
        with pytest.raises(DeviceTimeoutError, match=r"silent for 0\.05 s"):
            await gnss.read()


async def test_a_serial_receiver_at_the_wrong_speed_is_a_fault(line: Line) -> None:
    async with NmeaSerial(NmeaSerial.Options(path=line.path, timeout_s=0.05)) as gnss:
        line.say(bytes(range(128, 256)) * 3)
        with pytest.raises(DeviceFaultError, match="check speed"):
            await gnss.read()


async def test_a_serial_receiver_that_is_unplugged_is_absent_and_can_be_opened_again(line: Line) -> None:
    gnss = NmeaSerial(NmeaSerial.Options(path=line.path))
    async with gnss:
        line.say(epoch(3) + epoch(4))
        await gnss.read()
        line.cut()
        with pytest.raises(DeviceAbsentError):
            await reads(gnss)
    with pytest.raises(DeviceAbsentError, match="no device"):
        await gnss.__aenter__()
    other = Line()
    try:
        async with NmeaSerial(NmeaSerial.Options(path=other.path)) as again:
            other.say(epoch(3) + epoch(4))
            assert (await again.read()).position
    finally:
        other.close()


async def test_a_file_that_is_no_serial_line_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(DeviceFaultError, match="cannot be used"):
        await NmeaSerial(NmeaSerial.Options(path=str(path))).__aenter__()


async def test_a_serial_line_in_use_is_a_fault(line: Line) -> None:
    async with NmeaSerial(NmeaSerial.Options(path=line.path)):
        with pytest.raises(DeviceFaultError, match="is another program on it"):
            await NmeaSerial(NmeaSerial.Options(path=line.path)).__aenter__()


def tcp_receiver(port: int) -> NmeaTcp:
    return NmeaTcp(NmeaTcp.Options(host="127.0.0.1", port=port, timeout_s=0.2))


async def test_a_tcp_receiver_gives_its_epochs_and_its_end_is_an_absence() -> None:
    async with tcp_server(epoch(3) + epoch(4), closes=True) as port, tcp_receiver(port) as gnss:
        assert (await gnss.read()).position
        assert (await gnss.read()).position
        with pytest.raises(DeviceAbsentError, match="closed the line"):
            await gnss.read()


async def test_a_tcp_receiver_that_is_silent_times_out() -> None:
    async with tcp_server(b"") as port, tcp_receiver(port) as gnss:
        with pytest.raises(DeviceTimeoutError, match="silent"):
            await gnss.read()


async def test_a_receiver_that_floods_gives_the_newest_epochs() -> None:
    flood = b"".join(encoded(f"GNRMC,{n:06d}.00,A,2001.8,N,11019.8,E,1,1,221126,,,A,V") for n in range(60))
    fixes: list[Fix] = []
    async with tcp_server(flood) as port, tcp_receiver(port) as gnss:
        with pytest.raises(DeviceTimeoutError):
            await reads(gnss, fixes)
    assert fixes[-1].utc_time == datetime(2026, 11, 22, 0, 0, 59, tzinfo=UTC)
    assert len(fixes) < 60


async def test_a_tcp_port_nobody_listens_on_is_an_absence() -> None:
    async with tcp_server(b"") as port:
        pass
    for driver in (NmeaTcp(NmeaTcp.Options(host="127.0.0.1", port=port)), Gpsd(Gpsd.Options(port=port))):
        with pytest.raises(DeviceAbsentError, match="cannot be reached"):
            await driver.__aenter__()


VERSION = b'{"class":"VERSION","release":"3.25","rev":"3.25","proto_major":3,"proto_minor":15}\r\n'


@pytest.mark.parametrize(
    ("greeting", "message"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "does not speak"),
        (VERSION.replace(b'"proto_major":3', b'"proto_major":4'), "protocol 4"),
        (b"x" * 200_000, "does not speak"),
    ],
    ids=["another service", "another protocol", "no line"],
)
async def test_what_is_no_gpsd_of_our_protocol_is_a_fault(greeting: bytes, message: str) -> None:
    async with tcp_server(greeting) as port:
        with pytest.raises(DeviceFaultError, match=message):
            await Gpsd(Gpsd.Options(port=port)).__aenter__()


async def test_a_gpsd_without_a_receiver_is_a_fault_that_says_so() -> None:
    complaint = VERSION + b'{"class":"ERROR","message":"Can\'t open /dev/ttyUSB9"}\r\n'
    async with tcp_server(complaint) as port, Gpsd(Gpsd.Options(port=port, timeout_s=0.05)) as gnss:
        with pytest.raises(DeviceFaultError):
            await gnss.read()


@pytest.mark.parametrize(
    "driver",
    [
        NmeaSerial(NmeaSerial.Options(path="/dev/null")),
        NmeaTcp(NmeaTcp.Options(host="127.0.0.1", port=1)),
        Gpsd(Gpsd.Options()),
        NmeaReplay(NmeaReplay.Options(path="x")),
    ],
    ids=lambda driver: type(driver).__name__,
)
async def test_reading_before_opening_is_a_device_error(driver: Gnss) -> None:
    with pytest.raises(DeviceError, match="open the driver first"):
        await driver.read()
    await driver.__aexit__(None, None, None)
