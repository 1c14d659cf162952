"""Who may become a node: the table of EnrollmentService, as one pure function.

Usage: `checked_enrollment(token, request, existing=..., esn_owner_id=..., now=now)` raises or returns.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wayside.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from wayside_manager.core.access import ROOT_TENANT
from wayside_manager.core.credentials import CredentialRecord
from wayside_manager.core.nodes import Label, NodeKind, NodeRecord, NodeState


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
    esn: str = ""
    """The only unit it is for. Empty: any."""
    tenant_id: str = ROOT_TENANT
    """Who owns the nodes it makes."""

    @property
    def token_id(self) -> str:
        """What it is called: the start of its hash."""
        return self.sha256[:24]


@dataclass(frozen=True, slots=True)
class EnrollmentRequest:
    """Who wants to become a node; syntax already checked."""

    token_sha256: str
    """Empty: no token; a registration or an operator must vouch."""
    node_id: str
    esn: str
    kind: NodeKind
    key_sha256: str
    """Of the public key (DER SubjectPublicKeyInfo), lower-case hex."""
    issue: "CertificateIssuer"
    """Makes the certificate, once it is decided for which node."""
    source_address: str = ""


CertificateIssuer = Callable[[str], CredentialRecord]
"""Signs for a node id and returns what to keep; the caller keeps the PEM. Called inside the transaction: pure CPU."""


@dataclass(frozen=True, slots=True)
class EnrollmentAnswer:
    """What became of a request: a node, or a wait."""

    node: NodeRecord | None = None
    waiting: "WaitingUnit | None" = None


class RequestState(StrEnum):
    """Where the request of an unknown unit stands; names as in `wayside.v1.EnrollmentRequest.State`."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class WaitingUnit:
    """An unknown unit that wants to be a node."""

    key_sha256: str
    node_id: str
    esn: str
    kind: NodeKind
    source_address: str
    create_time: datetime
    expire_time: datetime
    state: RequestState = RequestState.PENDING
    approved_node_id: str = ""
    approved_tenant_id: str = ""
    is_replacement: bool = False

    @property
    def request_id(self) -> str:
        """What it is called: the start of its key's hash."""
        return self.key_sha256[:24]


@dataclass(frozen=True, slots=True)
class ApprovedUnit:
    """What an operator decided for a waiting unit."""

    node_id: str
    tenant_id: str
    is_replacement: bool = False
    """It takes the place of the node that is there, with its site, labels, configuration and release."""


@dataclass(frozen=True, slots=True)
class Registration:
    """A unit that is known before its first call."""

    node_id: str
    esn: str
    kind: NodeKind
    key_sha256: str
    tenant_id: str
    display_name: str = ""
    site: str = ""
    labels: tuple[Label, ...] = ()


class ImportOutcome(StrEnum):
    """What became of a registration."""

    CREATED = "created"
    UNCHANGED = "unchanged"


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
