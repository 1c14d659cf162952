"""GetAccessPolicy and UpdateAccessPolicy, for AccessService.

Usage: `return await update_access_policy(self._store, request, now=self._now())`.
"""

from datetime import datetime, timedelta

from wayside.errors import InvalidArgumentError
from wayside.v1 import access_service_pb2
from wayside_manager.api.enum_words import enum_word
from wayside_manager.core.approvals import APPROVAL_TTL_DEFAULT, AccessPolicy, CloneResponse, Danger
from wayside_manager.ports.access import PolicyStore

TTL_MIN, TTL_MAX = timedelta(minutes=1), timedelta(days=30)  # as access_service.proto says
_DANGER = "DANGEROUS_ACTION_"
_CLONE = "CLONE_RESPONSE_"


async def get_access_policy(store: PolicyStore) -> access_service_pb2.GetAccessPolicyResponse:
    """The policy."""
    return access_service_pb2.GetAccessPolicyResponse(policy=policy_message(await store.get_policy()))


async def update_access_policy(
    store: PolicyStore, request: access_service_pb2.UpdateAccessPolicyRequest, *, now: datetime
) -> access_service_pb2.UpdateAccessPolicyResponse:
    """The policy after it was replaced.

    Raises: InvalidArgumentError, ConflictError.
    """
    policy = await store.update_policy(policy_record(request.policy), now=now, etag=request.policy.etag)
    return access_service_pb2.UpdateAccessPolicyResponse(policy=policy_message(policy))


def policy_message(policy: AccessPolicy) -> access_service_pb2.AccessPolicy:
    """The policy as operators see it."""
    message = access_service_pb2.AccessPolicy(
        four_eyes_actions=[
            access_service_pb2.DangerousAction.Value(f"{_DANGER}{danger.name}") for danger in sorted(policy.four_eyes)
        ],
        max_unapproved_node_count=policy.max_unapproved_node_count,
        clone_response=access_service_pb2.CloneResponse.Value(f"{_CLONE}{policy.clone_response.name}"),
        accepts_unknown_units=policy.accepts_unknown_units,
        allows_shells=policy.allows_shells,
        etag=policy.etag,
    )
    message.approval_ttl.FromTimedelta(policy.approval_ttl)
    return message


def policy_record(message: access_service_pb2.AccessPolicy) -> AccessPolicy:
    """A policy from the wire.

    Raises: InvalidArgumentError: a value is out of range or none we know.
    """
    if message.max_unapproved_node_count < 0:
        raise InvalidArgumentError("policy.max_unapproved_node_count: it is negative; use 0 or more")
    return AccessPolicy(
        four_eyes=frozenset(map(_danger, message.four_eyes_actions)),
        max_unapproved_node_count=message.max_unapproved_node_count,
        approval_ttl=_ttl(message),
        clone_response=_clone_response(message.clone_response),
        accepts_unknown_units=message.accepts_unknown_units,
        allows_shells=message.allows_shells,
    )


def _ttl(message: access_service_pb2.AccessPolicy) -> timedelta:
    if not message.HasField("approval_ttl"):
        return APPROVAL_TTL_DEFAULT
    try:
        ttl = message.approval_ttl.ToTimedelta()
    except (ValueError, OverflowError):
        ttl = timedelta(0)
    if not TTL_MIN <= ttl <= TTL_MAX:
        raise InvalidArgumentError("policy.approval_ttl: it is not between 1 min and 30 days")
    return ttl


def _danger(value: int) -> Danger:
    descriptor = access_service_pb2.DangerousAction.DESCRIPTOR
    return Danger[enum_word(descriptor, value, field="policy.four_eyes_actions", prefix=_DANGER)]


def _clone_response(value: int) -> CloneResponse:
    if value == access_service_pb2.CLONE_RESPONSE_UNSPECIFIED:
        return CloneResponse.REVOKE
    descriptor = access_service_pb2.CloneResponse.DESCRIPTOR
    return CloneResponse[enum_word(descriptor, value, field="policy.clone_response", prefix=_CLONE)]
