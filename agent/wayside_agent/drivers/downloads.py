"""Artifacts being fetched, one at a time, in a directory: `{sha256}.part`.

The size of the file is how far the download is; it goes on from there after kill -9 or a power cut. Bytes are synced
every few MiB, so a power cut costs little; what is damaged by one is found by the hash at the end. That hash is kept as
long as the file stays as it was: an update that waits asks every few seconds, perhaps for weeks.

**Tested with:** ext4 and tmpfs on Linux.
**Source:** fdatasync(2).
"""

import asyncio
import hashlib
import os
import re
import shutil
from pathlib import Path
from typing import Self

from wayside.errors import InvalidArgumentError
from wayside_agent.drivers.files import disk_errors, make_private_directory, sync_directory

SYNC_BYTES = 4 * 1024 * 1024

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


class DownloadDir:
    """A directory of partly fetched artifacts."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._unsynced_bytes = 0
        self._hashed: tuple[tuple[int, ...], str] = ((), "")  # what a file was like, and its hash

    async def __aenter__(self) -> Self:
        """Makes the directory.

        Raises: DeviceFaultError.
        """
        await asyncio.to_thread(make_private_directory, self._directory)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is held open."""

    async def size(self, sha256: str) -> int:
        """Bytes on the device of the artifact with this hash; those of any other are deleted.

        Raises: DeviceFaultError. InvalidArgumentError: that is no hash.
        """
        return await asyncio.to_thread(self._size, sha256)

    async def append(self, sha256: str, content: bytes) -> None:
        """Adds bytes at the end.

        Raises: ResourceExhaustedError: the disk is full. DeviceFaultError.
        """
        await asyncio.to_thread(self._append, sha256, content)

    async def finish(self, sha256: str) -> tuple[Path, str]:
        """Makes all bytes durable; where they are, and the hash they have (empty: there are none).

        Raises: DeviceFaultError.
        """
        return await asyncio.to_thread(self._finish, sha256)

    async def discard(self) -> None:
        """Deletes everything.

        Raises: DeviceFaultError.
        """
        await asyncio.to_thread(self._delete_except, "")

    async def free_bytes(self) -> int:
        """Space left on the file system."""
        return (await asyncio.to_thread(shutil.disk_usage, self._directory)).free

    def _path(self, sha256: str) -> Path:
        if not _SHA256.match(sha256):  # it comes from outside and becomes a file name
            raise InvalidArgumentError(f"release: {sha256[:80]!r} is no SHA-256 in lower-case hex", reason="SHA256")
        return self._directory / f"{sha256}.part"

    def _size(self, sha256: str) -> int:
        path = self._path(sha256)
        self._delete_except(path.name)
        with disk_errors(path):
            return path.stat().st_size if path.exists() else 0

    def _append(self, sha256: str, content: bytes) -> None:
        path = self._path(sha256)
        with disk_errors(path), path.open("ab") as file:
            file.write(content)
            file.flush()
            self._unsynced_bytes += len(content)
            if self._unsynced_bytes >= SYNC_BYTES:
                os.fdatasync(file.fileno())
                self._unsynced_bytes = 0

    def _finish(self, sha256: str) -> tuple[Path, str]:
        path = self._path(sha256)
        if not path.exists():
            return path, ""
        with disk_errors(path), path.open("rb") as file:
            likeness = _likeness(file.fileno())
            if likeness != self._hashed[0]:
                os.fsync(file.fileno())
                sync_directory(self._directory)
                self._hashed = likeness, hashlib.file_digest(file, "sha256").hexdigest()
            return path, self._hashed[1]

    def _delete_except(self, name: str) -> None:
        with disk_errors(self._directory):
            for path in self._directory.iterdir():
                if path.name != name:
                    path.unlink()


def _likeness(descriptor: int) -> tuple[int, ...]:
    """What changes when a file is written to or replaced."""
    found = os.fstat(descriptor)
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
