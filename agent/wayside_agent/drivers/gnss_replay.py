"""Recording of a satellite receiver: a file of NMEA sentences, as gpsd's logs and most receivers' tools write it.

Lines that start with `#` are comments. Epochs come at the pace of the receiver's own time.

**Tested with:** the NMEA logs of gpsd's test suite.
**Source:** NMEA 0183 version 4.11.
"""

import asyncio
from collections import deque
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Annotated, BinaryIO, Self

import msgspec

from wayside_agent.core.fix import Fix, GnssCounters
from wayside_agent.core.nmea import NmeaDecoder
from wayside_agent.core.pace import TimeBase
from wayside_agent.ports.errors import DeviceAbsentError, DeviceFaultError, SourceEndedError

_LINES_PER_READ = 256
_LINE_SIZE_MAX_BYTES = 4096


class NmeaReplay:
    """A recorded receiver."""

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Which recording, and how fast."""

        path: Annotated[str, msgspec.Meta(min_length=1, description="File of NMEA sentences.")]
        speed: Annotated[
            float, msgspec.Meta(ge=0, le=10_000, description="1: as recorded, N: N times faster, 0: without a pause.")
        ] = 1.0
        loop: Annotated[bool, msgspec.Meta(description="Start again at the end.")] = False
        time_base: Annotated[
            TimeBase, msgspec.Meta(description="now: epochs show the time of delivery; recorded: as in the file.")
        ] = TimeBase.NOW
        period_s: Annotated[
            float, msgspec.Meta(gt=0, le=3600, description="Time between epochs that have none of their own [s].")
        ] = 1.0
        gap_max_s: Annotated[
            float, msgspec.Meta(gt=0, le=86_400, description="Longer gaps of a recording are cut to this [s].")
        ] = 5.0

    def __init__(self, options: Options) -> None:
        self._options = options
        self._decoder = NmeaDecoder()
        self._file: BinaryIO | None = None
        self._waiting: deque[Fix] = deque()
        self._last_utc_time: datetime | None = None
        self._due_mono_s: float | None = None
        self._fix_count = 0
        self._begins_anew = False

    async def __aenter__(self) -> Self:
        """Opens the file.

        Raises: DeviceAbsentError: there is no such file, or it cannot be read.
        """
        self._decoder = NmeaDecoder()
        self._due_mono_s = None
        path = self._options.path
        try:
            self._file = await asyncio.to_thread(Path(path).open, "rb")
        except OSError as exc:
            raise DeviceAbsentError(f"the recording {path} cannot be opened: {exc.strerror}; check the path") from exc
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    async def read(self) -> Fix:
        """The next epoch, when it is due.

        Raises: SourceEndedError: the recording is over. DeviceFaultError: it holds no epoch, or cannot be read further.
        """
        while not self._waiting:
            await self._read_on()
        fix = self._waiting.popleft()
        await self._pause(fix)
        begins_anew, self._begins_anew = self._begins_anew, False
        if self._options.time_base is TimeBase.NOW:
            utc_time = None if fix.utc_time is None else datetime.now(UTC)
            return replace(fix, utc_time=utc_time, begins_anew=begins_anew)
        return replace(fix, begins_anew=begins_anew, is_recorded=True)

    def counters(self) -> GnssCounters:
        """Counts since opening, in sentences."""
        return self._decoder.counters()

    async def _read_on(self) -> None:
        """Decodes the next lines; at the end starts again or raises."""
        if self._file is None:
            raise DeviceFaultError(f"the recording {self._options.path} is not open; open the driver first")
        try:
            lines = await asyncio.to_thread(_next_lines, self._file)
        except OSError as exc:
            raise DeviceFaultError(f"the recording {self._options.path} cannot be read: {exc.strerror}") from exc
        fixes = self._decoder.feed(b"".join(line for line in lines if not line.startswith(b"#")))
        self._waiting.extend(fixes if lines else self._decoder.flush())
        self._fix_count += len(self._waiting)
        if not lines and not self._waiting:
            self._end()

    def _end(self) -> None:
        """At the end of the file: back to its start, or the end of the source."""
        path = self._options.path
        if not self._fix_count:
            raise DeviceFaultError(f"the recording {path} holds no epoch of a satellite receiver; is it an NMEA file?")
        if not self._options.loop or self._file is None:
            raise SourceEndedError(f"the recording {path} is over")
        self._file.seek(0)
        self._begins_anew = True

    async def _pause(self, fix: Fix) -> None:
        """Waits until an epoch is due: the receiver's own step, or the period where there is none."""
        loop, options = asyncio.get_running_loop(), self._options
        step_s = options.period_s
        if fix.utc_time is not None and self._last_utc_time is not None:
            own_s = (fix.utc_time - self._last_utc_time).total_seconds()
            step_s = min(own_s, options.gap_max_s) if own_s >= 0 else options.period_s
            self._begins_anew = self._begins_anew or not 0 <= own_s <= options.gap_max_s
        self._last_utc_time = fix.utc_time or self._last_utc_time
        if self._due_mono_s is None:
            self._due_mono_s = loop.time()
            return
        if options.speed == 0:
            await asyncio.sleep(0)
            return
        # Behind by more than the longest gap (the unit slept): go on from now.
        self._due_mono_s = max(self._due_mono_s + step_s / options.speed, loop.time() - options.gap_max_s)
        await asyncio.sleep(max(0.0, self._due_mono_s - loop.time()))


def _next_lines(file: BinaryIO) -> list[bytes]:
    """Up to 256 lines, empty at the end; a line without an end is cut into pieces."""
    lines = (file.readline(_LINE_SIZE_MAX_BYTES) for _ in range(_LINES_PER_READ))
    return [line for line in lines if line]
