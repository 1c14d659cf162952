"""Opens recordings of CAN buses, frame by frame, whatever their format. Blocking: for a thread.

Tested with: candump -l with comment headers, TRC 1.1, MF4 of CANedge loggers (public recordings); ASC, BLF and TRC 2.1
as python-can writes them.
Source: can-utils, python-can's readers, asammdf.
"""

import importlib
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol, cast

from wayside_agent.core.can_log import MAX_LINE_CHARS, LoggedFrame, LogLineError, logged_frame
from wayside_agent.drivers.can_message import logged, python_can, python_can_with_mf4
from wayside_agent.drivers.mf4_check import mf4_damage
from wayside_agent.ports.errors import DeviceAbsentError, DeviceFaultError

if TYPE_CHECKING:
    import can

_CANDUMP_SUFFIXES = frozenset({".log", ".txt", ".candump"})
_TRC_LOGGER = "can.io.trc"
_CHANNEL_OFFSETS = {".asc": 1, ".blf": 1}  # python-can counts these channels from 0, their files from 1


class Recording(Protocol):
    """A recording that is being read."""

    @property
    def bad_count(self) -> int:
        """Lines or frames passed over because they make no sense."""

    def frames(self) -> Iterator[LoggedFrame]:
        """Each frame, in the order of the file.

        Raises: DeviceFaultError: the file is damaged from here on.
        """

    def close(self) -> None:
        """Closes the file."""


def opened_recording(path: Path) -> Recording:
    """The recording in a file, by its name's ending.

    Raises:
        DeviceAbsentError: no such file, or reading it needs a package that is not installed.
        DeviceFaultError: the file is not what its name says.
    """
    suffix = path.suffix.lower()
    if suffix not in _CANDUMP_SUFFIXES and suffix not in {".trc", ".asc", ".blf", ".mf4"}:
        raise DeviceFaultError(
            f"CAN recording {path}: ends in none of .log .txt .candump .trc .asc .blf .mf4; rename it"
        )
    if not path.is_file():
        raise DeviceAbsentError(f"CAN recording {path}: is not there; name an existing file")
    try:
        return _Candump(path) if suffix in _CANDUMP_SUFFIXES else _Foreign(path, suffix)
    except OSError as error:
        raise DeviceAbsentError(f"CAN recording {path}: cannot be read ({error.strerror}); check its rights") from error


class _Candump:
    """Our own reader: python-can's fails on comment headers."""

    def __init__(self, path: Path) -> None:
        self.bad_count = 0
        self._path = path
        self._file = path.open(encoding="ascii", errors="replace")

    def frames(self) -> Iterator[LoggedFrame]:
        is_found = False
        while line := self._file.readline(MAX_LINE_CHARS + 1):
            try:
                frame = logged_frame(line)
            except LogLineError:
                self.bad_count += 1
                continue
            if frame is not None:
                is_found = True
                yield frame
        if not is_found:
            raise DeviceFaultError(f"CAN recording {self._path}: holds no line of candump; check the file")

    def close(self) -> None:
        self._file.close()


class _Foreign:
    """A format python-can reads."""

    def __init__(self, path: Path, suffix: str) -> None:
        self._impossible_count = 0
        self._path = path
        self._channel_offset = _CHANNEL_OFFSETS.get(suffix, 0)
        self._file: IO[str] | IO[bytes] | None = None
        self._complaints = _Complaints()
        try:
            self._reader = self._guarded_reader(suffix)
        except BaseException:
            self._close_file()
            raise
        logging.getLogger(_TRC_LOGGER).addFilter(self._complaints)

    def frames(self) -> Iterator[LoggedFrame]:
        is_found = False
        iterator = iter(self._reader)
        while True:
            self._complaints.thread_id = threading.get_ident()
            try:
                message = next(iterator, None)
            # the readers raise whatever a damaged byte makes their arithmetic raise: no narrower list is complete
            except Exception as error:
                raise self._fault(error) from error
            finally:
                self._complaints.thread_id = None
            if message is None:
                break
            frame = logged(message)
            if frame is None:
                self._impossible_count += 1
                continue
            is_found = True
            yield self._with_channel(frame)
        if not is_found:
            raise DeviceFaultError(f"CAN recording {self._path}: holds no CAN frame; check the file")

    @property
    def bad_count(self) -> int:
        return self._impossible_count + self._complaints.count

    def close(self) -> None:
        logging.getLogger(_TRC_LOGGER).removeFilter(self._complaints)
        self._reader.stop()
        self._close_file()

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()

    def _with_channel(self, frame: LoggedFrame) -> LoggedFrame:
        if self._channel_offset and frame.channel.isdigit():
            return frame._replace(channel=str(int(frame.channel) + self._channel_offset))
        return frame

    def _guarded_reader(self, suffix: str) -> "can.io.generic.MessageReader":
        if suffix == ".mf4":
            self._check_mf4()
        elif suffix == ".blf":
            self._file = self._path.open("rb")
        else:
            self._file = self._path.open(encoding="utf-8", errors="replace")
        try:
            return _reader(self._path if self._file is None else self._file, suffix)
        except OSError:
            raise
        # as in frames()
        except Exception as error:
            raise self._fault(error) from error

    def _check_mf4(self) -> None:
        damage = mf4_damage(self._path)
        if damage is not None:
            raise DeviceFaultError(f"CAN recording {self._path}: is damaged ({damage}); replace the file")
        if python_can_with_mf4() is None:
            raise DeviceAbsentError(
                f"CAN recording {self._path}: reading MF4 needs the package asammdf; install wayside-agent[mf4]"
            )

    def _fault(self, error: Exception) -> DeviceFaultError:
        cause = str(error) or type(error).__name__
        return DeviceFaultError(f"CAN recording {self._path}: is damaged ({cause[:200]}); replace the file")


class _Complaints(logging.Filter):
    """Counts the lines python-can's TRC reader passes over: it tells them to its log only, a warning each."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.thread_id: int | None = None
        """The thread that reads this recording at the moment."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING or record.thread != self.thread_id:
            return True
        self.count += 1
        return False


def _reader(file: Any, suffix: str) -> "can.io.generic.MessageReader":  # noqa: ANN401 - path or file, as the reader wants
    if suffix == ".mf4":
        return cast("can.MF4Reader", importlib.import_module("can.io.mf4").MF4Reader(file))
    module = python_can()
    if suffix == ".trc":
        return cast("can.TRCReader", module.TRCReader(file))
    if suffix == ".asc":
        return cast("can.ASCReader", module.ASCReader(file, relative_timestamp=False))
    return cast("can.BLFReader", module.BLFReader(file))
