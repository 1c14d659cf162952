"""kill -9 of the process that makes deltas, and of the manager while one is made: nothing half-made is ever served."""

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from tests.contract.manager_store import START, after, enrolled
from tests.releases import archive
from wayside.release_manifest import Manifest
from wayside.release_reading import ReleaseReading
from wayside_manager.core.deltas import MAX_TRIES, DeltaRecord, DeltaState
from wayside_manager.core.releases import ReleaseRecord
from wayside_manager.ports.store import Store
from wayside_manager.services.artifact_collection import collect_artifacts
from wayside_manager.services.deltas import LEASE_LIFE_S, Bounds, Deltas
from wayside_manager.store.artifacts import ArtifactDirectory
from wayside_manager.store.bus import LocalBus
from wayside_manager.store.migrate import migrate
from wayside_manager.store.sql import open_store

RANDOM = Random(5)  # noqa: S311  # repeatable bytes, no secrets
SHARED, LARGE = RANDOM.randbytes(60_000), RANDOM.randbytes(3_000_000)
BOUNDS = Bounds(memory_bytes=2 << 30, timeout_s=60)
STEPS_MAX = 60
TIMEOUT_S = 60.0

# Looks once in each of many copies of a manager's folder, each time in a child that ends itself by SIGKILL one step
# later than the one before: a statement, a commit, a file that is opened, named or removed, a process that is started.
# Says how many were killed before one was done. Forked, because the imports cost more than the look.
LOOKER = """
import asyncio, os, shutil, signal, sys
from pathlib import Path
from sqlalchemy import event
from sqlalchemy.engine import Engine
from tests.contract.test_delta_kill import Manager

first, folder, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
CALLS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "subprocess.Popen"}

async def look(manager, left):
    def die():
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def written(connection, cursor, statement, *_):
        if statement.split(" ", 1)[0] in {"INSERT", "UPDATE", "DELETE"}:
            die()

    def called(name, arguments):
        if name in CALLS and str(manager.folder) in str(arguments):
            die()

    async with manager.opened() as running:
        event.listen(Engine, "after_cursor_execute", written)
        event.listen(Engine, "commit", lambda *_: die())
        sys.addaudithook(called)
        await running.deltas.look()

for index in range(count):
    manager = Manager(folder / str(index))
    shutil.copytree(first, manager.folder)
    child = os.fork()
    if child == 0:
        asyncio.run(look(manager, index))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status == 0:
        break
    assert os.WTERMSIG(status) == signal.SIGKILL, status
print(index)
"""


@dataclass
class Running:
    """A manager's deltas, store and artifacts."""

    store: Store
    artifacts: ArtifactDirectory
    deltas: Deltas

    async def delta(self) -> DeltaRecord:
        (found,) = await self.store.list_deltas()
        return found

    async def check_served(self) -> None:
        """Whatever may be fetched is whole; whatever is not ready cannot be asked for."""
        for delta in await self.store.list_deltas():
            assert (delta.state is DeltaState.READY) == bool(delta.sha256)
            if delta.sha256:
                content = b"".join([chunk async for chunk in self.artifacts.read(delta.sha256)])
                assert (hashlib.sha256(content).hexdigest(), len(content)) == (delta.sha256, delta.size_bytes)


@dataclass
class Manager:
    """One manager's folder."""

    folder: Path
    life: int = 0

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Running]:
        """One life of it, as the app begins it; the lease of the one before has ended."""
        now = after(self.life * 2 * LEASE_LIFE_S)
        self.life += 1
        async with (
            open_store(self.url) as store,
            ArtifactDirectory(self.folder / "artifacts") as artifacts,
        ):
            await collect_artifacts(store, artifacts)
            deltas = Deltas(
                store, artifacts, LocalBus(), folder=self.folder / "deltas", bounds=BOUNDS, now=lambda: now, tick_s=0.01
            )
            yield Running(store, artifacts, deltas)

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder / 'database'}"

    async def begin(self, noise: bytes = b"") -> None:
        """Two releases, and a node that runs the first."""
        self.folder.mkdir()
        await migrate(self.url)
        async with self.opened() as running:
            for version in ("1.0.0", "1.1.0"):
                tree_sha256 = await published(running, version, noise if version == "1.1.0" else b"")
                if version == "1.0.0":
                    await enrolled(running.store, "rsu-1")
                    await running.store.note_software("rsu-1", hardware_id="", running_tree_sha256=tree_sha256)


async def published(running: Running, version: str, noise: bytes) -> str:
    """A release; its tree."""
    files = {"site/shared": SHARED, "site/version.py": version.encode(), "site/noise": noise}
    content = archive(version, files=files)
    sha256, manifest = hashlib.sha256(content).hexdigest(), manifest_of(content)

    async def chunks() -> AsyncIterator[bytes]:
        yield content

    await running.artifacts.write(chunks(), sha256=sha256, size_bytes=len(content))
    await running.store.add_release(ReleaseRecord(version, sha256, len(content), "", START, manifest=manifest))
    return manifest.tree_sha256


def manifest_of(content: bytes) -> Manifest:
    import io

    reading = ReleaseReading(io.BytesIO(content))
    next(reading.entries(), None)
    return reading.manifest


async def test_a_manager_killed_at_any_step_serves_nothing_half_made_and_makes_it_again(tmp_path: Path) -> None:
    await Manager(tmp_path / "first").begin()
    command = [sys.executable, "-c", LOOKER, str(tmp_path / "first"), str(tmp_path), str(STEPS_MAX)]
    ended = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    steps, tries = int(ended.stdout), []
    assert 15 < steps < STEPS_MAX
    for index in range(steps):
        manager = Manager(tmp_path / str(index), life=1)
        async with manager.opened() as running:
            await running.check_served()
            begun = sum(each.try_count for each in await running.store.list_deltas())
            is_made = any(each.state is DeltaState.READY for each in await running.store.list_deltas())
            assert await running.deltas.look() is not is_made
            made = await running.delta()
            assert (made.state, made.try_count) == (DeltaState.READY, begun + (not is_made))
            await running.check_served()
            assert not list((manager.folder / "artifacts").glob("*.part"))
            assert len(await running.artifacts.hashes()) == 3
            tries.append(made.try_count)
    assert set(tries) == {1, 2}


MOMENTS: dict[str, Callable[[Path], bool]] = {
    "it has begun": lambda folder: bool(list(folder.glob("*"))),
    "it unpacks": lambda folder: bool(list(folder.glob("*/*/new"))),
    "it writes": lambda folder: any(path.stat().st_size for path in folder.glob("*/*/made")),
}


async def until(is_so: Callable[[], bool]) -> None:
    """Looks at files and processes, which tell nobody."""
    async with asyncio.timeout(TIMEOUT_S):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0)


def makers(parent: int) -> list[int]:
    """Processes that make deltas, started by another."""
    found = []
    for task in Path(f"/proc/{parent}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return [each for each in found if b"delta_making" in Path(f"/proc/{each}/cmdline").read_bytes()]


async def killed(running: Running, folder: Path, moment: str) -> None:
    """Looks, and kills the process that makes the delta at a moment."""
    async with asyncio.TaskGroup() as group:
        looking = group.create_task(running.deltas.look())
        await until(lambda: bool(makers(os.getpid())) and MOMENTS[moment](folder))
        for process in makers(os.getpid()):
            os.kill(process, signal.SIGKILL)
        assert await looking


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_maker_that_is_killed_is_tried_again_and_leaves_nothing(tmp_path: Path, moment: str) -> None:
    manager = Manager(tmp_path / "manager")
    await manager.begin(LARGE)
    folder = manager.folder / "deltas"
    async with manager.opened() as running:
        await killed(running, folder, moment)
        delta = await running.delta()
        assert (delta.state, delta.try_count, delta.sha256) == (DeltaState.PENDING, 1, "")
        assert delta.message == "the process that makes it ended with SIGKILL"
        assert list(folder.iterdir()) == []  # a test has nothing else to do
        assert len(await running.artifacts.hashes()) == 2
        assert await running.deltas.look()
        assert ((await running.delta()).state, (await running.delta()).try_count) == (DeltaState.USELESS, 2)


async def test_a_maker_that_is_killed_every_time_is_given_up_and_the_whole_is_there(tmp_path: Path) -> None:
    manager = Manager(tmp_path / "manager")
    await manager.begin()
    async with manager.opened() as running:
        for _ in range(MAX_TRIES):
            await killed(running, manager.folder / "deltas", "it has begun")
        delta = await running.delta()
        assert (delta.state, delta.try_count, delta.sha256) == (DeltaState.FAILED, MAX_TRIES, "")
        assert not await running.deltas.look()
        assert len(await running.artifacts.hashes()) == 2


async def ended(process: int) -> None:
    """Waits until a process that is not ours has ended."""
    status = Path(f"/proc/{process}/stat")

    def is_over() -> bool:
        try:
            return status.read_text().rpartition(")")[2].split()[0] in "ZX"
        except OSError:
            return True

    await until(is_over)


SECOND_MANAGER = """
import asyncio, sys
from pathlib import Path
from tests.contract.test_delta_kill import Manager

async def run():
    async with Manager(Path(sys.argv[1])).opened() as running:
        await running.deltas.run()

asyncio.run(run())
"""


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_maker_ends_with_its_manager_and_the_next_manager_clears_up(tmp_path: Path, moment: str) -> None:
    manager = Manager(tmp_path / "manager")
    await manager.begin(LARGE)
    folder = manager.folder / "deltas"
    other = await asyncio.create_subprocess_exec(sys.executable, "-c", SECOND_MANAGER, str(manager.folder))
    await until(lambda: bool(makers(other.pid)) and MOMENTS[moment](folder))
    (maker,) = makers(other.pid)
    other.kill()
    await other.wait()
    await ended(maker)
    manager.life = 1
    async with manager.opened() as running:
        delta = await running.delta()
        assert (delta.state, delta.try_count, delta.sha256) == (DeltaState.PENDING, 1, "")
        assert list(folder.iterdir()) != []  # what the kill left
        assert list(folder.glob("*/delta")) == []  # it did not go on by itself
        await over(running.deltas.run, lambda: _is_cleared(running, folder))
        assert (await running.delta()).try_count == 2


async def _is_cleared(running: Running, folder: Path) -> bool:
    return (await running.delta()).state is DeltaState.USELESS and is_empty(folder)


def is_empty(folder: Path) -> bool:
    return not list(folder.iterdir())


class _OverError(Exception):
    """What was waited for is so."""


async def over(run: Callable[[], Coroutine[None, None, None]], is_so: Callable[[], Awaitable[bool]]) -> None:
    """Runs a service until something is so."""

    async def watch() -> None:
        async with asyncio.timeout(TIMEOUT_S):
            while not await is_so():  # noqa: ASYNC110
                await asyncio.sleep(0)
        raise _OverError

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(run())
            group.create_task(watch())
    except* _OverError:
        pass
