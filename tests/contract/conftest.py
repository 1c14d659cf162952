"""A manager's store on every engine there is. Tests name none: another engine is another line in ENGINES."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.contract.manager_store import opened
from wayside_manager.ports.store import Store
from wayside_manager.store.migrate import migrate

ENGINES = {"sqlite": "sqlite:///{directory}/manager.db"}


@pytest.fixture(params=sorted(ENGINES))
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty database may be made."""
    return ENGINES[request.param].format(directory=tmp_path)


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database in a file, made once: all migrations for each of hundreds of tests take minutes."""
    path = tmp_path_factory.mktemp("template") / "manager.db"
    asyncio.run(migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture
async def store(store_url: str, empty_file: Path) -> AsyncIterator[Store]:
    """An empty store."""
    url = make_url(store_url)
    if url.get_backend_name() == "sqlite":
        shutil.copyfile(empty_file, str(url.database))
    else:
        await migrate(store_url)
    async with opened(store_url) as store:
        yield store


@pytest.fixture
def database_path(store_url: str) -> Path:
    """The file behind the store."""
    url = make_url(store_url)
    if url.get_backend_name() != "sqlite":
        pytest.skip("needs the database to be a file")
    return Path(str(url.database))
