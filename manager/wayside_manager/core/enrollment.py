"""Who may become a node: the table of EnrollmentService, as one pure function.

Usage: `checked_enrollment(token, request, existing=..., esn_owner_id=..., now=now)` raises or returns.
"""

from dataclasses import dataclass
from datetime import datetime

from wayside.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from wayside_manager.core.credentials import CredentialRecord
from wayside_manager.core.nodes import NodeKind, NodeRecord, NodeState


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """An enrolment token; the token itself is kept nowhere."""

    sha256: str
    """Of the token's UTF-8 bytes, lower-case hex."""
    create_time: datetime
    expire_time: datetime
    remaining_use_count: int
    node_id: str = ""
    """The only node it is for. Empty: any."""
    kind: NodeKind | None = None
    """The only kind it is for. `None`: any."""


@dataclass(frozen=True, slots=True)
class EnrollmentRequest:
    """Who wants to become a node; syntax already checked."""

    token_sha256: str
    node_id: str
    esn: str
    kind: NodeKind
    certificate: CredentialRecord
    """What the unit will show from now on; an older one of the node counts no more."""


def checked_enrollment(
    token: TokenRecord | None,
    request: EnrollmentRequest,
    *,
    existing: NodeRecord | None,
    esn_owner_id: str,
    now: datetime,
) -> TokenRecord:
    """The token, if the request may use it.

    `existing` is the node with the wanted id, `esn_owner_id` the node that has the ESN (empty: none).
    Raises: UnauthenticatedError, PermissionDeniedError, AlreadyExistsError, FailedPreconditionError: as in
    EnrollmentService.Enroll.
    """
    if token is None or now >= token.expire_time or token.remaining_use_count < 1:
        # One sentence for all three, so that nobody learns which tokens exist.
        raise UnauthenticatedError(
            "token: unknown, expired or used up; ask an operator for a new one", reason="TOKEN_INVALID"
        )
    _check_binding(token, request)
    if existing is not None and existing.state is NodeState.RETIRED:
        raise FailedPreconditionError(
            f"node_id: {request.node_id} is retired; enrol the unit under another id", reason="NODE_RETIRED"
        )
    if existing is not None and (token.node_id != request.node_id or existing.kind is not request.kind):
        raise AlreadyExistsError(
            f"node_id: {request.node_id} is enrolled; use a token bound to it (and its kind) to enrol it again",
            reason="NODE_EXISTS",
        )
    if esn_owner_id not in {"", request.node_id}:
        raise AlreadyExistsError(
            f"esn: {request.esn} belongs to {esn_owner_id}; check the unit's serial number", reason="ESN_EXISTS"
        )
    return token


def _check_binding(token: TokenRecord, request: EnrollmentRequest) -> None:
    if token.node_id not in {"", request.node_id}:
        raise PermissionDeniedError(
            f"token: it is for another node than {request.node_id}; ask an operator for one for this node",
            reason="TOKEN_BOUND",
        )
    if token.kind not in {None, request.kind}:
        raise PermissionDeniedError(
            f"token: it is for another kind than {request.kind.upper()}; ask an operator for one for this kind",
            reason="TOKEN_BOUND",
        )
