"""Keeps the newest lines of the agent's log for a reader outside: `ports.platform.LogLines`.

**Tested with:** CPython 3.11.
**Source:** Python's logging. Lines below INFO are not kept: they may hold positions and payloads.
"""

import logging
from collections import deque
from collections.abc import Sequence

from wayside_agent.core.redaction import scrubbed

MAX_LINES = 100
MAX_LINE_CHARS = 400


class LogLines(logging.Handler):
    """One reader's lines; what looks like a secret is taken out."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._lines: deque[tuple[int, str]] = deque(maxlen=MAX_LINES)

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps a line; the oldest of too many goes."""
        text = scrubbed(record.getMessage().replace("\n", " ")[:MAX_LINE_CHARS])
        self._lines.append((record.levelno, f"{record.levelname} {record.name}: {text}"))

    def taken(self, level: int) -> Sequence[str]:
        """See `ports.platform.LogLines`."""
        found = [text for number, text in self._lines if number >= level]
        self._lines.clear()
        return found
