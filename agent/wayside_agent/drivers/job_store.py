"""Keeps jobs on the disk: `jobs/{job}/record`, and `jobs/{job}/files/` until they are at the manager.

A record of its own per job, so that a damaged one is found under the name of its job and costs that job only.

**Tested with:** ext4 and tmpfs on Linux; a kill between every two steps (`tests/contract/test_job_store.py`).
**Source:** `drivers.files`.
"""

import asyncio
import hashlib
import logging
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from wayside.errors import InvalidArgumentError, ResourceExhaustedError, WaysideError
from wayside_agent.core.job import FILE_NAME, JOB_NAME, Artifact, Job, Phase, damaged
from wayside_agent.drivers.files import RESERVE_BYTES, StateFile, disk_errors, make_private_directory, sync_directory
from wayside_agent.drivers.tree import tree_bytes
from wayside_agent.ports.errors import DeviceFaultError

RECORD, FILES = "record", "files"
MAX_FILE_COUNT = 20
"""Of one job; the manager takes no more."""

logger = logging.getLogger(__name__)


class JobDir:
    """`ports.jobs.JobStore` in a directory."""

    def __init__(self, directory: Path, *, max_bytes: int) -> None:
        """Stores values; `max_bytes` bounds the files of all jobs together."""
        self._directory = directory
        self._max_bytes = max_bytes

    async def load(self) -> Sequence[Job]:
        """See `ports.jobs.JobStore`. Files of jobs that are over are removed."""
        return await asyncio.to_thread(self._load)

    async def save(self, job: Job) -> None:
        """See `ports.jobs.JobStore`."""
        await asyncio.to_thread(self._save, job)

    async def forget(self, name: str) -> None:
        """See `ports.jobs.JobStore`."""
        await asyncio.to_thread(self._remove, self._folder(name))

    async def folder(self, name: str) -> Path:
        """See `ports.jobs.JobStore`."""
        return await asyncio.to_thread(self._fresh, name)

    async def clear(self, name: str) -> None:
        """See `ports.jobs.JobStore`."""
        await asyncio.to_thread(self._remove, self._folder(name) / FILES)

    async def artifacts(self, name: str, files: Sequence[str], *, max_bytes: int) -> tuple[Artifact, ...]:
        """See `ports.jobs.JobStore`."""
        return await asyncio.to_thread(self._artifacts, name, files, max_bytes)

    def path(self, name: str, file: str) -> Path:
        """See `ports.jobs.JobStore`."""
        if not FILE_NAME.match(file):
            raise InvalidArgumentError(f"{name}: {file[:100]!r} is no name of a file that a job may bring")
        return self._folder(name) / FILES / file

    def _folder(self, name: str) -> Path:
        match = JOB_NAME.match(name)
        if match is None:  # it comes from outside and becomes the name of a folder
            raise InvalidArgumentError(f"{name[:100]!r} is not jobs/{{job}}")
        return self._directory / match[1]

    def _load(self) -> list[Job]:
        make_private_directory(self._directory)
        with disk_errors(self._directory):
            names = [f"jobs/{path.name}" for path in self._directory.iterdir()]
        return [job for name in sorted(names) if JOB_NAME.match(name) for job in self._found(name)]

    def _found(self, name: str) -> list[Job]:
        """A job as it was kept; what the disk does not give is damaged, and only that."""
        try:
            return self._loaded(name)
        except DeviceFaultError as error:
            logger.error("%s: %s; this job is taken for damaged, the others go on", name, error)
            return [self._damaged(name)]

    def _damaged(self, name: str) -> Job:
        """What is left of a job whose record is unreadable, durable if the disk takes it."""
        job, folder = damaged(name), self._folder(name)
        try:
            try:
                self._save(job)
            except DeviceFaultError:  # something else stands where its folder or its record belongs
                self._remove(folder)
                self._save(job)
        except WaysideError as error:
            logger.error("%s: %s; it is found damaged again at the next start", name, error)
        return job

    def _loaded(self, name: str) -> list[Job]:
        folder = self._folder(name)
        with disk_errors(folder):
            # a record moved aside before it could be replaced is as damaged as one that is found so now
            is_recorded = any(path.name.startswith(RECORD) for path in folder.iterdir())
        if not is_recorded:  # the power went before the record was there: it never began
            self._remove(folder)
            return []
        job = StateFile(folder / RECORD, Job).load()
        if job is None or job.name != name:
            job = damaged(name)
            self._save(job)
        if job.phase is not Phase.SENDING:
            self._remove(folder / FILES)
        return [job]

    def _save(self, job: Job) -> None:
        folder = self._folder(job.name)
        make_private_directory(folder)
        StateFile(folder / RECORD, Job).save(job)

    def _fresh(self, name: str) -> Path:
        folder = self._folder(name) / FILES
        self._remove(folder)
        make_private_directory(folder)
        return folder

    def _artifacts(self, name: str, files: Sequence[str], max_bytes: int) -> tuple[Artifact, ...]:
        if len(files) > MAX_FILE_COUNT:
            raise ResourceExhaustedError(f"{name}: {len(files)} files are more than {MAX_FILE_COUNT}")
        found = tuple(_measured(self.path(name, file)) for file in files)
        size_bytes = sum(artifact.size_bytes for artifact in found)
        if size_bytes > max_bytes:
            raise ResourceExhaustedError(
                f"{name}: its files have {size_bytes} bytes, {max_bytes} are allowed; ask for less, or allow more"
            )
        with disk_errors(self._directory):
            kept_bytes, free_bytes = tree_bytes(self._directory), shutil.disk_usage(self._directory).free
        if kept_bytes > self._max_bytes or free_bytes < RESERVE_BYTES:
            raise ResourceExhaustedError(
                f"{name}: files of jobs that wait have {kept_bytes} bytes, of {self._max_bytes} allowed by "
                f"jobs.max_artifact_bytes, and the disk has {free_bytes} left; they go once the manager has them"
            )
        with disk_errors(self._directory):
            sync_directory(self._folder(name) / FILES)
        return found

    def _remove(self, folder: Path) -> None:
        with disk_errors(folder):
            if folder.is_dir() and not folder.is_symlink():
                shutil.rmtree(folder)
            else:
                folder.unlink(missing_ok=True)
            if folder.parent.is_dir():
                sync_directory(folder.parent)


def _measured(path: Path) -> Artifact:
    with disk_errors(path), path.open("rb") as file:
        os.fsync(file.fileno())
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return Artifact(path.name, os.fstat(file.fileno()).st_size, sha256)
