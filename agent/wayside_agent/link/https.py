"""Artifacts from HTTPS servers: an object store, a CDN, a static server.

Nothing of the unit is shown, no key and no name; who may fetch, the signature in the URL says. Proxies are not used.
The bytes flow through a buffer of one chunk: while nobody asks for more, TCP holds the server back.

**Tested with:** nginx 1.22, OpenSSL 3.0.
**Source:** RFC 9110, RFC 9112; asyncio's buffered protocols, which cost half of its streams (docs/performance.md).
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import cast

from wayside.errors import InvalidArgumentError, UnavailableError, WaysideError
from wayside_agent.core.download import Order, is_drip
from wayside_agent.core.http_answer import (
    MAX_HEAD_BYTES,
    MAX_REDIRECTS,
    Head,
    Url,
    answered,
    body_bytes,
    parsed,
    redirected,
    request,
)
from wayside_agent.core.sources import shown

CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server may take."""

    connect_s: float = 30.0
    """With the handshake of TLS."""
    answer_s: float = 30.0
    silence_s: float = 30.0
    """Between two bytes."""
    window_s: float = 60.0
    """Of waiting for bytes, after which it must have kept to the least rate."""


class HttpsPlace:
    """Satisfies `ports.updates.ArtifactPlace` for `https://`."""

    def __init__(self, ca_file: str = "", patience: Patience | None = None) -> None:
        """Stores values; `ca_file`: authorities to trust, PEM; empty: those of the system."""
        self._ca_file = ca_file
        self._patience = patience or Patience()

    async def fetch(self, address: str, order: Order, *, offset_bytes: int) -> AsyncIterator[bytes]:
        """See ArtifactPlace."""
        with _translated(address):
            url = parsed(address)
            for _ in range(MAX_REDIRECTS + 1):
                async with self._connected(url) as inflow:
                    head = await self._asked(inflow, url, offset_bytes)
                    if head.location:
                        url = redirected(url, head)
                        continue
                    left_bytes = body_bytes(head, offset_bytes=offset_bytes, size_bytes=order.size_bytes)
                    async for chunk in self._body(inflow, left_bytes):
                        yield chunk
                    return
            raise InvalidArgumentError(f"it redirects more than {MAX_REDIRECTS} times")

    @asynccontextmanager
    async def _connected(self, url: Url) -> AsyncGenerator["Inflow", None]:
        connect = asyncio.get_running_loop().create_connection
        async with asyncio.timeout(self._patience.connect_s):
            tls = await asyncio.to_thread(self._tls)
            transport, inflow = await connect(Inflow, url.host, url.port, ssl=tls)
        try:
            yield inflow
        finally:
            transport.abort()  # nothing is said any more, and a hostile server need not agree to the end

    def _tls(self) -> ssl.SSLContext:
        """Made for each connection, for the system's authorities take a megabyte that is not needed between two."""
        try:
            tls = ssl.create_default_context(cafile=self._ca_file or None)
        except OSError as error:
            raise InvalidArgumentError(
                f"update.https_ca_file: {self._ca_file} cannot be used ({error}); give certificates in PEM"
            ) from error
        tls.minimum_version = ssl.TLSVersion.TLSv1_2
        return tls

    async def _asked(self, inflow: "Inflow", url: Url, offset_bytes: int) -> Head:
        inflow.send(request(url, offset_bytes))
        async with asyncio.timeout(self._patience.answer_s):
            return answered(await inflow.head())

    async def _body(self, inflow: "Inflow", left_bytes: int) -> AsyncIterator[bytes]:
        waited_s, gained_bytes = 0.0, 0
        clock: Callable[[], float] = asyncio.get_running_loop().time
        while left_bytes > 0:
            begin_s = clock()
            async with asyncio.timeout(self._patience.silence_s):
                chunk = await inflow.taken(left_bytes)
            if not chunk:
                raise UnavailableError(f"it broke off, {left_bytes} bytes before the end")
            left_bytes -= len(chunk)
            waited_s, gained_bytes = waited_s + clock() - begin_s, gained_bytes + len(chunk)
            yield chunk
            if waited_s >= self._patience.window_s:
                if is_drip(gained_bytes, waited_s):
                    raise UnavailableError(f"it is too slow: {gained_bytes} bytes in {waited_s:.0f} s")
                waited_s, gained_bytes = 0.0, 0


class Inflow(asyncio.BufferedProtocol):
    """What a server sends, in a buffer of one chunk that is written into by TLS itself."""

    def __init__(self) -> None:
        self._buffer = memoryview(bytearray(CHUNK_BYTES))
        self._filled_bytes = 0
        self._is_over = False
        self._error: Exception | None = None
        self._arrived = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps what it is sent over."""
        self._transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  # a view, for TLS writes behind what it has written
        """Room for what comes."""
        return self._buffer[self._filled_bytes :]

    def buffer_updated(self, nbytes: int) -> None:
        """Something came."""
        self._filled_bytes += nbytes
        if self._filled_bytes == CHUNK_BYTES:
            self._transport.pause_reading()
        self._arrived.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end, orderly or not: how much was due, others know."""
        self._is_over, self._error = True, exc
        self._arrived.set()

    def send(self, content: bytes) -> None:
        """Sends a question."""
        self._transport.write(content)

    async def head(self) -> bytes:
        """Everything up to and with the first empty line; what follows it is kept.

        Raises: InvalidArgumentError: there is none in 16 KiB. OSError: the connection broke.
        """
        while (end := bytes(self._buffer[: min(self._filled_bytes, MAX_HEAD_BYTES)]).find(b"\r\n\r\n")) < 0:
            if self._filled_bytes >= MAX_HEAD_BYTES:
                raise InvalidArgumentError(f"its answer begins with more than {MAX_HEAD_BYTES} bytes of fields")
            if not await self._more():
                raise UnavailableError("it broke off before it answered")
        return self._cut(end + 4)

    async def taken(self, most_bytes: int) -> bytes:
        """What is there, at least a byte; empty: nothing more comes.

        Raises: OSError: the connection broke.
        """
        if not self._filled_bytes:
            await self._more()
        return self._cut(min(self._filled_bytes, most_bytes))

    def _cut(self, size_bytes: int) -> bytes:
        content, left_bytes = bytes(self._buffer[:size_bytes]), self._filled_bytes - size_bytes
        self._buffer[:left_bytes] = self._buffer[size_bytes : self._filled_bytes]
        self._filled_bytes = left_bytes
        if not self._is_over and left_bytes < CHUNK_BYTES:
            self._transport.resume_reading()
        return content

    async def _more(self) -> bool:
        """Waits for more; False: it is over."""
        if not self._is_over:
            self._arrived.clear()
            await self._arrived.wait()
        if self._is_over and self._error is not None:
            raise self._error
        return not self._is_over


@contextmanager
def _translated(address: str) -> Iterator[None]:
    """Every failure as one of ours, with the server's name in it and nothing else of the URL."""
    said = partial("{}: {}".format, shown(address))
    try:
        yield
    except WaysideError as error:
        raise type(error)(said(error), reason=error.reason) from error
    except ssl.SSLCertVerificationError as error:
        sentence = f"its certificate is not trusted ({error.verify_message}); see [update] https_ca_file"
        raise InvalidArgumentError(said(sentence)) from error
    except TimeoutError as error:
        raise UnavailableError(said("it does not answer in time")) from error
    except OSError as error:
        raise UnavailableError(said(error.strerror or "the connection broke")) from error
