"""ApprovalService: dangerous calls wait here for a second person."""

# ruff: noqa: ARG002, N802 -- gRPC fixes the names and the arguments of RPCs
from collections.abc import Callable
from datetime import datetime

from wayside.errors import InvalidArgumentError
from wayside.names import approval_id, approval_name, tenant_name
from wayside.v1 import approval_service_pb2, approval_service_pb2_grpc
from wayside_manager.api.enum_words import enum_word
from wayside_manager.api.identity import admission, calling_holder
from wayside_manager.api.node_messages import timestamp
from wayside_manager.api.scopes import Context
from wayside_manager.core.approvals import ApprovalRecord, ApprovalState
from wayside_manager.ports.access import ApprovalStore

NOTE_MAX_CHARS = 200  # as approval_service.proto says


class ApprovalService(approval_service_pb2_grpc.ApprovalServiceServicer):
    """Approvals for who reads and who decides."""

    def __init__(self, store: ApprovalStore, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def GetApproval(
        self, request: approval_service_pb2.GetApprovalRequest, context: Context
    ) -> approval_service_pb2.GetApprovalResponse:
        """One approval."""
        approval = await self._store.get_approval(approval_id(request.name), now=self._now())
        return approval_service_pb2.GetApprovalResponse(approval=approval_message(approval))

    async def ListApprovals(
        self, request: approval_service_pb2.ListApprovalsRequest, context: Context
    ) -> approval_service_pb2.ListApprovalsResponse:
        """A page of approvals, newest first."""
        page = await self._store.list_approvals(
            reach=admission().reach,
            now=self._now(),
            states=tuple(map(_state, dict.fromkeys(request.states))),
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return approval_service_pb2.ListApprovalsResponse(
            approvals=map(approval_message, page.items), next_page_token=page.next_page_token
        )

    async def DecideApproval(
        self, request: approval_service_pb2.DecideApprovalRequest, context: Context
    ) -> approval_service_pb2.DecideApprovalResponse:
        """Yes or no, by somebody else than who asked: the holder counts, whatever credential it came with."""
        if len(request.note) > NOTE_MAX_CHARS or not request.note.isprintable():
            raise InvalidArgumentError(f"note: give at most {NOTE_MAX_CHARS} printable characters on one line")
        approval = await self._store.decide_approval(
            approval_id(request.name),
            decider=calling_holder(),
            granted=request.granted,
            note=request.note,
            now=self._now(),
        )
        return approval_service_pb2.DecideApprovalResponse(approval=approval_message(approval))


def approval_message(approval: ApprovalRecord) -> approval_service_pb2.Approval:
    """An approval as operators see it."""
    message = approval_service_pb2.Approval(
        name=approval_name(approval.approval_id),
        method=approval.method,
        request_json=approval.request_json,
        summary=approval.summary,
        tenant=tenant_name(approval.tenant_id),
        requester=approval.requester,
        decider=approval.decider,
        state=approval_service_pb2.Approval.State.Value(f"STATE_{approval.state.name}"),
        create_time=timestamp(approval.create_time),
        expire_time=timestamp(approval.expire_time),
        note=approval.note,
    )
    if approval.decide_time is not None:
        message.decide_time.CopyFrom(timestamp(approval.decide_time))
    return message


def _state(value: int) -> ApprovalState:
    descriptor = approval_service_pb2.Approval.State.DESCRIPTOR
    return ApprovalState[enum_word(descriptor, value, field="states", prefix="STATE_")]
