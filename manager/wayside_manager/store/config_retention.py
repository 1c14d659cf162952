"""Keeps nodes' histories of configurations bounded: a script that changes a label every minute must not fill the disk.

Of each node the newest 100 configurations stay, and those that something still needs: what it is told, and what a
rollout that is not settled brings or would go back to. The contents of those that go are dropped by
`SqlReports.prune_config_contents`. Usage: `forget_older(connection, {"rsu-1": 130})` in the transaction that adds one.
"""

from collections.abc import Mapping

from sqlalchemy import Connection, and_, bindparam, delete, exists, or_, select

from wayside_manager.core.rollout import ENDED, RolloutNodeState
from wayside_manager.core.rollout_facts import UNSETTLED
from wayside_manager.store.tables import node_configs, node_desired, rollout_nodes, rollouts

KEPT_COUNT = 100
"""Configurations of one node."""

_IS_TOLD = exists(
    select(node_desired.c.node_id).where(
        node_desired.c.node_id == node_configs.c.node_id, node_desired.c.config_revision == node_configs.c.revision
    )
)
_IS_UNDER_WAY = exists(
    select(rollout_nodes.c.node_id).where(
        rollout_nodes.c.node_id == node_configs.c.node_id,
        rollouts.c.rollout_id == rollout_nodes.c.rollout_id,
        # who succeeded may still be lost, and then goes back, while the rollout runs
        or_(
            rollout_nodes.c.state.in_(sorted(UNSETTLED)),
            and_(rollout_nodes.c.state == RolloutNodeState.SUCCEEDED, rollouts.c.state.not_in(ENDED)),
        ),
        or_(
            rollout_nodes.c.config_revision == node_configs.c.revision,
            rollout_nodes.c.previous_config_revision == node_configs.c.revision,
        ),
    )
)
_FORGET = delete(node_configs).where(
    node_configs.c.node_id == bindparam("of_node"),
    node_configs.c.revision <= bindparam("oldest_gone"),
    ~_IS_TOLD,
    ~_IS_UNDER_WAY,
)


def forget_older(connection: Connection, newest: Mapping[str, int]) -> None:
    """Drops what is too old and needed by nothing, per node the number of its newest configuration."""
    rows = [
        {"of_node": node_id, "oldest_gone": revision - KEPT_COUNT}
        for node_id, revision in newest.items()
        if revision > KEPT_COUNT
    ]
    if rows:
        connection.execute(_FORGET, rows)
