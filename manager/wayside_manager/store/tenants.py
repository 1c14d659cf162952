"""Tenants in SQL."""

from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from wayside.errors import AlreadyExistsError, FailedPreconditionError, InvalidArgumentError
from wayside_manager.core.access import ROOT_TENANT, TenantKind, TenantRecord
from wayside_manager.core.missing import not_there
from wayside_manager.store.moments import as_time, as_us
from wayside_manager.store.operator_rows import bindings_of
from wayside_manager.store.part import SqlPart, changed, reading, writing
from wayside_manager.store.tables import (
    alarms,
    approvals,
    audit_entries,
    broadcasts,
    config_layer_revisions,
    config_layers,
    corridors,
    credentials,
    enrollment_requests,
    event_sinks,
    geofences,
    groups,
    jobs,
    nodes,
    operators,
    radio_licences,
    releases,
    rollouts,
    sites,
    tenants,
    tokens,
)

TENANT_MAX_COUNT = 1_000
"""Every call reads the tree."""
_OWNED = (
    ("tenants", tenants.c.parent_id),
    ("nodes, retired ones as well", nodes.c.tenant_id),
    ("configuration layers", config_layers.c.tenant_id),
    ("releases", releases.c.tenant_id),
    ("rollouts", rollouts.c.tenant_id),
    ("sites", sites.c.tenant_id),
    ("corridors", corridors.c.tenant_id),
    ("groups", groups.c.tenant_id),
    ("geofences", geofences.c.tenant_id),
    ("radio licences", radio_licences.c.tenant_id),
    ("event sinks", event_sinks.c.tenant_id),
)


class SqlTenants(SqlPart):
    """Satisfies `ports.TenantStore`."""

    @writing
    def create_tenant(self, connection: Connection, tenant: TenantRecord) -> TenantRecord:
        """See TenantStore."""
        if _find(connection, tenant.parent_id) is None:
            raise InvalidArgumentError(
                f"tenant.parent: there is no tenant {tenant.parent_id}; list the tenants to see which are",
                reason="TENANT_UNKNOWN",
            )
        if (connection.scalar(select(func.count()).select_from(tenants)) or 0) >= TENANT_MAX_COUNT:
            raise FailedPreconditionError(
                f"there are {TENANT_MAX_COUNT} tenants, and no more can be; delete those that own nothing",
                reason="TENANTS_TOO_MANY",
            )
        if _was_there(connection, tenant.tenant_id):
            raise _taken(tenant.tenant_id)
        row = {
            "tenant_id": tenant.tenant_id,
            "display_name": tenant.display_name,
            "kind": tenant.kind,
            "parent_id": tenant.parent_id,
            "create_us": as_us(tenant.create_time),
        }
        try:
            connection.execute(insert(tenants), row)
        except IntegrityError as error:
            raise _taken(tenant.tenant_id) from error
        changed(connection, f"tenants/{tenant.tenant_id}", before=None, after=row, tenant_id=tenant.parent_id)
        return tenant

    @reading
    def list_tenants(self, connection: Connection) -> tuple[TenantRecord, ...]:
        """See TenantStore."""
        return tuple(
            TenantRecord(
                row.tenant_id, TenantKind(row.kind), row.parent_id or "", as_time(row.create_us), row.display_name
            )
            for row in connection.execute(select(tenants).order_by(tenants.c.tenant_id))
        )

    @writing
    def delete_tenant(self, connection: Connection, tenant_id: str) -> None:
        """See TenantStore."""
        row = _find(connection, tenant_id)
        if row is None:
            raise not_there("tenants", tenant_id)
        if tenant_id == ROOT_TENANT:
            raise FailedPreconditionError("the root tenant is always there", reason="TENANT_IS_ROOT")
        _check_owns_nothing(connection, tenant_id)
        # What only leads into it goes with it; what was decided about it, what its layers were, and what happened to
        # its nodes, is the business of the tenant above.
        connection.execute(delete(tokens).where(tokens.c.tenant_id == tenant_id))
        connection.execute(delete(enrollment_requests).where(enrollment_requests.c.approved_tenant_id == tenant_id))
        for table in (approvals, config_layer_revisions, alarms, jobs, broadcasts):
            left = update(table).where(table.c.tenant_id == tenant_id)
            connection.execute(left.values(tenant_id=row.parent_id))
        connection.execute(delete(tenants).where(tenants.c.tenant_id == tenant_id))
        changed(connection, f"tenants/{tenant_id}", before=row._asdict(), after=None, tenant_id=row.parent_id)


def _find(connection: Connection, tenant_id: str) -> Row[Any] | None:
    return connection.execute(select(tenants).where(tenants.c.tenant_id == tenant_id)).one_or_none()


def _was_there(connection: Connection, tenant_id: str) -> bool:
    """Whether the audit trail knows the name: it would show the new tenant what the old one did."""
    known = select(audit_entries.c.sequence).where(audit_entries.c.tenant_id == tenant_id)
    return connection.execute(known.limit(1)).first() is not None


def _taken(tenant_id: str) -> AlreadyExistsError:
    return AlreadyExistsError(
        f"tenant {tenant_id} exists, or did and is in the audit trail; choose another name", reason="TENANT_EXISTS"
    )


def _check_owns_nothing(connection: Connection, tenant_id: str) -> None:
    owned = [
        things
        for things, column in _OWNED
        if connection.execute(select(column).where(column == tenant_id).limit(1)).first() is not None
    ]
    live = select(broadcasts.c.broadcast_id).where(
        broadcasts.c.tenant_id == tenant_id, broadcasts.c.withdraw_us.is_(None)
    )
    if connection.execute(live.limit(1)).first() is not None:
        owned.append("broadcasts that are not withdrawn")
    for things, column in (
        ("bindings of operators", operators.c.bindings),
        ("bindings of tokens", credentials.c.bindings),
    ):
        texts = connection.scalars(select(column).distinct().where(column.contains(tenant_id, autoescape=True)))
        if any(binding.tenant_id == tenant_id for text in texts for binding in bindings_of(text)):
            owned.append(things)
    if owned:
        raise FailedPreconditionError(
            f"tenant {tenant_id} has {', '.join(owned)}; move, delete or withdraw them first", reason="TENANT_OWNS"
        )
