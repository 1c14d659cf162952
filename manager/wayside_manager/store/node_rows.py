"""Nodes between tables and records."""

import json
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Row,
    ScalarSelect,
    Select,
    bindparam,
    delete,
    insert,
    select,
)

from wayside.errors import NotFoundError
from wayside_manager.core.credentials import CredentialKind
from wayside_manager.core.missing import not_there
from wayside_manager.core.nodes import (
    Asked,
    ConfigDecision,
    DesiredRecord,
    Label,
    NodeKind,
    NodeRecord,
    NodeState,
    NodeStatus,
    ReleaseAssignment,
    UpdatePhase,
)
from wayside_manager.core.selectors import Selectable
from wayside_manager.store.moments import as_time, as_time_or_none
from wayside_manager.store.tables import (
    credentials,
    node_desired,
    node_labels,
    node_status,
    nodes,
    releases,
    rollout_nodes,
    rollouts,
)

_MICROSECONDS_PER_SECOND = 1_000_000
_LABELS = select(node_labels).order_by(node_labels.c.node_id, node_labels.c.key)
_LABELS_OF_ONE = _LABELS.where(node_labels.c.node_id == bindparam("wanted_id"))
_SELECTABLES = (
    select(
        nodes.c.node_id,
        nodes.c.kind,
        nodes.c.state,
        nodes.c.tenant_id,
        nodes.c.site_id,
        node_status.c.model,
        node_status.c.running_version,
    )
    .outerjoin(node_status, node_status.c.node_id == nodes.c.node_id)
    .order_by(nodes.c.node_id)
)
_KINDS = {str(kind): kind for kind in NodeKind}  # a look-up costs a tenth of a call of the enumeration
_STATES = {str(state): state for state in NodeState}
_MAX_VARIABLES = 500
"""Values in one IN list; below every engine's limit."""


def node_not_found(node_id: str) -> NotFoundError:
    """The error for a node that is not there."""
    return not_there("nodes", node_id)


def said_of(node: NodeRecord) -> dict[str, object]:
    """What is said of a node by operators and at enrolment, for the audit trail."""
    return {
        "tenant": node.tenant_id,
        "esn": node.esn,
        "kind": node.kind,
        "display_name": node.display_name,
        "site": node.site_id,
        "variables": dict(node.variables),
        "labels": [(label.key, label.value) for label in node.labels],
        "state": node.state,
    }


def desired_columns() -> tuple[Any, ...]:
    """Columns `desired_record` reads."""
    return (
        node_desired.c.revision.label("desired_revision"),
        node_desired.c.config_revision,
        node_desired.c.config_sha256,
        node_desired.c.version,
        node_desired.c.rollout_id,
        node_desired.c.target_config_revision,
        node_desired.c.target_config_sha256,
        node_desired.c.config_problem,
        node_desired.c.config_trial.label("desired_trial"),
        node_desired.c.config_trial_timeout_us,
        node_desired.c.config_decision,
        releases.c.sha256.label("release_sha256"),
        releases.c.size_bytes,
        select(rollouts.c.plan)
        .where(rollouts.c.rollout_id == node_desired.c.rollout_id)
        .scalar_subquery()
        .label("desired_plan"),
        _of_rollout(rollout_nodes.c.attempt).label("desired_attempt"),
        _of_rollout(rollout_nodes.c.window_end_us).label("desired_end_us"),
    )


def _of_rollout(column: Column[Any]) -> ScalarSelect[Any]:
    """What a rollout knows of the node that it tells."""
    is_its = (rollout_nodes.c.rollout_id == node_desired.c.rollout_id) & (
        rollout_nodes.c.node_id == node_desired.c.node_id
    )
    return select(column).where(is_its).correlate(node_desired).scalar_subquery()


@lru_cache(maxsize=256)  # thousands of nodes have the same plan
def _asked(plan: str) -> Asked:
    return msgspec.json.decode(plan, type=Asked)


def desired_record(row: Row[Any]) -> DesiredRecord:
    """What a node should be."""
    release = None
    if row.version is not None:
        asked = _asked(row.desired_plan or "{}")
        release = ReleaseAssignment(
            row.version,
            row.release_sha256,
            row.size_bytes,
            row.rollout_id or "",
            asked,
            attempt=row.desired_attempt or 0,
            end_time=as_time_or_none(row.desired_end_us),
        )
    return DesiredRecord(
        node_id=row.node_id,
        revision=row.desired_revision,
        config_revision=row.config_revision,
        config_sha256=row.config_sha256,
        release=release,
        target_config_revision=row.target_config_revision,
        target_config_sha256=row.target_config_sha256,
        config_problem=row.config_problem,
        config_trial=row.desired_trial,
        config_trial_timeout_s=row.config_trial_timeout_us / _MICROSECONDS_PER_SECOND,
        config_decision=ConfigDecision(row.config_decision),
    )


@cache
def _one_node_query() -> Select[Any]:
    # made once: to put it together costs as much as to run it
    return node_query().where(nodes.c.node_id == bindparam("wanted_id"))


def node_query() -> Select[Any]:
    """Everything of nodes but their labels."""
    certificate_expire_us = (
        select(credentials.c.expire_us)
        .where(
            credentials.c.holder == "nodes/" + nodes.c.node_id,
            credentials.c.kind == CredentialKind.CERTIFICATE,
            credentials.c.is_confirmed,
            credentials.c.revoke_us.is_(None),
        )
        .order_by(credentials.c.create_us.desc())
        .limit(1)
        .scalar_subquery()
        .label("certificate_expire_us")
    )
    return (
        select(
            nodes,
            certificate_expire_us,
            *[column for column in node_status.c if column.name != "node_id"],
            *desired_columns(),
        )
        .join(node_status, node_status.c.node_id == nodes.c.node_id)
        .join(node_desired, node_desired.c.node_id == nodes.c.node_id)
        .outerjoin(releases, releases.c.version == node_desired.c.version)
    )


def node_record(row: Row[Any], labels: tuple[Label, ...]) -> NodeRecord:
    """One node."""
    return NodeRecord(
        node_id=row.node_id,
        esn=row.esn,
        kind=NodeKind(row.kind),
        create_time=as_time(row.create_us),
        update_time=as_time(row.update_us),
        etag=str(row.revision),
        desired=desired_record(row),
        status=_status(row),
        display_name=row.display_name,
        site_id=row.site_id or "",
        variables=json.loads(row.variables) if row.variables else {},
        labels=labels,
        state=NodeState(row.state),
        tenant_id=row.tenant_id,
        certificate_expire_time=as_time_or_none(row.certificate_expire_us),
    )


def _status(row: Row[Any]) -> NodeStatus:
    return NodeStatus(
        last_report_time=as_time_or_none(row.last_report_us),
        report_period_s=row.report_period_us / _MICROSECONDS_PER_SECOND,
        health=row.health,
        config_report=row.config_report,
        update_report=row.update_report,
        running_release=row.running_release,
        running_version=row.running_version,
        running_config_revision=row.running_config_revision,
        update_phase=UpdatePhase(row.update_phase),
        model=row.model,
        running_config_sha256=row.running_config_sha256,
        config_outcome=row.config_outcome,
        config_trial=row.config_trial,
        config_since_time=as_time_or_none(row.config_since_us),
        lost_report_count=row.lost_report_count,
    )


def find_node(connection: Connection, node_id: str) -> NodeRecord | None:
    """One node, or `None`."""
    row = connection.execute(_one_node_query(), {"wanted_id": node_id}).one_or_none()
    if row is None:
        return None
    labels = connection.execute(_LABELS_OF_ONE, {"wanted_id": node_id})
    return node_record(row, tuple(Label(label.key, label.value) for label in labels))


def the_node(connection: Connection, node_id: str) -> NodeRecord:
    """One node.

    Raises: NotFoundError.
    """
    node = find_node(connection, node_id)
    if node is None:
        raise node_not_found(node_id)
    return node


def labels_of(
    connection: Connection, node_ids: Iterable[str] | None, *, where: Sequence[ColumnElement[bool]] = ()
) -> dict[str, tuple[Label, ...]]:
    """Labels per node, sorted by key; of every node if `node_ids` is `None`; `where` are conditions on `nodes`."""
    query = _LABELS
    if where:
        query = query.where(node_labels.c.node_id.in_(select(nodes.c.node_id).where(*where)))
    found: dict[str, list[Label]] = {}
    for part in parts(node_ids) if node_ids is not None else [None]:
        rows = connection.execute(query if part is None else query.where(node_labels.c.node_id.in_(part)))
        for row in rows:
            found.setdefault(row.node_id, []).append(Label(row.key, row.value))
    return {node_id: tuple(labels) for node_id, labels in found.items()}


def selectables(
    connection: Connection, node_ids: Iterable[str] | None = None, *, where: Sequence[ColumnElement[bool]] = ()
) -> list[Selectable]:
    """What selectors look at, of these or of all nodes, in order of ids; `where` are conditions on `nodes`."""
    node_ids = None if node_ids is None else list(node_ids)
    labels = labels_of(connection, node_ids, where=where)
    query = _SELECTABLES.where(*where)
    found = []
    for part in parts(node_ids) if node_ids is not None else [None]:
        rows = connection.execute(query if part is None else query.where(nodes.c.node_id.in_(part))).all()
        for node_id, kind, state, tenant_id, site_id, model, version in rows:
            own = frozenset(labels.get(node_id, ()))
            found.append(
                Selectable(
                    node_id, _KINDS[kind], own, _STATES[state], tenant_id, site_id or "", model or "", version or ""
                )
            )
    return sorted(found, key=lambda node: node.node_id)


def replace_labels(connection: Connection, node_id: str, labels: Iterable[Label]) -> None:
    """Gives a node these labels and no others."""
    connection.execute(delete(node_labels).where(node_labels.c.node_id == node_id))
    rows = [{"node_id": node_id, "key": label.key, "value": label.value} for label in labels]
    if rows:
        connection.execute(insert(node_labels), rows)


def parts(values: Iterable[str]) -> Iterable[list[str]]:
    """The values in lists short enough for one statement."""
    every = list(values)
    for start in range(0, len(every), _MAX_VARIABLES):
        yield every[start : start + _MAX_VARIABLES]
