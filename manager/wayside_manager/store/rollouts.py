"""Rollouts in SQL, as operators see them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, tuple_, update

from wayside.errors import AlreadyExistsError, FailedPreconditionError
from wayside_manager.core.access import Reach
from wayside_manager.core.missing import not_there
from wayside_manager.core.nodes import NodeState
from wayside_manager.core.pages import Page, checked_page_size, position
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
from wayside_manager.store.config_rollouts import retry_targets, start
from wayside_manager.store.job_changes import JobChanges
from wayside_manager.store.job_turns import cancel_jobs
from wayside_manager.store.moments import as_us
from wayside_manager.store.node_rows import node_not_found, parts, selectables
from wayside_manager.store.operator_rows import tenant_tree
from wayside_manager.store.part import SqlPart, page, reading, writing
from wayside_manager.store.reaches import covers_whole
from wayside_manager.store.rollout_rows import deadline, insert_rollout, node_record, note, rollout_record, the_rollout
from wayside_manager.store.tables import nodes, releases, rollout_nodes, rollouts


class SqlRollouts(SqlPart):
    """Satisfies `ports.RolloutStore`, together with `SqlRolloutSteps`."""

    @writing
    def create_rollout(self, connection: Connection, spec: RolloutSpec, *, now: datetime) -> RolloutRecord:
        """See RolloutStore."""
        made = _made_before(connection, spec.request_id, spec.tenant_id)
        return made if made is not None else _create(connection, spec, now)

    @writing
    def retry_rollout(
        self, connection: Connection, rollout_id: str, new_rollout_id: str, *, now: datetime, request_id: str = ""
    ) -> RolloutRecord:
        """See RolloutStore."""
        before = the_rollout(connection, rollout_id)
        made = _made_before(connection, request_id, before.tenant_id)
        if made is not None:
            return made
        if before.state not in ENDED:
            raise FailedPreconditionError(
                f"rollout {rollout_id} has not ended; wait for its end or abort it, then retry", reason="ROLLOUT_LIVE"
            )
        left = _unsuccessful(connection, before)
        if not before.is_config:
            if not left:
                raise _nothing_left(rollout_id)
            return _create(connection, _retry_spec(before, new_rollout_id, left, request_id), now)
        begun = RolloutRecord(
            rollout_id=new_rollout_id,
            create_time=now,
            update_time=now,
            deadline_time=deadline(before.plan, now),
            config_cause=before.config_cause,
            plan=before.plan,
            retry_of=rollout_id,
            tenant_id=before.tenant_id,
        )
        targets = retry_targets(connection, left)
        if not start(connection, begun, targets, request_id=request_id):
            raise _nothing_left(rollout_id)
        return the_rollout(connection, new_rollout_id)

    @reading
    def get_rollout(self, connection: Connection, rollout_id: str) -> RolloutRecord:
        """See RolloutStore."""
        return the_rollout(connection, rollout_id)

    @reading
    def count_rollout_nodes(
        self, connection: Connection, rollout_ids: Iterable[str]
    ) -> Mapping[str, Mapping[tuple[int, RolloutNodeState], int]]:
        """See RolloutStore."""
        key = (rollout_nodes.c.rollout_id, rollout_nodes.c.wave, rollout_nodes.c.state)
        counts: dict[str, dict[tuple[int, RolloutNodeState], int]] = {}
        for part in parts(rollout_ids):
            query = select(*key, func.count()).where(rollout_nodes.c.rollout_id.in_(part)).group_by(*key)
            for rollout_id, wave, state, count in connection.execute(query):
                counts.setdefault(rollout_id, {})[wave, RolloutNodeState(state)] = count
        return counts

    @reading
    def list_rollouts(
        self, connection: Connection, *, reach: Reach, node_id: str = "", page_size: int = 0, page_token: str = ""
    ) -> Page[RolloutRecord]:
        """See RolloutStore."""
        size, question = checked_page_size(page_size), f"rollouts|{node_id}"
        key = (rollouts.c.create_us, rollouts.c.rollout_id)
        query = select(rollouts).where(covers_whole(rollouts.c.tenant_id, reach))
        if node_id:
            own = select(rollout_nodes.c.rollout_id).where(rollout_nodes.c.node_id == node_id)
            query = query.where(rollouts.c.rollout_id.in_(own))
        query = query.order_by(*(column.desc() for column in key)).limit(size + 1)
        before = position(page_token, question, types=(int, str))
        if before is not None:
            query = query.where(tuple_(*key) < tuple_(*before))
        rows = connection.execute(query).all()
        return page(rows, size, question, key=("create_us", "rollout_id"), record=rollout_record)

    @reading
    def list_rollout_nodes(
        self,
        connection: Connection,
        rollout_id: str,
        *,
        states: frozenset[RolloutNodeState] = frozenset(),
        node_id: str = "",
        page_size: int = 0,
        page_token: str = "",
    ) -> Page[RolloutNodeRecord]:
        """See RolloutStore."""
        the_rollout(connection, rollout_id)
        size, question = (
            checked_page_size(page_size),
            f"rollout_nodes|{rollout_id}|{','.join(sorted(states))}|{node_id}",
        )
        key = (rollout_nodes.c.wave, rollout_nodes.c.node_id)
        query = select(rollout_nodes).where(rollout_nodes.c.rollout_id == rollout_id).order_by(*key).limit(size + 1)
        if states:
            query = query.where(rollout_nodes.c.state.in_(sorted(states)))
        if node_id:
            query = query.where(rollout_nodes.c.node_id == node_id)
        after = position(page_token, question, types=(int, str))
        if after is not None:
            query = query.where(tuple_(*key) > tuple_(*after))
        rows = connection.execute(query).all()
        return page(rows, size, question, key=("wave", "node_id"), record=node_record)

    @writing
    def order_rollout(
        self, connection: Connection, rollout_id: str, order: RolloutOrder, *, now: datetime
    ) -> RolloutRecord:
        """See RolloutStore."""
        rollout = the_rollout(connection, rollout_id)
        state = state_after(rollout_id, rollout.state, order)
        takes_over = order is RolloutOrder.PAUSE and bool(rollout.storm_alarm_id)  # it no longer goes on by itself
        if state is rollout.state and not takes_over:
            return rollout
        message = "an operator aborted it" if state is RolloutState.ABORTED else ""
        values: dict[str, Any] = {"state": state, "message": message}
        values |= {"update_us": as_us(now), "revision": int(rollout.etag) + 1}
        if takes_over:
            values["storm_alarm_id"] = ""
        connection.execute(update(rollouts).where(rollouts.c.rollout_id == rollout_id).values(values))
        if state is RolloutState.ABORTED and rollout.job is not None:
            changes = JobChanges(connection, now=now)
            cancel_jobs(connection, rollout_id, changes, now=now, why=f"rollouts/{rollout_id} was aborted")
            changes.execute()
        after = the_rollout(connection, rollout_id)
        note(connection, rollout, after)
        return after


def _nothing_left(rollout_id: str) -> FailedPreconditionError:
    return FailedPreconditionError(
        f"rollout {rollout_id}: every node that is still there runs what it should; nothing is left to retry",
        reason="NOTHING_TO_RETRY",
    )


def _made_before(connection: Connection, request_id: str, tenant_id: str) -> RolloutRecord | None:
    if not request_id:
        return None
    query = select(rollouts).where(rollouts.c.request_id == request_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    if row.tenant_id != tenant_id:
        raise AlreadyExistsError("request_id: it is taken; give another", reason="REQUEST_ID_TAKEN")
    return rollout_record(row)


def _create(connection: Connection, spec: RolloutSpec, now: datetime) -> RolloutRecord:
    _check(connection, spec)
    rollout = RolloutRecord(
        rollout_id=spec.rollout_id,
        create_time=now,
        update_time=now,
        deadline_time=deadline(spec.plan, now),
        version=spec.version,
        job=spec.job,
        plan=spec.plan,
        selector=spec.selector,
        retry_of=spec.retry_of,
        tenant_id=spec.tenant_id,
    )
    return insert_rollout(connection, rollout, {node_id: {} for node_id in spec.node_ids}, request_id=spec.request_id)


def _unsuccessful(connection: Connection, rollout: RolloutRecord) -> tuple[str, ...]:
    """Nodes that did not succeed and that a rollout of its tenant can still reach, sorted."""
    query = (
        select(nodes.c.node_id, nodes.c.tenant_id)
        .join(rollout_nodes, rollout_nodes.c.node_id == nodes.c.node_id)
        .where(
            rollout_nodes.c.rollout_id == rollout.rollout_id,
            rollout_nodes.c.state != RolloutNodeState.SUCCEEDED,
            nodes.c.state == NodeState.ENROLLED,
        )
        .order_by(nodes.c.node_id)
    )
    below = tenant_tree(connection).below(rollout.tenant_id)
    return tuple(row.node_id for row in connection.execute(query) if row.tenant_id in below)


def _retry_spec(before: RolloutRecord, rollout_id: str, node_ids: tuple[str, ...], request_id: str) -> RolloutSpec:
    return RolloutSpec(
        rollout_id=rollout_id,
        version=before.version,
        job=before.job,
        node_ids=node_ids,
        plan=before.plan,
        selector=before.selector,
        request_id=request_id,
        retry_of=before.rollout_id,
        tenant_id=before.tenant_id,
    )


def _check(connection: Connection, spec: RolloutSpec) -> None:
    tree = tenant_tree(connection)
    below = tree.below(spec.tenant_id)
    if spec.version:
        _check_release(connection, spec.version, tree.above(spec.tenant_id) | {spec.tenant_id})
    if not spec.node_ids:
        raise FailedPreconditionError("selector: no node in service matches it; widen it", reason="NO_NODE_SELECTED")
    known = {node.node_id for node in selectables(connection, spec.node_ids) if node.tenant_id in below}
    for node_id in spec.node_ids:
        if node_id not in known:
            raise node_not_found(node_id)
    if spec.version:
        _check_free(connection, spec, below)


def _check_release(connection: Connection, version: str, usable: frozenset[str]) -> None:
    query = select(releases.c.state).where(releases.c.version == version, releases.c.tenant_id.in_(sorted(usable)))
    state = connection.scalar(query)
    if state is None:
        raise not_there("releases", version)
    if state != ReleaseState.ACTIVE:
        raise FailedPreconditionError(f"release {version} is retired; roll out another", reason="RELEASE_RETIRED")


def _check_free(connection: Connection, spec: RolloutSpec, below: frozenset[str]) -> None:
    """Two releases must not pull at one node."""
    for part in parts(spec.node_ids):
        query = (
            select(rollout_nodes.c.node_id, rollout_nodes.c.rollout_id, rollouts.c.tenant_id)
            .join(rollouts, rollouts.c.rollout_id == rollout_nodes.c.rollout_id)
            .where(rollout_nodes.c.node_id.in_(part), rollouts.c.state.not_in(ENDED), rollouts.c.version.is_not(None))
            .limit(1)
        )
        busy = connection.execute(query).first()
        if busy is not None:
            named = f"rollout {busy.rollout_id}" if busy.tenant_id in below else "a rollout of another tenant"
            raise FailedPreconditionError(
                f"node {busy.node_id} is in {named}; wait for its end or have it aborted", reason="NODE_IN_ROLLOUT"
            )
