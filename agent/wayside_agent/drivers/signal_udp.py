"""What a signal controller broadcasts of its phases over UDP, as TSCBM (NTCIP 1202).

**Tested with:** loopback sockets and the recorded datagrams of a controller.
**Source:** `core.tscbm` (NTCIP 1202 with the SPaT object of the V2I hub).
"""

import asyncio
import ipaddress
import socket
from typing import Annotated, Self

import msgspec

from wayside.errors import InvalidArgumentError
from wayside_agent.core.signal_plan import SignalError, SignalPlan
from wayside_agent.core.tscbm import MAX_BYTES, parsed
from wayside_agent.ports.errors import DeviceFaultError

_READS_PER_TURN = 32


class UdpSignal:
    """One controller. Satisfies `ports.signal.SignalFeed`; another language over UDP is a class below it."""

    max_bytes = MAX_BYTES
    """Of a datagram; longer ones are none."""

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Where its datagrams come."""

        bind_host: Annotated[str, msgspec.Meta(min_length=1, description="Address to receive on.")] = "0.0.0.0"  # noqa: S104  # the controller is another computer
        bind_port: Annotated[int, msgspec.Meta(ge=0, le=65_535, description="UDP port to receive on.")] = 6053
        controller: Annotated[
            str, msgspec.Meta(description="Address of the controller; datagrams of others are not looked into.")
        ]

    def __init__(self, options: Options) -> None:
        """Raises InvalidArgumentError: the controller's address is none."""
        self._options = options
        try:
            self._controller = str(ipaddress.ip_address(options.controller))
        except ValueError as error:
            raise InvalidArgumentError(f"option controller: {error}; give an IP address") from error
        self._socket: socket.socket | None = None
        self.malformed_count = 0
        self.foreign_count = 0

    async def __aenter__(self) -> Self:
        """Binds the socket.

        Raises: DeviceFaultError: the address is another's, or the port is taken.
        """
        options = self._options
        family = socket.AF_INET6 if ":" in options.bind_host else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_DGRAM)
        bound.setblocking(False)
        try:
            bound.bind((options.bind_host, options.bind_port))
        except OSError as error:
            bound.close()
            raise DeviceFaultError(
                f"the signal controller cannot be heard on {options.bind_host} port {options.bind_port}: "
                f"{error.strerror}; is another program on it?"
            ) from error
        self._socket = bound
        return self

    async def __aexit__(self, *_: object) -> None:
        """Closes the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    @property
    def local_port(self) -> int:
        """The UDP port in use.

        Raises: DeviceFaultError: the driver is not open.
        """
        return int(self._opened().getsockname()[1])

    async def read(self) -> SignalPlan:
        """The controller's next word. Foreign and malformed datagrams are counted and passed over.

        Raises: DeviceFaultError: the socket is broken, or the driver is not open.
        """
        loop, opened = asyncio.get_running_loop(), self._opened()
        while True:
            for _ in range(_READS_PER_TURN):
                try:
                    datagram, sender = await loop.sock_recvfrom(opened, self.max_bytes + 1)
                except OSError as error:
                    raise DeviceFaultError(
                        f"the socket of the signal controller is broken: {error.strerror}"
                    ) from error
                if sender[0] != self._controller:
                    self.foreign_count += 1
                    continue
                try:
                    plan = self.parsed(datagram)
                except SignalError:
                    self.malformed_count += 1
                    continue
                if plan is not None:
                    return plan
            await asyncio.sleep(0)  # a flood of others' datagrams leaves time for everybody

    def parsed(self, datagram: bytes) -> SignalPlan | None:  # languages below need no state either
        """What a datagram says; `None`: nothing of phases.

        Raises: SignalError.
        """
        return parsed(datagram)

    def _opened(self) -> socket.socket:
        if self._socket is None:
            raise DeviceFaultError("the signal controller is not open; open the driver first")
        return self._socket
