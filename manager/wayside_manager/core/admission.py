"""Who may become a node: the table of EnrollmentService, as one pure function.

A token, a registration of the unit's key, or an operator vouches; a known unit vouches for itself by its last key, see
`core.known_units`. Nothing else does. What was retired or taken back does not come back: not under its id, not with its
serial number, not with any key it ever used.
Usage: `entry = admitted(facts, request, now=now)`; `None`: the unit waits for an operator.
"""

from dataclasses import dataclass
from datetime import datetime

from wayside.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    PermissionDeniedError,
    ResourceExhaustedError,
    UnauthenticatedError,
)
from wayside_manager.core.enrollment import EnrollmentRequest, RequestState, TokenRecord, WaitingUnit
from wayside_manager.core.known_units import KeyUse, KnownUnit, LastKey, is_return
from wayside_manager.core.nodes import NodeKind, NodeState

WAITING_MAX_COUNT = 1_000
"""Unknown units that wait at once."""
WAITING_PER_SOURCE_MAX_COUNT = 10
"""Unknown units that wait at once and called from one address."""


@dataclass(frozen=True, slots=True)
class EnrollmentFacts:
    """What is known when a unit asks."""

    token: TokenRecord | None = None
    wanted: KnownUnit | None = None
    """The node with the wanted id."""
    esn_owner: KnownUnit | None = None
    """The node with the ESN."""
    registered: KnownUnit | None = None
    """The node the key is registered for."""
    waiting: WaitingUnit | None = None
    """What this key asked for before."""
    approved: KnownUnit | None = None
    """The node with the id an operator chose for it."""
    last_key: LastKey | None = None
    """Of the node with the wanted id. `None`: it has none with which its unit may come back."""
    key_uses: tuple[KeyUse, ...] = ()
    accepts_unknown_units: bool = False
    waiting_count: int = 0
    waiting_of_source_count: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """As which node a unit comes in."""

    node_id: str
    tenant_id: str
    is_new: bool
    """The node is made; else it is there, and the unit becomes it."""
    uses_token: bool = False
    is_return: bool = False
    """The unit of the node itself is back; nothing of the node changes, and nothing is taken from it."""


def admitted(facts: EnrollmentFacts, request: EnrollmentRequest, *, now: datetime) -> Entry | None:
    """As which node the unit comes in; `None`: it waits for an operator.

    Raises: UnauthenticatedError, PermissionDeniedError, AlreadyExistsError, FailedPreconditionError,
    ResourceExhaustedError: as in EnrollmentService.Enroll.
    """
    check_key(facts.key_uses)
    entry = _vouched(facts, request, now)
    if entry is None:
        _check_stranger(facts)
    if any(use.holder != f"nodes/{entry.node_id if entry else ''}" for use in facts.key_uses):
        raise key_taken()
    return entry


def check_key(uses: tuple[KeyUse, ...]) -> None:
    """Returns if the key was never taken back.

    Raises: FailedPreconditionError.
    """
    if any(use.is_spent for use in uses):
        raise FailedPreconditionError(
            "certificate_request_pem: its key was one of a retired, revoked or replaced unit; make a new key",
            reason="KEY_SPENT",
        )


def check_place(
    node_id: str, esn: str, *, wanted: KnownUnit | None, esn_owner: KnownUnit | None, is_replacement: bool
) -> None:
    """Returns if a unit with this ESN may be this node.

    Raises: FailedPreconditionError: the node or the ESN is retired; AlreadyExistsError: one of them is taken.
    """
    if wanted is not None and wanted.state is NodeState.RETIRED:
        raise FailedPreconditionError(
            f"node_id: {node_id} is retired; enrol the unit under another id", reason="NODE_RETIRED"
        )
    if wanted is not None and not is_replacement:
        raise AlreadyExistsError(
            f"node_id: {node_id} is there; use a token bound to it to put another unit in its place",
            reason="NODE_EXISTS",
        )
    if esn_owner is None or esn_owner.node_id == node_id:
        return
    if esn_owner.state is NodeState.RETIRED:
        raise FailedPreconditionError(
            f"esn: {esn} was retired with its node and does not come back", reason="NODE_RETIRED"
        )
    raise AlreadyExistsError(f"esn: {esn} belongs to another node; check the unit's serial number", reason="ESN_EXISTS")


def key_taken() -> AlreadyExistsError:
    """The error for a key that somebody else has."""
    return AlreadyExistsError(
        "certificate_request_pem: its key belongs to somebody else here; make a new key", reason="KEY_EXISTS"
    )


def _vouched(facts: EnrollmentFacts, request: EnrollmentRequest, now: datetime) -> Entry | None:
    registered = facts.registered
    # a registered key needs no token, so that a unit which lost the answer can ask again with its used-up one
    if registered is not None and (not request.token_sha256 or registered.node_id == request.node_id):
        return _by_registration(registered, request)
    if request.token_sha256:
        return _by_token(facts, request, now)
    if facts.waiting is not None and facts.waiting.state is RequestState.APPROVED:
        return _by_operator(facts, facts.waiting, request)
    wanted = facts.wanted
    if wanted is not None and is_return(wanted, facts.last_key, request, now=now):
        return Entry(wanted.node_id, wanted.tenant_id, is_new=False, is_return=True)
    return None


def _by_registration(registered: KnownUnit, request: EnrollmentRequest) -> Entry:
    if (registered.esn, registered.kind) != (request.esn, request.kind):
        raise PermissionDeniedError(
            "esn: the unit's key is registered with another ESN or kind; correct the unit's settings or import it anew",
            reason="REGISTRATION_MISMATCH",
        )
    return Entry(registered.node_id, registered.tenant_id, is_new=False)


def _by_token(facts: EnrollmentFacts, request: EnrollmentRequest, now: datetime) -> Entry:
    token, wanted = facts.token, facts.wanted
    if token is None or now >= token.expire_time or token.remaining_use_count < 1:
        # One sentence for all three, so that nobody learns which tokens exist.
        raise UnauthenticatedError(
            "token: unknown, expired or used up; ask an operator for a new one", reason="TOKEN_INVALID"
        )
    _check_binding(token, request)
    is_replacement = wanted is not None and token.node_id == request.node_id
    check_place(request.node_id, request.esn, wanted=wanted, esn_owner=facts.esn_owner, is_replacement=is_replacement)
    if wanted is None:
        return Entry(request.node_id, token.tenant_id, is_new=True, uses_token=True)
    _check_successor(wanted, request.kind, token.tenant_id)
    return Entry(request.node_id, wanted.tenant_id, is_new=False, uses_token=True)


def _by_operator(facts: EnrollmentFacts, waiting: WaitingUnit, request: EnrollmentRequest) -> Entry:
    if (waiting.esn, waiting.kind) != (request.esn, request.kind):
        raise PermissionDeniedError(
            "esn: the unit was approved with another ESN or kind; correct its settings, or have it approved anew",
            reason="REGISTRATION_MISMATCH",
        )
    node_id, replaced = waiting.approved_node_id, facts.approved
    check_place(node_id, request.esn, wanted=replaced, esn_owner=facts.esn_owner, is_replacement=waiting.is_replacement)
    if replaced is None:
        return Entry(node_id, waiting.approved_tenant_id, is_new=True)
    _check_successor(replaced, request.kind, waiting.approved_tenant_id)
    return Entry(node_id, replaced.tenant_id, is_new=False)


def _check_successor(replaced: KnownUnit, kind: NodeKind, tenant_id: str) -> None:
    if replaced.tenant_id != tenant_id:
        # the id went to somebody else after the token was made
        raise PermissionDeniedError(
            f"node_id: {replaced.node_id} is not a node of the tenant that vouches for the unit", reason="TOKEN_BOUND"
        )
    if replaced.kind is not kind:
        raise AlreadyExistsError(
            f"kind: {replaced.node_id} is {replaced.kind.upper()}; a unit of another kind takes another id",
            reason="NODE_EXISTS",
        )
    if replaced.state is NodeState.REGISTERED:
        raise _registered_otherwise()


def _check_stranger(facts: EnrollmentFacts) -> None:
    if facts.waiting is not None and facts.waiting.state is RequestState.REJECTED:
        raise PermissionDeniedError("an operator has turned this unit away; ask them why", reason="REQUEST_REJECTED")
    named = (facts.wanted, facts.esn_owner)
    if any(unit is not None and unit.state is NodeState.REGISTERED for unit in named):
        raise _registered_otherwise()
    if not facts.accepts_unknown_units:
        raise PermissionDeniedError(
            "this manager takes no unknown units; ask an operator for a token", reason="UNKNOWN_UNIT"
        )
    if any(unit is not None and unit.state is NodeState.RETIRED for unit in named):
        raise FailedPreconditionError(
            "node_id: it or the ESN is retired and does not come back; enrol another unit under another id",
            reason="NODE_RETIRED",
        )
    if facts.waiting is not None:
        return
    if facts.waiting_count >= WAITING_MAX_COUNT or facts.waiting_of_source_count >= WAITING_PER_SOURCE_MAX_COUNT:
        raise ResourceExhaustedError(
            "too many unknown units wait for an operator, or too many from this address; ask again later",
            reason="WAITING_TOO_MANY",
        )


def _registered_otherwise() -> PermissionDeniedError:
    return PermissionDeniedError(
        "the unit is registered with another key; enrol with that one, or have an operator revoke the registration",
        reason="KEY_MISMATCH",
    )


def _check_binding(token: TokenRecord, request: EnrollmentRequest) -> None:
    for bound, given, thing in (
        (token.node_id, request.node_id, "node"),
        (token.kind or "", request.kind, "kind"),
        (token.esn, request.esn, "unit (ESN)"),
    ):
        if bound not in {"", given}:
            raise PermissionDeniedError(
                f"token: it is for another {thing} than {given}; ask an operator for one for this {thing}",
                reason="TOKEN_BOUND",
            )
