"""Who may let units in for whom, over real TLS."""

import pytest
from google.protobuf.message import Message

from tests.link.manager_api.peer import LocalManager, Peer, role
from tests.link.manager_api.test_enrollment_modes import Outcome, asked, imported, row
from wayside.errors import NotFoundError, PermissionDeniedError
from wayside.v1 import enrollment_service_pb2 as wire
from wayside_manager.services.authority import new_key


@pytest.mark.usefixtures("rsu")
async def test_a_city_lets_units_in_for_itself_only(manager: LocalManager, operator: Peer) -> None:
    await operator.make_tenant("haikou")
    await operator.make_tenant("sanya")
    secret = await operator.make_operator("mei", role("operator", "haikou"))
    root_token = await operator.enrollment_token()
    listed = await operator.call(operator.enrollment.ListEnrollmentTokens, wire.ListEnrollmentTokensRequest())
    async with manager.stranger(token=secret) as mei:
        own = await mei.enrollment_token()
        answer = await asked(manager, "rsu-2", new_key(), token=own)
        seen = await mei.call(mei.enrollment.ListEnrollmentTokens, wire.ListEnrollmentTokensRequest())
        forbidden: tuple[tuple[object, Message], ...] = (
            (mei.enrollment.CreateEnrollmentToken, wire.CreateEnrollmentTokenRequest(tenant="tenants/sanya")),
            (mei.enrollment.CreateEnrollmentToken, wire.CreateEnrollmentTokenRequest(node="nodes/rsu-1")),
            (
                mei.enrollment.RevokeEnrollmentToken,
                wire.RevokeEnrollmentTokenRequest(name=listed.enrollment_tokens[0].name),
            ),
        )
        for rpc, request in forbidden:
            with pytest.raises((NotFoundError, PermissionDeniedError)):
                await mei.call(rpc, request)  # type: ignore[arg-type]  # one of several
        (result,) = await imported(mei, [row("rsu-3", new_key(), tenant="tenants/sanya")])
    assert (await operator.get_node(answer.node.removeprefix("nodes/"))).tenant == "tenants/haikou"
    assert list(seen.enrollment_tokens) == []
    assert result.outcome == Outcome.OUTCOME_REFUSED
    await asked(manager, "rsu-9", new_key(), token=root_token)


async def test_who_has_a_site_only_lets_nobody_in(manager: LocalManager, operator: Peer) -> None:
    await operator.set_policy(accepts_unknown_units=True)
    secret = await operator.make_operator("li", role("operator", "root", sites=("k12",)))
    answer = await asked(manager, "rsu-1", new_key())
    async with manager.stranger(token=secret) as li:
        for call in (
            li.call(li.enrollment.ListEnrollmentRequests, wire.ListEnrollmentRequestsRequest()),
            li.call(
                li.enrollment.RejectEnrollmentRequest,
                wire.RejectEnrollmentRequestRequest(name=answer.enrollment_request),
            ),
            li.call(
                li.enrollment.ApproveEnrollmentRequest,
                wire.ApproveEnrollmentRequestRequest(name=answer.enrollment_request),
            ),
        ):
            with pytest.raises((PermissionDeniedError, NotFoundError)):
                await call
