"""python-can's `Message` as a frame of ours, for the drivers that use python-can."""

import importlib
import importlib.util
import math
import sys
import threading
from types import ModuleType
from typing import TYPE_CHECKING

from wayside_agent.core.can_log import FD_FLAG, LoggedFrame
from wayside_agent.core.frames import ERROR_FLAG, EXTENDED_FLAG, EXTENDED_MASK, REMOTE_FLAG, STANDARD_MASK

if TYPE_CHECKING:
    import can

_BIT_RATE_SWITCH = 0x01  # CANFD_BRS
_ERROR_STATE = 0x02  # CANFD_ESI
_importing = threading.Lock()  # two buses may be opened at once, each in its thread
_MAX_TIME_S = 2**33  # year 2242; a time beyond is damage


def python_can() -> ModuleType:
    """python-can, without asammdf.

    python-can loads asammdf wherever it is installed, and pandas with it: 2.7 s and 90 MB that only MF4 needs.
    """
    with _importing:
        if "can" not in sys.modules and "asammdf" not in sys.modules:
            sys.modules["asammdf"] = None  # type: ignore[assignment]  # the documented way to make an import fail
            try:
                importlib.import_module("can")
            finally:
                del sys.modules["asammdf"]
        return importlib.import_module("can")


def python_can_with_mf4() -> ModuleType | None:
    """python-can's module of MF4 readers; `None`: asammdf is not installed."""
    with _importing:
        if importlib.util.find_spec("asammdf") is None:
            return None
        module = importlib.import_module("can.io.mf4")
        if getattr(module, "asammdf", None) is None:
            importlib.reload(module)
        return module


def logged(message: "can.Message") -> LoggedFrame | None:
    """The frame; `None`: its id, length or time is impossible. A time of 0 or below counts as none."""
    data = bytes(message.data)
    mask = EXTENDED_MASK if message.is_extended_id or message.is_error_frame else STANDARD_MASK
    seconds = message.timestamp
    if message.arbitration_id & ~mask or len(data) > (64 if message.is_fd else 8):
        return None
    if not math.isfinite(seconds) or seconds > _MAX_TIME_S:
        return None
    flags = 0
    if message.is_fd:
        flags = FD_FLAG
        flags |= _BIT_RATE_SWITCH if message.bitrate_switch else 0
        flags |= _ERROR_STATE if message.error_state_indicator else 0
    time_ns = round(seconds * 1_000_000) * 1000  # a float holds microseconds of today, not nanoseconds
    size = min(message.dlc, 8) if message.is_remote_frame else len(data)
    return LoggedFrame(max(time_ns, 0), str(message.channel), _can_id(message), size, flags, data)


def _can_id(message: "can.Message") -> int:
    can_id = int(message.arbitration_id)
    if message.is_error_frame:
        return can_id | ERROR_FLAG
    can_id |= EXTENDED_FLAG if message.is_extended_id else 0
    return can_id | (REMOTE_FLAG if message.is_remote_frame else 0)
