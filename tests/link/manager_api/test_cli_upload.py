"""Uploads of the command line: who is refused hears why, and nobody sends what is not wanted."""

from collections.abc import AsyncIterator

import pytest

from tests.link.manager_api.peer import LocalManager, Peer, role
from tests.link.manager_api.people import api_token, make_operator
from wayside.errors import WaysideError
from wayside.v1 import release_service_pb2
from wayside_manager.cli.client import connected
from wayside_manager.cli.context import Context

CHUNK = bytes(1 << 20)
CHUNK_COUNT = 20
TRY_COUNT = 5
"""Fewer than bring a caller with a wrong token the door's penalty."""


async def refused(manager: LocalManager, token: str) -> tuple[str, int]:
    """Why an upload of 20 MB is refused, and how many of its chunks were asked for."""
    sent = 0

    async def messages() -> AsyncIterator[release_service_pb2.CreateReleaseRequest]:
        nonlocal sent
        spec = release_service_pb2.ReleaseSpec(version="1.1.0", sha256="0" * 64, size_bytes=CHUNK_COUNT << 20)
        yield release_service_pb2.CreateReleaseRequest(spec=spec)
        for _ in range(CHUNK_COUNT):
            sent += 1
            yield release_service_pb2.CreateReleaseRequest(content=CHUNK)

    context = Context(address=manager.endpoints.operator_address, ca_pem=manager.ca_pem, token=token)
    async with connected(context) as client:
        with pytest.raises(WaysideError) as caught:
            await client.upload(client.release.CreateRelease, messages())
    return caught.value.reason, sent


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("viewer", ("ROLE_MISSING", 0)),
        ("stranger", ("TOKEN_INVALID", 0)),
        ("admin", ("ARTIFACT_TOO_LARGE", CHUNK_COUNT)),
    ],
    ids=["no permission", "no token", "too large"],
)
async def test_who_is_refused_hears_why_and_sends_no_content_without_permission(
    manager: LocalManager, operator: Peer, who: str, expected: tuple[str, int]
) -> None:
    tokens = {"admin": manager.token, "stranger": "nothing"}
    if who == "viewer":
        await make_operator(operator, "ann", role("viewer"))
        tokens["viewer"] = (await api_token(operator, "ann")).token
    assert {await refused(manager, tokens[who]) for _ in range(TRY_COUNT)} == {expected}
