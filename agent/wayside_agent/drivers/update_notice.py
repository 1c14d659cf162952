"""Shows the state of an update to the displays of the unit: `update-notice.json`, replaced as a whole.

**Tested with:** readers on tmpfs.
**Source:** rename(2).
"""

import asyncio
from pathlib import Path

import msgspec

from wayside_agent.core.update import UpdateStatus
from wayside_agent.core.update_notice import notice
from wayside_agent.drivers.files import disk_errors

FILE_NAME = "update-notice.json"
MODE = 0o640
"""A display is of the agent's group."""


class NoticeFile:
    """One file in a folder."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE_NAME

    async def show(self, status: UpdateStatus) -> None:
        """Replaces what is shown; it need not survive a power cut.

        Raises: ResourceExhaustedError, DeviceFaultError.
        """
        await asyncio.to_thread(self._write, msgspec.json.encode(notice(status)))

    def _write(self, content: bytes) -> None:
        fresh = self._path.with_name(f".{FILE_NAME}.new")
        with disk_errors(self._path):
            self._path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            fresh.write_bytes(content)
            fresh.chmod(MODE)
            fresh.replace(self._path)
