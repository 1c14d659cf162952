"""Components that tests replace: each driver with a device behind it, and images for it."""

import asyncio
import os
import tty
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from wayside_agent.core.firmware_frames import HEAD_BYTES, ImageHead, frame_bytes, image_head_body
from wayside_agent.drivers.component_file import FileComponent
from wayside_agent.drivers.component_firmware import FirmwareComponent
from wayside_agent.drivers.sim_banks import Banks
from wayside_agent.drivers.sim_firmware import FirmwareDevice, SimFirmware
from wayside_agent.ports.components import ComponentDriver, Payload

HARDWARE = "sim-mcu"
BANK_BYTES = 16_384


def image(version: str, *, hardware: str = HARDWARE, size_bytes: int = 3_000) -> bytes:
    """Firmware for the simulated device; equal arguments give equal bytes."""
    content = (version.encode() * size_bytes)[:size_bytes]
    return image_head_body(ImageHead(hardware, version, len(content), zlib.crc32(content))) + content


def payload(folder: Path, version: str, content: bytes | None = None) -> Payload:
    """An image in a file."""
    path = folder / f"image-{version}.bin"
    path.write_bytes(image(version) if content is None else content)
    return Payload(path, version)


def device(folder: Path) -> FirmwareDevice:
    """A simulated device with its banks in a file there."""
    return FirmwareDevice(Banks(folder / "banks", bank_bytes=BANK_BYTES), hardware=HARDWARE)


@dataclass(frozen=True, slots=True)
class Bench:
    """A component and what is needed to try it."""

    make: Callable[[], ComponentDriver]
    """The driver as a process that starts anew makes it."""
    folder: Path

    def payload(self, version: str) -> Payload:
        """Something of a version that can be installed."""
        return payload(self.folder, version)


@asynccontextmanager
async def simulator(folder: Path) -> AsyncIterator[Bench]:
    options = SimFirmware.Options(path=str(folder / "banks"), bank_bytes=BANK_BYTES)
    yield Bench(lambda: SimFirmware(options), folder)


@asynccontextmanager
async def file(folder: Path) -> AsyncIterator[Bench]:
    (folder / "maps").mkdir()
    options = FileComponent.Options(folder=str(folder / "maps"), file_name="town.map")
    yield Bench(lambda: FileComponent(options), folder)


@asynccontextmanager
async def served(answering: FirmwareDevice) -> AsyncIterator[str]:
    """The address of a device on a socket of loopback."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readexactly(HEAD_BYTES)
                answer = answering.answer(head + await reader.readexactly(frame_bytes(head) - HEAD_BYTES))
                writer.write(answer or b"")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield f"socket://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@asynccontextmanager
async def firmware_tcp(folder: Path) -> AsyncIterator[Bench]:
    async with served(device(folder)) as address:
        yield Bench(lambda: FirmwareComponent(FirmwareComponent.Options(address=address)), folder)


@asynccontextmanager
async def firmware_serial(folder: Path) -> AsyncIterator[Bench]:
    """A device at the other end of a pseudo-terminal."""
    answering, ours, theirs = device(folder), *os.openpty()
    tty.setraw(theirs)
    heard = bytearray()

    def hear() -> None:
        heard.extend(os.read(ours, 4_096))
        while len(heard) >= HEAD_BYTES and len(heard) >= (length := frame_bytes(bytes(heard))):
            question = bytes(heard[:length])
            del heard[:length]
            os.write(ours, answering.answer(question) or b"")

    asyncio.get_running_loop().add_reader(ours, hear)
    async with AsyncExitStack() as stack:
        stack.callback(os.close, theirs)
        stack.callback(os.close, ours)
        stack.callback(asyncio.get_running_loop().remove_reader, ours)
        options = FirmwareComponent.Options(address=os.ttyname(theirs))
        yield Bench(lambda: FirmwareComponent(options), folder)


BENCHES = {"file": file, "simulator": simulator, "firmware-tcp": firmware_tcp, "firmware-serial": firmware_serial}
