"""What a reach covers, as SQL conditions; contract tests hold them to `core.access.Reach`.

Usage: `select(nodes).where(covers_node(reach))`, `select(rollouts).where(covers_whole(rollouts.c.tenant_id, reach))`.
"""

from typing import Any

from sqlalchemy import Column, ColumnElement, and_, exists, func, or_, select, true

from wayside_manager.core.access import Reach, Scope
from wayside_manager.core.nodes import Label
from wayside_manager.store.tables import node_labels, nodes


def covers_node(reach: Reach) -> ColumnElement[bool]:
    """`Reach.covers` of the place of a row of `nodes`."""
    if reach.is_everywhere:
        return true()
    # an empty IN is false: who reaches nowhere sees nothing
    return or_(nodes.c.tenant_id.in_(()), *(_within(scope) for scope in reach.scopes))


def covers_whole(tenant_id: Column[Any], reach: Reach) -> ColumnElement[bool]:
    """`Reach.covers_tenant` of a column."""
    return true() if reach.is_everywhere else tenant_id.in_(sorted(reach.whole_tenant_ids))


def covers_release(tenant_id: Column[Any], reach: Reach) -> ColumnElement[bool]:
    """`Reach.uses_releases_of` of a column."""
    if reach.is_everywhere:
        return true()
    return tenant_id.in_(sorted(reach.whole_tenant_ids | reach.inherited_tenant_ids))


def has_label(label: Label) -> ColumnElement[bool]:
    """Whether a row of `nodes` carries a label."""
    own = node_labels.alias()  # the query around may read the table, too
    return exists(
        select(own.c.node_id).where(
            own.c.node_id == nodes.c.node_id, own.c.key == label.key, own.c.value == label.value
        )
    )


def _within(scope: Scope) -> ColumnElement[bool]:
    # through a function, so that lists in order of ids walk along the ids instead of sorting what the index finds
    conditions = [func.coalesce(nodes.c.tenant_id, "").in_(sorted(scope.tenant_ids))]
    if scope.sites:
        conditions.append(func.coalesce(nodes.c.site_id, "").in_(sorted(scope.sites)))
    return and_(*conditions, *(has_label(label) for label in sorted(scope.labels)))


def may_name_places_of(reach: Reach, tenant_id: str) -> bool:
    """Whether a caller may name the places and groups of a tenant; those of others are as if they were not there."""
    return reach.uses_releases_of(tenant_id) or any(tenant_id in scope.tenant_ids for scope in reach.scopes)
