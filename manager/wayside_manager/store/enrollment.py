"""Enrolment in SQL: the transaction that makes a node, or lets a unit in as one that is there."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, or_, select, update

from wayside.errors import ResourceExhaustedError
from wayside_manager.core.admission import EnrollmentFacts, Entry, admitted
from wayside_manager.core.enrollment import EnrollmentAnswer, EnrollmentRequest, WaitingUnit
from wayside_manager.core.events import NewEvent
from wayside_manager.core.nodes import NodeRecord, NodeState
from wayside_manager.store.certificates import SqlCertificates
from wayside_manager.store.config_effects import retarget
from wayside_manager.store.credentials import insert_credential
from wayside_manager.store.enrollment_requests import SqlEnrollmentRequests
from wayside_manager.store.enrollment_rows import facts, insert_node, replace_unit
from wayside_manager.store.enrollment_tokens import SqlEnrollmentTokens
from wayside_manager.store.event_rows import append
from wayside_manager.store.moments import as_us
from wayside_manager.store.node_rows import the_node
from wayside_manager.store.part import changed, writing
from wayside_manager.store.registrations import SqlRegistrations
from wayside_manager.store.tables import credentials, enrollment_requests, tokens

REQUEST_TTL = timedelta(days=7)
_WORDS = {
    "new": "as a new node",
    "again": "as a node that was there",
    "return": "with the key it had before",
}
ISSUE_MAX_COUNT = 16
"""Certificates for one key: a unit that lost the answer asks again, but not for ever."""


class SqlEnrollment(SqlEnrollmentTokens, SqlRegistrations, SqlEnrollmentRequests, SqlCertificates):
    """Satisfies `ports.EnrollmentStore`."""

    @writing
    def enroll(
        self,
        connection: Connection,
        request: EnrollmentRequest,
        *,
        now: datetime,
        accepts_unknown_units: bool = False,
        returning: timedelta = timedelta(0),
    ) -> EnrollmentAnswer:
        """See EnrollmentStore."""
        known = facts(connection, request, now=now, accepts_unknown_units=accepts_unknown_units, returning=returning)
        entry = admitted(known, request, now=now)
        if entry is None:
            return EnrollmentAnswer(waiting=known.waiting or _wait(connection, request, now))
        _use_up(connection, known, entry)
        _put(connection, known, entry, request, now=now)
        if not entry.is_return:
            _let_go_of_others(connection, entry.node_id, request.key_sha256, as_us(now))
        insert_credential(connection, request.issue(entry.node_id), tenant_id=entry.tenant_id)
        cause = f"nodes/{entry.node_id}"
        retarget(connection, now=now, cause=cause, node_ids=[entry.node_id], is_strict=False)
        node = the_node(connection, entry.node_id)
        append(connection, [_arrival(node, entry, request, now=now)], now=now)
        return EnrollmentAnswer(node=node)


def _arrival(node: NodeRecord, entry: Entry, request: EnrollmentRequest, *, now: datetime) -> NewEvent:
    """Tells of a unit that got a certificate as a node."""
    how = "new" if entry.is_new else "return" if entry.is_return else "again"
    return NewEvent(
        kind="node.enrolled",
        time=now,
        subject=f"nodes/{node.node_id}",
        message=f"node {node.node_id} enrolled, {_WORDS[how]}",
        node_id=node.node_id,
        site_id=node.site_id,
        tenant_id=node.tenant_id,
        details={"how": how, "esn": node.esn, "source_address": request.source_address},
    )


def _wait(connection: Connection, request: EnrollmentRequest, now: datetime) -> WaitingUnit:
    waiting = WaitingUnit(
        key_sha256=request.key_sha256,
        node_id=request.node_id,
        esn=request.esn,
        kind=request.kind,
        source_address=request.source_address,
        create_time=now,
        expire_time=now + REQUEST_TTL,
    )
    row: dict[str, Any] = {
        "key_sha256": waiting.key_sha256,
        "node_id": waiting.node_id,
        "esn": waiting.esn,
        "kind": waiting.kind,
        "source_address": waiting.source_address,
        "state": waiting.state,
        "approved_node_id": "",
        "approved_tenant_id": "",
        "is_replacement": False,
        "create_us": as_us(now),
        "expire_us": as_us(waiting.expire_time),
    }
    connection.execute(insert(enrollment_requests), row)
    changed(connection, f"enrollmentRequests/{waiting.request_id}", before=None, after=row)
    return waiting


def _use_up(connection: Connection, known: EnrollmentFacts, entry: Entry) -> None:
    if known.token is not None and entry.uses_token:
        left = known.token.remaining_use_count - 1
        connection.execute(update(tokens).where(tokens.c.sha256 == known.token.sha256).values(remaining_use_count=left))
        _changed(connection, f"enrollmentTokens/{known.token.token_id}", {"left": left + 1}, {"left": left}, entry)
    if known.waiting is not None:
        # the key is registered now, so a unit that lost the answer comes in by that
        connection.execute(
            delete(enrollment_requests).where(enrollment_requests.c.key_sha256 == known.waiting.key_sha256)
        )
        name = f"enrollmentRequests/{known.waiting.request_id}"
        _changed(connection, name, {"state": known.waiting.state}, None, entry)


def _changed(
    connection: Connection, name: str, before: dict[str, object], after: dict[str, object] | None, entry: Entry
) -> None:
    changed(connection, name, before=before, after=after, tenant_id=entry.tenant_id)


def _put(
    connection: Connection, known: EnrollmentFacts, entry: Entry, request: EnrollmentRequest, *, now: datetime
) -> None:
    if entry.is_new:
        row = {"node_id": entry.node_id, "tenant_id": entry.tenant_id, "esn": request.esn, "kind": request.kind}
        row |= {"state": NodeState.ENROLLED, "registered_key_sha256": request.key_sha256}
        insert_node(connection, row, now=now)
        return
    registered = known.registered
    is_again = registered is not None and registered.node_id == entry.node_id and not entry.uses_token
    if entry.is_return or (is_again and registered is not None and registered.state is NodeState.ENROLLED):
        _check_count(connection, entry.node_id, request.key_sha256)
        return  # nothing of the node changes
    replace_unit(connection, entry.node_id, request, now=now)


def _check_count(connection: Connection, node_id: str, key_sha256: str) -> None:
    issued = select(credentials.c.sha256).where(
        credentials.c.holder == f"nodes/{node_id}", credentials.c.key_sha256 == key_sha256
    )
    if len(connection.execute(issued).all()) >= ISSUE_MAX_COUNT:
        raise ResourceExhaustedError(
            f"node {node_id} has had {ISSUE_MAX_COUNT} certificates for this key; open a session with one of them",
            reason="CERTIFICATES_TOO_MANY",
        )


def _let_go_of_others(connection: Connection, node_id: str, key_sha256: str, now_us: int) -> None:
    """Takes back what the node has for other keys. What it has for this one may be in use, and only its holder can."""
    condition = (
        credentials.c.holder == f"nodes/{node_id}",
        credentials.c.key_sha256 != key_sha256,
        or_(credentials.c.revoke_us.is_(None), credentials.c.revoke_us > now_us),
    )
    for row in connection.execute(select(credentials).where(*condition)).all():
        before = row._asdict()
        changed(connection, f"credentials/{row.sha256[:24]}", before=before, after=before | {"revoke_us": now_us})
    connection.execute(update(credentials).where(*condition).values(revoke_us=now_us))
