"""Connections and transactions. One thread writes, several read; errors of the engine end here.

One writer, because SQLite has one anyway: callers queue for it in order instead of polling a locked file. A transaction
is one function that runs in a thread from its BEGIN to its end, so a caller that goes away half-way leaves no open
transaction behind, and the event loop is crossed once per transaction instead of once per statement.
Usage: `async with Database(url) as database: await database.write(lambda connection: ...)`.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from wayside.errors import ResourceExhaustedError, UnavailableError, WaysideError

logger = logging.getLogger(__name__)
T = TypeVar("T")

_READER_COUNT = 4
_QUEUE_TIMEOUT_S = 30.0
"""Longest wait for a connection; far above the longest transaction (10,000 new configurations, under 2 s)."""
_CLOSE_TIMEOUT_S = 3.0
"""Time for transactions under way when the database closes; what they do not reach is as if the power went."""
_SQLITE_PRAGMAS = (
    "PRAGMA busy_timeout = 5000",  # another process, such as a backup, may hold the file for a moment
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # what is acknowledged survives power loss; NORMAL would lose the newest commits
    "PRAGMA foreign_keys = ON",
)


class Database:
    """The engines behind a URL such as `sqlite:////var/lib/wayside/manager.db`."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        self._writer = _Threads(parsed, connection_count=1, begin="BEGIN IMMEDIATE")
        self._readers = _Threads(parsed, connection_count=_READER_COUNT, begin="BEGIN")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        async with asyncio.TaskGroup() as group:
            for threads in (self._readers, self._writer):
                group.create_task(threads.close())

    async def write(self, work: Callable[[Connection], T]) -> T:
        """The result of `work` in a transaction that ends committed, or without a trace when `work` raises.

        A caller that is cancelled does not learn which; the transaction ends by itself.
        Raises: ResourceExhaustedError: the disk is full; UnavailableError: the database does not answer.
        """
        return await self._writer.run(work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """The result of `work` in a transaction that sees one state of the database throughout.

        Raises: UnavailableError: the database does not answer.
        """
        return await self._readers.run(work)


class _Threads:
    """Threads with a connection each. Callers wait for a free one in the order in which they came."""

    def __init__(self, url: URL, *, connection_count: int, begin: str) -> None:
        self._engine = _engine(url, connection_count=connection_count, begin=begin)
        self._threads = ThreadPoolExecutor(connection_count, thread_name_prefix="database")
        self._free = asyncio.Semaphore(connection_count)
        self._connection_count = connection_count
        self._is_closed = False

    async def run(self, work: Callable[[Connection], T]) -> T:
        """See `Database.write`."""
        try:
            async with asyncio.timeout(_QUEUE_TIMEOUT_S):
                await self._free.acquire()
        except TimeoutError:
            raise UnavailableError(
                "database: too many callers wait for it; try again", reason="DATABASE_BUSY"
            ) from None
        if self._is_closed:
            self._free.release()
            raise UnavailableError("database: it is closed; the manager stops", reason="STOPPING")
        transaction = asyncio.get_running_loop().run_in_executor(self._threads, self._transaction, work)
        transaction.add_done_callback(self._ended)
        return await asyncio.shield(transaction)

    async def close(self) -> None:
        """Lets transactions under way end, and no new one begin."""
        self._is_closed = True
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                for _ in range(self._connection_count):
                    await self._free.acquire()
        except TimeoutError:
            logger.warning("database: a transaction did not end within %.0f s; closing without it", _CLOSE_TIMEOUT_S)
        finally:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._engine.dispose()

    def _transaction(self, work: Callable[[Connection], T]) -> T:
        with _Translated(), self._engine.begin() as connection:
            return work(connection)

    def _ended(self, transaction: "asyncio.Future[Any]") -> None:
        if not transaction.cancelled():
            transaction.exception()  # looked at, should the caller be gone
        self._free.release()


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
    return None


def _engine(url: URL, *, connection_count: int, begin: str) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=connection_count,
        max_overflow=0,
        pool_reset_on_return=None,  # `Engine.begin` has committed or rolled back already
        hide_parameters=True,
    )
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _beginner(begin))
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
        # Straight to the driver: SQLAlchemy's own way to it costs as much as a short query.
        cursor = connection.connection.cursor()
        cursor.execute(statement)
        cursor.close()

    return begin
