"""Groups in SQL."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from wayside.errors import InvalidArgumentError
from wayside_manager.core.access import EVERYWHERE, Reach
from wayside_manager.core.pages import Page
from wayside_manager.core.selectors import NAMES_MAX_COUNT, NodeSelector, checked_selector
from wayside_manager.core.sites import GroupRecord
from wayside_manager.store.node_rows import selectables
from wayside_manager.store.operator_rows import tenant_tree
from wayside_manager.store.owned_rows import (
    GROUP,
    check_owners,
    check_replaceable,
    find_row,
    listed,
    noted,
    owned,
    put,
    removable,
    remove,
    the_row,
)
from wayside_manager.store.part import SqlPart, reading, writing
from wayside_manager.store.place_effects import Applied, altered
from wayside_manager.store.reaches import covers_node
from wayside_manager.store.selection import resolver
from wayside_manager.store.selector_text import selector_of, selector_text
from wayside_manager.store.tables import group_nodes, nodes


class SqlGroups(SqlPart):
    """The groups' share of `ports.SiteStore`."""

    @writing
    def apply_group(self, connection: Connection, group: GroupRecord, *, now: datetime, etag: str = "") -> GroupRecord:
        """See SiteStore."""
        effect = altered(connection, (put_group(connection, group, now=now, etag=etag),), now=now)
        return replace(group_record(connection, the_row(connection, GROUP, group.group_id)), effect=effect)

    @reading
    def get_group(self, connection: Connection, group_id: str, *, reach: Reach = EVERYWHERE) -> GroupRecord:
        """See SiteStore."""
        group = group_record(connection, the_row(connection, GROUP, group_id))
        return _counted(connection, [group], reach)[0]

    @reading
    def list_groups(
        self, connection: Connection, *, reach: Reach, page_size: int = 0, page_token: str = ""
    ) -> Page[GroupRecord]:
        """See SiteStore."""
        page = listed(
            connection,
            GROUP,
            reach=reach,
            page_size=page_size,
            page_token=page_token,
            record=lambda row: group_record(connection, row),
        )
        return Page(_counted(connection, page.items, reach), page.next_page_token)

    @writing
    def delete_group(self, connection: Connection, group_id: str, *, etag: str = "") -> None:
        """See SiteStore."""
        row = removable(connection, GROUP, group_id, etag=etag)
        before = _said_of(row, _listed_in(connection, group_id))
        connection.execute(delete(group_nodes).where(group_nodes.c.group_id == group_id))
        remove(connection, GROUP, group_id)
        noted(connection, GROUP, group_id, before=before, after=None, tenant_id=row.tenant_id)


def put_group(connection: Connection, group: GroupRecord, *, now: datetime, etag: str = "") -> Applied:
    """Creates or replaces a group.

    Raises: ConflictError, AlreadyExistsError, InvalidArgumentError, NotFoundError: as in SiteStore.
    """
    group_id, tenant_id = group.group_id, group.tenant_id
    row = find_row(connection, GROUP, group_id)
    check_replaceable(row, GROUP, group_id, tenant_id=tenant_id, etag=etag)
    _check_selector(connection, group)
    _check_nodes(connection, group)
    values = {
        "tenant_id": tenant_id,
        "display_name": group.display_name,
        "selector": "" if group.selector is None else selector_text(group.selector),
    }
    wanted = tuple(sorted(set(group.node_ids)))
    present = _listed_in(connection, group_id)
    before = None if row is None else _said_of(row, present)
    after = values | {"nodes": wanted}
    if before == after:
        return Applied(GROUP, group_id, tenant_id)
    put(connection, GROUP, group_id, row, values, now=now)
    _put_nodes(connection, group_id, wanted)
    noted(connection, GROUP, group_id, before=before, after=after, tenant_id=tenant_id)
    if row is None:  # nothing names it yet
        return Applied(GROUP, group_id, tenant_id, is_new=True)
    if row.selector or group.selector is not None:
        matters = row.selector != values["selector"]
        return Applied(GROUP, group_id, tenant_id, is_changed=True, matters_to_all=matters)
    return Applied(GROUP, group_id, tenant_id, is_changed=True, node_ids=frozenset(present) ^ frozenset(wanted))


def group_record(connection: Connection, row: Row[Any]) -> GroupRecord:
    """A group, without the count of its nodes."""
    return GroupRecord(
        group_id=row.group_id,
        node_ids=_listed_in(connection, row.group_id),
        selector=selector_of(row.selector) if row.selector else None,
        **owned(row),
    )


def _counted(connection: Connection, groups: Sequence[GroupRecord], reach: Reach) -> tuple[GroupRecord, ...]:
    """The groups with how many nodes of the reach are in each."""
    if not groups:
        return ()
    found = resolver(connection)
    there = selectables(connection, where=(covers_node(reach),))
    counted = []
    for group in groups:
        matcher = found.matcher(NodeSelector(group_ids=(group.group_id,)))
        counted.append(replace(group, node_count=sum(matcher.matches(node) for node in there)))
    return tuple(counted)


def _listed_in(connection: Connection, group_id: str) -> tuple[str, ...]:
    query = select(group_nodes.c.node_id).where(group_nodes.c.group_id == group_id).order_by(group_nodes.c.node_id)
    return tuple(connection.scalars(query))


def _check_selector(connection: Connection, group: GroupRecord) -> None:
    if group.selector is None:
        return
    if group.node_ids:
        raise _invalid("group: nodes and selector exclude each other; give one of them")
    if group.selector.group_ids:
        raise _invalid(
            "group.selector.groups: a group's selector names no groups; name what the other group is made of"
        )
    checked_selector(group.selector, field="group.selector")
    resolver(connection).check(group.selector, field="group.selector", tenant_id=group.tenant_id)


def _check_nodes(connection: Connection, group: GroupRecord) -> None:
    if len(group.node_ids) > NAMES_MAX_COUNT:
        raise _invalid(
            f"group.nodes: {len(group.node_ids)} are too many; give at most {NAMES_MAX_COUNT}, or a selector"
        )
    below = tenant_tree(connection).below(group.tenant_id)
    check_owners(connection, "nodes", nodes.c.node_id, group.node_ids, owners=below)


def _put_nodes(connection: Connection, group_id: str, wanted: tuple[str, ...]) -> None:
    connection.execute(delete(group_nodes).where(group_nodes.c.group_id == group_id))
    rows = [{"group_id": group_id, "node_id": node_id} for node_id in wanted]
    if rows:
        connection.execute(insert(group_nodes), rows)


def _said_of(row: Row[Any], node_ids: tuple[str, ...]) -> dict[str, Any]:
    names = ("tenant_id", "display_name", "selector")
    return {name: getattr(row, name) for name in names} | {"nodes": node_ids}


def _invalid(sentence: str) -> InvalidArgumentError:
    return InvalidArgumentError(sentence, reason="GROUP_INVALID")
