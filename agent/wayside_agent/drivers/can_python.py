"""CAN hardware that python-can knows: PCAN, Kvaser, Vector, IXXAT, slcan and others.

A thread waits for frames and hands them over in batches; python-can's own asyncio classes cost 20 us a frame and their
queue has no bound. On Linux prefer `socketcan`, where the kernel has a driver for the adapter: it is ten times cheaper.

Tested with: python-can 4.6, interface `virtual`.
Source: python-can documentation, Bus API (`can.Bus`, `BusABC.recv`).
"""

import asyncio
import contextlib
import threading
import time
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any, Self, cast

import msgspec

from wayside_agent.core.can_log import LoggedFrame, batched
from wayside_agent.core.frames import ERROR_FLAG, BusCounters, FrameBatch
from wayside_agent.drivers.can_message import logged, python_can
from wayside_agent.ports.errors import DeviceAbsentError, DeviceFaultError

if TYPE_CHECKING:
    import can

_POLL_S = 0.1  # how long a closing driver waits for its thread at most
_CLOSE_S = 2.0


class PythonCan:
    """One bus of a python-can back end. A full queue drops its oldest frames and counts them."""

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Settings of the driver `python-can`."""

        interface: Annotated[str, msgspec.Meta(description="Back end of python-can, for example pcan", min_length=1)]
        channel: Annotated[str, msgspec.Meta(description="Channel as the back end names it, for example PCAN_USBBUS1")]
        bitrate: Annotated[
            Annotated[int, msgspec.Meta(ge=1000)] | None,
            msgspec.Meta(description="Bit rate [bit/s]; absent: as the adapter is set"),
        ] = None
        extra: Annotated[
            dict[str, str | int | bool], msgspec.Meta(description="Further options of the back end, by their names")
        ] = {}
        max_queued_frames: Annotated[
            int, msgspec.Meta(description="Frames kept while the agent is busy; older ones are dropped",
                              ge=64, le=1_000_000)
        ] = 16_384  # fmt: skip

    def __init__(self, options: Options) -> None:
        self._options = options
        self._bus: can.BusABC | None = None
        self._queue: deque[LoggedFrame] = deque()
        self._guard = threading.Lock()  # between the thread and the loop; nothing is awaited inside
        self._stopping = threading.Event()
        self._arrived = asyncio.Event()
        self._thread: threading.Thread | None = None
        self._fault: Exception | None = None
        self._frame_count = 0
        self._error_frame_count = 0
        self._drop_count = 0

    async def __aenter__(self) -> Self:
        """Opens the bus and starts its thread.

        Raises: DeviceAbsentError: python-can does not know the back end, or it finds no such channel.
        """
        self._stopping.clear()
        self._fault = None
        self._frame_count = self._error_frame_count = self._drop_count = 0
        self._bus = await asyncio.to_thread(self._opened)
        loop = asyncio.get_running_loop()
        self._thread = threading.Thread(
            target=self._receive, args=(self._bus, loop), name=f"can-{self._options.channel}", daemon=True
        )
        self._thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops the thread and closes the bus."""
        self._stopping.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, _CLOSE_S)
        if self._bus is not None:
            with contextlib.suppress(python_can().CanError, OSError):
                await asyncio.to_thread(self._bus.shutdown)
            self._bus = None

    async def read(self) -> FrameBatch:
        """Every frame that came since the last call, at least one.

        Raises: DeviceFaultError: the back end failed.
        """
        while True:
            self._arrived.clear()
            with self._guard:
                frames, self._queue = list(self._queue), deque()
            if frames:
                return batched(frames, [frame.time_ns or 0 for frame in frames])
            if self._fault is not None:
                raise DeviceFaultError(
                    f"CAN bus {self._named}: the back end failed ({self._fault}); check adapter and cable"
                ) from self._fault
            await self._arrived.wait()

    def counters(self) -> BusCounters:
        """Counts since opening; drops are those of our own queue, python-can tells nothing of the kernel's."""
        return BusCounters(self._frame_count, self._error_frame_count, self._drop_count)

    @property
    def _named(self) -> str:
        return f"{self._options.interface}:{self._options.channel}"

    def _opened(self) -> "can.BusABC":
        extra: dict[str, Any] = dict(self._options.extra)
        if self._options.bitrate is not None:
            extra["bitrate"] = self._options.bitrate
        try:
            opened = python_can().Bus(
                channel=self._options.channel,
                interface=self._options.interface,
                ignore_config=True,  # configuration files of python-can would be a second set of settings
                **extra,
            )
            return cast("can.BusABC", opened)
        # back ends raise what their vendors' libraries raise, also plain ones: no narrower list is complete
        except Exception as error:
            raise DeviceAbsentError(
                f"CAN bus {self._named}: cannot be opened ({error}); check the name, the adapter and its driver"
            ) from error

    def _receive(self, bus: "can.BusABC", loop: asyncio.AbstractEventLoop) -> None:
        try:
            while not self._stopping.is_set():
                message = bus.recv(_POLL_S)
                while message is not None:
                    self._take(message, loop)
                    message = bus.recv(0)
        except Exception as error:  # noqa: BLE001 - see _opened; read() raises it as ours
            self._fault = error
            self._wake(loop)

    def _take(self, message: "can.Message", loop: asyncio.AbstractEventLoop) -> None:
        frame = logged(message)
        stamped = frame if frame is not None and frame.time_ns else None
        if frame is None:
            return
        with self._guard:
            was_empty = not self._queue
            self._queue.append(stamped or frame._replace(time_ns=time.time_ns()))
            if len(self._queue) > self._options.max_queued_frames:
                self._queue.popleft()
                self._drop_count += 1
            if frame.can_id & ERROR_FLAG:
                self._error_frame_count += 1
            else:
                self._frame_count += 1
        if was_empty:
            self._wake(loop)

    def _wake(self, loop: asyncio.AbstractEventLoop) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(self._arrived.set)
