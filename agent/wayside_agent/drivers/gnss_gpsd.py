"""Satellite receiver behind gpsd, over its JSON protocol.

**Tested with:** gpsd 3.22 (Debian 12), fed a public log over TCP.
**Source:** gpsd_json(5), protocol 3.x.
"""

import asyncio
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Annotated, Self

import msgspec

from wayside_agent.core.fix import Fix, GnssCounters
from wayside_agent.core.gpsd_json import PROTOCOL_MAJOR, GpsdDecoder
from wayside_agent.drivers.fix_stream import FixStream, connected, hang_up
from wayside_agent.ports.errors import DeviceAbsentError, DeviceFaultError, DeviceTimeoutError


class Gpsd:
    """A receiver behind gpsd."""

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Where gpsd listens, and which of its devices."""

        host: Annotated[str, msgspec.Meta(min_length=1, description="Name or address of gpsd.")] = "127.0.0.1"
        port: Annotated[int, msgspec.Meta(ge=1, le=65535, description="TCP port.")] = 2947
        device: Annotated[str, msgspec.Meta(max_length=256, description="One of gpsd's devices; empty: all.")] = ""
        connect_timeout_s: Annotated[float, msgspec.Meta(gt=0, le=300, description="Time to connect [s].")] = 5.0
        timeout_s: Annotated[
            float, msgspec.Meta(gt=0, le=3600, description="Silence after which the receiver counts as dead [s].")
        ] = 5.0

    def __init__(self, options: Options) -> None:
        self._options = options
        self._decoder = GpsdDecoder()
        self._stream: FixStream | None = None
        self._stack = AsyncExitStack()
        self._name = f"gpsd at {options.host}:{options.port}"

    async def __aenter__(self) -> Self:
        """Connects, checks the protocol and asks for reports.

        Raises: DeviceAbsentError: nobody there. DeviceTimeoutError: no answer. DeviceFaultError: it is no gpsd, or of
            another protocol.
        """
        self._decoder = GpsdDecoder()
        options = self._options
        async with AsyncExitStack() as stack:
            reader, writer = await connected(
                options.host, options.port, name=self._name, timeout_s=options.connect_timeout_s
            )
            stack.callback(hang_up, writer)
            await self._greet(reader)
            writer.write(self._watch())
            await writer.drain()
            self._stack = stack.pop_all()
        self._stream = FixStream(reader, self._decoder, name=self._name, timeout_s=options.timeout_s)
        return self

    async def _greet(self, reader: asyncio.StreamReader) -> None:
        """Reads VERSION, the first line gpsd says."""
        try:
            async with asyncio.timeout(self._options.connect_timeout_s):
                line = await reader.readline()
        except TimeoutError as exc:
            raise DeviceTimeoutError(f"{self._name} does not say its version; is it gpsd?") from exc
        except OSError as exc:
            raise DeviceAbsentError(f"{self._name} closed the connection: {exc}") from exc
        except ValueError as exc:  # a line beyond the reader's limit
            raise DeviceFaultError(f"{self._name} does not speak gpsd's protocol; check host and port") from exc
        self._decoder.feed(line)
        major = self._decoder.protocol_major
        if major is None:
            raise DeviceFaultError(f"{self._name} does not speak gpsd's protocol; check host and port")
        if major != PROTOCOL_MAJOR:
            raise DeviceFaultError(
                f"{self._name} speaks protocol {major} and this driver {PROTOCOL_MAJOR}; use gpsd 3.x"
            )

    def _watch(self) -> bytes:
        watch: dict[str, object] = {"enable": True, "json": True}
        if self._options.device:
            watch["device"] = self._options.device
        return b"?WATCH=" + msgspec.json.encode(watch) + b";\n"

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the connection."""
        self._stream = None
        await self._stack.aclose()

    async def read(self) -> Fix:
        """The next epoch.

        Raises: DeviceTimeoutError: gpsd has no epoch. DeviceAbsentError: gpsd is gone. DeviceFaultError: gpsd
            complains, or the driver is not open.
        """
        if self._stream is None:
            raise DeviceFaultError(f"{self._name} is not connected; open the driver first")
        try:
            return await self._stream.read()
        except (DeviceTimeoutError, DeviceFaultError) as exc:
            if self._decoder.error:
                raise DeviceFaultError(f"{self._name} says: {self._decoder.error}") from exc
            raise DeviceTimeoutError(
                f"{self._name} has had no epoch for {self._options.timeout_s:g} s; check its receiver with gpsmon"
            ) from exc

    def counters(self) -> GnssCounters:
        """Counts since opening, in reports."""
        return self._decoder.counters()
