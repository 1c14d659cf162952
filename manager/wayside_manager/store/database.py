"""Connections and transactions. One connection writes, several read; errors of the engine end here.

One writer, because SQLite has one anyway: callers queue for the connection in order instead of polling a locked file.
Usage: `async with Database(url) as database, database.writing() as connection: ...`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

from sqlalchemy import URL, Connection, event, exc, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from wayside.errors import ResourceExhaustedError, UnavailableError, WaysideError

_READER_COUNT = 4
_QUEUE_TIMEOUT_S = 30.0
"""Longest wait for a connection; far above the longest transaction (10,000 new configurations, under 2 s)."""
_SQLITE_PRAGMAS = (
    "PRAGMA busy_timeout = 5000",  # another process, such as a backup, may hold the file for a moment
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # what is acknowledged survives power loss; NORMAL would lose the newest commits
    "PRAGMA foreign_keys = ON",
)


class Database:
    """The engines behind a URL such as `sqlite+aiosqlite:////var/lib/wayside/manager.db`."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        self._writer = _engine(parsed, connection_count=1, begin="BEGIN IMMEDIATE")
        self._readers = _engine(parsed, connection_count=_READER_COUNT, begin="BEGIN")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._readers.dispose()
        await self._writer.dispose()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that ends committed, or without a trace.

        Raises: ResourceExhaustedError: the disk is full; UnavailableError: the database does not answer.
        """
        with _Translated():
            async with self._writer.begin() as connection:
                yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees one state of the database throughout.

        Raises: UnavailableError: the database does not answer.
        """
        with _Translated():
            async with self._readers.begin() as connection:
                yield connection


class _Translated:
    """Turns what the engine says of its own state into our errors; bugs in our SQL pass as they are."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        translated = _translation(error)
        if translated is not None:
            raise translated from error


def _translation(error: BaseException | None) -> WaysideError | None:
    if isinstance(error, exc.OperationalError):
        if "full" in str(error.orig):
            return ResourceExhaustedError("database: its disk is full; free space", reason="DATABASE_FULL")
        return UnavailableError(f"database: {error.orig}; try again", reason="DATABASE_UNAVAILABLE")
    if isinstance(error, exc.TimeoutError):
        return UnavailableError("database: too many callers wait for it; try again", reason="DATABASE_BUSY")
    return None


def _engine(url: URL, *, connection_count: int, begin: str) -> AsyncEngine:
    engine = create_async_engine(
        url, pool_size=connection_count, max_overflow=0, pool_timeout=_QUEUE_TIMEOUT_S, hide_parameters=True
    )
    if url.get_backend_name() == "sqlite":
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _beginner(begin))
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # Python's sqlite3 begins transactions late by itself; with that off we say when and how.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _SQLITE_PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _beginner(statement: str) -> Any:  # noqa: ANN401  # what event.listen takes
    def begin(connection: Connection) -> None:
        # IMMEDIATE takes the write lock at once: a read that later turns into a write could fail half-way.
        connection.exec_driver_sql(statement)

    return begin
