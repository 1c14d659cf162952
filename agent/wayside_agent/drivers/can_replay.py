"""Plays a recording of a CAN bus: candump, TRC, ASC, BLF or MF4.

The file is read in a thread, a piece at a time, so that a recording of hours needs no more memory than one of seconds.

Tested with: see drivers/can_recording.py; paced, N times faster, as fast as possible, looping.
Source: core/pace.py for the times.
"""

import asyncio
import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Annotated, Self

import msgspec

from wayside_agent.core.can_errors import after_batch
from wayside_agent.core.can_log import LoggedFrame, batched
from wayside_agent.core.frames import ERROR_FLAG, BusCounters, Controller, FrameBatch
from wayside_agent.core.pace import Pace, TimeBase
from wayside_agent.drivers.can_recording import Recording, opened_recording
from wayside_agent.ports.errors import DeviceFaultError, SourceEndedError

_PIECE_FRAMES = 1000  # read at once
_NAP_S = 0.005  # frames due within it come as one batch, as from a live bus
_MISSING_TIME_NS = 1_000_000  # between frames of a recording without times


class ReplayCan:
    """One recording, or one channel of it."""

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Settings of the driver `replay`."""

        path: Annotated[
            str, msgspec.Meta(description="Recording: .log .txt .candump .trc .asc .blf .mf4", min_length=1)
        ]
        speed: Annotated[
            float, msgspec.Meta(description="1: as recorded, N: N times faster, 0: as fast as possible", ge=0, le=1000)
        ] = 1.0
        loop: Annotated[bool, msgspec.Meta(description="Begin again at the end")] = False
        channel: Annotated[
            str | None, msgspec.Meta(description="Only frames of this channel, as the file names it; absent: all")
        ] = None
        time_base: Annotated[
            TimeBase, msgspec.Meta(description="Times of the frames: as if it happened now, or as recorded")
        ] = TimeBase.NOW

    def __init__(self, options: Options) -> None:
        self._options = options
        self._recording: Recording | None = None
        self._frames: Iterator[LoggedFrame] = iter(())
        self._guard = threading.Lock()  # closing waits for a piece that is being read; nothing is awaited inside
        self._piece: list[LoggedFrame] = []
        self._at = 0
        self._pace: Pace | None = None
        self._last_ns = 0
        self._damage: DeviceFaultError | None = None
        self._frame_count = 0
        self._error_frame_count = 0
        self._bad_count = 0
        self._controller = Controller()

    async def __aenter__(self) -> Self:
        """Opens the file and reads its first piece.

        Raises:
            DeviceAbsentError: no such file, or reading it needs a package that is not installed.
            DeviceFaultError: the file is no such recording.
        """
        self._pace, self._damage = None, None
        self._controller = Controller()
        self._frame_count = self._error_frame_count = self._bad_count = 0
        try:
            await asyncio.to_thread(self._begin)
        except BaseException:
            await asyncio.to_thread(self._close)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the file."""
        await asyncio.to_thread(self._close)

    async def read(self) -> FrameBatch:
        """The frames that are due, waiting for the first.

        Raises:
            SourceEndedError: the recording is over and does not loop.
            DeviceFaultError: the file is damaged from here on.
        """
        if self._at >= len(self._piece):
            await self._next_piece()
        clock = asyncio.get_running_loop().time
        first_ns = self._time_ns(self._piece[self._at])
        if self._pace is None:
            options = self._options
            self._pace = Pace(options.speed, first_ns, clock(), time.time_ns(), options.time_base)
        delay_s = self._pace.due_mono_s(first_ns) - clock()
        if self._options.speed > 0:
            await asyncio.sleep(max(0.0, delay_s) + _NAP_S)
        else:
            await asyncio.sleep(0)  # other tasks live too
        return self._due(self._pace, clock())

    def counters(self) -> BusCounters:
        """Counts since opening, and what recorded error frames told. A recording drops nothing."""
        return BusCounters(self._frame_count, self._error_frame_count, 0, self._controller)

    @property
    def bad_line_count(self) -> int:
        """Lines or frames of the file passed over because they make no sense."""
        return self._bad_count + (self._recording.bad_count if self._recording else 0)

    def _due(self, pace: Pace, now_mono_s: float) -> FrameBatch:
        end = len(self._piece)
        if pace.speed > 0:
            reached_ns = pace.reached_ns(now_mono_s)
            end = self._at + 1
            while end < len(self._piece) and self._time_ns(self._piece[end]) <= reached_ns:
                end += 1
        frames = self._piece[self._at : end]
        self._at = end
        errors = sum(1 for frame in frames if frame.can_id & ERROR_FLAG)
        self._error_frame_count += errors
        self._frame_count += len(frames) - errors
        now_ns = time.time_ns()
        batch = batched(frames, [pace.shown_ns(self._time_ns(frame), now_utc_ns=now_ns) for frame in frames])
        if errors:
            self._controller = after_batch(self._controller, batch)
        return batch

    async def _next_piece(self) -> None:
        self._piece = await asyncio.to_thread(self._read_piece)
        self._at = 0
        if self._piece:
            return
        if not self._options.loop:
            raise SourceEndedError(f"CAN recording {self._options.path}: is played to its end")
        await asyncio.to_thread(self._close)
        await asyncio.to_thread(self._begin)
        self._pace = None

    def _begin(self) -> None:
        self._recording = opened_recording(Path(self._options.path))
        self._frames = self._chosen(self._recording)
        self._piece = self._read_piece()
        self._at = 0
        if not self._piece:
            raise DeviceFaultError(
                f"CAN recording {self._options.path}: holds no frame of channel {self._options.channel!r}; name another"
            )

    def _chosen(self, recording: Recording) -> Iterator[LoggedFrame]:
        self._last_ns = 0
        for frame in recording.frames():
            if self._options.channel is None or frame.channel == self._options.channel:
                yield self._timed(frame)

    def _timed(self, frame: LoggedFrame) -> LoggedFrame:
        time_ns = self._last_ns + _MISSING_TIME_NS if frame.time_ns is None else frame.time_ns
        self._last_ns = time_ns
        return frame._replace(time_ns=time_ns)

    @staticmethod
    def _time_ns(frame: LoggedFrame) -> int:
        return frame.time_ns or 0

    def _read_piece(self) -> list[LoggedFrame]:
        """The next frames. What stands before damage is delivered; the damage is raised with the next piece."""
        with self._guard:
            if self._damage is not None:
                raise self._damage
            piece: list[LoggedFrame] = []
            try:
                piece.extend(itertools.islice(self._frames, _PIECE_FRAMES))
            except DeviceFaultError as error:
                if not piece:
                    raise
                self._damage = error
            return piece

    def _close(self) -> None:
        with self._guard:
            if self._recording is not None:
                self._bad_count += self._recording.bad_count
                self._recording.close()
                self._recording = None
            self._frames = iter(())
