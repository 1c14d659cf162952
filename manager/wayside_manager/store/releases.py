"""Releases in SQL."""

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from wayside.errors import ConflictError
from wayside.release_manifest import Manifest
from wayside_manager.core.access import Reach
from wayside_manager.core.missing import not_there
from wayside_manager.core.pages import Page, checked_page_size, position
from wayside_manager.core.releases import ReleaseRecord, ReleaseState, release_taken
from wayside_manager.ports.releases import ReleaseDecision
from wayside_manager.store.moments import as_time, as_us
from wayside_manager.store.operator_rows import tenant_tree
from wayside_manager.store.part import SqlPart, changed, page, reading, writing
from wayside_manager.store.reaches import covers_release
from wayside_manager.store.release_trust import keep_files, the_trust
from wayside_manager.store.tables import releases

# a schema may have 256 KB, and a page a thousand releases
_SHOWN = (
    *(column for column in releases.c if column is not releases.c.config_schema),
    (releases.c.config_schema != "").label("has_config_schema"),
)


class SqlReleases(SqlPart):
    """Satisfies `ports.ReleaseStore`."""

    @writing
    def add_release(
        self, connection: Connection, release: ReleaseRecord, *, decide: ReleaseDecision | None = None
    ) -> ReleaseRecord:
        """See ReleaseStore."""
        files = () if decide is None else decide(the_trust(connection), _in_use(connection, release.tenant_id))
        row = {
            "version": release.version,
            "tenant_id": release.tenant_id,
            "sha256": release.sha256,
            "size_bytes": release.size_bytes,
            "notes": release.notes,
            "config_schema": release.config_schema,
            "state": release.state,
            "create_us": as_us(release.create_time),
            "revision": 1,
            "counter": 0 if release.manifest is None else release.manifest.counter,
            "manifest": "{}" if release.manifest is None else msgspec.json.encode(release.manifest).decode(),
            "downgrade_from_counter": 0 if release.manifest is None else release.manifest.downgrade_from_counter,
        }
        try:
            connection.execute(insert(releases), row)
        except IntegrityError as error:
            raise release_taken(release.version) from error
        keep_files(connection, files)
        changed(connection, f"releases/{release.version}", before=None, after=row, tenant_id=release.tenant_id)
        return _the_release(connection, release.version)

    @reading
    def releases_in_use(self, connection: Connection, tenant_id: str) -> tuple[Manifest, ...]:
        """See ReleaseStore."""
        return _in_use(connection, tenant_id)

    @reading
    def get_release(self, connection: Connection, version: str) -> ReleaseRecord:
        """See ReleaseStore."""
        return _the_release(connection, version)

    @reading
    def list_releases(
        self, connection: Connection, *, reach: Reach, page_size: int = 0, page_token: str = ""
    ) -> Page[ReleaseRecord]:
        """See ReleaseStore."""
        size, question = checked_page_size(page_size), "releases"
        key = (releases.c.create_us, releases.c.version)
        query = select(*_SHOWN).where(covers_release(releases.c.tenant_id, reach))
        query = query.order_by(*(column.desc() for column in key)).limit(size + 1)
        before = position(page_token, question, types=(int, str))
        if before is not None:
            query = query.where(tuple_(*key) < tuple_(*before))
        rows = connection.execute(query).all()
        return page(rows, size, question, key=("create_us", "version"), record=_release_record)

    @writing
    def retire_release(self, connection: Connection, version: str, *, etag: str) -> ReleaseRecord:
        """See ReleaseStore."""
        before = _the_release(connection, version)
        if etag not in {"", before.etag}:
            raise ConflictError(f"release {version} has changed meanwhile; read it again", reason="ETAG_MISMATCH")
        if before.state is ReleaseState.RETIRED:
            return before
        connection.execute(
            update(releases)
            .where(releases.c.version == version)
            .values(state=ReleaseState.RETIRED, revision=releases.c.revision + 1)
        )
        change = {"state": before.state}, {"state": ReleaseState.RETIRED}
        changed(connection, f"releases/{version}", before=change[0], after=change[1], tenant_id=before.tenant_id)
        return _the_release(connection, version)


def _in_use(connection: Connection, tenant_id: str) -> tuple[Manifest, ...]:
    """What releases say that a node could run beside one of the tenant."""
    tree = tenant_tree(connection)
    related = sorted(tree.above(tenant_id) | tree.below(tenant_id))
    query = select(releases.c.manifest).where(
        releases.c.state == ReleaseState.ACTIVE, releases.c.counter > 0, releases.c.tenant_id.in_(related)
    )
    return tuple(msgspec.json.decode(text, type=Manifest) for text in connection.scalars(query))


def _the_release(connection: Connection, version: str) -> ReleaseRecord:
    row = connection.execute(select(*_SHOWN).where(releases.c.version == version)).one_or_none()
    if row is None:
        raise not_there("releases", version)
    return _release_record(row)


def _release_record(row: Row[Any]) -> ReleaseRecord:
    return ReleaseRecord(
        version=row.version,
        sha256=row.sha256,
        size_bytes=row.size_bytes,
        notes=row.notes,
        create_time=as_time(row.create_us),
        state=ReleaseState(row.state),
        etag=str(row.revision),
        has_config_schema=bool(row.has_config_schema),
        tenant_id=row.tenant_id,
        manifest=msgspec.json.decode(row.manifest, type=Manifest) if row.counter else None,
    )
