"""Enrolment tokens in SQL, and the transaction that makes a node."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from wayside.errors import AlreadyExistsError
from wayside_manager.core.enrollment import EnrollmentRequest, TokenRecord, checked_enrollment
from wayside_manager.core.nodes import NodeKind, NodeRecord, NodeState, NodeStatus
from wayside_manager.store.config_effects import refresh_configs
from wayside_manager.store.credentials import insert_credential, revoke_all
from wayside_manager.store.moments import as_time, as_us
from wayside_manager.store.node_rows import find_node, the_node
from wayside_manager.store.part import SqlPart, writing
from wayside_manager.store.tables import node_desired, node_status, nodes, tokens


class SqlEnrollment(SqlPart):
    """Satisfies `ports.EnrollmentStore`."""

    @writing
    def add_token(self, connection: Connection, token: TokenRecord) -> None:
        """See EnrollmentStore."""
        row = {
            "sha256": token.sha256,
            "create_us": as_us(token.create_time),
            "expire_us": as_us(token.expire_time),
            "remaining_use_count": token.remaining_use_count,
            "node_id": token.node_id,
            "kind": token.kind or "",
        }
        try:
            connection.execute(insert(tokens), row)
        except IntegrityError as error:
            raise AlreadyExistsError("token: it is taken; make another", reason="TOKEN_EXISTS") from error

    @writing
    def enroll(self, connection: Connection, request: EnrollmentRequest, *, now: datetime) -> NodeRecord:
        """See EnrollmentStore."""
        found = connection.execute(select(tokens).where(tokens.c.sha256 == request.token_sha256)).first()
        owner_id = connection.scalar(select(nodes.c.node_id).where(nodes.c.esn == request.esn))
        existing = find_node(connection, request.node_id)
        token = checked_enrollment(
            None if found is None else _token_record(found),
            request,
            existing=existing,
            esn_owner_id=owner_id or "",
            now=now,
        )
        connection.execute(
            update(tokens)
            .where(tokens.c.sha256 == token.sha256)
            .values(remaining_use_count=token.remaining_use_count - 1)
        )
        _put(connection, request, existing, as_us(now))
        revoke_all(connection, f"nodes/{request.node_id}", as_us(now))
        insert_credential(connection, request.issue(request.node_id))
        refresh_configs(connection, self._serialize_config, now=now, node_ids=[request.node_id])
        return the_node(connection, request.node_id)


def _put(connection: Connection, request: EnrollmentRequest, existing: NodeRecord | None, now_us: int) -> None:
    if existing is not None:
        # The unit behind a node may have been replaced: the token for this node is the operator's word for it.
        values = {"esn": request.esn, "update_us": now_us, "revision": int(existing.etag) + 1}
        connection.execute(update(nodes).where(nodes.c.node_id == request.node_id).values(values))
        return
    node_id = request.node_id
    row: dict[str, Any] = {"node_id": node_id, "esn": request.esn, "kind": request.kind, "state": NodeState.ENROLLED}
    row |= {"display_name": "", "site": "", "create_us": now_us, "update_us": now_us, "revision": 1}
    connection.execute(insert(nodes), row)
    connection.execute(insert(node_status), {"node_id": node_id} | _first_status())
    desired = {"node_id": node_id, "revision": 0, "config_revision": 0, "config_sha256": ""}
    connection.execute(insert(node_desired), desired)


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
    }


def _token_record(row: Row[Any]) -> TokenRecord:
    return TokenRecord(
        sha256=row.sha256,
        create_time=as_time(row.create_us),
        expire_time=as_time(row.expire_us),
        remaining_use_count=row.remaining_use_count,
        node_id=row.node_id,
        kind=NodeKind(row.kind) if row.kind else None,
    )
