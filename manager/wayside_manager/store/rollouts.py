"""Rollouts in SQL, as operators see them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, tuple_, update

from wayside.errors import AlreadyExistsError, FailedPreconditionError
from wayside_manager.core.access import Reach
from wayside_manager.core.missing import not_there
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
from wayside_manager.store.operator_rows import tenant_tree
from wayside_manager.store.part import SqlPart, changed, reading, writing
from wayside_manager.store.reaches import covers_whole
from wayside_manager.store.tables import releases, rollout_nodes, rollouts


class SqlRollouts(SqlPart):
    """Satisfies `ports.RolloutStore`."""

    @writing
    def create_rollout(self, connection: Connection, spec: RolloutSpec, *, now: datetime) -> RolloutRecord:
        """See RolloutStore."""
        made = _made_before(connection, spec)
        if made is not None:
            return made
        _check(connection, spec)
        _insert(connection, spec, as_us(now))
        rollout = the_rollout(connection, spec.rollout_id)
        _note(connection, None, rollout)
        return rollout

    @reading
    def get_rollout(self, connection: Connection, rollout_id: str) -> RolloutRecord:
        """See RolloutStore."""
        return the_rollout(connection, rollout_id)

    @reading
    def list_rollouts(
        self, connection: Connection, *, reach: Reach, page_size: int = 0, page_token: str = ""
    ) -> Page[RolloutRecord]:
        """See RolloutStore."""
        size, question = checked_page_size(page_size), "rollouts"
        key = (rollouts.c.create_us, rollouts.c.rollout_id)
        query = select(rollouts).where(covers_whole(rollouts.c.tenant_id, reach))
        query = query.order_by(*(column.desc() for column in key)).limit(size + 1)
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
        after = the_rollout(connection, rollout_id)
        _note(connection, rollout, after)
        return after


def _next_token(question: str, row: Row[Any]) -> str:
    return page_token(question, (row.create_us, row.rollout_id))


def the_rollout(connection: Connection, rollout_id: str) -> RolloutRecord:
    """One rollout with its nodes.

    Raises: NotFoundError.
    """
    rows = connection.execute(select(rollouts).where(rollouts.c.rollout_id == rollout_id)).all()
    if not rows:
        raise not_there("rollouts", rollout_id)
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
        tenant_id=row.tenant_id,
    )


def _note(connection: Connection, before: RolloutRecord | None, after: RolloutRecord) -> None:
    name = f"rollouts/{after.rollout_id}"
    changed(
        connection,
        name,
        before=None if before is None else _said_of(before),
        after=_said_of(after),
        tenant_id=after.tenant_id,
    )


def _said_of(rollout: RolloutRecord) -> dict[str, object]:
    return {
        "tenant": rollout.tenant_id,
        "release": rollout.version,
        "max_in_flight_count": rollout.max_in_flight_count,
        "max_failure_count": rollout.max_failure_count,
        "nodes": [node.node_id for node in rollout.nodes],
        "state": rollout.state,
    }


def _made_before(connection: Connection, spec: RolloutSpec) -> RolloutRecord | None:
    if not spec.request_id:
        return None
    query = select(rollouts.c.rollout_id, rollouts.c.tenant_id).where(rollouts.c.request_id == spec.request_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    if row.tenant_id != spec.tenant_id:
        raise AlreadyExistsError("request_id: it is taken; give another", reason="REQUEST_ID_TAKEN")
    return the_rollout(connection, row.rollout_id)


def _check(connection: Connection, spec: RolloutSpec) -> None:
    tree = tenant_tree(connection)
    below = tree.below(spec.tenant_id)
    usable = sorted(tree.above(spec.tenant_id) | {spec.tenant_id})
    query = select(releases.c.state).where(releases.c.version == spec.version, releases.c.tenant_id.in_(usable))
    state = connection.scalar(query)
    if state is None:
        raise not_there("releases", spec.version)
    if state != ReleaseState.ACTIVE:
        raise FailedPreconditionError(f"release {spec.version} is retired; roll out another", reason="RELEASE_RETIRED")
    if not spec.node_ids:
        raise FailedPreconditionError("selector: no node in service matches it; widen it", reason="NO_NODE_SELECTED")
    known = {node.node_id for node in selectables(connection, spec.node_ids) if node.tenant_id in below}
    for node_id in spec.node_ids:
        if node_id not in known:
            raise node_not_found(node_id)
    _check_free(connection, spec, below)


def _check_free(connection: Connection, spec: RolloutSpec, below: frozenset[str]) -> None:
    """Two rollouts must not pull at one node."""
    for part in parts(spec.node_ids):
        query = (
            select(rollout_nodes.c.node_id, rollout_nodes.c.rollout_id, rollouts.c.tenant_id)
            .join(rollouts, rollouts.c.rollout_id == rollout_nodes.c.rollout_id)
            .where(rollout_nodes.c.node_id.in_(part), rollouts.c.state.not_in(ENDED))
            .limit(1)
        )
        busy = connection.execute(query).first()
        if busy is not None:
            named = f"rollout {busy.rollout_id}" if busy.tenant_id in below else "a rollout of another tenant"
            raise FailedPreconditionError(
                f"node {busy.node_id} is in {named}; wait for its end or have it aborted", reason="NODE_IN_ROLLOUT"
            )


def _insert(connection: Connection, spec: RolloutSpec, now_us: int) -> None:
    row = {
        "rollout_id": spec.rollout_id,
        "tenant_id": spec.tenant_id,
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
