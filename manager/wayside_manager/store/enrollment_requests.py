"""Unknown units that wait for an operator, in SQL."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, or_, select, tuple_, update

from wayside.errors import AlreadyExistsError, FailedPreconditionError
from wayside_manager.core.admission import check_key, check_place, key_taken
from wayside_manager.core.enrollment import ApprovedUnit, RequestState, WaitingUnit
from wayside_manager.core.known_units import KnownUnit
from wayside_manager.core.missing import not_there
from wayside_manager.core.nodes import NodeState
from wayside_manager.core.pages import Page, checked_page_size, position
from wayside_manager.store.enrollment_rows import (
    find_unit,
    forget_ended_requests,
    hash_begins_with,
    key_uses,
    waiting_unit,
)
from wayside_manager.store.moments import as_us
from wayside_manager.store.node_rows import node_not_found
from wayside_manager.store.part import SqlPart, changed, page, reading, writing
from wayside_manager.store.tables import enrollment_requests


class SqlEnrollmentRequests(SqlPart):
    """The waiting units' share of `ports.EnrollmentStore`."""

    @reading
    def find_pending(self, connection: Connection, key_sha256: str, *, now: datetime) -> WaitingUnit | None:
        """See EnrollmentStore."""
        query = select(enrollment_requests).where(
            enrollment_requests.c.key_sha256 == key_sha256,
            enrollment_requests.c.state == RequestState.PENDING,
            enrollment_requests.c.expire_us > as_us(now),
        )
        row = connection.execute(query).one_or_none()
        # somebody may have registered or used the key since
        return None if row is None or key_uses(connection, key_sha256) else waiting_unit(row)

    @reading
    def list_requests(
        self, connection: Connection, *, now: datetime, page_size: int = 0, page_token: str = ""
    ) -> Page[WaitingUnit]:
        """See EnrollmentStore."""
        size, question = checked_page_size(page_size), "enrollmentRequests"
        key = (enrollment_requests.c.create_us, enrollment_requests.c.key_sha256)
        query = select(enrollment_requests).where(enrollment_requests.c.expire_us > as_us(now)).order_by(*key)
        after = position(page_token, question, types=(int, str))
        if after is not None:
            query = query.where(tuple_(*key) > tuple_(*after))
        rows = connection.execute(query.limit(size + 1)).all()
        return page(rows, size, question, key=("create_us", "key_sha256"), record=waiting_unit)

    @reading
    def get_request(self, connection: Connection, request_id: str, *, now: datetime) -> WaitingUnit:
        """See EnrollmentStore."""
        return waiting_unit(_the_row(connection, request_id, now))

    @writing
    def approve_request(
        self, connection: Connection, request_id: str, approved: ApprovedUnit, *, now: datetime
    ) -> WaitingUnit:
        """See EnrollmentStore."""
        forget_ended_requests(connection, now=now)  # what was promised to those is free again
        row = _the_row(connection, request_id, now)
        waiting = waiting_unit(row)
        if waiting.state is not RequestState.PENDING:
            raise _decided(waiting)
        _check_approval(connection, waiting, approved)
        values = {
            "state": RequestState.APPROVED,
            "approved_node_id": approved.node_id,
            "approved_tenant_id": approved.tenant_id,
            "is_replacement": approved.is_replacement,
        }
        return _written(connection, row, values, tenant_id=approved.tenant_id)

    @writing
    def reject_request(self, connection: Connection, request_id: str, *, now: datetime) -> WaitingUnit:
        """See EnrollmentStore."""
        row = _the_row(connection, request_id, now)
        if row.state == RequestState.APPROVED:
            raise _decided(waiting_unit(row))
        return _written(connection, row, {"state": RequestState.REJECTED})


def _the_row(connection: Connection, request_id: str, now: datetime) -> Row[Any]:
    query = select(enrollment_requests).where(
        hash_begins_with(enrollment_requests.c.key_sha256, request_id), enrollment_requests.c.expire_us > as_us(now)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise not_there("enrollmentRequests", request_id[:80])
    return row


def _decided(waiting: WaitingUnit) -> FailedPreconditionError:
    return FailedPreconditionError(
        f"enrollmentRequests/{waiting.request_id}: it is {waiting.state} already", reason="REQUEST_DECIDED"
    )


def _check_approval(connection: Connection, waiting: WaitingUnit, approved: ApprovedUnit) -> None:
    node_id = approved.node_id
    replaced = find_unit(connection, node_id=node_id)
    if approved.is_replacement:
        _check_replaced(node_id, replaced, approved.tenant_id, waiting)
    owner = find_unit(connection, esn=waiting.esn)
    check_place(node_id, waiting.esn, wanted=replaced, esn_owner=owner, is_replacement=approved.is_replacement)
    uses = key_uses(connection, waiting.key_sha256)
    check_key(uses)
    if uses:
        raise key_taken()
    _check_promises(connection, waiting, node_id)


def _check_replaced(node_id: str, replaced: KnownUnit | None, tenant_id: str, waiting: WaitingUnit) -> None:
    if replaced is None or replaced.tenant_id != tenant_id:
        raise node_not_found(node_id)
    if replaced.state is NodeState.REGISTERED or replaced.kind is not waiting.kind:
        raise FailedPreconditionError(
            f"replaced_node: {node_id} is of another kind, or its registered unit has not come yet; choose another",
            reason="NODE_NOT_REPLACEABLE",
        )


def _check_promises(connection: Connection, waiting: WaitingUnit, node_id: str) -> None:
    """What was promised to a unit that has not fetched its certificate yet is promised to no other."""
    promised = select(enrollment_requests.c.key_sha256).where(
        enrollment_requests.c.state == RequestState.APPROVED,
        or_(enrollment_requests.c.approved_node_id == node_id, enrollment_requests.c.esn == waiting.esn),
    )
    if connection.execute(promised).first() is not None:
        raise AlreadyExistsError(
            f"node_id: {node_id}, or the ESN, was given to another waiting unit; choose another", reason="NODE_EXISTS"
        )


def _written(connection: Connection, row: Row[Any], values: dict[str, Any], *, tenant_id: str = "") -> WaitingUnit:
    of_key = enrollment_requests.c.key_sha256 == row.key_sha256
    connection.execute(update(enrollment_requests).where(of_key).values(values))
    name, before = f"enrollmentRequests/{row.key_sha256[:24]}", row._asdict()
    changed(connection, name, before=before, after=before | values, tenant_id=tenant_id)
    return waiting_unit(connection.execute(select(enrollment_requests).where(of_key)).one())
