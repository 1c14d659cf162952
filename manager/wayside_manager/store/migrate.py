"""The schema of the database: brought up to date once, checked at every start.

Usage: `await migrate(url)`, later `await check_schema(url)`.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from sqlalchemy import Connection, create_engine, inspect, text

from wayside.errors import FailedPreconditionError
from wayside_manager.store.config_effects import retarget

if TYPE_CHECKING:
    from alembic.config import Config


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
    _check_not_newer(connection)
    before = _present(connection)
    if before != _revisions()[-1]:
        _upgrade(connection)
        if before:
            # what the layers make of nodes may be another thing for this program than for the one before
            retarget(connection, now=datetime.now(UTC), cause="manager", is_strict=False)
    return _checked(connection)


def _checked(connection: Connection) -> str:
    _check_not_newer(connection)
    present, head = _present(connection), _revisions()[-1]
    if present != head:
        raise FailedPreconditionError(
            f"database: its schema is {present or 'missing'}, not {head}; run `wayside-manager migrate` once",
            reason="SCHEMA_OLD",
        )
    return head


def _check_not_newer(connection: Connection) -> None:
    present, known = _present(connection), _revisions()
    if present and present not in known:
        raise FailedPreconditionError(
            f"database: its schema {present} is newer than this program's {known[-1]}; run the newer program",
            reason="SCHEMA_NEW",
        )


def _present(connection: Connection) -> str:
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.scalar(text("SELECT version_num FROM alembic_version")) or "")


@cache
def _revisions() -> tuple[str, ...]:
    """Every revision this program knows, oldest first: the beginnings of the names of the files that make them."""
    folder = files("wayside_manager.store") / "migrations" / "versions"
    return tuple(sorted(file.name.partition("_")[0] for file in folder.iterdir() if file.name.endswith(".py")))


def _upgrade(connection: Connection) -> None:
    from alembic import command  # half of what a manager would load to start, and a start has nothing to migrate

    command.upgrade(_config(connection), "head")


def _config(connection: Connection) -> "Config":
    from alembic.config import Config  # as above

    config = Config()
    config.set_main_option("script_location", "wayside_manager.store:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
