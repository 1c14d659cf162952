"""What nodes should be, in SQL. The transactions that change it write it; here it is read and written.

Every change raises `revision` by one, in the transaction that makes it, so no loop has to find out.
Usage: `assign(connection, {"rsu-1": ("1.2.0", "r1")})`, `tell_config(connection, {"rsu-1": ToldConfig(...)})`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, func, select, update

from wayside_manager.core.nodes import ConfigDecision, DesiredRecord
from wayside_manager.store.node_rows import desired_columns, desired_record, node_not_found, parts
from wayside_manager.store.part import SqlPart, reading
from wayside_manager.store.tables import node_desired, releases

_MICROSECONDS_PER_SECOND = 1_000_000
SHARED_MIN_COUNT = 20
"""Nodes that are told the same from which on one statement for them all is faster than a row each."""
_NEXT = node_desired.c.revision + 1


class ToldConfig(NamedTuple):
    """A configuration as a node is told it."""

    revision: int
    sha256: str
    trial: str
    """Rollout that tells it, `node-{revision}` when it is told at once, `back-{rollout}` when one takes it back."""
    trial_timeout_s: float = 120.0
    decision: ConfigDecision = ConfigDecision.GATE


class SqlDesired(SqlPart):
    """Satisfies `ports.DesiredStore`."""

    @reading
    def get_desired(self, connection: Connection, node_id: str) -> DesiredRecord:
        """See DesiredStore."""
        query = (
            select(node_desired.c.node_id, *desired_columns())
            .outerjoin_from(node_desired, releases, releases.c.version == node_desired.c.version)
            .where(node_desired.c.node_id == node_id)
        )
        row = connection.execute(query).one_or_none()
        if row is None:
            raise node_not_found(node_id)
        return desired_record(row)

    @reading
    def sum_desired(self, connection: Connection) -> int:
        """See DesiredStore."""
        return int(connection.execute(select(func.coalesce(func.sum(node_desired.c.revision), 0))).scalar_one())

    @reading
    def desired_revisions(self, connection: Connection) -> dict[str, int]:
        """See DesiredStore."""
        rows = connection.execute(select(node_desired.c.node_id, node_desired.c.revision))
        return {row.node_id: row.revision for row in rows}


def assign(connection: Connection, assignments: Mapping[str, tuple[str | None, str | None]]) -> None:
    """Tells nodes which release to run, per node the version and the rollout that asks for it."""
    if not assignments:
        return
    groups: dict[tuple[str | None, str | None], list[str]] = {}
    for node_id, assignment in assignments.items():
        groups.setdefault(assignment, []).append(node_id)
    for (version, rollout_id), node_ids in groups.items():
        for part in parts(node_ids):
            statement = update(node_desired).where(node_desired.c.node_id.in_(part))
            connection.execute(statement.values(revision=_NEXT, version=version, rollout_id=rollout_id))


def raise_revision(connection: Connection, node_ids: Iterable[str]) -> None:
    """Tells nodes anew, because something of what they should be has changed that stands elsewhere: their jobs."""
    for part in parts(sorted(node_ids)):
        connection.execute(update(node_desired).where(node_desired.c.node_id.in_(part)).values(revision=_NEXT))


def tell_config(
    connection: Connection, told: Mapping[str, ToldConfig | tuple[int, str, str, float, ConfigDecision]]
) -> None:
    """Tells nodes which configuration to run, per node a `ToldConfig` or the same as a tuple."""
    if not told:
        return
    groups: dict[ToldConfig, list[str]] = {}
    for node_id, config in told.items():
        groups.setdefault(ToldConfig(*config), []).append(node_id)
    single: dict[str, ToldConfig] = {}
    for each, node_ids in groups.items():
        if len(node_ids) < SHARED_MIN_COUNT:
            single |= dict.fromkeys(node_ids, each)
            continue
        for part in parts(node_ids):
            values = {name.removeprefix("to_"): value for name, value in _told_values(each).items()}
            is_one = node_desired.c.node_id.in_(part)
            connection.execute(update(node_desired).where(is_one).values(revision=_NEXT, **values))
    _tell_each(connection, single)


def _tell_each(connection: Connection, told: Mapping[str, ToldConfig]) -> None:
    if told:
        rows = [{"of_node": node_id} | _told_values(each) for node_id, each in told.items()]
        values: dict[str, Any] = {name.removeprefix("to_"): bindparam(name) for name in rows[0] if name != "of_node"}
        statement = update(node_desired).where(node_desired.c.node_id == bindparam("of_node"))
        connection.execute(statement.values(revision=_NEXT, **values), rows)


def _told_values(told: ToldConfig) -> dict[str, Any]:
    return {
        "to_config_revision": told.revision,
        "to_config_sha256": told.sha256,
        "to_config_trial": told.trial,
        "to_config_trial_timeout_us": round(told.trial_timeout_s * _MICROSECONDS_PER_SECOND),
        "to_config_decision": told.decision,
    }
