"""Counts the starts of the agent in a file that survives kill -9 and power cuts.

    log = StartLog(state_dir)
    start = log.begin()         # at the start, before anything else
    log.end()                   # when it ends because it was asked to

systemd writes how the agent before ended into `service-result` (ExecStopPost of the unit); without systemd a watchdog
cannot be told from a crash.

Tested with: kill -9, SIGTERM, a disk that refuses; systemd's file made up.
Source: `drivers.files`; systemd.exec(5) (SERVICE_RESULT).
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from wayside.errors import WaysideError
from wayside_agent.core.starts import Start, Starts, ended, started
from wayside_agent.drivers.config_file import BootClock
from wayside_agent.drivers.files import StateFile

RESULT_FILE = "service-result"
_RESULT_MAX_BYTES = 32

logger = logging.getLogger(__name__)


class StartLog:
    """The file of one unit. All of it blocks for about a millisecond and never raises: the agent runs without it."""

    def __init__(self, state: Path, *, clock_s: Callable[[], float] = time.time) -> None:
        self._file = StateFile(state / "starts.state", Starts)
        self._result = state / RESULT_FILE
        self._clock_s = clock_s

    def begin(self) -> Start:
        """Counts this start; one whose reason is unknown if the disk refuses."""
        try:
            before = self._file.load()
            result = self._last_result()
            starts, start = started(before, result, boot_id=BootClock().now().boot_id, utc_s=self._clock_s())
            self._file.save(starts)
        except WaysideError as error:
            logger.warning("starts are not counted: %s", error)
            return Start(time_s=self._clock_s())
        return start

    def end(self) -> None:
        """Notes that the agent ends because it was asked to."""
        try:
            starts = self._file.load()
            if starts is not None:
                self._file.save(ended(starts))
        except WaysideError as error:
            logger.warning("this end will count as one nobody asked for: %s", error)

    def _last_result(self) -> str:
        """What systemd said, once: it is of one end."""
        try:
            with self._result.open("rb") as file:
                content = file.read(_RESULT_MAX_BYTES)
            self._result.unlink()
        except OSError:
            return ""
        return content.decode("ascii", errors="replace").strip()
