"""What sites, corridors, groups and geofences have in common in SQL: an owner, times, an etag, and who names them.

Usage: `put(connection, SITE, "k12", row, values, now=now)`; `listed(connection, SITE, reach=reach, ...)`.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Column, Connection, Row, Table, delete, insert, select, update

from wayside.errors import AlreadyExistsError, FailedPreconditionError
from wayside_manager.core.access import Reach
from wayside_manager.core.missing import not_there
from wayside_manager.core.pages import Page, checked_page_size, position
from wayside_manager.core.rollout import ENDED
from wayside_manager.core.selectors import NodeSelector
from wayside_manager.core.sites import Owned
from wayside_manager.store.broadcast_rows import is_on_units
from wayside_manager.store.event_sinks import selector_text_of
from wayside_manager.store.moments import as_time, as_us
from wayside_manager.store.node_rows import parts
from wayside_manager.store.part import changed, check_etag, page
from wayside_manager.store.reaches import covers_release
from wayside_manager.store.selector_text import selector_of
from wayside_manager.store.tables import (
    broadcasts,
    config_layers,
    corridors,
    event_sinks,
    geofences,
    groups,
    rollouts,
    sites,
)

T = TypeVar("T", bound=Owned)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of place."""

    collection: str
    """As in names: `sites`."""
    word: str
    table: Table
    key: str
    """Name of the column with the id."""
    named_by: Callable[[NodeSelector], tuple[str, ...]]
    """Ids of this kind that a selector names."""

    @property
    def column(self) -> Column[Any]:
        """The column with the id."""
        return self.table.c[self.key]


SITE = Kind("sites", "site", sites, "site_id", lambda selector: selector.site_ids)
CORRIDOR = Kind(
    "corridors",
    "corridor",
    corridors,
    "corridor_id",
    lambda selector: tuple(section.corridor_id for section in selector.sections),
)
GROUP = Kind("groups", "group", groups, "group_id", lambda selector: selector.group_ids)
GEOFENCE = Kind("geofences", "geofence", geofences, "geofence_id", lambda selector: selector.geofence_ids)


def find_row(connection: Connection, kind: Kind, thing_id: str) -> Row[Any] | None:
    """The row of one, or `None`."""
    return connection.execute(select(kind.table).where(kind.column == thing_id)).one_or_none()


def the_row(connection: Connection, kind: Kind, thing_id: str) -> Row[Any]:
    """The row of one.

    Raises: NotFoundError.
    """
    row = find_row(connection, kind, thing_id)
    if row is None:
        raise not_there(kind.collection, thing_id)
    return row


def owned(row: Row[Any]) -> dict[str, Any]:
    """What every record has."""
    return {
        "tenant_id": row.tenant_id,
        "display_name": row.display_name,
        "create_time": as_time(row.create_us),
        "update_time": as_time(row.update_us),
        "etag": str(row.revision),
    }


def check_replaceable(row: Row[Any] | None, kind: Kind, thing_id: str, *, tenant_id: str, etag: str) -> None:
    """Returns if a thing with this id may be put there; `row` is the present one.

    Raises: AlreadyExistsError: another tenant has the name; ConflictError: the etag is not the present one.
    """
    if row is not None and row.tenant_id != tenant_id:
        # whose it is is not said: the caller may not see it
        raise AlreadyExistsError(
            f"{kind.word} {thing_id}: the name is taken; choose another, or leave its tenant as it is",
            reason="NAME_TAKEN",
        )
    check_etag(etag, 0 if row is None else row.revision, f"{kind.word} {thing_id}")


def put(
    connection: Connection, kind: Kind, thing_id: str, row: Row[Any] | None, values: Mapping[str, Any], *, now: datetime
) -> None:
    """Creates or changes the row; `row` is the present one."""
    stamp: dict[str, object] = {"update_us": as_us(now)}
    if row is None:
        stamp |= {kind.key: thing_id, "create_us": as_us(now), "revision": 1}
        connection.execute(insert(kind.table), {**values, **stamp})
    else:
        stamp |= {"revision": row.revision + 1}
        connection.execute(update(kind.table).where(kind.column == thing_id).values({**values, **stamp}))


def noted(
    connection: Connection,
    kind: Kind,
    thing_id: str,
    *,
    before: Mapping[str, object] | None,
    after: Mapping[str, object] | None,
    tenant_id: str,
) -> None:
    """Notes a change for the audit trail."""
    changed(connection, f"{kind.collection}/{thing_id}", before=before, after=after, tenant_id=tenant_id)


def removable(connection: Connection, kind: Kind, thing_id: str, *, etag: str) -> Row[Any]:
    """The row of one that may be deleted.

    Raises: NotFoundError; ConflictError: the etag is not the present one; FailedPreconditionError: as `check_unnamed`.
    """
    row = the_row(connection, kind, thing_id)
    check_etag(etag, row.revision, f"{kind.word} {thing_id}")
    check_unnamed(connection, kind, thing_id)
    return row


def check_owners(
    connection: Connection, collection: str, column: Column[Any], ids: Iterable[str], *, owners: Collection[str]
) -> None:
    """Returns if the things with these ids, in that column, belong to these tenants.

    Raises: NotFoundError: naming the first that is not there, or is another's.
    """
    wanted, found = tuple(ids), set[str]()
    for part in parts(wanted):
        query = select(column).where(column.in_(part), column.table.c.tenant_id.in_(owners))
        found |= set(connection.scalars(query))
    for thing_id in wanted:
        if thing_id not in found:
            raise not_there(collection, thing_id)


def remove(connection: Connection, kind: Kind, thing_id: str) -> None:
    """Deletes the row."""
    connection.execute(delete(kind.table).where(kind.column == thing_id))


def listed(
    connection: Connection,
    kind: Kind,
    *,
    reach: Reach,
    page_size: int,
    page_token: str,
    record: Callable[[Row[Any]], T],
) -> Page[T]:
    """A page in order of ids, of the whole tenants of the reach and those above them."""
    size = checked_page_size(page_size)
    query = select(kind.table).where(is_seen(kind, reach)).order_by(kind.column).limit(size + 1)
    after = position(page_token, kind.collection)
    if after is not None:
        query = query.where(kind.column > after[0])
    return page(connection.execute(query).all(), size, kind.collection, key=(kind.key,), record=record)


def is_seen(kind: Kind, reach: Reach) -> Any:  # noqa: ANN401  # a condition of SQLAlchemy
    """Whether a row is of the whole tenants of the reach or of those above them."""
    return covers_release(kind.table.c.tenant_id, reach)


def check_unnamed(connection: Connection, kind: Kind, thing_id: str) -> None:
    """Returns if no layer, group, live rollout, live broadcast or event sink names it.

    Raises: FailedPreconditionError: saying what does.
    """
    for owner, text in _selectors(connection):
        if text and thing_id in kind.named_by(selector_of(text)):
            raise in_use(kind, thing_id, owner)


def _selectors(connection: Connection) -> Iterator[tuple[str, str]]:
    """Everything that names nodes, and the text of its selector."""
    for collection, query in (
        ("configLayers", select(config_layers.c.layer_id, config_layers.c.selector)),
        ("groups", select(groups.c.group_id, groups.c.selector)),
        ("rollouts", select(rollouts.c.rollout_id, rollouts.c.selector).where(rollouts.c.state.not_in(ENDED))),
        ("broadcasts", select(broadcasts.c.broadcast_id, broadcasts.c.selector).where(is_on_units())),
    ):
        for owner_id, text in connection.execute(query):
            yield f"{collection}/{owner_id}", text
    for sink_id, rule in connection.execute(select(event_sinks.c.sink_id, event_sinks.c.rule)):
        yield f"eventSinks/{sink_id}", selector_text_of(rule)


def in_use(kind: Kind, thing_id: str, user: str) -> FailedPreconditionError:
    """The error for something that another thing still names."""
    return FailedPreconditionError(
        f"{kind.word} {thing_id} is still named by {user}; change that first", reason="STILL_NAMED"
    )
