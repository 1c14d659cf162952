"""Rollouts of configuration: who made them, whom they take over, and what is told at once.

A node is in one live rollout of configuration at most. A newer one takes it over: where its turn had not come, the
older one skips it; where it was under way, it is told the newer configuration at once and is under way in that one.

    rollout_id = start_config_rollout(
        connection, tenant_id="root", cause="configLayers/base", plan=None, targets={"rsu-1": (7, sha256)}, now=now
    )
    staying = renew_targets(connection, {"rsu-1": (8, sha256)}, {"rsu-1": "root"}, now=now)
    leave_config_rollouts(connection, ["rsu-1"], message="told at once", now=now)
"""

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, select, update

from wayside_manager.core.nodes import ConfigDecision
from wayside_manager.core.rollout import ENDED, RolloutNodeState, RolloutPlan, RolloutRecord
from wayside_manager.store.desired import ToldConfig, tell_config
from wayside_manager.store.moments import as_us
from wayside_manager.store.node_rows import parts
from wayside_manager.store.operator_rows import tenant_tree
from wayside_manager.store.rollout_rows import deadline, insert_rollout
from wayside_manager.store.tables import node_desired, node_status, rollout_nodes, rollouts

IS_CONFIG = and_(rollouts.c.version.is_(None), rollouts.c.job == "")
"""Whether a rollout brings configuration."""


def start_config_rollout(
    connection: Connection,
    *,
    tenant_id: str,
    cause: str,
    plan: RolloutPlan | None,
    targets: Mapping[str, tuple[int, str]],
    now: datetime,
    retry_of: str = "",
) -> str:
    """Starts a rollout of new configurations, per node in service its revision and SHA-256; the rollout's id.

    Empty: there is nobody to tell, because each is told that content already. Such nodes leave the older rollouts all
    the same.
    """
    plan = plan or RolloutPlan()
    rollout = RolloutRecord(
        rollout_id=f"c{secrets.token_hex(5)}",
        create_time=now,
        update_time=now,
        deadline_time=deadline(plan, now),
        config_cause=cause,
        plan=plan,
        retry_of=retry_of,
        tenant_id=tenant_id,
    )
    return rollout.rollout_id if start(connection, rollout, targets) else ""


def start(
    connection: Connection, rollout: RolloutRecord, targets: Mapping[str, tuple[int, str]], *, request_id: str = ""
) -> bool:
    """Starts such a rollout as given; whether there was anybody to tell. See `start_config_rollout`."""
    older = _under_way_elsewhere(connection, targets)
    told = _told(connection, targets)
    now_us = as_us(rollout.create_time)
    rows: dict[str, dict[str, Any]] = {}
    told_now: dict[str, ToldConfig] = {}
    for node_id, (revision, sha256) in targets.items():
        in_flight = [row for row in older.get(node_id, ()) if row.state == RolloutNodeState.IN_FLIGHT]
        if told[node_id] == sha256 and not in_flight and not rollout.retry_of:
            continue
        rows[node_id] = {"config_revision": revision, "config_sha256": sha256}
        if in_flight:
            rows[node_id] |= {
                "state": RolloutNodeState.IN_FLIGHT,
                "tell_us": now_us,
                "previous_config_revision": in_flight[0].previous_config_revision,
            }
            told_now[node_id] = told_by(rollout, revision, sha256)
    _leave(connection, older, message=f"taken over by {_newer(rollout, rows)}", now_us=now_us)
    if rows:
        insert_rollout(connection, rollout, rows, request_id=request_id)
        tell_config(connection, told_now)
    return bool(rows)


def told_by(rollout: RolloutRecord, revision: int, sha256: str) -> ToldConfig:
    """A configuration as this rollout tells it."""
    decision = ConfigDecision.HOLD if rollout.plan.needs_confirmation else ConfigDecision.GATE
    return ToldConfig(revision, sha256, rollout.rollout_id, rollout.plan.trial_timeout_s, decision)


def leave_config_rollouts(connection: Connection, node_ids: Iterable[str], *, message: str, now: datetime) -> None:
    """Takes nodes out of every rollout of configuration: what they are told now comes from elsewhere."""
    _leave(connection, _under_way_elsewhere(connection, node_ids), message=message, now_us=as_us(now))


def renew_targets(
    connection: Connection,
    targets: Mapping[str, tuple[int, str]],
    tenant_ids: Mapping[str, str],
    *,
    now: datetime,
) -> frozenset[str]:
    """Gives nodes whose turn is still to come their new target in the rollout where they wait; which nodes these are.

    `tenant_ids`: the tenant of each node; a rollout of another line does not reach it any more, so it does not stay.
    """
    tree = tenant_tree(connection)
    found: list[dict[str, Any]] = []
    for part in parts(targets):
        query = (
            select(rollout_nodes.c.node_id, rollout_nodes.c.rollout_id, rollouts.c.tenant_id)
            .join(rollouts, rollouts.c.rollout_id == rollout_nodes.c.rollout_id)
            .where(
                rollout_nodes.c.node_id.in_(part),
                rollout_nodes.c.state == RolloutNodeState.PENDING,
                IS_CONFIG,
                rollouts.c.state.not_in(ENDED),
            )
        )
        for node_id, rollout_id, tenant_id in connection.execute(query):
            if tenant_ids[node_id] in tree.below(tenant_id):
                revision, sha256 = targets[node_id]
                found.append(
                    {"of_rollout": rollout_id, "of_node": node_id, "to_revision": revision, "to_sha256": sha256}
                )
    if not found:
        return frozenset()
    statement = (
        update(rollout_nodes)
        .where(rollout_nodes.c.rollout_id == bindparam("of_rollout"), rollout_nodes.c.node_id == bindparam("of_node"))
        .values(config_revision=bindparam("to_revision"), config_sha256=bindparam("to_sha256"))
    )
    connection.execute(statement, found)
    _touch(connection, {row["of_rollout"] for row in found}, as_us(now))
    return frozenset(row["of_node"] for row in found)


def retry_targets(connection: Connection, node_ids: Iterable[str]) -> dict[str, tuple[int, str]]:
    """What the layers ask of those of these nodes that run something else, per node revision and SHA-256."""
    found: dict[str, tuple[int, str]] = {}
    for part in parts(node_ids):
        query = (
            select(node_desired.c.node_id, node_desired.c.target_config_revision, node_desired.c.target_config_sha256)
            .join(node_status, node_status.c.node_id == node_desired.c.node_id)
            .where(
                node_desired.c.node_id.in_(part),
                node_desired.c.target_config_revision > 0,
                node_desired.c.target_config_sha256 != node_status.c.running_config_sha256,
            )
        )
        found |= {node_id: (revision, sha256) for node_id, revision, sha256 in connection.execute(query)}
    return found


def _newer(rollout: RolloutRecord, rows: Mapping[str, object]) -> str:
    return f"rollout {rollout.rollout_id}" if rows else rollout.config_cause


def _told(connection: Connection, node_ids: Iterable[str]) -> dict[str, str]:
    """Per node the SHA-256 of what it is told."""
    told: dict[str, str] = {}
    for part in parts(node_ids):
        query = select(node_desired.c.node_id, node_desired.c.config_sha256).where(node_desired.c.node_id.in_(part))
        told |= {row.node_id: row.config_sha256 for row in connection.execute(query)}
    return told


def _under_way_elsewhere(connection: Connection, node_ids: Iterable[str]) -> dict[str, list[Row[Any]]]:
    """Per node its unsettled rows in rollouts of configuration, of ended ones as well."""
    columns = (
        rollout_nodes.c.node_id,
        rollout_nodes.c.rollout_id,
        rollout_nodes.c.state,
        rollout_nodes.c.previous_config_revision,
    )
    found: dict[str, list[Row[Any]]] = {}
    for part in parts(node_ids):
        query = (
            select(*columns)
            .join(rollouts, rollouts.c.rollout_id == rollout_nodes.c.rollout_id)
            .where(
                rollout_nodes.c.node_id.in_(part),
                rollout_nodes.c.state.in_((RolloutNodeState.PENDING, RolloutNodeState.IN_FLIGHT)),
                IS_CONFIG,
            )
        )
        for row in connection.execute(query):
            found.setdefault(str(row.node_id), []).append(row)  # type: ignore[arg-type]  # a row is a row
    return found


def _leave(connection: Connection, older: Mapping[str, Iterable[Row[Any]]], *, message: str, now_us: int) -> None:
    left = [row for rows in older.values() for row in rows]
    if not left:
        return
    statement = (
        update(rollout_nodes)
        .where(rollout_nodes.c.rollout_id == bindparam("of_rollout"), rollout_nodes.c.node_id == bindparam("of_node"))
        .values(state=RolloutNodeState.SKIPPED, message=message)
    )
    connection.execute(statement, [{"of_rollout": row.rollout_id, "of_node": row.node_id} for row in left])
    _touch(connection, {row.rollout_id for row in left}, now_us)


def _touch(connection: Connection, rollout_ids: Iterable[str], now_us: int) -> None:
    """A step planned before must not tell nodes what is old now: it finds another etag."""
    for part in parts(sorted(rollout_ids)):
        moved = update(rollouts).where(rollouts.c.rollout_id.in_(part))
        connection.execute(moved.values(revision=rollouts.c.revision + 1, update_us=now_us))
