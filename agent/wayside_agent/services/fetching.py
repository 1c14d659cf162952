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
    PermissionDeniedError,
    ResourceExhaustedError,
    UnavailableError,
    WaysideError,
)
from wayside_agent.core.backoff import delay_s
from wayside_agent.core.download import Order, is_report_due, paced_until_s, space_problem
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

    async def fetch(self, order: Order, progress: Progress) -> Path:
        """The whole artifact, durable, with the announced hash. What is left of an earlier start is gone on with.

        Raises: NotFoundError: there is no such release. InvalidArgumentError: other bytes than announced.
            ResourceExhaustedError: no space. DeviceFaultError.
        """
        is_leftover = await self._downloads.size(order.sha256) > 0
        await self._complete(order, progress)
        path, problem = await self._finished(order)
        if problem and is_leftover:  # a power cut may have torn it: that is nobody's fault who publishes
            logger.warning("download of %s: what was left of it is damaged; it is fetched anew", order.release)
            await self._complete(order, progress)
            path, problem = await self._finished(order)
        if problem:
            raise InvalidArgumentError(problem, reason="ARTIFACT_HASH")
        return path

    async def _complete(self, order: Order, progress: Progress) -> None:
        failure_count = 0
        while (have_bytes := await self._downloads.size(order.sha256)) < order.size_bytes:
            await self._until_allowed()
            try:
                await self._check_space(order.size_bytes - have_bytes + order.room_bytes)
                await self._stretch(order, have_bytes, progress)
                failure_count = 0
            except UnavailableError as error:
                is_further = await self._downloads.size(order.sha256) > have_bytes
                failure_count = 1 if is_further else failure_count + 1
                await self._wait_out(order, error, failure_count)

    async def _stretch(self, order: Order, begin_bytes: int, progress: Progress) -> None:
        done_bytes = reported_bytes = begin_bytes
        ready_s = reported_s = self._clock()
        await progress(begin_bytes, begin_bytes)
        async with aclosing(self._chunks(order, begin_bytes)) as chunks:
            async for chunk in chunks:
                done_bytes += len(chunk)
                await self._keep(order, chunk, done_bytes)
                now_s = self._clock()
                since_s = now_s - reported_s
                if is_report_due(done_bytes, order.size_bytes, reported_bytes=reported_bytes, since_report_s=since_s):
                    reported_bytes, reported_s = done_bytes, now_s
                    await progress(done_bytes, begin_bytes)
                ready_s = paced_until_s(ready_s, now_s, len(chunk), self._max_bytes_per_s())
                if ready_s > now_s:
                    await self._pause(ready_s - now_s)
                if not self._may_download():
                    return
        if done_bytes < order.size_bytes:
            raise UnavailableError(f"the transfer ended at byte {done_bytes} of {order.size_bytes}")

    async def _until_allowed(self) -> None:
        while not self._may_download():
            await self._pause(ALLOWED_LOOK_S)

    async def _keep(self, order: Order, chunk: bytes, done_bytes: int) -> None:
        if done_bytes > order.size_bytes:
            await self._downloads.discard()
            raise InvalidArgumentError(f"{order.release}: more than the announced {order.size_bytes} bytes came")
        await self._downloads.append(order.sha256, chunk)

    async def _chunks(self, order: Order, offset_bytes: int) -> AsyncGenerator[bytes, None]:
        """The source's bytes; every failure that may pass comes out as UnavailableError."""
        delta_sha256 = order.sha256 if order.is_delta else ""
        stream = self._source.fetch(order.release, offset_bytes=offset_bytes, delta_sha256=delta_sha256)
        try:
            async for chunk in stream:
                yield chunk
        except NotFoundError:
            raise
        except PermissionDeniedError as error:
            if order.is_delta:  # the manager took it back: another way is left
                raise NotFoundError(str(error)) from error
            raise UnavailableError(str(error)) from error
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

    async def _wait_out(self, order: Order, error: UnavailableError, failure_count: int) -> None:
        log = logger.warning if failure_count == 1 else logger.debug
        log("download of %s interrupted: %s; it goes on from there", order.release, error)
        delay = delay_s(failure_count, base_s=BACK_OFF_BASE_S, cap_s=BACK_OFF_CAP_S, rng=self._rng)
        await self._pause(delay)

    async def _finished(self, order: Order) -> tuple[Path, str]:
        """Where it is, and what is wrong with it; what is wrong is deleted."""
        have_bytes = await self._downloads.size(order.sha256)
        path, actual = await self._downloads.finish(order.sha256)
        if actual == order.sha256 and have_bytes == order.size_bytes:
            return path, ""
        await self._downloads.discard()
        return path, (
            f"{order.release}: {have_bytes} bytes with SHA-256 {actual[:12]}… came, announced were "
            f"{order.size_bytes} with {order.sha256[:12]}…; publish it again"
        )
