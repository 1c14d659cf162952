"""Counts the starts in a row that a release in a slot has broken off, for the launcher, which runs before all else.

    starts = SlotStarts(state_dir / "slots")
    starts.sign_in("a")              # the release in slot a: it excuses itself, so its starts may be counted
    starts.begin("a")                # the launcher, before it starts slot a; how many there were in a row before
    starts.excuse()                  # the release: it is up for long, or ends for a reason of its own

One line, `starts`: SHA-256 of the release, start of the machine, count. It is not synced, and of one start of the
machine only: power that flickers is no fault of a release. `start_log` tells people how each start ended; this one is
asked before the release can say anything.

Tested with: releases that crash, rot and are killed (`tests/e2e/test_boot_process.py`, `test_rotten_release.py`).
Source: `drivers.boot_id`.
"""

import contextlib
import json
from pathlib import Path
from typing import NamedTuple

from wayside_agent.drivers.boot_id import boot_id

_MAX_BYTES = 256


class _Line(NamedTuple):
    release: str = ""
    """SHA-256 of its artifact, hex; empty: of none."""
    boot: str = ""
    start_count: int = 0


class SlotStarts:
    """The file of one unit. It never raises: what cannot be counted counts as none."""

    def __init__(self, slots: Path) -> None:
        self._slots = slots
        self._file = slots / "starts"

    def sign_in(self, slot: str) -> None:
        """Says that the release in this slot excuses itself. One that never does is not counted."""
        with contextlib.suppress(OSError, ValueError):
            release = self._release(slot)
            if self._read().release != release:
                self._write(_Line(release, boot_id()))

    def begin(self, slot: str) -> int:
        """Counts a start of the release in this slot; how many it has broken off in a row before it."""
        try:
            line, boot = self._read(), boot_id()
            if line.release != self._release(slot):
                return 0
            count = line.start_count if line.boot == boot else 0
            self._write(_Line(line.release, boot, count + 1))
        except (OSError, ValueError):
            return 0
        return count

    def excuse(self) -> None:
        """Forgets the starts in a row."""
        with contextlib.suppress(OSError, ValueError):
            line = self._read()
            if line.start_count:
                self._write(line._replace(start_count=0))

    def _release(self, slot: str) -> str:
        """Raises: OSError, ValueError: nobody can tell."""
        found = json.loads((self._slots / slot / "slot.json").read_bytes())
        release = found.get("sha256") if isinstance(found, dict) else None
        if not isinstance(release, str):
            raise ValueError("slot.json: names no release")  # noqa: TRY004  # damaged content, no wrong call
        return release

    def _read(self) -> _Line:
        """Raises: OSError: the disk refuses. What is damaged tells nothing."""
        try:
            words = self._file.read_bytes()[:_MAX_BYTES].decode("ascii", errors="replace").split()
        except FileNotFoundError:
            return _Line()
        if len(words) != len(_Line._fields) or not words[2].isascii() or not words[2].isdecimal():
            return _Line()
        return _Line(words[0], words[1], int(words[2]))

    def _write(self, line: _Line) -> None:
        """Raises: OSError."""
        self._file.write_text(f"{line.release} {line.boot} {line.start_count}\n")
