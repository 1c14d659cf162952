"""Radio licences in SQL."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from wayside.errors import AlreadyExistsError, InvalidArgumentError
from wayside_manager.core.access import Reach
from wayside_manager.core.missing import not_there
from wayside_manager.core.nodes import NodeKind, NodeState
from wayside_manager.core.pages import Page, checked_page_size, position
from wayside_manager.core.radio_licences import RadioUnit
from wayside_manager.core.sites import RadioLicenceRecord
from wayside_manager.store.moments import as_time, as_us
from wayside_manager.store.operator_rows import tenant_tree
from wayside_manager.store.part import SqlPart, changed, check_etag, page, reading, writing
from wayside_manager.store.reaches import covers_node, covers_whole
from wayside_manager.store.tables import node_status, nodes, radio_licences


class SqlLicences(SqlPart):
    """Satisfies `ports.RadioLicenceStore`."""

    @writing
    def apply_licence(
        self, connection: Connection, licence: RadioLicenceRecord, *, now: datetime, etag: str = ""
    ) -> RadioLicenceRecord:
        """See RadioLicenceStore."""
        present = _find(connection, licence.licence_id)
        if present is not None and present.tenant_id != licence.tenant_id:
            # whose it is is not said: the caller may not see it
            raise AlreadyExistsError(
                f"radio licence {licence.licence_id}: the name is taken; choose another, or leave its tenant as it is",
                reason="RADIO_LICENCE_EXISTS",
            )
        check_etag(etag, 0 if present is None else present.revision, f"radio licence {licence.licence_id}")
        _check_unit(connection, licence)
        values = _values(licence)
        if present is not None and _values(_record(present)) == values:
            return _record(present)  # the same again is no change
        stamp = {"update_us": as_us(now), "revision": 1 if present is None else present.revision + 1}
        if present is None:
            key = {"licence_id": licence.licence_id, "create_us": as_us(now)}
            connection.execute(insert(radio_licences), values | stamp | key)
        else:
            of_it = radio_licences.c.licence_id == licence.licence_id
            connection.execute(update(radio_licences).where(of_it).values(values | stamp))
        applied = _record(_the_row(connection, licence.licence_id))
        changed(
            connection,
            f"radioLicences/{licence.licence_id}",
            before=None if present is None else _values(_record(present)),
            after=values,
            tenant_id=licence.tenant_id,
        )
        return applied

    @reading
    def get_licence(self, connection: Connection, licence_id: str) -> RadioLicenceRecord:
        """See RadioLicenceStore."""
        return _record(_the_row(connection, licence_id))

    @reading
    def list_licences(
        self, connection: Connection, *, reach: Reach, page_size: int = 0, page_token: str = ""
    ) -> Page[RadioLicenceRecord]:
        """See RadioLicenceStore."""
        size, question = checked_page_size(page_size), "radio_licences"
        key = radio_licences.c.licence_id
        query = select(radio_licences).where(covers_whole(radio_licences.c.tenant_id, reach)).order_by(key)
        after = position(page_token, question)
        if after is not None:
            query = query.where(key > after[0])
        rows = connection.execute(query.limit(size + 1)).all()
        return page(rows, size, question, key=("licence_id",), record=_record)

    @writing
    def delete_licence(self, connection: Connection, licence_id: str, *, now: datetime, etag: str = "") -> None:  # noqa: ARG002  # as in the port: nothing keeps when
        """See RadioLicenceStore."""
        row = _the_row(connection, licence_id)
        check_etag(etag, row.revision, f"radio licence {licence_id}")
        connection.execute(delete(radio_licences).where(radio_licences.c.licence_id == licence_id))
        changed(
            connection,
            f"radioLicences/{licence_id}",
            before=_values(_record(row)),
            after=None,
            tenant_id=row.tenant_id,
        )

    @reading
    def radio_units(
        self, connection: Connection, *, reach: Reach, after: str = "", limit: int = 500
    ) -> tuple[RadioUnit, ...]:
        """See RadioLicenceStore."""
        columns = [column.label(f"licence_{column.name}") for column in radio_licences.c]
        query = (
            select(nodes.c.node_id, node_status.c.health, *columns)
            .join(node_status, node_status.c.node_id == nodes.c.node_id)
            .outerjoin(radio_licences, radio_licences.c.node_id == nodes.c.node_id)
            .where(
                nodes.c.kind == NodeKind.RSU,
                nodes.c.state == NodeState.ENROLLED,
                nodes.c.node_id > after,
                covers_node(reach),
            )
            .order_by(nodes.c.node_id)
            .limit(limit)
        )
        return tuple(
            RadioUnit(
                row.node_id,
                row.health,
                None if row.licence_licence_id is None else _record(row, prefix="licence_"),
            )
            for row in connection.execute(query)
        )


def _check_unit(connection: Connection, licence: RadioLicenceRecord) -> None:
    """Whoever owns the licence owns the unit, directly or through tenants below."""
    columns = (nodes.c.kind, nodes.c.state, nodes.c.tenant_id)
    row = connection.execute(select(*columns).where(nodes.c.node_id == licence.node_id)).one_or_none()
    if row is None or row.tenant_id not in tenant_tree(connection).below(licence.tenant_id):
        raise not_there("nodes", licence.node_id)
    if row.kind != NodeKind.RSU or row.state == NodeState.RETIRED:
        raise InvalidArgumentError(
            f"radio_licence.node: {licence.node_id} is no roadside unit in service; name one that is",
            reason="NODE_UNSUITABLE",
        )
    others = select(radio_licences.c.licence_id).where(
        radio_licences.c.node_id == licence.node_id, radio_licences.c.licence_id != licence.licence_id
    )
    if connection.execute(others).first() is not None:
        raise AlreadyExistsError(
            f"node {licence.node_id} has a radio licence already; change that one, or delete it first",
            reason="NODE_LICENSED",
        )


def _find(connection: Connection, licence_id: str) -> Row[Any] | None:
    query = select(radio_licences).where(radio_licences.c.licence_id == licence_id)
    return connection.execute(query).one_or_none()


def _the_row(connection: Connection, licence_id: str) -> Row[Any]:
    row = _find(connection, licence_id)
    if row is None:
        raise not_there("radioLicences", licence_id)
    return row


def _values(licence: RadioLicenceRecord) -> dict[str, Any]:
    """What operators say of it, as columns."""
    return {
        "tenant_id": licence.tenant_id,
        "number": licence.number,
        "node_id": licence.node_id,
        "center_hz": licence.center_hz,
        "bandwidth_hz": licence.bandwidth_hz,
        "max_power_dbm": licence.max_power_dbm,
        "expire_us": as_us(licence.expire_time),
    }


def _record(row: Row[Any], *, prefix: str = "") -> RadioLicenceRecord:
    def of(column: str) -> Any:  # noqa: ANN401  # a cell
        return getattr(row, f"{prefix}{column}")

    return RadioLicenceRecord(
        licence_id=of("licence_id"),
        tenant_id=of("tenant_id"),
        number=of("number"),
        node_id=of("node_id"),
        center_hz=of("center_hz"),
        bandwidth_hz=of("bandwidth_hz"),
        max_power_dbm=of("max_power_dbm"),
        expire_time=as_time(of("expire_us")),
        create_time=as_time(of("create_us")),
        update_time=as_time(of("update_us")),
        etag=str(of("revision")),
    )
