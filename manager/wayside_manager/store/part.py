"""What the parts of the SQL store share: the database, what a transaction is, the rule for etags, and pages.

A method of the store is a plain function of a connection; `reading` or `writing` makes it one transaction:

    @reading
    def get_node(self, connection: Connection, node_id: str) -> NodeRecord: ...

    node = await store.get_node("rsu-1")
"""

from collections.abc import Callable, Coroutine, Sequence
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Row

from wayside.errors import ConflictError
from wayside_manager.core.configs import ConfigMapping
from wayside_manager.core.pages import Page, page_token
from wayside_manager.store.database import Database

T = TypeVar("T")
P = ParamSpec("P")
Part = TypeVar("Part", bound="SqlPart")
ConfigSerializer = Callable[[ConfigMapping], bytes]
"""Serializes a merged configuration the same way every time; protobuf stays out of the store."""


class SqlPart:
    """One port's share of the SQL store."""

    def __init__(self, database: Database, *, serialize_config: ConfigSerializer) -> None:
        self.database = database
        self._serialize_config = serialize_config


def reading(
    method: Callable[Concatenate[Part, Connection, P], T],
) -> Callable[Concatenate[Part, P], Coroutine[Any, Any, T]]:
    """The method as a transaction that only reads; see `Database.read`."""

    @wraps(method)
    async def transacted(part: Part, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await part.database.read(lambda connection: method(part, connection, *args, **kwargs))

    return transacted


def writing(
    method: Callable[Concatenate[Part, Connection, P], T],
) -> Callable[Concatenate[Part, P], Coroutine[Any, Any, T]]:
    """The method as a transaction that may write; see `Database.write`."""

    @wraps(method)
    async def transacted(part: Part, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await part.database.write(lambda connection: method(part, connection, *args, **kwargs))

    return transacted


def check_etag(etag: str, revision: int, thing: str) -> None:
    """Returns if the etag is empty or the present one.

    Raises: ConflictError: somebody changed the thing meanwhile.
    """
    if etag not in {"", str(revision)}:
        raise ConflictError(f"{thing} has changed meanwhile; read it again and redo the change", reason="ETAG_MISMATCH")


def page(
    rows: Sequence[Row[Any]], page_size: int, question: str, *, key: Sequence[str], record: Callable[[Row[Any]], T]
) -> Page[T]:
    """A page of at most `page_size` records out of one row more; `key` names the columns the list is sorted by."""
    shown = rows[:page_size]
    token = ""
    if len(rows) > page_size:
        token = page_token(question, tuple(getattr(shown[-1], name) for name in key))
    return Page(tuple(record(row) for row in shown), token)
