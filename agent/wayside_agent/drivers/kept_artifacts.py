"""Artifacts kept for units near this one: `{sha256}`, and `{sha256}.new` while the update it belongs to is on trial.

Files come by rename, whole and synced, and are never written to. Before one is given out for the first time in this
life it is hashed: what a disk or a hand has damaged is dropped.

**Tested with:** ext4 and tmpfs on Linux.
**Source:** rename(2).
"""

import asyncio
import hashlib
import os
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from wayside.errors import NotFoundError
from wayside_agent.drivers.files import disk_errors, make_private_directory, sync_directory

RESERVE_BYTES = 64 * 1024 * 1024
"""Space that what is kept leaves to everything else."""

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_NEW = ".new"


@dataclass(frozen=True, slots=True)
class _Open:
    """Satisfies `ports.keeping.OpenArtifact`."""

    file: BinaryIO
    size_bytes: int

    async def chunks(self, offset_bytes: int, chunk_bytes: int) -> AsyncIterator[bytes]:
        """See OpenArtifact."""
        while offset_bytes < self.size_bytes:
            chunk = await asyncio.to_thread(self._read, min(chunk_bytes, self.size_bytes - offset_bytes), offset_bytes)
            if not chunk:
                return
            offset_bytes += len(chunk)
            yield chunk

    def _read(self, size_bytes: int, offset_bytes: int) -> bytes:
        with disk_errors(Path(self.file.name)):
            return os.pread(self.file.fileno(), size_bytes, offset_bytes)


class KeptArtifacts:
    """A folder of artifacts. Satisfies `ports.keeping.ArtifactShelf`."""

    def __init__(self, directory: Path, *, max_count: int, reserve_bytes: int = RESERVE_BYTES) -> None:
        """Stores values; `max_count` 0: keeps nothing, and drops what was kept."""
        self._directory = directory
        self._max_count = max_count
        self._reserve_bytes = reserve_bytes
        self._hashed: dict[str, tuple[int, ...]] = {}  # what files were like when they had the right hash

    async def __aenter__(self) -> Self:
        """Makes the folder if it is needed, and drops what is too many.

        Raises: DeviceFaultError.
        """
        await asyncio.to_thread(self._open)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is held open."""

    async def take(self, path: Path, sha256: str) -> None:
        """See ArtifactKeeper."""
        if self._max_count and _SHA256.match(sha256):
            await asyncio.to_thread(self._take, path, sha256)

    async def settle(self, sha256: str) -> None:
        """See ArtifactKeeper."""
        if self._max_count:
            await asyncio.to_thread(self._settle, sha256)

    async def make_room(self, wanted_bytes: int) -> None:
        """See ArtifactKeeper."""
        if self._max_count:
            await asyncio.to_thread(self._make_room, wanted_bytes)

    @asynccontextmanager
    async def opened(self, sha256: str) -> AsyncIterator[_Open]:
        """See ArtifactShelf."""
        found = await asyncio.to_thread(self._opened, sha256) if _SHA256.match(sha256) else None
        if found is None:
            raise NotFoundError("that artifact is not kept here; ask the manager", reason="ARTIFACT_NOT_FOUND")
        try:
            yield found
        finally:
            found.file.close()

    def _open(self) -> None:
        if not self._max_count:
            shutil.rmtree(self._directory, ignore_errors=True)
            return
        make_private_directory(self._directory)
        self._drop_beyond(self._max_count)

    def _take(self, path: Path, sha256: str) -> None:
        fresh = self._directory / f"{sha256}{_NEW}"
        with disk_errors(self._directory):
            self._drop_new(but=fresh)
            if path.exists():
                path.replace(fresh)
                sync_directory(self._directory)

    def _settle(self, sha256: str) -> None:
        fresh = self._directory / f"{sha256}{_NEW}"
        with disk_errors(self._directory):
            self._drop_new(but=fresh)
            if fresh.exists():
                os.utime(fresh)  # the newest is dropped last
                fresh.replace(self._directory / sha256)
                sync_directory(self._directory)
        self._drop_beyond(self._max_count)
        self._make_room(0)

    def _make_room(self, wanted_bytes: int) -> None:
        with disk_errors(self._directory):
            for path in reversed(list(self._newest_first())):
                if shutil.disk_usage(self._directory).free >= wanted_bytes + self._reserve_bytes:
                    return
                path.unlink(missing_ok=True)

    def _opened(self, sha256: str) -> _Open | None:
        path = self._directory / sha256
        try:
            file = path.open("rb")
        except OSError:
            return None
        try:
            found = os.fstat(file.fileno())
            likeness = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
            if self._hashed.get(sha256) != likeness:
                with disk_errors(path):
                    if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                        path.unlink(missing_ok=True)
                        file.close()
                        return None
                self._hashed[sha256] = likeness
        except BaseException:
            file.close()
            raise
        return _Open(file, found.st_size)

    def _drop_beyond(self, count: int) -> None:
        with disk_errors(self._directory):
            for path in list(self._newest_first())[count:]:
                path.unlink(missing_ok=True)

    def _drop_new(self, *, but: Path) -> None:
        for path in self._directory.glob(f"*{_NEW}"):
            if path != but:
                path.unlink(missing_ok=True)

    def _newest_first(self) -> Iterator[Path]:
        kept = [path for path in self._directory.iterdir() if _SHA256.match(path.name)]
        return iter(sorted(kept, key=lambda path: path.stat().st_mtime_ns, reverse=True))
