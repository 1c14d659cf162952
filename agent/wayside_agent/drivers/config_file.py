"""Keeps the running configuration in one durable file.

Tested with: ext4, tmpfs.
Source: `drivers.files`.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from wayside_agent.drivers.files import StateFile


@dataclass(frozen=True, slots=True)
class StoredConfig:
    """The configuration as it is kept on disk."""

    revision: int
    config: bytes


class ConfigFile:
    """`services.desired.ConfigStore` in a file."""

    def __init__(self, path: Path) -> None:
        self._file = StateFile(path, StoredConfig)

    def load(self) -> tuple[int, bytes]:
        """Revision and serialized NodeConfig; (0, b"") before the first, or when the file was corrupt.

        Raises: DeviceFaultError: the disk refuses.
        """
        stored = self._file.load()
        return (stored.revision, stored.config) if stored else (0, b"")

    async def store(self, revision: int, config: bytes) -> None:
        """Makes it durable.

        Raises: ResourceExhaustedError, DeviceFaultError: what was stored before stands.
        """
        await asyncio.to_thread(self._file.save, StoredConfig(revision, config))
