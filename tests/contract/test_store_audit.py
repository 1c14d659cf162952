"""The audit trail in a real database: one entry per change, in the change's own transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.contract.audit_trail import call, filled, harm
from tests.contract.manager_store import START, after, enrolled, opened
from wayside.errors import ConflictError, FailedPreconditionError
from wayside_manager.core.access import EVERYWHERE, NOWHERE, Reach, Scope
from wayside_manager.core.approvals import AccessPolicy, Danger
from wayside_manager.core.audit import FIRST_SHA256, CallRecord, Outcome, facts
from wayside_manager.ports.audit import CALL, AuditFilter
from wayside_manager.ports.store import Store

POLICY = AccessPolicy(four_eyes=frozenset({Danger.RETIRE}))
ROOT = Reach(scopes=(Scope(frozenset({"root", "haikou", "sanya"})),))
HAIKOU = Reach(scopes=(Scope(frozenset({"haikou"})),))


@contextmanager
def during(record: CallRecord) -> Iterator[CallRecord]:
    reset = CALL.set(record)
    try:
        yield record
    finally:
        CALL.reset(reset)


async def chain(store: Store) -> list[CallRecord]:
    return [facts(entry) for entry in await store.read_chain(1, max_count=1000)]


async def test_a_change_in_a_call_leaves_one_entry_with_hashes_and_no_values(store: Store) -> None:
    with during(call(tenant_id="root")) as record:
        await store.update_policy(POLICY, now=START)
    assert record.is_written
    (entry,) = await store.read_chain(1, max_count=10)
    said = facts(entry)
    assert (said.actor, said.request_id, said.outcome, said.tenant_id) == ("operators/ann", "r1", Outcome.DONE, "root")
    (change,) = said.changes
    assert change.resource == "accessPolicy"
    assert len({change.before_sha256, change.after_sha256, ""}) == 3
    assert "retire" not in entry.line
    assert await store.audit_head() == (1, entry.sha256)


async def test_what_the_manager_does_by_itself_leaves_none(store: Store) -> None:
    await store.update_policy(POLICY, now=START)
    assert await store.read_chain(1, max_count=10) == ()
    assert await store.audit_head() == (0, FIRST_SHA256)


async def test_reading_leaves_none(store: Store) -> None:
    with during(call()) as record:
        await store.get_policy()
    assert not record.is_written
    assert await chain(store) == []


async def test_a_change_that_fails_leaves_neither_change_nor_entry(store: Store) -> None:
    with during(call()) as record, pytest.raises(ConflictError):
        await store.update_policy(POLICY, now=START, etag="7")
    assert not record.is_written
    assert await chain(store) == []
    assert (await store.get_policy()).four_eyes == frozenset()


async def test_each_change_of_a_call_is_an_entry_and_what_changes_nothing_is_not(store: Store) -> None:
    with during(call()):
        await store.update_policy(POLICY, now=START)
        await store.update_policy(POLICY, now=START)
        await store.update_policy(AccessPolicy(), now=START)
    entries = await chain(store)
    assert [len(entry.changes) for entry in entries] == [1, 1]
    assert {entry.request_id for entry in entries} == {"r1"}


async def test_a_first_write_that_changes_nothing_is_an_entry(store: Store) -> None:
    with during(call()):
        await store.update_policy(AccessPolicy(), now=START)
    assert [entry.changes for entry in await chain(store)] == [[]]


async def test_a_call_without_a_tenant_is_about_that_of_what_it_changed(store: Store) -> None:
    with during(call(actor="anyone", action="/wayside.v1.EnrollmentService/Enroll")):
        await enrolled(store, "rsu-1")
    entry = (await chain(store))[-1]
    assert {change.resource.partition("/")[0] for change in entry.changes} == {
        "nodes",
        "credentials",
        "enrollmentTokens",
    }
    assert entry.tenant_id == "root"


async def test_entries_of_refusals_stand_for_themselves(store: Store) -> None:
    with during(call()) as record:
        await store.add_entries([replace(call(2), outcome=Outcome.DENIED, reason="NOT_ALLOWED", count=7)])
    assert not record.is_written
    (said,) = await chain(store)
    assert (said.outcome, said.reason, said.count) == (Outcome.DENIED, "NOT_ALLOWED", 7)


async def test_two_replicas_add_to_one_chain(store: Store, store_url: str) -> None:
    async with opened(store_url) as other:
        for index in range(6):
            await (store, other)[index % 2].add_entries([call(index)])
        assert await store.audit_head() == await other.audit_head()
    assert [entry.request_id for entry in await chain(store)] == [f"r{index}" for index in range(6)]


async def test_nothing_changes_when_it_cannot_be_audited(store: Store, database_path: Path) -> None:
    await filled(store, 3)
    harm(database_path, "UPDATE audit_head SET sequence = 2")
    with during(call()), pytest.raises(FailedPreconditionError) as caught:
        await store.update_policy(POLICY, now=START)
    assert caught.value.reason == "AUDIT_BROKEN"
    assert (await store.get_policy()).four_eyes == frozenset()


async def test_lists_show_the_newest_first_in_pages_of_the_reach(store: Store) -> None:
    await filled(store, 12)
    page = await store.list_entries(AuditFilter(), reach=ROOT, page_size=8)
    rest = await store.list_entries(AuditFilter(), reach=ROOT, page_size=8, page_token=page.next_page_token)
    assert [entry.sequence for entry in (*page.items, *rest.items)] == list(range(12, 0, -1))
    assert len((await store.list_entries(AuditFilter(), reach=EVERYWHERE)).items) == 12
    seen = (await store.list_entries(AuditFilter(), reach=HAIKOU)).items
    assert {facts(entry).tenant_id for entry in seen} == {"haikou"}
    assert len(seen) == 3
    assert (await store.list_entries(AuditFilter(), reach=NOWHERE)).items == ()
    at_a_site = Reach(scopes=(Scope(frozenset({"root", "haikou"}), frozenset({"k12"})),))
    assert (await store.list_entries(AuditFilter(), reach=at_a_site)).items == ()


async def test_lists_are_filtered(store: Store) -> None:
    await filled(store, 3)
    await store.add_entries([replace(call(9), actor="nodes/rsu-1", action="/wayside.v1.NodeService/Session")])
    await store.add_entries([replace(call(10), outcome=Outcome.DENIED)])
    with during(call(11)):
        await store.update_policy(POLICY, now=START)

    async def sequences(**fields: Any) -> list[int]:  # noqa: ANN401  # fields of the filter
        wanted = replace(AuditFilter(), **fields)
        return [entry.sequence for entry in (await store.list_entries(wanted, reach=ROOT)).items]

    assert await sequences(actor="nodes/rsu-1") == [4]
    assert await sequences(action="Session") == [4]
    assert await sequences(action="%") == []
    assert await sequences(outcomes=(Outcome.DENIED,)) == [5]
    assert await sequences(resource="accessPolicy") == [6]
    assert await sequences(resource="accessPol%") == []
    assert await sequences(begin_time=after(1), end_time=after(9)) == [3, 2]
