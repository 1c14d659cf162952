"""Fixes out of a byte stream: what the serial, TCP and gpsd drivers share."""

import asyncio
from collections import deque
from typing import Protocol

from wayside_agent.core.fix import Fix, GnssCounters
from wayside_agent.ports.errors import DeviceAbsentError, DeviceFaultError, DeviceTimeoutError

_CHUNK_SIZE_BYTES = 4096
_WAITING_MAX = 16  # live values: a reader that lags loses the oldest


class Decoder(Protocol):
    """Bytes in, epochs out; never raises."""

    def feed(self, data: bytes) -> list[Fix]:
        """The epochs that `data` completes."""

    def counters(self) -> GnssCounters:
        """Counts since the start."""


class FixStream:
    """Reads fixes from a stream until it is silent, ends, or says nothing that is a fix."""

    def __init__(self, reader: asyncio.StreamReader, decoder: Decoder, *, name: str, timeout_s: float) -> None:
        self._reader = reader
        self._decoder = decoder
        self._name = name
        self._timeout_s = timeout_s
        self._waiting: deque[Fix] = deque(maxlen=_WAITING_MAX)

    async def read(self) -> Fix:
        """The next epoch.

        Raises:
            DeviceTimeoutError: nothing came for `timeout_s`.
            DeviceFaultError: bytes came for `timeout_s`, and no epoch was in them.
            DeviceAbsentError: the stream ended.
        """
        has_heard = False
        try:
            async with asyncio.timeout(self._timeout_s):
                while not self._waiting:
                    data = await self._reader.read(_CHUNK_SIZE_BYTES)
                    if not data:
                        raise DeviceAbsentError(f"{self._name} has closed the line; check its cable and power")
                    has_heard = True
                    self._waiting.extend(self._decoder.feed(data))
        except TimeoutError as exc:
            raise self._silence(has_heard=has_heard) from exc
        except OSError as exc:
            raise DeviceAbsentError(f"{self._name} is gone: {exc}; check its cable and power") from exc
        return self._waiting.popleft()

    def _silence(self, *, has_heard: bool) -> DeviceFaultError | DeviceTimeoutError:
        if has_heard:
            return DeviceFaultError(
                f"{self._name} sends bytes and no epoch in {self._timeout_s:g} s; check speed and output sentences"
            )
        return DeviceTimeoutError(f"{self._name} has been silent for {self._timeout_s:g} s; check receiver and wiring")


async def connected(
    host: str, port: int, *, name: str, timeout_s: float
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A TCP connection.

    Raises: DeviceAbsentError: nobody there. DeviceTimeoutError: no answer in `timeout_s`.
    """
    try:
        async with asyncio.timeout(timeout_s):
            return await asyncio.open_connection(host, port)
    except TimeoutError as exc:
        raise DeviceTimeoutError(f"{name} does not answer within {timeout_s:g} s; check address and network") from exc
    except OSError as exc:
        raise DeviceAbsentError(f"{name} cannot be reached: {exc}; check address, port and network") from exc


def hang_up(writer: asyncio.StreamWriter) -> None:
    """Ends a connection at once. Holding the writer until then matters: asyncio closes it when it is collected."""
    writer.transport.abort()
