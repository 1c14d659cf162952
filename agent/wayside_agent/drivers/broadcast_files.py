"""Messages that are repeated on the air, one file each, so that a restart does not silence the road.

    files = BroadcastFiles(folder)
    await files.put("platform:city/map/1-9", Kept("platform:city", message, end_s=None))
    await files.remove("platform:city/map/1-9")
    for kept in await files.all(): ...

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

from wayside_agent.core.broadcasts import Kept
from wayside_agent.drivers.files import disk_errors, make_private_directory, sync_directory, write_atomic

MAX_FILE_BYTES = 64 * 1024

logger = logging.getLogger(__name__)


class _File(msgspec.Struct, frozen=True):
    source: str
    message: bytes
    end_s: float | None
    sha256: bytes


class BroadcastFiles:
    """A folder of messages. Satisfies `services.v2x_broadcast.Shelf`."""

    def __init__(self, folder: Path) -> None:
        """Stores values."""
        self._folder = folder

    async def put(self, key: str, kept: Kept) -> None:
        """Keeps a message, durable when it returns.

        Raises: DeviceError, ResourceExhaustedError: the disk refuses, or is full.
        """
        await asyncio.to_thread(self._put, key, kept)

    async def remove(self, key: str) -> None:
        """Forgets a message; one that is not there is none.

        Raises: DeviceError.
        """
        await asyncio.to_thread(self._remove, key)

    async def all(self) -> list[Kept]:
        """What is in every file that is whole.

        Raises: DeviceError: the folder cannot be read.
        """
        return await asyncio.to_thread(self._all)

    def _put(self, key: str, kept: Kept) -> None:
        make_private_directory(self._folder)
        file = _File(kept.source, kept.message, kept.end_s, _digest(kept.source, kept.message, kept.end_s))
        write_atomic(self._path(key), msgspec.msgpack.encode(file))

    def _remove(self, key: str) -> None:
        path = self._path(key)
        with disk_errors(path):
            try:
                path.unlink()
            except FileNotFoundError:
                return
            sync_directory(self._folder)

    def _all(self) -> list[Kept]:
        if not self._folder.is_dir():
            return []
        found = []
        with disk_errors(self._folder):
            paths = sorted(path for path in self._folder.iterdir() if path.suffix == ".v2x")
        for path in paths:
            try:
                kept = _read(path)
            except (OSError, ValueError) as error:  # msgspec's errors are ValueErrors
                logger.warning("a message for the air is lost, its file %s is damaged: %s", path.name, error)
            else:
                found.append(kept)
        return found

    def _path(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256(os.fsencode(key)).hexdigest()[:32]}.v2x"


def _read(path: Path) -> Kept:
    """Raises: OSError; ValueError: it is not what was written."""
    with path.open("rb") as file:
        read = msgspec.msgpack.decode(file.read(MAX_FILE_BYTES), type=_File)
    if _digest(read.source, read.message, read.end_s) != read.sha256:
        raise ValueError("its content is not what was written")
    return Kept(read.source, read.message, read.end_s)


def _digest(source: str, message: bytes, end_s: float | None) -> bytes:
    return hashlib.sha256(msgspec.msgpack.encode((source, message, end_s))).digest()
