"""A whole manager in this process: real files, real TLS on free ports."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from tests.link.manager_api.matrix_things import settled
from tests.link.manager_api.matrix_world import World, noting_what_is_served
from tests.link.manager_api.peer import Clock, LocalManager, NodeCredential, Peer
from tests.signing import give_roots
from wayside_manager.app import running
from wayside_manager.cli.initialise import initialise
from wayside_manager.door_settings import DoorSettings
from wayside_manager.settings import DataFolder, Settings

SETTINGS = Settings(
    device_port=0,
    operator_port=0,
    stop_grace_s=0.2,
    artifact_max_bytes=8 << 20,
    attempts_per_s=1_000.0,  # every test comes from one address; what the real figures do: test_rate_limits
    node_calls_per_s=1_000.0,
    operator_calls_per_s=1_000.0,
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def made_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manager that never ran, made once: keys and migrations for each of many hundred tests take minutes."""
    path = tmp_path_factory.mktemp("made") / "manager"
    asyncio.run(initialise(DataFolder(path), SETTINGS))
    asyncio.run(give_roots(DataFolder(path), SETTINGS))
    return path


@pytest.fixture
async def manager(made_folder: Path, tmp_path: Path, clock: Clock) -> AsyncIterator[LocalManager]:
    folder = DataFolder(shutil.copytree(made_folder, tmp_path / "manager"))
    async with running(folder, SETTINGS, now=clock) as endpoints:
        yield LocalManager(folder, endpoints, clock)


@pytest.fixture
async def operator(manager: LocalManager) -> AsyncIterator[Peer]:
    async with manager.operator() as peer:
        yield peer


@pytest.fixture
async def rsu(manager: LocalManager) -> NodeCredential:
    return await manager.enroll("rsu-1")


@pytest.fixture
async def rsu_peer(manager: LocalManager, rsu: NodeCredential) -> AsyncIterator[Peer]:
    async with manager.node(rsu) as peer:
        yield peer


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(made_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Two tenants with one of everything, for all tests of a module."""
    folder = DataFolder(shutil.copytree(made_folder, tmp_path_factory.mktemp("matrix") / "manager"))
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch, noting_what_is_served(patch) as served:
        # strangers call once for each method, from one address
        settings = msgspec.structs.replace(SETTINGS, door=DoorSettings(unlimited_addresses=("127.0.0.0/8",)))
        async with running(folder, settings, now=clock) as endpoints:
            manager = LocalManager(folder, endpoints, clock)
            async with manager.operator() as admin:
                found = await settled(manager, admin)
                found.served = served
                yield found
