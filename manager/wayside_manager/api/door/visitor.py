"""One connection at the door: its first bytes are looked at, then it is carried to the gRPC server.

The server hears of a visitor only once a whole TLS record of a handshake is there. One that says nothing, or speaks
something else, costs the server nothing.
Usage: `visitor = Visitor(hall, client, address)`; `visitor.enter()`; `visitor.leave(is_orderly=False)`.
"""

import asyncio
import errno
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from wayside_manager.api.door.deafness import hear_everybody
from wayside_manager.api.door.relay import READ_BYTES, Relay, reset_on_close
from wayside_manager.core.attempts import Attempts

_RECORD_HEADER_BYTES = 5
_RECORD_MAX_BYTES = 1 << 14  # RFC 8446, 5.1
_HANDSHAKE, _MAJOR_VERSION = 0x16, 0x03
_TURN_S = 0.02  # between two looks at whether it is its turn
_UNDER_WAY = frozenset({0, errno.EINPROGRESS})


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the door waits."""

    hello_s: float = 10.0
    """From a connection to the whole first record of its handshake, and on to the server [s]."""
    stall_s: float = 30.0
    """For a side to take something of what waits for it [s]."""
    half_closed_s: float = 30.0
    """For the rest, once one side has ended [s]."""
    idle_s: float = 300.0
    """For any byte either way [s]; streams have keep-alive pings at 120 s and less."""
    look_round_s: float = 1.0
    """Between two looks at who is overdue [s]."""


class Hall(Protocol):
    """What visitors share."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop."""

    @property
    def server_address(self) -> tuple[str, int]:
        """Where the gRPC server listens, on loopback."""

    @property
    def buffer(self) -> memoryview:
        """Where bytes pass through."""

    @property
    def attempts(self) -> Attempts:
        """What is remembered of where visitors come from."""

    def burdened(self, count: int) -> None:
        """A visitor who has not logged in sent so much [byte]."""

    def entered(self, visitor: "Visitor") -> None:
        """The visitor has a port towards the server."""

    def left(self, visitor: "Visitor") -> None:
        """The visitor is gone."""


class Visitor:
    """One connection of one client."""

    def __init__(self, hall: Hall, client: socket.socket, address: str) -> None:
        self.address = address
        self.source = hall.attempts.source(address)
        self.port = 0
        """The port on loopback from which the server sees this visitor; 0 before it does."""
        self.is_proven = False
        """A call on this connection had a good credential."""
        self.unproven_bytes = 0
        """What it sent before that [byte]."""
        self.pressed_count = 0
        self._hall = hall
        self._loop = hall.loop
        self._client = client
        self._server: socket.socket | None = None
        self._relay: Relay | None = None
        self._hello = bytearray()
        self._began_s = self._loop.time()
        self._turn: asyncio.TimerHandle | None = None
        self._is_gone = False

    def enter(self) -> None:
        """Begins to listen to the client."""
        reset_on_close(self._client, is_on=False)
        hear_everybody(self._client)
        self._client.setblocking(False)
        self._client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop.add_reader(self._client, self._hear)

    def now(self) -> int:
        """What the client may send now [byte]: before it has logged in, little."""
        return READ_BYTES if self.is_proven else self._hall.attempts.may_send(self.source, self._loop.time())

    def use(self, count: int) -> None:
        """The client has sent so much [byte]."""
        if not self.is_proven:
            self.unproven_bytes += count
            self._hall.burdened(count)
            self._hall.attempts.sent(self.source, count, self._loop.time())

    def is_overdue(self, now_s: float, patience: Patience) -> bool:
        """Whether the door has waited long enough."""
        relay = self._relay
        if relay is None:
            return now_s - self._began_s > patience.hello_s
        quiet_s = now_s - relay.moved_s
        return (
            relay.stalled_s(now_s) > patience.stall_s
            or quiet_s > patience.idle_s
            or (relay.is_half_closed and quiet_s > patience.half_closed_s)
        )

    def leave(self, *, is_orderly: bool) -> None:
        """Ends the connection, once. Orderly: after what the server has said; else by a reset."""
        if self._is_gone:
            return
        self._is_gone = True
        if self._relay is not None:
            self._relay.close(is_orderly=is_orderly)
        else:
            self._close_both()
        self._hall.left(self)

    def _close_both(self) -> None:
        if self._turn is not None:
            self._turn.cancel()
        self._loop.remove_reader(self._client)
        reset_on_close(self._client)
        self._client.close()
        if self._server is not None:
            self._loop.remove_writer(self._server)
            self._server.close()

    def _hear(self) -> None:
        try:
            heard = self._client.recv(_RECORD_HEADER_BYTES + _RECORD_MAX_BYTES - len(self._hello))
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            heard = b""
        self._hello += heard
        if not heard or not may_be_hello(self._hello):
            self.leave(is_orderly=False)
        elif is_whole(self._hello):
            self._loop.remove_reader(self._client)
            self._take_turn()

    def _take_turn(self) -> None:
        if self._hall.attempts.may_shake_hands(self.source, self._loop.time()):
            self._turn = None
            self._attempt(self._connect)
        else:
            self._turn = self._loop.call_later(_TURN_S, self._take_turn)

    def _connect(self) -> None:
        server = self._server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        server.setblocking(False)
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server.bind((self._hall.server_address[0], 0))
        self.port = int(server.getsockname()[1])
        result = server.connect_ex(self._hall.server_address)
        if result not in _UNDER_WAY:
            raise OSError(result, "the gRPC server cannot be reached")
        self._hall.entered(self)
        self._loop.add_writer(server, self._attempt, self._connected)

    def _connected(self) -> None:
        server = self._server
        if server is None:
            raise OSError(errno.ENOTCONN, "there is no server")
        self._loop.remove_writer(server)
        result = server.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if result:
            raise OSError(result, "the gRPC server cannot be reached")
        self._relay = Relay(self._loop, self._client, server, allowance=self, on_over=self._over)
        self._relay.start(self._hall.buffer, bytes(self._hello))
        self._hello.clear()

    def _attempt(self, step: Callable[[], None]) -> None:
        try:
            step()
        except OSError:  # out of ports or descriptors, or the server is stopping: this visitor tries again later
            self.leave(is_orderly=False)

    def _over(self) -> None:
        self.leave(is_orderly=False)


def may_be_hello(data: bytes | bytearray) -> bool:
    """Whether the bytes begin like a TLS record with a handshake inside; every byte is a stranger's."""
    if len(data) < _RECORD_HEADER_BYTES:
        return bytes((_HANDSHAKE, _MAJOR_VERSION)).startswith(bytes(data[:2]))
    return data[0] == _HANDSHAKE and data[1] == _MAJOR_VERSION and 0 < _record_bytes(data) <= _RECORD_MAX_BYTES


def is_whole(data: bytes | bytearray) -> bool:
    """Whether the first record is complete."""
    return len(data) >= _RECORD_HEADER_BYTES and len(data) >= _RECORD_HEADER_BYTES + _record_bytes(data)


def _record_bytes(data: bytes | bytearray) -> int:
    return int.from_bytes(data[3:5])
