"""What the gate leaves in the audit trail: denials, failures, and changes that nobody wrote down."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.link.manager_api.peer import LocalManager, Peer, role
from wayside.errors import NotFoundError, PermissionDeniedError, UnauthenticatedError, UnavailableError, WaysideError
from wayside.v1 import access_service_pb2, audit_service_pb2, fleet_service_pb2
from wayside_manager.api.identity import request_id
from wayside_manager.core.audit import CallRecord, Outcome
from wayside_manager.services.denial_log import COUNTS_MAX, SINGLES_MAX, SINGLES_PER_SOURCE, DenialLog
from wayside_manager.store.migrate import migrate
from wayside_manager.store.sql import SqlStore, open_store

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TENANT = access_service_pb2.Tenant(name="tenants/x", parent="tenants/root")
LIST = fleet_service_pb2.ListNodesRequest()
DENIED = audit_service_pb2.AuditEntry.OUTCOME_DENIED


async def entries(operator: Peer, **wanted: Any) -> list[audit_service_pb2.AuditEntry]:  # noqa: ANN401  # of a filter
    request = audit_service_pb2.ListAuditEntriesRequest(filter=audit_service_pb2.AuditFilter(**wanted))
    return list((await operator.call(operator.audit.ListAuditEntries, request)).entries)


async def entry(operator: Peer, **wanted: Any) -> audit_service_pb2.AuditEntry:  # noqa: ANN401  # of a filter
    """The newest such entry; denials are written soon, not at once."""
    async with asyncio.timeout(10):
        while True:
            found = await entries(operator, **wanted)
            if found:
                return found[0]


async def refused(peer: Peer, rpc: Any, request: object, **headers: str) -> WaysideError:  # noqa: ANN401  # any call
    with pytest.raises(WaysideError) as caught:
        await peer.call(rpc, request, **headers)
    return caught.value


async def test_a_denied_operator_is_in_the_audit_trail_with_its_request_id(
    manager: LocalManager, operator: Peer
) -> None:
    token = await operator.make_operator("vera", role("viewer"))
    async with manager.stranger(token=token) as viewer:
        request = access_service_pb2.CreateTenantRequest(tenant=TENANT)
        error = await refused(viewer, viewer.access.CreateTenant, request, x_request_id="req/4711")
    assert isinstance(error, PermissionDeniedError)
    assert error.metadata == {"request": "req/4711"}
    found = await entry(operator, actor="operators/vera", outcomes=[DENIED])
    assert (found.action, found.reason) == ("/wayside.v1.AccessService/CreateTenant", "ROLE_MISSING")
    assert (found.request_id, found.source_address, found.count) == ("req/4711", "127.0.0.1", 1)
    assert found.credential.startswith("credentials/")


async def test_looking_at_another_tenants_thing_is_noted_there_and_hidden_from_the_caller(
    manager: LocalManager, operator: Peer
) -> None:
    for tenant_id in ("east", "west"):
        await operator.make_tenant(tenant_id)
    await operator.make_operator("wanda", role("viewer", "west"))
    token = await operator.make_operator("emil", role("auditor", "east"))
    async with manager.stranger(token=token) as auditor:
        request = access_service_pb2.GetOperatorRequest(name="operators/wanda")
        error = await refused(auditor, auditor.access.GetOperator, request)
        assert await entries(auditor, actor="operators/emil", outcomes=[DENIED]) == []
    assert isinstance(error, NotFoundError)
    found = await entry(operator, actor="operators/emil", outcomes=[DENIED])
    assert (found.reason, found.tenant) == ("OUT_OF_REACH", "tenants/west")
    assert [each.resource for each in found.changes] == ["operators/wanda"]


async def test_a_wrong_token_is_noted_without_a_trace_of_it(manager: LocalManager, operator: Peer) -> None:
    async with manager.stranger(token="wso_very-secret-guess") as stranger:
        error = await refused(stranger, stranger.fleet.ListNodes, LIST)
    assert isinstance(error, UnauthenticatedError)
    found = await entry(operator, outcomes=[DENIED])
    assert (found.actor, found.reason, found.credential) == ("anyone", "CREDENTIAL_INVALID", "")
    assert "secret" not in str(found)


async def test_a_change_that_fails_is_noted_as_failed(operator: Peer) -> None:
    request = access_service_pb2.DeleteTenantRequest(name="tenants/root")
    error = await refused(operator, operator.access.DeleteTenant, request)
    found = await entry(operator, outcomes=[audit_service_pb2.AuditEntry.OUTCOME_FAILED])
    assert (found.action, found.reason) == ("/wayside.v1.AccessService/DeleteTenant", error.reason)


async def test_a_change_the_store_knows_nothing_of_is_noted_all_the_same(operator: Peer) -> None:
    call = operator.audit.ExportAudit(audit_service_pb2.ExportAuditRequest(), metadata=operator.metadata, timeout=5)
    async for _ in call:
        pass
    found = await entry(operator, action="ExportAudit")
    assert (found.actor, found.outcome) == ("operators/admin", audit_service_pb2.AuditEntry.OUTCOME_DONE)


@pytest.mark.parametrize("given", ["a b", "x" * 65])
async def test_a_request_id_that_could_spoil_a_log_is_replaced(operator: Peer, given: str) -> None:
    request = access_service_pb2.DeleteTenantRequest(name="tenants/root")
    error = await refused(operator, operator.access.DeleteTenant, request, x_request_id=given)
    assert error.metadata["request"] != given


@pytest.mark.parametrize("given", ["", "line\nbreak", "é", "ok\n", b"bytes"])
def test_only_a_plain_request_id_is_taken_over(given: str | bytes) -> None:
    assert request_id([("x-request-id", given)]) != given
    assert request_id([("x-request-id", "ok-1/2")]) == "ok-1/2"


async def test_the_request_id_comes_back_with_the_answer(operator: Peer) -> None:
    metadata = (*operator.metadata, ("x-request-id", "abc-1"))
    call = operator.fleet.ListNodes(LIST, metadata=metadata, timeout=5)
    await call
    assert dict(await call.trailing_metadata())["x-request-id"] == "abc-1"


def denial(source: str = "10.0.0.1", *, reason: str = "CREDENTIAL_INVALID") -> CallRecord:
    return CallRecord("anyone", "/wayside.v1.X/Y", NOW, source_address=source, outcome=Outcome.DENIED, reason=reason)


@asynccontextmanager
async def written_by(store: Any) -> AsyncIterator[DenialLog]:  # noqa: ANN401  # an audit store, or half of one
    log = DenialLog(store, window_s=0.05)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(log.run())
        yield log
        await asyncio.sleep(0)  # it has begun
        task.cancel()


@asynccontextmanager
async def store_in(folder: Path) -> AsyncIterator[SqlStore]:
    url = f"sqlite:///{folder / 'manager.db'}"
    await migrate(url)
    async with open_store(url) as store:
        yield store


async def counts_in(store: SqlStore) -> list[int]:
    return [json.loads(each.line)["count"] for each in await store.read_chain(1, max_count=5_000)]


async def test_denials_about_one_tenant_are_not_counted_as_those_about_another(tmp_path: Path) -> None:
    async with store_in(tmp_path) as store:
        async with written_by(store) as log:
            for tenant_id in ("haikou", "sanya"):
                for _ in range(100):
                    log.note(replace(denial(), tenant_id=tenant_id))
        lines = [json.loads(each.line) for each in await store.read_chain(1, max_count=5_000)]
    counted = {
        tenant_id: sum(line["count"] for line in lines if line["tenant"] == tenant_id)
        for tenant_id in ("haikou", "sanya")
    }
    assert counted == {"haikou": 100, "sanya": 100}


async def test_a_flood_from_one_address_is_a_handful_of_entries_that_count_it_all(tmp_path: Path) -> None:
    async with store_in(tmp_path) as store:
        async with written_by(store) as log:
            began_s = time.perf_counter()
            for _ in range(10_000):
                log.note(denial())
            took_s = time.perf_counter() - began_s
        counts = await counts_in(store)
    assert took_s < 1.0
    assert sum(counts) == 10_000
    assert len(counts) == SINGLES_PER_SOURCE + 1


async def test_a_flood_from_many_addresses_is_bounded_too(tmp_path: Path) -> None:
    async with store_in(tmp_path) as store:
        async with written_by(store) as log:
            for number in range(20_000):
                log.note(denial(f"2001:db8:{number:x}::1"))
        counts = await counts_in(store)
    assert sum(counts) == 20_000
    assert len(counts) <= SINGLES_MAX + COUNTS_MAX + 1


class Away:
    """A store whose database comes back after a while."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.is_away = True
        self.tried = asyncio.Event()

    async def add_entries(self, records: list[CallRecord]) -> None:
        if self.is_away:
            self.tried.set()
            raise UnavailableError("database: away")
        await self.store.add_entries(records)


async def test_denials_wait_for_a_database_that_is_away(tmp_path: Path) -> None:
    async with store_in(tmp_path) as store:
        away = Away(store)
        async with written_by(away) as log:
            log.note(denial())
            await away.tried.wait()
            away.is_away = False
            log.note(denial(reason="OTHER"))
        assert await counts_in(store) == [1, 1]


async def test_addresses_are_listed_and_counted_again_in_the_next_window(tmp_path: Path) -> None:
    async with store_in(tmp_path) as store:
        async with written_by(store) as log:
            for round_count in range(1, 3):
                for _ in range(SINGLES_PER_SOURCE + 7):
                    log.note(denial())
                async with asyncio.timeout(5):
                    while True:
                        if sum(await counts_in(store)) == round_count * (SINGLES_PER_SOURCE + 7):
                            break
        counts = await counts_in(store)
    assert sorted(counts) == [1] * (2 * SINGLES_PER_SOURCE) + [7, 7]
