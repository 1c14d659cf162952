"""Recording of V2X messages: a capture (pcap), our lines of JSON, lines of hex, the file of a Chinese roadside unit.

**Tested with:** the public file of SPAT, BSM and RSM packets; recordings of `sim_radio`; captures with DSMP.
**Source:** `core.v2x_files`.
"""

import asyncio
import time
from pathlib import Path
from types import TracebackType
from typing import Annotated, Self

import msgspec
from msgspec.structs import replace

from wayside_agent.core.pace import TimeBase
from wayside_agent.core.radio_recording import RecordError
from wayside_agent.core.stamps import NANOSECONDS_PER_SECOND
from wayside_agent.core.v2x import RadioCounters, ReceivedMessage, SentMessages, Station
from wayside_agent.core.v2x_files import FileFormat, recorded
from wayside_agent.drivers.radio_station import StationOptions
from wayside_agent.ports.errors import DeviceAbsentError, DeviceFaultError, SourceEndedError

_SIZE_MAX_BYTES = 64 * 1024 * 1024
_PERIOD_S = 0.1
"""Between messages of a file that has no times."""


class RadioReplay:
    """A recorded radio. What is sent through it is counted and goes nowhere."""

    class Options(StationOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Which recording, and how fast."""

        path: Annotated[str, msgspec.Meta(min_length=1, description="File of recorded messages.")]
        period_s: (
            Annotated[
                float,
                msgspec.Meta(
                    ge=0,
                    le=3600,
                    description="Time between messages [s], 0: no pause; absent: as recorded, or 0.1 without times.",
                ),
            ]
            | None
        ) = None
        speed: Annotated[
            float, msgspec.Meta(ge=0, le=10_000, description="1: as recorded, N: N times faster, 0: without a pause.")
        ] = 1.0
        loop: Annotated[bool, msgspec.Meta(description="Start again at the end.")] = False
        time_base: Annotated[
            TimeBase, msgspec.Meta(description="now: messages show the time of delivery; recorded: as in the file.")
        ] = TimeBase.NOW
        gap_max_s: Annotated[
            float, msgspec.Meta(gt=0, le=86_400, description="Longer gaps of a recording are cut to this [s].")
        ] = 1.0

    def __init__(self, options: Options) -> None:
        self._options = options
        self._messages: tuple[ReceivedMessage, ...] = ()
        self._next = 0
        self._due_mono_s = 0.0
        self._malformed_count = 0
        self._sent = SentMessages()

    async def __aenter__(self) -> Self:
        """Reads the file.

        Raises: DeviceAbsentError: there is no such file, or it cannot be read. DeviceFaultError: it holds no message.
        """
        path = self._options.path
        try:
            found = await asyncio.to_thread(_read, Path(path))
        except OSError as exc:
            raise DeviceAbsentError(f"the recording {path} cannot be opened: {exc.strerror}; check the path") from exc
        self._messages = tuple(each for each in found if isinstance(each, ReceivedMessage))
        self._malformed_count = len(found) - len(self._messages)
        if not self._messages:
            raise DeviceFaultError(f"the recording {path} holds no V2X message; is it of a known format?")
        self._next = 0
        self._sent = SentMessages()
        self._due_mono_s = asyncio.get_running_loop().time()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Forgets the messages."""
        self._messages = ()

    async def read(self) -> ReceivedMessage:
        """The next message, when it is due.

        Raises: SourceEndedError: the recording is over. DeviceFaultError: the driver is not open.
        """
        if not self._messages:
            raise DeviceFaultError(f"the recording {self._options.path} is not open; open the driver first")
        if self._next >= len(self._messages) and not self._options.loop:
            raise SourceEndedError(f"the recording {self._options.path} is over")
        clock = asyncio.get_running_loop().time
        if self._next:
            self._due_mono_s = max(self._due_mono_s + self._step_s(), clock() - self._options.gap_max_s)
        await asyncio.sleep(max(0.0, self._due_mono_s - clock()))
        message = self._messages[self._next % len(self._messages)]
        self._next += 1
        return message if self._options.time_base is TimeBase.RECORDED else replace(message, time_ns=time.time_ns())

    def _step_s(self) -> float:
        """Pause before the next message; where the file goes back in time, the longest gap."""
        options = self._options
        if options.speed == 0:
            return 0.0
        if options.period_s is not None:
            return options.period_s / options.speed
        earlier, later = (self._messages[index % len(self._messages)] for index in (self._next - 1, self._next))
        if not later.time_ns:  # bare hex has no times
            return _PERIOD_S / options.speed
        step_s = (later.time_ns - earlier.time_ns) / NANOSECONDS_PER_SECOND
        return (min(step_s, options.gap_max_s) if step_s >= 0 else options.gap_max_s) / options.speed

    async def send(self, payload: bytes, *, application_id: int) -> None:
        """Counts a message; it goes nowhere."""
        self._sent.add(payload, application_id)

    def station(self) -> Station:
        """What the modem is set to, as the options say."""
        return self._options.station()

    def counters(self) -> RadioCounters:
        """Counts since opening."""
        return self._sent.on_top_of(RadioCounters(malformed_count=self._malformed_count))


def _read(path: Path) -> list[ReceivedMessage | RecordError]:
    """Every record of a file, up to 64 MiB of it.

    Raises: OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return list(recorded(file.read(_SIZE_MAX_BYTES), FileFormat.AUTO))
