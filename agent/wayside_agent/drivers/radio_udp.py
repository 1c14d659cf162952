"""V2X radio that hands messages over as UDP datagrams, bare or in a configurable frame.

The kernel's receive buffer is the queue: when nobody reads in time it drops the newest, and says how many. A message's
time is the kernel's. While messages come in thick, they are fetched together every few milliseconds: waking up for each
would cost more than all that is done with it.

**Tested with:** loopback sockets; the layouts `raw` and `dsmp`, and made-up vendor frames.
**Source:** `core.frame_layout`; SO_RXQ_OVFL and SO_TIMESTAMPNS of socket(7).
"""

import asyncio
import ipaddress
import socket
import time
from collections import deque
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Annotated, Self

import msgspec

from wayside.v2x.peek import message_kind
from wayside_agent.core.application_id import LayoutError
from wayside_agent.core.frame_layout import LAYOUTS, Field, Layout
from wayside_agent.core.v2x import RadioCounters, ReceivedMessage, SentMessages, Station
from wayside_agent.drivers.radio_station import StationOptions
from wayside_agent.drivers.recvmmsg import SO_RXQ_OVFL, SO_TIMESTAMPNS, NetworkReceiver
from wayside_agent.ports.errors import DeviceAbsentError, DeviceFaultError

_MESSAGES_PER_TURN = 64
"""Fetched with one call; after them everybody else gets a turn."""
_SLOTS_MAX_BYTES = 256 * 1024
"""Memory for them; fewer are fetched where datagrams may be long."""
_GATHER_S = 0.010
"""A message waits no longer for those behind it; at 3,000 a second 30 come together."""
_BUFFER_BYTES = 1024 * 1024
"""Of the kernel, if it lets us: half a second of 3,000 messages."""


class UdpRadio:
    """A radio behind UDP."""

    class Options(StationOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Addresses and framing."""

        bind_host: Annotated[str, msgspec.Meta(min_length=1, description="Own address to receive on.")] = "127.0.0.1"
        bind_port: Annotated[int, msgspec.Meta(ge=0, le=65535, description="Own UDP port; 0: any free one.")] = 0
        radio_host: Annotated[str, msgspec.Meta(description="Address of the radio; empty: nothing is sent.")] = ""
        radio_port: Annotated[int, msgspec.Meta(ge=0, le=65535, description="UDP port of the radio.")] = 0
        source_addresses: Annotated[
            tuple[str, ...],
            msgspec.Meta(description="Networks that may send to us, as in 192.168.7.0/24; all others are refused."),
        ] = ("127.0.0.0/8", "::1/128")
        layout: Annotated[
            str | tuple[Field, ...], msgspec.Meta(description="'raw', 'dsmp', or the fields of a frame in their order.")
        ] = "raw"
        size_max_bytes: Annotated[int, msgspec.Meta(ge=16, le=65_507, description="Largest datagram [byte].")] = 2048
        uses_frame_time: Annotated[
            bool, msgspec.Meta(description="Take the frame's time as time of reception, where the layout has one.")
        ] = False

        def __post_init__(self) -> None:
            """Raises ValueError if layout or networks make no sense."""
            _layout(self.layout)
            _networks(self.source_addresses)

    def __init__(self, options: Options) -> None:
        self._options = options
        self._layout = _layout(options.layout)
        self._is_bare = self._layout.is_bare
        self._socket: socket.socket | None = None
        self._networks = _networks(options.source_addresses)
        self._allowed: dict[bytes, bool] = {}
        """By packed address."""
        slots = min(_MESSAGES_PER_TURN, max(1, _SLOTS_MAX_BYTES // options.size_max_bytes))
        self._receiver = NetworkReceiver(options.size_max_bytes, slot_count=slots)
        self._waiting: deque[ReceivedMessage] = deque()
        self._fetched_count = 0
        """Datagrams of the last call."""
        self._malformed_count = self._foreign_count = self._dropped_count = 0
        self._sent = SentMessages()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Binds the socket.

        Raises: DeviceAbsentError: the address is unknown. DeviceFaultError: it is another's, or the port is taken.
        """
        self._allowed = {}
        self._waiting.clear()
        self._fetched_count = 0
        self._sent = SentMessages()
        self._malformed_count = self._foreign_count = self._dropped_count = 0
        self._socket = self._stack.enter_context(await self._bound())
        return self

    async def _bound(self) -> socket.socket:
        host, port = self._options.bind_host, self._options.bind_port
        loop = asyncio.get_running_loop()
        try:
            (family, kind, protocol, _, address), *_ = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        except OSError as exc:
            raise DeviceAbsentError(f"the address {host} to receive V2X messages on is unknown: {exc}") from exc
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            sock.bind(address)
            sock.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
            sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        except OSError as exc:
            sock.close()
            raise DeviceFaultError(
                f"V2X messages cannot be received on {host} port {port}: {exc.strerror}; is another program on it?"
            ) from exc
        return sock

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the socket."""
        self._socket = None
        await self._stack.aclose()

    @property
    def local_port(self) -> int:
        """The UDP port in use.

        Raises: DeviceFaultError: the driver is not open.
        """
        return int(self._opened().getsockname()[1])

    def _opened(self) -> socket.socket:
        if self._socket is None:
            raise DeviceFaultError("the UDP radio is not open; open the driver first")
        return self._socket

    async def read(self) -> ReceivedMessage:
        """The next message heard. Foreign and malformed datagrams are counted and passed over.

        Raises: DeviceFaultError: the socket is broken, or the driver is not open.
        """
        sock = self._opened()
        while not self._waiting:
            await self._more(sock)
            try:
                self._fetch(sock)
            except OSError as exc:
                raise DeviceFaultError(f"the UDP socket of the radio is broken: {exc.strerror}") from exc
        return self._waiting.popleft()

    async def _more(self, sock: socket.socket) -> None:
        """Waits until there may be more: not at all after a full turn, a moment after some, else until there is."""
        if self._fetched_count == self._receiver.slot_count:
            await asyncio.sleep(0)  # a flood leaves time for everybody
        elif self._fetched_count > 1:
            await asyncio.sleep(_GATHER_S)
        else:
            await _readable(sock)

    def _fetch(self, sock: socket.socket) -> None:
        """Takes what is there.

        Raises: OSError: the socket is broken.
        """
        self._fetched_count = 0
        fetched = self._receiver.datagrams(sock.fileno())
        if fetched is None:
            return
        self._fetched_count = len(fetched.datagrams)
        if fetched.drop_count is not None:
            self._dropped_count = fetched.drop_count
        for datagram, time_ns, sender in fetched.datagrams:
            self._take(datagram, time_ns or time.time_ns(), sender)

    def _take(self, datagram: bytes | None, time_ns: int, sender: bytes) -> None:
        if not self._is_allowed(sender):
            self._foreign_count += 1
            return
        message = None if datagram is None else self._message(datagram, time_ns)
        if message is None:
            self._malformed_count += 1
        else:
            self._waiting.append(message)

    def _is_allowed(self, sender: bytes) -> bool:
        known = self._allowed.get(sender)
        if known is None:
            address = ipaddress.ip_address(sender) if sender else None
            known = address is not None and any(address in network for network in self._networks)
            if len(self._allowed) < 1024:  # noqa: PLR2004  # forged senders must not fill the memory
                self._allowed[sender] = known
        return known

    def _message(self, datagram: bytes, time_ns: int) -> ReceivedMessage | None:
        if self._is_bare:  # thousands of times a second
            kind = message_kind(datagram)
            return None if kind is None else ReceivedMessage(datagram, kind, time_ns)
        try:
            frame = self._layout.parsed(datagram)
        except LayoutError:
            return None
        kind = message_kind(frame.payload)
        if kind is None:
            return None
        if self._options.uses_frame_time:
            time_ns = frame.time_ns or time_ns
        return ReceivedMessage(frame.payload, kind, time_ns, frame.application_id, frame.verdict)

    async def send(self, payload: bytes, *, application_id: int) -> None:
        """Sends one UPER MessageFrame under an AID.

        Raises: DeviceFaultError: no radio address in the options, the message does not fit, or the network refuses it.
        """
        try:
            datagram = self._layout.built(payload, application_id=application_id, time_ns=time.time_ns())
        except LayoutError as exc:
            raise DeviceFaultError(f"the message does not fit the radio's frame layout: {exc}") from exc
        if len(datagram) > self._options.size_max_bytes:
            raise DeviceFaultError(
                f"the message makes a datagram of {len(datagram)} byte, more than {self._options.size_max_bytes}"
            )
        await self.hand_over(datagram)
        self._sent.add(payload, application_id)

    async def hand_over(self, datagram: bytes) -> None:
        """Sends a datagram to the radio as it is; it is not counted.

        Raises: DeviceFaultError: no radio address in the options, or the network refuses it.
        """
        sock, options = self._opened(), self._options
        if not options.radio_host or not options.radio_port:
            raise DeviceFaultError("the UDP radio has no address to send to; set radio_host and radio_port")
        try:
            await asyncio.get_running_loop().sock_sendto(sock, datagram, (options.radio_host, options.radio_port))
        except OSError as exc:
            raise DeviceFaultError(
                f"the radio at {options.radio_host} cannot be sent to: {exc.strerror or exc}; check address and network"
            ) from exc

    def station(self) -> Station:
        """What the modem is set to, as the options say."""
        return self._options.station()

    def counters(self) -> RadioCounters:
        """Counts since opening."""
        return self._sent.on_top_of(RadioCounters(self._malformed_count, self._foreign_count, self._dropped_count))


def _layout(option: str | tuple[Field, ...]) -> Layout:
    """The layout an option means.

    Raises: LayoutError: there is none of that name, or the fields make no sense.
    """
    if not isinstance(option, str):
        return Layout(fields=option)
    if option not in LAYOUTS:
        known = ", ".join(sorted(LAYOUTS))
        raise LayoutError(f"there is no frame layout {option!r}; use one of {known}, or list the fields")
    return LAYOUTS[option]


def _networks(texts: tuple[str, ...]) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """The networks an option names.

    Raises: ValueError: one is no network.
    """
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)


async def _readable(sock: socket.socket) -> None:
    """Waits until a datagram is there."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(sock, _note, ready)
    try:
        await ready
    finally:
        loop.remove_reader(sock)


def _note(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
