"""Rollouts in SQL, as the stepper moves them: a step and the desired states it changes are one transaction."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, bindparam, or_, select, update

from wayside.errors import ConflictError
from wayside_manager.core.nodes import NodeState, UpdatePhase
from wayside_manager.core.presence import Presence, presence
from wayside_manager.core.rollout import ENDED, RolloutNodeState, RolloutRecord
from wayside_manager.core.rollout_plan import NodeFacts, RolloutStep
from wayside_manager.store.desired import assign
from wayside_manager.store.moments import as_time_or_none, as_us
from wayside_manager.store.node_rows import parts
from wayside_manager.store.operator_rows import tenant_tree
from wayside_manager.store.part import SqlPart, reading, writing
from wayside_manager.store.rollouts import rollout_records, the_rollout
from wayside_manager.store.tables import node_desired, node_status, nodes, rollout_nodes, rollouts

_HEARD = frozenset({Presence.ONLINE, Presence.LATE})


class SqlRolloutSteps(SqlPart):
    """Satisfies `ports.RolloutStepStore`."""

    @reading
    def live_rollouts(self, connection: Connection) -> tuple[RolloutRecord, ...]:
        """See RolloutStepStore."""
        under_way = select(rollout_nodes.c.rollout_id).where(rollout_nodes.c.state == RolloutNodeState.IN_FLIGHT)
        query = (
            select(rollouts)
            .where(or_(rollouts.c.state.not_in(ENDED), rollouts.c.rollout_id.in_(under_way)))
            .order_by(rollouts.c.create_us, rollouts.c.rollout_id)
        )
        return rollout_records(connection, connection.execute(query).all())

    @reading
    def rollout_facts(self, connection: Connection, rollout_id: str, *, now: datetime) -> Mapping[str, NodeFacts]:
        """See RolloutStepStore."""
        columns = node_status.c
        owner_id = connection.scalar(select(rollouts.c.tenant_id).where(rollouts.c.rollout_id == rollout_id))
        below = tenant_tree(connection).below(owner_id or "")
        query = (
            select(
                nodes.c.node_id,
                nodes.c.state,
                nodes.c.tenant_id,
                columns.last_report_us,
                columns.report_period_us,
                columns.running_release,
                columns.update_phase,
            )
            .join(node_status, columns.node_id == nodes.c.node_id)
            .join(rollout_nodes, rollout_nodes.c.node_id == nodes.c.node_id)
            .where(rollout_nodes.c.rollout_id == rollout_id)
        )
        rows = connection.execute(query).all()
        return {
            row.node_id: NodeFacts(
                is_gone=row.state != NodeState.ENROLLED or row.tenant_id not in below,
                is_heard=presence(
                    now, as_time_or_none(row.last_report_us), report_period_s=row.report_period_us / 1_000_000
                )
                in _HEARD,
                running_release=row.running_release,
                phase=UpdatePhase(row.update_phase),
            )
            for row in rows
        }

    @writing
    def save_step(
        self, connection: Connection, rollout: RolloutRecord, step: RolloutStep, *, now: datetime
    ) -> RolloutRecord:
        """See RolloutStepStore."""
        values = {"state": step.state, "message": step.message, "update_us": as_us(now)}
        saved = connection.execute(
            update(rollouts)
            .where(rollouts.c.rollout_id == rollout.rollout_id, rollouts.c.revision == int(rollout.etag))
            .values(values | {"revision": int(rollout.etag) + 1})
        )
        if saved.rowcount != 1:
            raise ConflictError(
                f"rollout {rollout.rollout_id} has changed meanwhile; plan again", reason="ETAG_MISMATCH"
            )
        _write_states(connection, rollout.rollout_id, step)
        _hand_out(connection, rollout, step)
        _take_back(connection, rollout, step)
        return the_rollout(connection, rollout.rollout_id)


def _write_states(connection: Connection, rollout_id: str, step: RolloutStep) -> None:
    if not step.node_states:
        return
    statement = (
        update(rollout_nodes)
        .where(rollout_nodes.c.rollout_id == rollout_id, rollout_nodes.c.node_id == bindparam("of_node"))
        .values(state=bindparam("to_state"))
    )
    rows = [{"of_node": node_id, "to_state": state} for node_id, state in step.node_states.items()]
    connection.execute(statement, rows)


def _hand_out(connection: Connection, rollout: RolloutRecord, step: RolloutStep) -> None:
    """Assigns the release, and keeps in mind what each node was told before."""
    rows = []
    for part in parts(step.assigned_node_ids):
        query = select(node_desired).where(node_desired.c.node_id.in_(part))
        rows += [
            {"of_node": row.node_id, "was_version": row.version, "was_rollout": row.rollout_id}
            for row in connection.execute(query)
        ]
    if not rows:
        return
    statement = (
        update(rollout_nodes)
        .where(rollout_nodes.c.rollout_id == rollout.rollout_id, rollout_nodes.c.node_id == bindparam("of_node"))
        .values(previous_version=bindparam("was_version"), previous_rollout_id=bindparam("was_rollout"))
    )
    connection.execute(statement, rows)
    assign(connection, {row["of_node"]: (rollout.version, rollout.rollout_id) for row in rows})


def _take_back(connection: Connection, rollout: RolloutRecord, step: RolloutStep) -> None:
    """Gives nodes back what they were told before, unless a later rollout has told them something else."""
    back: dict[str, tuple[str | None, str | None]] = {}
    for part in parts(step.withdrawn_node_ids):
        query = (
            select(rollout_nodes.c.node_id, rollout_nodes.c.previous_version, rollout_nodes.c.previous_rollout_id)
            .join(node_desired, node_desired.c.node_id == rollout_nodes.c.node_id)
            .where(
                rollout_nodes.c.rollout_id == rollout.rollout_id,
                rollout_nodes.c.node_id.in_(part),
                node_desired.c.rollout_id == rollout.rollout_id,
            )
        )
        for row in connection.execute(query):
            back[row.node_id] = (row.previous_version, row.previous_rollout_id)
    assign(connection, back)
