"""The schema: made once, checked at every opening, the same in the migrations as in the tables."""

import json
from importlib.resources import files
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, text

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


def test_the_names_of_the_migrations_are_their_revisions_in_order() -> None:
    folder = Path(str(files("wayside_manager.store"))) / "migrations"
    found = [script.revision for script in ScriptDirectory(str(folder)).walk_revisions()]
    names = sorted((path.name.partition("_")[0] for path in (folder / "versions").glob("*.py")), reverse=True)
    assert found == names


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


def _older(store_url: str, revision: str) -> Engine:
    """A database of an older program."""
    engine = create_engine(store_url)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(str(files("wayside_manager.store"))) / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    return engine


async def test_free_texts_of_sites_become_sites_and_roles_there_keep_their_reach(store_url: str) -> None:
    engine = _older(store_url, "0002")
    with engine.begin() as connection:
        for node_id, site in (("rsu-1", "K12+300"), ("rsu-2", "k12 300"), ("rsu-3", ""), ("rsu-4", "K12+300")):
            connection.execute(
                text(
                    "INSERT INTO nodes (node_id, esn, kind, display_name, site, state, create_us, update_us, revision,"
                    " tenant_id, registered_key_sha256, trusted_sha256)"
                    " VALUES (:node_id, :node_id, 'rsu', '', :site, 'enrolled', 1, 1, 1, 'root', '', '')"
                ),
                {"node_id": node_id, "site": site},
            )
        bindings = [{"role": "viewer", "tenant_id": "root", "sites": ["K12+300", "K12 300"], "labels": []}]
        connection.execute(
            text("INSERT INTO operators VALUES ('ann', '', :bindings, false, NULL, '', 1, 1, 1)"),
            {"bindings": json.dumps(bindings)},
        )
    engine.dispose()
    with pytest.raises(FailedPreconditionError, match="schema is 0002"):
        async with opened(store_url):
            pass
    engine = _older(store_url, "0003")
    with engine.begin() as connection:
        at = {row[0]: row[1] for row in connection.execute(text("SELECT node_id, site_id FROM nodes"))}
        names = {row[0]: row[1] for row in connection.execute(text("SELECT site_id, display_name FROM sites"))}
        (binding,) = json.loads(str(connection.scalar(text("SELECT bindings FROM operators"))))
    engine.dispose()
    assert at == {"rsu-1": "k12-300", "rsu-2": "k12-300-2", "rsu-3": None, "rsu-4": "k12-300"}
    assert names == {"k12-300": "K12+300", "k12-300-2": "k12 300"}
    # a text that no node had stands for nobody still
    assert binding["sites"] == ["k12-300", "k12-300-3"]
