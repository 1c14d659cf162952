"""Approvals and the policy in a real database: one yes lets one call through, in the transaction of its change."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.contract.audit_trail import call
from tests.contract.manager_store import START, after
from wayside.errors import (
    ConflictError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    WaysideError,
)
from wayside_manager.core.access import EVERYWHERE, NOWHERE, Reach, Scope, TenantKind, TenantRecord
from wayside_manager.core.approvals import AccessPolicy, ApprovalRecord, ApprovalState, CloneResponse, Danger
from wayside_manager.core.audit import CallRecord, Outcome, digest, facts
from wayside_manager.ports.audit import CALL
from wayside_manager.ports.store import Store

POLICY = AccessPolicy(
    four_eyes=frozenset({Danger.RETIRE, Danger.POLICY}),
    max_unapproved_node_count=10,
    approval_ttl=timedelta(hours=2),
    clone_response=CloneResponse.KEEP_OLDER,
    accepts_unknown_units=True,
)
REQUEST_SHA256 = digest("the very call")
SLOW_S = 7200.0


def wanted(approval_id: str = "a1", *, at_s: float = 0.0, **fields: Any) -> ApprovalRecord:  # noqa: ANN401  # fields of the record
    approval = ApprovalRecord(
        approval_id=approval_id,
        method="/wayside.v1.AccessService/UpdateAccessPolicy",
        request_sha256=REQUEST_SHA256,
        request_json="{}",
        summary="Changes the policy.",
        tenant_id="root",
        requester="operators/ann",
        create_time=after(at_s),
        expire_time=after(at_s + 3600),
    )
    return replace(approval, **fields)


async def granted(store: Store) -> ApprovalRecord:
    await store.open_approval(wanted())
    return await store.decide_approval("a1", decider="operators/bob", granted=True, note="", now=after(10))


@contextmanager
def approved_call(**fields: Any) -> Iterator[CallRecord]:  # noqa: ANN401  # fields of the record
    record = replace(call(20), approval_id="a1", request_sha256=REQUEST_SHA256)
    reset = CALL.set(replace(record, **fields))
    try:
        yield record
    finally:
        CALL.reset(reset)


async def state(store: Store, at_s: float = 30) -> ApprovalState:
    return (await store.get_approval("a1", now=after(at_s))).state


async def test_an_approval_waits_and_is_decided(store: Store) -> None:
    assert await store.open_approval(wanted()) == wanted()
    assert await store.get_approval("a1", now=START) == wanted()
    decided = await store.decide_approval("a1", decider="operators/bob", granted=False, note="why?", now=after(9))
    assert decided == replace(
        wanted(), state=ApprovalState.DENIED, decider="operators/bob", decide_time=after(9), note="why?"
    )
    assert await store.get_approval("a1", now=after(SLOW_S)) == decided


async def test_asking_again_for_the_same_call_finds_the_open_approval(store: Store) -> None:
    await store.open_approval(wanted())
    assert (await store.open_approval(wanted("a2", at_s=5))).approval_id == "a1"
    assert (await store.open_approval(wanted("a3", requester="operators/eve"))).approval_id == "a3"
    assert (await store.open_approval(wanted("a4", request_sha256=digest("other")))).approval_id == "a4"
    assert (await store.open_approval(wanted("a5", at_s=3600))).approval_id == "a5"


async def test_asking_again_after_a_no_opens_another(store: Store) -> None:
    await store.open_approval(wanted())
    await store.decide_approval("a1", decider="operators/bob", granted=False, note="", now=START)
    assert (await store.open_approval(wanted("a2"))).approval_id == "a2"


async def test_there_is_nothing_to_read_or_decide_where_nobody_asked(store: Store) -> None:
    with pytest.raises(NotFoundError):
        await store.get_approval("a1", now=START)
    with pytest.raises(NotFoundError):
        await store.decide_approval("a1", decider="operators/bob", granted=True, note="", now=START)


async def test_who_asked_cannot_decide_and_it_stays_open(store: Store) -> None:
    await store.open_approval(wanted())
    with pytest.raises(PermissionDeniedError):
        await store.decide_approval("a1", decider="operators/ann", granted=True, note="", now=START)
    assert await state(store) is ApprovalState.PENDING


async def test_a_granted_call_uses_its_approval_up_with_its_change(store: Store) -> None:
    await granted(store)
    with approved_call():
        await store.update_policy(POLICY, now=START)
        await store.update_policy(AccessPolicy(), now=START)  # the same call may write more than once
    assert await state(store) is ApprovalState.USED
    entries = await store.read_chain(1, max_count=10)
    assert {facts(entry).approval_id for entry in entries} == {"a1"}
    with approved_call(), pytest.raises(FailedPreconditionError, match="it is used"):
        await store.update_policy(POLICY, now=START)
    assert (await store.get_policy()).four_eyes == frozenset()


async def test_a_call_that_fails_leaves_its_approval_unused(store: Store) -> None:
    await granted(store)
    with approved_call(), pytest.raises(ConflictError):
        await store.update_policy(POLICY, now=START, etag="9")
    assert await state(store) is ApprovalState.GRANTED
    with approved_call():
        await store.update_policy(POLICY, now=START)
    assert await state(store) is ApprovalState.USED


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"actor": "operators/bob"}, PermissionDeniedError),
        ({"request_sha256": digest("another call")}, PermissionDeniedError),
        ({"approval_id": "a9"}, NotFoundError),
        ({"time": after(3600)}, FailedPreconditionError),
    ],
)
async def test_an_approval_lets_no_other_call_through(
    store: Store, fields: dict[str, Any], error: type[WaysideError]
) -> None:
    await granted(store)
    with approved_call(**fields), pytest.raises(error):
        await store.update_policy(POLICY, now=START)
    assert (await store.get_policy()).four_eyes == frozenset()
    assert await state(store) is ApprovalState.GRANTED
    assert await store.read_chain(1, max_count=10) == ()


async def test_a_call_without_a_yes_changes_nothing(store: Store) -> None:
    await store.open_approval(wanted())
    with approved_call(), pytest.raises(FailedPreconditionError, match="it is pending"):
        await store.update_policy(POLICY, now=START)
    assert (await store.get_policy()).four_eyes == frozenset()


async def test_a_call_that_wrote_nothing_here_uses_its_approval_up_with_its_entry(store: Store) -> None:
    await granted(store)
    record = replace(call(20), approval_id="a1", request_sha256=REQUEST_SHA256)
    await store.add_entries([record])
    assert await state(store) is ApprovalState.USED
    await store.add_entries([record])
    entries = await store.read_chain(1, max_count=10)
    assert [facts(entry).outcome for entry in entries] == [Outcome.DONE, Outcome.ALARM]


async def test_deciding_is_audited(store: Store) -> None:
    await store.open_approval(wanted())
    reset = CALL.set(call())
    await store.decide_approval("a1", decider="operators/bob", granted=True, note="secret words", now=START)
    CALL.reset(reset)
    (entry,) = await store.read_chain(1, max_count=10)
    assert [change.resource for change in facts(entry).changes] == ["approvals/a1"]
    assert facts(entry).tenant_id == "root"
    assert "secret" not in entry.line


async def test_lists_show_the_newest_first_by_what_they_are_now(store: Store) -> None:
    for index in range(5):
        await store.open_approval(wanted(f"a{index}", at_s=index * 1000, requester=f"operators/o{index}"))
    await store.decide_approval("a0", decider="operators/bob", granted=True, note="", now=START)
    await store.decide_approval("a1", decider="operators/bob", granted=False, note="", now=START)

    async def ids(*states: ApprovalState, at_s: float = 0.0) -> list[str]:
        page = await store.list_approvals(reach=EVERYWHERE, now=after(at_s), states=states)
        return [approval.approval_id for approval in page.items]

    assert await ids() == ["a4", "a3", "a2", "a1", "a0"]
    assert await ids(ApprovalState.PENDING, ApprovalState.GRANTED) == ["a4", "a3", "a2", "a0"]
    assert await ids(ApprovalState.EXPIRED, at_s=5600) == ["a2", "a0"]
    assert await ids(ApprovalState.PENDING, at_s=5600) == ["a4", "a3"]
    assert await ids(ApprovalState.DENIED, at_s=5600) == ["a1"]


async def test_lists_come_in_pages_of_the_same_question(store: Store) -> None:
    for index in range(5):
        await store.open_approval(wanted(f"a{index}", requester=f"operators/o{index}"))
    seen, token = [], ""
    for _ in range(3):
        page = await store.list_approvals(reach=EVERYWHERE, now=START, page_size=2, page_token=token)
        seen += [approval.approval_id for approval in page.items]
        token = page.next_page_token or token
    assert seen == ["a4", "a3", "a2", "a1", "a0"]
    with pytest.raises(InvalidArgumentError):
        await store.list_approvals(reach=EVERYWHERE, now=START, states=(ApprovalState.USED,), page_token=token)


async def test_lists_stay_within_whole_tenants(store: Store) -> None:
    await store.create_tenant(TenantRecord("haikou", TenantKind.CITY, "root", START))
    await store.open_approval(wanted())
    await store.open_approval(wanted("a2", tenant_id="haikou", requester="operators/eve"))
    haikou = Reach(scopes=(Scope(frozenset({"haikou"})),))
    at_a_site = Reach(scopes=(Scope(frozenset({"haikou"}), frozenset({"k12"})),))
    for reach, ids in ((haikou, ["a2"]), (at_a_site, []), (NOWHERE, [])):
        page = await store.list_approvals(reach=reach, now=START)
        assert [approval.approval_id for approval in page.items] == ids


async def test_nothing_needs_a_second_person_until_somebody_says_so(store: Store) -> None:
    assert await store.get_policy() == AccessPolicy(etag="0")


async def test_the_policy_is_kept_and_guarded_by_its_etag(store: Store) -> None:
    kept = await store.update_policy(POLICY, now=START, etag="0")
    assert kept == replace(POLICY, etag="1") == await store.get_policy()
    with pytest.raises(ConflictError):
        await store.update_policy(AccessPolicy(), now=START, etag="0")
    assert (await store.update_policy(AccessPolicy(), now=START)).etag == "2"
