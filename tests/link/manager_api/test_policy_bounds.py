"""The policy and lists of approvals take no value that they do not know."""

from typing import Any

import pytest

from tests.link.manager_api.peer import Peer
from wayside.errors import InvalidArgumentError
from wayside.v1 import approval_service_pb2


@pytest.mark.parametrize(
    "fields",
    [
        {"four_eyes_actions": [0]},
        {"four_eyes_actions": [99]},
        {"max_unapproved_node_count": -1},
        {"approval_ttl": {"seconds": 59}},
        {"approval_ttl": {"seconds": 30 * 86_400 + 1}},
        {"approval_ttl": {"seconds": 1, "nanos": -1}},
        {"clone_response": 99},
    ],
)
async def test_a_policy_out_of_range_is_refused(operator: Peer, fields: dict[str, object]) -> None:
    with pytest.raises(InvalidArgumentError):
        await operator.set_policy(**fields)


@pytest.mark.parametrize("state", [0, 99])
async def test_states_that_are_none_are_refused(operator: Peer, state: Any) -> None:  # noqa: ANN401  # what a stub lets through
    request = approval_service_pb2.ListApprovalsRequest(states=[state])
    with pytest.raises(InvalidArgumentError):
        await operator.call(operator.approval.ListApprovals, request)
