"""Four eyes: who may decide, what a yes is good for, and how long."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from wayside.errors import FailedPreconditionError, PermissionDeniedError
from wayside_manager.core.approvals import ApprovalRecord, ApprovalState, decided, used

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PENDING = ApprovalRecord(
    approval_id="a1",
    method="/wayside.v1.FleetService/RetireNode",
    request_sha256="1" * 64,
    request_json="{}",
    summary="Takes nodes/rsu-1 out of service for good.",
    tenant_id="root",
    requester="operators/ann",
    create_time=START,
    expire_time=START + timedelta(hours=1),
)
GRANTED = replace(PENDING, state=ApprovalState.GRANTED, decider="operators/bob", decide_time=START)


def test_another_person_grants_or_denies() -> None:
    yes = decided(PENDING, "operators/bob", granted=True, note="seen it", now=START)
    assert (yes.state, yes.decider, yes.decide_time, yes.note) == (
        ApprovalState.GRANTED,
        "operators/bob",
        START,
        "seen it",
    )
    assert decided(PENDING, "operators/bob", granted=False, note="", now=START).state is ApprovalState.DENIED


def test_who_asked_decides_neither_way() -> None:
    for granted in (True, False):
        with pytest.raises(PermissionDeniedError) as caught:
            decided(PENDING, "operators/ann", granted=granted, note="", now=START)
        assert caught.value.reason == "SAME_PERSON"


@pytest.mark.parametrize("state", [state for state in ApprovalState if state is not ApprovalState.PENDING])
def test_what_was_decided_stays(state: ApprovalState) -> None:
    with pytest.raises(FailedPreconditionError, match=f"it is {state}"):
        decided(replace(PENDING, state=state), "operators/bob", granted=True, note="", now=START)


def test_what_waits_or_was_granted_ends_with_its_time() -> None:
    late = PENDING.expire_time
    assert PENDING.at(late - timedelta(microseconds=1)).state is ApprovalState.PENDING
    assert PENDING.at(late).state is GRANTED.at(late).state is ApprovalState.EXPIRED
    assert replace(GRANTED, state=ApprovalState.USED).at(late).state is ApprovalState.USED
    with pytest.raises(FailedPreconditionError, match="it is expired"):
        decided(PENDING, "operators/bob", granted=True, note="", now=late)
    with pytest.raises(FailedPreconditionError, match="it is expired"):
        used(GRANTED, GRANTED.request_sha256, "operators/ann", now=late)


def test_a_granted_approval_is_good_for_one_call() -> None:
    after = used(GRANTED, GRANTED.request_sha256, "operators/ann", now=START)
    assert after.state is ApprovalState.USED
    with pytest.raises(FailedPreconditionError, match="it is used, not granted"):
        used(after, GRANTED.request_sha256, "operators/ann", now=START)


def test_an_approval_is_for_this_call_of_this_caller_only() -> None:
    for request_sha256, requester in (("2" * 64, "operators/ann"), (GRANTED.request_sha256, "operators/bob")):
        with pytest.raises(PermissionDeniedError) as caught:
            used(GRANTED, request_sha256, requester, now=START)
        assert caught.value.reason == "APPROVAL_OTHER"


@pytest.mark.parametrize("state", [ApprovalState.PENDING, ApprovalState.DENIED, ApprovalState.EXPIRED])
def test_only_a_granted_approval_lets_a_call_through(state: ApprovalState) -> None:
    with pytest.raises(FailedPreconditionError) as caught:
        used(replace(PENDING, state=state), PENDING.request_sha256, "operators/ann", now=START)
    assert caught.value.reason == "APPROVAL_NOT_GRANTED"
