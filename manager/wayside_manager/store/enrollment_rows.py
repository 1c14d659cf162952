"""What is known of a unit that asks, and the rows of the node it becomes."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from wayside_manager.core.admission import EnrollmentFacts
from wayside_manager.core.credentials import CredentialKind
from wayside_manager.core.enrollment import EnrollmentRequest, RequestState, TokenRecord, WaitingUnit
from wayside_manager.core.known_units import KeyUse, KnownUnit, LastKey
from wayside_manager.core.nodes import DesiredRecord, NodeKind, NodeState, NodeStatus
from wayside_manager.store.moments import as_time, as_us
from wayside_manager.store.part import changed
from wayside_manager.store.tables import (
    credentials,
    enrollment_requests,
    node_desired,
    node_status,
    nodes,
    tokens,
)

_GONE = (NodeState.RETIRED, NodeState.REVOKED)
_ID_CHARS = 24  # of things that are called by the start of their hash
_HEX = frozenset("0123456789abcdef")


def facts(
    connection: Connection,
    request: EnrollmentRequest,
    *,
    now: datetime,
    accepts_unknown_units: bool,
    returning: timedelta,
) -> EnrollmentFacts:
    """What is known when a unit asks."""
    waiting = _waiting_of_key(connection, request.key_sha256, now)
    return EnrollmentFacts(
        token=_token_of(connection, request.token_sha256),
        wanted=find_unit(connection, node_id=request.node_id),
        esn_owner=find_unit(connection, esn=request.esn),
        registered=find_unit(connection, registered_key_sha256=request.key_sha256),
        waiting=waiting,
        approved=find_unit(connection, node_id=waiting.approved_node_id) if waiting else None,
        last_key=_last_key(connection, request.node_id, returning),
        key_uses=key_uses(connection, request.key_sha256),
        accepts_unknown_units=accepts_unknown_units,
        waiting_count=_waiting_count(connection),
        waiting_of_source_count=_waiting_count(connection, request.source_address),
    )


def find_unit(connection: Connection, **columns: str) -> KnownUnit | None:
    """The node with these values in its columns."""
    query = select(nodes).where(*(nodes.c[name] == value for name, value in columns.items()))
    row = connection.execute(query).first()
    return None if row is None else known_unit(row)


def known_unit(row: Row[Any]) -> KnownUnit:
    """A node as an enrolment looks at it."""
    return KnownUnit(
        node_id=row.node_id,
        esn=row.esn,
        kind=NodeKind(row.kind),
        state=NodeState(row.state),
        tenant_id=row.tenant_id,
        registered_key_sha256=row.registered_key_sha256,
    )


def key_uses(connection: Connection, key_sha256: str) -> tuple[KeyUse, ...]:
    """Who has, had or is to have a public key."""
    held = select(credentials.c.holder, credentials.c.revoke_us, nodes.c.state).outerjoin_from(
        credentials, nodes, credentials.c.holder == "nodes/" + nodes.c.node_id
    )
    uses = [
        KeyUse(row.holder, is_spent=row.revoke_us is not None or row.state in _GONE)
        for row in connection.execute(held.where(credentials.c.key_sha256 == key_sha256))
    ]
    registered = select(nodes.c.node_id, nodes.c.state).where(nodes.c.registered_key_sha256 == key_sha256)
    uses += [KeyUse(f"nodes/{row.node_id}", row.state in _GONE) for row in connection.execute(registered)]
    return tuple(uses)


def _last_key(connection: Connection, node_id: str, returning: timedelta) -> LastKey | None:
    """The key by which the unit of a node may come back until so long after the end of its certificate."""
    confirmed = select(credentials).where(
        credentials.c.holder == f"nodes/{node_id}",
        credentials.c.kind == CredentialKind.CERTIFICATE,
        credentials.c.is_confirmed.is_(True),
    )
    newest_first = (credentials.c.create_us.desc(), credentials.c.sha256)
    newest = connection.execute(confirmed.order_by(*newest_first).limit(1)).one_or_none()
    if not returning or newest is None or newest.revoke_us is not None or newest.expire_us is None:
        return None
    first = select(func.min(credentials.c.expire_us)).where(credentials.c.key_sha256 == newest.key_sha256)
    expire_time = as_time(newest.expire_us)
    return LastKey(
        newest.key_sha256,
        first_expire_time=as_time(connection.scalar(first) or newest.expire_us),
        expire_time=expire_time,
        return_time=expire_time + returning,
    )


def insert_node(connection: Connection, values: dict[str, Any], *, now: datetime) -> None:
    """Makes a node of the values its makers know."""
    now_us = as_us(now)
    row = {"display_name": "", "variables": "{}", "registered_key_sha256": "", "trusted_sha256": ""} | values
    row |= {"create_us": now_us, "update_us": now_us, "revision": 1}
    connection.execute(insert(nodes), row)
    node_id = row["node_id"]
    connection.execute(insert(node_status), {"node_id": node_id} | _first_status())
    connection.execute(insert(node_desired), {"node_id": node_id} | _first_desired())
    changed(connection, f"nodes/{node_id}", before=None, after=row, tenant_id=row["tenant_id"])


def replace_unit(connection: Connection, node_id: str, request: EnrollmentRequest, *, now: datetime) -> None:
    """Puts a unit in the place of the present one: it keeps what operators said of the node."""
    row = connection.execute(select(nodes).where(nodes.c.node_id == node_id)).one()
    before = row._asdict()
    values = {
        "esn": request.esn,
        "state": NodeState.ENROLLED,
        "registered_key_sha256": request.key_sha256,
        "trusted_sha256": "",
        "update_us": as_us(now),
        "revision": row.revision + 1,
    }
    connection.execute(update(nodes).where(nodes.c.node_id == node_id).values(values))
    changed(connection, f"nodes/{node_id}", before=before, after=before | values, tenant_id=row.tenant_id)


def token_record(row: Row[Any]) -> TokenRecord:
    """A token."""
    return TokenRecord(
        sha256=row.sha256,
        create_time=as_time(row.create_us),
        expire_time=as_time(row.expire_us),
        remaining_use_count=row.remaining_use_count,
        node_id=row.node_id,
        kind=NodeKind(row.kind) if row.kind else None,
        esn=row.esn,
        tenant_id=row.tenant_id,
    )


def waiting_unit(row: Row[Any]) -> WaitingUnit:
    """A waiting unit."""
    return WaitingUnit(
        key_sha256=row.key_sha256,
        node_id=row.node_id,
        esn=row.esn,
        kind=NodeKind(row.kind),
        source_address=row.source_address,
        create_time=as_time(row.create_us),
        expire_time=as_time(row.expire_us),
        state=RequestState(row.state),
        approved_node_id=row.approved_node_id,
        approved_tenant_id=row.approved_tenant_id,
        is_replacement=row.is_replacement,
    )


def forget_ended_requests(connection: Connection, *, now: datetime) -> None:
    """Forgets requests whose time is over."""
    connection.execute(delete(enrollment_requests).where(enrollment_requests.c.expire_us <= as_us(now)))


def hash_begins_with(column: Any, thing_id: str) -> Any:  # noqa: ANN401  # a column and a condition of SQLAlchemy
    """The condition that a hash begins with an id. No id of ours: nothing does."""
    if len(thing_id) != _ID_CHARS or not set(thing_id) <= _HEX:
        return column.is_(None)
    return column.between(thing_id, f"{thing_id}g")  # "g" comes after every hex digit


def _waiting_of_key(connection: Connection, key_sha256: str, now: datetime) -> WaitingUnit | None:
    forget_ended_requests(connection, now=now)
    query = select(enrollment_requests).where(enrollment_requests.c.key_sha256 == key_sha256)
    row = connection.execute(query).one_or_none()
    return None if row is None else waiting_unit(row)


def _waiting_count(connection: Connection, source_address: str | None = None) -> int:
    query = select(func.count()).select_from(enrollment_requests)
    if source_address is not None:
        query = query.where(enrollment_requests.c.source_address == source_address)
    return connection.scalar(query) or 0


def _token_of(connection: Connection, sha256: str) -> TokenRecord | None:
    row = connection.execute(select(tokens).where(tokens.c.sha256 == sha256)).one_or_none() if sha256 else None
    return None if row is None else token_record(row)


def _first_status() -> dict[str, Any]:
    status = NodeStatus()
    return {
        "report_period_us": int(status.report_period_s * 1_000_000),
        "health": status.health,
        "config_report": status.config_report,
        "update_report": status.update_report,
        "running_release": status.running_release,
        "running_version": status.running_version,
        "running_config_revision": status.running_config_revision,
        "update_phase": status.update_phase,
        "lost_report_count": status.lost_report_count,
        "model": status.model,
        "running_config_sha256": status.running_config_sha256,
        "config_outcome": status.config_outcome,
        "config_trial": status.config_trial,
        "penalty": 0.0,
    }


def _first_desired() -> dict[str, Any]:
    desired = DesiredRecord("")
    return {
        "revision": desired.revision,
        "config_revision": desired.config_revision,
        "config_sha256": desired.config_sha256,
        "target_config_revision": desired.target_config_revision,
        "target_config_sha256": desired.target_config_sha256,
        "config_problem": desired.config_problem,
        "config_trial": desired.config_trial,
        "config_trial_timeout_us": int(desired.config_trial_timeout_s * 1_000_000),
        "config_decision": desired.config_decision,
    }
