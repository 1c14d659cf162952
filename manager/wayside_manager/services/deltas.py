"""Makes deltas between releases, one at a time, in a process that may take its time, its memory and its own death.

A try is counted before it begins, so one that takes the manager down with it ends after a few. What only failed gets
one more at the next start of a manager: its bounds may be others then. The child writes into a
folder of its own; what it brings is written into the artifact store under its hash, and only then into the database: a
crash between leaves an artifact of nobody, which the next start collects. Of several managers the one with
the lease works.
Usage: one `Deltas(store, artifacts, bus, …).run()` in the task group. Tests call `look()`.
"""

import asyncio
import contextlib
import hashlib
import logging
import os
import secrets
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from wayside.errors import ConflictError, DeadlineExceededError, InvalidArgumentError, NotFoundError, WaysideError
from wayside_manager.core.deltas import (
    DeltaRecord,
    DeltaRelease,
    DeltaState,
    Pair,
    after_failure,
    after_making,
    wanted_pairs,
)
from wayside_manager.ports.deltas import DeltaStore
from wayside_manager.ports.releases import ArtifactStore
from wayside_manager.ports.rollouts import Lease
from wayside_manager.ports.wakeups import Bus, Topic

logger = logging.getLogger(__name__)

TICK_S = 5.0
LEASE_NAME = "deltas"
LEASE_LIFE_S = 15.0
_RENEW_S = 4.0
MODULE = "wayside_manager.services.delta_making"
CHUNK_BYTES = 1 << 20
SAID_BYTES = 2_000
"""Of what the child says when it fails."""


class LocalArtifacts(ArtifactStore, Protocol):
    """Artifacts that are files of this machine."""

    def path(self, sha256: str) -> Path:
        """Where the bytes of an artifact are."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the making of one delta may take."""

    memory_bytes: int
    """Address space of the child."""
    timeout_s: float


class Deltas:
    """The loop over the deltas that are worth making."""

    def __init__(
        self,
        store: DeltaStore,
        artifacts: LocalArtifacts,
        bus: Bus,
        *,
        folder: Path,
        bounds: Bounds,
        now: Callable[[], datetime],
        tick_s: float = TICK_S,
    ) -> None:
        self._store = store
        self._artifacts = artifacts
        self._bus = bus
        self._folder = folder
        self._bounds = bounds
        self._now = now
        self._tick_s = tick_s
        self._holder = secrets.token_hex(8)
        self._is_failing = False
        self._has_reopened = False

    async def run(self) -> None:
        """Makes one after the other. Never returns."""
        await asyncio.to_thread(_emptied, self._folder)
        while True:
            is_busy = False
            try:
                is_busy = await self.look()
                self._is_failing = False
            except (WaysideError, OSError) as error:
                if not self._is_failing:
                    logger.warning("deltas stand still: %s", error)
                self._is_failing = True
            if not is_busy:
                await asyncio.sleep(self._tick_s)

    async def look(self) -> bool:
        """Makes the most wanted delta that is missing; False: there is none, or another manager works.

        Raises: WaysideError: the store does not work now. OSError: the folder does not.
        """
        lease = await self._lease()
        if lease is None:
            return False
        if not self._has_reopened:
            await self._store.reopen_failed(lease=lease)
            self._has_reopened = True
        releases = {each.version: each for each in await self._store.delta_releases()}
        pairs = wanted_pairs(releases.values())
        await self._drop(await self._store.keep_pairs(pairs, lease=lease))
        pending = {
            Pair(each.version, each.base_version)
            for each in await self._store.list_deltas()
            if each.state is DeltaState.PENDING
        }
        for pair in pairs:
            if pair in pending and (delta := await self._store.begin_delta(pair, lease=lease)) is not None:
                await self._make(delta, releases, lease)
                return True
        await self._store.release_lease(lease)
        return False

    async def _lease(self) -> Lease | None:
        return await self._store.take_lease(LEASE_NAME, self._holder, now=self._now(), life_s=LEASE_LIFE_S)

    async def _drop(self, deltas: tuple[DeltaRecord, ...]) -> None:
        kept = {each.sha256 for each in await self._store.list_deltas()} if deltas else set()
        for sha256 in {each.sha256 for each in deltas} - kept - {""}:
            await self._artifacts.delete(sha256)

    async def _make(self, delta: DeltaRecord, releases: dict[str, DeltaRelease], lease: Lease) -> None:
        pair = Pair(delta.version, delta.base_version)
        base, target = releases[delta.base_version], releases[delta.version]
        folder = self._folder / secrets.token_hex(8)
        folder.mkdir(parents=True)
        try:
            async with self._kept(lease):
                await self._child(base, target, folder)
                sha256, size_bytes = await asyncio.to_thread(_hash, folder / "delta")
                state, message = after_making(
                    delta, sha256=sha256, size_bytes=size_bytes, whole_bytes=target.size_bytes
                )
                if state is DeltaState.READY:
                    await self._artifacts.write(_chunks(folder / "delta"), sha256=sha256, size_bytes=size_bytes)
                else:
                    sha256 = ""
            told = await self._store.end_delta(
                pair, state, sha256=sha256, size_bytes=size_bytes, message=message, lease=lease
            )
        except ConflictError as error:  # retired meanwhile, or another manager works; the bytes are collected later
            logger.info("delta from %s to %s: %s", base.version, target.version, error)
        except (InvalidArgumentError, NotFoundError, DeadlineExceededError) as error:
            state, message = after_failure(delta, str(error))
            logger.warning("delta from %s to %s: %s: %s", base.version, target.version, state, message)
            await self._store.end_delta(pair, state, message=message, lease=lease)
        else:
            logger.info("delta from %s to %s: %s, %d bytes", base.version, target.version, state, size_bytes)
            await self._bus.publish(Topic.DESIRED, told)
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    @contextlib.asynccontextmanager
    async def _kept(self, lease: Lease) -> AsyncIterator[None]:
        """Renews the lease meanwhile."""

        async def renew() -> None:
            while True:
                await asyncio.sleep(_RENEW_S)
                with contextlib.suppress(WaysideError):  # the database is away; the end of the work finds out
                    await self._store.take_lease(lease.name, lease.holder, now=self._now(), life_s=LEASE_LIFE_S)

        try:
            async with asyncio.TaskGroup() as group:
                renewing = group.create_task(renew(), name="deltas-lease")
                try:
                    yield
                finally:
                    renewing.cancel()
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def _child(self, base: DeltaRelease, target: DeltaRelease, folder: Path) -> None:
        """Runs the child to its end.

        Raises: InvalidArgumentError: it failed, with its word. DeadlineExceededError: it took too long.
        """
        paths = [self._artifacts.path(base.sha256), self._artifacts.path(target.sha256), folder / "delta"]
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            MODULE,
            *map(str, paths),
            str(self._bounds.memory_bytes),
            str(os.getpid()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        assert child.stderr is not None  # noqa: S101  # asked for above
        try:
            async with asyncio.timeout(self._bounds.timeout_s):
                said = await child.stderr.read(SAID_BYTES)
                while await child.stderr.read(CHUNK_BYTES):
                    pass
                status = await child.wait()
        except TimeoutError:
            raise DeadlineExceededError(
                f"it took longer than {self._bounds.timeout_s:g} s; raise timeout_s in [deltas] of manager.toml"
            ) from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()
        if status:
            raise InvalidArgumentError(_failure(status, said))


def _failure(status: int, said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    if lines:
        return lines[-1][:500]
    how = signal.Signals(-status).name if status < 0 else f"status {status}"
    return f"the process that makes it ended with {how}"


def _hash(path: Path) -> tuple[str, int]:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), file.tell()


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:  # read in a thread
        while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
            yield chunk


def _emptied(folder: Path) -> None:
    """What a crash left behind goes."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
