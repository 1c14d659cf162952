"""The door in front of the operator port: lets connections in, bounds them per address, and knows where each came from.

TLS passes through untouched to the gRPC server on a loopback port. Who keeps failing to log in is reset at the first
packet, before a handshake costs anything; what proved itself is kept. Everything runs in the event loop, in callbacks.
Usage: `door = Door()`; `port = await door.listen("0.0.0.0", 7444)`; `door.open(server_port)`; `door.close()`.
"""

import asyncio
import errno
import logging
import socket
from collections.abc import Callable, Iterable

from wayside_manager.api.door.deafness import ignore
from wayside_manager.api.door.listening import listening
from wayside_manager.api.door.relay import READ_BYTES
from wayside_manager.api.door.visitor import Patience, Visitor
from wayside_manager.core.attempts import UNCOUNTED, UNHEARD_S, Attempts, Knocks, Limits

logger = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
VISITORS_MAX = 1_000
UNPROVEN_BYTES_MAX = 1 << 20  # of all inside; of hostile headers gRPC keeps 250 times as much: tried
_PEER_PREFIX = f"ipv4:{LOOPBACK}:"
_ACCEPTS_PER_TURN = 16  # 0.3 ms; then everybody else has a turn
_PRESSED_MAX = 5  # times a connection may ask too much
_REST_S = 1.0
_OUT_OF_SOMETHING = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Door:
    """Listens in the server's place. Used from the thread of the event loop only."""

    def __init__(
        self,
        limits: Limits | None = None,
        patience: Patience | None = None,
        *,
        visitors_max: int = VISITORS_MAX,
        unproven_bytes_max: int = UNPROVEN_BYTES_MAX,
    ) -> None:
        self._patience = patience or Patience()
        self._visitors_max = visitors_max
        self._unproven_bytes_max = unproven_bytes_max
        self._unproven_bytes = 0
        self.attempts = Attempts(limits or Limits())
        self._knocks = Knocks()
        self._listeners: list[socket.socket] = []
        self._visitors: dict[Visitor, None] = {}  # in the order they came
        self._by_port: dict[int, Visitor] = {}
        self._by_source: dict[str, set[Visitor]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self.server_address = (LOOPBACK, 0)
        self.buffer = memoryview(bytearray(READ_BYTES))
        self.refused_count = 0  # connections reset at the door since it opened

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop."""
        return asyncio.get_running_loop()

    async def listen(self, address: str, port: int) -> int:
        """Takes the port, so that nobody else can; the actual one. Nobody is let in yet.

        Raises: OSError: it is taken, or the address is not ours.
        """
        found = await self.loop.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        try:
            for family, _, _, _, sockaddr in dict.fromkeys(found):
                taken = listening(family, str(sockaddr[0]), port)
                self._listeners.append(taken)
                port = port or int(taken.getsockname()[1])
        except OSError:
            self.close()
            raise
        return port

    def open(self, server_port: int) -> None:
        """Lets visitors in, and on to the server on loopback."""
        self.server_address = (LOOPBACK, server_port)
        for listener in self._listeners:
            self.loop.add_reader(listener, self._accept, listener)
        self._later(self._patience.look_round_s, self._look_round)

    def shut(self) -> None:
        """Lets nobody in any more; who is inside stays."""
        for listener in self._listeners:
            self.loop.remove_reader(listener)
            listener.close()
        self._listeners.clear()

    def close(self) -> None:
        """Ends everything; visitors still get what the server has already said."""
        self.shut()
        for timer in self._timers.values():
            timer.cancel()
        for visitor in tuple(self._visitors):
            visitor.leave(is_orderly=True)

    def origin(self, peer: str) -> str:
        """The address of the client whom gRPC calls `peer`; empty for one who did not come through the door."""
        visitor = self._visitor(peer)
        return "" if visitor is None else visitor.address

    def failed(self, peer: str) -> None:
        """A call of this peer had a bad credential. Its address may be refused for a while because of it.

        From then on its connections without a good credential are cut, and one that fails even so.
        """
        visitor, now_s = self._visitor(peer), self.loop.time()
        if visitor is None:
            return
        refused_s = self.attempts.failed(visitor.source, now_s)
        if refused_s:
            logger.warning(
                "%s keeps failing to log in; new connections from there are refused for %.0f s",
                visitor.address,
                refused_s,
                extra={"address": visitor.address, "refused_s": refused_s, "refused_count": self.refused_count},
            )
            self._cut(other for other in self._by_source[visitor.source] if not other.is_proven)
        if self.attempts.refused_s(visitor.source, now_s):
            self._cut([visitor])

    def pressed(self, peer: str) -> None:
        """A call of this peer was too much. Who has not logged in and goes on so counts as one who fails."""
        visitor = self._visitor(peer)
        if visitor is not None and not visitor.is_proven:
            visitor.pressed_count += 1
            if visitor.pressed_count > _PRESSED_MAX:
                self.failed(peer)

    def proven(self, peer: str) -> None:
        """A call of this peer had a good credential: its connection outlasts a refusal of its address."""
        visitor = self._visitor(peer)
        if visitor is not None and not visitor.is_proven:
            visitor.is_proven = True
            self._unproven_bytes -= visitor.unproven_bytes
            self.attempts.proven(visitor.source, self.loop.time())

    def entered(self, visitor: Visitor) -> None:
        """Notes the port from which the server sees the visitor."""
        self._by_port[visitor.port] = visitor

    def burdened(self, count: int) -> None:
        """Counts what a visitor sent before a login [byte]; when all is too much, the one who sent most leaves."""
        self._unproven_bytes += count
        if self._unproven_bytes > self._unproven_bytes_max:
            self.loop.call_soon(self._relieve)  # not now: it may be the one who is just being read

    def left(self, visitor: Visitor) -> None:
        """Forgets the visitor."""
        self._unproven_bytes -= 0 if visitor.is_proven else visitor.unproven_bytes
        del self._visitors[visitor]
        if self._by_port.get(visitor.port) is visitor:
            del self._by_port[visitor.port]
        of_source = self._by_source[visitor.source]
        of_source.discard(visitor)
        if not of_source:
            del self._by_source[visitor.source]

    def _visitor(self, peer: str) -> Visitor | None:
        port = peer.removeprefix(_PEER_PREFIX)
        return self._by_port.get(int(port)) if port != peer and port.isdecimal() else None

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(_ACCEPTS_PER_TURN):
            try:
                client, address = listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as exc:
                if exc.errno in _OUT_OF_SOMETHING:
                    self._rest(listener, exc)
                    return
                continue  # that client has left again
            self._receive(client, str(address[0]))

    def _receive(self, client: socket.socket, address: str) -> None:
        source = self.attempts.source(address)
        if not self._is_welcome(source):
            self.refused_count += 1
            client.close()  # a reset, see listening
            if source != UNCOUNTED and self._knocks.knocked(source, self.loop.time()):
                logger.warning("%s knocks on though refused; it is not heard for %.0f s", address, UNHEARD_S)
                self._ignore()
            return
        if len(self._visitors) >= self._visitors_max:
            self._make_room()
        visitor = Visitor(self, client, address)
        self._visitors[visitor] = None
        self._by_source.setdefault(visitor.source, set()).add(visitor)
        try:
            visitor.enter()
        except OSError:
            visitor.leave(is_orderly=False)

    def _is_welcome(self, source: str) -> bool:
        now_s = self.loop.time()
        if self.attempts.refused_s(source, now_s):
            return False
        inside = self._by_source.get(source, ())
        unproven_count = sum(not visitor.is_proven for visitor in inside)
        return (
            self.attempts.may_connect(source, now_s, open_count=len(inside), unproven_count=unproven_count)
            and self._has_room()
        )

    def _has_room(self) -> bool:
        return len(self._visitors) < self._visitors_max or any(not visitor.is_proven for visitor in self._visitors)

    def _make_room(self) -> None:
        """The one who has been inside longest without a credential makes room for the next."""
        self._cut([next(visitor for visitor in self._visitors if not visitor.is_proven)])

    def _relieve(self) -> None:
        if self._unproven_bytes > self._unproven_bytes_max:
            unproven = (visitor for visitor in self._visitors if not visitor.is_proven)
            self._cut([max(unproven, key=lambda visitor: visitor.unproven_bytes)])

    def _cut(self, visitors: Iterable[Visitor]) -> None:
        for visitor in tuple(visitors):
            visitor.leave(is_orderly=False)

    def _ignore(self) -> None:
        for listener in self._listeners:
            try:
                ignore(listener, self._knocks.unheard)
            except OSError as exc:
                logger.debug("this kernel drops no packets for us, connections are reset instead: %s", exc)

    def _rest(self, listener: socket.socket, reason: OSError) -> None:
        logger.error("the operator port accepts nobody for %.0f s: %s", _REST_S, reason.strerror)
        self.loop.remove_reader(listener)
        self._later(_REST_S, self._resume)

    def _resume(self) -> None:
        for listener in self._listeners:
            self.loop.add_reader(listener, self._accept, listener)

    def _later(self, delay_s: float, step: Callable[[], None]) -> None:
        self._timers[step.__name__] = self.loop.call_later(delay_s, step)

    def _look_round(self) -> None:
        now_s = self.loop.time()
        self._cut(visitor for visitor in self._visitors if visitor.is_overdue(now_s, self._patience))
        if self._knocks.forgiven(now_s):
            self._ignore()
        self._later(self._patience.look_round_s, self._look_round)
