"""Whom a rollout or fleet job is for, and the ids that make its call repeatable.

Usage: `node_ids = await selected_nodes(store, chosen)` within a call.
"""

import secrets
import uuid
from functools import partial

from wayside.errors import FailedPreconditionError, InvalidArgumentError
from wayside_manager.api.identity import admission
from wayside_manager.core.selectors import NodeSelector
from wayside_manager.ports.nodes import NodeStore


async def selected_nodes(store: NodeStore, chosen: NodeSelector) -> tuple[str, ...]:
    """The nodes a rollout is for; those of others, or out of the caller's reach, are as if they were not there.

    Raises: FailedPreconditionError: one that is named is not in service.
    """
    select = partial(store.select_nodes, reach=admission().reach, tenant_id=admission().tenant_id)
    if chosen.node_ids:  # a node asked for by name must not be left out silently
        there = await select(NodeSelector(node_ids=chosen.node_ids))
        missing = sorted(set(chosen.node_ids).difference(there))
        if missing:
            raise FailedPreconditionError(
                f"selector.nodes: {missing[0]} is not in service; leave it out or enrol it", reason="NODE_NOT_FOUND"
            )
    return await select(chosen)


def new_rollout_id() -> str:
    """An id that is not taken."""
    return f"r{secrets.token_hex(5)}"


def checked_request_id(value: str) -> str:
    """A UUID in its usual form; empty: none.

    Raises: InvalidArgumentError.
    """
    try:
        return str(uuid.UUID(value)) if value else ""
    except ValueError as exc:
        raise InvalidArgumentError(f"request_id: {value[:80]!r} is no UUID; leave it empty or give one") from exc
