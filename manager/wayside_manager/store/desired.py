"""What nodes should be, in SQL. The transactions that change it write it; here it is read and assigned.

Every change raises `revision` by one, in the transaction that makes it, so no loop has to find out.
"""

from sqlalchemy import Connection, bindparam, select, update

from wayside_manager.core.nodes import DesiredRecord
from wayside_manager.store.node_rows import desired_columns, desired_record, node_not_found
from wayside_manager.store.part import SqlPart, reading
from wayside_manager.store.tables import node_desired, releases


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


def assign(connection: Connection, assignments: dict[str, tuple[str | None, str | None]]) -> None:
    """Tells nodes which release to run, per node the version and the rollout that asks for it."""
    if not assignments:
        return
    statement = (
        update(node_desired)
        .where(node_desired.c.node_id == bindparam("of_node"))
        .values(
            revision=node_desired.c.revision + 1, version=bindparam("to_version"), rollout_id=bindparam("to_rollout")
        )
    )
    rows = [
        {"of_node": node_id, "to_version": version, "to_rollout": rollout_id}
        for node_id, (version, rollout_id) in assignments.items()
    ]
    connection.execute(statement, rows)
