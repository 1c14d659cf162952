"""Who may call what, over real TLS."""

import asyncio
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import msgspec
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from tests.link.manager_api.conftest import SETTINGS
from tests.link.manager_api.peer import LocalManager, NodeCredential, Peer, Session, csr
from wayside.errors import (
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
    UnavailableError,
    WaysideError,
)
from wayside.v1 import fleet_service_pb2, node_service_pb2
from wayside_manager.api.failures import translated_errors
from wayside_manager.api.scopes import Context, Scoped
from wayside_manager.app import ServiceEndedError, read_authorities, running, utc_now
from wayside_manager.cli.initialise import initialise
from wayside_manager.services.authority import Authority, certified_hostnames, key_pem, new_key
from wayside_manager.services.retention import Retention
from wayside_manager.settings import DataFolder

LIST = fleet_service_pb2.ListNodesRequest()


async def refusal(peer: Peer) -> WaysideError:
    with pytest.raises(WaysideError) as caught:
        await peer.call(peer.fleet.ListNodes, LIST)
    return caught.value


async def test_without_a_credential_an_operator_call_is_unauthenticated(manager: LocalManager) -> None:
    async with manager.stranger() as stranger:
        error = await refusal(stranger)
    assert isinstance(error, UnauthenticatedError)
    assert error.reason == "NO_CREDENTIAL"


@pytest.mark.parametrize("token", ["wso_wrong", "nonsense", "wso_" + "x" * 43])
async def test_a_wrong_token_is_unauthenticated(manager: LocalManager, token: str) -> None:
    async with manager.stranger(token=token) as stranger:
        assert isinstance(await refusal(stranger), UnauthenticatedError)


async def test_an_operator_may_come_with_a_certificate(manager: LocalManager) -> None:
    folder = manager.folder.operator
    key, certificate = (folder / "operator.key").read_text(), (folder / "operator.pem").read_text()
    async with manager.certified(certificate, key) as peer:
        assert list((await peer.call(peer.fleet.ListNodes, LIST)).nodes) == []


async def test_a_node_may_not_call_as_an_operator(rsu_peer: Peer) -> None:
    error = await refusal(rsu_peer)
    assert isinstance(error, PermissionDeniedError)
    assert error.reason == "NOT_ALLOWED"


async def test_an_operator_may_not_call_as_a_node(operator: Peer) -> None:
    with pytest.raises(PermissionDeniedError):
        await operator.call(operator.node.FetchConfig, node_service_pb2.FetchConfigRequest(revision=1))


async def test_an_unknown_node_with_a_certificate_of_ours_is_denied(manager: LocalManager) -> None:
    own_key = new_key()
    issued = read_authorities(manager.folder).signing.node_certificate("ghost", csr(own_key), now=utc_now())
    async with manager.certified(issued.pem, key_pem(own_key)) as peer:
        error = await (await Session(peer).opened()).ended()
    assert isinstance(error, PermissionDeniedError)
    assert error.reason == "NODE_UNKNOWN"


async def test_enrolling_again_takes_the_older_certificate_back(manager: LocalManager, rsu: NodeCredential) -> None:
    again = await manager.enroll("rsu-1")
    async with manager.node(rsu) as older, manager.node(again) as newer:
        error = await (await Session(older).opened()).ended()
        welcome = await (await Session(newer).opened()).until("welcome")
    assert isinstance(error, UnauthenticatedError)
    assert welcome.HasField("server_time")


async def test_a_client_certificate_of_another_authority_fails_the_handshake(manager: LocalManager) -> None:
    other = Authority.made(now=utc_now())
    key = new_key()
    issued = other.node_certificate("rsu-1", csr(key), now=utc_now())
    async with manager.certified(issued.pem, key_pem(key)) as peer:
        assert isinstance(await refusal(peer), UnavailableError)


async def test_a_client_that_trusts_another_authority_refuses_the_server(manager: LocalManager) -> None:
    other = Authority.made(now=utc_now())
    async with manager.stranger(ca_pem=other.certificate_pem.encode()) as stranger:
        error = await refusal(stranger)
    assert isinstance(error, UnavailableError)
    assert error.reason == "UNTRUSTED_PEER"


async def test_an_ended_operator_certificate_is_unauthenticated(manager: LocalManager) -> None:
    manager.clock.push(days=400)  # TLS itself looks at the real clock
    folder = manager.folder.operator
    key, certificate = (folder / "operator.key").read_text(), (folder / "operator.pem").read_text()
    async with manager.certified(certificate, key) as peer:
        assert isinstance(await refusal(peer), UnauthenticatedError)


async def test_health_and_reflection_answer_without_a_credential(manager: LocalManager) -> None:
    async with manager.stranger() as stranger:
        health: Any = health_pb2_grpc.HealthStub(stranger.channel)
        answer = await health.Check(health_pb2.HealthCheckRequest(service="wayside.v1.NodeService"), timeout=5)
        channel: Any = stranger.channel  # the stubs know the other kind only
        reflection: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
        asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
        listed = [one async for one in reflection.ServerReflectionInfo(asked, timeout=5)]
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    names = {service.name for service in listed[0].list_services_response.service}
    assert {"wayside.v1.FleetService", "wayside.v1.NodeService", "grpc.health.v1.Health"} <= names


async def test_a_method_that_is_not_there_is_unimplemented(operator: Peer) -> None:
    call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = operator.channel.unary_unary(
        "/wayside.v1.FleetService/DropEverything", None, None
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(b"", timeout=5, metadata=operator.metadata)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("is_streaming", [False, True], ids=["unary", "mid-stream"])
async def test_the_text_of_a_bug_never_leaks(
    *, is_streaming: bool, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    async def broken(_request: bytes, context: Context) -> bytes:
        if is_streaming:
            await context.write(b"first")
        raise RuntimeError("secret path /var/lib/x")

    maker = grpc.unary_stream_rpc_method_handler if is_streaming else grpc.unary_unary_rpc_method_handler
    server = grpc.aio.server(interceptors=[Scoped(translated_errors)])
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("T", {"M": maker(broken)}),))
    port = server.add_insecure_port(f"unix:{tmp_path}/socket")
    await server.start()

    async def called(channel: grpc.aio.Channel) -> None:
        if is_streaming:
            stream: grpc.aio.UnaryStreamMultiCallable[bytes, bytes] = channel.unary_stream("/T/M", None, None)
            _ = [answer async for answer in stream(b"", timeout=5)]
        else:
            unary: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/T/M", None, None)
            await unary(b"", timeout=5)

    async with grpc.aio.insecure_channel(f"unix:{tmp_path}/socket") as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await called(channel)
    await server.stop(0)

    assert port
    assert (caught.value.code(), caught.value.details()) == (grpc.StatusCode.INTERNAL, "internal error")
    assert "secret path" in caplog.text


async def test_new_host_names_bring_a_new_server_certificate(tmp_path: Path) -> None:
    folder, settings = DataFolder(tmp_path / "manager"), SETTINGS
    await initialise(folder, settings)
    before = folder.server[0].read_bytes()
    async with running(folder, settings):
        unchanged = folder.server[0].read_bytes()
    async with running(folder, msgspec.structs.replace(settings, hostnames=("localhost", "manager.example"))):
        hostnames, _ = certified_hostnames(folder.server[0].read_bytes())
    assert unchanged == before
    assert hostnames == {"localhost", "manager.example"}


async def test_a_folder_without_an_authority_is_refused_in_one_sentence(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "manager")
    await initialise(folder, SETTINGS)
    (key,) = folder.authorities.glob("*.key")
    key.write_text("no key")
    with pytest.raises(InvalidArgumentError):
        await running(folder, SETTINGS).__aenter__()
    key.unlink()
    with pytest.raises(NotFoundError, match=r"\.key is not there"):
        await running(folder, SETTINGS).__aenter__()


async def test_a_failure_inside_comes_out_as_it_is(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "manager")
    await initialise(folder, SETTINGS)
    with pytest.raises(ZeroDivisionError):
        async with running(folder, SETTINGS):
            raise ZeroDivisionError


async def test_a_service_that_ends_by_itself_ends_the_manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def ended(_self: Retention) -> None:
        return

    folder = DataFolder(tmp_path / "manager")
    await initialise(folder, SETTINGS)
    monkeypatch.setattr(Retention, "run", ended)
    with pytest.raises(ServiceEndedError, match="retention"):
        async with running(folder, SETTINGS):
            await asyncio.Event().wait()
