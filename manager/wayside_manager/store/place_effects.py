"""What a change of places does to configurations, in the transaction that makes it: one rollout to the nodes it alters.

Usage: `effect = altered(connection, (put_site(connection, site, now=now),), now=now)`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from wayside_manager.core.configs import Retargeted
from wayside_manager.core.nodes import NodeState
from wayside_manager.store.config_effects import retarget
from wayside_manager.store.node_rows import parts
from wayside_manager.store.owned_rows import Kind
from wayside_manager.store.tables import nodes


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying one place did."""

    kind: Kind
    thing_id: str
    tenant_id: str
    is_new: bool = False
    is_changed: bool = False
    """It was there and differs now."""
    node_ids: frozenset[str] = frozenset()
    """Nodes whose configuration may differ by it."""
    matters_to_all: bool = False
    """Any node of the tenant and of those below it may."""


def altered(connection: Connection, applied: Sequence[Applied], *, now: datetime) -> Retargeted:
    """Starts the rollout of what these changes did, if they did anything; whom it alters, and that rollout.

    Raises: InvalidArgumentError: a node's configuration would be invalid by it.
    """
    effective = [one for one in applied if one.node_ids or one.matters_to_all]
    if not effective:
        return Retargeted()
    first = effective[0]
    others = f" and {len(effective) - 1} more" if len(effective) > 1 else ""
    cause = f"{first.kind.collection}/{first.thing_id}{others}"
    if any(one.matters_to_all for one in effective):
        return retarget(connection, now=now, cause=cause, tenant_id=first.tenant_id)
    node_ids = sorted(frozenset().union(*(one.node_ids for one in effective)))
    return retarget(connection, now=now, cause=cause, node_ids=node_ids, tenant_id=first.tenant_id)


def nodes_at(connection: Connection, site_ids: Iterable[str]) -> frozenset[str]:
    """Nodes at any of these sites that are not retired."""
    found: set[str] = set()
    for part in parts(site_ids):
        query = select(nodes.c.node_id).where(nodes.c.site_id.in_(part), nodes.c.state != NodeState.RETIRED)
        found.update(connection.scalars(query))
    return frozenset(found)
