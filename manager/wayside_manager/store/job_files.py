"""Files that jobs bring, below the directory of artifacts: `jobs/{job}/{file}`, each on the disk when it is there.

What is on its way is `jobs/{job}/.{file}.{sha256}.part`, so that a broken upload goes on where it was, also after a
restart.
Names come checked (`core.job_bounds.checked_file`): no separator, and no dot in front.
Usage: `async with JobFileDirectory(path / "jobs") as files: ...`.
"""

import asyncio
import hashlib
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Self

from wayside.errors import ConflictError, InvalidArgumentError, NotFoundError
from wayside_manager.core.jobs import JobArtifact
from wayside_manager.store.artifacts import space_errors, sync_directory

_PART = ".part"
_ANY_SHA256 = "[0-9a-f]" * 64
"""As a pattern of names: a file `log` must not take the part of a file `log.1` for its own."""


class JobFileDirectory:
    """Satisfies `ports.JobFiles`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._directory.mkdir, mode=0o700, parents=True, exist_ok=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    async def received_bytes(self, job_id: str, artifact: JobArtifact) -> int:
        """See JobFiles."""
        return await asyncio.to_thread(self._received_bytes, job_id, artifact)

    async def write(self, job_id: str, artifact: JobArtifact, offset_bytes: int, content: bytes) -> None:
        """See JobFiles."""
        await asyncio.to_thread(_write_at, self._part(job_id, artifact), offset_bytes, content)

    async def finish(self, job_id: str, artifact: JobArtifact) -> None:
        """See JobFiles."""
        await asyncio.to_thread(self._finish, job_id, artifact)

    async def append(self, job_id: str, file: str, content: bytes) -> int:
        """See JobFiles."""
        return await asyncio.to_thread(_append, self._folder(job_id) / file, content)

    async def measured(self, job_id: str, file: str) -> JobArtifact:
        """See JobFiles."""
        return await asyncio.to_thread(_measured, self._folder(job_id) / file)

    async def read(self, job_id: str, file: str, *, offset_bytes: int, chunk_bytes: int) -> AsyncIterator[bytes]:
        """See JobFiles."""
        path = self._folder(job_id) / file
        # opened per chunk: a caller that stops half-way then leaves nothing open
        while chunk := await asyncio.to_thread(_chunk, path, offset_bytes, chunk_bytes):
            offset_bytes += len(chunk)
            yield chunk

    async def delete(self, job_id: str) -> None:
        """See JobFiles."""
        await asyncio.to_thread(shutil.rmtree, self._folder(job_id), ignore_errors=True)

    def _folder(self, job_id: str) -> Path:
        return self._directory / job_id

    def _part(self, job_id: str, artifact: JobArtifact) -> Path:
        return self._folder(job_id) / f".{artifact.file}.{artifact.sha256}{_PART}"

    def _received_bytes(self, job_id: str, artifact: JobArtifact) -> int:
        folder, part = self._folder(job_id), self._part(job_id, artifact)
        final = folder / artifact.file
        if final.exists() and final.stat().st_size == artifact.size_bytes:
            if _measured(final).sha256 == artifact.sha256:
                return artifact.size_bytes
            final.unlink()  # it was finished and never noted, and now it is to be another one
        with space_errors():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for other in folder.glob(f".{artifact.file}.{_ANY_SHA256}{_PART}"):
                if other != part:
                    other.unlink(missing_ok=True)
            part.touch(mode=0o600)
        size_bytes = part.stat().st_size
        if size_bytes > artifact.size_bytes:
            part.unlink()
            part.touch(mode=0o600)
            return 0
        return size_bytes

    def _finish(self, job_id: str, artifact: JobArtifact) -> None:
        part, final = self._part(job_id, artifact), self._folder(job_id) / artifact.file
        if final.exists() and not part.exists():
            return
        found = _measured(part)
        if (found.sha256, found.size_bytes) != (artifact.sha256, artifact.size_bytes):
            part.unlink(missing_ok=True)
            raise InvalidArgumentError(
                f"sha256: the content of {artifact.file} has {found.sha256}, not the announced {artifact.sha256}; "
                "begin again and send the file the hash was made of",
                reason="SHA256_MISMATCH",
            )
        with space_errors():
            _sync(part)
            part.rename(final)
            sync_directory(final.parent)
            sync_directory(self._directory)


def _write_at(path: Path, offset_bytes: int, content: bytes) -> None:
    try:
        with space_errors(), path.open("r+b") as file:
            file.seek(offset_bytes)
            file.write(content)
    except FileNotFoundError as error:
        raise ConflictError(
            "the file was finished or begun anew meanwhile; begin again", reason="UPLOAD_GONE"
        ) from error


def _append(path: Path, content: bytes) -> int:
    with space_errors():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            return file.tell()


def _measured(path: Path) -> JobArtifact:
    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            size_bytes = file.tell()
    except FileNotFoundError as error:
        raise _gone(path) from error
    return JobArtifact(path.name, size_bytes, sha256, size_bytes)


def _chunk(path: Path, offset_bytes: int, chunk_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset_bytes)
            return file.read(chunk_bytes)
    except FileNotFoundError as error:
        raise _gone(path) from error


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _gone(path: Path) -> NotFoundError:
    return NotFoundError(f"file {path.name} is not there any more", reason="FILE_NOT_FOUND")
