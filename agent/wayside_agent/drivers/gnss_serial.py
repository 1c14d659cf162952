"""Satellite receiver that sends NMEA 0183 over a serial line.

**Tested with:** a pseudo-terminal that plays public logs of SiRF, u-blox ZED-F9P, Quectel L76K and Trimble receivers.
**Source:** NMEA 0183 version 4.11; pyserial 3.5 for line settings; the descriptor is read by the event loop.
"""

import asyncio
import errno
from contextlib import AsyncExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Self

import msgspec

from wayside_agent.core.fix import Fix, GnssCounters
from wayside_agent.core.nmea import NmeaDecoder
from wayside_agent.drivers.fix_stream import FixStream
from wayside_agent.ports.errors import DeviceAbsentError, DeviceFaultError

if TYPE_CHECKING:
    import serial

_ABSENT = {errno.ENOENT, errno.ENODEV, errno.ENXIO}


class NmeaSerial:
    """A receiver on a serial line."""

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Which line, and how fast."""

        path: Annotated[str, msgspec.Meta(min_length=1, description="Device, best under /dev/serial/by-id.")]
        baudrate: Annotated[int, msgspec.Meta(ge=300, le=4_000_000, description="Line speed [bit/s].")] = 115_200
        timeout_s: Annotated[
            float, msgspec.Meta(gt=0, le=3600, description="Silence after which the receiver counts as dead [s].")
        ] = 5.0

    def __init__(self, options: Options) -> None:
        self._options = options
        self._decoder = NmeaDecoder()
        self._stream: FixStream | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Opens the line.

        Raises: DeviceAbsentError: no such device. DeviceFaultError: it is in use, forbidden, or no serial line.
        """
        self._decoder = NmeaDecoder()
        port = await asyncio.to_thread(self._opened)
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), port)
        self._stack.callback(transport.close)
        name = f"the GNSS receiver at {self._options.path}"
        self._stream = FixStream(reader, self._decoder, name=name, timeout_s=self._options.timeout_s)
        return self

    def _opened(self) -> "serial.Serial":
        # Imported here: an agent without a serial receiver does not pay for it.
        import serial

        path = self._options.path
        try:
            return serial.Serial(path, self._options.baudrate, timeout=0, exclusive=True)
        except serial.SerialException as exc:
            if exc.errno in _ABSENT:
                raise DeviceAbsentError(f"there is no device {path}; check the receiver's cable and the path") from exc
            raise DeviceFaultError(f"the serial line {path} cannot be used: {exc}; is another program on it?") from exc
        except (OSError, ValueError) as exc:
            raise DeviceFaultError(f"the serial line {path} refuses {self._options.baudrate} bit/s: {exc}") from exc

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the line."""
        self._stream = None
        await self._stack.aclose()

    async def read(self) -> Fix:
        """The next epoch.

        Raises: DeviceTimeoutError: silence. DeviceAbsentError: the device is gone. DeviceFaultError: no epoch in what
            it sends, or the driver is not open.
        """
        if self._stream is None:
            raise DeviceFaultError(f"the serial line {self._options.path} is not open; open the driver first")
        return await self._stream.read()

    def counters(self) -> GnssCounters:
        """Counts since opening, in sentences."""
        return self._decoder.counters()
