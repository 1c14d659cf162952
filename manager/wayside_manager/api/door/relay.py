"""Carries bytes both ways between two sockets, untouched, as fast as the slower side takes them.

No task and no queue: what the other side does not take at once waits here, at most one read of it, and meanwhile
nothing more is read. Callbacks of the event loop do the work, so the relay must be used from its thread.
Usage: `relay = Relay(loop, client, server, ...)`; `relay.start(buffer, first)`; `relay.close(is_orderly=True)`.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Protocol

READ_BYTES = 256 * 1024
_PAUSE_S = 0.02  # of a source that has sent enough for now
_FINISH_READS = 16  # what may still come out of a socket when the relay ends: 4 MiB
_RESET = struct.pack("ii", 1, 0)
_NO_RESET = struct.pack("ii", 0, 0)


class Allowance(Protocol):
    """How much may come from a source."""

    def now(self) -> int:
        """What may come now [byte]."""

    def use(self, count: int) -> None:
        """So much has come [byte]."""


class Unlimited:
    """As much as there is."""

    def now(self) -> int:
        """See `Allowance`."""
        return READ_BYTES

    def use(self, count: int) -> None:
        """See `Allowance`."""


class Flow:
    """Bytes one way. Both sockets must not block."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        source: socket.socket,
        sink: socket.socket,
        *,
        allowance: Allowance,
        on_ended: Callable[[], None],
        on_broken: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._source = source
        self._sink = sink
        self._allowance = allowance
        self._on_ended = on_ended
        self._on_broken = on_broken
        self._pause: asyncio.TimerHandle | None = None
        self._buffer = memoryview(bytearray(0))
        self._waiting = b""
        self.moved_s = loop.time()
        """When bytes last went through [s, of the loop]."""
        self.is_ended = False
        """The source has said that nothing more comes, and the sink was told."""

    @property
    def is_waiting(self) -> bool:
        """Whether the sink does not take what there is."""
        return bool(self._waiting)

    def start(self, buffer: memoryview, first: bytes = b"") -> None:
        """Begins; `buffer` may be shared by all flows of the loop, for nothing stays in it."""
        self._buffer = buffer
        self._loop.add_reader(self._source, self.read)
        if first:
            self._send(memoryview(first))

    def read(self) -> bool:
        """Reads once and sends it on; whether there was anything to read."""
        allowed = min(self._allowance.now(), READ_BYTES)
        if allowed <= 0:
            self._loop.remove_reader(self._source)
            self._pause = self._loop.call_later(_PAUSE_S, self._loop.add_reader, self._source, self.read)
            return False
        try:
            count = self._source.recv_into(self._buffer, allowed)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            self._on_broken()
            return False
        self.moved_s = self._loop.time()
        if count:
            self._allowance.use(count)
            self._send(self._buffer[:count])
        else:
            self._end()
        return bool(count)

    def stop(self) -> None:
        """Touches neither socket any more."""
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._source)
        self._loop.remove_writer(self._sink)

    def _send(self, data: memoryview) -> None:
        try:
            sent_count = self._sink.send(data)
        except (BlockingIOError, InterruptedError):
            sent_count = 0
        except OSError:
            self._on_broken()
            return
        if sent_count < len(data):
            self._waiting = bytes(data[sent_count:])
            self._loop.remove_reader(self._source)
            self._loop.add_writer(self._sink, self._send_waiting)

    def _send_waiting(self) -> None:
        try:
            sent_count = self._sink.send(self._waiting)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._on_broken()
            return
        self.moved_s = self._loop.time()
        self._waiting = self._waiting[sent_count:]
        if not self._waiting:
            self._loop.remove_writer(self._sink)
            self._loop.add_reader(self._source, self.read)

    def _end(self) -> None:
        self.is_ended = True
        self._loop.remove_reader(self._source)
        try:
            self._sink.shutdown(socket.SHUT_WR)
        except OSError:
            self._on_broken()
        else:
            self._on_ended()


class Relay:
    """A client and the server it is carried to."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        client: socket.socket,
        server: socket.socket,
        *,
        allowance: Allowance,
        on_over: Callable[[], None],
    ) -> None:
        self.up = Flow(loop, client, server, allowance=allowance, on_ended=self._on_ended, on_broken=on_over)
        self.down = Flow(loop, server, client, allowance=Unlimited(), on_ended=self._on_ended, on_broken=on_over)
        self._client = client
        self._server = server
        self._on_over = on_over
        self._is_closed = False

    @property
    def moved_s(self) -> float:
        """When bytes last went through, either way [s, of the loop]."""
        return max(self.up.moved_s, self.down.moved_s)

    @property
    def is_half_closed(self) -> bool:
        """Whether one side has said that nothing more comes."""
        return self.up.is_ended or self.down.is_ended

    def stalled_s(self, now_s: float) -> float:
        """For how long a side has taken nothing of what waits for it [s]; 0 if nothing waits."""
        return max((now_s - flow.moved_s for flow in (self.up, self.down) if flow.is_waiting), default=0.0)

    def start(self, buffer: memoryview, first: bytes) -> None:
        """Begins with what the client has already sent."""
        self.down.start(buffer)
        self.up.start(buffer, first)

    def close(self, *, is_orderly: bool) -> None:
        """Ends it, once. Orderly: the client first gets what the server has said; else it gets a reset."""
        if self._is_closed:
            return
        self._is_closed = True
        if is_orderly:
            for _ in range(_FINISH_READS):
                if self.down.is_waiting or self.down.is_ended or not self.down.read():
                    break
        self.up.stop()
        self.down.stop()
        if not is_orderly:
            reset_on_close(self._client)
        reset_on_close(self._server)  # gRPC then knows at once, and the port is free again
        self._client.close()
        self._server.close()

    def _on_ended(self) -> None:
        if self.up.is_ended and self.down.is_ended:
            self._on_over()


def reset_on_close(connection: socket.socket, *, is_on: bool = True) -> None:
    """Lets a close be a reset, which leaves nothing behind in the kernel, or an orderly end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET if is_on else _NO_RESET)
