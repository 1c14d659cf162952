"""The audit trail over a real manager: what calls leave in it, who may read it, and what leaves the house."""

import asyncio
import json
from typing import Any

import pytest

from tests.link.manager_api.peer import LocalManager, Peer, layer, role
from tests.link.manager_api.stubs import CALL_S
from wayside.errors import InvalidArgumentError, PermissionDeniedError, UnauthenticatedError, WaysideError
from wayside.v1 import access_service_pb2, audit_service_pb2, fleet_service_pb2

Entry = audit_service_pb2.AuditEntry


async def entries(peer: Peer, **wanted: Any) -> list[Entry]:  # noqa: ANN401  # fields of the filter
    request = audit_service_pb2.ListAuditEntriesRequest(filter=audit_service_pb2.AuditFilter(**wanted))
    return list((await peer.call(peer.audit.ListAuditEntries, request)).entries)


async def some_entries(peer: Peer, **wanted: Any) -> list[Entry]:  # noqa: ANN401  # fields of the filter
    """Entries that come soon: denials are written beside the call."""
    async with asyncio.timeout(CALL_S):
        while not (found := await entries(peer, **wanted)):
            pass
    return found


async def verdict(peer: Peer) -> audit_service_pb2.VerifyAuditResponse:
    return await peer.call(peer.audit.VerifyAudit, audit_service_pb2.VerifyAuditRequest())


async def test_a_change_is_one_entry_that_says_who_what_from_where_and_not_the_values(operator: Peer) -> None:
    request = access_service_pb2.UpdateAccessPolicyRequest(
        policy=access_service_pb2.AccessPolicy(accepts_unknown_units=True)
    )
    await operator.call(operator.access.UpdateAccessPolicy, request, x_request_id="request-7")
    (entry,) = await entries(operator, action="UpdateAccessPolicy")
    assert entry.actor.startswith("operators/")
    assert entry.credential.startswith("credentials/")
    assert (entry.source_address, entry.request_id, entry.count) == ("127.0.0.1", "request-7", 1)
    assert entry.outcome == Entry.OUTCOME_DONE
    (change,) = entry.changes
    assert change.resource == "accessPolicy"
    assert len(change.after_sha256) == 64
    assert change.before_sha256 != change.after_sha256


async def test_every_change_leaves_an_entry_and_the_trail_stays_whole(manager: LocalManager, operator: Peer) -> None:
    await operator.make_tenant("haikou")
    token = await operator.make_operator("ann", role("admin", "haikou"))
    async with manager.stranger(token=token) as ann:
        made = layer("rain")
        made.tenant = "tenants/haikou"
        await ann.apply(made)
    done = {entry.action.rpartition("/")[2]: entry for entry in await entries(operator, outcomes=[Entry.OUTCOME_DONE])}
    assert {"CreateTenant", "CreateOperator", "CreateApiToken", "ApplyConfigLayer"} <= set(done)
    assert done["ApplyConfigLayer"].actor == "operators/ann"
    assert done["ApplyConfigLayer"].tenant == "tenants/haikou"
    assert [change.resource for change in done["CreateOperator"].changes] == ["operators/ann"]
    found = await verdict(operator)
    assert (found.intact, found.message) == (True, "")
    assert found.entry_count >= 4


async def test_denials_and_failures_are_entries_too(manager: LocalManager, operator: Peer) -> None:
    token = await operator.make_operator("eve", role("viewer"))
    async with manager.stranger(token=token) as eve:
        with pytest.raises(PermissionDeniedError):
            await eve.set_policy()
    (denial,) = await some_entries(operator, actor="operators/eve", outcomes=[Entry.OUTCOME_DENIED])
    assert denial.action == "/wayside.v1.AccessService/UpdateAccessPolicy"
    assert denial.reason
    assert not denial.changes
    with pytest.raises(WaysideError):
        await operator.set_policy(etag="77")
    (failure,) = await some_entries(operator, outcomes=[Entry.OUTCOME_FAILED])
    assert failure.reason == "ETAG_MISMATCH"
    async with manager.stranger(token="wso_no") as stranger:
        with pytest.raises(UnauthenticatedError):
            await stranger.get_node("rsu-1")
    assert await some_entries(operator, actor="anyone", outcomes=[Entry.OUTCOME_DENIED])
    assert (await verdict(operator)).intact


async def test_reading_leaves_no_entry(operator: Peer) -> None:
    await operator.call(operator.fleet.ListNodes, fleet_service_pb2.ListNodesRequest())
    await operator.call(operator.access.GetAccessPolicy, access_service_pb2.GetAccessPolicyRequest())
    assert await entries(operator, action="ListNodes") == []
    assert await entries(operator, action="GetAccessPolicy") == []


async def test_auditors_of_a_tenant_see_what_is_about_it_and_no_more(manager: LocalManager, operator: Peer) -> None:
    for city in ("haikou", "sanya"):
        await operator.make_tenant(city)
        made = layer(city)
        made.tenant = f"tenants/{city}"
        await operator.apply(made)
    token = await operator.make_operator("ida", role("auditor", "haikou"))
    async with manager.stranger(token=token) as ida:
        seen = await entries(ida)
        assert {entry.tenant for entry in seen} == {"tenants/haikou"}
        assert "configLayers/haikou" in {change.resource for entry in seen for change in entry.changes}
        with pytest.raises(PermissionDeniedError):
            await verdict(ida)
        with pytest.raises(PermissionDeniedError):
            await exported(ida)


@pytest.mark.parametrize(
    "wanted",
    [
        {"outcomes": [0]},
        {"outcomes": [77]},
        {"actor": "x" * 201},
        {"resource": "x" * 100_000},
        {"begin_time": {"seconds": 1 << 60}},
        {"end_time": {"nanos": -5}},
    ],
)
async def test_malformed_filters_are_refused(operator: Peer, wanted: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError):
        await entries(operator, **wanted)


async def exported(peer: Peer, begin: int = 0) -> list[str]:
    request = audit_service_pb2.ExportAuditRequest(begin_sequence=begin)
    return [
        line
        async for answer in peer.stream(peer.audit.ExportAudit, request)
        for line in (*answer.entries_json, *answer.seals_json)
    ]


async def test_an_export_is_sealed_and_leaves_an_entry(operator: Peer) -> None:
    await operator.set_policy(accepts_unknown_units=True)
    lines = list(map(json.loads, await exported(operator)))
    sequences = [line["sequence"] for line in lines if "sequence" in line]
    assert sequences == list(range(1, len(sequences) + 1))
    assert lines[-1]["seal"] == sequences[-1]
    assert (await entries(operator, action="ExportAudit"))[0].outcome == Entry.OUTCOME_DONE
    later = [json.loads(line) for line in await exported(operator, begin=2)]
    assert later[0]["sequence"] == 2
