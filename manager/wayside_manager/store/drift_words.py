"""What nodes said of what they should run, and since when they should, in SQL.

Usage: `words(connection, nodes)`, `tries(connection, node_ids)`, `target_times(connection, node_ids)`; all by node id.
"""

from sqlalchemy import Connection, select

from wayside_manager.core.drift import Try
from wayside_manager.core.nodes import UpdatePhase
from wayside_manager.core.rollout import RolloutNodeState, RolloutState
from wayside_manager.store.config_rows import ConfigNode
from wayside_manager.store.node_rows import parts
from wayside_manager.store.tables import node_configs, node_desired, rollout_nodes, rollouts


def words(connection: Connection, chosen: list[ConfigNode]) -> dict[str, str]:
    """Per node its own sentence on the trial it was told by a rollout."""
    trials = {node.node_id: node.desired.config_trial for node in chosen}
    answered = [
        node.node_id
        for node in chosen
        if node.status.config_trial == node.desired.config_trial != "" and not node.desired.config_problem
    ]
    found: dict[str, str] = {}
    columns = (rollout_nodes.c.node_id, rollout_nodes.c.rollout_id, rollout_nodes.c.message)
    for part in parts(answered):
        query = select(*columns).where(rollout_nodes.c.node_id.in_(part), rollout_nodes.c.message != "")
        found |= {
            row.node_id: row.message for row in connection.execute(query) if row.rollout_id == trials[row.node_id]
        }
    return found


def tries(connection: Connection, node_ids: list[str]) -> dict[str, Try]:
    """Per node the newest rollout that was to bring it what it should run, and how far that came.

    A rollout that ends badly tells the node its former configuration again, so the node's newest word is on that.
    """
    found: dict[str, Try] = {}
    columns = (rollout_nodes.c.node_id, rollout_nodes.c.state, rollout_nodes.c.phase, rollout_nodes.c.message)
    for part in parts(node_ids):
        query = (
            select(*columns, rollouts.c.rollout_id, rollouts.c.state.label("rollout_state"))
            .join(node_desired, node_desired.c.node_id == rollout_nodes.c.node_id)
            .join(rollouts, rollouts.c.rollout_id == rollout_nodes.c.rollout_id)
            .where(
                rollout_nodes.c.node_id.in_(part),
                rollout_nodes.c.config_revision == node_desired.c.target_config_revision,
                rollout_nodes.c.config_revision > 0,
            )
            .order_by(rollouts.c.create_us, rollout_nodes.c.tell_us.asc().nulls_last())
        )
        for row in connection.execute(query):
            found[row.node_id] = Try(
                row.rollout_id,
                RolloutState(row.rollout_state),
                RolloutNodeState(row.state),
                UpdatePhase(row.phase),
                row.message,
            )
    return found


def target_times(connection: Connection, node_ids: list[str]) -> dict[str, int]:
    """Per node when the layers first asked for what they ask for now."""
    found: dict[str, int] = {}
    for part in parts(node_ids):
        query = (
            select(node_configs.c.node_id, node_configs.c.create_us)
            .join(node_desired, node_desired.c.node_id == node_configs.c.node_id)
            .where(node_configs.c.node_id.in_(part), node_configs.c.revision == node_desired.c.target_config_revision)
        )
        found |= {row.node_id: row.create_us for row in connection.execute(query)}
    return found
