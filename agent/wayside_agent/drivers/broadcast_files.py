"""Messages that are repeated on the air, one file each, so that a restart does not silence the road.

    files = BroadcastFiles(folder)
    await files.put("platform:city/map/1-9", "platform:city", message)
    await files.remove("platform:city/map/1-9")
    for source, message in await files.all(): ...

A file is whole or not there (rename); one that the disk has damaged is told of and left out, the others stand.

**Tested with:** ext4 and tmpfs on Linux.
**Source:** rename(2).
"""

import asyncio
import hashlib
import logging
import os
from pathlib import Path

import msgspec

from wayside_agent.drivers.files import disk_errors, make_private_directory, sync_directory, write_atomic

MAX_COUNT = 64
MAX_FILE_BYTES = 64 * 1024

logger = logging.getLogger(__name__)


class _Kept(msgspec.Struct, frozen=True):
    source: str
    message: bytes
    sha256: bytes


class BroadcastFiles:
    """A folder of messages. Satisfies `services.v2x_broadcast.Shelf`."""

    def __init__(self, folder: Path) -> None:
        """Stores values."""
        self._folder = folder

    async def put(self, key: str, source: str, message: bytes) -> None:
        """Keeps a message, durable when it returns.

        Raises: DeviceError, ResourceExhaustedError: the disk refuses, or is full.
        """
        await asyncio.to_thread(self._put, key, source, message)

    async def remove(self, key: str) -> None:
        """Forgets a message; one that is not there is none.

        Raises: DeviceError.
        """
        await asyncio.to_thread(self._remove, key)

    async def all(self) -> list[tuple[str, bytes]]:
        """Source and message of every file that is whole, `MAX_COUNT` at most.

        Raises: DeviceError: the folder cannot be read.
        """
        return await asyncio.to_thread(self._all)

    def _put(self, key: str, source: str, message: bytes) -> None:
        make_private_directory(self._folder)
        content = msgspec.msgpack.encode(_Kept(source, message, hashlib.sha256(message).digest()))
        write_atomic(self._path(key), content)

    def _remove(self, key: str) -> None:
        path = self._path(key)
        with disk_errors(path):
            try:
                path.unlink()
            except FileNotFoundError:
                return
            sync_directory(self._folder)

    def _all(self) -> list[tuple[str, bytes]]:
        if not self._folder.is_dir():
            return []
        found = []
        with disk_errors(self._folder):
            paths = sorted(path for path in self._folder.iterdir() if path.suffix == ".v2x")
        for path in paths[:MAX_COUNT]:
            try:
                kept = _read(path)
            except (OSError, ValueError) as error:  # msgspec's errors are ValueErrors
                logger.warning("a message for the air is lost, its file %s is damaged: %s", path.name, error)
            else:
                found.append((kept.source, kept.message))
        return found

    def _path(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256(os.fsencode(key)).hexdigest()[:32]}.v2x"


def _read(path: Path) -> _Kept:
    """Raises: OSError; ValueError: it is not what was written."""
    with path.open("rb") as file:
        kept = msgspec.msgpack.decode(file.read(MAX_FILE_BYTES), type=_Kept)
    if hashlib.sha256(kept.message).digest() != kept.sha256:
        raise ValueError("its content is not what was written")
    return kept
