"""What operators decide about a trial that a node was told, in SQL.

The node hears of it as of any other change of what it should be.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update

from wayside.errors import FailedPreconditionError, InvalidArgumentError
from wayside_manager.core.nodes import ConfigDecision
from wayside_manager.core.reports import ConfigOutcome
from wayside_manager.store.node_rows import node_not_found
from wayside_manager.store.part import SqlPart, changed, writing
from wayside_manager.store.tables import node_desired, node_status, nodes

TRIAL_MIN = timedelta(seconds=5)
TRIAL_MAX = timedelta(hours=24)
_MICROSECOND = timedelta(microseconds=1)
_FINAL = {ConfigDecision.CONFIRM: "confirmed", ConfigDecision.CANCEL: "cancelled"}


class SqlConfigTrials(SqlPart):
    """The trials' share of `ports.ConfigStore`."""

    @writing
    def decide_trial(
        self,
        connection: Connection,
        node_id: str,
        trial: str,
        *,
        now: datetime,  # noqa: ARG002  # of the port; what a node should be carries no times
        decision: ConfigDecision | None = None,
        timeout: timedelta | None = None,
    ) -> bool:
        """See ConfigStore."""
        row = _the_row(connection, node_id)
        if not trial or row.config_trial != trial:
            present = f"it was told trial {row.config_trial}" if row.config_trial else "it was told none"
            raise _not_now(f"node {node_id} is not on trial {trial[:80]}: {present}; name that one", "TRIAL_OTHER")
        values = _decided(row, decision) | _extended(row, timeout)
        if not values:
            return False
        _check_under_way(row)
        statement = update(node_desired).where(node_desired.c.node_id == node_id)
        connection.execute(statement.values(values | {"revision": row.revision + 1}))
        before = {name: getattr(row, name) for name in values}
        changed(connection, f"nodes/{node_id}", before=before, after=values, tenant_id=row.tenant_id)
        return True


def _the_row(connection: Connection, node_id: str) -> Row[Any]:
    query = (
        select(
            nodes.c.tenant_id,
            node_desired,
            node_status.c.config_trial.label("said_trial"),
            node_status.c.config_outcome,
        )
        .join(nodes, nodes.c.node_id == node_desired.c.node_id)
        .join(node_status, node_status.c.node_id == node_desired.c.node_id)
        .where(node_desired.c.node_id == node_id)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise node_not_found(node_id)
    return row


def _decided(row: Row[Any], decision: ConfigDecision | None) -> dict[str, Any]:
    if decision is None or decision == row.config_decision:
        return {}
    _check_undecided(row)
    return {"config_decision": decision}


def _extended(row: Row[Any], timeout: timedelta | None) -> dict[str, Any]:
    if timeout is None:
        return {}
    if not TRIAL_MIN <= timeout <= TRIAL_MAX:
        raise InvalidArgumentError(
            f"timeout: {timeout.total_seconds():g} s is outside 5 s to 24 h", reason="TRIAL_TIMEOUT_INVALID"
        )
    timeout_us = timeout // _MICROSECOND
    if timeout_us == row.config_trial_timeout_us:
        return {}
    if timeout_us < row.config_trial_timeout_us:
        present_s = row.config_trial_timeout_us / 1_000_000
        raise InvalidArgumentError(
            f"timeout: {timeout.total_seconds():g} s is shorter than the {present_s:g} s it has; give more",
            reason="TRIAL_TIMEOUT_INVALID",
        )
    _check_undecided(row)
    return {"config_trial_timeout_us": timeout_us}


def _check_undecided(row: Row[Any]) -> None:
    word = _FINAL.get(row.config_decision)
    if word is not None:
        raise _not_now(f"trial {row.config_trial} of node {row.node_id} was {word} already", "TRIAL_DECIDED")


def _check_under_way(row: Row[Any]) -> None:
    if row.said_trial == row.config_trial and row.config_outcome not in {"", ConfigOutcome.PROVISIONAL}:
        raise _not_now(f"trial {row.config_trial} of node {row.node_id} is over: {row.config_outcome}", "TRIAL_OVER")


def _not_now(sentence: str, reason: str) -> FailedPreconditionError:
    return FailedPreconditionError(sentence, reason=reason)
