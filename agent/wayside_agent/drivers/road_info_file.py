"""Keeps what the manager wants on the air in one durable file.

A file that the disk has damaged counts as empty: the manager's next word brings everything again.

Tested with: ext4, tmpfs.
Source: `drivers.files`.
"""

import asyncio
from pathlib import Path

from wayside_agent.core.road_info import Held
from wayside_agent.drivers.files import StateFile, make_private_directory


class RoadInfoFile:
    """Satisfies `services.road_info.Shelf`."""

    def __init__(self, path: Path) -> None:
        """Stores values."""
        self._path = path
        self._file = StateFile(path, tuple[Held, ...])

    async def save(self, held: tuple[Held, ...]) -> None:
        """Makes it durable.

        Raises: ResourceExhaustedError, DeviceFaultError: what was kept before stands.
        """
        await asyncio.to_thread(self._save, held)

    async def load(self) -> tuple[Held, ...]:
        """What was saved last; nothing before the first time, or when it is damaged.

        Raises: DeviceFaultError: the disk refuses.
        """
        return await asyncio.to_thread(self._file.load) or ()

    def _save(self, held: tuple[Held, ...]) -> None:
        make_private_directory(self._path.parent)
        self._file.save(held)
