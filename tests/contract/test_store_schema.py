"""The schema: made once, checked at every opening, the same in the migrations as in the tables."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, text

from tests.contract.manager_store import enrolled, opened
from wayside.errors import FailedPreconditionError
from wayside_manager.store.migrate import migrate
from wayside_manager.store.tables import metadata


async def test_an_empty_database_is_not_opened(store_url: str) -> None:
    with pytest.raises(FailedPreconditionError, match="its schema is missing"):
        async with opened(store_url):
            pass


async def test_a_database_of_a_newer_program_is_neither_opened_nor_migrated(store_url: str) -> None:
    await migrate(store_url)
    engine = create_engine(store_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(FailedPreconditionError, match="9999 is newer"):
        async with opened(store_url):
            pass
    with pytest.raises(FailedPreconditionError, match="9999 is newer"):
        await migrate(store_url)


async def test_migrating_again_keeps_everything(store_url: str) -> None:
    first = await migrate(store_url)
    async with opened(store_url) as store:
        await enrolled(store, "rsu-1")
    assert await migrate(store_url) == first
    async with opened(store_url) as store:
        assert (await store.get_node("rsu-1")).node_id == "rsu-1"


async def test_the_migrations_make_the_tables_the_store_uses(store_url: str) -> None:
    await migrate(store_url)
    engine = create_engine(store_url)
    with engine.begin() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    assert differences == []
