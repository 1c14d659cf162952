"""Approvals in SQL. One is used up by `store.audit_rows`, in the transaction of the change it is for."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, func, insert, or_, select, true, tuple_, update

from wayside.errors import ResourceExhaustedError
from wayside_manager.core.access import Reach
from wayside_manager.core.approvals import ApprovalRecord, ApprovalState, decided
from wayside_manager.core.pages import Page, checked_page_size, position
from wayside_manager.store.audit_rows import approval_record, approval_row
from wayside_manager.store.moments import as_us, as_us_or_none
from wayside_manager.store.part import SqlPart, changed, page, reading, writing, writing_quietly
from wayside_manager.store.tables import approvals

OPEN_MAX_COUNT = 100
"""Approvals that one operator may ask for in a day and that are neither used nor denied, whether they ended or not."""
_COUNTED = timedelta(days=1)
_OPEN = (ApprovalState.PENDING, ApprovalState.GRANTED)


class SqlApprovals(SqlPart):
    """Satisfies `ports.ApprovalStore`."""

    @writing_quietly  # the gate writes the refusal that goes with it
    def open_approval(self, connection: Connection, approval: ApprovalRecord) -> ApprovalRecord:
        """See ApprovalStore."""
        query = select(approvals).where(
            approvals.c.request_sha256 == approval.request_sha256,
            approvals.c.requester == approval.requester,
            approvals.c.state.in_(_OPEN),
            approvals.c.expire_us > as_us(approval.create_time),
        )
        row = connection.execute(query.order_by(approvals.c.create_us).limit(1)).one_or_none()
        if row is not None:
            return approval_record(row)
        _check_count(connection, approval)
        values = {name: value for name, value in asdict(approval).items() if not name.endswith("_time")}
        times = {
            "create_us": as_us(approval.create_time),
            "expire_us": as_us(approval.expire_time),
            "decide_us": as_us_or_none(approval.decide_time),
        }
        connection.execute(insert(approvals), values | times)
        return approval

    @reading
    def get_approval(self, connection: Connection, approval_id: str, *, now: datetime) -> ApprovalRecord:
        """See ApprovalStore."""
        return approval_record(approval_row(connection, approval_id)).at(now)

    @reading
    def list_approvals(
        self,
        connection: Connection,
        *,
        reach: Reach,
        now: datetime,
        states: Sequence[ApprovalState] = (),
        page_size: int = 0,
        page_token: str = "",
    ) -> Page[ApprovalRecord]:
        """See ApprovalStore."""
        size, question = checked_page_size(page_size), f"approvals|{sorted(set(states))}"
        after = position(page_token, question, types=(int, str))
        query = select(approvals).where(_within(reach))
        if states:
            query = query.where(or_(*(_is_now(state, as_us(now)) for state in states)))
        key = (approvals.c.create_us, approvals.c.approval_id)
        if after is not None:
            query = query.where(tuple_(*key) < tuple_(*after))
        rows = connection.execute(query.order_by(*(column.desc() for column in key)).limit(size + 1)).all()
        return page(
            rows, size, question, key=("create_us", "approval_id"), record=lambda row: approval_record(row).at(now)
        )

    @writing
    def decide_approval(
        self, connection: Connection, approval_id: str, *, decider: str, granted: bool, note: str, now: datetime
    ) -> ApprovalRecord:
        """See ApprovalStore."""
        before = approval_record(approval_row(connection, approval_id))
        after = decided(before, decider, granted=granted, note=note, now=now)
        values = {"state": after.state, "decider": decider, "note": note, "decide_us": as_us(now)}
        connection.execute(update(approvals).where(approvals.c.approval_id == approval_id).values(values))
        changed(
            connection,
            f"approvals/{approval_id}",
            before=asdict(before),
            after=asdict(after),
            tenant_id=after.tenant_id,
        )
        return after


def _check_count(connection: Connection, approval: ApprovalRecord) -> None:
    """Each holds a whole request, and whoever may call can open as many as there are requests."""
    since_us = as_us(approval.create_time - _COUNTED)
    query = select(func.count()).where(
        approvals.c.requester == approval.requester, approvals.c.create_us > since_us, approvals.c.state.in_(_OPEN)
    )
    if (connection.scalar(query) or 0) >= OPEN_MAX_COUNT:
        raise ResourceExhaustedError(
            f"{approval.requester} has asked for {OPEN_MAX_COUNT} approvals that nobody has used in a day; "
            "have them used or denied, or wait",
            reason="APPROVALS_TOO_MANY",
        )


def _within(reach: Reach) -> ColumnElement[bool]:
    return true() if reach.is_everywhere else approvals.c.tenant_id.in_(sorted(reach.whole_tenant_ids))


def _is_now(state: ApprovalState, now_us: int) -> ColumnElement[bool]:
    """Whether an approval is in a state now: one that is open ends with its time, without anybody writing it down."""
    if state is ApprovalState.EXPIRED:
        return or_(approvals.c.state == state, and_(approvals.c.state.in_(_OPEN), approvals.c.expire_us <= now_us))
    if state in _OPEN:
        return and_(approvals.c.state == state, approvals.c.expire_us > now_us)
    return approvals.c.state == state
