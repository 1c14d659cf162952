"""EnrollmentService: a certificate request goes in, a certificate comes out, if somebody vouches for the unit."""

# ruff: noqa: ARG002, N802 -- gRPC fixes the names and the arguments of RPCs
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from wayside.errors import InvalidArgumentError, NotFoundError, PermissionDeniedError
from wayside.names import checked_esn, checked_label, node_id, node_name
from wayside.v1 import enrollment_service_pb2, enrollment_service_pb2_grpc
from wayside_manager.api.enrollment_messages import (
    request_id,
    token_id,
    token_message,
    ttl,
    use_count,
    waiting_message,
)
from wayside_manager.api.identity import admission, admitted_tenant, token_hash
from wayside_manager.api.node_imports import NodeImports
from wayside_manager.api.node_messages import optional_kind, required_kind, timestamp
from wayside_manager.api.release_trust_messages import content
from wayside_manager.api.scopes import Context
from wayside_manager.core.attempts import source_of
from wayside_manager.core.credentials import CredentialRecord
from wayside_manager.core.enrollment import ApprovedUnit, EnrollmentRequest, TokenRecord
from wayside_manager.core.missing import HiddenError, hidden
from wayside_manager.core.nodes import NodeRecord
from wayside_manager.core.release_trust.files import Repository, TrustRole
from wayside_manager.ports.access import PolicyStore
from wayside_manager.ports.audit import CALL
from wayside_manager.ports.certificates import IssuedCertificate, NodeCertifier
from wayside_manager.ports.enrollment import EnrollmentStore
from wayside_manager.ports.nodes import NodeStore
from wayside_manager.ports.release_trust import ReleaseTrustStore
from wayside_manager.ports.wakeups import Bus, Topic

TOKEN_MAX_CHARS = 256
ENROLLMENT_TOKEN_PREFIX = "wse_"  # noqa: S105  # makes a leaked token findable
RETRY_AFTER_S = 30
"""When a waiting unit asks again: an operator who admits it should not have to wait for it."""


class EnrollmentServiceStore(EnrollmentStore, NodeStore, PolicyStore, ReleaseTrustStore, Protocol):
    """What enrolment needs of the store."""


class EnrollmentService(enrollment_service_pb2_grpc.EnrollmentServiceServicer):
    """First contact."""

    def __init__(
        self,
        store: EnrollmentServiceStore,
        certifier: NodeCertifier,
        bus: Bus,
        *,
        now: Callable[[], datetime],
        returning: timedelta,
    ) -> None:
        self._store = store
        self._certifier = certifier
        self._bus = bus
        self._now = now
        self._returning = returning
        self._imports = NodeImports(store, certifier, bus, now=now)

    async def Enroll(
        self, request: enrollment_service_pb2.EnrollRequest, context: Context
    ) -> enrollment_service_pb2.EnrollResponse:
        """Makes the caller a node, or notes that it would like to be one."""
        if len(request.token) > TOKEN_MAX_CHARS:
            raise InvalidArgumentError(f"token: give at most {TOKEN_MAX_CHARS} characters")
        now, issued = self._now(), list[IssuedCertificate]()
        kind = required_kind(request.kind, field="kind")

        def issue(as_node_id: str) -> CredentialRecord:
            issued.append(self._certifier.issue(as_node_id, request.certificate_request_pem, kind=kind, now=now))
            return issued[-1].record

        wanted = EnrollmentRequest(
            token_sha256=token_hash(request.token) if request.token else "",
            node_id=checked_label(request.node_id, field="node_id"),
            esn=checked_esn(request.esn, field="esn"),
            kind=kind,
            key_sha256=self._certifier.requested_key_sha256(request.certificate_request_pem),
            issue=issue,
            source_address=source_of(admission().source_address),
        )
        policy = await self._store.get_policy()
        if policy.accepts_unknown_units and not wanted.token_sha256:
            pending = await self._store.find_pending(wanted.key_sha256, now=now)
            if pending is not None:
                _leave_no_entry()
                return self._pending(pending.request_id)
        answer = await self._store.enroll(
            wanted, now=now, accepts_unknown_units=policy.accepts_unknown_units, returning=self._returning
        )
        if answer.node is None:
            return self._pending(answer.waiting.request_id if answer.waiting else "")
        # the session of a unit that was replaced looks whether it may go on
        await self._bus.publish(Topic.DESIRED, (answer.node.node_id,))
        await self._bus.publish(Topic.NODE, (answer.node.node_id,))
        await self._bus.publish(Topic.EVENT, [""])
        return await self._enrolled(answer.node, issued[-1])

    async def CreateEnrollmentToken(
        self, request: enrollment_service_pb2.CreateEnrollmentTokenRequest, context: Context
    ) -> enrollment_service_pb2.CreateEnrollmentTokenResponse:
        """A token with which units can enrol."""
        now, token = self._now(), ENROLLMENT_TOKEN_PREFIX + secrets.token_urlsafe(32)
        bound_id = node_id(request.node, field="node") if request.node else ""
        record = TokenRecord(
            sha256=token_hash(token),
            create_time=now,
            expire_time=now + ttl(request),
            remaining_use_count=use_count(request),
            node_id=bound_id,
            kind=optional_kind(request.kind, field="kind"),
            esn=checked_esn(request.esn, field="esn") if request.esn else "",
            tenant_id=await self._tenant_of_bound(bound_id, request.tenant),
        )
        await self._store.add_token(record)
        return enrollment_service_pb2.CreateEnrollmentTokenResponse(
            token=token, expire_time=timestamp(record.expire_time), name=f"enrollmentTokens/{record.token_id}"
        )

    async def ListEnrollmentTokens(
        self, request: enrollment_service_pb2.ListEnrollmentTokensRequest, context: Context
    ) -> enrollment_service_pb2.ListEnrollmentTokensResponse:
        """A page of tokens."""
        page = await self._store.list_tokens(
            reach=admission().reach, now=self._now(), page_size=request.page_size, page_token=request.page_token
        )
        return enrollment_service_pb2.ListEnrollmentTokensResponse(
            enrollment_tokens=map(token_message, page.items), next_page_token=page.next_page_token
        )

    async def RevokeEnrollmentToken(
        self, request: enrollment_service_pb2.RevokeEnrollmentTokenRequest, context: Context
    ) -> enrollment_service_pb2.RevokeEnrollmentTokenResponse:
        """Makes a token useless."""
        await self._store.revoke_token(token_id(request.name))
        return enrollment_service_pb2.RevokeEnrollmentTokenResponse()

    async def ImportNodes(
        self, request: enrollment_service_pb2.ImportNodesRequest, context: Context
    ) -> enrollment_service_pb2.ImportNodesResponse:
        """Registers units before they call, each row for itself."""
        return await self._imports.imported(request)

    async def ListEnrollmentRequests(
        self, request: enrollment_service_pb2.ListEnrollmentRequestsRequest, context: Context
    ) -> enrollment_service_pb2.ListEnrollmentRequestsResponse:
        """A page of waiting units: whoever may let units into a whole tenant sees them all."""
        _check_whole_tenant()
        page = await self._store.list_requests(
            now=self._now(), page_size=request.page_size, page_token=request.page_token
        )
        return enrollment_service_pb2.ListEnrollmentRequestsResponse(
            enrollment_requests=map(waiting_message, page.items), next_page_token=page.next_page_token
        )

    async def ApproveEnrollmentRequest(
        self, request: enrollment_service_pb2.ApproveEnrollmentRequestRequest, context: Context
    ) -> enrollment_service_pb2.ApproveEnrollmentRequestResponse:
        """Lets a waiting unit in."""
        if request.node_id and request.replaced_node:
            raise InvalidArgumentError("node_id: it excludes replaced_node; give one of them")
        now, waiting_id = self._now(), request_id(request.name)
        waiting = await self._store.get_request(waiting_id, now=now)
        if request.replaced_node:
            replaced = await self._reached(node_id(request.replaced_node, field="replaced_node"))
            approved = ApprovedUnit(replaced.node_id, replaced.tenant_id, is_replacement=True)
        else:
            chosen = checked_label(request.node_id or waiting.node_id, field="node_id")
            approved = ApprovedUnit(chosen, admitted_tenant(request.tenant))
        waiting = await self._store.approve_request(waiting_id, approved, now=now)
        return enrollment_service_pb2.ApproveEnrollmentRequestResponse(enrollment_request=waiting_message(waiting))

    async def RejectEnrollmentRequest(
        self, request: enrollment_service_pb2.RejectEnrollmentRequestRequest, context: Context
    ) -> enrollment_service_pb2.RejectEnrollmentRequestResponse:
        """Turns a waiting unit away."""
        _check_whole_tenant()
        waiting = await self._store.reject_request(request_id(request.name), now=self._now())
        return enrollment_service_pb2.RejectEnrollmentRequestResponse(enrollment_request=waiting_message(waiting))

    async def _enrolled(self, node: NodeRecord, issued: IssuedCertificate) -> enrollment_service_pb2.EnrollResponse:
        trust = await self._store.get_trust()
        return enrollment_service_pb2.EnrollResponse(
            state=enrollment_service_pb2.EnrollResponse.STATE_ENROLLED,
            node=node_name(node.node_id),
            certificate_pem=issued.pem,
            authorities_pem=self._certifier.authorities_pem,
            expire_time=timestamp(issued.record.expire_time) if issued.record.expire_time else None,
            image_root=content(trust, Repository.IMAGE, TrustRole.ROOT),
            director_root=content(trust, Repository.DIRECTOR, TrustRole.ROOT),
        )

    def _pending(self, waiting_id: str) -> enrollment_service_pb2.EnrollResponse:
        answer = enrollment_service_pb2.EnrollResponse(
            state=enrollment_service_pb2.EnrollResponse.STATE_PENDING,
            enrollment_request=f"enrollmentRequests/{waiting_id}",
        )
        answer.retry_after.seconds = RETRY_AFTER_S
        return answer

    async def _tenant_of_bound(self, bound_id: str, tenant: str) -> str:
        """The tenant a token is for. One bound to a node that is there is for the tenant of that node."""
        admitted_id = admitted_tenant(tenant)
        try:
            bound = await self._reached(bound_id) if bound_id else None
        except HiddenError:
            raise
        except NotFoundError:  # the token will make it
            bound = None
        if bound is None:
            return admitted_id
        if tenant and bound.tenant_id != admitted_id:
            raise InvalidArgumentError("tenant: the node belongs to another one; leave the tenant out")
        return bound.tenant_id

    async def _reached(self, wanted_id: str) -> NodeRecord:
        """A node the caller may let units in as.

        Raises: NotFoundError; HiddenError: it is there, but not for this caller.
        """
        node = await self._store.get_node(wanted_id)
        if not admission().reach.covers_tenant(node.tenant_id):
            raise hidden("nodes", wanted_id)
        return node


def _leave_no_entry() -> None:
    """A unit that waits asks every half minute: that is no news for the audit trail."""
    record = CALL.get()
    if record is not None:
        record.is_written = True


def _check_whole_tenant() -> None:
    """Returns if the caller may let units into a whole tenant: a waiting one belongs to nobody yet."""
    covered = admission().reach
    if not covered.is_everywhere and not covered.whole_tenant_ids:
        raise PermissionDeniedError(
            "waiting units are for those who may let units into a whole tenant; ask an admin for that",
            reason="ROLE_MISSING",
        )
