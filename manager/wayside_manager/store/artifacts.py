"""Artifacts as files of one directory, named by their SHA-256.

A file appears under its name only when it is complete, verified and on the disk; what a crash leaves behind is a
`.part` file that the next opening removes. Usage: `async with ArtifactDirectory(path) as artifacts: ...`.
"""

import asyncio
import errno
import hashlib
import os
import re
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from wayside.errors import InvalidArgumentError, NotFoundError, OutOfRangeError, ResourceExhaustedError

_PART = ".part"
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class ArtifactDirectory:
    """Satisfies `ports.ArtifactStore`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._prepare)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    async def write(
        self,
        chunks: AsyncIterator[bytes],
        *,
        sha256: str,
        size_bytes: int,
        inspect: Callable[[BinaryIO], None] | None = None,
    ) -> None:
        """See ArtifactStore."""
        target = self._path(sha256)
        part = target.with_suffix(f".{secrets.token_hex(8)}{_PART}")
        with space_errors(), _removed_at_end(part), part.open("xb") as file:
            digest, written_bytes = hashlib.sha256(), 0
            async for chunk in chunks:
                written_bytes += len(chunk)
                if written_bytes > size_bytes:
                    break  # no need to take in more of what will be refused
                await asyncio.to_thread(_append, file, digest.update, chunk)
            _check(digest.hexdigest(), written_bytes, sha256=sha256, size_bytes=size_bytes)
            await asyncio.to_thread(_finish, file, part, target, inspect)

    async def read(self, sha256: str, *, offset_bytes: int = 0, chunk_bytes: int = 1 << 20) -> AsyncIterator[bytes]:
        """See ArtifactStore."""
        size_bytes = await self.size_bytes(sha256)
        if not 0 <= offset_bytes <= size_bytes:
            raise OutOfRangeError(
                f"offset_bytes: {offset_bytes} is not within the artifact's {size_bytes} bytes", reason="OFFSET_INVALID"
            )
        while offset_bytes < size_bytes:
            # Opened per chunk: a caller that stops half-way then leaves nothing open.
            chunk = await asyncio.to_thread(_chunk, self._path(sha256), offset_bytes, chunk_bytes)
            offset_bytes += len(chunk)
            yield chunk

    async def size_bytes(self, sha256: str) -> int:
        """See ArtifactStore."""
        try:
            return (await asyncio.to_thread(self._path(sha256).stat)).st_size
        except FileNotFoundError as error:
            raise NotFoundError(f"artifact {sha256} is not in the store", reason="ARTIFACT_NOT_FOUND") from error

    async def delete(self, sha256: str) -> None:
        """See ArtifactStore."""
        path = self._path(sha256)
        await asyncio.to_thread(path.unlink, missing_ok=True)

    async def hashes(self) -> tuple[str, ...]:
        """See ArtifactStore."""
        names = await asyncio.to_thread(os.listdir, self._directory)
        return tuple(sorted(name for name in names if _SHA256.match(name)))

    def path(self, sha256: str) -> Path:
        """Where the bytes of an artifact are, for programs that read files.

        Raises: InvalidArgumentError: that is no hash.
        """
        return self._path(sha256)

    def _prepare(self) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left_over in self._directory.glob(f"*{_PART}"):
            left_over.unlink(missing_ok=True)

    def _path(self, sha256: str) -> Path:
        if not _SHA256.match(sha256):
            raise InvalidArgumentError(
                f"sha256: {sha256[:80]!r} is not 64 lower-case hex digits", reason="SHA256_INVALID"
            )
        return self._directory / sha256


def _append(part: BinaryIO, hashed: Callable[[bytes], None], chunk: bytes) -> None:
    part.write(chunk)
    hashed(chunk)


def _chunk(path: Path, offset_bytes: int, chunk_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset_bytes)
            return file.read(chunk_bytes)
    except FileNotFoundError as error:
        raise NotFoundError(f"artifact {path.name} was removed meanwhile", reason="ARTIFACT_NOT_FOUND") from error


def _check(digest: str, written_bytes: int, *, sha256: str, size_bytes: int) -> None:
    if written_bytes != size_bytes:
        more_or_less = "more" if written_bytes > size_bytes else "less"
        raise InvalidArgumentError(
            f"size_bytes: the content is {more_or_less} than the stated {size_bytes}; send all of it, once",
            reason="SIZE_MISMATCH",
        )
    if digest != sha256:
        raise InvalidArgumentError(
            f"sha256: the content has {digest}, not the stated {sha256}; send the file the hash was made of",
            reason="SHA256_MISMATCH",
        )


def _finish(file: BinaryIO, part: Path, target: Path, inspect: Callable[[BinaryIO], None] | None) -> None:
    file.flush()
    if inspect is not None:
        with part.open("rb") as complete:
            inspect(complete)
    os.fsync(file.fileno())
    part.rename(target)
    sync_directory(target.parent)


def sync_directory(directory: Path) -> None:
    """Makes the names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _removed_at_end(part: Path) -> Iterator[None]:
    try:
        yield
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def space_errors() -> Iterator[None]:
    """Says it in our words when the disk is full.

    Raises: ResourceExhaustedError.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise ResourceExhaustedError("artifacts: the disk is full; free space", reason="DISK_FULL") from error
        raise
