"""Fetches one artifact, patiently: goes on where it stopped, waits out every outage, keeps to a rate.

Only what waiting cannot cure ends it: no such release, no space, wrong bytes.
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

from wayside.errors import (
    InvalidArgumentError,
    NotFoundError,
    OutOfRangeError,
    ResourceExhaustedError,
    UnavailableError,
    WaysideError,
)
from wayside_agent.core.backoff import delay_s
from wayside_agent.core.download import is_report_due, paced_until_s, space_problem
from wayside_agent.core.update import ReleaseTarget
from wayside_agent.ports.updates import ArtifactSource, Downloads

BACK_OFF_BASE_S = 1.0
BACK_OFF_CAP_S = 300.0
ALLOWED_LOOK_S = 1.0
"""Between two looks whether a download may go on."""

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], Awaitable[None]]
"""Takes the bytes on the device, and the byte the newest stretch began at."""


class Fetching:
    """Brings artifacts from a source onto the device."""

    def __init__(
        self,
        source: ArtifactSource,
        downloads: Downloads,
        *,
        max_bytes_per_s: Callable[[], int],
        may_download: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._source = source
        self._downloads = downloads
        self._max_bytes_per_s = max_bytes_per_s
        self._may_download = may_download
        self._clock = clock
        self._pause = pause
        self._rng = random.Random()  # noqa: S311 # spreads load, guards nothing

    async def fetch(self, target: ReleaseTarget, progress: Progress) -> Path:
        """The whole artifact, durable, with the announced hash.

        Raises: NotFoundError: there is no such release. InvalidArgumentError: other bytes than announced.
            ResourceExhaustedError: no space. DeviceFaultError.
        """
        failure_count = 0
        while (have_bytes := await self._downloads.size(target.sha256)) < target.size_bytes:
            await self._until_allowed()
            try:
                await self._check_space(target.size_bytes - have_bytes)
                await self._stretch(target, have_bytes, progress)
                failure_count = 0
            except UnavailableError as error:
                is_further = await self._downloads.size(target.sha256) > have_bytes
                failure_count = 1 if is_further else failure_count + 1
                await self._wait_out(target, error, failure_count)
        return await self._finished(target, have_bytes)

    async def _stretch(self, target: ReleaseTarget, begin_bytes: int, progress: Progress) -> None:
        done_bytes = reported_bytes = begin_bytes
        ready_s = reported_s = self._clock()
        await progress(begin_bytes, begin_bytes)
        async with aclosing(self._chunks(target, begin_bytes)) as chunks:
            async for chunk in chunks:
                done_bytes += len(chunk)
                await self._keep(target, chunk, done_bytes)
                now_s = self._clock()
                since_s = now_s - reported_s
                if is_report_due(done_bytes, target.size_bytes, reported_bytes=reported_bytes, since_report_s=since_s):
                    reported_bytes, reported_s = done_bytes, now_s
                    await progress(done_bytes, begin_bytes)
                ready_s = paced_until_s(ready_s, now_s, len(chunk), self._max_bytes_per_s())
                if ready_s > now_s:
                    await self._pause(ready_s - now_s)
                if not self._may_download():
                    return
        if done_bytes < target.size_bytes:
            raise UnavailableError(f"the transfer ended at byte {done_bytes} of {target.size_bytes}")

    async def _until_allowed(self) -> None:
        while not self._may_download():
            await self._pause(ALLOWED_LOOK_S)

    async def _keep(self, target: ReleaseTarget, chunk: bytes, done_bytes: int) -> None:
        if done_bytes > target.size_bytes:
            await self._downloads.discard()
            raise InvalidArgumentError(f"{target.release}: more than the announced {target.size_bytes} bytes came")
        await self._downloads.append(target.sha256, chunk)

    async def _chunks(self, target: ReleaseTarget, offset_bytes: int) -> AsyncGenerator[bytes, None]:
        """The source's bytes; every failure that may pass comes out as UnavailableError."""
        stream = self._source.fetch(target.release, offset_bytes=offset_bytes)
        try:
            async for chunk in stream:
                yield chunk
        except NotFoundError:
            raise
        except OutOfRangeError as error:  # what is here is no beginning of what is there
            await self._downloads.discard()
            raise UnavailableError(str(error)) from error
        except WaysideError as error:
            raise UnavailableError(str(error)) from error
        finally:
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()

    async def _check_space(self, missing_bytes: int) -> None:
        problem = space_problem(missing_bytes=missing_bytes, free_bytes=await self._downloads.free_bytes())
        if problem:
            raise ResourceExhaustedError(problem, reason="DISK_FULL")

    async def _wait_out(self, target: ReleaseTarget, error: UnavailableError, failure_count: int) -> None:
        log = logger.warning if failure_count == 1 else logger.debug
        log("download of %s interrupted: %s; it goes on from there", target.release, error)
        delay = delay_s(failure_count, base_s=BACK_OFF_BASE_S, cap_s=BACK_OFF_CAP_S, rng=self._rng)
        await self._pause(delay)

    async def _finished(self, target: ReleaseTarget, have_bytes: int) -> Path:
        path, actual = await self._downloads.finish(target.sha256)
        if actual != target.sha256 or have_bytes != target.size_bytes:
            await self._downloads.discard()
            raise InvalidArgumentError(
                f"{target.release}: {have_bytes} bytes with SHA-256 {actual[:12]}… came, announced were "
                f"{target.size_bytes} with {target.sha256[:12]}…; publish it again",
                reason="ARTIFACT_HASH",
            )
        return path
