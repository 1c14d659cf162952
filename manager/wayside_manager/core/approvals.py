"""Four eyes: which calls need a second person, and what becomes of their approval.

Usage: `decided(approval, "operators/b", granted=True, now=now)`, then `used(approval, digest, "operators/a", now=now)`.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from wayside.errors import FailedPreconditionError, PermissionDeniedError


class Danger(StrEnum):
    """An action that can need a second person; names as in `wayside.v1.DangerousAction`."""

    FLEET_CONFIG = "fleet-config"
    FLEET_ROLLOUT = "fleet-rollout"
    RETIRE = "retire"
    KEYS = "keys"
    POLICY = "policy"
    ROLES = "roles"
    FLEET_JOB = "fleet-job"
    SHELL = "shell"
    FLEET_BROADCAST = "fleet-broadcast"


class CloneResponse(StrEnum):
    """What to do when two units show one certificate; names as in `wayside.v1.CloneResponse`."""

    REVOKE = "revoke"
    KEEP_OLDER = "keep-older"
    KEEP_NEWER = "keep-newer"


APPROVAL_TTL_DEFAULT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """What needs a second person, and what happens to copies and strangers."""

    four_eyes: frozenset[Danger] = frozenset()
    max_unapproved_node_count: int = 0
    """Configuration and rollouts that reach more nodes than this are dangerous."""
    approval_ttl: timedelta = APPROVAL_TTL_DEFAULT
    clone_response: CloneResponse = CloneResponse.REVOKE
    accepts_unknown_units: bool = False
    allows_shells: bool = False
    """Shells may be opened on units whose settings allow it."""
    etag: str = ""


class ApprovalState(StrEnum):
    """Where an approval stands; names as in `wayside.v1.Approval.State`."""

    PENDING = "pending"
    GRANTED = "granted"
    DENIED = "denied"
    USED = "used"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class ApprovalRecord:
    """A dangerous call that waits for a second person, or did."""

    approval_id: str
    method: str
    """`/wayside.v1.FleetService/RetireNode`."""
    request_sha256: str
    """Of method and serialized request: only this very call may be made."""
    request_json: str
    summary: str
    tenant_id: str
    requester: str
    """`operators/{operator}`."""
    create_time: datetime
    expire_time: datetime
    state: ApprovalState = ApprovalState.PENDING
    decider: str = ""
    decide_time: datetime | None = None
    note: str = ""

    def at(self, now: datetime) -> "ApprovalRecord":
        """The approval as it is now: one that waits or was granted ends with its time."""
        is_open = self.state in {ApprovalState.PENDING, ApprovalState.GRANTED}
        return replace(self, state=ApprovalState.EXPIRED) if is_open and now >= self.expire_time else self


def decided(approval: ApprovalRecord, decider: str, *, granted: bool, note: str, now: datetime) -> ApprovalRecord:
    """The approval after a second person decided.

    Raises: PermissionDeniedError: the decider asked for it; FailedPreconditionError: it does not wait.
    """
    if decider == approval.requester:
        raise PermissionDeniedError(
            f"approvals/{approval.approval_id}: you asked for it; somebody else must decide", reason="SAME_PERSON"
        )
    state = approval.at(now).state
    if state is not ApprovalState.PENDING:
        raise FailedPreconditionError(
            f"approvals/{approval.approval_id}: it is {state}; ask for a new one", reason="APPROVAL_ENDED"
        )
    result = ApprovalState.GRANTED if granted else ApprovalState.DENIED
    return replace(approval, state=result, decider=decider, decide_time=now, note=note)


def used(approval: ApprovalRecord, request_sha256: str, requester: str, *, now: datetime) -> ApprovalRecord:
    """The approval after its call was made.

    Raises: FailedPreconditionError: it was not granted, is used or over; PermissionDeniedError: it is for another call
    or caller.
    """
    name = f"approvals/{approval.approval_id}"
    if approval.requester != requester or approval.request_sha256 != request_sha256:
        raise PermissionDeniedError(
            f"{name}: it is for another call or caller; make the very call it was opened for", reason="APPROVAL_OTHER"
        )
    state = approval.at(now).state
    if state is not ApprovalState.GRANTED:
        raise FailedPreconditionError(f"{name}: it is {state}, not granted", reason="APPROVAL_NOT_GRANTED")
    return replace(approval, state=ApprovalState.USED)
