"""A static HTTPS server on loopback that keeps to ranges, or does what a test has it do instead."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.contract.sink_servers import Tls

Talk = Callable[[asyncio.StreamWriter, int], Awaitable[None]]
"""Answers one question: writes to the unit what follows from an offset."""
_RANGE = re.compile(rb"\r\nRange: bytes=([0-9]+)-\r\n")


@dataclass
class StaticServer:
    """One file under every path, and what was asked."""

    content: bytes
    url: str = ""
    asked: list[tuple[str, int]] = field(default_factory=list)
    """Target and first byte of each question."""
    talk: Talk | None = None
    """Says something else instead of the file."""
    die_after: list[int] = field(default_factory=list)
    """Bytes of the next answers after which it hangs up."""

    async def answer(self, writer: asyncio.StreamWriter, offset: int) -> None:
        """The file from there on, as RFC 9110 has it."""
        size = len(self.content)
        if offset >= size:
            writer.write(head(416, f"Content-Range: bytes */{size}", "Content-Length: 0"))
            return
        body = self.content[offset:]
        writer.write(partial(offset, size, len(body)))
        writer.write(body[: self.die_after.pop(0)] if self.die_after else body)


def head(status: int, *fields: str) -> bytes:
    """Status line and fields."""
    return "\r\n".join((f"HTTP/1.1 {status} Some Words", *fields, "", "")).encode()


def partial(offset: int, size: int, length: int) -> bytes:
    """The head of an answer with a part of the file."""
    last = offset + length - 1
    return head(206, f"Content-Length: {length}", f"Content-Range: bytes {offset}-{last}/{size}", 'ETag: "1"')


@asynccontextmanager
async def static_server(tls: Tls, content: bytes) -> AsyncIterator[StaticServer]:
    """A server that is up while inside."""
    place = StaticServer(content)
    talks: set[asyncio.Task[None]] = set()

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        try:
            question = await reader.readuntil(b"\r\n\r\n")
            found = _RANGE.search(question)
            assert found is not None
            place.asked.append((question.split(b" ")[1].decode(), int(found[1])))
            await (place.talk or place.answer)(writer, int(found[1]))
            await writer.drain()
            writer.close()
        except (OSError, EOFError):
            pass  # who breaks off is what tests want
        finally:
            talks.discard(task)
            if not writer.is_closing():
                writer.transport.abort()

    server = await asyncio.start_server(served, "127.0.0.1", 0, ssl=tls.server())
    port = server.sockets[0].getsockname()[1]
    place.url = f"https://localhost:{port}/releases/file?signature=secret"
    try:
        yield place
    finally:
        server.close()
        for talk in tuple(talks):
            talk.cancel()
        await server.wait_closed()
