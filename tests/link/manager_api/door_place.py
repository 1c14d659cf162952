"""A door before a server that sends back what it hears, and visitors from several loopback addresses."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from wayside_manager.api.door.door import Door
from wayside_manager.api.door.visitor import Patience
from wayside_manager.core.attempts import Limits

HELLO = b"\x16\x03\x01\x00\x05hello"
IMPATIENT = Patience(hello_s=0.15, stall_s=0.15, half_closed_s=0.15, idle_s=0.3, look_round_s=0.02)
GENEROUS = Limits(bytes_per_s=1 << 30, bytes_burst=1 << 30)  # for those who do not log in, either
TEST_S = 10.0
HOME, ATTACKER, STRANGER = "127.0.0.1", "127.0.0.2", "127.0.0.3"


@dataclass
class Server:
    """What is behind the door: an echo, unless told otherwise."""

    port: int = 0
    peers: list[str] = field(default_factory=list)
    has_peer: asyncio.Event = field(default_factory=asyncio.Event)
    reads: asyncio.Event = field(default_factory=asyncio.Event)
    writer: asyncio.StreamWriter | None = None
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = writer.get_extra_info("peername")
        self.peers.append(f"ipv4:{host}:{port}")
        task = asyncio.current_task()
        assert task is not None
        self.tasks.append(task)
        self.writer = writer
        self.has_peer.set()
        try:
            await self.reads.wait()
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
            writer.write(b"goodbye")
            writer.close()
            await writer.wait_closed()
        except (ConnectionError, asyncio.CancelledError):
            writer.transport.abort()


@dataclass
class Place:
    """A door, and what is behind it."""

    door: Door
    server: Server
    port: int

    @asynccontextmanager
    async def visit(
        self, *, source: str = HOME, says: bytes = HELLO
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection(HOME, self.port, local_addr=(source, 0))
        try:
            writer.write(says)
            yield reader, writer
        finally:
            writer.transport.abort()

    @asynccontextmanager
    async def inside(self, *, source: str = HOME) -> AsyncIterator[tuple[asyncio.StreamReader, str]]:
        """A visitor whom the server has answered, and what the server calls it."""
        async with self.visit(source=source) as (reader, _):
            assert await reader.readexactly(len(HELLO)) == HELLO
            yield reader, self.server.peers[-1]


@asynccontextmanager
async def placed(
    patience: Patience | None = None,
    limits: Limits | None = None,
    *,
    visitors_max: int = 1_000,
    unproven_bytes_max: int = 1 << 40,
    reads: bool = True,
) -> AsyncIterator[Place]:
    server = Server()
    door = Door(limits, patience, visitors_max=visitors_max, unproven_bytes_max=unproven_bytes_max)
    if reads:
        server.reads.set()
    behind = await asyncio.start_server(server.serve, HOME, 0)
    server.port = behind.sockets[0].getsockname()[1]
    port = await door.listen(HOME, 0)
    door.open(server.port)
    try:
        async with asyncio.timeout(TEST_S):
            yield Place(door, server, port)
    finally:
        door.close()
        behind.close()
        for task in server.tasks:
            task.cancel()
            await asyncio.wait([task])


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  # the door has no event for it
        await asyncio.sleep(0)


async def cut(reader: asyncio.StreamReader) -> bytes:
    """What came before the connection ended, which it must."""
    found = b""
    try:
        while data := await reader.read(1 << 16):
            found += data
    except ConnectionError:
        pass
    return found


async def refused(place: Place, source: str) -> bool:
    try:
        async with place.visit(source=source) as (reader, _):
            return await cut(reader) == b""
    except ConnectionError:
        return True
