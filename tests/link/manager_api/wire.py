"""HTTP/2 over TLS by hand, for what no gRPC client would do."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
END_STREAM, END_HEADERS = 1, 4
ENHANCE_YOUR_CALM = 11
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
PATIENCE_S = 10.0


@dataclass(frozen=True)
class Frame:
    """One HTTP/2 frame."""

    kind: int
    flags: int
    stream: int
    payload: bytes

    def __bytes__(self) -> bytes:
        return len(self.payload).to_bytes(3) + bytes((self.kind, self.flags)) + self.stream.to_bytes(4) + self.payload


def call(stream: int, method: str, token: str) -> bytes:
    """A call with an empty message."""
    fields = {":path": method, ":authority": "localhost", "content-type": "application/grpc", "te": "trailers"}
    fields["authorization"] = f"Bearer {token}"
    block = b"\x83\x87" + b"".join(b"\x00" + _text(name) + _text(value) for name, value in fields.items())
    headers = Frame(HEADERS, END_HEADERS, stream, block)
    return bytes(headers) + bytes(Frame(DATA, END_STREAM, stream, bytes(5)))


def _text(text: str) -> bytes:
    assert len(text) < 127, "a longer one needs more than one byte of length"
    return bytes((len(text),)) + text.encode()


class Connection:
    """Frames to and from a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, *frames: Frame | bytes) -> None:
        self._writer.write(b"".join(bytes(frame) for frame in frames))

    async def next(self) -> Frame:
        async with asyncio.timeout(PATIENCE_S):
            head = await self._reader.readexactly(9)
            payload = await self._reader.readexactly(int.from_bytes(head[:3]))
        return Frame(head[3], head[4], int.from_bytes(head[5:]), payload)

    async def until(self, kind: int) -> Frame:
        while (frame := await self.next()).kind != kind:
            pass
        return frame

    async def is_cut(self) -> bool:
        """Reads until the server ends the connection, by a reset or otherwise."""
        try:
            while True:
                await self.next()
        except (asyncio.IncompleteReadError, ConnectionError):
            return True


@asynccontextmanager
async def connected(address: str, *, source: str = "127.0.0.1") -> AsyncIterator[Connection]:
    """A connection from a loopback address, with the HTTP/2 preface sent.

    Raises: ConnectionError: it was refused.
    """
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname = False
    tls.verify_mode = ssl.CERT_NONE
    tls.set_alpn_protocols(["h2"])
    port = int(address.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, local_addr=(source, 0))
    try:
        connection = Connection(reader, writer)
        connection.send(PREFACE, Frame(SETTINGS, 0, 0, b""))
        yield connection
    finally:
        writer.transport.abort()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()
