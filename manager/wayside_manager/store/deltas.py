"""Deltas between releases in SQL."""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, delete, func, insert, select, update

from wayside.errors import ConflictError
from wayside_manager.core.deltas import GIVEN_UP_COUNT, MAX_TRIES, DeltaRecord, DeltaRelease, DeltaState, Pair
from wayside_manager.core.releases import ReleaseState
from wayside_manager.ports.rollouts import Lease
from wayside_manager.store import leases
from wayside_manager.store.desired import raise_revision
from wayside_manager.store.operator_rows import tenant_tree
from wayside_manager.store.part import SqlPart, reading, writing, writing_quietly
from wayside_manager.store.tables import node_desired, node_status, release_deltas, releases


class _Tree(msgspec.Struct, frozen=True):
    """The one field of a manifest that deltas need."""

    tree_sha256: str = ""


class SqlDeltas(SqlPart):
    """Satisfies `ports.DeltaStore`; leases are the rollouts'."""

    @reading
    def delta_releases(self, connection: Connection) -> tuple[DeltaRelease, ...]:
        """See DeltaStore."""
        runs = _counts(connection, select(node_status.c.running_release.label("version")))
        told = select(node_desired.c.version).join(node_status, node_status.c.node_id == node_desired.c.node_id)
        wanted = _counts(connection, told.where(node_desired.c.version != node_status.c.running_release))
        trees = _counts(connection, select(node_status.c.running_tree_sha256.label("version")))
        tree = tenant_tree(connection)
        columns = (releases.c.version, releases.c.sha256, releases.c.size_bytes, releases.c.manifest)
        rows = connection.execute(
            select(*columns, releases.c.state, releases.c.create_us, releases.c.counter, releases.c.tenant_id)
        )
        return tuple(
            DeltaRelease(
                version=row.version,
                sha256=row.sha256,
                size_bytes=row.size_bytes,
                tree_sha256=_tree_sha256(row.manifest),
                is_active=row.state == ReleaseState.ACTIVE,
                create_us=row.create_us,
                counter=row.counter,
                node_count=max(runs.get(row.version, 0), trees.get(_tree_sha256(row.manifest), 0))
                + wanted.get(row.version, 0),
                is_wanted=row.version in wanted,
                tenant_ids=frozenset(tree.above(row.tenant_id) | tree.below(row.tenant_id)),
            )
            for row in rows
        )

    @reading
    def list_deltas(self, connection: Connection, versions: Collection[str] | None = None) -> tuple[DeltaRecord, ...]:
        """See DeltaStore."""
        query = _deltas().order_by(release_deltas.c.version, release_deltas.c.base_version)
        if versions is not None:
            query = query.where(release_deltas.c.version.in_(sorted(versions)))
        return tuple(map(_record, connection.execute(query)))

    @writing
    def keep_pairs(self, connection: Connection, pairs: Sequence[Pair], *, lease: Lease) -> tuple[DeltaRecord, ...]:
        """See DeltaStore."""
        leases.check(connection, lease)
        gone = connection.execute(_deltas().where(releases_of_target.c.state == ReleaseState.RETIRED)).all()
        for row in gone:
            connection.execute(delete(release_deltas).where(_is(Pair(row.version, row.base_version))))
        there = {Pair(*row) for row in connection.execute(select(*_KEY))}
        live = set(connection.scalars(select(releases.c.version).where(releases.c.state == ReleaseState.ACTIVE)))
        known = set(connection.scalars(select(releases.c.version)))
        rows = [
            _NEW | {"version": pair.version, "base_version": pair.base_version}
            for pair in pairs
            if pair not in there and pair.version in live and pair.base_version in known
        ]
        if rows:
            connection.execute(insert(release_deltas), rows)
        return tuple(map(_record, gone))

    @writing
    def reopen_failed(self, connection: Connection, *, lease: Lease) -> int:
        """See DeltaStore."""
        leases.check(connection, lease)
        is_failed = and_(release_deltas.c.state == DeltaState.FAILED, release_deltas.c.try_count < GIVEN_UP_COUNT)
        again = {"state": DeltaState.PENDING, "try_count": MAX_TRIES - 1}
        return connection.execute(update(release_deltas).where(is_failed).values(again)).rowcount

    @writing
    def begin_delta(self, connection: Connection, pair: Pair, *, lease: Lease) -> DeltaRecord | None:
        """See DeltaStore."""
        leases.check(connection, lease)
        is_open = and_(_is(pair), release_deltas.c.state == DeltaState.PENDING)
        is_spent = and_(is_open, release_deltas.c.try_count >= MAX_TRIES)
        given_up = {
            "state": DeltaState.FAILED,
            "try_count": GIVEN_UP_COUNT,
            "message": "given up: the manager died over each try; nodes fetch the whole",
        }
        connection.execute(update(release_deltas).where(is_spent).values(given_up))
        connection.execute(update(release_deltas).where(is_open).values(try_count=release_deltas.c.try_count + 1))
        row = connection.execute(_deltas().where(is_open)).one_or_none()
        return None if row is None else _record(row)

    @writing
    def end_delta(
        self,
        connection: Connection,
        pair: Pair,
        state: DeltaState,
        *,
        sha256: str = "",
        size_bytes: int = 0,
        message: str = "",
        lease: Lease,
    ) -> tuple[str, ...]:
        """See DeltaStore."""
        leases.check(connection, lease)
        is_open = and_(_is(pair), release_deltas.c.state == DeltaState.PENDING)
        values = {"state": state, "sha256": sha256, "size_bytes": size_bytes, "message": message[:1000]}
        if not connection.execute(update(release_deltas).where(is_open).values(values)).rowcount:
            raise ConflictError(
                f"the delta from {pair.base_version} to {pair.version} is no longer pending", reason="DELTA_GONE"
            )
        if state is not DeltaState.READY:
            return ()
        node_ids = tuple(connection.scalars(_served(connection, pair)))
        raise_revision(connection, node_ids)
        return node_ids

    @reading
    def delta_to(self, connection: Connection, version: str, sha256: str) -> DeltaRecord | None:
        """See DeltaStore."""
        query = _deltas().where(
            release_deltas.c.version == version,
            release_deltas.c.sha256 == sha256,
            release_deltas.c.state == DeltaState.READY,
        )
        row = connection.execute(query.limit(1)).one_or_none()
        return None if row is None else _record(row)

    @reading
    def delta_for(self, connection: Connection, node_id: str) -> DeltaRecord | None:
        """See DeltaStore."""
        query = (
            _deltas()
            .join(node_desired, node_desired.c.version == release_deltas.c.version)
            .join(node_status, node_status.c.node_id == node_desired.c.node_id)
            .where(node_desired.c.node_id == node_id, release_deltas.c.state == DeltaState.READY)
        )
        found = connection.execute(query.add_columns(node_status.c.running_tree_sha256))
        fitting = (row for row in found if row.running_tree_sha256 == _tree_sha256(row.manifest) != "")
        return next(map(_record, fitting), None)

    async def note_software(
        self, node_id: str, *, hardware_id: str, running_tree_sha256: str, peer_address: str = ""
    ) -> None:
        """See DeltaStore."""
        # read first: as for note_session
        said = {
            "hardware_id": hardware_id,
            "running_tree_sha256": running_tree_sha256,
            "peer_address": peer_address,
        }
        if await self._said(node_id) != said:
            await self._keep_said(node_id, said)

    @reading
    def _said(self, connection: Connection, node_id: str) -> dict[str, str]:
        columns = (node_status.c.hardware_id, node_status.c.running_tree_sha256, node_status.c.peer_address)
        row = connection.execute(select(*columns).where(node_status.c.node_id == node_id)).one_or_none()
        return {} if row is None else dict(row._mapping)  # noqa: SLF001  # the public name of SQLAlchemy

    @writing_quietly
    def _keep_said(self, connection: Connection, node_id: str, said: dict[str, str]) -> None:
        connection.execute(update(node_status).where(node_status.c.node_id == node_id).values(said))


_KEY = (release_deltas.c.version, release_deltas.c.base_version)
_NEW = {"state": DeltaState.PENDING, "sha256": "", "size_bytes": 0, "try_count": 0, "message": ""}
releases_of_target = releases.alias("target")
_bases = releases.alias("base")


def _deltas() -> Select[Any]:
    return (
        select(release_deltas, _bases.c.manifest)
        .join(_bases, _bases.c.version == release_deltas.c.base_version)
        .join(releases_of_target, releases_of_target.c.version == release_deltas.c.version)
    )


def _record(row: Row[Any]) -> DeltaRecord:
    return DeltaRecord(
        version=row.version,
        base_version=row.base_version,
        state=DeltaState(row.state),
        sha256=row.sha256,
        size_bytes=row.size_bytes,
        try_count=row.try_count,
        message=row.message,
        base_tree_sha256=_tree_sha256(row.manifest),
    )


def _is(pair: Pair) -> ColumnElement[bool]:
    return and_(release_deltas.c.version == pair.version, release_deltas.c.base_version == pair.base_version)


def _tree_sha256(manifest: str) -> str:
    return msgspec.json.decode(manifest, type=_Tree).tree_sha256


def _counts(connection: Connection, versions: Select[Any]) -> dict[str, int]:
    named = versions.subquery()
    query = select(named.c.version, func.count().label("node_count")).where(
        named.c.version.is_not(None), named.c.version != ""
    )
    return {row.version: row.node_count for row in connection.execute(query.group_by(named.c.version))}


def _served(connection: Connection, pair: Pair) -> Select[Any]:
    """Nodes that should run the release, and run the files it starts from."""
    manifest = connection.execute(select(releases.c.manifest).where(releases.c.version == pair.base_version)).scalar()
    return (
        select(node_desired.c.node_id)
        .join(node_status, node_status.c.node_id == node_desired.c.node_id)
        .where(
            node_desired.c.version == pair.version,
            node_status.c.running_release != pair.version,
            node_status.c.running_tree_sha256 == _tree_sha256(manifest or "{}"),
            node_status.c.running_tree_sha256 != "",
        )
    )
