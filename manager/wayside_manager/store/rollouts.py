"""Rollouts in SQL, as operators see them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, tuple_, update

from wayside.errors import FailedPreconditionError, NotFoundError
from wayside_manager.core.nodes import UpdatePhase
from wayside_manager.core.pages import Page, checked_page_size, page_token, position
from wayside_manager.core.releases import ReleaseState
from wayside_manager.core.rollout import (
    ENDED,
    RolloutNodeRecord,
    RolloutNodeState,
    RolloutOrder,
    RolloutRecord,
    RolloutSpec,
    RolloutState,
    state_after,
)
from wayside_manager.store.moments import as_time, as_us
from wayside_manager.store.node_rows import node_not_found, parts, selectables
from wayside_manager.store.part import SqlPart, reading, writing
from wayside_manager.store.releases import release_not_found
from wayside_manager.store.tables import releases, rollout_nodes, rollouts


class SqlRollouts(SqlPart):
    """Satisfies `ports.RolloutStore`."""

    @writing
    def create_rollout(self, connection: Connection, spec: RolloutSpec, *, now: datetime) -> RolloutRecord:
        """See RolloutStore."""
        if spec.request_id:
            made = select(rollouts.c.rollout_id).where(rollouts.c.request_id == spec.request_id)
            present_id = connection.scalar(made)
            if present_id is not None:
                return the_rollout(connection, present_id)
        _check(connection, spec)
        _insert(connection, spec, as_us(now))
        return the_rollout(connection, spec.rollout_id)

    @reading
    def get_rollout(self, connection: Connection, rollout_id: str) -> RolloutRecord:
        """See RolloutStore."""
        return the_rollout(connection, rollout_id)

    @reading
    def list_rollouts(self, connection: Connection, *, page_size: int = 0, page_token: str = "") -> Page[RolloutRecord]:
        """See RolloutStore."""
        size, question = checked_page_size(page_size), "rollouts"
        key = (rollouts.c.create_us, rollouts.c.rollout_id)
        query = select(rollouts).order_by(*(column.desc() for column in key)).limit(size + 1)
        before = position(page_token, question, types=(int, str))
        if before is not None:
            query = query.where(tuple_(*key) < tuple_(*before))
        rows = connection.execute(query).all()
        records = rollout_records(connection, rows[:size])
        return Page(records, _next_token(question, rows[size - 1]) if len(rows) > size else "")

    @writing
    def order_rollout(
        self, connection: Connection, rollout_id: str, order: RolloutOrder, *, now: datetime
    ) -> RolloutRecord:
        """See RolloutStore."""
        rollout = the_rollout(connection, rollout_id)
        state = state_after(rollout_id, rollout.state, order)
        if state is rollout.state:
            return rollout
        message = "an operator aborted it" if state is RolloutState.ABORTED else ""
        values: dict[str, Any] = {"state": state, "message": message}
        values |= {"update_us": as_us(now), "revision": int(rollout.etag) + 1}
        connection.execute(update(rollouts).where(rollouts.c.rollout_id == rollout_id).values(values))
        return the_rollout(connection, rollout_id)


def _next_token(question: str, row: Row[Any]) -> str:
    return page_token(question, (row.create_us, row.rollout_id))


def the_rollout(connection: Connection, rollout_id: str) -> RolloutRecord:
    """One rollout with its nodes.

    Raises: NotFoundError.
    """
    rows = connection.execute(select(rollouts).where(rollouts.c.rollout_id == rollout_id)).all()
    if not rows:
        raise NotFoundError(
            f"rollout {rollout_id} does not exist; list the rollouts to see which do", reason="ROLLOUT_NOT_FOUND"
        )
    return rollout_records(connection, rows)[0]


def rollout_records(connection: Connection, rows: Iterable[Row[Any]]) -> tuple[RolloutRecord, ...]:
    """Rollouts with their nodes, in the order of the rows."""
    rows = list(rows)
    nodes: dict[str, list[RolloutNodeRecord]] = {row.rollout_id: [] for row in rows}
    for part in parts(nodes):
        query = select(rollout_nodes).where(rollout_nodes.c.rollout_id.in_(part)).order_by(rollout_nodes.c.node_id)
        for row in connection.execute(query):
            nodes[row.rollout_id].append(_node_record(row))
    return tuple(_rollout_record(row, tuple(nodes[row.rollout_id])) for row in rows)


def _node_record(row: Row[Any]) -> RolloutNodeRecord:
    return RolloutNodeRecord(
        node_id=row.node_id,
        state=RolloutNodeState(row.state),
        phase=UpdatePhase(row.phase),
        running_release=row.running_release,
        update_report=row.update_report,
    )


def _rollout_record(row: Row[Any], nodes: tuple[RolloutNodeRecord, ...]) -> RolloutRecord:
    return RolloutRecord(
        rollout_id=row.rollout_id,
        version=row.version,
        max_in_flight_count=row.max_in_flight_count,
        max_failure_count=row.max_failure_count,
        create_time=as_time(row.create_us),
        update_time=as_time(row.update_us),
        state=RolloutState(row.state),
        nodes=nodes,
        message=row.message,
        etag=str(row.revision),
    )


def _check(connection: Connection, spec: RolloutSpec) -> None:
    state = connection.scalar(select(releases.c.state).where(releases.c.version == spec.version))
    if state is None:
        raise release_not_found(spec.version)
    if state != ReleaseState.ACTIVE:
        raise FailedPreconditionError(f"release {spec.version} is retired; roll out another", reason="RELEASE_RETIRED")
    if not spec.node_ids:
        raise FailedPreconditionError("selector: no node in service matches it; widen it", reason="NO_NODE_SELECTED")
    known = {node.node_id for node in selectables(connection, spec.node_ids)}
    for node_id in spec.node_ids:
        if node_id not in known:
            raise node_not_found(node_id)
    _check_free(connection, spec)


def _check_free(connection: Connection, spec: RolloutSpec) -> None:
    """Two rollouts must not pull at one node."""
    for part in parts(spec.node_ids):
        query = (
            select(rollout_nodes.c.node_id, rollout_nodes.c.rollout_id)
            .join(rollouts, rollouts.c.rollout_id == rollout_nodes.c.rollout_id)
            .where(rollout_nodes.c.node_id.in_(part), rollouts.c.state.not_in(ENDED))
            .limit(1)
        )
        busy = connection.execute(query).first()
        if busy is not None:
            raise FailedPreconditionError(
                f"node {busy.node_id} is in rollout {busy.rollout_id}; wait for its end or abort it",
                reason="NODE_IN_ROLLOUT",
            )


def _insert(connection: Connection, spec: RolloutSpec, now_us: int) -> None:
    row = {
        "rollout_id": spec.rollout_id,
        "version": spec.version,
        "max_in_flight_count": spec.max_in_flight_count,
        "max_failure_count": spec.max_failure_count,
        "state": RolloutState.RUNNING,
        "message": "",
        "request_id": spec.request_id or None,
        "create_us": now_us,
        "update_us": now_us,
        "revision": 1,
    }
    connection.execute(insert(rollouts), row)
    first: dict[str, Any] = {
        "rollout_id": spec.rollout_id,
        "state": RolloutNodeState.PENDING,
        "phase": UpdatePhase.NONE,
    }
    first |= {"running_release": "", "update_report": b""}
    connection.execute(insert(rollout_nodes), [first | {"node_id": node_id} for node_id in spec.node_ids])
