"""What the parts of the SQL store share: the database, what a transaction is, the rule for etags, and pages.

A method of the store is a plain function of a connection; `reading` or `writing` makes it one transaction:

    @reading
    def get_node(self, connection: Connection, node_id: str) -> NodeRecord: ...

    node = await store.get_node("rsu-1")

A writing one says what it changed, and the transaction adds it to the audit trail when an audited call is under way:

    changed(connection, "nodes/rsu-1", before=facts(row), after=facts(new_row))
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Row

from wayside.errors import ConflictError
from wayside_manager.core.audit import CallRecord, Change, digest
from wayside_manager.core.pages import Page, page_token
from wayside_manager.ports.audit import CALL
from wayside_manager.store.audit_rows import append, use_approval
from wayside_manager.store.database import Database

T = TypeVar("T")
P = ParamSpec("P")
Part = TypeVar("Part", bound="SqlPart")
_NOTED = "wayside changes"


@dataclass(slots=True)
class _Noted:
    """What a transaction changed so far."""

    changes: list[Change] = field(default_factory=list)
    tenant_ids: set[str] = field(default_factory=set)


class SqlPart:
    """One port's share of the SQL store."""

    def __init__(self, database: Database) -> None:
        self.database = database


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
    """The method as a transaction that may write; see `Database.write`.

    Within an audited call (`ports.audit.CALL`) the same transaction uses up the call's approval and adds its entry
    to the audit trail: for the first one always, for later ones when they changed something.
    """

    @wraps(method)
    async def transacted(part: Part, /, *args: P.args, **kwargs: P.kwargs) -> T:
        call = CALL.get()  # here, because the thread of the transaction has another context
        if call is None:
            return await part.database.write(lambda connection: method(part, connection, *args, **kwargs))
        result = await part.database.write(
            lambda connection: _audited(connection, call, lambda: method(part, connection, *args, **kwargs))
        )
        call.is_written = True  # now it is committed
        return result

    return transacted


def writing_quietly(
    method: Callable[Concatenate[Part, Connection, P], T],
) -> Callable[Concatenate[Part, P], Coroutine[Any, Any, T]]:
    """The method as a transaction that may write and is not what the call is about: it leaves no entry by itself."""

    @wraps(method)
    async def transacted(part: Part, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await part.database.write(lambda connection: method(part, connection, *args, **kwargs))

    return transacted


def changed(
    connection: Connection,
    resource: str,
    *,
    before: Mapping[str, object] | None,
    after: Mapping[str, object] | None,
    tenant_id: str = "",
) -> None:
    """Notes for the audit trail that the transaction changes a thing, `nodes/rsu-1`; only hashes of it are kept.

    `None`: it was not there before, or is gone after. What stays the same is not noted. `tenant_id` counts for calls
    whose tenant nobody knew when they began, such as an enrolment.
    """
    noted = connection.info.get(_NOTED)
    if not isinstance(noted, _Noted):
        return  # no audited call
    change = Change(resource, _digest(before), _digest(after))
    if change.before_sha256 != change.after_sha256:
        noted.changes.append(change)
        noted.tenant_ids |= {tenant_id} - {""}


def _audited(connection: Connection, call: CallRecord, work: Callable[[], T]) -> T:
    noted = connection.info[_NOTED] = _Noted()
    try:
        if not call.is_written:
            use_approval(connection, call)
        result = work()
        if noted.changes or not call.is_written:
            append(connection, replace(call, changes=noted.changes, tenant_id=_tenant_id(call, noted)))
        return result
    finally:
        del connection.info[_NOTED]  # it outlives the transaction


def _tenant_id(call: CallRecord, noted: _Noted) -> str:
    return call.tenant_id or (next(iter(noted.tenant_ids)) if len(noted.tenant_ids) == 1 else "")


def _digest(content: Mapping[str, object] | None) -> str:
    return "" if content is None else digest(content)


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
