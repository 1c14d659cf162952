r"""What both sides of a shell say, kept as the artifact `session.log` of its job.

One JSON object a line, on the disk before it goes on to the other side; bytes that are no text stand there as `base64`:

    {"time":"2026-11-22T12:00:00.120000Z","from":"operator","text":"uptime\r"}

Usage: `async with Recording(...) as recording: await recording.unit(b"$ ")`.
"""

import base64
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from wayside.errors import ResourceExhaustedError
from wayside_manager.core.jobs import SHELL_LOG, JobArtifact, JobRecord
from wayside_manager.ports.jobs import JobArtifactStore, JobFiles


class Recording:
    """The recording of one shell."""

    def __init__(
        self, job: JobRecord, store: JobArtifactStore, files: JobFiles, *, now: Callable[[], datetime]
    ) -> None:
        self._job = job
        self._store = store
        self._files = files
        self._now = now

    async def __aenter__(self) -> Self:
        """Begins, or goes on behind what an earlier shell of the job left.

        Raises: ResourceExhaustedError: it is full, or the disk is.
        """
        try:
            await self.note("unit opened the shell")
        except ResourceExhaustedError:
            await self._finish()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Makes it an artifact like every other."""
        with suppress(ResourceExhaustedError):  # what is full is to be read all the same
            await self.note("the shell ended")
        await self._finish()

    async def unit(self, output: bytes) -> None:
        """Keeps what the shell wrote.

        Raises: ResourceExhaustedError: it is full, or the disk is.
        """
        await self._append({"from": "unit", **_said(output)})

    async def operator(self, text: bytes, *, rows: int = 0, columns: int = 0) -> None:
        """Keeps what the operator typed.

        Raises: ResourceExhaustedError: it is full, or the disk is.
        """
        size = {"rows": rows, "columns": columns} if rows or columns else {}
        await self._append({"from": "operator", **(_said(text) if text else {}), **size})

    async def note(self, event: str) -> None:
        """Keeps what happened beside.

        Raises: ResourceExhaustedError: it is full, or the disk is.
        """
        await self._append({"from": "manager", "event": event})

    async def _finish(self) -> None:
        await finish_recording(self._job.job_id, self._store, self._files)

    async def _append(self, entry: dict[str, object]) -> None:
        moment = self._now().astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        line = json.dumps({"time": moment, **entry}, separators=(",", ":")) + "\n"
        size_bytes = await self._files.append(self._job.job_id, SHELL_LOG, line.encode())
        if size_bytes > self._job.work.artifact_max_bytes:
            raise ResourceExhaustedError(
                f"the recording of job {self._job.job_id} has {size_bytes} bytes, more than artifact_max_bytes; "
                "the shell ends here",
                reason="RECORDING_FULL",
            )


async def finish_recording(of_job_id: str, store: JobArtifactStore, files: JobFiles) -> None:
    """Notes a recording as it is on the disk: it ended, or a crash cut it off."""
    await store.note_artifact(of_job_id, await files.measured(of_job_id, SHELL_LOG))


def unfinished(size_bytes: int = 0) -> JobArtifact:
    """A recording under way, as it is noted."""
    return JobArtifact(SHELL_LOG, size_bytes, "", size_bytes)


def _said(content: bytes) -> dict[str, object]:
    try:
        return {"text": content.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}
