"""What the parts of the SQL store share: the database, the rule for etags, and pages."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Row

from wayside.errors import ConflictError
from wayside_manager.core.configs import ConfigMapping
from wayside_manager.core.pages import Page, page_token
from wayside_manager.store.database import Database

T = TypeVar("T")
ConfigSerializer = Callable[[ConfigMapping], bytes]
"""Serializes a merged configuration the same way every time; protobuf stays out of the store."""


class SqlPart:
    """One port's share of the SQL store."""

    def __init__(self, database: Database, *, serialize_config: ConfigSerializer) -> None:
        self._database = database
        self._serialize_config = serialize_config


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
