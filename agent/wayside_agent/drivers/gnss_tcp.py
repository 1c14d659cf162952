"""Satellite receiver that sends NMEA 0183 over TCP: a network receiver, a V2X box or a serial server.

**Tested with:** a loopback server that plays public logs in pieces of any size.
**Source:** NMEA 0183 version 4.11.
"""

from contextlib import AsyncExitStack
from types import TracebackType
from typing import Annotated, Self

import msgspec

from wayside_agent.core.fix import Fix, GnssCounters
from wayside_agent.core.nmea import NmeaDecoder
from wayside_agent.drivers.fix_stream import FixStream, connected, hang_up
from wayside_agent.ports.errors import DeviceFaultError


class NmeaTcp:
    """A receiver behind a TCP port."""

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Where it listens."""

        host: Annotated[str, msgspec.Meta(min_length=1, description="Name or address of the receiver.")]
        port: Annotated[int, msgspec.Meta(ge=1, le=65535, description="TCP port.")]
        connect_timeout_s: Annotated[float, msgspec.Meta(gt=0, le=300, description="Time to connect [s].")] = 5.0
        timeout_s: Annotated[
            float, msgspec.Meta(gt=0, le=3600, description="Silence after which the receiver counts as dead [s].")
        ] = 5.0

    def __init__(self, options: Options) -> None:
        self._options = options
        self._decoder = NmeaDecoder()
        self._stream: FixStream | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Connects.

        Raises: DeviceAbsentError: nobody there. DeviceTimeoutError: no answer.
        """
        self._decoder = NmeaDecoder()
        options = self._options
        name = f"the GNSS receiver at {options.host}:{options.port}"
        reader, writer = await connected(options.host, options.port, name=name, timeout_s=options.connect_timeout_s)
        self._stack.callback(hang_up, writer)
        self._stream = FixStream(reader, self._decoder, name=name, timeout_s=options.timeout_s)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the connection."""
        self._stream = None
        await self._stack.aclose()

    async def read(self) -> Fix:
        """The next epoch.

        Raises: DeviceTimeoutError: silence. DeviceAbsentError: the connection ended. DeviceFaultError: no epoch in
            what it sends, or the driver is not open.
        """
        if self._stream is None:
            raise DeviceFaultError(f"the receiver at {self._options.host} is not connected; open the driver first")
        return await self._stream.read()

    def counters(self) -> GnssCounters:
        """Counts since opening, in sentences."""
        return self._decoder.counters()
