"""Units that are known before their first call, in SQL."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from wayside.errors import AlreadyExistsError, WaysideError
from wayside_manager.core.admission import check_key, check_place, key_taken
from wayside_manager.core.enrollment import ImportOutcome, ImportResult, Registration
from wayside_manager.core.nodes import Label, NodeState
from wayside_manager.store.config_effects import retarget
from wayside_manager.store.enrollment_rows import find_unit, insert_node, key_uses
from wayside_manager.store.node_rows import find_node, replace_labels
from wayside_manager.store.part import SqlPart, writing, writing_quietly
from wayside_manager.store.site_rows import check_site_of_node
from wayside_manager.store.tables import nodes


class SqlRegistrations(SqlPart):
    """The registrations' share of `ports.EnrollmentStore`."""

    @writing
    def import_nodes(
        self, connection: Connection, registrations: Sequence[Registration], *, now: datetime
    ) -> tuple[ImportResult, ...]:
        """See EnrollmentStore."""
        results = tuple(_imported(connection, each, now=now) for each in registrations)
        made = [
            each.node_id for each, result in zip(registrations, results, strict=True) if result is ImportOutcome.CREATED
        ]
        retarget(connection, now=now, cause="nodes/import", node_ids=made, is_strict=False)
        return results

    @writing_quietly  # by the one who writes, because a reader cannot try to write; nothing of it stays
    def try_import(
        self, connection: Connection, registrations: Sequence[Registration], *, now: datetime
    ) -> tuple[ImportResult, ...]:
        """See EnrollmentStore."""
        attempt = connection.begin_nested()
        try:
            # rows are judged one after the other, as if those before were there
            return tuple(_imported(connection, each, now=now) for each in registrations)
        finally:
            attempt.rollback()


def _imported(connection: Connection, registration: Registration, *, now: datetime) -> ImportResult:
    try:
        return _import(connection, registration, now=now)
    except WaysideError as error:
        return error


def _import(connection: Connection, registration: Registration, *, now: datetime) -> ImportOutcome:
    if _is_there(connection, registration):
        return ImportOutcome.UNCHANGED
    check_place(
        registration.node_id,
        registration.esn,
        wanted=find_unit(connection, node_id=registration.node_id),
        esn_owner=find_unit(connection, esn=registration.esn),
        is_replacement=False,
    )
    if registration.site_id:
        check_site_of_node(connection, registration.site_id, registration.tenant_id)
    uses = key_uses(connection, registration.key_sha256)
    check_key(uses)
    if uses:
        raise key_taken()
    row = {
        "node_id": registration.node_id,
        "tenant_id": registration.tenant_id,
        "esn": registration.esn,
        "kind": registration.kind,
        "display_name": registration.display_name,
        "site_id": registration.site_id or None,
        "state": NodeState.REGISTERED,
        "registered_key_sha256": registration.key_sha256,
    }
    insert_node(connection, row, now=now)
    replace_labels(connection, registration.node_id, registration.labels)
    return ImportOutcome.CREATED


def _is_there(connection: Connection, registration: Registration) -> bool:
    """Whether the node is there word for word. A node of another tenant is not told from one that differs.

    Raises: AlreadyExistsError: it is there, but differs.
    """
    node = find_node(connection, registration.node_id)
    if node is None or node.state is NodeState.RETIRED:
        return False
    there = Registration(
        node_id=node.node_id,
        esn=node.esn,
        kind=node.kind,
        key_sha256=_own_key(connection, registration),
        tenant_id=_tenant_id(connection, node.node_id),
        display_name=node.display_name,
        site_id=node.site_id,
        labels=tuple(Label(label.key, label.value) for label in node.labels),
    )
    if there != registration:
        raise AlreadyExistsError(
            f"node_id: {node.node_id} is there, and not the same; change it with 'wayside nodes update'",
            reason="NODE_EXISTS",
        )
    return True


def _own_key(connection: Connection, registration: Registration) -> str:
    uses = key_uses(connection, registration.key_sha256)
    is_own = any(use.holder == f"nodes/{registration.node_id}" for use in uses)
    return registration.key_sha256 if is_own else ""


def _tenant_id(connection: Connection, node_id: str) -> str:
    return connection.scalar(select(nodes.c.tenant_id).where(nodes.c.node_id == node_id)) or ""
