"""Brings the files of jobs to the manager, one after the other, patiently: a broken upload goes on where it was.

An outage costs nothing but time: tries count only while there is a session. What the manager refuses is
not tried again.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from functools import partial
from random import Random

from wayside.errors import ConflictError, DeadlineExceededError, UnavailableError, WaysideError
from wayside_agent.core.backoff import delay_s
from wayside_agent.core.job import Artifact, Job, sending_s, sent
from wayside_agent.services.job_world import World

logger = logging.getLogger(__name__)

MAX_FAILURE_COUNT = 8
"""Tries without a byte of progress, while there was a session, after which a file stays here and is given up."""
RETRY_BASE_S, RETRY_CAP_S = 2.0, 60.0
ALLOWED_LOOK_S = 1.0
"""Between two looks whether a file may be sent."""


class Sending:
    """Jobs whose files are on their way."""

    def __init__(self, world: World, hand_in: Callable[[str, Callable[[Job], Job]], None]) -> None:
        self._world = world
        self._hand_in = hand_in
        self._jobs: dict[str, Job] = {}
        self._added = asyncio.Event()
        self._current = ""
        self._scope: asyncio.Timeout | None = None
        self._rng = Random()  # noqa: S311 # spreads load, guards nothing

    def add(self, job: Job) -> None:
        """Sends the files of a job, after those of others."""
        self._jobs[job.name] = job
        self._added.set()

    def leave(self, name: str) -> None:
        """Sends nothing more of a job."""
        self._jobs.pop(name, None)
        if self._current == name and self._scope is not None:
            with contextlib.suppress(RuntimeError):  # it has just ended by itself
                self._scope.reschedule(asyncio.get_running_loop().time())

    async def run(self) -> None:
        """Sends for ever."""
        while True:
            if not self._jobs:
                self._added.clear()
                await self._added.wait()
            job = next(iter(self._jobs.values()))
            problem = await self._sent(job)
            if self._jobs.pop(job.name, None) is not None:
                self._hand_in(job.name, partial(sent, problem=problem))

    async def _sent(self, job: Job) -> str:
        """Sends all files of a job; why one is not there, in a sentence. Empty: they are."""
        self._current = job.name
        limit_s = sending_s(job, self._world.time().utc_s)
        try:
            async with asyncio.timeout(limit_s) as self._scope:
                for artifact in job.artifacts:
                    if problem := await self._brought(job, artifact):
                        return f"{artifact.file} could not be brought to the manager: {problem}"
        except TimeoutError:
            return f"its files could not be brought to the manager in time, within {limit_s:.0f} s"
        finally:
            self._current, self._scope = "", None
        return ""

    async def _brought(self, job: Job, artifact: Artifact) -> str:
        failure_count = attempt_count = 0
        there_bytes = -1
        path = self._world.store.path(job.name, artifact.file)

        def progress(done_bytes: int) -> None:
            nonlocal there_bytes, failure_count
            if done_bytes > there_bytes:
                failure_count = 0
            there_bytes = max(there_bytes, done_bytes)

        while failure_count < MAX_FAILURE_COUNT:
            await self._until_allowed()
            try:
                await self._world.uploads.upload(
                    job.name, artifact, path, max_bytes_per_s=self._max_bytes_per_s(job), progress=progress
                )
            except (UnavailableError, DeadlineExceededError, ConflictError) as error:  # or replaced by a newer try
                logger.info("%s: %s: %s; it goes on from there", job.name, artifact.file, error)
                last = str(error)
                failure_count += 1 if self._world.is_connected() else 0
                attempt_count += 1
                await self._pause(delay_s(attempt_count, base_s=RETRY_BASE_S, cap_s=RETRY_CAP_S, rng=self._rng))
            except (WaysideError, OSError) as error:
                return str(error)
            else:
                return ""
        return last

    async def _until_allowed(self) -> None:
        while not self._world.may_upload():
            await self._pause(ALLOWED_LOOK_S)

    def _max_bytes_per_s(self, job: Job) -> int:
        limits = [limit for limit in (job.upload_max_bytes_per_s, self._world.upload_max_bytes_per_s()) if limit > 0]
        return min(limits, default=0)

    async def _pause(self, wait_s: float) -> None:
        await (self._world.pause or asyncio.sleep)(wait_s)
