"""How often and how much each kind of caller may ask, over real TLS."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.link.manager_api.conftest import SETTINGS
from tests.link.manager_api.peer import Clock, LocalManager, NodeCredential, Peer, csr, enrollment, role
from wayside.errors import ResourceExhaustedError, WaysideError
from wayside.v1 import access_service_pb2, enrollment_service_pb2, fleet_service_pb2, node_service_pb2
from wayside_manager.app import running
from wayside_manager.cli.initialise import initialise
from wayside_manager.services.authority import new_key
from wayside_manager.settings import DataFolder

LIST = fleet_service_pb2.ListNodesRequest()
RATES = {"attempts_per_s": 2.0, "node_calls_per_s": 2.0, "operator_calls_per_s": 5.0}  # bursts: four seconds of it


@pytest.fixture
async def strict(tmp_path: Path, clock: Clock) -> AsyncIterator[LocalManager]:
    """A manager with few calls for everybody."""
    folder = DataFolder(tmp_path / "manager")
    settings = msgspec.structs.replace(SETTINGS, **RATES)
    await initialise(folder, settings)
    async with running(folder, settings, now=clock) as endpoints:
        yield LocalManager(folder, endpoints, clock)


async def outcomes(peer: Peer, rpc: Any, request: object, *, count: int) -> list[str]:  # noqa: ANN401  # any call
    """The reasons of so many calls at once; OK where there was an answer."""

    async def called() -> str:
        try:
            await peer.call(rpc, request)
        except WaysideError as exc:
            return exc.reason
        return "OK"

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(called()) for _ in range(count)]
    return [task.result() for task in tasks]


async def at_once(peer: Peer, count: int) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(peer.call(peer.fleet.ListNodes, LIST))


async def test_an_operator_has_a_burst_and_then_waits_and_others_do_not(strict: LocalManager) -> None:
    async with strict.operator() as admin:
        token = await admin.make_operator("vera", role("viewer"))
        found = await outcomes(admin, admin.fleet.ListNodes, LIST, count=40)
        async with strict.stranger(token=token) as vera:
            assert await outcomes(vera, vera.fleet.ListNodes, LIST, count=10) == ["OK"] * 10
    assert 18 <= found.count("OK") <= 30  # 20, less two calls before, and some that came meanwhile
    assert set(found) == {"OK", "RATE_LIMITED"}


async def test_the_answer_says_how_long_to_wait(strict: LocalManager) -> None:
    async with strict.operator() as admin:
        with pytest.raises(ExceptionGroup) as caught:
            await at_once(admin, 40)
    error = caught.value.exceptions[0]
    assert isinstance(error, ResourceExhaustedError)
    assert re.fullmatch(r"operators/admin calls too often; wait 0\.[12] s", error.message)


async def test_a_second_token_of_the_same_operator_has_no_burst_of_its_own(strict: LocalManager) -> None:
    async with strict.operator() as admin:
        token = await admin.api_token("admin")
        await outcomes(admin, admin.fleet.ListNodes, LIST, count=30)
        async with strict.stranger(token=token) as same:
            assert "RATE_LIMITED" in await outcomes(same, same.fleet.ListNodes, LIST, count=10)


async def test_enrolling_and_signing_in_share_one_bucket_per_address(strict: LocalManager) -> None:
    async with strict.stranger() as stranger:
        enroll = enrollment("wse_wrong", "rsu-1", csr(new_key()))
        tried = await outcomes(stranger, stranger.enrollment.Enroll, enroll, count=8)
        request = access_service_pb2.SignInRequest(operator="operators/admin", password="wrong")
        signed_in = await outcomes(stranger, stranger.access.SignIn, request, count=4)
    assert "RATE_LIMITED" not in tried
    assert "RATE_LIMITED" in signed_in


async def test_strangers_do_not_use_up_what_operators_may_do(strict: LocalManager) -> None:
    async with strict.stranger() as stranger, strict.operator() as admin:
        enroll = enrollment("wse_wrong", "rsu-1", csr(new_key()))
        await outcomes(stranger, stranger.enrollment.Enroll, enroll, count=9)
        assert await outcomes(admin, admin.fleet.ListNodes, LIST, count=5) == ["OK"] * 5


async def test_a_node_has_a_bucket_by_its_certificate(strict: LocalManager) -> None:
    credentials: list[NodeCredential] = [await strict.enroll(f"rsu-{number}") for number in range(2)]
    async with strict.node(credentials[0]) as busy, strict.node(credentials[1]) as quiet:
        request = node_service_pb2.FetchConfigRequest(revision=1)
        found = await outcomes(busy, busy.node.FetchConfig, request, count=20)
        assert "RATE_LIMITED" not in await outcomes(quiet, quiet.node.FetchConfig, request, count=8)
    assert found.count("RATE_LIMITED") >= 10


async def test_a_stranger_may_send_64_kib_and_an_operator_more(manager: LocalManager, operator: Peer) -> None:
    async with manager.stranger() as stranger:
        request = enrollment_service_pb2.EnrollRequest(token="x" * (64 << 10))
        with pytest.raises(ResourceExhaustedError, match="takes at most 65536") as caught:
            await stranger.call(stranger.enrollment.Enroll, request)
    assert caught.value.reason == "REQUEST_TOO_LARGE"
    large = fleet_service_pb2.ListNodesRequest(page_token="x" * (100 << 10))
    with pytest.raises(WaysideError) as answered:
        await operator.call(operator.fleet.ListNodes, large)
    assert answered.value.reason not in {"REQUEST_TOO_LARGE", "RATE_LIMITED"}
