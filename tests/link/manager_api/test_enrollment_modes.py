"""Enrolment without a token, replacement and tokens of tenants, over real TLS."""

from collections.abc import Iterable

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.link.manager_api.peer import LocalManager, NodeCredential, Peer, csr, enrollment
from tests.link.manager_api.unit import UnitSession, living, within
from wayside.errors import NotFoundError, UnauthenticatedError, WaysideError
from wayside.v1 import audit_service_pb2, fleet_service_pb2, node_pb2
from wayside.v1 import enrollment_service_pb2 as wire
from wayside_manager.services.authority import key_pem, new_key

Outcome = wire.NodeImportResult


def public_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def row(node_id: str, key: ec.EllipticCurvePrivateKey, **fields: object) -> wire.NodeRegistration:
    made = wire.NodeRegistration(
        node_id=node_id, esn=f"ESN-{node_id}", kind=node_pb2.NODE_KIND_RSU, public_key_pem=public_pem(key)
    )
    made.MergeFrom(wire.NodeRegistration(**fields))  # type: ignore[arg-type]  # fields of a message
    return made


async def imported(
    operator: Peer, rows: Iterable[wire.NodeRegistration], *, validate_only: bool = False
) -> list[wire.NodeImportResult]:
    request = wire.ImportNodesRequest(registrations=rows, validate_only=validate_only)
    return list((await operator.call(operator.enrollment.ImportNodes, request)).results)


async def asked(
    manager: LocalManager, node_id: str, key: ec.EllipticCurvePrivateKey, *, token: str = "", esn: str = ""
) -> wire.EnrollResponse:
    async with manager.stranger() as unit:
        return await unit.call(unit.enrollment.Enroll, enrollment(token, node_id, csr(key), esn=esn))


async def refused(manager: LocalManager, node_id: str, key: ec.EllipticCurvePrivateKey, **fields: str) -> str:
    with pytest.raises(WaysideError) as caught:
        await asked(manager, node_id, key, **fields)
    return caught.value.reason


def credential(answer: wire.EnrollResponse, key: ec.EllipticCurvePrivateKey) -> NodeCredential:
    node_id = answer.node.removeprefix("nodes/")
    return NodeCredential(node_id, answer.certificate_pem, key_pem(key), answer.authorities_pem)


async def has_session(manager: LocalManager, unit: NodeCredential) -> None:
    async with manager.node(unit) as peer:
        session = await UnitSession(peer, instance_id="a").opened()
        await session.until("desired_state")


async def waiting(operator: Peer) -> list[wire.EnrollmentRequest]:
    answer = await operator.call(operator.enrollment.ListEnrollmentRequests, wire.ListEnrollmentRequestsRequest())
    return list(answer.enrollment_requests)


async def approve(operator: Peer, name: str, **fields: str) -> None:
    request = wire.ApproveEnrollmentRequestRequest(name=name, **fields)
    await operator.call(operator.enrollment.ApproveEnrollmentRequest, request)


async def test_a_registered_unit_enrols_once_and_a_replay_disturbs_nothing(
    manager: LocalManager, operator: Peer
) -> None:
    key = new_key()
    await operator.make_site("k12")
    (made,) = await imported(
        operator, [row("rsu-1", key, site="sites/k12", labels=[node_pb2.Label(key="lane", value="3")])]
    )
    registered = await operator.get_node("rsu-1")

    assert await refused(manager, "rsu-1", new_key()) == "KEY_MISMATCH"
    first = await asked(manager, "rsu-1", key)
    again = await asked(manager, "rsu-1", key)  # the answer was lost
    await has_session(manager, credential(again, key))
    assert await refused(manager, "rsu-1", key) == "CERTIFICATE_VALID"
    await has_session(manager, credential(first, key))

    node = await operator.get_node("rsu-1")
    assert made.outcome == Outcome.OUTCOME_CREATED
    assert (registered.state, node.state) == (node_pb2.Node.STATE_REGISTERED, node_pb2.Node.STATE_ENROLLED)
    assert (node.site, node.labels[0].value) == ("sites/k12", "3")


async def test_an_import_says_what_became_of_each_row_and_can_be_repeated(operator: Peer) -> None:
    await operator.make_tenant("haikou")
    one, two = new_key(), new_key()
    rows = [
        row("rsu-1", one),
        row("RSU 2", two),
        row("rsu-3", two, public_key_pem="no key"),
        row("rsu-4", two, tenant="tenants/nowhere"),
        row("rsu-5", two, tenant="tenants/haikou"),
        row("rsu-6", one),
    ]
    tried = await imported(operator, rows, validate_only=True)
    with pytest.raises(NotFoundError):
        await operator.get_node("rsu-1")
    done = await imported(operator, rows)
    again = await imported(operator, rows)

    created, refused_, unchanged = Outcome.OUTCOME_CREATED, Outcome.OUTCOME_REFUSED, Outcome.OUTCOME_UNCHANGED
    assert [each.outcome for each in done] == [created, refused_, refused_, refused_, created, refused_]
    assert done == tried
    assert [each.outcome for each in again] == [unchanged, refused_, refused_, refused_, unchanged, refused_]
    assert [each.message.partition(":")[0] for each in done] == [
        "",
        "node_id",
        "public_key_pem",
        done[3].message.partition(":")[0],
        "",
        "certificate_request_pem",
    ]
    assert [each.row_index for each in done] == list(range(6))
    assert (await operator.get_node("rsu-5")).tenant == "tenants/haikou"


async def test_a_thousand_rows_are_taken_at_once_and_no_more(operator: Peer) -> None:
    key = new_key()
    rows = [row(f"rsu-{number}", key) for number in range(1001)]
    with pytest.raises(WaysideError, match="at most 1000"):
        await imported(operator, rows)
    keys = [new_key() for _ in range(1000)]
    results = await imported(operator, [row(f"rsu-{number}", each) for number, each in enumerate(keys)])
    assert {each.outcome for each in results} == {Outcome.OUTCOME_CREATED}


async def test_an_unknown_unit_waits_until_an_operator_admits_it(manager: LocalManager, operator: Peer) -> None:
    key = new_key()
    assert await refused(manager, "rsu-1", key) == "UNKNOWN_UNIT"
    await operator.set_policy(accepts_unknown_units=True)

    answer = await asked(manager, "rsu-1", key)
    again = await asked(manager, "rsu-1", key)
    (request,) = await waiting(operator)
    await approve(operator, request.name, node_id="rsu-7")
    admitted = await asked(manager, "rsu-1", key)

    assert (answer.state, again.state) == (answer.STATE_PENDING, answer.STATE_PENDING)
    assert answer.enrollment_request == again.enrollment_request == request.name
    assert answer.retry_after.seconds == 30
    assert (request.esn, request.source_address) == ("ESN-rsu-1", "127.0.0.1")
    about = audit_service_pb2.AuditFilter(resource=request.name, action="Enroll")
    entries = await operator.call(
        operator.audit.ListAuditEntries, audit_service_pb2.ListAuditEntriesRequest(filter=about)
    )
    assert len(entries.entries) == 2  # when it first asked and when it came in, not each time it asked again
    assert (admitted.state, admitted.node) == (admitted.STATE_ENROLLED, "nodes/rsu-7")
    await has_session(manager, credential(admitted, key))
    assert await waiting(operator) == []


async def test_a_rejected_unit_stays_out(manager: LocalManager, operator: Peer) -> None:
    await operator.set_policy(accepts_unknown_units=True)
    key = new_key()
    answer = await asked(manager, "rsu-1", key)
    reject = wire.RejectEnrollmentRequestRequest(name=answer.enrollment_request)
    await operator.call(operator.enrollment.RejectEnrollmentRequest, reject)
    assert await refused(manager, "rsu-1", key) == "REQUEST_REJECTED"
    manager.clock.push(days=8)
    assert await waiting(operator) == []


async def test_a_replacement_inherits_and_the_old_unit_is_cut_off(
    manager: LocalManager, operator: Peer, rsu: NodeCredential
) -> None:
    change = fleet_service_pb2.UpdateNodeRequest(
        node=node_pb2.Node(name="nodes/rsu-1", site=await operator.make_site("k12"))
    )
    change.update_mask.paths.append("site")
    await operator.call(operator.fleet.UpdateNode, change)
    await operator.set_policy(accepts_unknown_units=True)
    key = new_key()
    async with manager.node(rsu) as peer, living(peer, instance_id="old") as old:
        await within(old.welcomed)
        answer = await asked(manager, "rsu-1", key, esn="E-new")
        await approve(operator, answer.enrollment_request, replaced_node="nodes/rsu-1")
        assert not old.ended.is_set()
        admitted = await asked(manager, "rsu-1", key, esn="E-new")
        await within(old.ended, 5.0)
    assert old.reason == "CREDENTIAL_REVOKED"
    assert admitted.node == "nodes/rsu-1"
    node = await operator.get_node("rsu-1")
    assert (node.site, node.esn) == ("sites/k12", "E-new")
    await has_session(manager, credential(admitted, key))


async def test_a_token_in_hand_of_another_unit_is_worth_nothing(manager: LocalManager, operator: Peer) -> None:
    token = await operator.enrollment_token(esn="ESN-rsu-1")
    assert await refused(manager, "rsu-1", new_key(), token=token, esn="E-other") == "TOKEN_BOUND"
    await asked(manager, "rsu-1", new_key(), token=token)
    assert await refused(manager, "rsu-2", new_key(), token=token) in {"TOKEN_INVALID", "TOKEN_BOUND"}


async def test_a_recorded_enrolment_played_again_gets_nothing(manager: LocalManager, operator: Peer) -> None:
    key, token = new_key(), await operator.enrollment_token()
    recorded = enrollment(token, "rsu-1", csr(key))
    async with manager.stranger() as unit:
        answer = await unit.call(unit.enrollment.Enroll, recorded)
        await has_session(manager, credential(answer, key))
        with pytest.raises(UnauthenticatedError):
            await unit.call(unit.enrollment.Enroll, recorded)
    await has_session(manager, credential(answer, key))


async def test_tokens_are_listed_and_revoked(manager: LocalManager, operator: Peer) -> None:
    token = await operator.enrollment_token(node="nodes/rsu-1", max_use_count=3)
    listed = await operator.call(operator.enrollment.ListEnrollmentTokens, wire.ListEnrollmentTokensRequest())
    (one,) = listed.enrollment_tokens
    assert (one.node, one.remaining_use_count, one.tenant) == ("nodes/rsu-1", 3, "tenants/root")
    assert token not in str(one)
    await operator.call(operator.enrollment.RevokeEnrollmentToken, wire.RevokeEnrollmentTokenRequest(name=one.name))
    assert await refused(manager, "rsu-1", new_key(), token=token) == "TOKEN_INVALID"
