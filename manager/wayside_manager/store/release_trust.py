"""Signed files and directions in SQL."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, tuple_

from wayside_manager.core.nodes import ReleaseAssignment
from wayside_manager.core.release_trust.files import Repository, Trust, TrustFile, TrustRole
from wayside_manager.core.release_trust.online import Direction, Renewal, Situation
from wayside_manager.ports.release_trust import NodeMetadata, NodeQuestion
from wayside_manager.store.moments import as_time, as_us
from wayside_manager.store.node_rows import node_not_found
from wayside_manager.store.part import SqlPart, changed, reading, writing, writing_quietly
from wayside_manager.store.tables import directions, node_desired, releases, trust_files

_RENEWED = (TrustRole.SNAPSHOT, TrustRole.TIMESTAMP)
"""Units get the newest only; roots are a chain, and what people signed stays."""


class SqlReleaseTrust(SqlPart):
    """Satisfies `ports.ReleaseTrustStore`."""

    @reading
    def get_trust(self, connection: Connection) -> Trust:
        """See ReleaseTrustStore."""
        return the_trust(connection)

    @writing
    def update_trust(self, connection: Connection, step: Callable[[Trust], Sequence[TrustFile]]) -> Trust:
        """See ReleaseTrustStore."""
        keep_files(connection, step(the_trust(connection)))
        return the_trust(connection)

    @reading
    def get_metadata(self, connection: Connection, question: NodeQuestion) -> NodeMetadata:
        """See ReleaseTrustStore."""
        return _metadata(connection, question)

    @writing_quietly
    def renew_metadata(
        self, connection: Connection, question: NodeQuestion, step: Callable[[Situation], Renewal]
    ) -> NodeMetadata:
        """See ReleaseTrustStore."""
        renewal = step(_situation(connection, question.node_id))
        for file in renewal.files:
            connection.execute(
                delete(trust_files).where(
                    trust_files.c.repository == file.repository,
                    trust_files.c.role == file.role,
                    trust_files.c.role.in_(_RENEWED),
                )
            )
        _insert(connection, renewal.files)
        if renewal.direction is not None:
            connection.execute(delete(directions).where(directions.c.node_id == question.node_id))
            connection.execute(insert(directions), _direction_row(renewal.direction))
        return _metadata(connection, question)


def the_trust(connection: Connection) -> Trust:
    """The newest of each file."""
    newest = select(trust_files.c.repository, trust_files.c.role, func.max(trust_files.c.version)).group_by(
        trust_files.c.repository, trust_files.c.role
    )
    key = tuple_(trust_files.c.repository, trust_files.c.role, trust_files.c.version)
    files = map(_file, connection.execute(select(trust_files).where(key.in_(newest))))
    return Trust({(file.repository, file.role): file for file in files})


def keep_files(connection: Connection, files: Iterable[TrustFile]) -> None:
    """Keeps what people signed, and notes it for the audit trail."""
    kept = tuple(files)
    _insert(connection, kept)
    for file in kept:
        name = f"releaseTrust/{file.repository}.{file.role}"
        changed(connection, name, before=None, after={"version": file.version, "content": file.content.hex()})


def _insert(connection: Connection, files: Sequence[TrustFile]) -> None:
    rows = [
        {
            "repository": file.repository,
            "role": file.role,
            "version": file.version,
            "content": file.content,
            "expire_us": as_us(file.expire_time),
        }
        for file in files
    ]
    if rows:
        connection.execute(insert(trust_files), rows)


def _metadata(connection: Connection, question: NodeQuestion) -> NodeMetadata:
    return NodeMetadata(
        _situation(connection, question.node_id),
        _roots(connection, Repository.IMAGE, question.image_root_version),
        _roots(connection, Repository.DIRECTOR, question.director_root_version),
    )


def _situation(connection: Connection, node_id: str) -> Situation:
    query = (
        select(node_desired.c.version, node_desired.c.rollout_id, releases.c.sha256, releases.c.size_bytes)
        .outerjoin_from(node_desired, releases, releases.c.version == node_desired.c.version)
        .where(node_desired.c.node_id == node_id)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise node_not_found(node_id)
    release = None
    if row.version is not None:
        release = ReleaseAssignment(row.version, row.sha256, row.size_bytes, row.rollout_id or "")
    held = connection.execute(select(directions).where(directions.c.node_id == node_id)).one_or_none()
    return Situation(node_id, the_trust(connection), release, None if held is None else _direction(held))


def _roots(connection: Connection, repository: Repository, version: int) -> tuple[TrustFile, ...]:
    query = select(trust_files).where(
        trust_files.c.repository == repository,
        trust_files.c.role == TrustRole.ROOT,
        trust_files.c.version > version,
    )
    return tuple(map(_file, connection.execute(query.order_by(trust_files.c.version))))


def _file(row: Row[Any]) -> TrustFile:
    return TrustFile(Repository(row.repository), TrustRole(row.role), row.version, row.content, as_time(row.expire_us))


def _direction(row: Row[Any]) -> Direction:
    return Direction(
        node_id=row.node_id,
        version=row.version,
        targets=row.targets,
        snapshot=row.snapshot,
        timestamp=row.timestamp,
        subject_sha256=row.subject_sha256,
        expire_time=as_time(row.expire_us),
    )


def _direction_row(direction: Direction) -> dict[str, Any]:
    return {
        "node_id": direction.node_id,
        "version": direction.version,
        "targets": direction.targets,
        "snapshot": direction.snapshot,
        "timestamp": direction.timestamp,
        "subject_sha256": direction.subject_sha256,
        "expire_us": as_us(direction.expire_time),
    }
