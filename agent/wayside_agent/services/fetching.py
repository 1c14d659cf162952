"""Fetches one artifact, patiently: goes on where it stopped, waits out every outage, keeps to a rate.

Other places are asked first, the manager last; `core.sources` decides which. Only what waiting cannot cure ends it: no
such release, no space, wrong bytes from the manager itself.
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from math import inf
from pathlib import Path

from wayside.errors import (
    DeadlineExceededError,
    InvalidArgumentError,
    NotFoundError,
    OutOfRangeError,
    PermissionDeniedError,
    ResourceExhaustedError,
    UnavailableError,
    WaysideError,
)
from wayside_agent.core.download import Order, is_report_due, paced_until_s, space_problem
from wayside_agent.core.sources import MANAGER, Sources, place, scheme, shown
from wayside_agent.ports.updates import ArtifactPlace, ArtifactSource, Downloads

ALLOWED_LOOK_S = 1.0
"""Between two looks whether a download may go on."""

SOURCES_LOOK_S = 10.0
"""Between two looks whether the manager names other sources, while all that it named are put off."""

REFUSED = "SOURCE_REFUSED"
"""Reason of a failure that is no outage."""

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], Awaitable[None]]
"""Takes the bytes on the device, and the byte the newest stretch began at."""


Addresses = Callable[[], tuple[str, ...]]
"""Where the artifact may be fetched from now, best first; it may change while it is fetched."""


class Fetching:
    """Brings artifacts from their sources onto the device."""

    def __init__(
        self,
        source: ArtifactSource,
        downloads: Downloads,
        *,
        places: Mapping[str, ArtifactPlace] | None = None,
        max_bytes_per_s: Callable[[], int],
        may_download: Callable[[], bool],
        make_room: Callable[[int], Awaitable[None]] | None = None,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Stores values; `places` are drivers by the scheme of the URLs they know.

        `make_room` drops what need not be kept until so many bytes fit.
        """
        self._source = source
        self._places = places or {}
        self._downloads = downloads
        self._max_bytes_per_s = max_bytes_per_s
        self._may_download = may_download
        self._make_room = make_room
        self._clock = clock
        self._pause = pause
        self._rng = random.Random()  # noqa: S311 # spreads load, guards nothing
        self._sources, self._sources_of = Sources(), ""
        self._begun: set[str] = set()  # sources of what is on the device, in this life

    async def fetch(self, order: Order, progress: Progress, addresses: Addresses = lambda: (MANAGER,)) -> Path:
        """The whole artifact, durable, with the announced hash. What is left of an earlier start is gone on with.

        Raises: NotFoundError: there is no such release. InvalidArgumentError: other bytes than announced.
            ResourceExhaustedError: no space. UnavailableError: no source is left that may be asked. DeviceFaultError.
        """
        if order.sha256 != self._sources_of:
            self._sources, self._sources_of = Sources(), order.sha256
            self._begun.clear()
        while True:
            is_leftover = await self._downloads.size(order.sha256) > 0
            await self._complete(order, progress, addresses)
            path, problem = await self._finished(order)
            if not problem:
                return path
            others = self._begun - {MANAGER}
            if not is_leftover and not others:
                raise InvalidArgumentError(problem, reason="ARTIFACT_HASH")
            # a power cut may have torn what was left, or another place lied: that is nobody's fault who publishes
            self._sources = self._sources.blamed(others, now_s=self._clock())
            whose = ", ".join(sorted(map(shown, others))) or "what was left of it"
            logger.warning("download of %s: %s brought wrong bytes; it is fetched anew", order.release, whose)
            self._begun.clear()

    async def _complete(self, order: Order, progress: Progress, addresses: Addresses) -> None:
        while (have_bytes := await self._downloads.size(order.sha256)) < order.size_bytes:
            await self._until_allowed()
            address = await self._chosen(addresses)
            try:
                await self._check_space(order.size_bytes - have_bytes + order.room_bytes)
                await self._stretch(order, address, have_bytes, progress, addresses)
            except UnavailableError as error:
                gained_bytes = await self._downloads.size(order.sha256) - have_bytes
                self._put_off(order, address, error, gained_bytes)

    async def _chosen(self, addresses: Addresses) -> str:
        """The source to be asked now; waits while all are put off."""
        while not (address := self._best(addresses)):
            wait_s = self._sources.wait_s(addresses(), self._clock())
            if wait_s == inf:
                raise UnavailableError("there is no source that may be asked for the artifact", reason="NO_SOURCE")
            await self._pause(min(wait_s, SOURCES_LOOK_S))
        return address

    def _best(self, addresses: Addresses) -> str:
        return self._sources.best(addresses(), self._clock())

    async def _stretch(
        self, order: Order, address: str, begin_bytes: int, progress: Progress, addresses: Addresses
    ) -> None:
        done_bytes = reported_bytes = begin_bytes
        ready_s = reported_s = self._clock()
        await progress(begin_bytes, begin_bytes)
        async with aclosing(self._chunks(order, address, begin_bytes)) as chunks:
            async for chunk in chunks:
                done_bytes += len(chunk)
                self._begun.add(address)
                await self._keep(order, address, chunk, done_bytes)
                now_s = self._clock()
                since_s = now_s - reported_s
                if is_report_due(done_bytes, order.size_bytes, reported_bytes=reported_bytes, since_report_s=since_s):
                    reported_bytes, reported_s = done_bytes, now_s
                    await progress(done_bytes, begin_bytes)
                ready_s = paced_until_s(ready_s, now_s, len(chunk), self._max_bytes_per_s())
                if ready_s > now_s:
                    await self._pause(ready_s - now_s)
                if not self._may_download() or place(self._best(addresses)) != place(address):
                    return  # a better source may be asked again, or this one no longer
        if done_bytes < order.size_bytes:
            raise UnavailableError(f"the transfer ended at byte {done_bytes} of {order.size_bytes}")

    async def _until_allowed(self) -> None:
        while not self._may_download():
            await self._pause(ALLOWED_LOOK_S)

    async def _keep(self, order: Order, address: str, chunk: bytes, done_bytes: int) -> None:
        if done_bytes <= order.size_bytes:
            await self._downloads.append(order.sha256, chunk)
            return
        sentence = f"{order.release}: more than the announced {order.size_bytes} bytes came"
        if address != MANAGER:
            raise UnavailableError(sentence, reason=REFUSED)
        await self._downloads.discard()
        raise InvalidArgumentError(f"{sentence}; publish it again", reason="SIZE")

    async def _chunks(self, order: Order, address: str, offset_bytes: int) -> AsyncGenerator[bytes, None]:
        """The source's bytes; every failure that may pass comes out as UnavailableError."""
        stream = self._opened(order, address, offset_bytes)
        try:
            async for chunk in stream:
                yield chunk
        except (UnavailableError, DeadlineExceededError) as error:
            raise UnavailableError(str(error)) from error
        except WaysideError as error:
            if address == MANAGER:
                await self._judge_refusal(order, error)
            raise UnavailableError(str(error), reason=REFUSED) from error
        finally:
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()

    def _opened(self, order: Order, address: str, offset_bytes: int) -> AsyncIterator[bytes]:
        if address != MANAGER:
            return self._places[scheme(address)].fetch(address, order, offset_bytes=offset_bytes)
        delta_sha256 = order.sha256 if order.is_delta else ""
        return self._source.fetch(order.release, offset_bytes=offset_bytes, delta_sha256=delta_sha256)

    async def _judge_refusal(self, order: Order, error: WaysideError) -> None:
        """What the manager refuses: some of it is final, the rest may pass."""
        if isinstance(error, NotFoundError):
            raise error
        if order.is_delta and isinstance(error, PermissionDeniedError):  # it was taken back: another way is left
            raise NotFoundError(str(error)) from error
        if isinstance(error, OutOfRangeError):  # what is here is no beginning of what is there
            await self._downloads.discard()
            self._begun.clear()
        raise UnavailableError(str(error)) from error

    async def _check_space(self, missing_bytes: int) -> None:
        if self._make_room is not None:
            await self._make_room(missing_bytes)
        problem = space_problem(missing_bytes=missing_bytes, free_bytes=await self._downloads.free_bytes())
        if problem:
            raise ResourceExhaustedError(problem, reason="DISK_FULL")

    def _put_off(self, order: Order, address: str, error: UnavailableError, gained_bytes: int) -> None:
        self._sources = self._sources.failed(
            address,
            now_s=self._clock(),
            gained_bytes=gained_bytes,
            is_refused=error.reason == REFUSED,
            rng=self._rng,
        )
        log = logger.warning if self._sources.fault_count(address) == 1 else logger.debug
        log("download of %s from %s: %s; it goes on from there", order.release, shown(address), error)

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
