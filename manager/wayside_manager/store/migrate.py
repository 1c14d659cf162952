"""The schema of the database: brought up to date once, checked at every start.

Usage: `await migrate(url)`, later `await check_schema(url)`.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

from wayside.errors import FailedPreconditionError
from wayside_manager.store.config_effects import retarget


async def migrate(url: str) -> str:
    """Brings the schema up to this program's and returns its revision; creates the database when there is none.

    Raises: FailedPreconditionError: the database was written by a newer program.
    """
    return await asyncio.to_thread(_with_connection, url, _migrated)


async def check_schema(url: str) -> str:
    """The revision of the schema, if this program can work on it.

    Raises: FailedPreconditionError: it is newer or older, or there is none.
    """
    return await asyncio.to_thread(_with_connection, url, _checked)


def _with_connection(url: str, work: Callable[[Connection], str]) -> str:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            return work(connection)
    finally:
        engine.dispose()


def _migrated(connection: Connection) -> str:
    config = _config(connection)
    _check_not_newer(connection, config)
    before = _present(connection)
    command.upgrade(config, "head")
    if before not in {"", _head(config)}:
        # what the layers make of nodes may be another thing for this program than for the one before
        retarget(connection, now=datetime.now(UTC), cause="manager", is_strict=False)
    return _checked(connection)


def _checked(connection: Connection) -> str:
    config = _config(connection)
    _check_not_newer(connection, config)
    present, head = _present(connection), _head(config)
    if present != head:
        raise FailedPreconditionError(
            f"database: its schema is {present or 'missing'}, not {head}; run `wayside-manager migrate` once",
            reason="SCHEMA_OLD",
        )
    return head


def _check_not_newer(connection: Connection, config: Config) -> None:
    present = _present(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if present and present not in known:
        raise FailedPreconditionError(
            f"database: its schema {present} is newer than this program's {_head(config)}; run the newer program",
            reason="SCHEMA_NEW",
        )


def _present(connection: Connection) -> str:
    return MigrationContext.configure(connection).get_current_revision() or ""


def _head(config: Config) -> str:
    return ScriptDirectory.from_config(config).get_current_head() or ""


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", "wayside_manager.store:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
