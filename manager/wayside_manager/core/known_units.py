"""What is known of units that ask to become nodes, and when a known one vouches for itself.

A unit that was away for longer than its certificate lives comes back by its own last key: it was never taken back, so
whoever has it is the unit. What was revoked, retired or replaced has no such key any more.
Usage: `if is_return(unit, last_key, request, now=now): ...`
"""

from dataclasses import dataclass
from datetime import datetime

from wayside.errors import FailedPreconditionError, PermissionDeniedError
from wayside_manager.core.enrollment import EnrollmentRequest
from wayside_manager.core.nodes import NodeKind, NodeState


@dataclass(frozen=True, slots=True)
class KnownUnit:
    """What of a node an enrolment looks at."""

    node_id: str
    esn: str
    kind: NodeKind
    state: NodeState
    tenant_id: str
    registered_key_sha256: str = ""
    """Of the key that may enrol as the node until its first session. Empty: none."""


@dataclass(frozen=True, slots=True)
class KeyUse:
    """A time the public key was seen before."""

    holder: str
    """`nodes/{node}` or `operators/{operator}`."""
    is_spent: bool
    """Its certificate was taken back, or its node retired or revoked."""


@dataclass(frozen=True, slots=True)
class LastKey:
    """The key of a node's newest confirmed certificate, which was not taken back."""

    key_sha256: str
    first_expire_time: datetime
    """When the first certificate for it ends: the one it was made for."""
    expire_time: datetime
    """When the newest one ends."""
    return_time: datetime
    """Until when the unit may come back by it."""


def is_return(unit: KnownUnit, last: LastKey | None, request: EnrollmentRequest, *, now: datetime) -> bool:
    """Whether a known unit asks with its last key after the end of its certificate.

    Only who has the key learns more than that nobody vouches.
    Raises: PermissionDeniedError: with another ESN or kind; FailedPreconditionError: its certificate is valid, or
    ended too long ago.
    """
    if last is None or unit.state is not NodeState.ENROLLED or last.key_sha256 != request.key_sha256:
        return False
    if (unit.esn, unit.kind) != (request.esn, request.kind):
        raise PermissionDeniedError(
            "esn: the unit's key is that of a node with another ESN or kind; correct the unit's settings",
            reason="REGISTRATION_MISMATCH",
        )
    if now < last.first_expire_time:
        # else a copied request would get certificates for a unit in use
        raise FailedPreconditionError(
            "certificate_request_pem: the certificate for its key is still valid; open a session with it",
            reason="CERTIFICATE_VALID",
        )
    if now >= last.return_time:
        raise FailedPreconditionError(
            f"node_id: the certificate of {unit.node_id} ended too long ago ({last.expire_time:%Y-%m-%d}, see setting "
            "returning_days); enrol the unit with a token bound to the node",
            reason="AWAY_TOO_LONG",
        )
    return True
